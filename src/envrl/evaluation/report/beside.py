"""The task's reference strategies beside what was measured, and which of them it beats."""

from __future__ import annotations

import math

import msgspec

from envrl.envs import Task, find_task
from envrl.evaluation.baselines import Strength, strengths
from envrl.evaluation.report.record import Baseline, Baselines, Rate
from envrl.evaluation.sweeps import SweepHeader

__all__ = ["beside", "gap"]

_HOW = (
    "Measured earlier on block “{block}”, on the seeds given. Each difference stands alone at 95 % (square-and-add of "
    "both intervals, as if the samples were independent; common seeds make it wider than need be); there are "
    "{count} of them, and none is corrected for that."
)


def beside(header: SweepHeader, success: Rate, task: Task, subject: str = "it") -> Baselines:
    """Reference strategies that were measured under the same conditions, weakest first; or why there are none.

    Args:
        header: of the sweep that they stand beside.
        success: its rate.
        task: that the sweep was measured on.
        subject: whose rate that is.
    """
    known = strengths(task)
    if not known:
        return Baselines(note=f"{task.id} has no reference strategies that were measured.")
    if task.version != header.task_version:
        return Baselines(
            note=f"The reference strategies were measured on version {task.version} of {task.id}, this on version "
            f"{header.task_version}: they are not shown."
        )
    usual = find_task(task.id).options
    if changed := _changed(usual, header.options):
        return Baselines(note=f"The reference strategies were measured under other options ({changed}): not shown.")
    fitting = [row for row in known if row.block == header.block]
    if not fitting:
        blocks = ", ".join(sorted({f"“{row.block}”" for row in known}))
        return Baselines(
            note=f"The reference strategies were measured on block {blocks}, this on “{header.block}”: not shown."
        )
    if success.estimate is None:
        return Baselines(note="Nothing was measured that could stand beside the reference strategies.")
    rows = tuple(_row(row, success) for row in fitting)
    note = _HOW.format(block=header.block, count=len(rows))
    if header.limits != msgspec.to_builtins(task.limits):
        note += " Their limits were the task's own, other than here."
    return Baselines(subject=subject, rows=rows, note=note)


def gap(first: Rate, second: Rate) -> Rate:
    """First minus second, of two rates from samples that are taken for independent.

    The distance from the estimate to either end is the root of the sum of squares of the distances in the two
    intervals.

    Args:
        first, second: each with an estimate.

    Source: R. G. Newcombe, Statistics in Medicine 17 (1998), method 10; G. Y. Zou and A. Donner, Statistics in
    Medicine 27 (2008), for any two intervals.
    """
    assert first.estimate is not None
    assert second.estimate is not None
    estimate = first.estimate - second.estimate
    low = estimate - math.hypot(first.estimate - first.low, second.high - second.estimate)
    high = estimate + math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Rate(estimate=estimate, low=max(-1.0, low), high=min(1.0, high))


def _row(strength: Strength, success: Rate) -> Baseline:
    other = Rate.of(strength.success)
    difference = gap(success, other)
    return Baseline(
        name=strength.strategy,
        seeds=f"{strength.block} {strength.seeds}",
        success=other,
        mean_score=strength.score,
        difference=difference,
        verdict="beaten" if difference.low > 0.0 else "better" if difference.high < 0.0 else "not told apart",
    )


def _changed(usual: dict[str, object], given: dict[str, object]) -> str:
    names = sorted(name for name in usual.keys() | given.keys() if usual.get(name) != given.get(name))
    return ", ".join(f"{name} {usual.get(name)} where this has {given.get(name)}" for name in names)
