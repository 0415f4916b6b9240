"""``envrl compare``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("compare")
@click.argument("subjects", nargs=-1, required=True, metavar="A B [C …]")
@click.option("--env", help="What strategy files play; by default what the first sweep or run among the others did.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Option of --env, such as target=1024.")
@click.option("--success", metavar="RULE", help="What counts as won on --env, such as 'return >= 475'.")
@click.option("--import", "module", help="Module or file to import first, which registers environments.")
@click.option("--seeds", help="Seeds of strategy files: how many, or a range such as 0:1000; likewise.")
@click.option("--block", help="Block of those seeds: test, validation or final; likewise.")
@click.option("--workers", type=click.IntRange(min=1), help="Referee processes; one a core by default.")
@click.option(
    "--require", multiple=True, metavar="LAYER", help="Sandbox layer without which nothing is played; may be repeated."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), metavar="FILE", help="Write it as JSON, too.")
@click.option("--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write it as Markdown, too.")
def command(
    subjects: tuple[str, ...],
    env: str | None,
    settings: tuple[str, ...],
    success: str | None,
    module: str | None,
    seeds: str | None,
    block: str | None,
    workers: int | None,
    require: tuple[str, ...],
    json_path: Path | None,
    markdown: Path | None,
) -> None:
    """Compare sweeps, runs and strategy files with the first of them, paired on the seeds that all have played.

    A and the others are directories that 'envrl eval' or 'envrl train' wrote (of a run, its measurement after
    training), or Python files with a strategy, which are played on the spot.
    """
    from rich.console import Console

    from envrl.cli.command_line import setting
    from envrl.cli.display import Display
    from envrl.evaluation.report.comparison import render_comparison_terminal
    from envrl.workflow.compare import Conditions, compare_subjects, write_comparison
    from envrl.workflow.outputs import check_file

    if env is None and (settings or success or module):
        raise click.UsageError("--set, --success and --import belong to an environment: name it with --env")
    environment: dict[str, Any] | None = None
    if env is not None:
        options = dict(map(setting, settings))
        environment = {"id": env, "options": options, "success": success, "import": module}
    check_file(json_path, "--json")
    check_file(markdown, "--markdown")
    conditions = Conditions(environment, seeds, block, workers, require)
    console = Console()
    with Display(console) as display:
        comparison = compare_subjects(subjects, conditions, display)
    console.print(render_comparison_terminal(comparison))
    write_comparison(comparison, json_path, markdown)
