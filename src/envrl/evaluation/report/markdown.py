"""A run's report as Markdown, for a repository or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from envrl.evaluation import escape
from envrl.evaluation.report import words
from envrl.evaluation.report.record import ProgramCard, RunReport

__all__ = ["render_markdown"]

# The last three keep a bare address from becoming a link, and the start of a text from becoming a list.
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&@$]|:(?=//)|(?<=www)\.|^[-+])", re.IGNORECASE)


def render_markdown(report: RunReport) -> str:
    """The whole document; text that a model wrote stands in fences or has its markup escaped."""
    before, after = report.before, report.after
    lines = [f"# {_inline(report.title)}", "", f"**{_inline(words.headline(report))}**", ""]
    for warning in report.warnings:
        lines += [f"> ⚠ {_inline(warning, 1000)}", ""]
    for question, answer in words.answers(report):
        lines.append(f"- **{question}** {_inline(answer, 1000)}")
    lines += ["", *_fence(report.command, "sh"), "", words.MEANING, "", "## Before and after", ""]
    rows = [(label, *values) for label, values in words.summary_rows(before, after)]
    if report.difference is not None:
        rows.insert(1, ("difference", "", words.change(report.difference)))
    for outcome, shares in words.outcome_rows(before, after):
        rows.append((f"outcome: {words.outcome_name(outcome)}", *map(words.percent, shares)))
    lines += _table(("", before.label, after.label), rows)
    cards = [*report.programs, *([report.best] if report.best is not None else [])]
    if cards:
        lines += ["", "## Programs"]
    for card in cards:
        lines += _card(card)
    lines += ["", "## What it ran on", ""]
    facts = [
        ("Task", report.task),
        ("Model before", before.model),
        ("Model after", after.model),
        ("Run", report.run_dir),
        ("Lock", report.lock_hash),
        ("Written", f"{report.created}, after {words.duration(report.duration_seconds)}"),
        ("Sandbox layers", " · ".join(report.layers) or "none recorded"),
        ("Reward", words.weights(report.reward_weights)),
        ("Versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
    ]
    lines += [f"- {name}: {_inline(value, 2000)}" for name, value in facts if value]
    if report.config:
        lines += ["", "## Configuration", ""]
        lines += _table(("setting", "value", "from"), [(row.key, row.value, row.origin) for row in report.config])
    return "\n".join(lines) + "\n"


def _card(card: ProgramCard) -> list[str]:
    return [
        "",
        f"### {_inline(card.title)}",
        "",
        _inline(words.measured(card), 1000),
        "",
        *_fence(card.source, "python"),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [
        _row(head),
        "|" + " --- |" * len(head),
        *map(_row, rows),
    ]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_inline(cell, 500) for cell in cells) + " |"


def _inline(text: str, max_chars: int = 200) -> str:
    """One line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", escape.one_line(text, max_chars).strip())


def _fence(text: str, language: str) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks in it."""
    shown = escape.terminal(text).rstrip("\n")
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, shown, fence]
