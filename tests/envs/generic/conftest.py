"""A cache of its own, and a few environments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from envrl.envs import registry


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ENVRL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def clean() -> Iterator[None]:
    """Takes out of both registries what a test put in."""
    ids, tasks = dict(gymnasium.registry), dict(registry._tasks)
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(ids)
    registry._tasks.clear()
    registry._tasks.update(tasks)


class Guess(gymnasium.Env[Any, Any]):
    """Guess the number from 0 to 4. The observation is how the last guess was: 0 none yet, 1 too low, 2 too high."""

    observation_space = gymnasium.spaces.Discrete(3)
    action_space = gymnasium.spaces.Discrete(5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.number = int(self.np_random.integers(5))
        return np.int64(0), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        right = int(action) == self.number
        return np.int64(1 + (action > self.number)), float(right), right, False, {"is_success": right}
