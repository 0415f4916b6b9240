"""How scores, and a task's own figures, are distributed over episodes: the same bins for all sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from envrl.evaluation.cells import has_score
from envrl.evaluation.report.record import Bin, Distribution
from envrl.evaluation.report.svg import ticks
from envrl.evaluation.sweeps import Sweep
from envrl.rollouts import Episode

__all__ = ["distributions"]

_MOST_VALUES = 14
"""A figure of so few values at most gets a bin for each: tiles, filled cells, points."""

_BINS = 24
_MOST_FIGURES = 4


def distributions(sweeps: Sequence[Sweep]) -> tuple[Distribution, ...]:
    """Of the score, and of each figure that the task itself tells of an episode; not of what is the same for all."""
    sides = [list(_played(sweep)) for sweep in sweeps]
    names = sorted({name for side in sides for episode in side for name in episode.metrics})
    scores = [[episode.score for episode in side] for side in sides]
    figures = [("score", scores)]
    for name in names:
        values = [[episode.metrics[name] for episode in side if name in episode.metrics] for side in sides]
        if values != scores:  # a task may tell the return again
            figures.append((name, values))
    found = (Distribution(name=name, bins=_bins(values)) for name, values in figures)
    return tuple(figure for figure in found if len(figure.bins) > 1)[:_MOST_FIGURES]


def _played(sweep: Sweep) -> Iterable[Episode]:
    return (episode for row in sweep.episodes for episode in row if has_score(episode))


def _bins(sides: Sequence[Sequence[float]]) -> tuple[Bin, ...]:
    arrays = [np.asarray(side, dtype=np.float64) for side in sides]
    arrays = [side[np.isfinite(side)] for side in arrays]
    values = np.unique(np.concatenate(arrays)) if arrays else np.array([])
    if values.size == 0:
        return ()
    if values.size <= _MOST_VALUES:
        return tuple(
            Bin(low=float(value), high=float(value), counts=tuple(int((side == value).sum()) for side in arrays))
            for value in values
        )
    edges = _edges(float(values[0]), float(values[-1]))
    counts = [np.histogram(side, edges)[0] for side in arrays]
    return tuple(
        Bin(low=low, high=high, counts=tuple(int(column[place]) for column in counts))
        for place, (low, high) in enumerate(pairwise(edges))
    )


def _edges(low: float, high: float) -> list[float]:
    """Round edges of at most about `_BINS` bins that hold everything from low to high."""
    inner = ticks(low, high, _BINS)
    step = inner[1] - inner[0]
    first = inner[0] - step if low < inner[0] else inner[0]
    last = inner[-1] + step if high >= inner[-1] else inner[-1]
    return [first + step * number for number in range(round((last - first) / step) + 1)]
