"""A comparison for the terminal and as Markdown: the same rows in both."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from envrl.evaluation import escape
from envrl.evaluation.comparison import Comparison, ContenderRow
from envrl.evaluation.report import words
from envrl.evaluation.report.markup import inline, table

__all__ = ["render_comparison_markdown", "render_comparison_terminal"]

_HEAD = ("", "", "programs", "episodes won", "not measured")
_LEVEL = 0.05


def render_comparison_terminal(comparison: Comparison) -> RenderableType:
    """What to print; names are escaped."""
    parts: list[RenderableType] = [Text(_conditions(comparison), "bold")]
    parts.append(_rich(_HEAD, _rows(comparison)))
    parts.append(_rich(*_pairs(comparison)))
    parts += [Text(verdict, "bold") for verdict in _verdicts(comparison)]
    parts += [Text(note) for note in _notes(comparison)]
    parts += [Text(f"warning: {warning}", "yellow") for warning in _warnings(comparison)]
    return Group(*parts)


def render_comparison_markdown(comparison: Comparison) -> str:
    """The whole document."""
    lines = ["# Comparison", "", _sentence(_conditions(comparison)), ""]
    lines += table(_HEAD, _rows(comparison))
    lines += ["", *table(*_pairs(comparison)), ""]
    lines += [f"- **{_sentence(verdict)}**" for verdict in _verdicts(comparison)]
    lines += ["", *map(_sentence, _notes(comparison))]
    lines += [line for warning in _warnings(comparison) for line in ("", f"> ⚠ {_sentence(warning)}")]
    return "\n".join(lines) + "\n"


def _conditions(comparison: Comparison) -> str:
    return (
        f"{comparison.task} (version {comparison.task_version}), won when: {comparison.success}; "
        f"seeds {comparison.seeds} of block {comparison.block}, the same for all"
    )


def _rows(comparison: Comparison) -> list[list[str]]:
    return [[_letter(place), *_row(row)] for place, row in enumerate(comparison.contenders)]


def _row(row: ContenderRow) -> list[str]:
    missing = "0"
    if row.missing:
        missing = f"{row.missing} ({words.percent(row.lowest)} if lost, {words.percent(row.highest)} if won)"
    return [escape.one_line(row.name), str(row.programs), words.rate(row.success), missing]


def _pairs(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of the table of differences, without columns that would say nothing."""
    alone = any(pair.only_first is not None for pair in comparison.pairs)
    several = len(comparison.pairs) > 1
    head = ["", "difference", *(["won by one alone"] if alone else []), "p", *(["p for all"] if several else [])]
    rows = []
    for place, pair in enumerate(comparison.pairs, 1):
        letter, change = _letter(place), pair.difference
        low, high = 100 * change.low, 100 * change.high
        row = [f"{letter} less A", f"{100 * change.estimate:+.1f} points ({low:+.1f} to {high:+.1f})"]
        if alone:
            row.append("–" if pair.only_first is None else f"{letter} {pair.only_second}, A {pair.only_first}")
        row.append(_p_value(change.p_value))
        if several:
            row.append(_p_value(pair.p_holm))
        rows.append(row)
    return head, rows


def _p_value(value: float) -> str:
    return words.p_value(value).removeprefix("p ").removeprefix("= ")


def _letter(place: int) -> str:
    """A, B … Z, then 27, 28 …"""
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _verdicts(comparison: Comparison) -> list[str]:
    found = []
    for place, pair in enumerate(comparison.pairs, 1):
        letter = _letter(place)
        verdict = f"No clear difference between {letter} and A."
        if pair.p_holm < _LEVEL:
            verdict = f"{letter} is {'better' if pair.difference.estimate > 0 else 'worse'} than A."
        if pair.changed:
            verdict += f" Changed: {' and '.join(pair.changed)}."
        found.append(verdict)
    return found


def _notes(comparison: Comparison) -> list[str]:
    methods = " · ".join(dict.fromkeys(pair.method for pair in comparison.pairs))
    notes = [f"Intervals are 95 %, each for itself. Differences: {methods}."]
    if len(comparison.pairs) > 1:
        notes.append(
            f"{len(comparison.pairs)} comparisons were made: “p for all” is Holm's, and what is said goes by it. The "
            "intervals are not widened for that."
        )
    return notes


def _warnings(comparison: Comparison) -> list[str]:
    several = [
        f"A and {_letter(place)} differ in {len(pair.changed)} variables at once: their difference has no single cause"
        for place, pair in enumerate(comparison.pairs, 1)
        if len(pair.changed) > 1
    ]
    return [*several, *(escape.one_line(warning, 1000) for warning in comparison.warnings)]


def _sentence(text: str) -> str:
    return inline(text, 1000)


def _rich(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    shown = Table(header_style="bold")
    for title in head:
        shown.add_column(title, justify="right" if title else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(Text, row))
    return shown
