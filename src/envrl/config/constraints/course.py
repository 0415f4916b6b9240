"""The course of a run: precision, warm-up, lengths, seeds, and the folder that it is written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Constraint, Violation
from envrl.seeding import parse_indices

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]


def _one_mixed_precision(config: RunConfig) -> Iterator[Violation]:
    if config.train.bf16 and config.train.fp16:
        yield Violation(
            ("train.fp16", "train.bf16"), "bf16 and fp16 exclude each other (both are true); set one of them to false"
        )


def _warmup_within_the_run(config: RunConfig) -> Iterator[Violation]:
    warmup, steps = config.train.warmup_steps, config.train.max_steps
    if config.train.epochs is None and warmup > steps:
        yield Violation(
            ("train.warmup_steps", "train.max_steps"),
            f"a warm-up of {warmup} steps is longer than the run of {steps}; "
            f"set warmup_steps to at most {steps}, or train for more than {warmup} steps",
        )


def _lengths_fit_the_model(config: RunConfig) -> Iterator[Violation]:
    method, most = config.method, config.model.max_seq_length
    if not method.plays:
        return
    longest = (method.max_prompt_length or 0) + method.max_completion_length
    if longest > most:
        prompt = f"a prompt of {method.max_prompt_length} and " if method.max_prompt_length else ""
        yield Violation(
            ("method.max_completion_length", "method.max_prompt_length", "model.max_seq_length"),
            f"{prompt}a completion of {method.max_completion_length} tokens do not fit into {most}; set "
            f"model.max_seq_length to {longest}, or ask for less",
        )


def _a_run_is_resumed_or_overwritten(config: RunConfig) -> Iterator[Violation]:
    output = config.output
    if output.overwrite and output.resume is not False:
        yield Violation(
            ("output.overwrite", "output.resume"),
            "a run cannot be deleted and gone on with; set overwrite to false to go on, or resume to false to start "
            "anew",
        )
    if output.resume is True and output.name is None:
        yield Violation(
            ("output.resume", "output.name"),
            "which run to go on with is not said; set output.name, or write the run's folder here",
        )


def _a_cluster_has_a_runner(config: RunConfig) -> Iterator[Violation]:
    sandbox = config.sandbox
    if sandbox.ray_address is not None and sandbox.runner != "ray":
        yield Violation(
            ("sandbox.ray_address", "sandbox.runner"),
            f"names a Ray cluster, and referees run on this machine (runner {sandbox.runner} met); set sandbox.runner "
            "to ray, or remove it",
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


CONSTRAINTS: tuple[Constraint, ...] = (
    _one_mixed_precision,
    _warmup_within_the_run,
    _lengths_fit_the_model,
    _a_run_is_resumed_or_overwritten,
    _a_cluster_has_a_runner,
    _best_program_is_measured_on_other_seeds,
)
