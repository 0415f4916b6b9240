"""What turns an environment into a problem for a model: data, and a few small functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from envrl.envs.games import Games, InvalidAction, describe
from envrl.limits import Limits

__all__ = ["Example", "Examples", "Lent", "Task"]


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """Sources that run beside the strategy, in its worker. Ours, never a model's; nothing in the host believes them."""

    adapter: str
    """Defines ``arguments(payload: bytes) -> tuple``: from an observation as sent to the entry point's arguments."""
    toolkit: str = ""
    """Helper functions, made anew for each game."""
    tables: str = ""
    """What the toolkit looks up; run once, shared by all workers."""
    imports: tuple[str, ...] | None = None
    """Modules that a strategy may import; None for those of a program of pure computation."""


class Example(msgspec.Struct, frozen=True):
    """One program of a warm-start corpus."""

    source: str
    spoiled: bool = False
    """Whether it was made to be wrong: then nobody asks how often it wins."""


Examples = Callable[[int, int], Sequence[Example]]
"""``examples(count, seed)``: a task's own programs for the warm start, the same for the same arguments."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """An environment made into a problem for a model.

    Attributes:
        id: name in Gymnasium's registry.
        short: name on the command line.
        version: enters the seeds of fixed blocks; raised when an episode's result would change.
        title: one line on what it is.
        entry_point: the function that a strategy defines.
        prompts: by output contract (``tiny``, ``chat``), the text that the model sees. ``chat`` serves those not named.
        lent: what runs beside the strategy in its worker.
        action: from a plain return value to an action.
        games: makes the games of a batch from their seeds.
        limits: budgets of a strategy.
        success: what counts as success, in a clause.
        example_action: Python source of a value that the entry point may return.
        examples: the task's own corpus for the warm start, or None.
        options: the environment's options, for lock and report.
        notes: what a user should know before believing a result, a sentence each.
    """

    id: str
    short: str
    version: int
    title: str
    entry_point: str
    prompts: dict[str, str]
    lent: Lent
    action: Callable[[Any], Any]
    games: Callable[[Sequence[int]], Games]
    success: str
    example_action: str
    limits: Limits = field(default_factory=Limits)
    examples: Examples | None = None
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_action(self, value: Any) -> Any:
        """The action that a returned value stands for.

        Raises:
            InvalidAction: it stands for none. Whatever else `action` raises for it says the same: were that an error of
                ours, a strategy could have its lost game forgotten by returning what breaks the task's own code.
        """
        try:
            return self.action(value)
        except InvalidAction:
            raise
        except Exception as error:
            raise InvalidAction(f"returned {describe(value)}, which raised {type(error).__name__}: {error}") from None

    def prompt(self, contract: str) -> str:
        """The text that a model of this class of output contract sees."""
        return self.prompts.get(contract, self.prompts["chat"])
