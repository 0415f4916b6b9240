"""What a report says of answers to questions: how near they come, in rows, sentences, and answers to look at."""

from __future__ import annotations

from collections import Counter

from envrl.envs.math.answers import Tier
from envrl.evaluation.answers import TIERS, Answer, tier_of_episode
from envrl.evaluation.cells import cells
from envrl.evaluation.clustered import clustered_rate
from envrl.evaluation.report.record import Answering, EvaluationSummary, ProgramCard, Rate
from envrl.evaluation.sweeps import Sweep
from envrl.rollouts import Episode

__all__ = ["answer_gallery", "answering", "tier_name", "tier_rows"]

_WITHIN: dict[str, tuple[Tier, ...]] = {
    "exact": TIERS[:1],
    "right": TIERS[:2],
    "within_10": TIERS[:3],
    "within_20": TIERS[:4],
}
"""Each rate counts an answer that comes at least so near."""

_NOT_TOLD = "(the file of completions does not tell the question)"

_NAMES = {
    Tier.EXACT: "exact",
    Tier.STRIPPED: "the same value, written otherwise",
    Tier.WITHIN_10: "within 10 %",
    Tier.WITHIN_20: "within 20 %",
    Tier.WRONG: "wrong",
    Tier.UNPARSABLE: "unparsable",
    Tier.MISSING: "missing: no answer between the marks",
}


def answering(sweep: Sweep) -> Answering | None:
    """How near the answers of a sweep come to the truth; None where it has programs."""
    if not sweep.header.answers:
        return None
    tiers = Counter(tier for row in sweep.episodes for episode in row if (tier := tier_of_episode(episode)) is not None)
    total = tiers.total() or 1
    return Answering(
        questions=len(sweep.seeds),
        rates={name: _rate(sweep, near) for name, near in _WITHIN.items()},
        shares={tier.value: tiers[tier] / total for tier in TIERS},
    )


def _rate(sweep: Sweep, near: tuple[Tier, ...]) -> Rate:
    def value(episode: Episode) -> float:
        return float(tier_of_episode(episode) in near)

    return Rate.of(clustered_rate(cells(sweep.programs, sweep.episodes, len(sweep.seeds), value)))


def tier_name(tier: str) -> str:
    """A tier in words."""
    return _NAMES[Tier(tier)]


def tier_rows(*sides: EvaluationSummary) -> list[tuple[str, list[float]]]:
    """By tier, best first, its share of the answers on each side."""
    return [
        (tier.value, [side.answers.shares.get(tier.value, 0.0) if side.answers else 0.0 for side in sides])
        for tier in TIERS
    ]


def answer_gallery(sweep: Sweep, label: str = "") -> tuple[ProgramCard, ...]:
    """One answer of each tier that occurs, to look at: the first of the sweep.

    Args:
        label: ``before`` or ``after`` training, of a run's.
    """
    found: dict[Tier, tuple[Episode, Answer]] = {}
    for column in range(len(sweep.seeds)):
        for episodes, answers in zip(sweep.episodes, sweep.answers, strict=True):
            if column < len(episodes) and (tier := tier_of_episode(episodes[column])) is not None:
                found.setdefault(tier, (episodes[column], answers[column]))
    when = f", {label} training" if label else ""
    return tuple(
        ProgramCard(
            title=f"An answer that is {_short(tier)}{when}",
            question=found[tier][1].question or _NOT_TOLD,
            source=found[tier][1].completion,
            note=_told(found[tier][1], sweep, found[tier][0].index),
        )
        for tier in TIERS
        if tier in found
    )


def _short(tier: Tier) -> str:
    return _NAMES[tier].partition(":")[0]


def _told(answer: Answer, sweep: Sweep, index: int) -> str:
    given = "no answer was found" if answer.answer is None else f"answered “{answer.answer.strip()}”"
    own = "questions" in sweep.header.options  # that stand beside the completions
    where = f"question {index} of the file" if own else f"seed {index} of block “{sweep.header.block}”"
    return f"{given}; right is “{answer.truth}” ({where})"
