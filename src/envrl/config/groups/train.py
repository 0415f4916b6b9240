"""The groups ``train`` and ``output``: the course of the optimiser, the machine, and what is written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from envrl.config.groups.base import Flag, Group, Text

__all__ = ["OutputConfig", "TrainConfig"]


def _check_warmup(value: int | float) -> int | float:
    if isinstance(value, float) and value >= 1:
        raise ValueError("expected a whole number of steps, or a share of the run below 1")
    return value


class TrainConfig(Group):
    """The course of the optimiser, and the machine that it runs on."""

    max_steps: int = Field(default=100, ge=1, description="optimiser steps of the run, where epochs is null")
    epochs: float | None = Field(
        default=None, gt=0, description="passes over the data in place of max_steps; only where dataset is trained on"
    )
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
    adam_epsilon: float = Field(
        default=1e-8, gt=0, description="added to the root of Adam's variance; smaller gradients hardly move weights"
    )
    per_device_train_batch_size: int = Field(default=8, ge=1, description="completions of one backward pass")
    gradient_accumulation_steps: int = Field(default=1, ge=1, description="backward passes of one optimiser step")
    seed: int = Field(default=0, ge=0, lt=2**32, description="seed of sampling and data order (not of episodes)")
    bf16: Flag = Field(default=False, description="train in bfloat16 mixed precision")
    fp16: Flag = Field(default=False, description="train in float16 mixed precision")
    gradient_checkpointing: Flag = Field(default=False, description="save memory by computing activations twice")
    logging_steps: int = Field(default=1, ge=1, description="steps between lines of metrics")
    save_steps: int = Field(default=100, ge=1, description="steps between checkpoints; the last step always has one")
    smoke_steps: int = Field(
        default=0,
        ge=0,
        le=100,
        description="steps of a trial that is judged and thrown away first; 0 is none, and the "
        "first steps of the run are judged",
    )
    best_of_checkpoints: int = Field(
        default=3, ge=1, description="checkpoints, the last ones, of which the best on validation seeds is the result"
    )
    dataloader_num_workers: int = Field(default=0, ge=0, description="processes that load batches; 0 is this one")
    ddp_timeout: int | None = Field(
        default=None, ge=1, description="seconds that one process waits for the others; null is torch's choice"
    )
    torch_threads: int | None = Field(default=None, ge=1, description="threads of torch; null leaves its choice")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where the model lives")
    report_to: list[str] = Field(default_factory=list, description="trackers that get the metrics too, such as wandb")


class OutputConfig(Group):
    """Where the run is written."""

    root: Text = Field(default="runs", description="folder that holds runs")
    name: Annotated[Text, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")] | None = Field(
        default=None, description="name of the run's own folder; null makes one from environment and time"
    )
    overwrite: Flag = Field(default=False, description="delete a run of the same name first")
    resume: Flag | Text = Field(
        default=False, description="go on with the run of the same name, or with the one in this folder"
    )
    save_completions: Flag = Field(default=True, description="keep every completion with its scorecard")
