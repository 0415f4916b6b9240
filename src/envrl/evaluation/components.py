"""The parts of the variance of a crossed sample: what programs share, what seeds share, and the rest.

Source: S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components" (1992), chapter 4; F. E. Satterthwaite,
Biometrics Bulletin 2 (1946), for the degrees of freedom of a sum of mean squares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Floats", "Side", "Table", "matrix", "rates", "satterthwaite"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-13  # of the largest value: what its sums may be off by


def matrix(values: ArrayLike) -> Floats:
    """A checked matrix (programs, seeds) without the rows and columns of which nothing was measured (NaN).

    Raises:
        ValueError: for another number of dimensions, or values that are infinite.
    """
    cells = np.asarray(values, dtype=np.float64)
    if cells.ndim != 2:
        raise ValueError(f"wins must have shape (programs, seeds), got {cells.shape}")
    if np.isinf(cells).any():
        raise ValueError("values must be finite, or NaN where nothing was measured")
    there = ~np.isnan(cells)
    return cells[there.any(axis=1)][:, there.any(axis=0)]


def rates(wins: ArrayLike) -> Floats:
    """The same of values in [0, 1].

    Raises:
        ValueError: also for values outside [0, 1].
    """
    cells = matrix(wins)
    there = ~np.isnan(cells)
    if np.any((cells[there] < 0.0) | (cells[there] > 1.0)):
        raise ValueError("wins must lie in [0, 1], or be NaN where nothing was measured")
    return cells


def satterthwaite(variance: float, terms: list[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent mean squares, at least one.

    Args:
        variance: the sum.
        terms: each mean square as it enters the sum, with its own degrees of freedom.
    """
    return max(1.0, variance**2 / sum(term**2 / df for term, df in terms))


@dataclass(frozen=True)
class Side:
    """The rows, or the columns, of a two-way table with some cells missing."""

    size: float
    variance: float  # of the means
    count: float  # cells that a mean is taken over, their harmonic mean
    weight: float  # what one unit of shared variance adds to the variance of the table's mean

    @classmethod
    def of(cls, means: Floats, counts: Floats, rounding: float) -> Self:
        variance = float(np.var(means, ddof=1)) if len(means) > 1 else 0.0
        return cls(
            size=len(means),
            variance=variance if variance > rounding else 0.0,
            count=len(means) / float((1.0 / counts).sum()),
            weight=float((counts**2).sum()) / float(counts.sum()) ** 2,
        )

    def shared(self, residual: float) -> float:
        """The variance of the means beyond what the residual alone gives them, never below zero."""
        shared = self.variance - residual / self.count
        return shared if shared > 1e-12 * self.variance else 0.0  # what is left by rounding is none


@dataclass(frozen=True)
class Table:
    """What a two-way table says about its mean and its spread; rows are programs, columns seeds."""

    mean: float
    present: float  # cells
    rows: Side
    columns: Side
    residual: float  # mean square
    residual_df: float

    @classmethod
    def of(cls, cells: Floats) -> Self:
        """Takes a matrix apart, in which no row and no column is wholly missing (`matrix` sees to it)."""
        there = ~np.isnan(cells)
        filled = np.where(there, cells, 0.0)
        row_counts, column_counts = there.sum(axis=1).astype(np.float64), there.sum(axis=0).astype(np.float64)
        row_means, column_means = filled.sum(axis=1) / row_counts, filled.sum(axis=0) / column_counts
        rounding = (_ROUNDING * float(np.abs(filled).max())) ** 2  # a variance as small as this is none
        rows, columns = Side.of(row_means, row_counts, rounding), Side.of(column_means, column_counts, rounding)
        present = int(there.sum())
        mean = float(filled.sum()) / present
        left = np.where(there, cells - row_means[:, None] - column_means[None, :] + mean, 0.0)
        df = max(1.0, present - rows.size - columns.size + 1)
        residual = float((left**2).sum()) / df
        return cls(mean, present, rows, columns, residual if residual > rounding else 0.0, residual_df=df)

    @classmethod
    def planned(
        cls, mean: float, by_program: float, by_seed: float, residual: float, programs: float, seeds: float
    ) -> Self:
        """The table that a full sample of this size would show, were these the true parts of the variance."""
        return cls(
            mean,
            programs * seeds,
            rows=Side(programs, by_program + residual / seeds, seeds, 1.0 / programs),
            columns=Side(seeds, by_seed + residual / programs, programs, 1.0 / seeds),
            residual=residual,
            residual_df=max(1.0, (programs - 1.0) * (seeds - 1.0)),
        )

    def resized(self, programs: float, seeds: float) -> Table:
        """What more, or fewer, programs and seeds of the same kind would show."""
        by_program, by_seed = self.rows.shared(self.residual), self.columns.shared(self.residual)
        return self.planned(self.mean, by_program, by_seed, self.residual, programs, seeds)

    def variance(self) -> tuple[float, float]:
        """The variance of the mean over fresh programs and fresh seeds, and its degrees of freedom.

        Both shared parts count where they show. Zero variance has no degrees of freedom: they are given as one.
        """
        variance = self.residual / self.present
        terms: list[tuple[float, float]] = []
        residual_share = 1.0 / self.present
        for side in (self.rows, self.columns):
            shared = side.shared(self.residual)
            if shared > 0.0:
                variance += shared * side.weight
                terms.append((side.variance * side.weight, side.size - 1))
                residual_share -= side.weight / side.count
        if variance <= 0.0:
            return 0.0, 1.0
        terms.append((self.residual * residual_share, self.residual_df))
        return variance, satterthwaite(variance, terms)
