"""The groups of play: ``env``, ``reward``, ``sandbox`` and ``eval``."""

from __future__ import annotations

from typing import Literal

import msgspec
from pydantic import Field

from envrl.config.groups.base import Flag, Group, Indices, Key, Text
from envrl.limits import Limits

__all__ = ["EnvConfig", "EvalConfig", "LimitsConfig", "RewardConfig", "SandboxConfig"]

Layer = Literal["language", "limits", "no_new_privs", "seccomp", "landlock", "namespaces", "root", "cgroup", "user"]
"""Mirrors `envrl.sandbox.LAYERS`."""


class EnvConfig(Group):
    """What strategies play."""

    id: Text = Field(default="2048", description="name of the environment")
    options: dict[Key, int | float | str | bool] = Field(
        default_factory=dict, description="keyword arguments of the environment, such as target or size"
    )
    module: Text | None = Field(
        default=None,
        alias="import",
        description="module or file (path.py) to import first, which registers environments",
    )
    success: Text | None = Field(
        default=None, description="rule in place of the environment's own, such as 'return >= 475'"
    )
    toolkit: Literal["full", "none"] = Field(default="full", description="helper functions lent to strategies")
    episodes: int = Field(default=4, ge=1, le=4096, description="seeds that each completion plays in training")


class RewardConfig(Group):
    """What a completion earns."""

    preset: str = Field(default="envrl", min_length=1, description="named set of reward components")
    weights: dict[Key, float] = Field(default_factory=dict, description="weights of components that differ")
    functions: list[Text] = Field(
        default_factory=list, description="reward functions of your own, path/to/file.py:name or package.module:name"
    )


class LimitsConfig(Group):
    """Budgets of a strategy that differ from the task's; null keeps the task's. Mirrors `envrl.limits.Limits`."""

    load_cpu: float | None = Field(default=None, gt=0, description="CPU seconds to compile a program and start it")
    call_cpu: float | None = Field(default=None, gt=0, description="CPU seconds of one call")
    game_cpu: float | None = Field(default=None, gt=0, description="CPU seconds of all calls of a game")
    grace_cpu: float | None = Field(default=None, gt=0, description="CPU seconds from a soft fault to the kill")
    wall_factor: float | None = Field(default=None, ge=1, description="wall-clock backstop, as a multiple of CPU")
    wall_floor: float | None = Field(default=None, gt=0, description="least wall-clock backstop in seconds")
    memory: int | None = Field(default=None, ge=2**20, description="bytes that a strategy may add to its worker")
    source: int | None = Field(default=None, ge=1, description="most bytes of a program")
    output: int | None = Field(default=None, ge=0, description="most bytes that a game may print")
    value: int | None = Field(default=None, ge=1, description="most bytes of one returned value")
    recursion: int | None = Field(default=None, ge=1, description="most nested Python calls")
    hard_failures: int | None = Field(default=None, ge=1, description="lost workers after which games are skipped")

    def over(self, base: Limits) -> Limits:
        """The limits of ``base`` with the budgets that are set here in their place."""
        return msgspec.structs.replace(base, **self.model_dump(exclude_none=True))


class SandboxConfig(Group):
    """How strategies are confined."""

    workers: int | None = Field(default=None, ge=1, description="referee processes; null is one a core")
    require: list[Layer] = Field(
        default=["limits", "no_new_privs", "seccomp"], description="layers without which a run does not start"
    )
    limits: LimitsConfig = Field(default_factory=LimitsConfig, description="budgets that differ from the task's")
    runner: Literal["local", "ray"] = Field(
        default="local", description="where referees run: on this machine, or on a Ray cluster"
    )
    ray_address: Text | None = Field(
        default=None, description="auto or HOST:PORT of a Ray cluster; null is RAY_ADDRESS, else a Ray of this machine"
    )
    play_ahead: Flag = Field(
        default=True,
        description="play programs while the model still writes others, on all referees but one (generation by "
        "transformers; others hand over their completions all at once)",
    )


class EvalConfig(Group):
    """What is measured before and after training."""

    play: Flag | None = Field(
        default=None, description="measure the model by play; null is yes for grpo and rloo, no for the others"
    )
    samples: int = Field(default=64, ge=1, description="programs sampled for each measurement")
    seeds: Indices = Field(default="0:32", description="indices of the seeds that each program plays")
    block: Literal["test", "final", "validation"] = Field(default="test", description="block of those seeds")
    validation_seeds: Indices = Field(
        default="0:96", description="indices of the validation seeds that choose the best program"
    )
    best_of: int = Field(
        default=128,
        ge=1,
        description="programs among which the best is chosen: those sampled after training, then those that training "
        "rewarded most",
    )
