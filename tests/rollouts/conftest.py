"""Players of a short 2048, shared by the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envrl.envs import Task, find_task
from envrl.limits import Limits
from envrl.rollouts import LocalPlayers, Player, profile_of
from envrl.sandbox import Sandbox

LIMITS = Limits(
    load_cpu=1.0, call_cpu=0.1, game_cpu=2.0, grace_cpu=0.1, memory=48 * 2**20, output=2000, hard_failures=2
)


@pytest.fixture(scope="session")
def task() -> Task:
    """2048 that is won or lost within 40 moves."""
    return find_task("2048", {"target": 64, "horizon": 40})


@pytest.fixture(scope="session")
def limits() -> Limits:
    """Small budgets, for quick faults."""
    return LIMITS


@pytest.fixture(scope="session")
def sandbox(task: Task) -> Iterator[Sandbox]:
    """For strategies of the task."""
    with Sandbox(profile_of(task)) as made:
        yield made


@pytest.fixture(scope="session")
def player(task: Task, sandbox: Sandbox) -> Player:
    """Plays in this process."""
    return Player(task, sandbox, LIMITS)


@pytest.fixture(scope="session")
def local(task: Task) -> Iterator[LocalPlayers]:
    """What a referee holds."""
    made = LocalPlayers(task, LIMITS)
    yield made
    made.close()
