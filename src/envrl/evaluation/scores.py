"""Mean and interquartile mean of scores, with intervals from a bootstrap that knows how scores cluster.

Scores are no rates: they have no bounds, and a few huge ones may rule the mean. The interquartile mean leaves out the
lowest and the highest quarter of the episodes, and so tells of a typical one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from envrl.evaluation.components import Floats, Table, matrix
from envrl.evaluation.statistics import Interval, upper_tail

__all__ = ["interquartile_mean", "iqm_interval", "mean_interval"]

_CUT = 0.25
_BLOCK = 64
"""Resamples drawn at once, which bounds the memory used."""

_Counts = NDArray[np.int64]


def interquartile_mean(scores: ArrayLike) -> float:
    """The mean of the middle half of all scores: a quarter of them (rounded down) is cut off at either end.

    Args:
        scores: any shape; NaN where nothing was measured, which is left out. NaN without any score.

    Source: R. Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021.
    """
    values = np.asarray(scores, dtype=np.float64)
    values = np.sort(values[~np.isnan(values)])
    if not values.size:
        return math.nan
    cut = int(_CUT * values.size)
    return float(values[cut : values.size - cut].mean())


def mean_interval(
    scores: ArrayLike, confidence: float = 0.95, *, rng: np.random.Generator, resamples: int = 1000
) -> Interval:
    """The mean score of a crossed sample, with its interval (see `iqm_interval` for all that it says)."""
    cells = matrix(scores)
    there = (~np.isnan(cells)).astype(np.float64)
    filled = np.nan_to_num(cells)

    def resampled(rows: _Counts, columns: _Counts) -> Floats:
        counts = ((rows @ there) * columns).sum(axis=1)
        sums = ((rows @ filled) * columns).sum(axis=1)
        means: Floats = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
        return means

    return _interval(cells, lambda: float(np.nanmean(cells)), cells, resampled, confidence, rng, resamples)


def iqm_interval(
    scores: ArrayLike, confidence: float = 0.95, *, rng: np.random.Generator, resamples: int = 1000
) -> Interval:
    """The interquartile mean of a crossed sample, with its interval.

    Programs and seeds are drawn anew, with replacement and independently of one another, and the middle of the
    resampled scores is taken. That spreads too far, since it draws the rest that is left of each score by either
    hand (three times its variance where nothing is shared). So the ends of the resamples keep their shape, but are
    drawn to the spread that the parts of the variance give, with a t quantile (Satterthwaite); for the interquartile
    mean the parts are those of its influence function. ``benchmarks/sweep_coverage.py`` has the coverage.

    With one program the claim is about that program on fresh seeds, with one seed about fresh programs on that seed.
    With a single score, or none, nothing is known: the interval is infinite. Scores without any spread give an
    interval without any.

    Args:
        scores: shape (programs, seeds), NaN where nothing was measured.
        confidence: nominal coverage, in (0, 1).
        rng: of the resamples: the same state gives the same interval.
        resamples: at least 100.

    Raises:
        ValueError: for another shape, infinite scores, too few resamples, or a confidence outside (0, 1).

    Source: A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007); J. W. Tukey and D. H.
    McLaughlin, Sankhya A 25 (1963), for the variance of a trimmed mean by its winsorised scores.
    """
    cells = matrix(scores)
    flat = cells.ravel()
    order = np.argsort(flat, kind="stable")[: np.count_nonzero(~np.isnan(flat))]  # NaN is sorted to the end
    values = flat[order]

    def resampled(rows: _Counts, columns: _Counts) -> Floats:
        counts = (np.multiply.outer(row, column).ravel()[order] for row, column in zip(rows, columns, strict=True))
        return np.array([_weighted_iqm(values, count) for count in counts])

    cut = int(_CUT * values.size)
    winsorised = np.clip(cells, values[cut], values[-1 - cut]) if values.size else cells
    influence = winsorised / (1.0 - 2.0 * _CUT)
    return _interval(cells, lambda: interquartile_mean(cells), influence, resampled, confidence, rng, resamples)


def _interval(
    cells: Floats,
    estimator: Callable[[], float],
    influence: Floats,
    resampled: Callable[[_Counts, _Counts], Floats],
    confidence: float,
    rng: np.random.Generator,
    resamples: int,
) -> Interval:
    upper = upper_tail(confidence)
    if resamples < 100:
        raise ValueError(f"an interval needs at least 100 resamples, got {resamples}")
    if cells.size == 0:
        return Interval(-math.inf, math.nan, math.inf)
    estimate = estimator()
    if cells.size == 1:
        return Interval(-math.inf, estimate, math.inf)
    drawn = np.concatenate([resampled(*counts) for counts in _draws(cells.shape, rng, resamples)])
    drawn = drawn[~np.isnan(drawn)]  # a resample of missing cells only
    spread = float(drawn.std())
    variance, df = Table.of(influence).variance()
    if spread == 0.0 or variance == 0.0:
        return Interval(estimate, estimate, estimate)
    scale = math.sqrt(variance) / spread * float(stdtrit(df, upper)) / float(ndtri(upper))
    low, high = (scale * (float(end) - estimate) for end in np.quantile(drawn, [1.0 - upper, upper]))
    return Interval(estimate + min(0.0, low), estimate, estimate + max(0.0, high))


def _draws(shape: tuple[int, ...], rng: np.random.Generator, resamples: int) -> Iterator[tuple[_Counts, _Counts]]:
    """How often each row and each column is drawn, for a block of resamples after the other."""
    for start in range(0, resamples, _BLOCK):
        block = min(_BLOCK, resamples - start)
        rows, columns = (rng.multinomial(size, np.full(size, 1.0 / size), size=block) for size in shape)
        yield rows, columns


def _weighted_iqm(values: Floats, counts: _Counts) -> float:
    """The interquartile mean of sorted values, each of which counts several times."""
    ends = np.cumsum(counts)
    total = int(ends[-1])
    if total == 0:
        return math.nan
    cut = int(_CUT * total)
    # The first and the last value of the middle count only as far as they reach into it.
    first, last = (int(place) for place in np.searchsorted(ends, (cut + 1, total - cut)))
    if first == last:
        return float(values[first])
    whole = slice(first + 1, last)
    inside = float((counts[whole] * values[whole]).sum())
    inside += float(values[first]) * (int(ends[first]) - cut)
    inside += float(values[last]) * (total - cut - int(ends[last - 1]))
    return inside / (total - 2 * cut)
