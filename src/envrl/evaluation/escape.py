"""Text that a model wrote, made safe to read in a terminal, a page or a log.

Nothing that moves a cursor, turns the direction of reading, hides or stacks up reaches the reader as itself: it shows
as a visible escape such as ``\\x1b`` or ``\\u202e``. HTML escaping is another matter and comes after this.
"""

from __future__ import annotations

import unicodedata

__all__ = ["one_line", "terminal"]

MAX_CHARS = 20_000
_TAB = "    "
_MARKS_IN_A_ROW = 2
"""Accents that one letter may carry; writing systems need two, and a tower of them covers the lines above."""

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that Unicode calls printable but that show as nothing."""


def terminal(text: str, max_chars: int = MAX_CHARS) -> str:
    """Text of several lines with only printable characters in it, cut to ``max_chars`` of the original.

    Newlines and spaces stay, ``\\r\\n`` becomes a newline and a tab four spaces. Control and format characters
    (escape sequences, C1, every bidi control), unusual spaces, line and paragraph separators, lone surrogates, private
    and unassigned characters, blank letters, variation selectors and towers of accents become escapes. A cut says how
    many characters are missing.
    """
    shown = _visible(text[:max_chars].replace("\r\n", "\n"))
    cut = len(text) - max_chars
    return f"{shown}\n… [{cut:,} more characters]" if cut > 0 else shown


def one_line(text: str, max_chars: int = 200) -> str:
    """The same on a single line: newlines are escaped too, and a cut shows as an ellipsis."""
    shown = _visible(text[:max_chars]).replace("\n", "\\n")
    return shown + "…" if len(text) > max_chars else shown


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    parts = []
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if char == "\n":
            parts.append(char)
        elif char == "\t":
            parts.append(_TAB)
        elif char.isprintable() and char not in _BLANK and marks <= _MARKS_IN_A_ROW and not _selects_variant(char):
            parts.append(char)
        else:
            parts.append(_escape(ord(char)))
    return "".join(parts)


def _selects_variant(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
