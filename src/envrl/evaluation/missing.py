"""What episodes that could not be measured could have changed at most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Bounds", "lost_or_won"]


class Bounds(NamedTuple):
    """The rate if every missing episode had been lost, and if every one had been won."""

    low: float
    high: float


def lost_or_won(wins: ArrayLike) -> Bounds:
    """The rate over all cells if every missing one had been lost, and if every one had been won.

    Nothing is supposed of why a cell is missing: the rate of all cells lies between the two for certain, before
    any sampling error. Without cells, or without one that is present, the bounds are 0 and 1.

    Args:
        wins: any shape, values in [0, 1], NaN where nothing was measured.

    Raises:
        ValueError: for values outside [0, 1].

    Source: C. F. Manski, "Nonparametric Bounds on Treatment Effects", American Economic Review 80 (1990).
    """
    cells = np.asarray(wins, dtype=np.float64)
    missing = np.isnan(cells)
    present = cells[~missing]
    if np.any((present < 0.0) | (present > 1.0)):
        raise ValueError("wins must lie in [0, 1], or be NaN where nothing was measured")
    if present.size == 0:
        return Bounds(0.0, 1.0)
    won = float(present.sum())
    return Bounds(won / cells.size, (won + float(missing.sum())) / cells.size)
