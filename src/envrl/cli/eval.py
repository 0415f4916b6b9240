"""``envrl eval``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("eval")
@click.option("--env", default="2048", show_default=True, help="Environment.")
@click.option(
    "--strategy", required=True, type=click.Path(path_type=Path), help="Python file that defines the strategy."
)
@click.option("--seeds", default="200", show_default=True, help="How many, or a range such as 0:1000.")
@click.option("--block", default="test", show_default=True, help="Block of the seeds: test, validation or final.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=NUMBER", help="Option of the environment, such as target=1024."
)
@click.option("--success", metavar="RULE", help="What counts as won, such as 'return >= 475'.")
@click.option("--workers", type=click.IntRange(min=1), help="Referee processes; one a core by default.")
@click.option(
    "--require", multiple=True, metavar="LAYER", help="Sandbox layer without which nothing is played; may be repeated."
)
@click.option("--output", type=click.Path(path_type=Path), help="JSON file for every episode.")
def command(
    env: str,
    strategy: Path,
    seeds: str,
    block: str,
    settings: tuple[str, ...],
    success: str | None,
    workers: int | None,
    require: tuple[str, ...],
    output: Path | None,
) -> None:
    """Measure a program over many seeds: its success rate with a 95 % interval, and how it fails."""
    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.envs import find_task
    from envrl.sandbox import LEAST
    from envrl.seeding import parse_indices
    from envrl.workflow.evaluate import evaluate_strategy

    task = find_task(env, dict(_number(setting) for setting in settings), success=success)
    console = Console()
    with Display(console) as display:
        display.phase("playing", len(parse_indices(seeds)))
        evaluated = evaluate_strategy(
            task,
            strategy,
            seeds,
            block=block,
            workers=workers,
            require=(*LEAST, *require),
            output=output,
            progress=display.advance,
        )
    _print(console, evaluated, strategy, seeds)


def _number(setting: str) -> tuple[str, int]:
    key, equals, value = setting.partition("=")
    try:
        if key and equals:
            return key, int(value)
    except ValueError:
        pass
    raise click.UsageError(f"--set {setting!r}: write KEY=NUMBER, such as target=1024")


def _print(console, evaluated, strategy: Path, seeds: str) -> None:  # type: ignore[no-untyped-def]
    from rich.table import Table
    from rich.text import Text

    low, rate, high = evaluated.success
    episodes = evaluated.episodes
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("strategy", Text(str(strategy)))
    table.add_row("task", Text(f"{evaluated.task.id}: {evaluated.task.title}"))
    table.add_row("seeds", f"{seeds} of block {evaluated.block} ({len(episodes)} episodes)")
    table.add_row("success", Text(f"{rate:.1%}  (95 % interval {low:.1%} to {high:.1%}, Wilson)", style="bold"))
    shares = ", ".join(f"{outcome} {count / len(episodes):.1%}" for outcome, count in evaluated.outcomes.most_common())
    table.add_row("outcomes", shares)
    table.add_row("mean score", f"{sum(e.score for e in episodes) / len(episodes):.0f}")
    table.add_row("mean steps", f"{sum(e.steps for e in episodes) / len(episodes):.0f}")
    moves = sum(e.steps for e in episodes) or 1
    table.add_row("CPU a move", f"{evaluated.seconds / moves * 1e6:.0f} µs")
    table.add_row("sandbox", ", ".join(evaluated.layers))
    console.print(table)
    faults = {e.outcome: e for e in reversed(episodes) if e.detail}
    if faults:
        from envrl.evaluation.escape import one_line

        for outcome, episode in faults.items():
            console.print(
                Text(f"first {outcome}: seed {episode.index}, call {episode.call}: {one_line(episode.detail)}")
            )
