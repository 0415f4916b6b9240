"""Sudoku in lockstep is the Gymnasium environment, episode by episode."""

from __future__ import annotations

import numpy as np
import pytest

from envrl.envs import InvalidAction
from envrl.envs.sudoku import SudokuEnv, puzzle
from envrl.envs.sudoku.games import Lockstep, action
from envrl.outcomes import Outcome


def player(seed: int, care: float):
    """Placements of the solution; with less care some that are legal, wrong or not legal at all."""
    made, rng = puzzle(seed, 45, "easy"), np.random.default_rng(seed)
    for cell in rng.permutation([cell for cell in range(81) if not made.clues[cell]]).tolist():
        if rng.random() < care:
            yield (cell // 9, cell % 9, made.solution[cell])
        else:
            yield tuple(rng.integers((0, 0, 1), (9, 9, 10)).tolist())


def alone(seed: int, care: float):
    """One episode through the environment, and how it ends by the words of the task."""
    env = SudokuEnv(45, "easy")
    boards, score, steps = [env.reset(seed=seed)[0]], 0.0, 0
    for row, column, digit in player(seed, care):
        observation, reward, terminated, _, info = env.step(np.array([row, column, digit - 1]))
        boards.append(observation)
        score, steps = score + reward, steps + 1
        if terminated:
            break
    outcome = Outcome.SUCCESS if info["is_success"] else Outcome.INVALID_ACTION if info["illegal"] else Outcome.FAILURE
    return boards, (outcome, steps, score, score / 45, {"filled": float(info["filled"])})


@pytest.mark.parametrize("care", [1.0, 0.98, 0.7])
def test_lockstep_is_the_environment_episode_by_episode(care):
    seeds = list(range(40, 60))
    games = Lockstep(seeds, blanks=45, grade="easy")
    expected = [alone(seed, care) for seed in seeds]
    moves = [player(seed, care) for seed in seeds]
    going, step, endings = list(range(len(seeds))), 0, {}
    rng = np.random.default_rng(0)
    while going:
        rng.shuffle(going)  # neither order nor company of a game may show
        for which, payload in zip(going, games.observe(going), strict=True):
            assert payload == expected[which][0][step].tobytes()
        for which, ending in zip(going, games.act(going, [action(next(moves[w])) for w in going]), strict=True):
            if ending is not None:
                endings[which] = ending
        going = [which for which in going if which not in endings]
        step += 1
    for which, (_, told) in enumerate(expected):
        ending = endings[which]
        assert (ending.outcome, ending.steps, ending.score, ending.progress, ending.metrics) == told
    outcomes = {ending.outcome for ending in endings.values()}
    assert outcomes == {Outcome.SUCCESS} if care == 1 else Outcome.INVALID_ACTION in outcomes


def test_a_wrong_digit_stays_and_the_game_ends_when_nothing_can_be_placed(sudoku):
    games = sudoku.games([3])
    made, ending, steps = puzzle(3, 50, "medium"), None, 0
    while ending is None:
        board = games.observe([0])[0]
        # The first legal placement, wrong ones first.
        legal = [
            (digit == made.solution[cell], (cell // 9, cell % 9, digit))
            for cell in range(81)
            for digit in range(1, 10)
            if not board[cell]
            and all(
                board[peer] != digit
                for peer in range(81)
                if peer // 9 == cell // 9
                or peer % 9 == cell % 9
                or (peer // 27, peer % 9 // 3) == (cell // 27, cell % 9 // 3)
            )
        ]
        (ending,) = games.act([0], [action(min(legal)[1])])
        steps += 1
    right = sum(games.observe([0])[0][cell] == made.solution[cell] and not made.clues[cell] for cell in range(81))
    assert (ending.outcome, ending.steps, ending.score) == (Outcome.FAILURE, steps, right)
    assert ending.progress == right / 50 < 1
    assert steps < 50


def test_a_refused_placement_says_which_and_why(sudoku):
    made = puzzle(1, 50, "medium")
    clue = next(cell for cell in range(81) if made.clues[cell])
    row, digit = clue // 9, made.clues[clue]
    blank = next(column for column in range(9) if not made.clues[9 * row + column])
    for move, why in (
        ((row, clue % 9, digit), f"the cell has {digit} from the start"),
        ((row, blank, digit), f"its row has {digit} already"),
    ):
        (ending,) = sudoku.games([1]).act([0], [action(move)])
        assert ending.detail == f"returned {move}, which may not be placed: {why}"
        assert (ending.outcome, ending.steps, ending.progress) == (Outcome.INVALID_ACTION, 1, 0)


def test_a_game_stands_as_a_failure_with_the_progress_it_has(sudoku):
    games = sudoku.games([1])
    assert (games.standing(0).outcome, games.standing(0).steps, games.standing(0).progress) == (Outcome.FAILURE, 0, 0)
    made = puzzle(1, 50, "medium")
    cell = made.clues.index(0)
    games.act([0], [action((cell // 9, cell % 9, made.solution[cell]))])
    assert (games.standing(0).steps, games.standing(0).progress) == (1, 1 / 50)


def test_a_placement_is_one_number():
    assert [action((0, 0, 1)), action((8, 8, 9)), action([2, 3, 4])] == [0, 728, 2 * 81 + 3 * 9 + 3]


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "123", (1, 2), (1, 2, 3, 4), (9, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 10), (0, 0, 1.0), (0, 0, True),
        (0, 0, "1"), (0, 0, None), {0: 0, 1: 1, 2: 2}, b"\x00\x01\x02", (10**400, 0, 1), ((0, 0), 1),
    ],
)  # fmt: skip
def test_what_is_no_placement_is_no_action(value):
    with pytest.raises(InvalidAction, match=r"returned .* no \(row, col, digit\)") as caught:
        action(value)
    assert len(str(caught.value)) < 180
