"""A few steps that are tried and thrown away, and the judgement of the first steps of any run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import RunConfig
from envrl.errors import SmokeError
from envrl.models import LoadedModel
from envrl.models.ranks import here
from envrl.rewards import Scored
from envrl.runs import RunDirectory, read_json, read_lines, write_json
from envrl.trainers.arguments import adapters
from envrl.trainers.play import prompt_rows
from envrl.workflow.course import Course
from envrl.workflow.smoke_gate import FIRST_STEPS, Check, judge_steps

__all__ = ["Judged", "first_steps_gate", "read_judged", "try_some_steps"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in ``smoke.json``.

    Attributes:
        steps: that were judged.
        thrown_away: whether they were a trial; else they are the run's own first steps.
    """

    steps: int
    thrown_away: bool
    checks: tuple[Check, ...]


def read_judged(run: RunDirectory) -> Judged | None:
    """The judgement of a run's first steps; None where there is none."""
    path = _path(run)
    return msgspec.convert(read_json(path), Judged) if path.exists() else None


def try_some_steps(course: Course, trainer: Callable[..., LoadedModel], prompt: str) -> None:
    """Trains for ``train.smoke_steps`` steps, judges them, and puts the model back as it was.

    Nothing of the trial shows in the run: weights and random numbers are those of before.

    Args:
        trainer: `train_grpo` or `train_rloo`.

    Raises:
        SmokeError: the steps show that the run would learn nothing.
    """
    run, steps, first = course.run, course.config.train.smoke_steps, here().first
    judged = here().share(read_judged(run))
    if not steps or course.checkpoint or course.skips("smoke"):
        return
    if judged and judged.thrown_away and not _failed(judged.checks):
        return
    config = _shortened(course.config, steps)
    notes = _Notes(course)
    folder = run.path / "smoke"
    if first:
        shutil.rmtree(folder, ignore_errors=True)  # of a trial that was killed
    here().wait()
    course.watcher.phase("smoke", steps)
    with _put_back(course.loaded.model, config) as unwrap:
        trained = trainer(
            course.loaded,
            config,
            prompt_rows(config, prompt),
            course.scorer("train", run.lock["seeds"]["train_salt"]),
            notes,
            output=folder,
            device=course.device,
        )
        unwrap(trained.model)
    here().wait()
    if first:
        shutil.rmtree(folder)
        _judge(course, notes.rows, thrown_away=True)
    here().wait()


def first_steps_gate(course: Course) -> Callable[[], None] | None:
    """What judges the run's own first steps once they are done; None where that is done, or not asked for."""
    judged = read_judged(course.run)
    if not here().first or course.skips("gate") or course.done >= FIRST_STEPS or (judged and judged.thrown_away):
        return None

    def gate() -> None:
        _judge(course, read_lines(course.run.metrics_path).records, thrown_away=False)

    return gate


def _judge(course: Course, rows: Sequence[Mapping[str, Any]], *, thrown_away: bool) -> None:
    weights = course.plan.preset.weights if course.config.method.plays else {}
    checks = judge_steps(rows, weights)
    steps = max((int(row["step"]) for row in rows), default=0)
    write_json(_path(course.run), Judged(steps=steps, thrown_away=thrown_away, checks=tuple(checks)))
    for check in checks:
        if check.verdict == "warn" or (check.verdict == "fail" and course.force):
            course.watcher.say(f"{check.name}: {check.seen}; {check.mend}")
    failed = _failed(checks)
    if not failed or course.force or course.skips("gate"):
        return
    lines = "\n".join(f"  {check.name}: {check.seen}\n    -> {check.mend}" for check in failed)
    raise SmokeError(
        f"{course.run.path}: the first {steps} steps show that this run would learn nothing:\n{lines}\n"
        f"Mend it and start a new run, or go on as it is: envrl train --resume {course.run.path} --force"
    )


def _failed(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.verdict == "fail"]


def _path(run: RunDirectory) -> Path:
    return run.path / "smoke.json"


def _shortened(config: RunConfig, steps: int) -> RunConfig:
    warmup = config.train.warmup_steps
    train = config.train.model_copy(
        update={
            "max_steps": steps,
            "save_steps": steps,
            "logging_steps": 1,
            "report_to": [],
            "warmup_steps": min(warmup, steps) if isinstance(warmup, int) else warmup,
        }
    )
    return config.model_copy(update={"train": train})


@contextmanager
def _put_back(model: Any, config: RunConfig) -> Iterator[Callable[[Any], None]]:
    """Puts weights and random numbers back at the end; gives what takes new adapters off the model."""
    import torch

    wanted = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    adapted = adapters(config) is not None  # the trainer puts adapters on, and the weights below stay as they are
    learnt = {} if adapted else {n: p.detach().cpu().clone() for n, p in model.named_parameters() if p.requires_grad}

    def unwrap(trained: Any) -> None:
        if adapted:
            trained.unload()

    with torch.random.fork_rng():
        yield unwrap
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(wanted[name])
            parameter.grad = None
            if name in learnt:
                parameter.copy_(learnt[name])


class _Notes:
    """Keeps the metrics of the trial; nothing of it goes into the run's own."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self.rows: list[dict[str, Any]] = []

    def scored(self, step: int, scored: Sequence[Scored]) -> None:
        """Completions of a trial are not kept."""

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        """A step is done."""
        self.rows.append({"step": step, **figures})
        shown = {name: figures[name] for name in ("reward", "success", "broken") if figures.get(name) is not None}
        self._course.watcher.advance(1, **shown)

    def saved(self, step: int, checkpoint: Path) -> None:
        """What the trainer saves of a trial is deleted with it."""
