"""Reports of runs that play, and of sweeps, made of nothing but their files and a few episodes played again."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import load_config
from envrl.envs import Task
from envrl.errors import EnvrlError, RunError
from envrl.evaluation.measure import Measurement
from envrl.evaluation.report.build import build_sweep_report, build_training_report
from envrl.evaluation.report.record import ConfigRow, CurvePoint, ProgramCard, StepSeconds, SweepReport
from envrl.evaluation.sweeps import HEADER, Sweep
from envrl.runs import RunDirectory, read_json, read_lines, write_atomic, write_json
from envrl.sandbox import active_layers
from envrl.workflow.recipes import task_of
from envrl.workflow.replays import Again
from envrl.workflow.results import Moment, sweep_of_run, task_of_sweep

__all__ = [
    "build_report",
    "make_folder",
    "note_left_out",
    "read_measurement",
    "report_sweep",
    "steps_done",
    "write_report",
]

_DIGITS = 16
_MOMENTS: tuple[Moment, ...] = ("before", "after")


def read_measurement(run: RunDirectory, label: str) -> Measurement:
    """The measurement before or after training.

    Raises:
        RunError: the run has none yet.
    """
    path = _measurement(run, label)
    if not path.exists():
        raise RunError(f"{run.path}: has no measurement {label} training yet ({path.name} is missing)")
    return msgspec.convert(read_json(path), Measurement)


def build_report(run: RunDirectory, *, partial: bool = False) -> SweepReport:
    """What every form of a run's report shows.

    Args:
        partial: take what is there.

    Raises:
        RunError: the run has not measured before and after training, was not told to leave that out, and ``partial`` is
            not set.
    """
    left_out = _left_out(run)
    sweeps: dict[Moment, Sweep] = {}
    for moment in _MOMENTS:
        if moment not in left_out and (_measurement(run, moment).exists() or not partial):
            sweeps[moment] = _measured(run, moment)
    resolved = load_config(run.config_path)
    task = task_of(resolved.config.env)
    frame = _frame(run, task, resolved.config)
    if left_out:
        words = " and ".join(f"{moment} training" for moment in left_out)
        note = f"What the model does {words} was not measured, as was asked for."
        frame = msgspec.structs.replace(frame, warnings=(note, *frame.warnings))
    if partial:
        last = (
            ""
            if run.after_path.exists() or "after" in left_out
            else " The measurement after training is not there yet."
        )
        frame = msgspec.structs.replace(
            frame, partial=f"This run has not come to its end: it has done {steps_done(run)} steps.{last}"
        )
    best = msgspec.convert(read_json(run.best_path), ProgramCard | None) if run.best_path.exists() else None
    with Again() as again:
        return build_training_report(
            list(sweeps.values()), frame, task=task, labels=list(sweeps), best=best, rerun=again
        )


def report_sweep(sweep: Sweep, path: Path) -> SweepReport:
    """What every form of a sweep's report shows.

    Where the environment cannot be made any more the report does without replays and reference strategies, and says so.

    Args:
        path: the sweep's directory.
    """
    task, note = None, ""
    try:
        task = task_of_sweep(sweep.header)
    except EnvrlError as error:
        note = f"nothing was played again, and no reference strategy stands beside it: {error}"
    with Again() as again:
        return build_sweep_report(
            sweep,
            task=task,
            place=str(path),
            lock_hash=_hash(path / HEADER),
            rerun=again,
            note=note,
        )


def write_report(target: RunDirectory | Path, report: SweepReport) -> Path:
    """Writes ``report.json``, ``report.md`` and ``report.html``; gives the last one's path.

    Args:
        target: the run, or a directory.

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
        RunError: they cannot be written.
    """
    from envrl.evaluation.report.html import render_html
    from envrl.evaluation.report.markdown import render_markdown

    folder = target.path if isinstance(target, RunDirectory) else target
    page = render_html(report)
    make_folder(folder)
    write_json(folder / "report.json", report)
    write_atomic(folder / "report.md", render_markdown(report))
    write_atomic(folder / "report.html", page)
    return folder / "report.html"


def make_folder(folder: Path) -> None:
    """Makes the folder that a report goes to.

    Raises:
        RunError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from error


def _frame(run: RunDirectory, task: Task, config: Any) -> SweepReport:
    """What is known of a run beside its measurements."""
    lock, events = run.lock, read_lines(run.events_path).records
    curve = read_lines(run.metrics_path).records if run.metrics_path.exists() else []
    return SweepReport(
        kind="training",
        title=f"{config.model.path} learns {task.short}",
        task=task.title,
        task_id=task.id,
        task_version=task.version,
        options=task.options,
        target=task.success,
        command=lock["command"],
        place=str(run.path),
        lock_hash=_hash(run.lock_path),
        created=events[0]["time"],
        duration_seconds=_elapsed(events),
        curve=tuple(_point(row) for row in curve),
        reward_weights=dict(lock["reward"]["weights"]),
        hashes=_hashes(lock),
        config=tuple(
            ConfigRow(key=key, value=value, origin=lock["config_origins"][key]) for key, value in lock["config"].items()
        ),
        layers=active_layers(lock["sandbox"]["layers"]),
        limits=lock["sandbox"]["limits"],
        versions={"python": lock["python"], **{k: v for k, v in lock["packages"].items() if v}},
    )


def note_left_out(run: RunDirectory, moments: Iterable[str]) -> None:
    """Writes down which measurements a run was told to leave out, so that its report knows for ever."""
    run.event("left out", measurements=list(moments))


def _left_out(run: RunDirectory) -> list[Moment]:
    """Measurements that the run was told to leave out, and did."""
    if not run.events_path.exists():  # killed before its first event
        return []
    told = {
        moment
        for event in read_lines(run.events_path).records
        if event["event"] == "left out"
        for moment in event["measurements"]
    }
    return [moment for moment in _MOMENTS if moment in told and not _measurement(run, moment).exists()]


def _measurement(run: RunDirectory, moment: str) -> Path:
    return run.before_path if moment == "before" else run.after_path


def _measured(run: RunDirectory, moment: Moment) -> Sweep:
    """A run's sweep, whose subject is the model: the report names the run once."""
    sweep = sweep_of_run(run, moment)
    subject = sweep.header.subject.removeprefix(f"{run.path}: ")
    return replace(sweep, header=msgspec.structs.replace(sweep.header, subject=subject))


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]


def _hashes(lock: dict[str, Any]) -> dict[str, str]:
    """Of the prompt, the model, and the code."""
    found = {"prompt": lock["task"]["prompt_sha256"][:_DIGITS]}
    if lock["model"]["commit"]:
        found["model commit"] = lock["model"]["commit"]
    found |= {name: digest[:_DIGITS] for name, digest in lock["model"]["files"].items()}
    if lock["git"]:
        found["git commit"] = lock["git"]["commit"] + (" with changes" if lock["git"]["changed"] else "")
    return found


def steps_done(run: RunDirectory) -> int:
    """Training steps that were written down."""
    rows = read_lines(run.metrics_path).records if run.metrics_path.exists() else []
    return max((row.get("step", 0) for row in rows), default=0)


def _elapsed(events: list[dict[str, Any]]) -> float:
    times = [datetime.datetime.fromisoformat(event["time"]) for event in events]
    return (times[-1] - times[0]).total_seconds()


def _point(row: dict[str, Any]) -> CurvePoint:
    seconds = row.get("seconds") or {}
    return CurvePoint(
        step=row["step"],
        reward=row.get("reward"),
        reward_std=row.get("reward_std"),
        success=row.get("success"),
        broken=row.get("broken"),
        entropy=row.get("entropy"),
        distinct_programs=row.get("distinct_programs"),
        completion_length=row.get("completions/mean_length"),
        seconds=StepSeconds(**seconds) if "sandbox" in seconds else None,
    )
