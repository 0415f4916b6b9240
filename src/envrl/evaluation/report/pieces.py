"""What every page of HTML shows in one way: text, programs, and the frames of a replay; whoever wrote them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from envrl.errors import MissingExtraError
from envrl.evaluation import escape
from envrl.evaluation.report import highlight
from envrl.evaluation.report.record import Replay

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["frames", "page_environment", "printable", "source"]

_SOURCE_CHARS = 8_000


def page_environment(package: str, purpose: str) -> Any:
    """jinja as every page of ours has it: each value is made `printable`, then escaped, and a missing one is an error.

    Args:
        package: whose templates are read.
        purpose: what is being done, for the error.

    Raises:
        MissingExtraError: without jinja2 (the extra ``report``).
    """
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", "jinja2", purpose) from error

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        autoescape=True,
        finalize=printable,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"source": source, "frames": frames}
    return environment


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
