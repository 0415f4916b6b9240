"""What ``envrl eval`` does: programs of whatever kind over many seeds, streamed to disk, to go on with after a kill."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from envrl.errors import ConfigError, ModelError, RunError, StrategyError
from envrl.evaluation.headline import Headline, headline
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.rollouts import Runner, open_arena
from envrl.runs import default_name
from envrl.sandbox import LEAST, active_layers
from envrl.workflow.eval_request import EvalRequest, read_request
from envrl.workflow.sweep_answers import AnswerCourse
from envrl.workflow.sweep_course import SweepCourse, prompt_hash
from envrl.workflow.sweep_plan import SweepPlan
from envrl.workflow.watching import Watcher

__all__ = ["Evaluation", "RunnerChoice", "default_directory", "evaluate", "resume"]

_NONE, _THEN = "none", ", then "
_PACKAGES = "envrl gymnasium msgspec numpy RestrictedPython scipy torch transformers peft tokenizers".split()


@dataclass(frozen=True)
class RunnerChoice:
    """What plays: processes of this machine, or of a cluster.

    Attributes:
        workers: how many; None for one a core.
        name: ``local`` or ``ray``.
        ray_address: of the cluster; see `envrl.rollouts.open_arena`.
    """

    workers: int | None = None
    name: str = "local"
    ray_address: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """A sweep that has come to its end.

    Attributes:
        sweep: everything that was measured.
        success: its rate.
        directory: where it is kept; None for nowhere.
    """

    sweep: Sweep
    success: Headline
    directory: Path | None


def default_directory(task: str) -> Path:
    """Where a sweep of a task that starts now is kept."""
    return Path("sweeps") / default_name(task, datetime.datetime.now())


def evaluate(
    request: EvalRequest, watcher: Watcher, output: Path | str | None = "", runner: RunnerChoice | None = None
) -> Evaluation:
    """Measures what is asked for.

    Args:
        request: what, and how far.
        watcher: told how it goes.
        output: directory to keep it in; "" for one named by environment and time, None for none.
        runner: what plays.

    Raises:
        EnvrlError: what is asked for does not fit together, cannot be found, or cannot be played.
    """
    request.check()
    runner = runner or RunnerChoice()
    plan = SweepPlan(request, runner.workers)
    plan.check()
    directory = default_directory(plan.task.short) if output == "" else Path(output) if output is not None else None
    if directory is not None:
        SweepLog.check_free(directory)
    with _arena(plan, runner) as arena:
        layers = active_layers(arena.ready()) if arena else ()
        header = _header(plan, layers, watcher)
        log = SweepLog(None) if directory is None else SweepLog.create(directory, header, plan.filled())
        with log:
            try:
                return _course(plan, header, log, arena, watcher)
            except ModelError:
                if plan.served is not None and not plan.served.usage["completions"]:
                    log.discard()  # the server took nothing, such as the model's name: nothing was paid for
                raise


def resume(directory: str | Path, watcher: Watcher, runner: RunnerChoice | None = None) -> Evaluation:
    """Goes on with a sweep that was stopped, to the result that it would have had.

    Raises:
        RunError: the directory holds no sweep, another process works in it, or what it measures has changed.
    """
    directory, runner = Path(directory), runner or RunnerChoice()
    log, sweep = SweepLog.reopen(directory)
    with log:
        if sweep.finished:
            watcher.say(f"{directory} has come to its end already: nothing is left to play")
            return Evaluation(sweep, headline(sweep), directory)
        plan = SweepPlan(read_request(directory), runner.workers)
        _check_same(plan, sweep.header)
        watcher.say(f"going on with {directory} after {sum(map(len, sweep.episodes))} episodes")
        with _arena(plan, runner) as arena:
            now = active_layers(arena.ready()) if arena else ()
            # What was in force for all episodes: a sweep claims no layer that some of them did without.
            kept = tuple(layer for layer in sweep.header.layers if layer in now)
            header = msgspec.structs.replace(sweep.header, layers=kept, versions=_both_versions(sweep.header, watcher))
            log.write_header(header)
            return _course(plan, header, log, arena, watcher)


def _arena(plan: SweepPlan, runner: RunnerChoice) -> AbstractContextManager[Runner | None]:
    """What plays; nothing where answers are judged."""
    if plan.asked is not None:
        if runner.name != "local":
            raise ConfigError(f"--runner {runner.name} plays programs, and {plan.asked.id} has none: leave it out")
        return nullcontext()
    return open_arena(
        plan.task,
        runner=runner.name,
        workers=runner.workers,
        limits=plan.limits,
        require=(*LEAST, *plan.request.require),
        ray_address=runner.ray_address,
    )


def _course(plan: SweepPlan, header: SweepHeader, log: SweepLog, arena: Runner | None, watcher: Watcher) -> Evaluation:
    """The sweep itself; its status says how it ended, whatever happens."""
    log.write_status("running")
    try:
        sweep = (
            SweepCourse(plan, header, log, arena, arena.workers, watcher).run()
            if arena
            else AnswerCourse(plan, header, log, watcher).run()
        )
    except KeyboardInterrupt:
        log.write_status("interrupted", "stopped by its user")
        if log.directory is not None:
            watcher.say(f"stopped; go on with: envrl eval --resume {log.directory}")
        raise
    except StrategyError:
        log.discard()
        raise
    except BaseException as error:
        log.write_status("failed", f"{type(error).__name__}: {error}")
        raise
    return Evaluation(sweep, headline(sweep), log.directory)


def _header(plan: SweepPlan, layers: Sequence[str], watcher: Watcher) -> SweepHeader:
    subject, task, request = plan.subject, plan.task, plan.request
    identity = subject.identity(watcher)
    sampling = subject.sampling | ({"samples": plan.samples} if subject.sampling else {})
    return SweepHeader(
        kind=subject.kind,
        subject=subject.name,
        task=task.id,
        task_version=task.version,
        options=task.options,
        environment=plan.environment,
        success=task.success,
        toolkit=plan.environment.get("toolkit", "full"),
        contract=subject.contract,
        prompt_sha256=None if subject.prompt is None else prompt_hash(subject.prompt),
        block=plan.block,
        seeds=f"{plan.seeds.start}:{plan.seeds.stop}",
        limits=msgspec.to_builtins(plan.limits),
        layers=tuple(layers),
        sampling=sampling,
        versions={**_versions(), **identity},
        command=request.command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        until_width=request.until_width,
        answers=plan.asked is not None,
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _both_versions(header: SweepHeader, watcher: Watcher) -> dict[str, str]:
    """A sweep's versions, each with today's behind it where that is another; the watcher is told of those.

    An episode should not change with them, but whoever reads the sweep has to know that two made it.
    """
    found, now = dict(header.versions), _versions()
    changed = []
    for name in ("python", *_PACKAGES):
        then, today = found.get(name, _NONE), now.get(name, _NONE)
        if then.split(_THEN)[-1] != today:
            found[name] = then + _THEN + today
            changed.append(f"{name} {found[name]}")
    if changed:
        watcher.say(
            f"this sweep is made with two sets of versions: {'; '.join(changed)}. They may make a difference: its "
            "report names both. To measure all with one, measure again"
        )
    return found


def _check_same(plan: SweepPlan, header: SweepHeader) -> None:
    """Refuses to go on where the rest would be measured under other conditions.

    Raises:
        RunError: naming what has changed.
    """
    now = {
        "version of the task": (header.task_version, plan.task.version),
        "options of the environment": (header.options, plan.task.options),
        "rule of success": (header.success, plan.task.success),
        "limits": (header.limits, msgspec.to_builtins(plan.limits)),
    }
    for what, (then, today) in now.items():
        if then != today:
            raise RunError(f"the sweep's {what} was {then} and is {today} now: measure again")
