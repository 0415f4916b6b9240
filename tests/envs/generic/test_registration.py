"""Environments of Gymnasium's and of a user's own become tasks, and what is wrong with them is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import envrl
from envrl.envs import find_task
from envrl.envs.games import InvalidAction
from envrl.errors import ConfigError, EnvError, UnknownNameError
from envrl.rollouts import Arena, Assignment, LocalPlayers

from .conftest import Guess

pytestmark = pytest.mark.usefixtures("clean")

BISECT = "def strategy(observation):\n    return 2\n"
FILE = '''
import gymnasium, envrl
from gymnasium.spaces import Discrete

@envrl.register("mine/coin-v0", short="coin", max_episode_steps=3, success="return > 0")
class Coin(gymnasium.Env):
    """Call a coin."""
    observation_space, action_space = Discrete(1), Discrete(2)
    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}
    def step(self, action):
        return 0, float(self.np_random.integers(2) == action), True, False, {}
'''


def played(task: Any, source: str = BISECT, seeds: int = 4, arena: bool = False) -> Any:
    players = Arena(task, workers=1) if arena else LocalPlayers(task)
    try:
        (card,) = players.play([Assignment(source, tuple(range(seeds)), tuple(range(100, 100 + seeds)))])
    finally:
        players.close()
    return card


def test_any_environment_of_gymnasium_is_a_task() -> None:
    task = find_task("CartPole-v1")
    assert task.success == "return >= 475, within 500 steps"
    assert "a list of 4 floats" in task.prompt("chat")
    assert "an int from 0 to 1" in task.prompt("chat")
    assert "pole" in task.prompt("chat")  # from its docstring
    card = played(task, "def strategy(o):\n    return 1 if 3 * o[2] + o[3] > 0 else 0", arena=True)
    assert [e.score for e in card.episodes] == [500.0] * 4
    assert card.success == 1.0
    card = played(task, "def strategy(o):\n    return 1")
    assert card.success == 0.0
    assert all(e.score < 20 and e.outcome == "failure" and 0 <= e.progress < 0.1 for e in card.episodes)


def test_rules_and_horizons_can_be_changed() -> None:
    task = find_task("CartPole-v1", {"horizon": 5}, success="steps >= 5")
    assert played(task, "def strategy(o):\n    return 1").success == 1.0
    assert find_task("FrozenLake-v1", {"is_slippery": False}).options["is_slippery"] is False


def test_a_fault_earns_no_progress_where_steps_cost() -> None:
    card = played(find_task("MountainCar-v0"), "def strategy(o):\n    return 7")
    assert {(e.outcome, e.progress) for e in card.episodes} == {("invalid_action", 0.0)}


def test_a_class_is_registered_by_a_decorator_or_a_call() -> None:
    assert envrl.register("t/guess-v0", short="guessing", max_episode_steps=5)(Guess) is Guess
    envrl.register("t/other-v0", Guess, max_episode_steps=5, success="steps <= 1")
    assert gymnasium.make("t/guess-v0").spec.max_episode_steps == 5
    task = find_task("guessing")
    assert task.id == "t/guess-v0"
    assert task.success.startswith("the environment says is_success")
    assert "Guess the number" in task.prompt("chat")
    assert find_task("other").id == "t/other-v0"


def test_what_the_task_needs_beyond_the_environment_is_given_in_the_call() -> None:
    def action(value: Any) -> int:
        if value not in ("low", "middle", "high"):
            raise InvalidAction(f"returned {value!r}")
        return {"low": 0, "middle": 2, "high": 4}[value]

    envrl.register(
        "t/words-v0", Guess, max_episode_steps=4, signature="guess(hint, doubled)",
        arguments=lambda observation: [["none", "low", "high"][observation], 2 * int(observation)],
        action=action, example_action='"low"', toolkit='def turn(hint):\n    """the other side"""\n    return "low"\n',
        progress=lambda end: 0.25,
    )  # fmt: skip
    task = find_task("t/words-v0")
    assert "- turn(hint): the other side" in task.prompt("chat")
    card = played(task, 'def guess(hint, doubled):\n    return turn(hint) if doubled < 4 else "no"', 40)
    assert {e.outcome for e in card.episodes} == {"success", "failure"}  # "low" always, and a number is never below it
    assert {e.progress for e in card.episodes} == {1.0, 0.25}
    card = played(task, 'def guess(hint, doubled):\n    return "high" if doubled < 4 else "no"', 40)
    assert {e.outcome for e in card.episodes} == {"success", "invalid_action"}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: find_task("CartPole-v2"), UnknownNameError, "CartPole-v"),
        (lambda: find_task("2049"), UnknownNameError, "2048"),
        (lambda: find_task("CartPole-v1", {"gravity_": 3}), EnvError, "gravity_"),
        (lambda: find_task("CartPole-v1", {"horizon": "x"}), ConfigError, "horizon is 'x'"),
        (lambda: find_task("CartPole-v1", success="often"), ConfigError, "often"),
        (lambda: find_task("2048", success="return >= 3"), ConfigError, "its own rule"),
        (lambda: find_task("no/such/file.py:x"), EnvError, "no such file"),
        (lambda: envrl.register("t/a-v0", Guess, colour=3), EnvError, "no argument colour"),
        (lambda: envrl.register("t/a-v0", Guess, short="2048"), EnvError, "belongs to envrl/2048-v0"),
        (lambda: envrl.register("CartPole-v1", Guess), EnvError, "taken"),
        (lambda: envrl.register("not an id", Guess), EnvError, "not an id"),
        (lambda: envrl.wrap("CartPole-v1", signature="f(a, b)"), ConfigError, "one argument"),
        (lambda: envrl.wrap("CartPole-v1", horizon=0), ConfigError, "horizon is 0"),
    ],
)
def test_what_cannot_be_used_is_told(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


class Breaks(Guess):
    def step(self, action: Any) -> Any:
        if action == 1:
            raise RuntimeError("a bug in step")
        return super().step(action)


class BreaksAtOnce(Guess):
    broken = False

    def reset(self, **options: Any) -> Any:
        if type(self).broken:
            raise RuntimeError("a bug in reset")
        return super().reset(**options)


def test_what_an_environment_does_wrong_is_never_the_strategys_fault() -> None:
    envrl.register("t/breaks-v0", Breaks, max_episode_steps=4, success="return > 0")
    with pytest.raises(EnvError, match=r"t/breaks-v0.*RuntimeError.*a bug in step"):
        find_task("t/breaks-v0")  # random play meets it
    import envrl.envs.generic.task as module
    from envrl.envs.generic.random_play import RandomPlay

    quiet = RandomPlay(0.0, 4, False, [0, 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "random_play", lambda *_: quiet)
        task = find_task("t/breaks-v0")
        card = played(task, "def strategy(observation):\n    return 1")
        assert {e.outcome for e in card.episodes} == {"infrastructure_error"}
        assert "a bug in step" in card.episodes[0].detail
        assert card.infrastructure_error


def test_an_environment_that_cannot_begin_is_told_and_no_strategy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    envrl.register("t/broken-v0", BreaksAtOnce, max_episode_steps=4, success="return > 0")
    task = find_task("t/broken-v0")
    monkeypatch.setattr(BreaksAtOnce, "broken", True)
    players = LocalPlayers(task)
    try:
        cards = players.play([Assignment(BISECT, (0, 1), (5, 6)), Assignment("def strategy(", (0,), (5,))])
    finally:
        players.close()
    assert [e.outcome for e in cards[0].episodes] == ["infrastructure_error"] * 2
    assert "a bug in reset" in cards[0].episodes[0].detail
    assert cards[1].outcome == "syntax_error"


def test_a_file_is_an_environment(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    for name in (f"{path}:coin", str(path), f"{path}:mine/coin-v0"):
        assert find_task(name).id == "mine/coin-v0"
    assert find_task("coin").id == "mine/coin-v0"
    card = played(find_task(f"{path}:coin"), "def strategy(observation):\n    return 1", 30, arena=True)
    assert 0 < card.success < 1
    with pytest.raises(UnknownNameError, match="coin"):
        find_task(f"{path}:coins")
    (tmp_path / "empty.py").write_text("x = 1")
    with pytest.raises(EnvError, match="registers no environment"):
        find_task(str(tmp_path / "empty.py"))
    (tmp_path / "bad.py").write_text("1 / 0")
    with pytest.raises(EnvError, match=r"bad.py cannot be loaded: ZeroDivisionError"):
        find_task(str(tmp_path / "bad.py"))


def test_episodes_are_the_same_in_another_process_and_with_another_hash_seed(tmp_path: Path) -> None:
    code = """
import json
from envrl.envs import find_task
from envrl.rollouts import LocalPlayers, Assignment
players = LocalPlayers(find_task("FrozenLake-v1"))
(card,) = players.play([Assignment("def strategy(o):\\n    return (o * 7 + 1) % 4", (0, 1, 2, 3), (11, 12, 13, 14))])
players.close()
print(json.dumps([[e.outcome, e.steps, e.score] for e in card.episodes]))
"""
    results = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "ENVRL_CACHE": str(tmp_path), "HOME": "/"},
                capture_output=True, check=True, text=True,
            ).stdout
        )
        for seed in ("1", "2")
    ]  # fmt: skip
    assert results[0] == results[1]


def test_what_a_tasks_own_functions_raise_is_never_the_strategys_fault() -> None:
    def oops(*_: Any) -> Any:
        raise ZeroDivisionError("oops")

    envrl.register("t/oops-v0", Guess, max_episode_steps=2, success="return >= 2", progress=oops)
    card = played(find_task("t/oops-v0"))
    assert {e.outcome for e in card.episodes} == {"infrastructure_error"}
    assert "ZeroDivisionError: oops" in card.episodes[0].detail
    envrl.register("t/seven-v0", Guess, max_episode_steps=2, success="return >= 2", progress=lambda end: 7.0)
    assert "progress is 7.0" in played(find_task("t/seven-v0")).episodes[0].detail


def test_a_strategy_cannot_make_its_loss_ours_by_what_it_returns() -> None:
    envrl.register("t/indexed-v0", Guess, max_episode_steps=2, action=lambda value: [0, 1][value], example_action="0")
    card = played(find_task("t/indexed-v0"), "def strategy(observation):\n    return 5")
    assert {e.outcome for e in card.episodes} == {"invalid_action"}
    assert "returned 5, which raised IndexError" in card.episodes[0].detail


def test_a_cell_of_a_notebook_may_be_run_twice() -> None:
    for steps in (5, 7):

        @envrl.register("t/again-v0", max_episode_steps=steps, success="return >= 2")
        class Again(Guess):
            """Again."""

        assert gymnasium.spec("t/again-v0").max_episode_steps == steps
    with pytest.raises(EnvError, match="registered already"):
        envrl.register("CartPole-v1", max_episode_steps=7)


class Unclosable(BreaksAtOnce):
    def close(self) -> None:
        raise OSError("cannot close")


def test_an_environment_that_cannot_close_ends_nobody_elses_game() -> None:
    envrl.register("t/unclosable-v0", Unclosable, max_episode_steps=2, success="return >= 2")
    card = played(find_task("t/unclosable-v0"), seeds=12)
    assert {e.outcome for e in card.episodes} <= {"failure", "success"}


def test_the_horizon_of_a_registered_environment_can_be_changed() -> None:
    envrl.register("t/short-v0", Guess, max_episode_steps=50, success="return >= 2")
    card = played(find_task("t/short-v0", {"horizon": 3}), "def strategy(observation):\n    return 4")
    assert max(e.steps for e in card.episodes) <= 3
