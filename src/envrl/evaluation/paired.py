"""Program against program on the same seeds, and several such questions at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, ndtri

from envrl.evaluation.statistics import Interval, upper_tail

__all__ = ["McNemar", "holm", "mcnemar_exact", "paired_difference"]


class McNemar(NamedTuple):
    """The seeds on which two programs differ, and how surprising their split is if neither is better.

    Attributes:
        b: seeds that only the first won.
        c: seeds that only the second won.
        p_value: two-sided.
        pairs: seeds that both were measured on.
    """

    b: int
    c: int
    p_value: float
    pairs: int


def mcnemar_exact(first: ArrayLike, second: ArrayLike) -> McNemar:
    """Compares two programs on the seeds that both have played: of the seeds on which they differ, who won more?

    A seed on which either was not measured (NaN) tells nothing of their difference and is not a pair.

    Args:
        first: shape (seeds,), 1 for a win, 0 for a loss, NaN where nothing was measured.
        second: the same seeds in the same order.

    Raises:
        ValueError: for shapes that do not pair, or values that are neither won nor lost.

    Source: Q. McNemar, Psychometrika 12 (1947), with the exact binomial tail in place of chi-square.
    """
    one, two = _pairs(first, second)
    b, c = int((one > two).sum()), int((two > one).sum())
    return McNemar(b, c, min(1.0, 2.0 * float(bdtr(min(b, c), b + c, 0.5))), len(one))


def paired_difference(first: ArrayLike, second: ArrayLike, confidence: float = 0.95) -> Interval:
    """The second program's rate less the first's on the seeds that both have played, with its interval.

    A normal interval after one seed has been added to each way of differing; the estimate is the plain difference.
    Without a pair the estimate is NaN and the interval is -1 to 1.

    Args:
        first, second: as for `mcnemar_exact`.

    Raises:
        ValueError: as there, or for a confidence outside (0, 1).

    Source: D. G. Bonett and R. M. Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions
    Based on Paired Data", Journal of Educational and Behavioral Statistics 37 (2012).
    """
    quantile = float(ndtri(upper_tail(confidence)))
    one, two = _pairs(first, second)
    pairs = len(one)
    if pairs == 0:
        return Interval(-1.0, math.nan, 1.0)
    b, c = float((one > two).sum()), float((two > one).sum())
    worse, better = (b + 1.0) / (pairs + 2.0), (c + 1.0) / (pairs + 2.0)
    centre = better - worse
    half = quantile * math.sqrt((better + worse - centre**2) / (pairs + 2.0))
    estimate = (c - b) / pairs
    return Interval(max(-1.0, min(estimate, centre - half)), estimate, min(1.0, max(estimate, centre + half)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of several comparisons, each raised to what it still says when all of them were tried.

    Whatever falls below a level is then false with at most that probability for the whole family, however the
    comparisons depend on each other.

    Args:
        p_values: in any order; the result has the same order.

    Raises:
        ValueError: for one outside [0, 1].

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6
    (1979).
    """
    if not all(0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"p-values must lie in [0, 1], got {list(p_values)}")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _pairs(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both programs on the seeds that both were measured on."""
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != two.shape:
        raise ValueError(f"both programs need shape (the same seeds,), got {one.shape} and {two.shape}")
    both = ~(np.isnan(one) | np.isnan(two))
    one, two = one[both], two[both]
    if not (np.isin(one, (0.0, 1.0)).all() and np.isin(two, (0.0, 1.0)).all()):
        raise ValueError("wins must be 0 or 1, or NaN where nothing was measured")
    return one, two
