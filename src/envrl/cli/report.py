"""``envrl report``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("report")
@click.argument("path", metavar="RUN_OR_SWEEP", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write there in place of the directory.")
@click.option("--partial", is_flag=True, help="Take what is there of a run or sweep that has not come to its end.")
def command(path: Path, output: Path | None, partial: bool) -> None:
    """Rebuild a report from the files of a run or a sweep: report.html, report.md and report.json."""
    from rich.console import Console

    from envrl.evaluation.report.finetune_terminal import render_finetune_terminal
    from envrl.evaluation.report.record import SweepReport
    from envrl.evaluation.report.terminal import render_terminal
    from envrl.workflow.rebuilding import rebuild, write

    report = rebuild(path, partial=partial)
    page = str(write(path if output is None else output, report))
    Console().print(
        render_terminal(report, page) if isinstance(report, SweepReport) else render_finetune_terminal(report, page)
    )
