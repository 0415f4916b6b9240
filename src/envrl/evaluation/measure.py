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

# Validation seeds that have been played at the end of a round, and how many candidates go on to the next.
_ROUNDS = ((4, 48), (12, 20), (32, 6))


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


def _rate(card: Scorecard, seeds: str) -> Rate:
    if card.outcome is not None:
        return Rate.of(wilson(0, len(parse_indices(seeds))))
    honest = [e for e in card.episodes if e.outcome is not Outcome.INFRASTRUCTURE_ERROR]
    return Rate.of(wilson(sum(e.won for e in honest), len(honest)))


def _strength(card: Scorecard) -> tuple[float, float]:
    return card.success, card.progress


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
    scorer, block, seeds = choose
    indices = tuple(parse_indices(seeds))
    cards = {completion: Scorecard(source=None) for completion in completions}
    candidates, played = len(cards), 0
    for upto, count in (*_ROUNDS, (len(indices), 1)):
        if new := indices[played:upto]:
            for one in scorer.score(list(cards), [new] * len(cards), progress):
                # One that was not played this time is out, whatever it won before.
                so_far = cards[one.completion].episodes if one.card.episodes else ()
                cards[one.completion] = msgspec.structs.replace(one.card, episodes=so_far + one.card.episodes)
            played = upto
        playable = [item for item in cards.items() if item[1].episodes]
        cards = dict(sorted(playable, key=lambda item: _strength(item[1]), reverse=True)[:count])
        if not cards:
            return None
    ((completion, chosen),) = cards.items()
    measured = judge[0].score([completion], [tuple(parse_indices(judge[2]))])[0].card
    return ProgramCard(
        title="the best program by validation seeds",
        source=chosen.source or "",
        success=_rate(measured, judge[2]),
        block=f"{judge[1]} {judge[2]}",
        chosen=_rate(chosen, seeds),
        chosen_block=f"{block} {seeds}",
        note=f"best of {candidates} distinct completions",
    )
