"""Where a configuration value was written, and what is wrong with it there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from envrl.errors import ConfigError

__all__ = ["COMMAND_LINE", "Place", "Problem", "in_order", "raise_all"]


@dataclass(frozen=True, slots=True)
class Place:
    """A file with line and column (both from 1), or a source that has no lines."""

    source: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)

    @property
    def origin(self) -> str:
        """Source and line, as shown beside a resolved value."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


COMMAND_LINE = Place("command line")


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of an error message; ``field`` is dotted, empty where the trouble has no field."""

    place: Place
    field: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.field, self.text) if part)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems in the order of their places; those of the command line come last."""
    return sorted(problems, key=lambda p: (p.place == COMMAND_LINE, p.place.line or 0, p.place.column or 0))


def raise_all(problems: Iterable[Problem]) -> NoReturn:
    """Raise one `ConfigError` that lists all problems, one a line, in the order of their places."""
    raise ConfigError("\n".join(map(str, in_order(problems))))
