"""The record of a run that trains on data: loss, before and after, and samples side by side.

Rates are fractions in [0, 1], losses are in nats a token unless the stage says otherwise. Text may be anything that a
model wrote: the renderers make it safe. `FinetuneReport` encodes to JSON and back with msgspec.
"""

from __future__ import annotations

import msgspec

from envrl.evaluation.report.record import ConfigRow, SweepReport

__all__ = ["DataMeasurement", "FinetuneReport", "LossPoint", "Sample"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What the model makes of one held-out row."""

    prompt: str
    written: str = ""
    """By the model; empty for one that scores."""
    expected: str = ""
    """The row's own completion, or the chosen one."""
    rejected: str = ""
    scores: tuple[float | None, ...] = ()
    """Of a reward model: of the chosen completion, and of the rejected one; None for what is no number."""


class DataMeasurement(msgspec.Struct, frozen=True, kw_only=True):
    """One model on the rows that are held out."""

    label: str
    """``"before"`` or ``"after"``."""
    model: str
    rows: int
    figures: dict[str, float | None]
    """``loss``; where the stage has them ``accuracy`` (share of pairs whose chosen completion is preferred),
    ``margin``, ``mean_token_accuracy`` and others of its trainer. None is what was no number, as of a model that
    diverged."""
    samples: tuple[Sample, ...] = ()


class LossPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One training step."""

    step: int
    loss: float | None
    """None where it was no number."""
    accuracy: float | None = None
    learning_rate: float | None = None


class FinetuneReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report of one run on data shows."""

    schema: int = 1
    title: str
    stage: str
    loss: str
    """What the loss is, in words."""
    command: str
    """What to type to repeat the run."""
    run_dir: str
    lock_hash: str
    created: str
    """ISO 8601."""
    duration_seconds: float
    rows: int | None
    """That were trained on; None for a stream, of which as many are read as are needed."""
    sources: tuple[str, ...]
    """Where the rows came from."""
    dropped: dict[str, int] = {}
    """How many rows were left out, by reason."""
    before: DataMeasurement
    after: DataMeasurement
    curve: tuple[LossPoint, ...] = ()
    play: SweepReport | None = None
    """The model measured by play before and after."""
    config: tuple[ConfigRow, ...] = ()
    versions: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
