"""The one rate that a sweep is about, with the interval that its design allows."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from envrl.evaluation.clustered import clustered_rate
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import Interval, crossed_rate, wilson
from envrl.evaluation.sweeps import Sweep

__all__ = ["Headline", "headline", "headline_of"]

Method = Literal["Wilson", "crossed", "confidence sequence", "questions"]


class Headline(NamedTuple):
    """A success rate.

    Attributes:
        interval: 95 % unless asked for another.
        method: how it was made.
        programs: that the rate is the mean of.
        missing: cells of which nothing was measured; no part of the rate.
    """

    interval: Interval
    method: Method
    programs: int
    missing: int


def headline(sweep: Sweep, confidence: float = 0.95) -> Headline:
    """The success rate of a sweep.

    One program over seeds has Wilson's interval, or a confidence sequence where the sweep stopped by looking at it;
    several programs have the crossed interval, a claim about fresh programs on fresh seeds. Answers to questions have
    the clustered one, a claim about fresh questions.
    """
    header = sweep.header
    by_looking = header.until_width is not None
    found = headline_of(sweep.wins(), by_looking=by_looking, confidence=confidence, answers=header.answers)
    return found._replace(missing=int(np.isnan(sweep.certain_wins()).sum()))


def headline_of(
    wins: ArrayLike, *, by_looking: bool = False, confidence: float = 0.95, answers: bool = False
) -> Headline:
    """The success rate of a matrix (programs, seeds) of wins; see `headline`.

    Args:
        by_looking: whether the seeds went on until the interval was narrow enough.
        answers: whether rows are answers to the questions of the columns.
    """
    matrix = np.asarray(wins, dtype=np.float64)
    there = ~np.isnan(matrix)
    missing = int(matrix.size - there.sum())
    if answers:
        return Headline(clustered_rate(matrix, confidence), "questions", len(matrix), missing)
    if len(matrix) != 1:
        return Headline(crossed_rate(matrix, confidence), "crossed", len(matrix), missing)
    won, played = float(matrix[there].sum()), int(there.sum())
    if by_looking:
        return Headline(confidence_sequence(won, played, confidence), "confidence sequence", 1, missing)
    return Headline(wilson(won, played, confidence), "Wilson", 1, missing)
