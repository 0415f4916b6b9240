"""Games in a terminal: shots one after the other, and how the game ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

    from envrl.workflow.play import Recording

__all__ = ["captioned", "print_end", "show_recording", "watch"]


def show_recording(console: Any, recording: Recording, video: Path | None, delay: float | None) -> None:
    """Plays a recorded game again for who looks on, or into a file, and says how it ended.

    Args:
        video: the file, a GIF or an mp4; None to show it here.
        delay: seconds for each move; None for the environment's own.
    """
    from envrl.workflow.play import difference, replay
    from envrl.workflow.scene import Scene
    from envrl.workflow.video import MOST_FPS, write_video

    with Scene(recording.task, recording.seed, pictures=video is not None) as scene:
        shots = replay(recording, scene)
        pause = 1 / scene.fps if delay is None else delay
        if video is None:
            watch(console, shots, pause)
        else:
            write_video(video, (shot.frame for shot in shots), 1 / pause if pause else MOST_FPS)
            console.print(f"wrote {video}", markup=False, highlight=False, soft_wrap=True)
        if warning := difference(recording, scene):
            console.print(warning, style="yellow", markup=False, highlight=False, soft_wrap=True)
    print_end(console, recording.episode)


def watch(console: Any, shots: Iterable[Any], pause: float) -> None:
    """Shows shots in one place, each for ``pause`` seconds; one below the other where this is no terminal."""
    from rich.live import Live

    if not console.is_terminal:
        for shot in shots:
            console.print(captioned(shot.caption, shot.frame), soft_wrap=True, end="\n\n")
        return
    with Live(console=console, auto_refresh=False) as live:
        for shot in shots:
            live.update(captioned(shot.caption, shot.frame), refresh=True)
            time.sleep(pause)


def captioned(caption: str, frame: object) -> Text:
    """A caption above a frame, whose colours are kept and whose other control characters are not."""
    from rich.text import Text

    from envrl.evaluation.escape import terminal

    shown = Text.from_ansi(str(frame))
    if (safe := terminal(shown.plain)) != shown.plain:
        shown = Text(safe)
    return Text.assemble((caption, "bold"), "\n", shown)


def print_end(console: Any, how: Any) -> None:
    """How a game ended: an episode, or an ending."""
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    figures = "".join(f", {name} {value:g}" for name, value in how.metrics.items())
    console.print(Text(f"{how.outcome} after {how.steps} moves: score {how.score:g}{figures}", style="bold"))
    if how.detail:
        console.print(Text(one_line(how.detail)))
