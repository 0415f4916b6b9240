"""Games in lockstep: what a task's environment looks like to the rollouts room.

A `Games` holds all games of a batch and advances any of them together, so that numpy pays; how an environment does
that is its own affair. Game i depends on its seed alone: on no neighbour, no order, no batch size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from envrl.outcomes import Outcome

__all__ = ["Ending", "Games", "InvalidAction"]


class InvalidAction(ValueError):
    """A strategy's return value is no action of the environment; the message shows the value."""


class Ending(msgspec.Struct, frozen=True):
    """How one game stands, or ended.

    Attributes:
        outcome: success, failure or invalid_action; infrastructure_error where the environment itself failed.
        steps: actions taken.
        score: the environment's own return.
        progress: the task's partial credit, in [0, 1].
        metrics: the task's own figures, such as the largest tile.
        detail: what went wrong, where something did.
    """

    outcome: Outcome
    steps: int
    score: float
    progress: float
    metrics: dict[str, float]
    detail: str = ""


class Games(Protocol):
    """All games of a batch."""

    def observe(self, which: Sequence[int]) -> Sequence[bytes | Ending]:
        """The observations of some games, as the task's adapter reads them in the worker.

        An ending in the place of one: the environment failed, and nobody is asked for an action.
        """

    def act(self, which: Sequence[int], actions: Sequence[Any]) -> list[Ending | None]:
        """Advances some games by one action each; gives the ending of those that it ended, else None."""

    def close(self) -> None:
        """Ends all games, those too that came to no end."""

    def standing(self, which: int) -> Ending:
        """How a game stands that did not come to its own end: a strategy that faulted leaves it there."""


def describe(value: Any, limit: int = 60) -> str:
    """A returned value in a message: its repr, cut short. Only for plain data."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or an integer of too many digits
        text = f"a value of type {type(value).__name__} that is too large to show"
    return text if len(text) <= limit else text[: limit - 1] + "…"
