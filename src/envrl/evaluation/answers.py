"""Answers of a model to questions, one a seed: asked, judged, and counted by how near they come to the truth.

What plays for a program is done here by the parser: each answer is an `Episode`, whose detail is its tier. A *program*
of such a sweep is one pass over all questions: the first answer to each, the second answer to each, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from envrl.envs.math.answers import Tier
from envrl.outcomes import Outcome
from envrl.rewards.answers import AnswerScorer
from envrl.rollouts import Episode

__all__ = ["TIERS", "Answer", "Examined", "Text", "examine", "mean_rewards", "tier_of_episode"]

TIERS: tuple[Tier, ...] = tuple(Tier)
"""Best first."""

_MISSING = Tier.MISSING.value


class Text(NamedTuple):
    """A completion.

    Attributes:
        clipped: whether it ran into the limit of its length; None where nobody knows.
        seconds: that it took to write, where that is known of a single one.
    """

    completion: str
    tokens: int | None = None
    clipped: bool | None = None
    seconds: float | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to one question.

    Attributes:
        question: what was asked.
        truth: the right answer.
        completion: what the model wrote.
        answer: the answer as it was found in it; None where there was none.
        rewards: components of its reward.
        tokens: length of the completion.
        clipped: whether it ran into the limit of its length.
        seconds: that it took to write.
    """

    question: str
    truth: str
    completion: str
    answer: str | None
    rewards: dict[str, float | None] = {}
    tokens: int | None = None
    clipped: bool | None = None
    seconds: float | None = None


class Examined(NamedTuple):
    """An answer, and what became of it."""

    episode: Episode
    answer: Answer


def examine(scorer: AnswerScorer, index: int, texts: Sequence[Text]) -> list[Examined]:
    """Judges answers to the question of one seed."""
    problem = scorer.problem(index)
    scored = scorer.score([text.completion for text in texts], [(index,)] * len(texts))
    found = []
    for text, one in zip(texts, scored, strict=True):
        card = one.card
        # A completion without an answer is no program that was refused: the pass goes on with the next question.
        episode = card.episodes[0] if card.episodes else Episode(index=index, outcome=Outcome.NO_CODE, detail=_MISSING)
        answer = Answer(
            question=problem.question,
            truth=problem.truth,
            completion=text.completion,
            answer=card.source,
            rewards=one.rewards,
            tokens=text.tokens,
            clipped=text.clipped,
            seconds=text.seconds,
        )
        found.append(Examined(episode, answer))
    return found


def tier_of_episode(episode: Episode) -> Tier | None:
    """How near an answer came; None where nothing was measured."""
    return None if episode.outcome is Outcome.INFRASTRUCTURE_ERROR else Tier(episode.detail)


def mean_rewards(answers: Iterable[Answer]) -> dict[str, float | None]:
    """Each component's mean over those answers that have it."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for answer in answers:
        for name, value in answer.rewards.items():
            counts[name] = counts.get(name, 0) + (value is not None)
            sums[name] = sums.get(name, 0.0) + (value or 0.0)
    return {name: sums[name] / counts[name] if counts[name] else None for name in counts}
