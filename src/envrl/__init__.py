"""envrl: language models write programs, envrl plays them, confined, on seeded episodes, and trains on what happened.

The public names are below; importing this package loads none of what they need (no torch, no numpy). Gymnasium finds
``envrl/2048-v0`` and its kin through ``gymnasium.make("envrl:envrl/2048-v0")`` or after ``import envrl.envs``.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

__version__ = importlib.import_module("importlib.metadata").version("envrl")

_HOMES = {
    "Arena": "envrl.rollouts",
    "Assignment": "envrl.rollouts",
    "Episode": "envrl.rollouts",
    "Limits": "envrl.limits",
    "LocalPlayers": "envrl.rollouts",
    "Outcome": "envrl.outcomes",
    "Scorecard": "envrl.rollouts",
    "Scorer": "envrl.rewards",
    "Task": "envrl.envs",
    "evaluate_strategy": "envrl.workflow.evaluate",
    "find_preset": "envrl.rewards",
    "find_task": "envrl.envs",
    "load_config": "envrl.config",
    "train": "envrl.workflow.train",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'envrl' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if "gymnasium" in sys.modules:
    # gymnasium.make("envrl:…") imports this package to have its environments registered.
    importlib.import_module("envrl.envs")
