"""envrl: language models write programs, envrl plays them, confined, on seeded episodes, and trains on what happened.

The public names are below; importing this package loads none of what they need (no torch, no numpy). Gymnasium finds
``envrl/2048-v0`` and its kin after ``import envrl``, or through ``gymnasium.make("envrl:envrl/2048-v0")``.
"""

from __future__ import annotations

import importlib
from typing import Any

from envrl._gymnasium import register_when_imported

__version__ = importlib.import_module("importlib.metadata").version("envrl")

_HOMES = {
    "Arena": "envrl.rollouts",
    "Assignment": "envrl.rollouts",
    "Episode": "envrl.rollouts",
    "EpisodeEnd": "envrl.envs",
    "Example": "envrl.envs",
    "InvalidAction": "envrl.envs",
    "Limits": "envrl.limits",
    "LocalPlayers": "envrl.rollouts",
    "Outcome": "envrl.outcomes",
    "PromptEnv": "envrl.rewards.prompt_env",
    "Scorecard": "envrl.rollouts",
    "Scorer": "envrl.rewards",
    "Success": "envrl.envs",
    "Task": "envrl.envs",
    "environment_factory": "envrl.trainers.environment_factory",
    "evaluate_strategy": "envrl.workflow.evaluate",
    "find_preset": "envrl.rewards",
    "find_task": "envrl.envs",
    "load_config": "envrl.config",
    "register": "envrl.envs",
    "train": "envrl.workflow.train",
    "wrap": "envrl.envs",
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


register_when_imported()
