"""How a workflow tells what it does: the command line shows it, a test collects it, a library user may ignore it."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Silent", "Watcher"]


class Watcher(Protocol):
    """Told of phases, of how far they are, and of what a person should know."""

    def phase(self, name: str, total: int) -> None:
        """A part of the work begins; it has ``total`` steps."""

    def advance(self, count: int = 1, **figures: Any) -> None:
        """``count`` steps of the phase are done; figures are to be shown beside it."""

    def say(self, text: str) -> None:
        """A line for a person."""


class Silent:
    """A watcher that shows nothing."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, count: int = 1, **figures: Any) -> None: ...

    def say(self, text: str) -> None: ...
