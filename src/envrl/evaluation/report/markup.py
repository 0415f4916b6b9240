"""Markdown made of text that anyone may have written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from envrl.evaluation import escape

__all__ = ["fence", "inline", "table"]

# The last three keep a bare address from becoming a link, and the start of a text from becoming a list.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&@$]|:(?=//)|(?<=www)\.|^[-+])", re.IGNORECASE)


def inline(text: str, max_chars: int = 200) -> str:
    """One line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", escape.one_line(text, max_chars).strip())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table whose cells are text."""
    return [_row(head), "|" + " --- |" * len(head), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(inline(cell, 500) for cell in cells) + " |"


def fence(text: str, language: str = "", max_chars: int = escape.MAX_CHARS) -> list[str]:
    """The lines of a fenced block whose fence is longer than any run of backticks in it."""
    shown = escape.terminal(text, max_chars).rstrip("\n")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    mark = "`" * max(3, longest + 1)
    return [mark + language, shown, mark]
