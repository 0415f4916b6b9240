"""2048 in lockstep is the Gymnasium environment, episode by episode."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from envrl.envs import InvalidAction, find_task
from envrl.envs.game2048 import ACTIONS
from envrl.envs.game2048.games import action
from envrl.envs.games import describe
from envrl.outcomes import Outcome
from envrl.seeding import block_salt, episode_seeds

SIZES = [
    {"size": 4, "target": 64, "horizon": 60},
    {"size": 3, "target": 32, "horizon": 500},
    {"size": 6, "target": 128, "horizon": 90},
    {"size": 4, "target": 512, "horizon": 500, "max_ineffective": 2},
]


def moves_of(seed: int):
    rng = np.random.default_rng(seed)
    # Some like two directions only: those get stuck.
    weights = rng.dirichlet([0.4] * 4)
    while True:
        yield int(rng.choice(4, p=weights))


def alone(task, seed):
    """One episode through Gymnasium, and how it ends by the words of the task."""
    options = {name: task.options[name] for name in ("size", "target", "max_ineffective")}
    env = gymnasium.make(task.id, max_episode_steps=task.options["horizon"], **options)
    boards = [env.reset(seed=seed)[0]]
    score, steps, done = 0.0, 0, False
    for move in moves_of(seed):
        observation, reward, terminated, truncated, info = env.step(move)
        boards.append(observation)
        score, steps, done = score + reward, steps + 1, terminated or truncated
        if done:
            break
    stuck = info["ineffective"] >= task.options["max_ineffective"]
    outcome = Outcome.SUCCESS if info["is_success"] else Outcome.INVALID_ACTION if stuck else Outcome.FAILURE
    return boards, (outcome, steps, score, {"max_tile": float(info["max_tile"])})


@pytest.mark.parametrize("options", SIZES)
def test_lockstep_is_the_environment_episode_by_episode(options):
    task = find_task("2048", options)
    seeds = episode_seeds(block_salt("test", task.id, task.version), "test", range(12))
    games = task.games(seeds)
    expected = [alone(task, seed) for seed in seeds]
    moves = [moves_of(seed) for seed in seeds]
    going, step, endings = list(range(len(seeds))), 0, {}
    rng = np.random.default_rng(0)
    while going:
        rng.shuffle(going)  # neither order nor company of a game may show
        for which, payload in zip(going, games.observe(going), strict=True):
            assert payload == expected[which][0][step].tobytes()
        for which, ending in zip(going, games.act(going, [next(moves[w]) for w in going]), strict=True):
            if ending is not None:
                endings[which] = ending
        going = [which for which in going if which not in endings]
        step += 1
    for which, (_, (outcome, steps, score, metrics)) in enumerate(expected):
        ending = endings[which]
        assert (ending.outcome, ending.steps, ending.score, ending.metrics) == (outcome, steps, score, metrics)
        assert ending.progress == min(1.0, np.log2(metrics["max_tile"]) / np.log2(options["target"]))
    if "max_ineffective" not in options:
        assert len({ending.outcome for ending in endings.values()}) > 1, "the test sees one way to end only"


def test_ten_ineffective_moves_in_a_row_end_a_game_and_nine_do_not():
    task = find_task("2048")
    games = task.games([7])
    before, in_a_row, longest = games.observe([0])[0], 0, 0
    up, right = ACTIONS.index("W"), ACTIONS.index("D")
    ending = None
    for _ in range(100):
        # Up until nothing moves, then nine times in vain, and once aside: that starts the count anew.
        move = right if in_a_row == 9 and longest < 9 else up
        ending = games.act([0], [move])[0]
        after = games.observe([0])[0]
        longest = max(longest, in_a_row)
        in_a_row = in_a_row + 1 if after == before else 0
        before = after
        if ending is not None:
            break
    assert longest == 9
    assert in_a_row == 10
    assert ending is not None
    assert ending.outcome is Outcome.INVALID_ACTION
    assert 0 < ending.progress < 1


def test_the_horizon_ends_a_game_as_a_failure():
    task = find_task("2048", {"horizon": 5})
    games = task.games([1, 2])
    endings = [games.act([0, 1], [step % 4] * 2) for step in range(5)]
    assert all(ending is None for pair in endings[:-1] for ending in pair)
    assert [(ending.outcome, ending.steps) for ending in endings[-1]] == [(Outcome.FAILURE, 5)] * 2


def test_a_game_stands_as_a_failure_with_the_progress_it_has():
    task = find_task("2048")
    games = task.games([1])
    assert games.standing(0).outcome is Outcome.FAILURE
    assert games.standing(0).steps == 0
    assert games.standing(0).progress in (1 / 9, 2 / 9)


def test_keys_stand_for_the_actions_of_the_environment():
    assert [action(key) for key in "WDSA"] == [0, 1, 2, 3]


@pytest.mark.parametrize("value", ["w", "", "WA", "UP", 0, 1.0, True, None, ["W"], ("W",), {"W": 1}, b"W", "W" * 1000])
def test_what_is_no_key_is_no_action(value):
    with pytest.raises(InvalidAction) as caught:
        action(value)
    assert len(str(caught.value)) < 150


def test_a_value_that_cannot_be_shown_is_described() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert describe(deep) == "a value of type list that is too large to show"
    assert describe(10**5000) == "a value of type int that is too large to show"
