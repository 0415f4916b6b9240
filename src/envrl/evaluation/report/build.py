"""From sweeps to the record: what a report shows of one, or of a run's two."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from envrl.envs import Task
from envrl.errors import EnvrlError
from envrl.evaluation.clustered import clustered_difference
from envrl.evaluation.report.answering import answer_gallery
from envrl.evaluation.report.beside import beside
from envrl.evaluation.report.distributions import distributions
from envrl.evaluation.report.gallery import Rerun, gallery, table, training_gallery
from envrl.evaluation.report.record import (
    Baselines,
    Change,
    Constants,
    EvaluationSummary,
    ProgramCard,
    ProgramRow,
    SweepReport,
)
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.statistics import crossed_difference
from envrl.evaluation.sweeps import Sweep

__all__ = ["build_sweep_report", "build_training_report"]

_STRAINED = 0.01
_COLLAPSED = 0.6
_SILENT = 0.5


def build_sweep_report(
    sweep: Sweep,
    *,
    task: Task | None,
    place: str,
    lock_hash: str,
    rerun: Rerun | None = None,
    note: str = "",
) -> SweepReport:
    """What a report shows of a sweep.

    Args:
        task: that it was measured on; None where it cannot be made any more.
        place: the sweep's directory.
        lock_hash: of its header.
        rerun: plays a few programs again; None for a report without replays.
        note: why there is no ``task``.
    """
    header = sweep.header
    known = task is not None and task.options == header.options  # else it asks other questions than these
    constants, trouble = _constants(rerun, task, sweep)
    side = summarize(sweep, header.subject, constants)
    rows = table(sweep) if header.kind == "strategies" and len(sweep.programs) > 1 else ()
    return SweepReport(
        kind=header.kind,
        title=f"{header.subject} on {task.short if task else header.task}",
        task=task.title if task and known else header.task,
        task_id=header.task,
        task_version=header.task_version,
        options=header.options,
        target=header.success,
        command=header.command,
        place=place,
        lock_hash=lock_hash,
        created=header.created,
        partial="" if sweep.finished else _unfinished(sweep, side),
        sides=(side,),
        baselines=_beside(sweep, side, rows, task) if task else Baselines(note=note),
        distributions=() if header.answers else distributions([sweep]),
        rows=rows,
        gallery=answer_gallery(sweep) if header.answers else gallery(sweep, task, rerun),
        sampling=header.sampling,
        usage=header.usage,
        limits=header.limits,
        hashes={"prompt": header.prompt_sha256} if header.prompt_sha256 else {},
        layers=header.layers,
        versions=header.versions,
        warnings=(*filter(None, (note, trouble)), *_warnings([side])),
    )


def build_training_report(
    sweeps: Sequence[Sweep],
    frame: SweepReport,
    *,
    task: Task,
    labels: Sequence[str] = ("before", "after"),
    best: ProgramCard | None = None,
    rerun: Rerun | None = None,
) -> SweepReport:
    """What a report shows of a run.

    Args:
        sweeps: before training, and after it; fewer where the run has not come so far.
        frame: what is known of the run beside its measurements.
        task: that was trained on.
        labels: of the sweeps, where one was left out.
        best: the best program, chosen on other seeds than it was measured on.
        rerun: plays a few programs again; None for a report without replays.
    """
    looked = [_constants(rerun, task, sweep) for sweep in sweeps]
    sides = tuple(map(summarize, sweeps, labels, (constants for constants, _ in looked)))
    header = sweeps[-1].header if sweeps else None
    return msgspec.structs.replace(
        frame,
        sides=sides,
        difference=_difference(*sweeps) if len(sweeps) == 2 else None,
        baselines=beside(header, sides[-1].success, task) if header else Baselines(),
        distributions=() if header and header.answers else distributions(sweeps),
        gallery=_training_gallery(dict(zip(labels, sweeps, strict=False)), best, task, rerun),
        sampling=header.sampling if header else {},
        limits=header.limits if header else frame.limits,
        warnings=(*frame.warnings, *dict.fromkeys(filter(None, (trouble for _, trouble in looked))), *_warnings(sides)),
    )


def _training_gallery(
    sides: dict[str, Sweep], best: ProgramCard | None, task: Task, rerun: Rerun | None
) -> tuple[ProgramCard, ...]:
    label, last = next(reversed(sides.items()), ("", None))
    if last is not None and last.header.answers:
        return answer_gallery(last, label)
    return training_gallery(sides, best, task, rerun)


def _beside(sweep: Sweep, side: EvaluationSummary, rows: Sequence[ProgramRow], task: Task) -> Baselines:
    """Beside one program or one model: itself. Beside several strategies: the strongest, since nobody plays a mean."""
    if not rows:
        return beside(sweep.header, side.success, task)
    found = beside(sweep.header, rows[0].success, task, rows[0].label)
    picked = f"{rows[0].label} was picked by the same seeds, which flatters it."
    return msgspec.structs.replace(found, note=f"{found.note} {picked}") if found.rows else found


def _unfinished(sweep: Sweep, side: EvaluationSummary) -> str:
    left = side.missing - side.infrastructure_errors
    return (
        f"This sweep has not come to its end: {left:,} episodes of {len(sweep.programs):,} programs × "
        f"{len(sweep.seeds):,} seeds are left, and more programs may come."
    )


def _constants(rerun: Rerun | None, task: Task | None, sweep: Sweep) -> tuple[Constants | None, str]:
    """What `Rerun.constants` says, or why it cannot."""
    if rerun is None or task is None or sweep.header.answers:
        return None, ""
    try:
        return rerun.constants(task, sweep), ""
    except EnvrlError as error:
        return None, f"nobody looked for programs that always make the same move: {error}"


def _difference(before: Sweep, after: Sweep) -> Change | None:
    """After minus before; None where fewer than two programs (not answers), or two common seeds, were measured."""
    first, second = before.wins(), after.wins()
    common = ~(np.isnan(first).all(axis=0) | np.isnan(second).all(axis=0))
    if before.header.answers:
        return Change.of(clustered_difference(first, second)) if common.sum() > 1 else None
    programs = min(int((~np.isnan(side[:, common])).any(axis=1).sum()) for side in (first, second))
    return Change.of(crossed_difference(first, second)) if programs > 1 and common.sum() > 1 else None


def _warnings(sides: Sequence[EvaluationSummary]) -> list[str]:
    found = []
    for side in sides:
        where = f" {side.label} training" if len(sides) > 1 else ""
        if side.infrastructure_errors:
            found.append(
                f"{side.infrastructure_errors:,} episodes{where} could not be measured: envrl itself failed; they "
                "count neither as won nor as lost"
            )
        if (side.over_half_budget or 0.0) > _STRAINED:
            found.append(
                f"{side.over_half_budget:.1%} of the episodes{where} used more than half of a CPU budget: on a slower "
                "machine some might time out"
            )
        if side.exploits and side.exploits.won:
            found.append(
                f"{side.exploits.won:,} episodes{where} were won by programs that tried something forbidden in others: "
                "look at them before you believe the rate"
            )
    last = sides[-1] if sides else None
    if last and last.answers is None and last.samples > 1 and last.largest_share > _COLLAPSED:
        found.append(f"one program makes up {last.largest_share:.0%} of the samples: a collapse")
    if last and last.answers is not None and last.answers.shares["missing"] > _SILENT:
        found.append(
            f"{last.answers.shares['missing']:.0%} of the completions hold no answer between the marks: they count as "
            "wrong; check the style (env.options.style), the prompt, and whether completions are cut off"
        )
    return found
