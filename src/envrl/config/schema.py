"""The typed schema of a run: every key that a configuration may hold, its default and its bounds.

Values are strict ("80" is no number) and unknown keys are refused. What no single field can tell is checked in
`envrl.config.constraints`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from envrl.config.constraints import violations
from envrl.errors import SeedError
from envrl.limits import Limits
from envrl.seeding import parse_indices

__all__ = [
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
]


def _whole_number_as_text(value: object) -> object:
    # YAML reads the name 2048 and the seeds 32 as numbers; both are meant as text.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_indices(text: str) -> str:
    try:
        parse_indices(text)
    except SeedError as error:
        raise ValueError(str(error)) from None
    return text


def _check_warmup(value: int | float) -> int | float:
    if isinstance(value, float) and value >= 1:
        raise ValueError("expected a whole number of steps, or a share of the run below 1")
    return value


Text = Annotated[str, BeforeValidator(_whole_number_as_text), Field(min_length=1)]
Indices = Annotated[Text, AfterValidator(_check_indices)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Layer = Literal["language", "limits", "no_new_privs", "seccomp", "landlock", "namespaces", "root", "cgroup", "user"]
"""Mirrors `envrl.sandbox.LAYERS`."""


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class LoraConfig(_Group):
    """Low-rank adapters, trained in place of the whole model."""

    r: int = Field(ge=1, description="rank of the adapters")
    alpha: int = Field(ge=1, description="scale of the adapters, divided by r")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout before the adapters")
    target_modules: list[str] | Literal["all-linear"] = Field(
        default="all-linear", description="modules that get adapters: a list of names, or all-linear"
    )


class ModelConfig(_Group):
    """What writes completions."""

    path: Text = Field(default="tiny", description="tiny, a Hugging Face id, or a local path")
    backend: Literal["transformers", "unsloth"] = Field(
        default="transformers", description="library that loads and trains the model"
    )
    generation: Literal["transformers", "vllm"] = Field(
        default="transformers", description="library that samples completions"
    )
    contract: Literal["tiny", "chat", "reasoning", "notebook"] = Field(
        default="tiny", description="how a strategy is taken out of a completion"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="number type of the loaded weights"
    )
    load_in_4bit: bool = Field(default=False, description="load the frozen weights quantized to 4 bits")
    max_seq_length: int = Field(default=2048, ge=16, description="most tokens of prompt and completion together")
    trust_remote_code: bool = Field(default=False, description="run Python code that comes with the model")
    lora: LoraConfig | None = Field(default=None, description="adapters to train; null trains the whole model")


class EnvConfig(_Group):
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


class RewardConfig(_Group):
    """What a completion earns."""

    preset: str = Field(default="envrl", min_length=1, description="named set of reward components")
    weights: dict[Key, float] = Field(default_factory=dict, description="weights of components that differ")


class MethodConfig(_Group):
    """How rewards become a gradient."""

    name: Literal["grpo"] = Field(default="grpo", description="training method")
    num_generations: int = Field(default=8, ge=2, description="completions of a group, compared with one another")
    temperature: float = Field(default=1.0, gt=0, description="sampling temperature")
    top_p: float = Field(default=1.0, gt=0, le=1, description="probability mass that is sampled from")
    top_k: int | None = Field(default=None, ge=1, description="most tokens that are sampled from; null is all")
    min_p: float | None = Field(default=None, ge=0, le=1, description="least probability, relative to the best token")
    max_completion_length: int = Field(default=256, ge=1, description="most tokens of a completion")
    beta: float = Field(default=0.0, ge=0, description="weight of the KL term; 0 loads no reference model")
    loss_type: Literal["grpo", "dr_grpo", "dapo", "bnpo", "cispo", "sapo", "luspo", "vespo"] = Field(
        default="dapo", description="how token losses are weighed and summed"
    )
    scale_rewards: Literal["group", "batch", "none"] = Field(
        default="group", description="whose standard deviation divides the rewards"
    )
    entropy_coef: float = Field(default=0.0, ge=0, description="weight of the entropy bonus")
    epsilon: float = Field(default=0.2, ge=0, description="clipping below, and above unless epsilon_high is set")
    epsilon_high: float | None = Field(default=None, ge=0, description="clipping above; null is epsilon")
    mask_truncated_completions: bool = Field(
        default=False, description="leave completions that hit the length limit out of the loss"
    )
    steps_per_generation: int | None = Field(
        default=None, ge=1, description="batches sampled at once; null is gradient_accumulation_steps"
    )
    num_iterations: int = Field(default=1, ge=1, description="times that each sampled batch is used")


class TrainConfig(_Group):
    """The course of the optimiser, and the machine that it runs on."""

    max_steps: int = Field(default=100, ge=1, description="optimiser steps of the run")
    learning_rate: float = Field(default=5e-6, gt=0, le=1, description="peak learning rate")
    lr_scheduler_type: Literal[
        "constant",
        "constant_with_warmup",
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "inverse_sqrt",
    ] = Field(default="constant", description="course of the learning rate after warmup_steps")
    warmup_steps: Annotated[int | float, Field(ge=0), AfterValidator(_check_warmup)] = Field(
        default=0, description="steps over which the learning rate rises, or their share of the run below 1"
    )
    max_grad_norm: float = Field(default=1.0, ge=0, description="norm to which gradients are clipped; 0 is not at all")
    weight_decay: float = Field(default=0.0, ge=0, description="decay of weights a step")
    optim: str = Field(default="adamw_torch", min_length=1, description="optimiser, as transformers names it")
    adam_beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of Adam's mean")
    adam_beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of Adam's variance")
    per_device_train_batch_size: int = Field(default=8, ge=1, description="completions of one backward pass")
    gradient_accumulation_steps: int = Field(default=1, ge=1, description="backward passes of one optimiser step")
    seed: int = Field(default=0, ge=0, lt=2**32, description="seed of sampling and data order (not of episodes)")
    bf16: bool = Field(default=False, description="train in bfloat16 mixed precision")
    fp16: bool = Field(default=False, description="train in float16 mixed precision")
    gradient_checkpointing: bool = Field(default=False, description="save memory by computing activations twice")
    logging_steps: int = Field(default=1, ge=1, description="steps between lines of metrics")
    save_steps: int = Field(default=100, ge=1, description="steps between checkpoints; the last step always has one")
    torch_threads: int | None = Field(default=None, ge=1, description="threads of torch; null leaves its choice")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the model lives")
    report_to: list[str] = Field(default_factory=list, description="trackers that get the metrics too, such as wandb")


class LimitsConfig(_Group):
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


class SandboxConfig(_Group):
    """How strategies are confined."""

    workers: int | None = Field(default=None, ge=1, description="referee processes; null is one a core")
    require: list[Layer] = Field(
        default=["limits", "no_new_privs", "seccomp"], description="layers without which a run does not start"
    )
    limits: LimitsConfig = Field(default_factory=LimitsConfig, description="budgets that differ from the task's")


class EvalConfig(_Group):
    """What is measured before and after training."""

    samples: int = Field(default=64, ge=1, description="programs sampled for each measurement")
    seeds: Indices = Field(default="0:32", description="indices of the seeds that each program plays")
    block: Literal["test", "final", "validation"] = Field(default="test", description="block of those seeds")
    validation_seeds: Indices = Field(
        default="0:96", description="indices of the validation seeds that choose the best program"
    )
    best_of: int = Field(default=64, ge=1, description="programs among which the best is chosen")


class OutputConfig(_Group):
    """Where the run is written."""

    root: Text = Field(default="runs", description="folder that holds runs")
    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")] | None = Field(
        default=None, description="name of the run's own folder; null makes one from environment and time"
    )
    save_completions: bool = Field(default=True, description="keep every completion with its scorecard")


class RunConfig(_Group):
    """Everything that a run is told."""

    model: ModelConfig = Field(default_factory=ModelConfig, description="what writes completions")
    env: EnvConfig = Field(default_factory=EnvConfig, description="what strategies play")
    reward: RewardConfig = Field(default_factory=RewardConfig, description="what a completion earns")
    method: MethodConfig = Field(default_factory=MethodConfig, description="how rewards become a gradient")
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
