"""A stage that trains on data: its rows, what the model makes of held-out ones before and after, and the report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from envrl.data import Rows, set_template
from envrl.errors import RunError
from envrl.evaluation.report.finetune import DataMeasurement, FinetuneReport
from envrl.models import LoadedModel
from envrl.models.ranks import here
from envrl.runs import RunDirectory, write_json
from envrl.trainers.stages import Stage
from envrl.workflow.best_program import choose_program
from envrl.workflow.course import Course, Plan
from envrl.workflow.data import read_rows
from envrl.workflow.finetune_report import build_finetune_report, data_path, write_finetune_report
from envrl.workflow.keeping import Keeper
from envrl.workflow.samples import samples_of
from envrl.workflow.smoke import first_steps_gate
from envrl.workflow.watching import Watcher

__all__ = ["Data", "finetune", "train_on_data"]


@dataclass(frozen=True)
class Data:
    """The rows of a run."""

    rows: Rows
    template: str | None

    @classmethod
    def of(cls, plan: Plan, watcher: Watcher) -> Data | None:
        """The rows that a configuration names, measured; None for a stage that plays.

        Raises:
            EnvrlError: they cannot be read, do not fit the stage, or none is left.
        """
        config = plan.config
        if config.method.plays:
            return None
        rows = read_rows(config, config.method.name, plan.tokenizer(watcher))
        for note in rows.notes:
            watcher.say(note)
        for reason, count in rows.dropped.counts.items():
            place = rows.dropped.examples[reason][0].place
            watcher.say(f"left out {count} rows: {reason}; the first is {place}")
        return cls(rows, config.dataset.template)

    def hashes(self) -> dict[str, Any]:
        """What the lock says of the rows; those of a stream are not known before they are read."""
        train, held_out = self.rows.train, self.rows.eval
        return {
            "train_rows": len(train) if isinstance(train, Sequence) else None,
            "train_sha256": _sha256(train) if isinstance(train, Sequence) else None,
            "eval_rows": len(held_out),
            "eval_sha256": _sha256(held_out),
            "dropped": dict(self.rows.dropped.counts),
        }

    def require_unchanged(self, run: RunDirectory) -> None:
        """Checks that the rows are those that a run began with.

        Raises:
            RunError: they are not.
        """
        began, now = run.lock.get("dataset") or {}, self.hashes()
        if changed := [name for name in ("train_sha256", "eval_sha256") if began.get(name) != now[name]]:
            what = " and ".join("rows to train on" if name.startswith("train") else "held-out rows" for name in changed)
            raise RunError(
                f"{run.path}: the {what} are not those that the run began with ({began.get('train_rows')} and "
                f"{began.get('eval_rows')} rows then, {now['train_rows']} and {now['eval_rows']} now): put the data "
                "back, or start a new run"
            )


def _sha256(rows: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(b"\n".join(msgspec.json.encode(row) for row in rows)).hexdigest()


def finetune(course: Course, data: Data) -> FinetuneReport:
    """Measures, trains, measures again, and writes the report.

    Raises:
        EnvrlError: whatever a user can mend.
    """
    trained, steps = train_on_data(course, data)
    if course.config.measures_by_play:
        choose_program(course, course.measure_by_play("after", trained, steps))
    course.finish()
    report = build_finetune_report(course.run)
    write_finetune_report(course.run, report)
    return report


def train_on_data(course: Course, data: Data) -> tuple[LoadedModel, int]:
    """Measures on held-out rows, trains, and measures again: that in which every process of a run takes part.

    Returns:
        The trained model, and the steps of the training.
    """
    config, run = course.config, course.run
    if config.method.name != "pt" or config.measures_by_play:
        set_template(course.loaded.tokenizer, data.template)
    stage = Stage(
        course.loaded,
        config,
        data.rows.train,
        data.rows.eval,
        Keeper(course, first_steps_gate(course)),
        output=run.checkpoints_dir,
        device=course.device,
    )
    if not here().share(data_path(run, "before").exists()):
        _measure(course, stage, data, "before", course.loaded)
    steps = stage.steps
    if here().first and config.measures_by_play and not run.before_path.exists():
        course.measure_by_play("before", course.loaded, steps)
    here().wait()
    course.train_phase(steps)
    trained = stage.train(course.checkpoint)
    _measure(course, stage, data, "after", trained)
    return trained, steps


def _measure(course: Course, stage: Stage, data: Data, label: str, loaded: LoadedModel) -> None:
    config, held_out = course.config, data.rows.eval
    course.watcher.phase(f"evaluating {label}", 1)
    shown = samples_of(loaded, held_out, config) if here().first else ()
    here().wait()
    figures = stage.evaluate()  # each process looks at a part of the rows
    if not here().first:
        return
    model = config.model.path if label == "before" else f"{config.model.path} after {stage.steps} steps"
    measured = DataMeasurement(label=label, model=model, rows=len(held_out), figures={**figures}, samples=tuple(shown))
    write_json(data_path(course.run, label), measured)
    course.run.event("evaluated", label=label)
    course.watcher.advance(1, loss=measured.figures.get("loss"))
