"""A report as Markdown, for a repository or an issue."""

from __future__ import annotations

from envrl.evaluation.report import sentences, words
from envrl.evaluation.report.markup import fence, inline, table
from envrl.evaluation.report.record import ProgramCard, SweepReport

__all__ = ["render_markdown"]

_SOURCE_CHARS = 8_000


def render_markdown(report: SweepReport) -> str:
    """The whole document; text that a model wrote stands in fences or has its markup escaped."""
    lines = [f"# {inline(report.title)}", "", f"**{inline(sentences.headline(report), 1000)}**", ""]
    for warning in (*((report.partial,) if report.partial else ()), *report.warnings):
        lines += [f"> ⚠ {inline(warning, 1000)}", ""]
    for question, answer in sentences.answers(report):
        lines.append(f"- **{question}** {inline(answer, 1000)}")
    lines += ["", *fence(report.command, "sh")]
    if report.sides:
        lines += ["", inline(sentences.meaning(report), 1000), *_numbers(report), *_beside(report)]
    if report.sides and sentences.plays(report):
        lines += _exploits(report)
    if report.rows:
        lines += ["", "## Strategies", "", *_strategies(report), "", inline(sentences.ROWS, 1000)]
    if report.gallery:
        lines += ["", "## Programs" if sentences.plays(report) else "## Answers"]
    for card in report.gallery:
        lines += _card(card)
    lines += ["", "## What it ran on", ""]
    lines += [f"- {inline(name)}: {inline(value, 2000)}" for name, value in sentences.facts(report)]
    for name, values in (("Versions", report.versions), ("Hashes", report.hashes)):
        if values:
            lines.append(f"- {name}: {inline(', '.join(f'{key} {value}' for key, value in values.items()), 4000)}")
    if report.config:
        lines += ["", "## Configuration", ""]
        lines += table(("setting", "value", "from"), [(row.key, row.value, row.origin) for row in report.config])
    return "\n".join(lines) + "\n"


def _numbers(report: SweepReport) -> list[str]:
    sides = report.sides
    rows = [(label, *values) for label, values in words.summary_rows(*sides)]
    if report.difference is not None:
        rows.insert(1, ("difference", "", words.change(report.difference)))
    of = "outcome" if sentences.plays(report) else "of all answers"
    rows += [(f"{of}: {name}", *shares) for name, shares in words.ending_rows(*sides)]
    return [
        "",
        "## In numbers",
        "",
        *table(("", *(side.label for side in sides)), rows),
        "",
        inline(sentences.figures(report), 1000),
    ]


def _beside(report: SweepReport) -> list[str]:
    rows = [
        (row.name, words.rate(row.success), words.amount(row.mean_score), row.seeds, words.verdict(row))
        for row in report.baselines.rows
    ]
    lines = ["", "## Better than what?", ""]
    if rows:
        lines += table(("reference strategy", "episodes won", "mean score", "seeds", "against it"), rows)
        lines.append("")
    return [*lines, inline(report.baselines.note, 1000)]


def _exploits(report: SweepReport) -> list[str]:
    sides = report.sides
    rows = [(label, *values) for label, values in words.exploit_rows(*sides)]
    rows += [(f"tried: {reason}", *values) for reason, values in words.kind_rows(*sides)]
    head = ("", *(side.label for side in sides))
    return ["", "## Did it cheat?", "", *table(head, rows), "", inline(sentences.how_told(*sides), 1000)]


def _strategies(report: SweepReport) -> list[str]:
    rows = [
        (
            f"{row.label} ({words.outcome_name(row.outcome)}: {row.note})" if row.outcome else row.label,
            words.rate(row.success),
            words.amount(row.mean_score),
            words.percent(row.mean_progress),
        )
        for row in report.rows
    ]
    return table(("strategy", "episodes won", "mean score", "mean progress"), rows)


def _card(card: ProgramCard) -> list[str]:
    told = sentences.measured(card)
    if card.replay is not None:
        told += f". Replay in report.html: {sentences.replayed(card.replay)}"
    if card.question:
        question = ["Question:", "", *fence(card.question, "text", _SOURCE_CHARS), "", "Completion:", ""]
        source = [*question, *fence(card.source, "text", _SOURCE_CHARS)]
    else:
        source = fence(card.source, "python", _SOURCE_CHARS)
    return ["", f"### {inline(card.title)}", "", inline(told, 1000), "", *source]
