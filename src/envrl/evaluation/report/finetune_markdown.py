"""The report of a run on data as Markdown, for a repository or an issue."""

from __future__ import annotations

from envrl.evaluation.report import finetune_words as words
from envrl.evaluation.report.finetune import FinetuneReport, Sample
from envrl.evaluation.report.markup import fence, inline, table

__all__ = ["render_finetune_markdown"]


def render_finetune_markdown(report: FinetuneReport) -> str:
    """The whole document; text that a model wrote stands in fences or has its markup escaped."""
    lines = [f"# {inline(report.title)}", "", f"**{inline(words.headline(report), 500)}**", ""]
    for warning in report.warnings:
        lines += [f"> ⚠ {inline(warning, 1000)}", ""]
    lines += [*fence(report.command, "sh"), "", words.MEANING, "", "## Before and after", ""]
    lines += table(("", "before", "after"), [(label, *values) for label, values in words.figure_rows(report)])
    if report.play is not None:
        lines += ["", f"## By play: {inline(report.play.task)}", ""]
        lines += table(("", "before", "after"), [(label, *values) for label, values in words.play_rows(report)])
    if report.curve:
        lines += ["", "## Loss", "", inline(words.loss_chart_alt(report), 500)]
    pairs = list(zip(report.before.samples, report.after.samples, strict=False))
    if pairs:
        lines += ["", "## Samples side by side"]
    for number, (old, new) in enumerate(pairs, 1):
        lines += ["", f"### Sample {number}", "", *_sample(old, new)]
    lines += ["", "## What it ran on", ""]
    lines += [f"- {name}: {inline(value, 2000)}" for name, value in words.facts(report) if value]
    if report.config:
        lines += ["", "## Configuration", ""]
        lines += table(("setting", "value", "from"), [(row.key, row.value, row.origin) for row in report.config])
    return "\n".join(lines) + "\n"


def _sample(old: Sample, new: Sample) -> list[str]:
    lines = ["Prompt:", "", *fence(old.prompt)]
    if old.scores:
        lines += ["", f"Before: {words.score_text(old.scores)}. After: {words.score_text(new.scores)}."]
    else:
        lines += ["", "Before:", "", *fence(old.written), "", "After:", "", *fence(new.written)]
    for label, text in (("The row's own", old.expected), ("Rejected", old.rejected)):
        if text:
            lines += ["", f"{label}:", "", *fence(text)]
    return lines
