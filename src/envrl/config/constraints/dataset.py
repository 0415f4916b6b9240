"""Data: rows that come as a stream, and rows that are held out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Constraint, Violation

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]


def _a_stream_has_no_length(config: RunConfig) -> Iterator[Violation]:
    data, train = config.dataset, config.train
    if not data.streaming:
        return
    if train.epochs is not None:
        yield Violation(
            ("train.epochs", "dataset.streaming"),
            f"a stream has no end that is known, so {train.epochs:g} passes over it cannot be planned; set "
            "train.max_steps (and epochs to null), or dataset.streaming to false",
        )
    if data.max_samples is not None:
        yield Violation(
            ("dataset.max_samples", "dataset.streaming"),
            "a stream is read as far as it is needed; remove max_samples and set train.max_steps, or set "
            "dataset.streaming to false",
        )
    if isinstance(data.val_size, float) and data.val_size > 0:
        yield Violation(
            ("dataset.val_size", "dataset.streaming"),
            f"no share of a stream can be held out ({data.val_size:g} met); write a number of rows, such as 200, or "
            "set dataset.streaming to false",
        )


def _prompts_of_a_stream_are_not_checked(config: RunConfig) -> Iterator[Violation]:
    limit = config.method.max_prompt_length
    if config.dataset.streaming and limit is not None and not config.method.plays:
        yield Violation(
            ("method.max_prompt_length", "dataset.streaming"),
            f"the prompts of a stream cannot all be checked before training ({limit} met); set it to null (rows whose "
            "prompt fills dataset.max_length are left out and counted), or set dataset.streaming to false",
        )


def _held_out_rows_come_from_one_place(config: RunConfig) -> Iterator[Violation]:
    data = config.dataset
    if data.eval_path and data.val_size:
        yield Violation(
            ("dataset.val_size", "dataset.eval_path"),
            f"held-out rows are given already by eval_path ({data.val_size:g} met); set val_size to 0, or remove "
            "eval_path",
        )


CONSTRAINTS: tuple[Constraint, ...] = (
    _a_stream_has_no_length,
    _prompts_of_a_stream_are_not_checked,
    _held_out_rows_come_from_one_place,
)
