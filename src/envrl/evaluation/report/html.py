"""A run's report as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import base64
from importlib import resources
from typing import TYPE_CHECKING, Any

from envrl.errors import MissingExtraError
from envrl.evaluation import escape
from envrl.evaluation.report import highlight, words
from envrl.evaluation.report.charts import charts
from envrl.evaluation.report.record import RunReport

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["render_html"]


def render_html(report: RunReport) -> str:
    """The whole page as text.

    Every string that the template shows goes through `escape.terminal` and then through HTML escaping, whoever
    wrote it, so that a new field cannot be forgotten.

    Raises:
        MissingExtraError: without jinja2 or matplotlib (the extra ``report``).
    """
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", "jinja2", "writing a report as HTML") from error

    environment = jinja2.Environment(
        autoescape=True, finalize=_printable, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["source"] = _source
    environment.filters["data_uri"] = _data_uri
    template = environment.from_string(
        resources.files("envrl.evaluation.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(report=report, charts=charts(report), words=words, summaries=[report.before, report.after])


def _printable(value: Any) -> Any:
    """What jinja shows for a value: text without anything invisible, still to be HTML-escaped."""
    # Markup is a str, too; what is marked safe here was made by the two filters below.
    return escape.terminal(value) if type(value) is str else value


def _source(text: str) -> Markup:
    """A program with its pieces in classed spans."""
    from markupsafe import Markup

    shown = Markup()
    for kind, piece in highlight.pieces(escape.terminal(text)):
        shown += piece if kind == "plain" else Markup('<span class="{}">{}</span>').format(kind, piece)
    return shown


def _data_uri(svg: bytes) -> Markup:
    from markupsafe import Markup

    return Markup("data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii"))
