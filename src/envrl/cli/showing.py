"""Games in a terminal: shots one after the other, and how the game ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["captioned", "print_end", "watch"]


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
