"""A report as one HTML file that needs no network; its one script plays replays, and is named by its hash."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from envrl.errors import MissingExtraError
from envrl.evaluation import escape
from envrl.evaluation.report import highlight, sentences, words
from envrl.evaluation.report.charts import charts
from envrl.evaluation.report.record import Replay, SweepReport

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["render_html"]

_SOURCE_CHARS = 8_000


def render_html(report: SweepReport) -> str:
    """The whole page as text.

    Every string that the template shows goes through `escape.terminal` and then through HTML escaping, whoever
    wrote it, so that a new field cannot be forgotten. The page's policy allows its own style sheet and script by their
    hashes and nothing else, so that markup which slipped through could neither run nor load.

    Raises:
        MissingExtraError: without jinja2 (the extra ``report``).
    """
    try:
        import jinja2
        from markupsafe import Markup
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", "jinja2", "writing a report as HTML") from error

    environment = jinja2.Environment(
        autoescape=True, finalize=_printable, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["source"] = _source
    environment.filters["frames"] = _frames
    environment.filters["drawn"] = Markup  # pictures, whose words are escaped where they are drawn
    style, script = _file("report.css"), _file("report.js")
    template = environment.from_string(_file("report.html.j2"))
    return template.render(
        report=report,
        charts=charts(report),
        words=words,
        sentences=sentences,
        style=Markup(style),
        script=Markup(script),
        policy=Markup(
            f"default-src 'none'; script-src {_named(script)}; style-src {_named(style)}; base-uri 'none'; "
            "form-action 'none'"
        ),
    )


def _file(name: str) -> str:
    return resources.files("envrl.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _named(text: str) -> str:
    """How a content security policy names a style sheet or a script that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _printable(value: Any) -> Any:
    """What jinja shows for a value: text without anything invisible, still to be HTML-escaped."""
    # Markup is a str, too; what is marked safe here was made by this module.
    return escape.terminal(value) if type(value) is str else value


def _source(text: str) -> Markup:
    """A program with its pieces in classed spans."""
    from markupsafe import Markup

    shown = Markup()
    for kind, piece in highlight.pieces(escape.terminal(text, _SOURCE_CHARS)):
        shown += piece if kind == "plain" else Markup('<span class="{}">{}</span>').format(kind, piece)
    return shown


def _frames(replay: Replay) -> Markup:
    """The frames as a block of data inside the page, in which nothing can end the block."""
    from markupsafe import Markup

    data = [
        [escape.one_line(frame.caption), escape.terminal(frame.text), [list(mark) for mark in frame.marks]]
        for frame in replay.frames
    ]
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
