"""``envrl play``"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

__all__ = ["command"]

_LONGEST_DELAY = 60.0
_LEAVE = "\x1b\x04"  # Escape, and Ctrl-D where the terminal hands it on


@click.command("play")
@click.option("--env", default="2048", show_default=True, help="Environment.")
@click.option(
    "--strategy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Python file that defines the strategy; without one you play yourself.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(min=0), metavar="INDEX", help="Seed, by its index."
)
@click.option("--block", default="test", show_default=True, help="Block of the seed: test, validation or final.")
@click.option(
    "--video", type=click.Path(path_type=Path), metavar="FILE", help="Write a .gif or .mp4 in place of showing it."
)
@click.option("--delay", type=float, metavar="SECONDS", help="Time for each move; the environment's own by default.")
def command(env: str, strategy: Path | None, seed: int, block: str, video: Path | None, delay: float | None) -> None:
    """Watch a strategy play one episode in the sandbox, or play it yourself."""
    from rich.console import Console

    from envrl.cli.showing import show_recording
    from envrl.envs import find_task
    from envrl.workflow.play import record, seed_of
    from envrl.workflow.video import check_video

    if delay is not None and not 0 <= delay <= _LONGEST_DELAY:
        raise click.UsageError(f"--delay {delay:g}: give seconds from 0 to {_LONGEST_DELAY:g}")
    if strategy is None and video is not None:
        raise click.UsageError("--video shows a strategy: name its file with --strategy")
    if strategy is None and not at_terminal():
        raise click.UsageError("to play yourself takes a terminal, which this is not: name a file with --strategy")
    task = find_task(env)
    console = Console()
    if strategy is None:
        _sit(console, task, seed_of(task, block, seed))
        return
    if video is not None:
        check_video(video)
    show_recording(console, record(task, strategy, seed, block=block), video, delay)


def at_terminal() -> bool:
    """Whether a person sits there who sees what is printed and can press keys."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _sit(console, task, seed: int) -> None:  # type: ignore[no-untyped-def]
    from envrl.cli.showing import captioned, print_end
    from envrl.envs import InvalidAction
    from envrl.evaluation.escape import one_line
    from envrl.workflow.play import Seat

    seat = Seat(task, seed)
    hint = f"keys {' '.join(seat.keys)}, Escape to leave" if seat.keys else f"such as {task.example_action}"
    said, moves = task.title, 0
    with seat.scene:
        while (ending := seat.look()) is None:
            console.clear()
            console.print(captioned(f"move {moves}: {said}", seat.scene.frame()), soft_wrap=True)
            if (value := _ask(console, seat.keys, hint)) is None:
                console.print("left")
                return
            try:
                ending = seat.move(value)
            except InvalidAction as error:
                said = one_line(str(error))
                continue
            said, moves = one_line(repr(value)), moves + 1
            if ending is not None:
                console.clear()
                console.print(captioned(f"move {moves}: {said}", seat.scene.frame()), soft_wrap=True)
                break
    print_end(console, ending)


def _ask(console, keys: dict[str, Any], hint: str) -> Any:  # type: ignore[no-untyped-def]
    """The value of the next move, or None to leave."""
    from rich.text import Text

    from envrl.workflow.play import value_of

    try:
        if not keys:
            return value_of(console.input(Text(f"action ({hint}; Ctrl-D to leave): ")).strip())
        console.print(Text(hint))
        while (key := click.getchar()) not in _LEAVE:
            if key.upper() in keys:
                return keys[key.upper()]
    except EOFError:
        pass
    return None
