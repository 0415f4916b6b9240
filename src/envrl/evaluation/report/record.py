"""The record that every form of a report is rendered from: of a sweep, and of a run's before and after.

Rates and shares are fractions in [0, 1], durations are seconds, differences are after minus before. Text may be
anything that a model wrote: the renderers make it safe. `SweepReport` encodes to JSON and back with msgspec, and
``envrl schema report`` prints its JSON schema.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import msgspec

from envrl.errors import RunError
from envrl.evaluation.statistics import Difference, Interval
from envrl.runs import read_json

__all__ = [
    "SCHEMA",
    "Answering",
    "Baseline",
    "Baselines",
    "Bin",
    "Change",
    "ConfigRow",
    "Constants",
    "CurvePoint",
    "Distribution",
    "EvaluationSummary",
    "Exploits",
    "Frame",
    "Kind",
    "PassAt",
    "ProgramCard",
    "ProgramRow",
    "Rate",
    "Replay",
    "Spread",
    "StepSeconds",
    "SweepReport",
    "read_report",
]

SCHEMA = 1
"""Version of `SweepReport`, raised when a reader of an older one would misread it."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share, or a score, with its interval; the estimate is None where nothing was measured (JSON has no NaN)."""

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


class PassAt(msgspec.Struct, frozen=True, kw_only=True):
    """The chance that at least one of ``k`` sampled programs wins a seed."""

    k: int
    rate: Rate


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure spreads over completions: its median, its tenth and ninetieth percentile, its largest value."""

    median: float
    low: float
    high: float
    largest: float


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One way of cheating that was stopped."""

    reason: str
    programs: int
    episodes: int
    """That it ended; 0 where it was refused before any."""


class Constants(msgspec.Struct, frozen=True, kw_only=True):
    """Programs that make one and the same move always."""

    constant: int
    told: int
    """Programs, repeated ones included, of which it could be told."""
    how: str


class Exploits(msgspec.Struct, frozen=True, kw_only=True):
    """What the programs tried beside playing."""

    programs: int
    """That tried something forbidden at least once."""
    refused: int
    """Of those, programs that were refused before any episode."""
    episodes: int
    """That were ended for it."""
    won: int
    """Episodes that such programs won, their other ones."""
    crashes: int
    """Episodes in which the worker died."""
    kinds: tuple[Kind, ...] = ()
    constants: Constants | None = None


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """How near the answers to questions come to the truth."""

    questions: int
    rates: dict[str, Rate]
    """Share of answers that come so near or nearer: ``exact`` (the same text), ``right`` (the same value, in any
    writing), ``within_10`` and ``within_20`` (percent of the truth), each with its interval."""
    shares: dict[str, float]
    """By tier, its share of the answers: ``exact``, ``stripped``, ``within_10``, ``within_20``, ``wrong``,
    ``unparsable``, ``missing``."""


class EvaluationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Some programs on one block of seeds."""

    label: str
    """``"before"``, ``"after"``, or the name of what was measured."""
    model: str
    block: str
    seeds: str
    """Indices within the block, ``"0:32"``."""
    samples: int
    """Programs, those that cannot be played included."""
    success: Rate
    interval: str = ""
    """What kind of interval ``success`` has, and what it claims."""
    missing: int = 0
    """Episodes without a result: not yet played, or `infrastructure_errors`; no part of any rate."""
    if_lost: float | None = None
    """The rate if every missing episode had been lost."""
    if_won: float | None = None
    """The rate if every missing episode had been won."""
    mean_score: float | None = None
    score: Rate | None = None
    """Mean score, with its interval."""
    unscored: int = 0
    """Episodes in which the program made no move, so that no score is known: they are no part of any score."""
    iqm: Rate | None = None
    """Mean of the middle half of the scores, with its interval."""
    mean_progress: float | None = None
    pass_at: tuple[PassAt, ...] = ()
    outcome_shares: dict[str, float]
    """By outcome, its share of all episodes; those of a completion without a program count under its outcome."""
    completion_outcomes: dict[str, int] = {}
    """How many completions ended before any episode, by outcome."""
    distinct_programs: int
    """By the hash of their syntax trees; a completion without a program counts by its text."""
    largest_share: float
    """Share of the samples that are the most frequent program."""
    infrastructure_errors: int = 0
    """Episodes that envrl itself failed to measure."""
    over_half_budget: float | None = None
    """Share of episodes that used more than half of a CPU budget."""
    success_by_seed: tuple[float | None, ...] = ()
    success_by_program: tuple[float | None, ...] = ()
    exploits: Exploits | None = None
    length: Spread | None = None
    """Of the completions, in ``length_unit``."""
    length_unit: str = ""
    clipped: float | None = None
    """Share of completions that ran into the limit of their length."""
    latency: Spread | None = None
    """Seconds that a completion took to write."""
    cpu_per_step: float | None = None
    """Seconds of CPU that a program used for a move."""
    answers: Answering | None = None
    """Of an answer task; its samples are answers to each question."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Episodes whose figure lies in [low, high), or is ``low`` where the two are equal; a count for each side."""

    low: float
    high: float
    counts: tuple[int, ...]


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure of episodes is distributed, in the same bins for all sides."""

    name: str
    bins: tuple[Bin, ...]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A reference strategy beside what was measured."""

    name: str
    seeds: str
    success: Rate
    mean_score: float
    difference: Rate
    """The subject minus the reference."""
    verdict: Literal["beaten", "not told apart", "better"]
    """``better``: the reference is."""


class Baselines(msgspec.Struct, frozen=True, kw_only=True):
    """Reference strategies of the task, weakest first."""

    subject: str = "it"
    """What stands beside them."""
    rows: tuple[Baseline, ...] = ()
    note: str = ""
    """How they were compared, or why there are none."""


class ProgramRow(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy of several, in a table."""

    label: str
    success: Rate
    mean_score: float | None = None
    mean_progress: float | None = None
    outcome: str | None = None
    """How it failed before any episode."""
    outcome_shares: dict[str, float] = {}
    """By outcome, its share of the strategy's episodes."""
    note: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What there was to see after a move."""

    caption: str
    text: str
    marks: tuple[tuple[int, int], ...] = ()
    """Parts of the text, as [start, end), that the environment itself makes stand out."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One episode, played again in the sandbox and shown move by move."""

    seed: int
    """Its index in the block."""
    block: str
    outcome: str
    steps: int
    score: float
    exact: bool
    """Whether it went as it was recorded when it was measured."""
    every: int = 1
    """Of the moves, every this many-th is shown."""
    frames: tuple[Frame, ...] = ()


class ProgramCard(msgspec.Struct, frozen=True, kw_only=True):
    """One program to look at."""

    title: str
    source: str
    """The completion's own text where it holds no program."""
    question: str = ""
    """What the completion answers, of an answer task."""
    success: Rate | None = None
    block: str = ""
    """Where ``success`` was measured."""
    chosen: Rate | None = None
    """The rate that the program was chosen by, which flatters it."""
    chosen_block: str = ""
    note: str = ""
    replay: Replay | None = None
    no_replay: str = ""
    """Why there is none."""


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


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report shows."""

    schema: int = SCHEMA
    kind: str
    """``training`` for a run's before and after, else the kind of the sweep."""
    title: str
    task: str
    """Its id and what it is."""
    task_id: str
    task_version: int
    options: dict[str, Any] = {}
    """Of the environment."""
    target: str
    """What counts as a success, in words."""
    command: str
    """What to type to do the same again."""
    place: str
    """The directory of the run or sweep."""
    lock_hash: str
    """Names all that went into it: of ``lock.json``, or ``sweep.json``."""
    created: str
    """ISO 8601."""
    duration_seconds: float | None = None
    partial: str = ""
    """What is not there yet, of a run or sweep that has not come to its end."""
    sides: tuple[EvaluationSummary, ...] = ()
    """Before and after training; one for a sweep; none or one where a run has not come that far."""
    difference: Change | None = None
    baselines: Baselines = Baselines()
    distributions: tuple[Distribution, ...] = ()
    rows: tuple[ProgramRow, ...] = ()
    """Where several strategies were measured: each of them, strongest first."""
    gallery: tuple[ProgramCard, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    reward_weights: dict[str, float] = {}
    sampling: dict[str, Any] = {}
    """How completions were sampled."""
    usage: dict[str, Any] = {}
    """What the completions of a served model took: requests, tokens, cost."""
    limits: dict[str, Any] = {}
    """Budgets of a program, by the names of `envrl.limits.Limits`."""
    hashes: dict[str, str] = {}
    """Of the prompt, and of the model's files."""
    config: tuple[ConfigRow, ...] = ()
    layers: tuple[str, ...] = ()
    """Sandbox layers in force."""
    versions: dict[str, str] = {}
    warnings: tuple[str, ...] = ()

    @property
    def last(self) -> EvaluationSummary | None:
        """What the report is about in the end: after training, or the one side of a sweep."""
        return self.sides[-1] if self.sides else None

    @property
    def trained(self) -> bool:
        """Whether there is a before and an after."""
        return len(self.sides) == 2


def read_report(path: Path) -> SweepReport:
    """The record in a ``report.json``.

    Raises:
        RunError: the file is missing, broken, or of another version.
    """
    content = read_json(path)
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise RunError(
            f"{path}: schema {schema!r} where this envrl reads schema {SCHEMA}; build it again with: envrl report "
            f"{path.parent}"
        )
    try:
        return msgspec.convert(content, SweepReport)
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: not a report ({error}); build it again with: envrl report {path.parent}") from None
