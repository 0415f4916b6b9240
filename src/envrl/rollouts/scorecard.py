"""What is known of one completion after its episodes: plain records, made by the host, believed by everyone."""

from __future__ import annotations

from typing import Any

import msgspec

from envrl.outcomes import Outcome

__all__ = ["Episode", "Scorecard"]


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy on one seed.

    Attributes:
        index: the seed's index in its block.
        outcome: how it ended.
        steps: actions taken.
        score: the environment's own return.
        progress: the task's partial credit, in [0, 1].
        metrics: the task's own figures.
        detail: what a strategy that faulted did, in a line (a model's words: escape them where people read them).
        call: number of the call at which it faulted, from 0; timeouts and memory can be put back there in a replay.
        cpu: seconds of CPU that the strategy used, as its worker says it.
        strained: whether it used more than half of a CPU budget, so that another machine might have timed it out.
    """

    index: int
    outcome: Outcome
    steps: int = 0
    score: float = 0.0
    progress: float = 0.0
    metrics: dict[str, float] = msgspec.field(default_factory=dict)
    detail: str = ""
    call: int | None = None
    cpu: float = 0.0
    strained: bool = False

    @property
    def won(self) -> bool:
        """Whether it counts as a success."""
        return self.outcome is Outcome.SUCCESS


class Scorecard(msgspec.Struct, frozen=True, kw_only=True):
    """One completion: its strategy and its episodes.

    Attributes:
        source: the strategy taken out of the completion, or None where there was none.
        outcome: how the completion failed before any episode, or None when it was played.
        detail: why, in a line.
        program_hash: of the program's syntax tree.
        episodes: in the order of the seeds; empty when it was not played.
    """

    source: str | None
    outcome: Outcome | None = None
    detail: str = ""
    program_hash: str | None = None
    episodes: tuple[Episode, ...] = ()

    @property
    def infrastructure_error(self) -> bool:
        """Whether envrl itself failed somewhere: then no reward may be made of this card."""
        return self.outcome is Outcome.INFRASTRUCTURE_ERROR or any(
            episode.outcome is Outcome.INFRASTRUCTURE_ERROR for episode in self.episodes
        )

    @property
    def success(self) -> float:
        """Share of the seeds won; 0 for a completion that was not played."""
        return sum(episode.won for episode in self.episodes) / len(self.episodes) if self.episodes else 0.0

    @property
    def progress(self) -> float:
        """Mean progress over the seeds; 0 for a completion that was not played."""
        return sum(episode.progress for episode in self.episodes) / len(self.episodes) if self.episodes else 0.0

    def as_row(self) -> dict[str, Any]:
        """The card as JSON holds it."""
        row: dict[str, Any] = msgspec.to_builtins(self)
        return row
