"""What happens in training is written down, and what a person wants to see is passed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envrl.models.ranks import here
from envrl.rewards import Scored
from envrl.runs import mark_complete
from envrl.workflow.smoke_gate import FIRST_STEPS

if TYPE_CHECKING:
    from envrl.workflow.course import Course

__all__ = ["Keeper"]


class Keeper:
    """Writes down what happens in training, and passes on what a person wants to see.

    Of several processes the first does; in the others it only waits until a checkpoint is whole.

    Args:
        gate: judges the run once its first steps are done; what it raises ends the run.
    """

    _SHOWN = ("loss", "accuracy", "rewards/accuracies"), ("reward", "success", "broken")

    def __init__(self, course: Course, gate: Callable[[], None] | None = None) -> None:
        self._gate, self._done = gate, course.done
        self._run, self._watcher, self._arena = course.run, course.watcher, course.arena
        self._completions = course.config.output.save_completions
        self._shown = self._SHOWN[course.config.method.plays]

    def scored(self, step: int, scored: Sequence[Scored]) -> None:
        """Completions were played in a step."""
        if self._completions and here().first:
            with self._run.completions(step) as lines:
                for one in scored:
                    lines.append(msgspec.to_builtins(one))

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        """A step is done."""
        if not here().first:
            return
        self._run.metrics.append({"step": step, **figures})
        self._run.update_status(step=step)
        shown = {name: figures[name] for name in self._shown if figures.get(name) is not None}
        if self._arena is not None:
            shown["memory"] = self._arena.peak_memory
        # A line of metrics may stand for several steps.
        ahead, self._done = step - self._done, step
        self._watcher.advance(ahead, **{name.replace("rewards/accuracies", "accuracy"): v for name, v in shown.items()})
        if self._gate is not None and step >= FIRST_STEPS:
            gate, self._gate = self._gate, None
            gate()

    def saved(self, step: int, checkpoint: Path) -> None:
        """A checkpoint is written: each process has put its random numbers there."""
        here().wait()
        if not here().first:
            return
        mark_complete(checkpoint)
        self._run.event("saved", step=step)
