"""The matrix (programs, seeds) of what was measured, of a sweep that is at its end and of one that still goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envrl.outcomes import Outcome
from envrl.rollouts import Episode

if TYPE_CHECKING:
    from envrl.evaluation.sweeps import SweepProgram

__all__ = ["cells", "has_score", "is_refused", "settled"]


def is_refused(program: SweepProgram) -> bool:
    """Whether a program could not be played, by a fault of its own: it loses every seed that comes to be settled."""
    return program.outcome is not None and program.outcome is not Outcome.INFRASTRUCTURE_ERROR


def settled(programs: Sequence[SweepProgram], rows: Sequence[Sequence[Episode]], seeds: int) -> list[int]:
    """How many seeds of each program are settled: those that it played, or, where it was refused, that it lost.

    A refused program costs no time, so all of its seeds could be called lost at once. But while the others have yet to
    play most of theirs, it would weigh that much more than they do, and the rate so far would be far too low. So it has
    lost as many seeds as the last playable program before it has played (the first one after it, where there is none
    before): programs take turns in their order, and it weighs what its neighbour does. At the end of a sweep that is
    all of them; where no program can be played, it is from the beginning.

    Args:
        rows: the episodes of each program.
        seeds: how many each is to play.
    """
    playable = [program.outcome is None for program in programs]
    first = next((len(row) for row, plays in zip(rows, playable, strict=True) if plays), seeds)
    found, neighbour = [], first
    for program, row, plays in zip(programs, rows, playable, strict=True):
        if plays:
            neighbour = len(row)
        found.append(neighbour if plays or is_refused(program) else 0)
    return found


def has_score(episode: Episode) -> bool:
    """Whether an episode's score measures anything; not where envrl itself failed.

    That of a game in which the program made no move does not, since it was skipped, or faulted at its first call. It
    is 0, which would be the best of all where returns are negative.
    """
    if episode.outcome is Outcome.INFRASTRUCTURE_ERROR:
        return False
    return episode.steps > 0 or episode.outcome in (Outcome.SUCCESS, Outcome.FAILURE)


def cells(
    programs: Sequence[SweepProgram],
    rows: Sequence[Sequence[Episode]],
    seeds: int,
    value: Callable[[Episode], float],
    refused: float = 0.0,
    at_its_end: bool = False,
) -> NDArray[np.float64]:
    """Shape (programs, seeds): a value of each episode, NaN where nothing was measured.

    Args:
        rows: the episodes of each program, in the order of the seeds.
        value: of an episode that was measured.
        refused: what a program that could not be played has on each of its `settled` seeds.
        at_its_end: give it that on all seeds, as it will be at the end of the sweep.
    """
    matrix = np.full((len(programs), seeds), np.nan)
    for line, program, row, count in zip(matrix, programs, rows, settled(programs, rows, seeds), strict=True):
        if is_refused(program):
            line[: seeds if at_its_end else count] = refused
        for place, episode in enumerate(row):
            if episode.outcome is not Outcome.INFRASTRUCTURE_ERROR:
                line[place] = value(episode)
    return matrix
