"""What a program of the zoo is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Specimen"]


@dataclass(frozen=True)
class Specimen:
    """One program of the zoo.

    Attributes:
        name: unique in the zoo.
        what: the one thing that it tries, in a clause.
        source: its text, with the ``$tokens`` that `envrl.audit.bait` fills in.
    """

    name: str
    what: str
    source: str
