"""What is checked, and what a check says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

import gymnasium

from envrl.envs import Task
from envrl.envs.generic.games import EnvGames
from envrl.seeding import episode_seeds

__all__ = ["SEEDS", "STEPS", "Check", "Checked", "Found", "Objection", "Step", "Subject", "Verdict", "differ"]


class Verdict(StrEnum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_RUN = "not run"


class Checked(NamedTuple):
    """One check of an environment.

    Attributes:
        check: what was checked.
        verdict: of it.
        seen: what was seen. Words of the environment's may be in it: escape them where people read them.
        mend: what to do, where something is to be done.
    """

    check: str
    verdict: Verdict
    seen: str
    mend: str = ""


Found = tuple[Verdict, str, str]
"""What a check found: verdict, what was seen, what to do."""

SEEDS = (0, 1, 2)
STEPS = 100
"""Of an episode that only looks."""


class Objection(Exception):
    """What an environment does wrong, with what to do."""

    def __init__(self, seen: str, mend: str) -> None:
        super().__init__(seen)
        self.seen, self.mend = seen, mend


class Step(NamedTuple):
    """What came of `gymnasium.Env.reset` or of a step, and how it looked then."""

    returned: tuple[Any, dict[str, Any]]
    frozen: Any
    then: tuple[float, bool, bool] = (0.0, False, False)

    @property
    def told(self) -> Any:
        """All of it that must repeat; info is for people, and may hold a time."""
        return self.frozen[0], self.then


@dataclass
class Subject:
    """What is checked."""

    env_id: str
    find: Callable[[], Task]
    full: bool
    action_space: Any = None
    actions: list[Any] = field(default_factory=list)
    task: Task | None = None
    episodes: list[list[Step]] = field(default_factory=list)

    def make(self) -> gymnasium.Env[Any, Any]:
        return gymnasium.make(self.env_id, disable_env_checker=True)

    def known(self) -> Task:
        assert self.task is not None
        return self.task

    def by_space(self) -> bool:
        """Whether the task's games take what its environment's action space holds."""
        games = self.known().games
        return isinstance(games, partial) and games.func is EnvGames

    def seeds(self, count: int) -> list[int]:
        task = self.known()
        return episode_seeds(f"envrl/{task.id}/{task.version}/check", "train", range(count))


class Check(NamedTuple):
    """One thing that is tried.

    Attributes:
        title: its name in the verdict.
        run: tries it; what it raises is a failed check.
        first: whether nothing later can be tried where it fails.
    """

    title: str
    run: Callable[[Subject], Found]
    first: bool = False


def differ(a: Sequence[Any], b: Sequence[Any]) -> int | None:
    """The first place at which two episodes differ."""
    differing = (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    return next(differing, None if len(a) == len(b) else min(len(a), len(b)))
