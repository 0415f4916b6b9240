"""Training on an answer task: each row of the training set asks the question of its seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from envrl.models import LoadedModel
from envrl.rewards.answers import AnswerScorer
from envrl.seeding import parse_indices
from envrl.trainers.play import PromptRow, prompt_rows
from envrl.workflow.course import Course

__all__ = ["Trainer", "asking", "prompts_of"]

Trainer = Callable[..., LoadedModel]
"""`train_grpo` or `train_rloo`."""


def asking(course: Course, trainer: Trainer) -> Trainer:
    """The trainer, on rows whose prompts are the questions of their seeds; of a task that is played, as it is."""
    scorer = _scorer(course)
    if scorer is None:
        return trainer
    asker = scorer

    def train(loaded: LoadedModel, config: Any, rows: Sequence[PromptRow], *others: Any, **options: Any) -> LoadedModel:
        return trainer(loaded, config, [_asked(row, asker) for row in rows], *others, **options)

    return train


def prompts_of(course: Course) -> tuple[list[str], list[str]]:
    """Every prompt that a run shows the model, and where each stands, as a person finds it."""
    config, task = course.config, course.plan.played
    prompt = task.prompt(config.model.contract)
    scorer = _scorer(course)
    if scorer is None:
        return [prompt], [task.id]
    measured = course.scorer(config.eval.block)
    assert isinstance(measured, AnswerScorer)
    asked = [(scorer, row.seeds[0]) for row in prompt_rows(config, prompt)]
    asked += [(measured, index) for index in parse_indices(config.eval.seeds)]
    places = {scorer.problem(index).where: scorer.ask(index) for scorer, index in asked}
    return list(places.values()), list(places)


def _scorer(course: Course) -> AnswerScorer | None:
    """Of the questions that are trained on; None where programs play."""
    scorer = course.scorer("train", course.run.lock["seeds"]["train_salt"])
    return scorer if isinstance(scorer, AnswerScorer) else None


def _asked(row: PromptRow, scorer: AnswerScorer) -> PromptRow:
    return replace(row, prompt=scorer.ask(row.seeds[0]))
