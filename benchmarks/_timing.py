"""What the sandbox benchmarks share: quantiles, tables, and a word on how busy the machine was."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Machine", "median", "p99", "show", "write_json"]


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


def p99(times: Sequence[float]) -> float:
    """The 99th percentile; of fewer than a hundred times nearly the largest."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table: the first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


class Machine:
    """How busy others keep the machine: looked at while the benchmark itself stands still."""

    def __init__(self) -> None:
        self.before = self._others()

    @staticmethod
    def _others() -> float:
        return psutil.cpu_percent(0.5) / 100

    def describe(self) -> str:
        """One line for below the table; looks a second time."""
        self.after = self._others()
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        return (
            f"Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores; others kept {self.before:.0%} "
            f"of the machine busy before and {self.after:.0%} after; load averages now {load}"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "kernel": platform.release(),
            "cores": len(os.sched_getaffinity(0)),
            "others_busy": [self.before, self.after],
            "load": os.getloadavg(),
        }


def write_json(path: Path | None, benchmark: str, machine: Machine, figures: dict[str, Any]) -> None:
    """Writes the figures, if they are wanted."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"benchmark": benchmark, **machine.as_dict(), **figures}, indent=2) + "\n")
