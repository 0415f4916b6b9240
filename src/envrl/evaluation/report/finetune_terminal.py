"""The report of a run on data for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from envrl.evaluation import escape
from envrl.evaluation.report import finetune_words as words
from envrl.evaluation.report.finetune import FinetuneReport

__all__ = ["render_finetune_terminal"]

_SAMPLE_CHARS = 2_000


def render_finetune_terminal(report: FinetuneReport, report_path: str = "") -> RenderableType:
    """What to print when a run ends; ``report_path`` names the HTML file, where one was written."""
    parts: list[RenderableType] = [_line(words.headline(report), "bold"), _table(words.figure_rows(report))]
    if report.play is not None:
        parts += [_line(f"By play: {report.play.task}", "bold"), _table(words.play_rows(report))]
    parts += [_line(f"warning: {warning}", "yellow") for warning in report.warnings]
    if report.after.samples:
        sample = report.after.samples[0]
        shown = words.score_text(sample.scores) if sample.scores else sample.written
        body = Text(escape.terminal(shown, _SAMPLE_CHARS).rstrip("\n"))
        parts.append(Panel(body, title=_line("a held-out row after training", "bold"), title_align="left"))
    parts.append(_line(f"Repeat it: {report.command}"))
    if report_path:
        parts.append(_line(f"Full report: {report_path}", "bold"))
    return Group(*parts)


def _table(rows: list[tuple[str, tuple[str, str]]]) -> Table:
    table = Table(header_style="bold")
    table.add_column("")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for label, values in rows:
        table.add_row(_line(label), *map(_line, values))
    return table


def _line(text: str, style: str = "") -> Text:
    return Text(escape.one_line(text, 500), style)
