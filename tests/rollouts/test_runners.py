"""Which runner plays: what cannot be used is told before anything starts."""

from __future__ import annotations

import sys

import pytest

from envrl.envs import Task
from envrl.errors import ConfigError, MissingExtraError, UnknownNameError
from envrl.rollouts import Arena, open_arena


def test_local_is_an_arena(task: Task) -> None:
    with open_arena(task, workers=1) as made:
        assert isinstance(made, Arena)
        assert made.play([]) == []


def test_an_unknown_runner_is_told_with_the_nearest(task: Task) -> None:
    with pytest.raises(UnknownNameError, match="unknown runner 'rey': did you mean ray"):
        open_arena(task, runner="rey")


def test_an_address_needs_the_runner_ray(task: Task) -> None:
    with pytest.raises(ConfigError, match=r"auto.*runner is 'local'.*sandbox.runner=ray"):
        open_arena(task, ray_address="auto")


def test_a_missing_ray_is_told_with_the_line_that_installs_it(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r'pip install "envrl\[ray\]"'):
        open_arena(task, runner="ray")
