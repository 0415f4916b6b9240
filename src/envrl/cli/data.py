"""``envrl data``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from envrl.workflow.data import OpenedData

__all__ = ["command"]

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_SHOWN = 2


@click.group("data")
def command() -> None:
    """Prepare a data set for a stage of training, or check one."""


def _arguments(function: Any) -> Any:
    for decorate in (
        click.option("--model", help="Model whose tokenizer measures the rows; a CONFIG's own by default."),
        click.option(
            "--stage", help="pt, sft, reward, dpo, orpo, simpo or kto; otherwise told from CONFIG or columns."
        ),
        click.argument("overrides", nargs=-1, metavar="[dataset.KEY=VALUE]..."),
        click.argument("data", metavar="CONFIG_OR_DATA"),
    ):
        function = decorate(function)
    return function


@command.command("check", short_help="Say what is wrong with a data set.")
@_arguments
def check(data: str, overrides: tuple[str, ...], stage: str | None, model: str | None) -> None:
    """Say what is wrong with a data set; exits with code 1 where a check failed.

    CONFIG_OR_DATA is a YAML file of a run, a data file (.jsonl, .json, .parquet, .csv), a folder, a Hugging Face id,
    or a name in dataset.info.
    """
    from rich.console import Console
    from rich.text import Text

    from envrl.evaluation.escape import one_line
    from envrl.workflow.data import check_data, open_data

    console = Console()
    checked = check_data(open_data(data, stage, overrides, model))
    _print(console, checked.opened)
    for finding in checked.findings:
        console.print(
            Text(f"{finding.verdict:<8}", style=_STYLES[finding.verdict]),
            Text(f"{finding.check:<16}{one_line(finding.seen, 1000)}"),
            soft_wrap=True,
        )
        if finding.mend:
            console.print(Text(f"{'':<9}mend: {one_line(finding.mend, 1000)}"), soft_wrap=True)
    _print_dropped(console, checked.opened)
    if checked.failed:
        raise SystemExit(1)


@command.command("prepare", short_help="Write a data set in TRL's shape.")
@_arguments
@click.option("--output", type=click.Path(path_type=Path), default="prepared", show_default=True, help="Folder.")
@click.option("--replace", is_flag=True, help="Replace files of the folder.")
def prepare(
    data: str, overrides: tuple[str, ...], stage: str | None, model: str | None, output: Path, replace: bool
) -> None:
    """Write a data set in TRL's shape, as the stage would read it: train.jsonl, and eval.jsonl for held-out rows.

    CONFIG_OR_DATA is the same as for 'envrl data check'.
    """
    from rich.console import Console
    from rich.text import Text

    from envrl.evaluation.escape import one_line
    from envrl.workflow.data import open_data, prepare_data

    console = Console()
    opened = open_data(data, stage, overrides, model)
    written = prepare_data(opened, output, replace=replace)
    _print(console, opened)
    for note in opened.rows.notes:
        console.print(Text(f"note: {one_line(note, 1000)}"), soft_wrap=True)
    _print_dropped(console, opened)
    for path in written:
        console.print(Text(f"written: {path}"), soft_wrap=True)


def _print(console: Console, opened: OpenedData) -> None:
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    for name, layout in opened.layouts.items():
        columns = ", ".join(column if column == own else f"{column} ({own})" for own, column in layout.columns.items())
        console.print(Text(f"{one_line(name)}: format {layout.format}; columns {one_line(columns)}"), soft_wrap=True)
    rows = opened.rows
    held = f", {len(rows.eval)} held out" if rows.eval else ""
    count = sum(1 for _ in rows.train)
    console.print(Text(f"stage {rows.stage}: {count} rows{held}, {rows.dropped.total} left out"), soft_wrap=True)


def _print_dropped(console: Console, opened: OpenedData) -> None:
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    dropped = opened.rows.dropped
    for reason, count in dropped.counts.most_common():
        console.print(Text(f"left out, {count}: {reason}"), soft_wrap=True)
        for row in dropped.examples[reason][:_SHOWN]:
            detail = f" {one_line(row.detail)}" if row.detail else ""
            console.print(Text(f"    {one_line(row.place)}:{detail} in {one_line(row.excerpt, 120)}"), soft_wrap=True)
