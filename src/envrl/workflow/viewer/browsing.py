"""Completions to browse: filtered by outcome and text, in an order, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from envrl.evaluation.report.words import OUTCOMES
from envrl.workflow.recorded import Program, Record

__all__ = ["ORDERS", "Page", "Wanted", "cut", "orders_of", "outcome_counts", "programs_of"]

ORDERS = ("number", "reward", "won")
_PER_PAGE = 25
_KEPT = 8  # moments whose programs are kept in memory


class Wanted(NamedTuple):
    """What a person asks to see.

    Attributes:
        outcome: that the completion, or one of its episodes, has; "" for any.
        text: that stands in the completion, whatever its case; "" for any.
        order: one of `ORDERS`; the largest first, of the last two.
        page: from 1.
    """

    outcome: str = ""
    text: str = ""
    order: str = "number"
    page: int = 1


@dataclass(frozen=True)
class Page:
    """One page of programs.

    Attributes:
        rows: programs on it.
        found: that match, on all pages.
        page: its number, from 1.
        pages: how many there are, at least 1.
    """

    rows: tuple[Program, ...]
    found: int
    page: int
    pages: int


def cut(programs: Sequence[Program], wanted: Wanted, size: int = _PER_PAGE) -> Page:
    """The page that is asked for; the last one where there are fewer."""
    text = wanted.text.casefold()
    found = [p for p in programs if _has(p, wanted.outcome) and (not text or text in _text(p).casefold())]
    if wanted.order == "reward":
        found.sort(key=lambda p: float("-inf") if p.total is None else p.total, reverse=True)
    elif wanted.order == "won":
        found.sort(key=lambda p: p.wins / max(len(p.episodes), 1), reverse=True)
    pages = max(1, -(-len(found) // size))
    page = max(1, min(wanted.page, pages))
    return Page(tuple(found[(page - 1) * size : page * size]), len(found), page, pages)


def orders_of(programs: Sequence[Program]) -> tuple[str, ...]:
    """The orders that say something of these programs: of a sweep, none was given a reward as a whole."""
    rewarded = any(program.total is not None for program in programs)
    return tuple(order for order in ORDERS if rewarded or order != "reward")


def outcome_counts(programs: Sequence[Program]) -> list[tuple[str, int]]:
    """How many programs have each outcome that occurs, themselves or in an episode; in the order of the closed list."""
    counts = Counter(outcome for program in programs for outcome in _outcomes(program))
    return sorted(counts.items(), key=lambda pair: OUTCOMES[pair[0]])


def programs_of(record: Record, moment: str) -> tuple[Program, ...]:
    """The programs of a moment, read again only where their files have changed.

    Raises:
        RunError: there is no such moment, or its files are broken.
    """
    stamps = []
    for path in record.files(moment):
        status = path.stat() if path.exists() else None
        stamps.append((status.st_mtime_ns, status.st_size) if status else None)
    return _programs(record.path, moment, tuple(stamps))


@lru_cache(maxsize=_KEPT)
def _programs(path: Path, moment: str, _stamps: object) -> tuple[Program, ...]:
    return Record(path).programs(moment)


def _outcomes(program: Program) -> set[str]:
    own = {program.outcome.value} if program.outcome else set()
    return own | {episode.outcome.value for episode in program.episodes}


def _has(program: Program, outcome: str) -> bool:
    return not outcome or outcome in _outcomes(program)


def _text(program: Program) -> str:
    return program.completion or program.source or ""
