"""What ``envrl train`` does, from start to end: check, lock, measure, train, measure again, report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envrl.config import Resolved, RunConfig, load_config
from envrl.errors import ConfigError, RunError, UnknownNameError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport
from envrl.models import LoadedModel
from envrl.runs import RunDirectory, default_name, latest_complete, quarantine_incomplete
from envrl.trainers.grpo import train_grpo
from envrl.trainers.play import prompt_rows
from envrl.trainers.prompts import require_short_prompts
from envrl.trainers.rloo import train_rloo
from envrl.workflow.best_checkpoint import choose_checkpoint
from envrl.workflow.checkup import require_answer, require_sound_versions
from envrl.workflow.course import PARTS, Course, Plan
from envrl.workflow.documents import write_documents
from envrl.workflow.finetune import Data, finetune
from envrl.workflow.keeping import Keeper
from envrl.workflow.locking import run_lock
from envrl.workflow.overwriting import delete_run, require_deletable
from envrl.workflow.pre_sft import pre_sft_hashes, teach_format
from envrl.workflow.reporting import build_report, note_left_out, write_report
from envrl.workflow.resuming import accept_drift
from envrl.workflow.smoke import first_steps_gate, try_some_steps
from envrl.workflow.watching import Watcher

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Trained", "resume", "train"]


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
    config = resolved.config
    root, name = Path(config.output.root), config.output.name
    _require_parts(config, skip)
    if config.output.resume is not False:
        path = root / str(name) if config.output.resume is True else Path(config.output.resume)
        return _resume(path, resolved, watcher, allow_drift, frozenset(skip), force)
    plan = Plan.of(config)
    name = name or default_name(_subject(config), datetime.datetime.now())
    if config.output.overwrite:
        require_deletable(root / name)
    else:
        RunDirectory.check_free(root, name)
    data = Data.of(plan, watcher)
    hashes = data.hashes() if data else pre_sft_hashes(plan, watcher)
    with plan.arena() as arena:
        layers = arena.ready() if arena else {}
        loaded, device = _load(plan, watcher, skip)
        if "doctor" not in skip and config.method.name != "reward":
            prompt = plan.played.prompt(config.model.contract) if config.method.plays else None
            require_answer(loaded, config, prompt)
        lock = run_lock(plan, resolved, command, layers, loaded, hashes)
        if config.output.overwrite:
            delete_run(root / name)
        with RunDirectory.create(root, name, resolved.to_yaml(), lock) as run:
            return _run(Course(plan, run, arena, loaded, device, watcher, None, frozenset(skip), force), data)


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
    resolved = load_config(RunDirectory.open(path).config_path, overrides)
    _require_parts(resolved.config, skip)
    return _resume(path, resolved, watcher, allow_drift, frozenset(skip), force)


def _resume(
    path: Path,
    resolved: Resolved,
    watcher: Watcher,
    allow_drift: Collection[str],
    skip: frozenset[str],
    force: bool,
) -> Trained:
    with RunDirectory.open(path) as run:
        if run.status.state == "finished":
            raise RunError(f"{path}: this run is finished; its report is {run.report_html_path}")
        plan = Plan.of(resolved.config)
        data = Data.of(plan, watcher)
        if data and not any(name.partition(".")[0] == "dataset" for name in allow_drift):
            data.require_unchanged(run)
        hashes = data.hashes() if data else pre_sft_hashes(plan, watcher)
        with plan.arena() as arena:
            layers = arena.ready() if arena else {}
            loaded, device = _load(plan, watcher, skip)
            now = run_lock(plan, resolved, run.lock.get("command", ""), layers, loaded, hashes)
            for note in accept_drift(run, resolved, now, allow_drift):
                watcher.say(note)
            for broken in quarantine_incomplete(run.checkpoints_dir):
                watcher.say(f"set aside a half-written checkpoint: {broken.name}")
            checkpoint = latest_complete(run.checkpoints_dir)
            course = Course(plan, run, arena, loaded, device, watcher, checkpoint, skip, force)
            run.rewind(course.done)
            watcher.say(f"resuming {run.path} after step {course.done}")
            return _run(course, data)


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
    config, run, steps = course.config, course.run, course.config.train.max_steps
    prompt = course.plan.played.prompt(config.model.contract)
    require_short_prompts(course.loaded.tokenizer, [prompt], [course.plan.played.id], config)
    if not run.before_path.exists() and not course.skips("before"):
        course.measure_by_play("before", course.loaded, steps)
    course = teach_format(course)
    trainer = train_grpo if config.method.name == "grpo" else train_rloo
    try_some_steps(course, trainer, prompt)
    course.train_phase(steps)
    trained = trainer(
        course.loaded,
        course.config,
        prompt_rows(config, prompt),
        course.scorer("train", run.lock["seeds"]["train_salt"]),
        Keeper(course, first_steps_gate(course)),
        output=run.checkpoints_dir,
        device=course.device,
        resume_from=course.checkpoint,
    )
    run.update_status(step=steps)  # of which the metrics do not tell where few lines are written
    trained, best = choose_checkpoint(course, trained, steps)
    if not course.skips("after"):
        course.choose_best(course.measure_by_play("after", trained, best))
    if left_out := [part for part in ("before", "after") if course.skips(part)]:
        note_left_out(run, left_out)
    course.finish()
    report = build_report(run)
    write_report(run, report)
    return report
