"""What ``envrl compare`` does: sweeps, runs and strategy files side by side on the seeds that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import EnvConfig
from envrl.errors import ComparisonError, RunError
from envrl.evaluation.comparison import Comparison, Contender, check_comparable, compare, contenders_of
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.runs import write_atomic, write_json
from envrl.workflow.eval_request import EvalRequest
from envrl.workflow.recipes import task_of
from envrl.workflow.results import open_sweep
from envrl.workflow.run_difference import changed_variables
from envrl.workflow.sweep import RunnerChoice, evaluate
from envrl.workflow.watching import Watcher

__all__ = ["Conditions", "compare_subjects", "write_comparison"]


@dataclass(frozen=True)
class Conditions:
    """How strategy files are played; what is None is taken from the first sweep or run that they are compared with.

    Attributes:
        environment: as a configuration's ``env`` says it.
        seeds: indices, as a user writes them.
        block: of the seeds.
        workers: referee processes; None for one a core.
        require: sandbox layers without which nothing is played, over those that are always needed.
        limits: budgets of a strategy, as a sweep's header has them; None for the environment's own.
    """

    environment: dict[str, Any] | None = None
    seeds: str | None = None
    block: str | None = None
    workers: int | None = None
    require: tuple[str, ...] = ()
    limits: dict[str, Any] | None = None


def compare_subjects(subjects: Sequence[str], conditions: Conditions, watcher: Watcher) -> Comparison:
    """Compares each of the others with the first.

    Args:
        subjects: directories of sweeps and runs (of which the measurement after training counts), and strategy files.
        conditions: how strategy files are played.
        watcher: told how that goes.

    Raises:
        ComparisonError: fewer than two, or not measured under the same conditions.
        EnvrlError: one of them cannot be read or played.
    """
    if len(subjects) < 2:
        raise ComparisonError("nothing to compare with: give two or more sweeps, runs or strategy files")
    sweeps = {place: open_sweep(subject) for place, subject in enumerate(subjects) if not _is_strategy(subject)}
    recorded = [(subjects[place], sweep.header) for place, sweep in sweeps.items()]
    conditions = _filled(conditions, recorded[0][1] if recorded else None)
    for place, subject in enumerate(subjects):
        if place not in sweeps:
            _check_before_play(subject, conditions, recorded)
            sweeps[place] = _play(subject, conditions, watcher)
    contenders: list[Contender] = []
    changed: list[tuple[str, ...]] = []
    for place, subject in enumerate(subjects):
        found = contenders_of(subject, sweeps[place])
        both_are_runs = place > 0 and _is_run(subjects[0]) and _is_run(subject)
        contenders += found
        changed += [changed_variables(subjects[0], subject) if both_are_runs else ()] * len(found)
    return compare(contenders, changed)


def write_comparison(comparison: Comparison, json: Path | None = None, markdown: Path | None = None) -> None:
    """Writes a comparison as JSON, as Markdown, or as both.

    Raises:
        RunError: a file cannot be written.
    """
    from envrl.evaluation.report.comparison import render_comparison_markdown

    if json is not None:
        write_json(json, comparison)
    if markdown is not None:
        write_atomic(markdown, render_comparison_markdown(comparison))


def _is_strategy(subject: str) -> bool:
    path = Path(subject)
    if not path.exists():
        raise RunError(
            f"{subject}: no such file or directory; give the directory of a sweep or a run, or a strategy file "
            "(a model is measured first, with: envrl eval --model …)"
        )
    if path.is_file() and path.suffix != ".py":
        raise RunError(f"{subject}: is neither a strategy file (.py) nor the directory of a sweep or a run")
    return path.is_file()


def _is_run(subject: str) -> bool:
    return (Path(subject) / "lock.json").is_file()


def _filled(conditions: Conditions, pattern: SweepHeader | None) -> Conditions:
    """The conditions, with those of a sweep for what they leave open."""
    if pattern is None:
        return conditions
    return replace(
        conditions,
        environment=pattern.environment if conditions.environment is None else conditions.environment,
        seeds=conditions.seeds or pattern.seeds,
        block=conditions.block or pattern.block,
        limits=pattern.limits if conditions.limits is None else conditions.limits,
    )


def _check_before_play(subject: str, conditions: Conditions, recorded: Sequence[tuple[str, SweepHeader]]) -> None:
    """Refuses what could not be compared with a recorded sweep, before any time is spent on it.

    Raises:
        ComparisonError: likewise, or nobody said what to play.
    """
    if conditions.environment is None:
        raise ComparisonError(f"{subject}: a strategy file is played on the spot: say on what, with --env")
    if not recorded:
        return
    task = task_of(EnvConfig.model_validate(conditions.environment))
    pattern = recorded[0][1]
    planned = msgspec.structs.replace(
        pattern,
        task=task.id,
        task_version=task.version,
        options=task.options,
        success=task.success,
        toolkit=conditions.environment.get("toolkit", "full"),
        contract=None,
        prompt_sha256=None,
        block=conditions.block,
        seeds=conditions.seeds,
        limits=conditions.limits,
    )
    check_comparable([*recorded, (subject, planned)])


def _play(path: str, conditions: Conditions, watcher: Watcher) -> Sweep:
    assert conditions.environment is not None
    request = EvalRequest(
        environment=conditions.environment,
        strategies=(path,),
        seeds=conditions.seeds,
        block=conditions.block,
        require=conditions.require,
        limits=conditions.limits,
    )
    return evaluate(request, _Named(path, watcher), output=None, runner=RunnerChoice(conditions.workers)).sweep


class _Named:
    """A watcher that is told whose phases it sees."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        self._name, self._watcher = name, watcher

    def phase(self, name: str, total: int) -> None:
        self._watcher.phase(f"{self._name}: {name}", total)

    def advance(self, count: int = 1, **figures: Any) -> None:
        self._watcher.advance(count, **figures)

    def say(self, text: str) -> None:
        self._watcher.say(f"{self._name}: {text}")
