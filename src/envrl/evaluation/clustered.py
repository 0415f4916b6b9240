"""Intervals for answers to questions: several answers to one question share its difficulty, and are a cluster.

Unlike the programs of a crossed sample (`envrl.evaluation.statistics`), answers share nothing over questions: each is
written afresh. So only the questions are drawn, and their means are independent.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from envrl.evaluation.components import Floats, Table, rates
from envrl.evaluation.statistics import (
    Difference,
    Interval,
    cautious_variance,
    score_interval,
    upper_tail,
    wilson,
)

__all__ = ["clustered_difference", "clustered_rate"]


def clustered_rate(wins: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean over all answers, as a claim about fresh questions.

    As `envrl.evaluation.statistics.crossed_rate`, whose care for rare wins it takes over, without a part of the
    variance that passes would share. Where all answers agree, each question counts as one trial; one answer a question
    has Wilson's own interval. At a rate of 0.02 it covers 87 to 89 % where answers to a question are much alike and
    there are no more than 64 questions, else 94 to 97 %.

    Args:
        wins: shape (answers, questions), values in [0, 1]; NaN marks what was not measured.
        confidence: nominal coverage, in (0, 1).

    Raises:
        ValueError: for another shape, values outside [0, 1], or a confidence outside (0, 1).

    Source: that of `crossed_rate`; S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components" (1992), chapter 3,
    for one-way samples.
    """
    upper = upper_tail(confidence)
    cells = rates(wins)
    if cells.size == 0:
        return Interval(0.0, math.nan, 1.0)
    if len(cells) == 1:
        return wilson(float(np.nansum(cells)), float(cells.size - np.isnan(cells).sum()), confidence)
    table = _one_way(cells)
    questions = table.columns.size
    if questions < 2:
        return score_interval(table.mean, 1.0, float(stdtrit(1, upper)))
    variance, df = table.variance()
    if variance <= 0.0:
        return score_interval(table.mean, questions, float(stdtrit(questions - 1, upper)))
    trials = table.mean * (1.0 - table.mean) / cautious_variance(table)
    return score_interval(table.mean, trials, float(stdtrit(df, upper)))


def _one_way(cells: Floats) -> Table:
    """The parts of the variance where rows share nothing: what questions share, and what is left within each."""
    table = Table.of(cells)
    within = float(np.nansum((cells - np.nanmean(cells, axis=0)) ** 2))
    df = max(1.0, table.present - table.columns.size)
    return replace(table, rows=replace(table.rows, variance=0.0), residual=within / df, residual_df=df)


def clustered_difference(before: ArrayLike, after: ArrayLike, confidence: float = 0.95) -> Difference:
    """The change of a mean between two sets of answers to the same questions, which are paired.

    One question that went from all wrong to all right, and one the other way, are added: so that even where nothing
    differs the interval has a width, and few questions do not claim too much. The interval is the adjusted mean plus
    or minus a t quantile, cut to [-1, 1], and holds the estimate itself.

    Args:
        before: shape (answers, questions), values in [0, 1], NaN for what was not measured.
        after: shape (other answers, the same questions in the same order), likewise.
        confidence: nominal coverage, in (0, 1).

    Raises:
        ValueError: for shapes that do not pair, fewer than two questions that both sides have answered, or values
            outside [0, 1].

    Source: D. G. Bonett and R. M. Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions
    Based on Paired Data", Journal of Educational and Behavioral Statistics 37 (2012), of which this is the form for
    means of several answers.
    """
    upper = upper_tail(confidence)
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"both sides need shape (answers, the same questions), got {first.shape} and {second.shape}")
    common = ~(np.isnan(first).all(axis=0) | np.isnan(second).all(axis=0))
    if common.sum() < 2:
        raise ValueError(f"a difference needs two common questions, got {int(common.sum())}")
    gaps = _means(second[:, common]) - _means(first[:, common])
    adjusted = np.append(gaps, (1.0, -1.0))
    centre, spread = float(adjusted.mean()), float(adjusted.std(ddof=1)) / math.sqrt(len(adjusted))
    df, estimate = len(gaps) - 1, float(gaps.mean())
    half = float(stdtrit(df, upper)) * spread
    low, high = max(-1.0, min(estimate, centre - half)), min(1.0, max(estimate, centre + half))
    return Difference(Interval(low, estimate, high), 2.0 * float(stdtr(df, -abs(centre) / spread)))


def _means(cells: Floats) -> Floats:
    rates(cells)  # raises for what is no rate
    found: Floats = np.nanmean(cells, axis=0)
    return found
