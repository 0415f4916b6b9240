"""Batches: groups that fill them, and checkpoints that fall between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Constraint, Violation, either

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]


def _groups_fill_the_batch(config: RunConfig) -> Iterator[Violation]:
    method, train = config.method, config.train
    if not method.plays:
        return
    steps_field = "train.gradient_accumulation_steps"
    steps, size, group = train.gradient_accumulation_steps, train.per_device_train_batch_size, method.num_generations
    if method.steps_per_generation is not None:
        steps_field, steps = "method.steps_per_generation", method.steps_per_generation
    batch = size * steps
    if batch % group == 0:
        return
    ways = []
    if groups := [n for n in range(2, batch + 1) if batch % n == 0]:
        ways.append(f"set method.num_generations to {either(groups)}")
    unit = group // math.gcd(group, steps)
    first = max(1, size // unit)
    sizes = [unit * k for k in range(first, first + 3)]
    ways.append(f"set train.per_device_train_batch_size to {either(sizes)}")
    yield Violation(
        ("method.num_generations", "train.per_device_train_batch_size", steps_field),
        f"a batch of {size} × {steps} = {batch} completions does not divide into groups of {group}; "
        + ", or ".join(ways),
    )


def _checkpoints_fall_between_generations(config: RunConfig) -> Iterator[Violation]:
    # TRL keeps no sampled batch in a checkpoint: resumed within one, a run would sample anew and differ.
    method, train = config.method, config.train
    if not method.plays or train.save_steps >= train.max_steps:
        return
    generated = method.steps_per_generation or train.gradient_accumulation_steps
    lasts = generated * method.num_iterations  # backward passes
    unit = lasts // math.gcd(lasts, train.gradient_accumulation_steps)
    if train.save_steps % unit == 0:
        return
    below = train.save_steps // unit * unit
    yield Violation(
        ("train.save_steps", "method.num_iterations", "method.steps_per_generation"),
        f"a checkpoint every {train.save_steps} steps falls within a sampled batch, which lasts {unit} steps: "
        f"resuming would not be exact; set save_steps to {either([n for n in (below, below + unit) if n])}",
    )


def _kto_compares_rows_of_a_batch(config: RunConfig) -> Iterator[Violation]:
    # TRL's estimate of the KL term pairs each prompt with the completion of another row of the same batch.
    train = config.train
    if config.method.effective_loss_type != "kto" or train.per_device_train_batch_size > 1:
        return
    fewer = train.gradient_accumulation_steps // 2
    same = f" (and gradient_accumulation_steps to {fewer}, for steps of the same size)" if fewer else ""
    yield Violation(
        ("train.per_device_train_batch_size", "method.name"),
        f"kto compares rows of one batch, and a batch of 1 has no other; set per_device_train_batch_size to 2{same}",
    )


CONSTRAINTS: tuple[Constraint, ...] = (
    _groups_fill_the_batch,
    _checkpoints_fall_between_generations,
    _kto_compares_rows_of_a_batch,
)
