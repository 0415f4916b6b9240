"""A run's report for the terminal: the table, the programs, and where the full report lies."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from envrl.evaluation import escape
from envrl.evaluation.report import highlight, words
from envrl.evaluation.report.record import ProgramCard, RunReport

__all__ = ["render_terminal"]

_STYLES = {"comment": "dim italic", "string": "green", "keyword": "magenta", "name": "bold cyan", "number": "yellow"}
_SOURCE_CHARS = 4_000


def render_terminal(report: RunReport, report_path: str = "") -> RenderableType:
    """What to print when a run ends; ``report_path`` names the HTML file, where one was written.

    Model text is escaped and carried in `rich.text.Text`, so that neither control characters nor rich's own markup
    in it do anything.
    """
    parts: list[RenderableType] = [_line(words.headline(report), "bold"), _numbers(report)]
    parts += [_line(f"warning: {warning}", "yellow") for warning in report.warnings]
    cards = [*report.programs, *([report.best] if report.best is not None else [])]
    parts += [_card(card) for card in cards]
    parts.append(_line(f"Repeat it: {report.command}"))
    if report_path:
        parts.append(_line(f"Full report: {report_path}", "bold"))
    return Group(*parts)


def _numbers(report: RunReport) -> Table:
    table = Table(title_justify="left", header_style="bold")
    table.add_column("")
    table.add_column(_line(report.before.label), justify="right")
    table.add_column(_line(report.after.label), justify="right")
    for label, values in words.summary_rows(report.before, report.after):
        table.add_row(_line(label), *map(_line, values))
    table.add_section()
    for outcome, shares in words.outcome_rows(report.before, report.after):
        table.add_row(_line(words.outcome_name(outcome), "dim"), *(_line(words.percent(share)) for share in shares))
    if report.difference is not None:
        table.add_section()
        table.add_row(_line("difference", "bold"), "", _line(words.change(report.difference), "bold"))
    return table


def _card(card: ProgramCard) -> Panel:
    source = Text()
    for kind, text in highlight.pieces(escape.terminal(card.source, _SOURCE_CHARS).rstrip("\n")):
        source.append(text, _STYLES.get(kind))
    return Panel(Group(_line(words.measured(card), "dim"), source), title=_line(card.title, "bold"), title_align="left")


def _line(text: str, style: str = "") -> Text:
    return Text(escape.one_line(text, 500), style)
