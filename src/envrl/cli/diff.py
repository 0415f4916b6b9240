"""``envrl diff``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("diff")
@click.argument("first", type=click.Path(path_type=Path), metavar="RUN_A")
@click.argument("second", type=click.Path(path_type=Path), metavar="RUN_B")
@click.option("--json", "json_path", type=click.Path(path_type=Path), metavar="FILE", help="Write it as JSON, too.")
def command(first: Path, second: Path, json_path: Path | None) -> None:
    """Show in what two runs differ: their settings, and all else that their locks hold.

    More than one big variable changed at once is pointed out: then no difference of results has a single cause.
    """
    from rich.console import Console
    from rich.text import Text

    from envrl.runs import write_json
    from envrl.workflow.run_difference import diff_runs

    difference = diff_runs(first, second)
    console = Console()
    _print(console, "settings", difference.config, difference)
    _print(console, "what else the results depend on", difference.lock, difference)
    several = len(difference.variables) > 1
    console.print(Text(difference.verdict, style="bold yellow" if several else "bold"))
    if json_path is not None:
        write_json(json_path, difference)


def _print(console, title: str, changes, difference) -> None:  # type: ignore[no-untyped-def]
    from rich.table import Table
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    if not changes:
        console.print(f"no difference in {title}")
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("", difference.first, difference.second):
        table.add_column(Text(one_line(name)), overflow="fold")
    for change in changes:
        values = ("not there" if value is None else one_line(value) for value in (change.first, change.second))
        table.add_row(Text(change.key, "bold" if change.big else "dim"), *map(Text, values))
    console.print(table)
