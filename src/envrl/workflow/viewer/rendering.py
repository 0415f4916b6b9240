"""Pages as HTML: every text that is shown is made printable, then escaped, whoever wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from envrl.evaluation import escape
from envrl.evaluation.report import pieces, sentences, words
from envrl.evaluation.report.words import OUTCOMES
from envrl.workflow.recorded import Program, name_of

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["ASSETS", "asset", "link", "render"]

_TEMPLATES = "envrl.workflow.viewer"
ASSETS = {
    "report.css": ("envrl.evaluation.report", "text/css; charset=utf-8"),
    "report.js": ("envrl.evaluation.report", "text/javascript; charset=utf-8"),
    "viewer.css": (_TEMPLATES, "text/css; charset=utf-8"),
    "viewer.js": (_TEMPLATES, "text/javascript; charset=utf-8"),
}
"""Files that pages load, by name: the package that holds each, and its type."""

_BAR = 100
_PEEK = 240


def asset(name: str) -> str:
    """The text of one of `ASSETS`."""
    return resources.files(ASSETS[name][0]).joinpath(name).read_text(encoding="utf-8")


def link(*parts: str | int, **query: str | int) -> str:
    """An address of the viewer; each part is one segment of its path, whatever characters it has."""
    path = "/" + "/".join(quote(str(part), safe="") for part in parts)
    asked = {name: value for name, value in query.items() if value != ""}
    return f"{path}?{urlencode(asked)}" if asked else path


def render(template: str, **values: Any) -> str:
    """A page.

    Raises:
        MissingExtraError: without jinja2 (the extra ``report``).
    """
    text: str = _environment().get_template(template).render(words=words, sentences=sentences, **values)
    return text


@cache
def _environment() -> Any:
    environment = pieces.page_environment(_TEMPLATES, "envrl view")
    environment.filters |= {
        "line": escape.one_line,
        "moment": name_of,
        "bar": _bar,
        "peek": _peek,
    }
    environment.globals |= {"link": link, "shares": _shares}
    return environment


def _peek(text: str) -> str:
    """The beginning of a program on one line, without the white space that sets it out."""
    return escape.one_line(" ".join(text[:_PEEK].split()), _PEEK)


def _shares(program: Program) -> dict[str, float]:
    """Shares of a program's episodes by outcome; its own where it was not played."""
    if program.outcome is not None:
        return {program.outcome.value: 1.0}
    return _as_shares([episode.outcome.value for episode in program.episodes])


def _as_shares(outcomes: Sequence[str]) -> dict[str, float]:
    return {outcome: count / len(outcomes) for outcome, count in Counter(outcomes).items()}


def _bar(shares: dict[str, float]) -> Markup:
    """Shares of outcomes as a bar, which says them in words to those who do not see it."""
    from markupsafe import Markup

    known = sorted((pair for pair in shares.items() if pair[0] in OUTCOMES), key=lambda pair: OUTCOMES[pair[0]])
    said = ", ".join(f"{words.outcome_name(outcome)} {words.percent(share)}" for outcome, share in known)
    drawn, at = Markup(), 0.0
    for outcome, share in known:
        width = _BAR * share
        colour = f"o-{outcome.replace('_', '-')}"
        drawn += Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>').format(colour, at, width)
        at += width
    return Markup(
        '<svg class="bar" viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>"
    ).format(_BAR, said, said, drawn)
