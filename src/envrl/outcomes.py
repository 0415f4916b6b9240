"""How an episode or a completion ended: one closed list, used by every room of the house."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BEFORE_PLAY", "HARD", "Outcome"]


class Outcome(StrEnum):
    """The closed list of outcomes.

    The first group ends an episode, the second a completion before any episode was played. ``VIOLATION`` can do
    both. ``INFRASTRUCTURE_ERROR`` is ours and never the strategy's: its rewards are ``None`` and reports show it apart.
    """

    SUCCESS = "success"
    """The episode's goal was reached."""
    FAILURE = "failure"
    """Played legally to the end, not good enough."""
    INVALID_ACTION = "invalid_action"
    """Wrong type, outside the action space, or too many ineffective moves in a row."""
    EXCEPTION = "exception"
    """The strategy raised."""
    TIMEOUT = "timeout"
    """The strategy used up a CPU budget, or slept through the wall-clock backstop."""
    MEMORY = "memory"
    """The strategy met its memory limit."""
    CRASH = "crash"
    """The worker died, or sent what is not a message."""
    VIOLATION = "violation"
    """Tried what the language policy or the confinement forbids: the cheat."""
    OUTPUT_LIMIT = "output_limit"
    """Printed more than its budget of output."""
    SKIPPED = "skipped"
    """Not played, since the strategy had already failed hard on several earlier seeds; counts as lost."""

    NO_CODE = "no_code"
    """The completion holds no program where the output contract wants one."""
    SYNTAX_ERROR = "syntax_error"
    """The program does not compile. Not a cheat."""
    NO_ENTRY_POINT = "no_entry_point"
    """The program does not define the task's function."""

    INFRASTRUCTURE_ERROR = "infrastructure_error"
    """envrl itself failed; neither won nor lost."""


BEFORE_PLAY = frozenset({Outcome.NO_CODE, Outcome.SYNTAX_ERROR, Outcome.NO_ENTRY_POINT})
"""Outcomes that only a completion can have, before any episode."""

HARD = frozenset({Outcome.TIMEOUT, Outcome.MEMORY, Outcome.CRASH})
"""Outcomes that cost a worker; several of them let the remaining seeds of a strategy be skipped."""
