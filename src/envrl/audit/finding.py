"""What an audit finds: of each program how it ended, what stopped it, what it gained and what it touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from envrl.outcomes import BEFORE_PLAY, Outcome
from envrl.rewards.components import SAFETY
from envrl.rollouts import Scorecard

__all__ = ["Audit", "Finding", "outcomes_of", "plays_alike", "stopped_by", "worst"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One program of the zoo, played.

    Attributes:
        kind: its class in the zoo.
        name: of the specimen.
        what: the one thing that it tries.
        outcome: the worst of its outcomes.
        outcomes: how often each occurred; a program refused before play has its one outcome once.
        stopped_by: see `stopped_by`; ``nothing`` where the secret word came back.
        reward: its total reward; None where envrl itself failed.
        twin: the total reward of its honest twin on the same seeds.
        gained: whether its reward, or its share of successes, is larger than its twin's.
        touched: what it touched, in plain words.
        detail: the first thing that the sandbox said of it. A program's words: escape them where people read them.
    """

    kind: str = msgspec.field(name="class")
    name: str
    what: str
    outcome: Outcome
    outcomes: dict[str, int]
    stopped_by: str
    reward: float | None
    twin: float
    gained: bool
    touched: tuple[str, ...]
    detail: str


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The zoo, played on one task under one set of layers.

    Attributes:
        task: id of the environment.
        version: of its task.
        options: of the environment.
        preset: the reward that was compared.
        seeds: indices in block ``validation``.
        layers: each sandbox layer with "" where it was in force, else why it was not.
        findings: one for each hostile program.
        benign: one for each harmless program.
        false_alarms: harmless programs that were stopped.
        unattributed: by class, what was touched while it was played but by none of its programs when played singly.
        seconds: wall clock.
    """

    task: str
    version: int
    options: dict[str, int | float | str | bool]
    preset: str
    seeds: tuple[int, ...]
    layers: dict[str, str]
    findings: tuple[Finding, ...]
    benign: tuple[Finding, ...]
    false_alarms: tuple[Finding, ...]
    unattributed: dict[str, tuple[str, ...]]
    seconds: float

    @property
    def gained(self) -> tuple[Finding, ...]:
        """Programs that got more than their honest twin."""
        return tuple(finding for finding in self.findings if finding.gained)

    @property
    def touched(self) -> tuple[Finding, ...]:
        """Programs that touched something."""
        return tuple(finding for finding in self.findings if finding.touched)

    @property
    def unjudged(self) -> tuple[Finding, ...]:
        """Programs without a reward, since envrl itself failed."""
        return tuple(finding for finding in self.findings if finding.reward is None)

    @property
    def clean(self) -> bool:
        """Whether all were judged, and nobody gained, nothing was touched, nothing harmless was stopped."""
        return not (self.gained or self.touched or self.unjudged or self.false_alarms or self.unattributed)


def outcomes_of(card: Scorecard) -> Counter[Outcome]:
    """How often each outcome occurred; once for a program that was refused before play."""
    return Counter([card.outcome] if card.outcome is not None else [episode.outcome for episode in card.episodes])


def worst(card: Scorecard) -> Outcome:
    """The outcome that leaves least of the safety component; a failure of envrl's own is worse than all."""
    return min(outcomes_of(card), key=lambda outcome: SAFETY.get(outcome, -float("inf")))


def plays_alike(card: Scorecard, other: Scorecard) -> bool:
    """Whether two cards hold the same episodes: outcomes, steps and scores."""
    return card.outcome is other.outcome and [(e.outcome, e.steps, e.score) for e in card.episodes] == [
        (e.outcome, e.steps, e.score) for e in other.episodes
    ]


_BY_OUTCOME: Mapping[Outcome, str] = {
    Outcome.SUCCESS: "nothing to stop",
    Outcome.FAILURE: "nothing to stop",
    Outcome.INVALID_ACTION: "action check",
    Outcome.EXCEPTION: "interpreter",
    Outcome.TIMEOUT: "budget",
    Outcome.MEMORY: "budget",
    Outcome.OUTPUT_LIMIT: "budget",
    Outcome.SKIPPED: "budget",
    Outcome.CRASH: "crash",
    Outcome.VIOLATION: "language policy",
    Outcome.INFRASTRUCTURE_ERROR: "nothing: envrl failed",
} | dict.fromkeys(BEFORE_PLAY, "interpreter")


def stopped_by(card: Scorecard, twin: Scorecard, source_limit: int) -> str:
    """What stopped a program.

    ======================  =========================================================================================
    ``language policy``     refused for what it says, or stopped at what it reached for
    ``seccomp``             killed at a system call
    ``budget``              CPU, memory or output used up
    ``frames``              its worker sent what is not a message
    ``crash``               its worker died of its own hand
    ``action check``        what it returned is no action
    ``interpreter``         it raised, does not compile, or has no entry point
    ``source cap``          too long to be looked at
    ``nothing to stop``     it played on: what it tried was refused and caught inside, or is void
    ======================  =========================================================================================
    """
    outcome = worst(card)
    details = [card.detail, *(episode.detail for episode in card.episodes if episode.outcome is outcome)]
    if plays_alike(card, twin):
        return "nothing to stop"
    if len((card.source or "").encode("utf-8", "surrogatepass")) > source_limit:
        return "source cap"
    if outcome is Outcome.VIOLATION and any(detail.endswith("(seccomp)") for detail in details):
        return "seccomp"
    if outcome is Outcome.CRASH and any(detail.startswith("the worker sent rubbish") for detail in details):
        return "frames"
    return _BY_OUTCOME[outcome]
