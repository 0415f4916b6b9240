"""Scorecard to named components, each returned to the trainer as a reward of its own."""

from __future__ import annotations

from collections.abc import Callable

from envrl.outcomes import BEFORE_PLAY, Outcome
from envrl.rollouts import Scorecard

__all__ = ["SAFETY", "Component", "format_kept", "progress", "safety", "success"]

Component = Callable[[Scorecard], float]

SAFETY: dict[Outcome, float] = {
    Outcome.SUCCESS: 1.0,
    Outcome.FAILURE: 1.0,
    Outcome.INVALID_ACTION: 0.75,
    Outcome.EXCEPTION: 0.0,
    Outcome.OUTPUT_LIMIT: 0.0,
    Outcome.TIMEOUT: -0.25,
    Outcome.MEMORY: -0.25,
    Outcome.SKIPPED: -0.25,
    Outcome.CRASH: -0.5,
    Outcome.VIOLATION: -2.0,
}
"""What an outcome leaves of the safety component; the worst of a completion's episodes counts."""


def format_kept(card: Scorecard) -> float:
    """1 if the completion held a program that could be played, as the output contract wants it; else 0."""
    return 0.0 if card.outcome in BEFORE_PLAY else 1.0


def safety(card: Scorecard) -> float:
    """1, or the penalty of the worst thing that the program or any of its episodes did; 0 where there is no program."""
    if card.outcome is not None:
        return SAFETY.get(card.outcome, 0.0)
    return min((SAFETY[episode.outcome] for episode in card.episodes), default=0.0)


def success(card: Scorecard) -> float:
    """Share of the seeds won."""
    return card.success


def progress(card: Scorecard) -> float:
    """Mean of the task's partial credit over the seeds; an episode that faulted earns none."""
    if not card.episodes:
        return 0.0
    honest = (Outcome.SUCCESS, Outcome.FAILURE, Outcome.INVALID_ACTION)
    return sum(episode.progress for episode in card.episodes if episode.outcome in honest) / len(card.episodes)
