"""``envrl runs``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_LOG_WIDTH = 160
_WIDE = 120  # columns of a terminal from which on all is shown
_STYLES = {"running": "green", "killed": "red", "failed": "red", "damaged": "red", "interrupted": "yellow"}


@click.command("runs")
@click.argument("folders", metavar="[FOLDER …]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def command(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the runs and sweeps in a folder (runs and sweeps, where none is named), the latest first."""
    import msgspec

    from envrl.workflow.run_list import default_folders, list_runs

    folders = folders or default_folders()
    listed = list_runs(folders)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2).decode())
        return
    if not listed:
        click.echo(f"no run or sweep in {', '.join(map(str, folders))}")
        return
    _print(listed)


def _print(listed) -> None:  # type: ignore[no-untyped-def]
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, _LOG_WIDTH)  # a table in a log is cut by nobody
    wide = console.width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("name", "task", "model", "method") if wide else ("name",):
        table.add_column(head, overflow="fold")
    for head in ("state", "step", "episodes won", "written (UTC)"):
        table.add_column(head, no_wrap=True)
    for one in listed:
        steps = "" if one.steps is None else f"/{one.steps}"
        table.add_row(
            *(Text(one_line(text)) for text in ((one.name, one.task, one.model, one.method) if wide else (one.name,))),
            Text(one.state, style=_STYLES.get(one.state, "")),
            f"{one.step}{steps}" if one.kind else "",
            _won(one),
            one.written[5:16].replace("T", " "),
        )
    console.print(table)
    for one in listed:
        if one.problem:
            told = one.problem if one.problem.startswith(one.path) else f"{one.name}: {one.problem}"
            console.print(Text(one_line(told, 500), style="yellow"), soft_wrap=True)


def _won(one) -> str:  # type: ignore[no-untyped-def]
    """Before and after, with the interval of what is the last word."""
    from envrl.evaluation.report.words import percent, rate

    if one.before is None or one.after is None:
        only = one.after or one.before
        return "" if only is None else rate(only) + (" →" if one.after is None else "")
    return f"{percent(one.before.estimate)} → {rate(one.after)}"
