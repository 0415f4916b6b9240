"""A report for the terminal: the tables, the programs, and where the full report lies."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from envrl.evaluation import escape
from envrl.evaluation.report import highlight, sentences, words
from envrl.evaluation.report.record import ProgramCard, SweepReport

__all__ = ["render_terminal"]

_STYLES = {"comment": "dim italic", "string": "green", "keyword": "magenta", "name": "bold cyan", "number": "yellow"}
_SOURCE_CHARS = 4_000
_MOST_ROWS = 30


def render_terminal(report: SweepReport, report_path: str = "") -> RenderableType:
    """What to print when a run or a sweep ends; ``report_path`` names the HTML file, where one was written.

    Model text is escaped and carried in `rich.text.Text`, so that neither control characters nor rich's own markup
    in it do anything.
    """
    parts: list[RenderableType] = [_line(sentences.headline(report), "bold")]
    if report.sides:
        parts.append(_numbers(report))
    if report.rows:
        parts.append(_strategies(report))
    parts += [_line(f"{question} {answer}") for question, answer in sentences.answers(report) if question in _TOLD]
    if report.partial:
        parts.append(_line(report.partial, "yellow"))
    parts += [_line(f"warning: {warning}", "yellow") for warning in report.warnings]
    parts += [_card(card) for card in report.gallery]
    parts.append(_line(f"Repeat it: {report.command}"))
    if report_path:
        parts.append(_line(f"Full report: {report_path}", "bold"))
    return Group(*parts)


_TOLD = ("Better than what?", "How does it fail?")
"""Of the five questions, those that the table does not answer."""


def _numbers(report: SweepReport) -> Table:
    sides = report.sides
    table = Table(title_justify="left", header_style="bold")
    table.add_column("")
    for side in sides:
        table.add_column(_line(side.label), justify="right")
    for label, values in words.summary_rows(*sides):
        table.add_row(_line(label), *map(_line, values))
    table.add_section()
    for name, shares in words.ending_rows(*sides):
        table.add_row(_line(name, "dim"), *map(_line, shares))
    table.add_section()
    for label, values in [*words.exploit_rows(*sides), *_tried(report)] if sentences.plays(report) else ():
        if set(values) != {"0"}:
            table.add_row(_line(label), *map(_line, values))
    if report.difference is not None:
        table.add_section()
        table.add_row(_line("difference", "bold"), "", _line(words.change(report.difference), "bold"))
    return table


def _tried(report: SweepReport) -> list[tuple[str, list[str]]]:
    return [(f"tried: {reason}", values) for reason, values in words.kind_rows(*report.sides)]


def _strategies(report: SweepReport) -> Table:
    table = Table(header_style="bold")
    table.add_column("strategy", overflow="fold", ratio=1)
    for name in ("episodes won", "mean score", "mean progress"):
        table.add_column(name, justify="right")
    for row in report.rows[:_MOST_ROWS]:
        label = f"{row.label} ({words.outcome_name(row.outcome)})" if row.outcome else row.label
        cells = (words.rate(row.success), words.amount(row.mean_score), words.percent(row.mean_progress))
        table.add_row(_line(label), *map(_line, cells))
    if len(report.rows) > _MOST_ROWS:
        table.add_row(_line(f"… and {len(report.rows) - _MOST_ROWS} more in the full report", "dim"))
    return table


def _card(card: ProgramCard) -> Panel:
    source = Text()
    shown = escape.terminal(card.source, _SOURCE_CHARS).rstrip("\n")
    for kind, text in [("plain", shown)] if card.question else highlight.pieces(shown):
        source.append(text, _STYLES.get(kind))
    asked = [_line(card.question, "bold")] if card.question else []
    return Panel(
        Group(_line(sentences.measured(card), "dim"), *asked, source),
        title=_line(card.title, "bold"),
        title_align="left",
    )


def _line(text: str, style: str = "") -> Text:
    return Text(escape.one_line(text, 500), style)
