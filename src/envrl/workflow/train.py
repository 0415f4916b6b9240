"""What ``envrl train`` does, from start to end: check, lock, measure, train, measure again, report."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envrl.config import Resolved, RunConfig, load_config
from envrl.errors import RunError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport
from envrl.runs import RunDirectory, default_name, latest_complete, quarantine_incomplete
from envrl.trainers.grpo import train_grpo
from envrl.trainers.play import prompt_rows
from envrl.trainers.prompts import require_short_prompts
from envrl.trainers.rloo import train_rloo
from envrl.workflow.course import Course, Plan
from envrl.workflow.finetune import Data, finetune
from envrl.workflow.keeping import Keeper
from envrl.workflow.locking import run_lock
from envrl.workflow.reporting import build_report, write_report
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


def train(resolved: Resolved, command: str, watcher: Watcher) -> Trained:
    """Trains a model in a new run.

    Args:
        resolved: the configuration.
        command: what a user types to repeat the run, for its report.
        watcher: told how the work goes.

    Raises:
        EnvrlError: whatever a user can mend; before anything is started where that is possible.
    """
    config = resolved.config
    plan = Plan.of(config)
    name = config.output.name or default_name(_subject(config), datetime.datetime.now())
    RunDirectory.check_free(config.output.root, name)
    data = Data.of(plan, watcher)
    with plan.arena() as arena:
        layers = arena.ready() if arena else {}
        loaded, device = plan.load(watcher)
        lock = run_lock(plan, resolved, command, layers, loaded, data.hashes() if data else None)
        with RunDirectory.create(config.output.root, name, resolved.to_yaml(), lock) as run:
            return _run(Course(plan, run, arena, loaded, device, watcher, None), data)


def resume(path: Path, watcher: Watcher) -> Trained:
    """Goes on with a run that was killed or interrupted, from its last complete checkpoint.

    Raises:
        RunError: there is no such run, it is finished, another process works in it, or its data have changed.
        EnvrlError: whatever else a user can mend.
    """
    with RunDirectory.open(path) as run:
        if run.status.state == "finished":
            raise RunError(f"{path}: this run is finished; its report is {run.report_html_path}")
        plan = Plan.of(load_config(run.config_path).config)
        data = Data.of(plan, watcher)
        if data:
            data.require_unchanged(run)
        for broken in quarantine_incomplete(run.checkpoints_dir):
            watcher.say(f"set aside a half-written checkpoint: {broken.name}")
        checkpoint = latest_complete(run.checkpoints_dir)
        with plan.arena() as arena:
            if arena:
                arena.ready()
            loaded, device = plan.load(watcher)
            course = Course(plan, run, arena, loaded, device, watcher, checkpoint)
            run.rewind(course.done)
            watcher.say(f"resuming {run.path} after step {course.done}")
            return _run(course, data)


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
    run.update_status(state="finished")
    return Trained(run, report)


def _play(course: Course) -> SweepReport:
    """A stage that learns from play."""
    config, run, steps = course.config, course.run, course.config.train.max_steps
    prompt = course.plan.played.prompt(config.model.contract)
    require_short_prompts(course.loaded.tokenizer, [prompt], [course.plan.played.id], config)
    if not run.before_path.exists():
        course.measure_by_play("before", course.loaded, steps)
    course.train_phase(steps)
    trained = (train_grpo if config.method.name == "grpo" else train_rloo)(
        course.loaded,
        config,
        prompt_rows(config, prompt),
        course.scorer("train", run.lock["seeds"]["train_salt"]),
        Keeper(course),
        output=run.checkpoints_dir,
        device=course.device,
        resume_from=course.checkpoint,
    )
    course.choose_best(course.measure_by_play("after", trained, steps))
    course.finish()
    report = build_report(run)
    write_report(run, report)
    return report
