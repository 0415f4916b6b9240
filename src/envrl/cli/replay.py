"""``envrl replay``"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]

_LONGEST_DELAY = 60.0


@click.command("replay")
@click.argument("path", metavar="RUN_OR_SWEEP", type=click.Path(path_type=Path))
@click.option(
    "--program", default="best", show_default=True, metavar="WHICH", help="Its number, best, or the start of its hash."
)
@click.option("--seed", type=click.IntRange(min=0), metavar="INDEX", help="Seed, by its index; its first by default.")
@click.option("--step", type=click.IntRange(min=1), help="Of a run: the completions of this training step.")
@click.option(
    "--label", type=click.Choice(("before", "after")), help="Of a run: measured before or after training (the default)."
)
@click.option(
    "--video", type=click.Path(path_type=Path), metavar="FILE", help="Write a .gif or .mp4 in place of showing it."
)
@click.option("--delay", type=float, metavar="SECONDS", help="Time for each move; the environment's own by default.")
@click.option("--quiet", is_flag=True, help="Show no moves: only say whether it is exact.")
def command(
    path: Path,
    program: str,
    seed: int | None,
    step: int | None,
    label: str | None,
    video: Path | None,
    delay: float | None,
    quiet: bool,
) -> None:
    """Play a recorded episode again, and say whether it is bit-exact (exit code 1 where it is not)."""
    from rich.console import Console

    from envrl.cli.showing import show_recording
    from envrl.workflow.recorded import SWEEP, Record, choose, moment_of_step, name_of
    from envrl.workflow.replay import play_again
    from envrl.workflow.video import check_video

    if delay is not None and not 0 <= delay <= _LONGEST_DELAY:
        raise click.UsageError(f"--delay {delay:g}: give seconds from 0 to {_LONGEST_DELAY:g}")
    if step is not None and label is not None:
        raise click.UsageError("--step and --label name two moments: give one of them")
    record = Record(path)
    if record.run is None and (step is not None or label is not None):
        raise click.UsageError(f"{path} is a sweep, which was measured once: leave --step and --label out")
    if video is not None:
        check_video(video)
    moment = SWEEP if record.run is None else moment_of_step(step) if step is not None else label or "after"
    chosen = choose(record.programs(moment), program)
    recorded = chosen.episode(seed)
    conditions = record.conditions(moment)
    console = Console()
    when = "" if moment == SWEEP else f", {name_of(moment)}"
    where = f"seed {recorded.index} of block {conditions.block}"
    _say(console, f"program {chosen.number} ({chosen.program_hash}){when}; {where}")
    _say(console, conditions.task.title)
    replayed = play_again(conditions, chosen, recorded)
    if not quiet:
        show_recording(console, replayed.recording, video, delay)
    if replayed.put_back:
        _say(console, f"{recorded.outcome} put back at call {recorded.call}, where it was recorded")
    if replayed.exact:
        _say(console, f"exact: {_compared()} are as recorded", "green")
        return
    _say(console, "NOT exact:", "bold red")
    for difference in replayed.differences:
        _say(console, f"  {difference}", "red")
    sys.exit(1)


def _compared() -> str:
    from envrl.workflow.replay import COMPARED

    return ", ".join(COMPARED[:-1]) + f" and {COMPARED[-1]}"


def _say(console: Any, text: str, style: str = "") -> None:
    from rich.text import Text

    console.print(Text(text, style=style), soft_wrap=True)
