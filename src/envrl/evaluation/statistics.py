"""Intervals for rates and differences, each a small pure function with its source.

A model that writes programs is measured on a *crossed* sample: every program plays every seed. Two programs share
the luck of a seed, two seeds share the skill of a program, so the episodes are not independent and a binomial
interval over them is too narrow. `crossed_rate` and `crossed_difference` estimate both variance components;
``benchmarks/sweep_coverage.py`` shows what they cover.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr, stdtrit

__all__ = ["Difference", "Interval", "crossed_difference", "crossed_rate", "wilson"]

_Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate between the ends of its confidence interval."""

    low: float
    estimate: float
    high: float


class Difference(NamedTuple):
    """After minus before, with its interval and the two-sided p-value of no difference."""

    interval: Interval
    p_value: float


def wilson(successes: float, trials: float, confidence: float = 0.95) -> Interval:
    """The score interval of one binomial rate, for one program over independent seeds.

    Without trials the estimate is NaN and the interval is 0 to 1.

    Raises:
        ValueError: for counts that are no counts, or a confidence outside (0, 1).

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials, got {successes} of {trials}")
    quantile = float(ndtri(_upper(confidence)))
    if trials == 0:
        return Interval(0.0, math.nan, 1.0)
    return _score_interval(successes / trials, trials, quantile)


def crossed_rate(wins: ArrayLike, confidence: float = 0.95) -> Interval:
    """The mean of a crossed sample of programs and seeds, as a claim about fresh programs on fresh seeds.

    Three parts make up the variance of the mean: what programs share over seeds, what seeds share over programs, and
    the rest. They give the number of independent trials that would be as telling, ``n = p (1 - p) / variance``, and
    a Wilson interval of that size with a t quantile (Satterthwaite's degrees of freedom). A matrix of zeros and ones
    never yields more trials than it has cells.

    Where wins are rare and come from few programs, the sample that misses a strong one looks both too weak and too
    even. So each shared part is first shrunk toward the largest it could be, as if one more program (seed) had been
    seen that always wins or always loses: it weighs as much as one of the programs that the wins come from, and only
    as far as the part was seen at all (times the reliability ``1 - 1 / F``). Without this the interval covers 83 to
    90 % at p = 0.02 for programs that differ much; ``benchmarks/sweep_coverage.py`` has the figures with it.

    When all cells agree on 0 or 1, nothing is known about how wins cluster, and each program counts as one trial.
    With a single program or a single seed one part cannot be seen at all, and the sample counts as one trial; use
    `wilson` for a claim about that one program.

    Args:
        wins: shape (programs, seeds), values in [0, 1]; NaN marks a cell that was not measured (an
            ``infrastructure_error``). The estimate is the mean of the cells present, which leans on their being
            missing by chance; the shared parts are then approximate (harmonic mean counts).
        confidence: nominal coverage, in (0, 1).

    Raises:
        ValueError: for another shape, values outside [0, 1], or a confidence outside (0, 1).

    Source: S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components" (1992), chapter 4, for the parts;
    F. E. Satterthwaite, Biometrics Bulletin 2 (1946), for the degrees of freedom; E. L. Korn and B. I. Graubard,
    Survey Methodology 24 (1998), for the effective sample size inside a binomial interval. The shrinking is our own.
    """
    upper = _upper(confidence)
    cells = _matrix(wins)
    if cells.size == 0:
        return Interval(0.0, math.nan, 1.0)
    table = _Table.of(cells)
    if min(cells.shape) < 2:
        return _score_interval(table.mean, 1.0, float(ndtri(upper)))
    variance = table.residual / table.present
    cautious = variance
    residual_share = 1.0 / table.present
    terms: list[tuple[float, float]] = []
    for side in (table.rows, table.columns):
        shared = side.shared(table.residual)
        if shared > 0.0:
            variance += shared * side.weight
            cautious += _shrunk(shared, side, table) * side.weight
            terms.append((side.variance * side.weight, side.size - 1))
            residual_share -= side.weight / side.count
    if variance <= 0.0:
        programs = table.rows.size
        return _score_interval(table.mean, programs, float(stdtrit(programs - 1, upper)))
    terms.append((table.residual * residual_share, table.residual_df))
    quantile = float(stdtrit(_satterthwaite(variance, terms), upper))
    return _score_interval(table.mean, table.mean * (1.0 - table.mean) / cautious, quantile)


def crossed_difference(before: ArrayLike, after: ArrayLike, confidence: float = 0.95) -> Difference:
    """The change of a mean between two sets of programs that played the same seeds.

    The seeds are paired and the programs independent: the variance is that of the row means of either side, plus
    that of the differences between column means, less the residual part that both of them hold. The interval is the
    estimate plus or minus a t quantile (Satterthwaite), cut to [-1, 1], and the p-value is that of the same t. A side
    whose cells are all 0 or all 1 shows no variance though it has some; it is given that of a binomial sample with
    one trial for each program, one win and one loss added.

    Args:
        before: shape (programs, seeds), values in [0, 1], NaN for cells that were not measured.
        after: shape (other programs, the same seeds in the same order), likewise.
        confidence: nominal coverage, in (0, 1).

    Raises:
        ValueError: for shapes that do not pair, fewer than two programs on a side, fewer than two seeds that both
            sides have played, values outside [0, 1], or a confidence outside (0, 1).

    Source: variance components as in `crossed_rate`; the added win and loss from A. Agresti and B. Caffo, The
    American Statistician 54 (2000).
    """
    upper = _upper(confidence)
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"both sides need shape (programs, the same seeds), got {first.shape} and {second.shape}")
    common = ~(np.isnan(first).all(axis=0) | np.isnan(second).all(axis=0))
    sides = [_matrix(first[:, common]), _matrix(second[:, common])]
    if min(*sides[0].shape, *sides[1].shape) < 2:
        raise ValueError(
            f"a difference needs two programs a side and two common seeds, got {first.shape} and {second.shape}"
        )
    tables = [_Table.of(side) for side in sides]
    estimate = tables[1].mean - tables[0].mean

    terms: list[tuple[float, float]] = []
    residual = 0.0
    for table in tables:
        programs = table.rows.size
        residual += table.residual / table.present
        if 0.0 < table.mean < 1.0:
            rows = max(table.rows.variance, table.residual / table.rows.count) * table.rows.weight
        else:
            chance = 1.0 / (programs + 2)
            rows = chance * (1.0 - chance) / (programs + 2)
        terms.append((rows, programs - 1))
    seeds = tables[0].columns.size
    paired = float(np.var(tables[1].columns.means - tables[0].columns.means, ddof=1)) / seeds
    if paired > residual:
        terms.append((paired, seeds - 1))
        terms.append((-residual, min(table.residual_df for table in tables)))
    variance = sum(term for term, _ in terms)
    if variance <= 0.0:  # scores without any spread at all
        return Difference(Interval(estimate, estimate, estimate), float(estimate == 0.0))
    df = _satterthwaite(variance, terms)
    half = float(stdtrit(df, upper)) * math.sqrt(variance)
    p_value = 2.0 * float(stdtr(df, -abs(estimate) / math.sqrt(variance)))
    return Difference(Interval(max(-1.0, estimate - half), estimate, min(1.0, estimate + half)), p_value)


@dataclass(frozen=True)
class _Side:
    """The rows, or the columns, of a two-way table with some cells missing."""

    means: _Floats
    variance: float  # of the means
    count: float  # cells that a mean is taken over, their harmonic mean
    weight: float  # what one unit of shared variance adds to the variance of the table's mean

    @classmethod
    def of(cls, sums: _Floats, counts: _Floats) -> _Side:
        means = sums / counts
        return cls(
            means=means,
            variance=float(np.var(means, ddof=1)) if len(means) > 1 else 0.0,
            count=len(means) / float((1.0 / counts).sum()),
            weight=float((counts**2).sum()) / float(counts.sum()) ** 2,
        )

    @property
    def size(self) -> int:
        return len(self.means)

    def shared(self, residual: float) -> float:
        """The variance of the means beyond what the residual alone gives them, never below zero."""
        shared = self.variance - residual / self.count
        return shared if shared > 1e-12 * self.variance else 0.0  # what is left by rounding is none


@dataclass(frozen=True)
class _Table:
    """What a two-way table says about its mean and its spread."""

    mean: float
    present: int
    rows: _Side
    columns: _Side
    residual: float  # mean square
    residual_df: float

    @classmethod
    def of(cls, cells: _Floats) -> _Table:
        """Take a matrix apart, in which no row and no column is wholly missing."""
        there = ~np.isnan(cells)
        filled = np.where(there, cells, 0.0)
        rows = _Side.of(filled.sum(axis=1), there.sum(axis=1).astype(np.float64))
        columns = _Side.of(filled.sum(axis=0), there.sum(axis=0).astype(np.float64))
        present = int(there.sum())
        mean = float(filled.sum()) / present
        left = np.where(there, cells - rows.means[:, None] - columns.means[None, :] + mean, 0.0)
        df = max(1, present - rows.size - columns.size + 1)
        return cls(mean, present, rows, columns, residual=float((left**2).sum()) / df, residual_df=df)


def _shrunk(shared: float, side: _Side, table: _Table) -> float:
    """The shared variance after one more program or seed that is all or nothing (see `crossed_rate`)."""
    largest = table.mean * (1.0 - table.mean)
    rare = min(table.mean, 1.0 - table.mean)
    carriers = side.size / (1.0 + shared / largest * (1.0 - rare) / rare)
    reliability = shared / (shared + table.residual / side.count)
    return (carriers * shared + reliability * largest) / (carriers + 1.0)


def _matrix(wins: ArrayLike) -> _Floats:
    """A checked matrix without the rows and columns of which nothing was measured."""
    cells = np.asarray(wins, dtype=np.float64)
    if cells.ndim != 2:
        raise ValueError(f"wins must have shape (programs, seeds), got {cells.shape}")
    there = ~np.isnan(cells)
    if np.any((cells[there] < 0.0) | (cells[there] > 1.0)):
        raise ValueError("wins must lie in [0, 1], or be NaN where nothing was measured")
    return cells[there.any(axis=1)][:, there.any(axis=0)]


def _upper(confidence: float) -> float:
    """The upper tail point of a two-sided interval."""
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    return 0.5 + confidence / 2.0


def _satterthwaite(variance: float, terms: list[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent mean squares, at least one."""
    return max(1.0, variance**2 / sum(term**2 / df for term, df in terms))


def _score_interval(rate: float, trials: float, quantile: float) -> Interval:
    """Wilson's interval for any number of trials and any quantile."""
    square = quantile**2 / trials
    centre = (rate + square / 2.0) / (1.0 + square)
    half = math.sqrt(rate * (1.0 - rate) * square + square**2 / 4.0) / (1.0 + square)
    # The ends meet 0 and 1 exactly, and rounding may not push an end past the estimate.
    low = 0.0 if rate == 0.0 else min(rate, centre - half)
    high = 1.0 if rate == 1.0 else max(rate, centre + half)
    return Interval(low, rate, high)
