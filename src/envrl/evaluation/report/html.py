"""A report as one HTML file that needs no network; its one script plays replays, and is named by its hash."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

from envrl.evaluation.report import pieces, sentences, words
from envrl.evaluation.report.charts import charts
from envrl.evaluation.report.record import SweepReport

__all__ = ["render_html"]


def render_html(report: SweepReport) -> str:
    """The whole page as text.

    Every string that the template shows goes through `escape.terminal` and then through HTML escaping, whoever
    wrote it, so that a new field cannot be forgotten. The page's policy allows its own style sheet and script by their
    hashes and nothing else, so that markup which slipped through could neither run nor load.

    Raises:
        MissingExtraError: without jinja2 (the extra ``report``).
    """
    environment = pieces.page_environment("envrl.evaluation.report", "writing a report as HTML")
    from markupsafe import Markup

    environment.filters["drawn"] = Markup  # pictures, whose words are escaped where they are drawn
    style, script = _file("report.css"), _file("report.js")
    template = environment.get_template("report.html.j2")
    page: str = template.render(
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
    return page


def _file(name: str) -> str:
    return resources.files("envrl.evaluation.report").joinpath(name).read_text(encoding="utf-8")


def _named(text: str) -> str:
    """How a content security policy names a style sheet or a script that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
