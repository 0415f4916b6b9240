"""The report of a run, rebuilt from nothing but the run's files."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import msgspec

from envrl.config import load_config
from envrl.errors import RunError
from envrl.evaluation.measure import Measurement, summarize, typical, wins
from envrl.evaluation.report.record import (
    Change,
    ConfigRow,
    CurvePoint,
    EvaluationSummary,
    ProgramCard,
    RunReport,
    StepSeconds,
)
from envrl.evaluation.statistics import crossed_difference
from envrl.rewards import find_preset
from envrl.runs import RunDirectory, read_json, read_lines, write_atomic
from envrl.sandbox import active_layers
from envrl.workflow.recipes import task_of

__all__ = ["build_report", "read_measurement", "write_report"]

_STRAINED = 0.01


def read_measurement(run: RunDirectory, label: str) -> Measurement:
    """The measurement before or after training.

    Raises:
        RunError: the run has none yet.
    """
    path = run.before_path if label == "before" else run.after_path
    if not path.exists():
        raise RunError(f"{run.path}: has no measurement {label} training yet ({path.name} is missing)")
    return msgspec.convert(read_json(path), Measurement)


def build_report(run: RunDirectory) -> RunReport:
    """What every form of the report shows.

    Raises:
        RunError: the run has not come to its end.
    """
    before, after = read_measurement(run, "before"), read_measurement(run, "after")
    resolved = load_config(run.config_path)
    lock = run.lock
    task = task_of(resolved.config.env)
    events = read_lines(run.events_path).records
    summaries = summarize(before), summarize(after)
    best = msgspec.convert(read_json(run.best_path), ProgramCard | None) if run.best_path.exists() else None
    origins = lock["config_origins"]
    return RunReport(
        title=f"{resolved.config.model.path} learns {task.short}",
        task=f"{task.id}: {task.title}",
        target=task.success,
        command=lock["command"],
        run_dir=str(run.path),
        lock_hash=hashlib.sha256(run.lock_path.read_bytes()).hexdigest()[:16],
        created=events[0]["time"],
        duration_seconds=_elapsed(events),
        before=summaries[0],
        after=summaries[1],
        difference=Change.of(crossed_difference(wins(before), wins(after))),
        programs=tuple(card for card in (typical(before), typical(after)) if card),
        best=best,
        curve=tuple(_point(row) for row in read_lines(run.metrics_path).records),
        reward_weights=dict(find_preset(resolved.config.reward.preset, resolved.config.reward.weights).weights),
        config=tuple(ConfigRow(key=key, value=value, origin=origins[key]) for key, value in lock["config"].items()),
        layers=active_layers(lock["sandbox"]["layers"]),
        versions={"python": lock["python"], **{k: v for k, v in lock["packages"].items() if v}},
        warnings=tuple(_warnings(*summaries)),
    )


def write_report(run: RunDirectory, report: RunReport) -> None:
    """Writes ``report.html`` and ``report.md``.

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
    """
    from envrl.evaluation.report.html import render_html
    from envrl.evaluation.report.markdown import render_markdown

    write_atomic(run.report_md_path, render_markdown(report))
    write_atomic(run.report_html_path, render_html(report))


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


def _warnings(before: EvaluationSummary, after: EvaluationSummary) -> list[str]:
    found = []
    for summary in (before, after):
        if summary.infrastructure_errors:
            found.append(
                f"{summary.infrastructure_errors} episodes {summary.label} training could not be measured: "
                "envrl itself failed; they count neither as won nor as lost"
            )
        if (summary.over_half_budget or 0.0) > _STRAINED:
            found.append(
                f"{summary.over_half_budget:.1%} of the episodes {summary.label} training used more than half of a "
                "CPU budget: on a slower machine some might time out"
            )
    if after.largest_share > 0.6:
        found.append(f"one program makes up {after.largest_share:.0%} of the samples after training: a collapse")
    return found
