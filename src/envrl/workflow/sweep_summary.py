"""What is said of a sweep at its end: its report, its first faults, and the same for a program to read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from envrl.errors import EnvrlError, MissingExtraError
from envrl.evaluation.escape import one_line
from envrl.evaluation.report.build import build_sweep_report
from envrl.evaluation.report.record import SweepReport
from envrl.evaluation.sweeps import Sweep, SweepProgram
from envrl.outcomes import Outcome
from envrl.workflow.gate import Verdict
from envrl.workflow.reporting import report_sweep, write_report
from envrl.workflow.results import task_of_sweep
from envrl.workflow.sweep import Evaluation
from envrl.workflow.watching import Watcher

__all__ = ["first_faults", "json_record", "make_report"]


def make_report(evaluation: Evaluation, watcher: Watcher) -> SweepReport:
    """The report of a sweep, which is written into the sweep's directory where it has one.

    Without a directory it shows no replays; without the extra ``report`` nothing is written, and the watcher is told.
    """
    sweep, directory = evaluation.sweep, evaluation.directory
    watcher.phase("report", 1)
    if directory is None:
        task = None
        note = ""
        try:
            task = task_of_sweep(sweep.header)
        except EnvrlError as error:
            note = f"no reference strategy stands beside it: {error}"
        name = hashlib.sha256(msgspec.json.encode(sweep.header)).hexdigest()[:16]
        report = build_sweep_report(sweep, task=task, place="kept nowhere", lock_hash=name, note=note)
    else:
        report = report_sweep(sweep, directory)
        try:
            write_report(directory, report)
        except MissingExtraError as error:
            watcher.say(f"no report was written: {error}")
    watcher.advance()
    return report


def json_record(report: SweepReport, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The report as ``report.json`` has it, with what became of the gates."""
    record: dict[str, Any] = msgspec.to_builtins(report)
    record["gates"] = [
        {
            "figure": verdict.gate.figure,
            "least": verdict.gate.least,
            "subject": verdict.subject,
            "low": verdict.interval.low,
            "passed": verdict.passed,
        }
        for verdict in verdicts
    ]
    return record


def first_faults(sweep: Sweep) -> Iterator[str]:
    """The first episode, or program, of each way to fail that has a word to say; a model's words are escaped.

    Of answers there is nothing to add to those that the report shows.
    """
    if sweep.header.answers:
        return
    seen: set[Outcome] = set()
    for program, row in zip(sweep.programs, sweep.episodes, strict=True):
        name = f"{_name(program, sweep)}, " if len(sweep.programs) > 1 else ""
        if program.outcome is not None and program.outcome not in seen:
            seen.add(program.outcome)
            yield f"first {program.outcome}: {name}before any episode: {one_line(program.detail)}"
        for episode in row:
            if episode.detail and episode.outcome not in seen:
                seen.add(episode.outcome)
                where = f"seed {episode.index}" + ("" if episode.call is None else f", call {episode.call}")
                yield f"first {episode.outcome}: {name}{where}: {one_line(episode.detail)}"


def _name(program: SweepProgram, sweep: Sweep) -> str:
    return one_line(program.label) if sweep.header.kind == "strategies" else f"program {one_line(program.label)}"
