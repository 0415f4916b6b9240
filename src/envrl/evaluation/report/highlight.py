"""Python source cut into coloured pieces by one linear scan.

Highlighters built on regular expressions can be made to backtrack for ever, and this source is hostile; so the
scan looks at each character once and colours roughly, and any text at all is cut into pieces that join to itself.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator

__all__ = ["KINDS", "pieces"]

KINDS = ("plain", "comment", "string", "keyword", "name", "number")
_KEYWORDS = frozenset(keyword.kwlist)


def pieces(source: str) -> Iterator[tuple[str, str]]:
    """Pairs of a kind (one of `KINDS`) and the text of a piece, in order; the texts join to ``source``."""
    start = position = 0
    defines = False
    while position < len(source):
        kind, end = _next(source, position)
        text = source[position:end]
        if kind == "word":
            kind = "keyword" if text in _KEYWORDS else "name" if defines else "plain"
            defines = text in ("def", "class")
        if kind == "plain":
            position = end
            continue
        if start < position:
            yield "plain", source[start:position]
        yield kind, text
        start = position = end
    if start < position:
        yield "plain", source[start:]


def _next(source: str, start: int) -> tuple[str, int]:
    """The kind and the end of the piece that starts here."""
    char = source[start]
    if char == "#":
        end = source.find("\n", start)
        return "comment", end if end >= 0 else len(source)
    if char in "\"'":
        return "string", _string_end(source, start)
    if char.isalpha() or char == "_":
        return "word", _run_end(source, start, "_")
    if char.isdigit():
        return "number", _run_end(source, start, "_.")
    return "plain", start + 1


def _run_end(source: str, end: int, also: str) -> int:
    while end < len(source) and (source[end].isalnum() or source[end] in also):
        end += 1
    return end


def _string_end(source: str, start: int) -> int:
    """Just past the closing quote, or where the line (of a triple-quoted string: the text) ends."""
    quote = source[start]
    triple = source.startswith(quote * 3, start)
    close = quote * 3 if triple else quote
    end = start + len(close)
    while end < len(source):
        if source[end] == "\\":
            end += 2
        elif source.startswith(close, end):
            return end + len(close)
        elif source[end] == "\n" and not triple:
            return end
        else:
            end += 1
    return len(source)
