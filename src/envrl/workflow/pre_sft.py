"""A short fine-tuning before play, in the same run: a base model learns the format first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from envrl.config import DatasetConfig, RunConfig
from envrl.data import Rows, load_rows, set_template
from envrl.runs import RunDirectory, latest_complete, mark_complete, quarantine_incomplete
from envrl.trainers.arguments import adapters
from envrl.trainers.stages import Stage
from envrl.workflow.course import Course, Plan
from envrl.workflow.finetune import Data
from envrl.workflow.restoring import restore
from envrl.workflow.watching import Watcher

__all__ = ["pre_sft_hashes", "teach_format"]


def _folder(run: RunDirectory) -> Path:
    """Where the fine-tuned weights stand."""
    return run.path / "pre-sft"


def _rows(config: RunConfig, tokenizer: Any) -> Rows:
    """The rows of ``method.pre_sft``.

    Raises:
        EnvrlError: they cannot be read, or do not fit.
    """
    assert config.method.pre_sft is not None
    data = DatasetConfig(
        path=[config.method.pre_sft], max_length=config.model.max_seq_length, template=config.dataset.template
    )
    set_template(tokenizer, config.dataset.template)
    return load_rows(data, "sft", tokenizer=tokenizer, seed=config.train.seed)


def pre_sft_hashes(plan: Plan, watcher: Watcher) -> dict[str, Any] | None:
    """What the lock says of the rows of ``method.pre_sft``; None where there is none.

    Raises:
        EnvrlError: they cannot be read, or do not fit.
    """
    if plan.config.method.pre_sft is None:
        return None
    return {"pre_sft": Data(_rows(plan.config, plan.tokenizer(watcher)), None).hashes()}


def teach_format(course: Course) -> Course:
    """Fine-tunes the model on ``method.pre_sft``; gives the course with which play goes on.

    A run that is resumed takes the weights that were fine-tuned already.
    """
    config = course.config
    if config.method.pre_sft is None or course.skips("pre-sft"):
        return course
    folder = _folder(course.run)
    for broken in quarantine_incomplete(folder):
        course.watcher.say(f"set aside a half-written checkpoint: {broken.name}")
    steps = config.method.pre_sft_steps
    if (taught := latest_complete(folder)) and taught.name == f"checkpoint-{steps}":
        loaded = restore(course.loaded, taught)
    else:
        rows = _rows(config, course.loaded.tokenizer)
        course.watcher.phase("pre-SFT", steps)
        keeper = _Keeper(course)
        stage = Stage(course.loaded, _settings(config), rows.train, (), keeper, output=folder, device=course.device)
        loaded = stage.train()
        taught = folder / f"checkpoint-{steps}"
    if adapters(config) is not None:  # its adapters are trained on, none are added
        model = config.model.model_copy(update={"adapter": str(taught)})
        config = config.model_copy(update={"model": model})
    return replace(course, plan=replace(course.plan, config=config), loaded=loaded)


def _settings(config: RunConfig) -> RunConfig:
    method, train, data = config.method, config.train, config.dataset
    steps = method.pre_sft_steps
    return config.model_copy(
        update={
            "method": method.model_copy(update={"name": "sft", "loss_type": None}),
            "train": train.model_copy(
                update={
                    "max_steps": steps,
                    "save_steps": steps,
                    "logging_steps": 1,
                    "learning_rate": method.pre_sft_learning_rate or train.learning_rate,
                    "report_to": [],
                    "warmup_steps": min(train.warmup_steps, steps),
                }
            ),
            "dataset": data.model_copy(update={"max_length": config.model.max_seq_length}),
        }
    )


class _Keeper:
    """Shows the steps, and marks the checkpoint at the end."""

    def __init__(self, course: Course) -> None:
        self._course = course

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        """A step is done."""
        self._course.watcher.advance(1, loss=figures.get("loss"))

    def saved(self, step: int, checkpoint: Path) -> None:
        """The fine-tuned weights are written."""
        mark_complete(checkpoint)
        self._course.run.event("fine-tuned", step=step)
