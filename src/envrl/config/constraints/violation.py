"""What a broken constraint is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["Constraint", "Violation", "either"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A constraint that does not hold: the dotted fields that take part, and what is wrong with its mend."""

    fields: tuple[str, ...]
    text: str


Constraint = Callable[["RunConfig"], Iterator[Violation]]


def either(values: list[int]) -> str:
    """Numbers to choose from, as a sentence lists them."""
    return " or ".join(map(str, values))
