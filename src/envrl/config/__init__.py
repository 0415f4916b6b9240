"""The typed schema of a run, YAML with line numbers, overrides.

`load_config` is the one way in; light (pydantic and PyYAML only).
"""

from __future__ import annotations

from envrl.config.fields import leaf_fields
from envrl.config.resolve import Resolved, load_config
from envrl.config.schema import (
    EnvConfig,
    EvalConfig,
    LimitsConfig,
    LoraConfig,
    MethodConfig,
    ModelConfig,
    OutputConfig,
    RewardConfig,
    RunConfig,
    SandboxConfig,
    TrainConfig,
)

__all__ = [
    "EnvConfig",
    "EvalConfig",
    "LimitsConfig",
    "LoraConfig",
    "MethodConfig",
    "ModelConfig",
    "OutputConfig",
    "Resolved",
    "RewardConfig",
    "RunConfig",
    "SandboxConfig",
    "TrainConfig",
    "leaf_fields",
    "load_config",
]
