"""The typed schema of a run: every key that a configuration may hold, its default and its bounds.

Values are strict ("80" is no number) and unknown keys are refused. What no single field can tell is checked in
`envrl.config.constraints`.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from envrl.config.constraints import violations
from envrl.config.groups.base import Group
from envrl.config.groups.dataset import DatasetConfig
from envrl.config.groups.method import PLAY_METHODS, STAGE_LOSSES, MethodConfig
from envrl.config.groups.model import LoraConfig, ModelConfig, VllmConfig
from envrl.config.groups.play import EnvConfig, EvalConfig, LimitsConfig, RewardConfig, SandboxConfig
from envrl.config.groups.train import OutputConfig, TrainConfig

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
    "RewardConfig",
    "RunConfig",
    "SandboxConfig",
    "TrainConfig",
    "VllmConfig",
]


class RunConfig(Group):
    """Everything that a run is told."""

    model: ModelConfig = Field(default_factory=ModelConfig, description="what writes completions")
    env: EnvConfig = Field(default_factory=EnvConfig, description="what strategies play")
    dataset: DatasetConfig = Field(
        default_factory=DatasetConfig, description="what the stages that do not play train on"
    )
    reward: RewardConfig = Field(default_factory=RewardConfig, description="what a completion earns")
    method: MethodConfig = Field(default_factory=MethodConfig, description="which stage, and its loss")
    train: TrainConfig = Field(default_factory=TrainConfig, description="the course of the optimiser")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how strategies are confined")
    eval: EvalConfig = Field(default_factory=EvalConfig, description="what is measured before and after")
    output: OutputConfig = Field(default_factory=OutputConfig, description="where the run is written")

    @model_validator(mode="after")
    def _check_constraints(self) -> Self:
        if found := violations(self):
            text = "\n".join(f"{violation.fields[0]}: {violation.text}" for violation in found)
            raise PydanticCustomError("constraint", "{text}", {"text": text, "violations": found})
        return self

    @property
    def measures_by_play(self) -> bool:
        """Whether the model is measured by play before and after training."""
        return self.method.plays if self.eval.play is None else self.eval.play
