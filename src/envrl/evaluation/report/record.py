"""The record that every form of a run's report is rendered from.

Rates and shares are fractions in [0, 1], durations are seconds, differences are after minus before. Text may be
anything that a model wrote: the renderers make it safe. `RunReport` encodes to JSON and back with msgspec.
"""

from __future__ import annotations

import math

import msgspec

from envrl.evaluation.statistics import Difference, Interval

__all__ = [
    "Change",
    "ConfigRow",
    "CurvePoint",
    "EvaluationSummary",
    "ProgramCard",
    "Rate",
    "RunReport",
    "StepSeconds",
]


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A rate with its interval; the estimate is None where nothing was measured (JSON has no NaN)."""

    estimate: float | None
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> Rate:
        estimate = None if math.isnan(interval.estimate) else interval.estimate
        return cls(estimate=estimate, low=interval.low, high=interval.high)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """After minus before, its interval, and the p-value of no difference."""

    estimate: float
    low: float
    high: float
    p_value: float

    @classmethod
    def of(cls, difference: Difference) -> Change:
        low, estimate, high = difference.interval
        return cls(estimate=estimate, low=low, high=high, p_value=difference.p_value)


class EvaluationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one block of seeds."""

    label: str
    """``"before"`` or ``"after"``."""
    model: str
    block: str
    seeds: str
    """Indices within the block, ``"0:32"``."""
    samples: int
    """Completions sampled."""
    success: Rate
    mean_score: float | None = None
    mean_progress: float | None = None
    outcome_shares: dict[str, float]
    """By outcome, its share of all episodes; those of a completion without a program count under its outcome."""
    completion_outcomes: dict[str, int] = {}
    """How many completions ended before any episode, by outcome."""
    distinct_programs: int
    largest_share: float
    """Share of the samples that are the most frequent program."""
    infrastructure_errors: int = 0
    """Episodes that envrl itself failed to measure; no part of any rate."""
    over_half_budget: float | None = None
    """Share of episodes that used more than half of a CPU budget."""
    success_by_seed: tuple[float | None, ...] = ()
    success_by_program: tuple[float | None, ...] = ()


class ProgramCard(msgspec.Struct, frozen=True, kw_only=True):
    """One program to look at."""

    title: str
    source: str
    success: Rate | None = None
    block: str = ""
    """Where ``success`` was measured."""
    chosen: Rate | None = None
    """The rate that the program was chosen by, which flatters it."""
    chosen_block: str = ""
    note: str = ""


class StepSeconds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time of a training step went."""

    generation: float
    sandbox: float
    update: float


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One training step."""

    step: int
    reward: float | None = None
    reward_std: float | None = None
    success: float | None = None
    broken: float | None = None
    """Share of completions that were no valid program."""
    entropy: float | None = None
    distinct_programs: int | None = None
    completion_length: float | None = None
    """Mean, in tokens."""
    seconds: StepSeconds | None = None


class ConfigRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of the resolved configuration."""

    key: str
    value: str
    origin: str
    """Where the value came from: a default, a file with its line, the command line."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report of one training run shows."""

    schema_version: int = 1
    title: str
    task: str
    target: str
    """What counts as a success, in words."""
    command: str
    """What to type to repeat the run."""
    run_dir: str
    lock_hash: str
    created: str
    """ISO 8601."""
    duration_seconds: float
    before: EvaluationSummary
    after: EvaluationSummary
    difference: Change | None = None
    programs: tuple[ProgramCard, ...] = ()
    best: ProgramCard | None = None
    """Chosen on one block, measured on another."""
    curve: tuple[CurvePoint, ...] = ()
    reward_weights: dict[str, float] = {}
    config: tuple[ConfigRow, ...] = ()
    layers: tuple[str, ...] = ()
    """Sandbox layers in force."""
    versions: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
