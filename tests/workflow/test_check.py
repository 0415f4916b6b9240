"""`envrl check` passes a good environment, and names what is wrong with each of the others."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from click.testing import CliRunner, Result

import envrl
from envrl.cli.check import command
from envrl.envs import registry
from envrl.envs.games import Ending
from envrl.envs.generic.games import EnvGames
from envrl.errors import EnvError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.workflow.check import Checked, Verdict, check
from envrl.workflow.init import init

LAST = "hostile programs"  # starts referees: only for the good one
CHECKS = [
    "environment", "episodes", "observations", "fresh observations", "Gymnasium's checker", "seeds",
    "global random state", "time of a step", "task", "prompt", "batch independence", "random play", "constant actions",
    "order of rewards", LAST,
]  # fmt: skip


@contextmanager
def apart(folder: Path) -> Iterator[None]:
    """A cache of its own, and registries that forget afterwards what was put in."""
    ids, tasks = dict(gymnasium.registry), dict(registry._tasks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENVRL_CACHE", str(folder / "cache"))
        yield
    gymnasium.registry.clear()
    gymnasium.registry.update(ids)
    registry._tasks.clear()
    registry._tasks.update(tasks)


@pytest.fixture(autouse=True)
def clean(tmp_path: Path) -> Iterator[None]:
    with apart(tmp_path):
        yield


class Steady(gymnasium.Env[Any, Any]):
    """Say for six steps which of two numbers is larger."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.left, self.right = 6, 0
        self.numbers = self.draw()
        return self.numbers, {}

    def draw(self) -> Any:
        return self.np_random.random(2)

    def step(self, action: Any) -> Any:
        self.left -= 1
        self.right += int(action == (self.numbers[1] > self.numbers[0]))
        self.numbers = self.draw()
        return self.numbers, float(self.right == 6), self.left == 0, False, {}


class OwnChance(Steady):
    """Draws from where no seed reaches."""

    def draw(self) -> Any:
        return np.random.default_rng().random(2)


class NoChance(Steady):
    """Is the same game for every seed."""

    def draw(self) -> Any:
        return np.array([0.2, 0.7])


class GlobalChance(Steady):
    """Draws from a state that all share."""

    def draw(self) -> Any:
        return np.array([random.random(), np.random.random()])


class OneArray(Steady):
    """Writes into what it has returned."""

    def draw(self) -> Any:
        if not hasattr(self, "array"):
            self.array = np.zeros(2)
        self.array[:] = self.np_random.random(2)
        return self.array


class Raises(Steady):
    """Has a bug."""

    def step(self, action: Any) -> Any:
        if self.left == 3:
            raise RuntimeError("a bug in step")
        return super().step(action)


class RaisesAtOnce(Steady):
    """Has a bug."""

    def reset(self, **options: Any) -> Any:
        raise KeyError("a bug in reset")


class Leaves(Steady):
    """Ends more than the episode."""

    def step(self, action: Any) -> Any:
        sys.exit(3)


class OldTuple(Steady):
    """Keeps the rules of another library."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, _, info = super().step(action)
        return observation, reward, terminated, info


class NoInfo(Steady):
    """Keeps the rules of another library."""

    def reset(self, **options: Any) -> Any:
        return super().reset(**options)[0]


class NoBool(Steady):
    """Says an end in words."""

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, "yes" if terminated else "", truncated, info


class NotANumber(Steady):
    """Divides by nothing."""

    def step(self, action: Any) -> Any:
        observation, _, *rest = super().step(action)
        return observation, float("nan"), *rest


class Outside(Steady):
    """Leaves its space."""

    def draw(self) -> Any:
        return self.np_random.random(2) * 3


class Shared(Steady):
    """Counts the steps of all its instances together."""

    steps = 0

    def reset(self, **options: Any) -> Any:
        Shared.steps = 0
        return super().reset(**options)

    def step(self, action: Any) -> Any:
        Shared.steps += 1
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or Shared.steps >= 6, truncated, info


class Aims(Steady):
    """Say how far apart two numbers are."""

    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def step(self, action: Any) -> Any:
        return super().step(abs(action[0] - abs(self.numbers[1] - self.numbers[0])) < 0.05)


class Generous(Steady):
    """Pays for anything."""

    def step(self, action: Any) -> Any:
        observation, _, *rest = super().step(action)
        return observation, 1.0, *rest


def verdicts(name: str, until: str, **options: Any) -> dict[str, Checked]:
    """The verdicts on an environment, up to a check."""
    found: dict[str, Checked] = {}
    for checked in check(name, **options):
        found[checked.check] = checked
        if checked.check == until:
            break
    return found


def looked(env: type[gymnasium.Env[Any, Any]], until: str = "random play", **task: Any) -> dict[str, Checked]:
    """The verdicts on a class."""
    envrl.register("t/env-v0", env, short="t-env", **{"success": "return >= 1", "max_episode_steps": 20, **task})
    return verdicts("t-env", until)


def bad(found: dict[str, Checked]) -> dict[str, Verdict]:
    return {name: checked.verdict for name, checked in found.items() if checked.verdict is not Verdict.OK}


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The command, on a package that `envrl init` has just written."""
    folder = tmp_path_factory.mktemp("scaffold")
    with apart(folder):
        init("scaffold", folder)
        return CliRunner().invoke(command, [f"{folder}/scaffold/src/scaffold/__init__.py:scaffold"])


def test_what_init_writes_passes_every_check(scaffold: Result) -> None:
    assert scaffold.exit_code == 0, scaffold.output
    lines = scaffold.output.splitlines()
    assert [line[9:31].strip() for line in lines[:-1]] == CHECKS
    assert {line[:9].strip() for line in lines[:-1]} == {"ok"}
    assert lines[-1].endswith(f"{len(CHECKS)} ok")


def test_a_good_environment_pays_honest_play_more_than_any_fault() -> None:
    found = looked(Steady, "order of rewards")
    assert bad(found) == {}
    for word in ("invalid_action 0.8", "exception 0.5", "timeout 0.38", "violation -0.50", "earns 1.0"):
        assert word in found["order of rewards"].seen


def test_actions_may_be_numbers_with_bounds() -> None:
    found = looked(Aims, "order of rewards")
    assert bad(found) == {}
    assert "the best of 8, always [" in found["constant actions"].seen


SINS = [
    (OwnChance, "seeds", "two different episodes", "self.np_random"),
    (GlobalChance, "global random state", "after random.seed and np.random.seed", "none from random or np.random"),
    (OneArray, "fresh observations", "observation of step 0, seed 0, was changed by later steps", "return a copy"),
    (Raises, "episodes", "RuntimeError: a bug in step (test_check.py, line ", "not raise"),
    (RaisesAtOnce, "episodes", "KeyError: 'a bug in reset' (test_check.py, line ", "not raise"),
    (Leaves, "episodes", "SystemExit: 3 (test_check.py, line ", "not raise"),
    (OldTuple, "episodes", "step returned a tuple of 4: (ndarray, float, bool, dict)", "truncated"),
    (NoInfo, "episodes", "reset returned a value of type ndarray", "(observation, info)"),
    (NoBool, "episodes", "terminated is '', of type str", "return a bool"),
    (NotANumber, "episodes", "step 1 of seed 0 gave the reward nan", "finite float"),
    (Outside, "observations", "step 0 of seed 0 gave an observation outside Box(0.0, 1.0", "declare a space"),
    (Shared, "batch independence", "game 0 plays otherwise beside others than alone", "none in the class"),
]


@pytest.mark.parametrize(("env", "name", "seen", "mend"), SINS, ids=[env.__name__ for env, *_ in SINS])
def test_a_sin_is_named(env: type[Steady], name: str, seen: str, mend: str) -> None:
    found = looked(env)
    assert found[name].verdict is Verdict.FAILED
    assert seen in found[name].seen
    assert mend in found[name].mend
    # Gymnasium's own checker may see the same; nothing else is blamed.
    failed = {check for check, verdict in bad(found).items() if verdict is Verdict.FAILED}
    assert failed <= {name, "Gymnasium's checker", "batch independence"}
    if name == "episodes":
        assert found["task"].verdict is Verdict.NOT_RUN
        assert "'episodes' is mended" in found["task"].seen


def test_a_game_that_random_play_wins_is_a_warning() -> None:
    assert bad(looked(Steady, success="return >= 0")) == {"random play": Verdict.WARNING}


def test_an_ignored_seed_is_a_warning() -> None:
    found = looked(NoChance)
    assert bad(found) == {"seeds": Verdict.WARNING}
    assert "the seed seems ignored" in found["seeds"].seen


def test_a_constant_that_wins_is_a_warning() -> None:
    found = looked(Generous, "constant actions")
    assert found["constant actions"].verdict is Verdict.WARNING
    assert "the best of 2, always 0, wins 100% of 20 games" in found["constant actions"].seen


def test_an_environment_that_says_nothing_of_itself_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Steady, "__doc__", None)
    found = looked(Steady, "prompt")
    assert found["prompt"].verdict is Verdict.WARNING
    assert "about=" in found["prompt"].mend


def test_a_prompt_without_end_is_a_warning() -> None:
    assert bad(looked(Steady, "prompt", about="x" * 12_000)) == {"prompt": Verdict.WARNING}


def test_games_that_do_not_end_in_time_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envrl.workflow.check_task._PATIENCE", 0.0)
    found = looked(Steady, "constant actions")
    assert bad(found) == {"constant actions": Verdict.WARNING}
    assert "no game came to its end in time" in found["constant actions"].seen


def test_a_fault_that_pays_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def standing(games: EnvGames, which: int) -> Ending:
        return Ending(Outcome.FAILURE, 0, 0.0, 1.0, {})

    monkeypatch.setattr(EnvGames, "standing", standing)
    found = looked(Steady, "order of rewards")["order of rewards"]
    assert found.verdict is Verdict.FAILED
    assert "invalid_action pays as much as honest play" in found.seen


def test_a_task_that_takes_anything_for_an_action_is_named() -> None:
    found = looked(Steady, "order of rewards", action=lambda value: 0, example_action="0")["order of rewards"]
    assert found.verdict is Verdict.FAILED
    assert "raise InvalidAction" in found.mend


def in_words(value: Any) -> int:
    if value not in ("left", "right"):
        raise envrl.InvalidAction(f"returned {value!r}")
    return int(value == "right")


def test_a_task_with_actions_of_its_own_is_checked_by_its_example() -> None:
    found = looked(Steady, "order of rewards", action=in_words, example_action="'left'")
    assert bad(found) == {}
    assert "always 'left' earns 1.00; invalid_action 0.88" in found["order of rewards"].seen


def test_an_example_that_its_own_task_refuses_is_a_warning() -> None:
    found = looked(Steady, "order of rewards", action=in_words)
    assert bad(found) == {"task": Verdict.WARNING}
    assert "refuses the example action: returned None" in found["task"].seen


def test_an_action_check_that_raises_is_named() -> None:
    found = looked(Steady, "order of rewards", action=lambda value: {0: 0, 1: 1}[value], example_action="1")
    assert "TypeError: unhashable" in found["order of rewards"].seen or "KeyError" in found["order of rewards"].seen
    assert found["order of rewards"].verdict is Verdict.FAILED


def test_success_that_nobody_says_is_asked_for() -> None:
    envrl.register("t/env-v0", Steady, short="t-env", max_episode_steps=20)
    told = verdicts("t-env", LAST)
    assert told["task"].verdict is Verdict.FAILED
    assert "--success" in told["task"].seen
    assert told[LAST].verdict is Verdict.NOT_RUN
    assert bad(verdicts("t-env", "task", success="return >= 1")) == {}


def test_a_failed_check_is_exit_code_1_and_its_words_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: Any, action: Any) -> Any:
        raise RuntimeError("\x1b[31m[bold]red\n\u202e")

    monkeypatch.setattr(Raises, "step", step)
    envrl.register("t/env-v0", Raises, short="t-env", success="return >= 1")
    said = CliRunner().invoke(command, ["t-env"])
    assert said.exit_code == 1
    assert isinstance(said.exception, SystemExit)
    assert "failed   episodes              RuntimeError: \\x1b[31m[bold]red\\n\\u202e" in said.output
    assert "         mend: let it not raise" in said.output
    assert "t-env: 1 ok, 1 failed, 13 not run" in said.output


@pytest.mark.parametrize("name", ["FrozenLake-v1", "2048", "sudoku", "math"])
def test_stock_and_built_in_environments_are_checked_too(name: str) -> None:
    found = verdicts(name, "order of rewards")
    assert Verdict.FAILED not in bad(found).values(), found


def test_the_state_of_global_randomness_is_left_as_it_was() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()
    looked(Steady, "batch independence")
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_name_or_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="CartPole-v"):
        next(check("CartPole-v9"))
    with pytest.raises(EnvError, match="no such file"):
        next(check(str(tmp_path / "none.py")))
