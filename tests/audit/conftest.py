"""A short 2048 with small budgets, and the bait."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from envrl.audit import Bait
from envrl.envs import Task, find_task
from envrl.limits import Limits

LIMITS = Limits(
    load_cpu=1.0, call_cpu=0.1, game_cpu=2.0, grace_cpu=0.1, memory=48 * 2**20, output=2000, hard_failures=2
)


@pytest.fixture(scope="session")
def task() -> Task:
    """2048 that is won or lost within 40 moves."""
    return dataclasses.replace(find_task("2048", {"target": 64, "horizon": 40}), limits=LIMITS)


@pytest.fixture
def bait() -> Iterator[Bait]:
    """Laid, and untouched."""
    with Bait() as laid:
        assert laid.touched() == ()
        yield laid
