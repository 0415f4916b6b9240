"""The typed schema of a run, YAML with line numbers, overrides.

`load_config` is the one way in; light (pydantic and PyYAML only).
"""

from __future__ import annotations

from envrl.config.fields import leaf_fields
from envrl.config.json_schema import json_schema
from envrl.config.machine import check_machine
from envrl.config.overrides import command_arguments, override_arguments
from envrl.config.resolve import Resolved, load_config
from envrl.config.schema import (
    PLAY_METHODS,
    STAGE_LOSSES,
    DatasetConfig,
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
    VllmConfig,
)

__all__ = [
    "PLAY_METHODS",
    "STAGE_LOSSES",
    "DatasetConfig",
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
    "VllmConfig",
    "check_machine",
    "command_arguments",
    "json_schema",
    "leaf_fields",
    "load_config",
    "override_arguments",
]
