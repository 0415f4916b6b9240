"""What a configuration may ask for but probably should not: told, never refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Violation

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["cautions"]

# Learning rates that a stage is known to bear, lowest and highest, for adapters and for whole models. The lower end of
# whole models is TRL 1.16's default where that is lower; sources of the rest:
#   pt, sft, reward: TRL's defaults (2e-5; 1e-4 for reward); LLaMA-Factory's examples (1e-4, adapters); Unsloth's
#     notebooks (2e-4, adapters).
#   dpo: 5e-7 (Zephyr, arXiv 2310.16944, whole model); 5e-6 (LLaMA-Factory's examples and Unsloth's Zephyr notebook).
#   orpo: 5e-6 to 8e-6 (arXiv 2403.07691), 1e-4 with adapters.  simpo: 3e-7 to 1e-6 (arXiv 2405.14734, whole model).
#   kto: 5e-7 (arXiv 2402.01306), 5e-6 (LLaMA-Factory's examples).
#   grpo, rloo: TRL's default 1e-6; 5e-6 to 2e-4 in Unsloth's notebooks, which train adapters.
_RATES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    # stage: (adapters), (whole model)
    "pt": ((5e-5, 5e-4), (1e-5, 1e-4)),
    "sft": ((5e-5, 5e-4), (5e-6, 5e-5)),
    "reward": ((5e-5, 2e-4), (5e-6, 1e-4)),
    "dpo": ((5e-7, 2e-5), (2e-7, 5e-6)),
    "orpo": ((5e-6, 1e-4), (1e-6, 1e-5)),
    "simpo": ((5e-7, 2e-5), (3e-7, 2e-6)),
    "kto": ((5e-7, 2e-5), (2e-7, 5e-6)),
    "grpo": ((1e-6, 2e-4), (5e-7, 1e-5)),
    "rloo": ((1e-6, 2e-4), (5e-7, 1e-5)),
}
# The embedded tiny model bears more, as small models do. Measured here (configs/2048/tiny-cpu.yaml): GRPO at 2e-4
# learns, at 5e-4 two runs of eight fell off a cliff.
_TINY_PLAY = (1e-5, 4e-4)

# Rows (completions, for the stages that play) of an optimiser step. The notebooks and LLaMA-Factory's examples take 8
# (batch 1 × 8, 2 × 4); papers 32 (ORPO: 64, SimPO and DPO: 64 to 128); TRL's GRPO 8, DeepSeekMath 1024
# (arXiv 2402.03300). Below 4 completions, TRL's groups are pairs at best.
_ROWS = {"play": (2, 1024), "data": (2, 512)}

_FAR = 5.0
"""A rate this many times outside of the usual range is worth a word; the ranges themselves are wide."""


def cautions(config: RunConfig) -> list[Violation]:
    """All that a configuration should be warned of, maybe nothing; the texts give what is usual."""
    return [caution for check in _CHECKS for caution in check(config)]


def _learning_rate(config: RunConfig) -> Iterator[Violation]:
    stage, rate = config.method.name, config.train.learning_rate
    low, high = _RATES[stage][0 if config.model.lora is not None else 1]
    what = "adapters" if config.model.lora is not None else "a whole model"
    slack = _FAR
    if config.model.path == "tiny":
        if not config.method.plays:
            return  # a million parameters: the ranges above are those of models a thousand times larger
        (low, high), what, slack = _TINY_PLAY, "the tiny model", 1.0
    if not low / slack <= rate <= high * slack:
        far = "above" if rate > high else "below"
        yield Violation(
            ("train.learning_rate", "method.name"),
            f"{rate:g} is far {far} what {stage} of {what} is known to bear; usual is {low:g} to {high:g}",
        )


def _rows_of_a_step(config: RunConfig) -> Iterator[Violation]:
    train = config.train
    rows = train.per_device_train_batch_size * train.gradient_accumulation_steps
    low, high = _ROWS["play" if config.method.plays else "data"]
    if not low <= rows <= high:
        unit = "completions" if config.method.plays else "rows"
        far = "more" if rows > high else "fewer"
        yield Violation(
            ("train.per_device_train_batch_size", "train.gradient_accumulation_steps"),
            f"{rows} {unit} a step ({train.per_device_train_batch_size} × {train.gradient_accumulation_steps}) are far "
            f"{far} than {config.method.name} is known with; usual is {low} to {high} on one device",
        )


def _checkpoints_within_the_run(config: RunConfig) -> Iterator[Violation]:
    # A short run is no mistake, but one that is killed before its end starts again from nothing.
    train = config.train
    if train.epochs is None and train.save_steps > train.max_steps and "save_steps" in train.model_fields_set:
        yield Violation(
            ("train.save_steps", "train.max_steps"),
            f"a checkpoint every {train.save_steps} steps lies beyond a run of {train.max_steps}: only the last step "
            "leaves one, and a run that is stopped before starts anew; set save_steps to "
            f"{max(1, train.max_steps // 2)} or so",
        )


def _data_that_is_not_trained_on(config: RunConfig) -> Iterator[Violation]:
    if config.method.plays and (config.dataset.path or config.dataset.eval_path):
        field = "dataset.path" if config.dataset.path else "dataset.eval_path"
        yield Violation(
            (field, "method.name"), f"{config.method.name} learns from play; only stages that do not play train on data"
        )


_CHECKS: tuple[Callable[[RunConfig], Iterator[Violation]], ...] = (
    _learning_rate,
    _rows_of_a_step,
    _checkpoints_within_the_run,
    _data_that_is_not_trained_on,
)
