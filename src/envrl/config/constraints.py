"""What must hold between the fields of a configuration; each violation says how to mend it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envrl.seeding import parse_indices

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["Violation", "violations"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A constraint that does not hold: the dotted fields that take part, and what is wrong with its mend."""

    fields: tuple[str, ...]
    text: str


def violations(config: RunConfig) -> list[Violation]:
    """All constraints that a configuration breaks, maybe none."""
    return [violation for constraint in _CONSTRAINTS for violation in constraint(config)]


def _listed(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers))


def _groups_fill_the_batch(config: RunConfig) -> Iterator[Violation]:
    method, train = config.method, config.train
    steps_field = "train.gradient_accumulation_steps"
    steps, size, group = train.gradient_accumulation_steps, train.per_device_train_batch_size, method.num_generations
    if method.steps_per_generation is not None:
        steps_field, steps = "method.steps_per_generation", method.steps_per_generation
    batch = size * steps
    if batch % group == 0:
        return
    ways = []
    if groups := [n for n in range(2, batch + 1) if batch % n == 0]:
        ways.append(f"set method.num_generations to {_listed(groups)}")
    unit = group // math.gcd(group, steps)
    first = max(1, size // unit)
    sizes = [unit * k for k in range(first, first + 3)]
    ways.append(f"set train.per_device_train_batch_size to {_listed(sizes)}")
    yield Violation(
        ("method.num_generations", "train.per_device_train_batch_size", steps_field),
        f"a batch of {size} × {steps} = {batch} completions does not divide into groups of {group}; "
        + ", or ".join(ways),
    )


def _one_mixed_precision(config: RunConfig) -> Iterator[Violation]:
    if config.train.bf16 and config.train.fp16:
        yield Violation(
            ("train.fp16", "train.bf16"), "bf16 and fp16 exclude each other (both are true); set one of them to false"
        )


def _warmup_within_the_run(config: RunConfig) -> Iterator[Violation]:
    warmup, steps = config.train.warmup_steps, config.train.max_steps
    if warmup > steps:
        yield Violation(
            ("train.warmup_steps", "train.max_steps"),
            f"a warm-up of {warmup} steps is longer than the run of {steps}; "
            f"set warmup_steps to at most {steps}, or train for more than {warmup} steps",
        )


def _quantized_weights_need_adapters(config: RunConfig) -> Iterator[Violation]:
    if config.model.load_in_4bit and config.model.lora is None:
        yield Violation(
            ("model.load_in_4bit", "model.lora"),
            "quantized weights cannot be trained themselves; add adapters, for example model.lora: {r: 16, alpha: 32}",
        )


def _best_program_is_measured_on_other_seeds(config: RunConfig) -> Iterator[Violation]:
    if config.eval.block != "validation":
        return
    measured, choosing = parse_indices(config.eval.seeds), parse_indices(config.eval.validation_seeds)
    if max(measured.start, choosing.start) < min(measured.stop, choosing.stop):
        free = f"{measured.stop}:{measured.stop + len(choosing)}"
        yield Violation(
            ("eval.validation_seeds", "eval.seeds", "eval.block"),
            f"seeds {measured.start}:{measured.stop} of block validation overlap those that choose the best program "
            f"({choosing.start}:{choosing.stop}); set eval.validation_seeds to {free}, or eval.block to test",
        )


_CONSTRAINTS: tuple[Callable[[RunConfig], Iterator[Violation]], ...] = (
    _groups_fill_the_batch,
    _one_mixed_precision,
    _warmup_within_the_run,
    _quantized_weights_need_adapters,
    _best_program_is_measured_on_other_seeds,
)
