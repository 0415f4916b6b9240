"""Shows a workflow: a live bar on a terminal, plain lines in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

__all__ = ["Display", "figures_text"]

_LINE_SECONDS = 10.0


def figures_text(figures: dict[str, Any]) -> str:
    """Figures as a person reads them: rewards as numbers, shares as percentages, memory as MB, words as they are."""
    words = []
    for name, value in figures.items():
        if value is None:
            continue
        if isinstance(value, str):
            words.append(value)
        elif name == "memory":
            words.append(f"sandbox {value / 1e6:.0f} MB")
        elif name in ("success", "broken"):
            words.append(f"{name} {value:.0%}")
        else:
            words.append(f"{name} {value:.3g}")
    return " · ".join(words)


class Display:
    """A `envrl.workflow.watching.Watcher` for people.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._name, self._total, self._done = "", 0, 0
        self._began = self._last = 0.0
        self._figures: dict[str, Any] = {}

    def phase(self, name: str, total: int) -> None:
        self._close_phase()
        self._name, self._total, self._done, self._figures = name, total, 0, {}
        self._began = self._last = time.monotonic()
        if self._live:
            if self._progress is None:
                self._progress = Progress(
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    BarColumn(bar_width=24),
                    MofNCompleteColumn(),
                    TimeRemainingColumn(compact=True),
                    TextColumn("{task.fields[figures]}"),
                    console=self._console,
                )
                self._progress.start()
            self._task = self._progress.add_task(name, total=total, figures="")
        else:
            self._line(f"{name} …")

    def advance(self, count: int = 1, **figures: Any) -> None:
        self._done = min(self._done + count, self._total)
        self._figures |= figures  # a step without new ones leaves those of the last
        if self._live and self._progress and self._task is not None:
            self._progress.update(self._task, completed=self._done, figures=figures_text(figures))
        elif time.monotonic() - self._last >= _LINE_SECONDS and self._done < self._total:
            self._last = time.monotonic()
            left = (self._last - self._began) / self._done * (self._total - self._done)
            self._line(
                f"{self._name} {self._done}/{self._total} · {left:.0f} s left · {figures_text(self._figures)}".rstrip(
                    " ·"
                )
            )

    def say(self, text: str) -> None:
        self._line(text)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _close_phase(self) -> None:
        if self._name and not self._live:
            seconds = time.monotonic() - self._began
            self._line(f"{self._name} done in {seconds:.1f} s · {figures_text(self._figures)}".rstrip(" ·"))
        self._name = ""

    def close(self) -> None:
        """Ends the last phase."""
        self._close_phase()
        if self._progress:
            self._progress.stop()
            self._progress = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
