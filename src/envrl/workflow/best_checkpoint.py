"""Which checkpoint is a run's result: the best by success on validation seeds, among the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from envrl.evaluation.headline import headline_of
from envrl.evaluation.measure import wins
from envrl.evaluation.report.record import Rate
from envrl.models import LoadedModel
from envrl.runs import RunDirectory, is_complete, read_json, write_json
from envrl.seeding import Block
from envrl.workflow.course import EVAL_SEED, Course
from envrl.workflow.restoring import restore

__all__ = ["Candidate", "choose_checkpoint", "read_candidates"]

_BLOCK: Block = "validation"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint on validation seeds.

    Attributes:
        success: share of episodes won, with its interval.
        chosen: whether it is the run's result.
    """

    step: int
    success: Rate
    chosen: bool


def read_candidates(run: RunDirectory) -> list[Candidate]:
    """What the checkpoints of a run won; empty where none was chosen."""
    path = _path(run)
    return msgspec.convert(read_json(path), list[Candidate]) if path.exists() else []


def choose_checkpoint(course: Course, trained: LoadedModel, steps: int) -> tuple[LoadedModel, int]:
    """Puts the best of the last checkpoints' weights into the model.

    Each writes ``eval.samples`` programs, which play ``eval.validation_seeds``; of equals the later one is taken.

    Args:
        trained: the model at the end of training.
        steps: of the training.

    Returns:
        The model, and the step that it comes from.
    """
    checkpoints = _last_checkpoints(course)
    if len(checkpoints) < 2 or course.skips("best"):
        return trained, steps
    found = read_candidates(course.run) or _measured(course, trained, checkpoints)
    best = next(one.step for one in found if one.chosen)
    return restore(trained, course.run.checkpoints_dir / f"checkpoint-{best}"), best


def _last_checkpoints(course: Course) -> list[tuple[int, Path]]:
    found = [(int(p.name.rpartition("-")[2]), p) for p in course.run.checkpoints_dir.glob("checkpoint-*")
             if p.name.rpartition("-")[2].isdigit() and is_complete(p)]  # fmt: skip
    return sorted(found)[-course.config.train.best_of_checkpoints :]


def _measured(course: Course, trained: LoadedModel, checkpoints: Sequence[tuple[int, Path]]) -> list[Candidate]:
    config = course.config
    course.watcher.phase("choosing the checkpoint", len(checkpoints))
    rates: dict[int, Rate] = {}
    for step, checkpoint in checkpoints:
        model = restore(trained, checkpoint)
        where = _BLOCK, config.eval.validation_seeds
        # Other samples than those that are measured after: what chose must not judge.
        seed = EVAL_SEED - 1 - config.train.seed
        measurement = course.measured(f"checkpoint-{step}", model, config.model.path, where, seed)
        rates[step] = Rate.of(headline_of(wins(measurement), answers=bool(measurement.answers)).interval)
        course.watcher.advance(1, success=rates[step].estimate)
    best = max(rates, key=lambda step: (rates[step].estimate or 0.0, step))
    found = [Candidate(step=step, success=rate, chosen=step == best) for step, rate in rates.items()]
    write_json(_path(course.run), found)
    course.run.event("chosen", step=best)
    return found


def _path(run: RunDirectory) -> Path:
    return run.eval_dir / "checkpoints.json"
