"""Sudoku as a single Gymnasium environment."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envrl.envs.sudoku import SudokuEnv, board_text, puzzle
from envrl.errors import ConfigError, UnknownNameError

ID = "test_env/Sudoku-v0"


@pytest.fixture
def registered():
    gymnasium.register(ID, entry_point=SudokuEnv)
    yield ID
    del gymnasium.registry[ID]


@pytest.mark.parametrize("options", [{}, {"blanks": 35, "grade": None}, {"grade": "easy", "render_mode": "ansi"}])
def test_gymnasiums_checker_has_nothing_to_say(registered, options):
    check_env(gymnasium.make(registered, **options).unwrapped)


def test_the_solution_solves_the_game_of_its_seed():
    env, made = SudokuEnv(), puzzle(9, 50, "medium")
    observation, info = env.reset(seed=9)
    assert (observation == np.array([made.clues, made.clues]).reshape(2, 9, 9)).all()
    total = 0.0
    for count, cell in enumerate([cell for cell in range(81) if not made.clues[cell]], 1):
        assert info == {"is_success": False, "illegal": False, "filled": count - 1, "correct": count - 1}
        action = np.array([cell // 9, cell % 9, made.solution[cell] - 1])
        observation, reward, terminated, truncated, info = env.step(action)
        total += reward
        assert observation in env.observation_space
        assert terminated == (count == 50)
        assert not truncated
    assert info == {"is_success": True, "illegal": False, "filled": 50, "correct": 50}
    assert total == 50
    assert (observation[0].ravel() == made.solution).all()
    assert (observation[1].ravel() == made.clues).all()


def test_an_illegal_placement_ends_the_game_and_changes_nothing():
    made = puzzle(2, 50, "medium")
    blank = made.clues.index(0)
    given = next(digit for digit in made.clues[:9] if digit)
    clue = made.clues.index(given)
    for cell, digit in ((clue, given), (clue, given % 9 + 1), (blank, given)):
        env = SudokuEnv()
        before, _ = env.reset(seed=2)
        after, reward, terminated, _, info = env.step(np.array([cell // 9, cell % 9, digit - 1]))
        assert (after == before).all()
        assert (reward, terminated, info["illegal"], info["is_success"]) == (0, True, True, False)


def test_a_filled_cell_stays():
    made = puzzle(2, 50, "medium")
    env, blank = SudokuEnv(), made.clues.index(0)
    env.reset(seed=2)
    row, column, digit = blank // 9, blank % 9, made.solution[blank] - 1
    assert env.step(np.array([row, column, digit]))[1:3] == (1, False)
    assert env.step(np.array([row, column, (digit + 1) % 9]))[2]


def test_random_legal_play_ends_stuck_and_a_wrong_digit_earns_nothing():
    env, rng = SudokuEnv(), np.random.default_rng(0)
    made = puzzle(4, 50, "medium")
    observation, _ = env.reset(seed=4)
    terminated, correct, steps = False, 0, 0
    while not terminated:
        board = observation[0]
        legal = [
            (r, c, d)
            for r, c, d in np.ndindex(9, 9, 9)
            if not board[r, c]
            and d + 1
            not in [*board[r], *board[:, c], *board[r // 3 * 3 : r // 3 * 3 + 3, c // 3 * 3 : c // 3 * 3 + 3].flat]
        ]
        assert legal, "the game went on though nothing could be placed"
        r, c, d = legal[rng.integers(len(legal))]
        observation, reward, terminated, _, info = env.step(np.array([r, c, d]))
        assert reward == (made.solution[9 * r + c] == d + 1)
        correct, steps = correct + reward, steps + 1
        assert (info["illegal"], info["filled"], info["correct"]) == (False, steps, correct)
    assert not info["is_success"]
    assert steps < 50


def test_without_a_seed_games_follow_from_the_last_seed():
    one, two = SudokuEnv(40, None), SudokuEnv(40, None)
    one.reset(seed=3)
    two.reset(seed=3)
    later = [one.reset()[0] for _ in range(3)]
    assert all((a == two.reset()[0]).all() for a in later)
    assert len({a.tobytes() for a in later}) == 3


def test_render():
    env = SudokuEnv(render_mode="ansi")
    env.reset(seed=1)
    text = env.render()
    assert isinstance(text, str)
    assert len(text.splitlines()) == 11
    assert text.count(".") == 50
    assert SudokuEnv().render() is None
    assert board_text(bytes(range(9)) * 9).splitlines()[:4] == [". 1 2 | 3 4 5 | 6 7 8"] * 3 + ["------+-------+------"]


def test_misuse_is_told():
    env = SudokuEnv(render_mode="ansi")
    for call in (lambda: env.step(np.array([0, 0, 0])), env.render):
        with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
            call()
    env.reset(seed=0)
    for action in ([0, 0, 9], [-1, 0, 0], [0, 0], [0, 0, 1.5], 3, None, [True, False, True], [[0], [0, 1], [0]]):
        with pytest.raises(gymnasium.error.InvalidAction, match="each from 0 to 8"):
            env.step(action)
    with pytest.raises(ConfigError, match="80 blanks"):
        SudokuEnv(80)
    with pytest.raises(UnknownNameError, match="harder"):
        SudokuEnv(50, "harder")
