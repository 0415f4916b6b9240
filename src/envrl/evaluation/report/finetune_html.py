"""The report of a run on data as one HTML file that needs no network and runs no script."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from envrl.evaluation.report import finetune_words as words
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.pieces import page_environment

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["render_finetune_html"]

_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 34
_MOST_POINTS = 240
"""More than a picture can show; a long run would otherwise fill megabytes."""


def render_finetune_html(report: FinetuneReport) -> str:
    """The whole page as text; every string goes through `escape.terminal` and then through HTML escaping.

    Raises:
        MissingExtraError: without jinja2 (the extra ``report``).
    """
    environment = page_environment("envrl.evaluation.report", "writing a report as HTML")
    template = environment.get_template("finetune.html.j2")
    pairs = list(zip(report.before.samples, report.after.samples, strict=False))
    page: str = template.render(report=report, words=words, pairs=pairs, chart=_chart(report) if report.curve else "")
    return page


def _chart(report: FinetuneReport) -> Markup:
    """The curve of the loss as SVG that takes its colours from the page."""
    from markupsafe import Markup

    points = _thinned([(point.step, point.loss) for point in report.curve if point.loss is not None])
    if not points:
        return Markup("")
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    high = high if high > low else low + 1.0
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)

    def x(step: float) -> float:
        return _LEFT + (step - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(loss: float) -> float:
        return _TOP + (high - loss) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    parts = []
    for tick in range(5):
        value = low + tick / 4 * (high - low)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    for step, anchor in ((first, "start"), (points[-1][0], "end")):
        parts.append(f'<text x="{x(step):.1f}" y="{_HEIGHT - 14}" text-anchor="{anchor}">step {step}</text>')
    line = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in points)
    parts.append(f'<polyline class="loss" points="{line}"/>')
    if len(points) == 1:
        parts.append(f'<circle class="dot" cx="{x(first):.1f}" cy="{y(points[0][1]):.1f}" r="3"/>')
    body = Markup("").join(map(Markup, parts))  # nothing but numbers of ours
    return Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        words.loss_chart_alt(report), _WIDTH, _HEIGHT, body
    )


def _thinned(curve: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """A curve of (step, loss) of at most `_MOST_POINTS` points, each the mean of the steps that it stands for."""
    size = max(1, math.ceil(len(curve) / _MOST_POINTS))
    return [
        (part[-1][0], sum(loss for _, loss in part) / len(part))
        for part in (curve[start : start + size] for start in range(0, len(curve), size))
    ]
