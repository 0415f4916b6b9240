"""Measuring a model: programs × seeds of a named block, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from envrl.evaluation.answers import Answer, Text, examine, mean_rewards
from envrl.evaluation.report.record import ProgramCard, Rate
from envrl.evaluation.statistics import wilson
from envrl.outcomes import Outcome
from envrl.rewards import Scored, Scorer
from envrl.rewards.answers import AnswerScorer
from envrl.rollouts import Scorecard
from envrl.seeding import Block, parse_indices

__all__ = ["Measurement", "best_program", "measure", "measure_answers", "wins"]

_ROUNDS = ((8, 24), (32, 6))  # validation seeds that are played, and how many candidates go on to the next round


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one block of seeds: every program with its scorecard.

    Of an answer task a program is one pass over all questions, whose own completion is empty, and ``answers`` has a row
    for each of them, in the order of its episodes.
    """

    label: str
    model: str
    task: str
    task_version: int
    block: Block
    seeds: str
    scored: list[Scored]
    answers: list[list[Answer]] = []


def measure(
    label: str,
    model: str,
    task: tuple[str, int],
    completions: Sequence[str],
    scorer: Scorer,
    block: Block,
    seeds: str,
    progress: Callable[[int], None] | None = None,
) -> Measurement:
    """Plays every completion on the same seeds.

    Args:
        task: id and version.
        scorer: of this block.
        seeds: indices, as a user writes them.
        progress: called with the number of programs that have just been played.
    """
    indices = tuple(parse_indices(seeds))
    scored = scorer.score(completions, [indices] * len(completions), progress)
    return Measurement(
        label=label, model=model, task=task[0], task_version=task[1], block=block, seeds=seeds, scored=scored
    )


def measure_answers(
    label: str,
    model: str,
    task: tuple[str, int],
    write: Callable[[int, str], Sequence[Text]],
    scorer: AnswerScorer,
    block: Block,
    seeds: str,
    progress: Callable[[int], None] | None = None,
) -> Measurement:
    """Has every question of some seeds answered, and judges the answers.

    Args:
        task: id and version.
        write: gives answers to a prompt, as many each time; called with the question's number, from 0, and the prompt.
        scorer: of this block.
        seeds: indices, as a user writes them.
        progress: called with the number of questions that have just been answered.
    """
    columns = []
    for number, index in enumerate(parse_indices(seeds)):
        columns.append(examine(scorer, index, write(number, scorer.ask(index))))
        if progress:
            progress(1)
    passes = [list(one) for one in zip(*columns, strict=True)]
    scored = []
    for row in passes:
        card = Scorecard(source=None, episodes=tuple(episode for episode, _ in row))
        rewards = mean_rewards(answer for _, answer in row)
        scored.append(Scored("", card, rewards, scorer.preset.total(rewards)))
    answers = [[answer for _, answer in row] for row in passes]
    return Measurement(
        label=label,
        model=model,
        task=task[0],
        task_version=task[1],
        block=block,
        seeds=seeds,
        scored=scored,
        answers=answers,
    )


def wins(measurement: Measurement) -> NDArray[np.float64]:
    """The matrix (programs, seeds) of wins: 1, 0, or NaN where envrl itself failed."""
    indices = parse_indices(measurement.seeds)
    matrix = np.zeros((len(measurement.scored), len(indices)))
    for row, scored in zip(matrix, measurement.scored, strict=True):
        for place, episode in enumerate(scored.card.episodes):
            row[place] = np.nan if episode.outcome is Outcome.INFRASTRUCTURE_ERROR else episode.won
    return matrix


def _rate(scored: Scored, seeds: str) -> Rate:
    if scored.card.outcome is not None:
        return Rate.of(wilson(0, len(parse_indices(seeds))))
    honest = [e for e in scored.card.episodes if e.outcome is not Outcome.INFRASTRUCTURE_ERROR]
    return Rate.of(wilson(sum(e.won for e in honest), len(honest)))


def _strength(scored: Scored) -> tuple[float, float]:
    return scored.card.success, scored.card.progress


def best_program(
    completions: Sequence[str],
    choose: tuple[Scorer, Block, str],
    judge: tuple[Scorer, Block, str],
    progress: Callable[[int], None] | None = None,
) -> ProgramCard | None:
    """The best of some programs, chosen on one block of seeds and measured on another, never the same.

    Every candidate plays the first seeds of the choosing block, the leaders play more, and the last few all of them
    (successive halving).

    Args:
        choose: scorer, block and seeds that the choice is made on.
        judge: scorer, block and seeds that the chosen one is measured on.
        progress: called with the number of programs that have just been played.

    Returns:
        Its card, or None where no completion holds a program that can be played.
    """
    assert choose[1] != judge[1], "a program is never measured on the seeds that chose it"
    candidates = list(dict.fromkeys(completions))
    scorer, block, seeds = choose
    indices = tuple(parse_indices(seeds))
    going_on = candidates
    for played, count in _ROUNDS:
        scored = scorer.score(going_on, [indices[:played]] * len(going_on), progress)
        leaders = sorted((s for s in scored if s.card.episodes), key=_strength, reverse=True)
        going_on = [s.completion for s in leaders[:count]]
        if not going_on:
            return None
    chosen = max(scorer.score(going_on, [indices] * len(going_on), progress), key=_strength)
    measured = judge[0].score([chosen.completion], [tuple(parse_indices(judge[2]))])[0]
    return ProgramCard(
        title="the best program by validation seeds",
        source=chosen.card.source or "",
        success=_rate(measured, judge[2]),
        block=f"{judge[1]} {judge[2]}",
        chosen=_rate(chosen, seeds),
        chosen_block=f"{block} {seeds}",
        note=f"best of {len(candidates)} distinct completions",
    )
