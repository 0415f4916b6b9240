"""Answer tasks: a completion that is the answer, judged by the exact parser; the same outcomes, scorecards and totals.

No strategy, no play: the answer's tier becomes the single episode of a `Scorecard`. A right answer is a ``success``, a
wrong one a ``failure``, one that cannot be read an ``invalid_action``; a completion without an answer has ``no_code``.

Presets:

``envrl-answer``        format, exact, near: the house's own.
``unsloth-qwen3-math``  the numbers of Unsloth's Qwen3 math notebook.
``unsloth-llama-math``  the numbers of Unsloth's Llama-3.1 math notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from envrl.envs.math.answer_task import AnswerTask
from envrl.envs.math.answers import Judgement, Style, Tier, judge
from envrl.envs.math.datasets import Problem
from envrl.envs.math.latex import Verifier
from envrl.envs.math.notebooks import PRESETS as NOTEBOOKS
from envrl.errors import UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards.custom import Columns
from envrl.rewards.presets import Weighted
from envrl.rewards.scorer import Scored, Scorer
from envrl.rollouts import Episode, Scorecard
from envrl.seeding import Block

__all__ = ["ANSWER_PRESETS", "AnswerPreset", "AnswerScorer", "answer_card", "find_answer_preset", "score_answers"]

AnswerComponent = Callable[[str, str, Judgement], float]
"""From a completion, the truth and what the parser says of them to a component's value."""

_NEAR = {Tier.EXACT: 1.0, Tier.STRIPPED: 1.0, Tier.WITHIN_10: 0.5, Tier.WITHIN_20: 0.25}
_OUTCOMES = {Tier.EXACT: Outcome.SUCCESS, Tier.STRIPPED: Outcome.SUCCESS, Tier.UNPARSABLE: Outcome.INVALID_ACTION}


@dataclass(frozen=True)
class AnswerPreset(Weighted):
    """Components of an answer: each takes the completion, the truth, and what the parser says of them."""

    def judged(self, completion: str, truth: str, judgement: Judgement) -> dict[str, float | None]:
        """Every component of an answer."""
        return {name: component(completion, truth, judgement) for name, component in self.components.items()}


def _format(completion: str, truth: str, judgement: Judgement) -> float:
    return 0.0 if judgement.tier in (Tier.MISSING, Tier.UNPARSABLE) else 1.0


def _exact(completion: str, truth: str, judgement: Judgement) -> float:
    return 1.0 if judgement.tier.right else 0.0


def _near(completion: str, truth: str, judgement: Judgement) -> float:
    return _NEAR.get(judgement.tier, 0.0)


def _of_notebook(component: Callable[[str, str], float]) -> AnswerComponent:
    return lambda completion, truth, judgement: component(completion, truth)


ANSWER_PRESETS: dict[str, AnswerPreset] = {
    "envrl-answer": AnswerPreset(
        "envrl-answer",
        {"format": _format, "exact": _exact, "near": _near},
        {"format": 0.5, "exact": 2.0, "near": 0.5},
    )
} | {
    name: AnswerPreset(
        name, {key: _of_notebook(component) for key, component in components.items()}, dict.fromkeys(components, 1.0)
    )
    for name, components in NOTEBOOKS.items()
}


def find_answer_preset(
    name: str, weights: Mapping[str, float] | None = None, functions: Sequence[str] = ()
) -> AnswerPreset:
    """A preset of answer tasks; arguments and errors as those of `envrl.rewards.find_preset`."""
    if name not in ANSWER_PRESETS:
        raise UnknownNameError("reward preset of answer tasks", name, ANSWER_PRESETS)
    return ANSWER_PRESETS[name].changed(weights, functions)


def answer_card(judgement: Judgement, index: int = 0) -> Scorecard:
    """A judgement as a scorecard of one episode, whose detail is the tier; progress is the nearness of a number.

    Args:
        index: of the seed whose question was answered.
    """
    if judgement.tier is Tier.MISSING:
        return Scorecard(source=None, outcome=Outcome.NO_CODE, detail="no answer between the marks")
    episode = Episode(
        index=index,
        outcome=_OUTCOMES.get(judgement.tier, Outcome.FAILURE),
        progress=_NEAR.get(judgement.tier, 0.0),
        detail=judgement.tier.value,
    )
    return Scorecard(source=judgement.answer, episodes=(episode,))


def score_answers(
    completions: Sequence[str],
    truths: Sequence[str],
    preset: AnswerPreset,
    *,
    indices: Sequence[int] | None = None,
    style: Style | None = None,
    verify: Callable[[str, str], bool | None] | None = None,
    columns: Columns | None = None,
) -> list[Scored]:
    """Judges completions by their answers.

    Args:
        truths: the right answer of each completion.
        indices: of the seed whose question each completion answers; all 0 where there are no seeds.
        style: how answers are marked; None for any of the styles. The notebooks' presets know their own.
        verify: compares what is no number, such as ``envrl.envs.math.latex.Verifier.verify``.
        columns: what else the preset's functions are told, a value for each completion.

    Raises:
        RewardFault: one of the preset's functions raised, or gave what is no reward.
    """
    judged = [judge(text, truth, style, verify) for text, truth in zip(completions, truths, strict=True)]
    cards = list(map(answer_card, judged, indices or [0] * len(judged)))
    rewards = [preset.judged(*one) for one in zip(completions, truths, judged, strict=True)]
    told: Columns = {"truth": list(truths), "scorecards": cards, **(columns or {})}
    for function in preset.functions:
        for row, value in zip(rewards, function(completions, told), strict=True):
            row[function.name] = value
    return [
        Scored(text, card, row, preset.total(row)) for text, card, row in zip(completions, cards, rewards, strict=True)
    ]


class AnswerScorer(Scorer):
    """Scores completions by the questions of one block's seeds: each completion answers the one seed that it is given.

    Args:
        task: asks, and says how answers are marked.
        preset: the reward components.
        block: of the seeds.
        salt: of the block.
        contract: which of the task's prompts the completions answer.
    """

    def __init__(self, task: AnswerTask, preset: AnswerPreset, block: Block, salt: str, contract: str) -> None:
        self.preset = preset
        self._answers = preset
        self._task = task
        self._place = (block, salt)
        self._contract = contract
        self._verifier = Verifier() if task.latex else None

    def problem(self, index: int) -> Problem:
        """The question of a seed; raises as `AnswerTask.problem` does."""
        return self._task.problem(*self._place, index)

    def ask(self, index: int) -> str:
        """The prompt of a seed's question."""
        return self._task.ask(self.problem(index), self._contract)

    def play_ahead(self, completions: Sequence[str] = (), indices: Sequence[Sequence[int]] = ()) -> None:
        """Begins nothing: to judge an answer takes microseconds."""

    def score(
        self,
        completions: Sequence[str],
        indices: Sequence[Sequence[int]],
        progress: Callable[[int], None] | None = None,
        columns: Columns | None = None,
    ) -> list[Scored]:
        """Judges each completion by the question of its seed; see `Scorer.score`.

        Args:
            indices: one for each completion.
        """
        asked = [index for (index,) in indices]
        prompts = [[{"role": "user", "content": self.ask(index)}] for index in asked]
        scored = score_answers(
            completions,
            [self.problem(index).truth for index in asked],
            self._answers,
            indices=asked,
            style=self._task.style,
            verify=self._verifier.verify if self._verifier else None,
            columns={"prompts": prompts, "seeds": [list(own) for own in indices], **(columns or {})},
        )
        if progress:
            progress(len(scored))
        return scored
