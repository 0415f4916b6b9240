"""The best single program that a run has found: chosen on validation seeds, measured on others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from envrl.envs.math.answer_task import AnswerTask
from envrl.evaluation.measure import best_program
from envrl.runs import RunDirectory, read_lines, write_json
from envrl.seeding import Block
from envrl.workflow.course import Course

__all__ = ["choose_program"]

_JUDGING_SEEDS = "0:100"  # of the evaluation's block: more than the 32 that a model's many programs share
_LOOKED_AT = 1024  # completions of training, the last ones: earlier programs are mostly weaker


def choose_program(course: Course, sampled: Sequence[str]) -> None:
    """Chooses the best of ``eval.best_of`` programs, and measures it.

    The candidates are those sampled after training; where there are fewer, those that training rewarded most, too: it
    wrote many times as many.

    Args:
        sampled: completions.
    """
    if isinstance(course.plan.task, AnswerTask):
        return
    settings = course.config.eval
    candidates = list(dict.fromkeys(sampled))[: settings.best_of]
    if len(candidates) < settings.best_of:
        found = (completion for completion in _rewarded_most(course.run) if completion not in candidates)
        candidates += islice(found, settings.best_of - len(candidates))
    course.watcher.phase("choosing the best program", len(candidates))
    judge: Block = "test" if settings.block == "validation" else settings.block
    best = best_program(
        candidates,
        (course.scorer("validation"), "validation", settings.validation_seeds),
        (course.scorer(judge), judge, _JUDGING_SEEDS),
        course.watcher.advance,
    )
    write_json(course.run.best_path, best)


def _rewarded_most(run: RunDirectory) -> Iterator[str]:
    """The last different completions of training that envrl could judge, best first; of equals the later one."""
    last = list(islice(_newest_first(run), _LOOKED_AT))
    judged = [record for record in last if record["total"] is not None]
    ranked = sorted(judged, key=lambda record: float(record["total"]), reverse=True)
    return iter(dict.fromkeys(record["completion"] for record in ranked))


def _newest_first(run: RunDirectory) -> Iterator[dict[str, Any]]:
    for path in sorted(run.completions_dir.glob("step-*.jsonl"), reverse=True):
        yield from read_lines(path).records
