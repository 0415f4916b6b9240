"""What every page of HTML shows in one way: text, programs, and the frames of a replay; whoever wrote them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from envrl.evaluation import escape
from envrl.evaluation.report import highlight
from envrl.evaluation.report.record import Replay

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["frames", "printable", "source"]

_SOURCE_CHARS = 8_000


def printable(value: Any) -> Any:
    """What jinja shows for a value: text without anything invisible, still to be HTML-escaped."""
    # Markup is a str, too; what is marked safe was made by ourselves.
    return escape.terminal(value) if type(value) is str else value


def source(text: str) -> Markup:
    """A program with its pieces in classed spans."""
    from markupsafe import Markup

    shown = Markup()
    for kind, piece in highlight.pieces(escape.terminal(text, _SOURCE_CHARS)):
        shown += piece if kind == "plain" else Markup('<span class="{}">{}</span>').format(kind, piece)
    return shown


def frames(replay: Replay) -> Markup:
    """The frames as a block of data inside the page, in which nothing can end the block."""
    from markupsafe import Markup

    data = [
        [escape.one_line(frame.caption), escape.terminal(frame.text), [list(mark) for mark in frame.marks]]
        for frame in replay.frames
    ]
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
