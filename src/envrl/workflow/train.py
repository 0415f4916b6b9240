"""What ``envrl train`` does, from start to end: check, lock, measure, train, measure again, report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envrl.config import Resolved, RunConfig, load_config
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import ConfigError, RunError, UnknownNameError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport
from envrl.models import LoadedModel
from envrl.models.ranks import here
from envrl.rollouts import Runner
from envrl.runs import RunDirectory, default_name, latest_complete, quarantine_incomplete
from envrl.trainers.grpo import train_grpo
from envrl.trainers.play import prompt_rows
from envrl.trainers.prompts import require_short_prompts
from envrl.trainers.rloo import train_rloo
from envrl.workflow.asking import asking, prompts_of
from envrl.workflow.best_checkpoint import choose_checkpoint
from envrl.workflow.best_program import choose_program
from envrl.workflow.checkup import require_answer, require_sound_versions
from envrl.workflow.course import PARTS, Course, Plan
from envrl.workflow.documents import write_documents
from envrl.workflow.finetune import Data, finetune, train_on_data
from envrl.workflow.keeping import Keeper
from envrl.workflow.locking import run_lock
from envrl.workflow.overwriting import delete_run, require_deletable
from envrl.workflow.pre_sft import pre_sft_hashes, teach_format
from envrl.workflow.reporting import build_report, note_left_out, write_report
from envrl.workflow.resuming import accept_drift, began_with
from envrl.workflow.smoke import first_steps_gate, try_some_steps
from envrl.workflow.watching import Watcher

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Job", "Trained", "resume", "train", "work"]


@dataclass(frozen=True)
class Trained:
    """A finished run; its report is a `FinetuneReport` where a stage trained on data."""

    run: RunDirectory
    report: SweepReport | FinetuneReport

    def terminal(self) -> RenderableType:
        """What to print when it ends."""
        from envrl.evaluation.report.finetune_terminal import render_finetune_terminal
        from envrl.evaluation.report.terminal import render_terminal

        path = str(self.run.report_html_path)
        if isinstance(self.report, FinetuneReport):
            return render_finetune_terminal(self.report, path)
        return render_terminal(self.report, path)


@dataclass(frozen=True)
class Job:
    """What a process is told that does a run, alone or together with others.

    Attributes:
        resolved: the configuration.
        command: what a user types to repeat the run, for its report.
        path: of the run to go on with; None for a new one.
        skip: those of `PARTS` that are left out.
        force: go on where the first steps show that nothing would be learnt.
        allow_drift: what may have changed since a run began that is resumed.
    """

    resolved: Resolved
    command: str = ""
    path: Path | None = None
    skip: frozenset[str] = frozenset()
    force: bool = False
    allow_drift: tuple[str, ...] = ()

    @classmethod
    def training(
        cls,
        resolved: Resolved,
        command: str,
        *,
        skip: Collection[str] = (),
        force: bool = False,
        allow_drift: Collection[str] = (),
    ) -> Job:
        """A new run, or the one to go on with that ``output.resume`` names."""
        config, path = resolved.config, None
        _require_parts(config, skip)
        if config.output.resume is True:
            path = Path(config.output.root) / str(config.output.name)
        elif config.output.resume is not False:
            path = Path(config.output.resume)
        return cls(resolved, command, path, frozenset(skip), force, tuple(allow_drift))

    @classmethod
    def resuming(
        cls,
        path: Path,
        overrides: Sequence[str] = (),
        *,
        skip: Collection[str] = (),
        force: bool = False,
        allow_drift: Collection[str] = (),
    ) -> Job:
        """A run that goes on under its own configuration."""
        resolved = load_config(RunDirectory.open(path).config_path, overrides)
        _require_parts(resolved.config, skip)
        return cls(resolved, "", path, frozenset(skip), force, tuple(allow_drift))

    @property
    def processes(self) -> int:
        """How many a run that goes on began with; one for a new run."""
        return 1 if self.path is None else began_with(RunDirectory.open(self.path).lock)


def train(
    resolved: Resolved,
    command: str,
    watcher: Watcher,
    *,
    skip: Collection[str] = (),
    force: bool = False,
    allow_drift: Collection[str] = (),
) -> Trained:
    """Trains a model in a new run, or goes on with the one that ``output.resume`` names.

    Args:
        resolved: the configuration.
        command: what a user types to repeat the run, for its report.
        watcher: told how the work goes.
        skip: those of `PARTS` that are left out.
        force: go on where the first steps show that nothing would be learnt.
        allow_drift: what may have changed since a run began that is resumed.

    Raises:
        EnvrlError: whatever a user can mend; before anything is started where that is possible.
    """
    return _whole(Job.training(resolved, command, skip=skip, force=force, allow_drift=allow_drift), watcher)


def resume(
    path: Path,
    watcher: Watcher,
    overrides: Sequence[str] = (),
    *,
    skip: Collection[str] = (),
    force: bool = False,
    allow_drift: Collection[str] = (),
) -> Trained:
    """Goes on with a run that was killed or interrupted, from its last complete checkpoint.

    Args:
        overrides: settings that change, as ``key=value``; each must be named in ``allow_drift``.
        skip: those of `PARTS` that are left out.
        force: go on where the first steps show that nothing would be learnt.
        allow_drift: what may have changed since the run began: ``train.learning_rate``, ``packages``.

    Raises:
        RunError: there is no such run, it is finished, another process works in it, or what it depends on has changed.
        EnvrlError: whatever else a user can mend.
    """
    return _whole(Job.resuming(path, overrides, skip=skip, force=force, allow_drift=allow_drift), watcher)


def _whole(job: Job, watcher: Watcher) -> Trained:
    trained = work(job, watcher)
    assert trained is not None, "the first process of a run ends with its report"
    return trained


def work(job: Job, watcher: Watcher) -> Trained | None:
    """Does a run, or this process's part of it: the first of several writes the record, the others help to train.

    Returns:
        The run with its report; None in a process that helps.

    Raises:
        EnvrlError: whatever a user can mend; before anything is started where that is possible.
    """
    ranks = here()
    plan = Plan.of(job.resolved.config)
    if ranks.count > 1:
        ranks.connect(plan.device(), plan.config.train.ddp_timeout)
    if not ranks.first:
        _help(job, plan, watcher)
        return None
    return _begin(job, plan, watcher) if job.path is None else _go_on(job, job.path, plan, watcher)


def _begin(job: Job, plan: Plan, watcher: Watcher) -> Trained:
    config = plan.config
    root = Path(config.output.root)
    name = config.output.name or default_name(_subject(config), datetime.datetime.now())
    if config.output.overwrite:
        require_deletable(root / name)
    else:
        RunDirectory.check_free(root, name)
    with here().first_alone():
        data, hashes = _read(plan, watcher)
    with plan.arena() as arena:
        layers = arena.ready() if arena else {}
        with here().first_alone():
            loaded, device = _load(plan, watcher, job.skip)
        if "doctor" not in job.skip and config.method.name != "reward":
            require_answer(loaded, config, _first_prompt(plan) if config.method.plays else None)
        lock = _lock(job, plan, job.command, layers, loaded, hashes)
        if config.output.overwrite:
            delete_run(root / name)
        with RunDirectory.create(root, name, job.resolved.to_yaml(), lock) as run:
            return _run(_course(job, plan, run, arena, loaded, device, watcher, None), data)


def _first_prompt(plan: Plan) -> str:
    task, contract = plan.played, plan.config.model.contract
    if isinstance(task, AnswerTask):  # whose own prompt has no question in it
        return task.ask(task.problem("train", "envrl/doctor", 0), contract)
    return task.prompt(contract)


def _go_on(job: Job, path: Path, plan: Plan, watcher: Watcher) -> Trained:
    with RunDirectory.open(path) as run:
        if run.status.state == "finished":
            raise RunError(f"{path}: this run is finished; its report is {run.report_html_path}")
        with here().first_alone():
            data, hashes = _read(plan, watcher)
        if data and not any(name.partition(".")[0] == "dataset" for name in job.allow_drift):
            data.require_unchanged(run)
        with plan.arena() as arena:
            layers = arena.ready() if arena else {}
            with here().first_alone():
                loaded, device = _load(plan, watcher, job.skip)
            now = _lock(job, plan, run.lock.get("command", ""), layers, loaded, hashes)
            for note in accept_drift(run, job.resolved, now, job.allow_drift):
                watcher.say(note)
            for broken in quarantine_incomplete(run.checkpoints_dir):
                watcher.say(f"set aside a half-written checkpoint: {broken.name}")
            checkpoint = latest_complete(run.checkpoints_dir)
            course = _course(job, plan, run, arena, loaded, device, watcher, checkpoint)
            run.rewind(course.done)
            watcher.say(f"resuming {run.path} after step {course.done}")
            return _run(course, data)


def _help(job: Job, plan: Plan, watcher: Watcher) -> None:
    """The part of a process that is not the first: the same, but for what is looked at and written down once."""
    plan = plan.without_trackers()
    with here().first_alone():
        data, _ = _read(plan, watcher)
    with plan.arena() as arena:
        if arena:
            arena.ready()
        with here().first_alone():
            loaded, device = _load(plan, watcher, job.skip)
        path, checkpoint = here().share(None)
        run = RunDirectory.open(path)  # never acquired: whatever would write here fails
        course = Course(plan, run, arena, loaded, device, watcher, checkpoint, job.skip, job.force)
        if data:
            train_on_data(course, data)
        else:
            _train_by_play(course)


def _course(
    job: Job,
    plan: Plan,
    run: RunDirectory,
    arena: Runner | None,
    loaded: LoadedModel,
    device: str,
    watcher: Watcher,
    checkpoint: Path | None,
) -> Course:
    """The run under way; the other processes, if any, hear of it."""
    here().announce(run.path)
    here().share((run.path, checkpoint))
    return Course(plan, run, arena, loaded, device, watcher, checkpoint, job.skip, job.force)


def _read(plan: Plan, watcher: Watcher) -> tuple[Data | None, dict[str, Any] | None]:
    """The rows of a stage that trains on data, and what the lock says of any rows."""
    data = Data.of(plan, watcher)
    return data, data.hashes() if data else pre_sft_hashes(plan, watcher)


def _lock(
    job: Job, plan: Plan, command: str, layers: Mapping[str, str], loaded: LoadedModel, hashes: dict[str, Any] | None
) -> dict[str, Any]:
    return {**run_lock(plan, job.resolved, command, layers, loaded, hashes), "processes": here().count}


def _require_parts(config: RunConfig, skip: Collection[str]) -> None:
    if unknown := [part for part in skip if part not in PARTS]:
        raise UnknownNameError("part of a run", unknown[0], PARTS)
    if not config.method.plays and (measured := sorted({"before", "after"} & set(skip))):
        raise ConfigError(
            f"--skip {measured[0]}: {config.method.name} trains on data, and its report compares held-out rows before "
            "and after; leave dataset.val_size and dataset.eval_path out to measure nothing"
        )


def _load(plan: Plan, watcher: Watcher, skip: Collection[str]) -> tuple[LoadedModel, str]:
    return plan.load(watcher, None if "doctor" in skip else require_sound_versions)


def _subject(config: RunConfig) -> str:
    """What a run is named for where its user names none."""
    return config.env.id if config.method.plays else f"{config.method.name}-{Path(config.model.path).name}"


def _run(course: Course, data: Data | None) -> Trained:
    """The run itself; its status says how it ended, whatever happens."""
    run = course.run
    run.event("resumed" if course.checkpoint else "started", pid=os.getpid())
    run.update_status(state="running")
    try:
        report = finetune(course, data) if data else _play(course)
    except KeyboardInterrupt:
        run.update_status(state="interrupted", reason="stopped by its user")
        run.event("interrupted")
        raise
    except BaseException as error:
        run.update_status(state="failed", reason=f"{type(error).__name__}: {error}")
        run.event("failed", reason=f"{type(error).__name__}: {error}")
        raise
    if not course.skips("documents"):
        write_documents(run, report)
    run.update_status(state="finished")
    return Trained(run, report)


def _play(course: Course) -> SweepReport:
    """A stage that learns from play."""
    run, steps = course.run, course.config.train.max_steps
    trained = _train_by_play(course)
    run.update_status(step=steps)  # of which the metrics do not tell where few lines are written
    trained, best = choose_checkpoint(course, trained, steps)
    if not course.skips("after"):
        choose_program(course, course.measure_by_play("after", trained, best))
    if left_out := [part for part in ("before", "after") if course.skips(part)]:
        note_left_out(run, left_out)
    course.finish()
    report = build_report(run)
    write_report(run, report)
    return report


def _train_by_play(course: Course) -> LoadedModel:
    """All up to the end of training, in which every process takes part."""
    config, run, steps = course.config, course.run, course.config.train.max_steps
    prompt = course.plan.played.prompt(config.model.contract)
    require_short_prompts(course.loaded.tokenizer, *prompts_of(course), config)
    if here().first and not run.before_path.exists() and not course.skips("before"):
        course.measure_by_play("before", course.loaded, steps)
    here().wait()
    course = teach_format(course)
    trainer = asking(course, train_grpo if config.method.name == "grpo" else train_rloo)
    try_some_steps(course, trainer, prompt)
    course.train_phase(steps)
    return trainer(
        course.loaded,
        course.config,
        prompt_rows(config, prompt),
        course.scorer("train", run.lock["seeds"]["train_salt"]),
        Keeper(course, first_steps_gate(course)),
        output=run.checkpoints_dir,
        device=course.device,
        resume_from=course.checkpoint,
    )
