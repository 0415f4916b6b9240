"""The report of a run on data as Markdown, for a repository or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from envrl.evaluation import escape
from envrl.evaluation.report import finetune_words as words
from envrl.evaluation.report.finetune import FinetuneReport, Sample

__all__ = ["render_finetune_markdown"]

# The last three keep a bare address from becoming a link, and the start of a text from becoming a list.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&@$]|:(?=//)|(?<=www)\.|^[-+])", re.IGNORECASE)


def render_finetune_markdown(report: FinetuneReport) -> str:
    """The whole document; text that a model wrote stands in fences or has its markup escaped."""
    lines = [f"# {_inline(report.title)}", "", f"**{_inline(words.headline(report), 500)}**", ""]
    for warning in report.warnings:
        lines += [f"> ⚠ {_inline(warning, 1000)}", ""]
    lines += [*_fence(report.command, "sh"), "", words.MEANING, "", "## Before and after", ""]
    lines += _table(("", "before", "after"), [(label, *values) for label, values in words.figure_rows(report)])
    if report.play is not None:
        lines += ["", f"## By play: {_inline(report.play.task)}", ""]
        lines += _table(("", "before", "after"), [(label, *values) for label, values in words.play_rows(report)])
    if report.curve:
        lines += ["", "## Loss", "", _inline(words.loss_chart_alt(report), 500)]
    pairs = list(zip(report.before.samples, report.after.samples, strict=False))
    if pairs:
        lines += ["", "## Samples side by side"]
    for number, (old, new) in enumerate(pairs, 1):
        lines += ["", f"### Sample {number}", "", *_sample(old, new)]
    lines += ["", "## What it ran on", ""]
    lines += [f"- {name}: {_inline(value, 2000)}" for name, value in words.facts(report) if value]
    if report.config:
        lines += ["", "## Configuration", ""]
        lines += _table(("setting", "value", "from"), [(row.key, row.value, row.origin) for row in report.config])
    return "\n".join(lines) + "\n"


def _sample(old: Sample, new: Sample) -> list[str]:
    lines = ["Prompt:", "", *_fence(old.prompt)]
    if old.scores:
        lines += ["", f"Before: {words.score_text(old.scores)}. After: {words.score_text(new.scores)}."]
    else:
        lines += ["", "Before:", "", *_fence(old.written), "", "After:", "", *_fence(new.written)]
    for label, text in (("The row's own", old.expected), ("Rejected", old.rejected)):
        if text:
            lines += ["", f"{label}:", "", *_fence(text)]
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), "|" + " --- |" * len(head), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inline(cell, 500) for cell in cells) + " |"


def _inline(text: str, max_chars: int = 200) -> str:
    """One line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", escape.one_line(text, max_chars).strip())


def _fence(text: str, language: str = "") -> list[str]:
    """A fenced block whose fence is longer than any run of backticks in it."""
    shown = escape.terminal(text).rstrip("\n")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, shown, fence]
