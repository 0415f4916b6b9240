"""How often at least one of several sampled programs wins."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from envrl.evaluation.components import Floats, Table, matrix
from envrl.evaluation.statistics import Interval, cautious_variance, crossed_rate, score_interval, upper_tail

__all__ = ["pass_at_k", "pass_at_k_interval"]


def pass_at_k(wins: ArrayLike, k: int) -> float:
    """The chance that at least one of k programs drawn from the model wins a seed, as a mean over the seeds.

    Unbiased: of a seed's n measured programs, c of which won, every choice of k counts once. ``k = 1`` is the plain
    rate. It is a mean over seeds of what k tries would reach if a judge took the winner, not the rate of a program
    that was chosen once (see `envrl.evaluation.measure.best_program` for that).

    Args:
        wins: shape (programs, seeds), 1 or 0, NaN where nothing was measured. A seed with fewer than k measured
            programs gives no estimate and is left out of the mean.
        k: programs drawn, at least 1.

    Raises:
        ValueError: for another shape, values that are neither won nor lost, k below 1, or k above the number of
            programs that any seed was measured with.

    Source: M. Chen et al., "Evaluating Large Language Models Trained on Code", arXiv 2107.03374 (2021), section 2.1.
    """
    programs, lost = _counts(_checked(wins, k))
    enough = programs >= k
    return float(np.mean(_by_seed(programs[enough], lost[enough], k)))


def pass_at_k_interval(wins: ArrayLike, k: int, confidence: float = 0.95) -> Interval:
    """The same with its interval, as a claim about fresh programs on fresh seeds.

    Each episode has a pseudo-value: how much the estimate of its seed leans on its program, by leaving it out. Their
    mean is the estimate, and their shared parts give its variance as those of the wins give that of a rate, to which
    the same caution is applied (by the factor that it has for ``k = 1``); then Wilson's interval of the size that would
    be as telling, with a t quantile, and never of more trials than there are episodes. For ``k = 1`` that is,
    without gaps, the interval of `envrl.evaluation.statistics.crossed_rate`.

    The fewer choices of k there are, the less is known: ask for k well below the number of programs
    (``benchmarks/sweep_coverage.py`` has the coverage). A seed with no more than k measured programs says nothing of
    the spread; where there is none that does, the interval is 0 to 1.

    Raises:
        ValueError: as `pass_at_k`, or for a confidence outside (0, 1).

    Source: J. W. Tukey's jackknife, for U-statistics: J. N. Arvesen, Annals of Mathematical Statistics 40 (1969).
    """
    upper = upper_tail(confidence)
    cells = _checked(wins, k)
    estimate = pass_at_k(cells, k)
    cells = cells[:, (~np.isnan(cells)).sum(axis=0) > k]
    if min(cells.shape) < 2:
        return Interval(0.0, estimate, 1.0)
    programs, lost = _counts(cells)
    whole = _by_seed(programs, lost, k)
    without = np.where(
        cells == 1.0,
        _by_seed(programs - 1.0, lost, k),
        _by_seed(programs - 1.0, np.maximum(lost - 1.0, 0.0), k),
    )
    pseudo = np.where(np.isnan(cells), np.nan, programs * whole - (programs - 1.0) * without)
    variance, df = Table.of(pseudo).variance()
    plain = Table.of(cells)
    if min(variance, plain.variance()[0]) <= 0.0 or not 0.0 < estimate < 1.0:
        # All won or all lost, at least by k: what is known of a single program is all there is.
        low, _, high = (1.0 - (1.0 - end) ** k for end in crossed_rate(cells, confidence))
        return Interval(min(low, estimate), estimate, max(high, estimate))
    variance *= cautious_variance(plain) / plain.variance()[0]
    trials = min(estimate * (1.0 - estimate) / variance, plain.present)
    return score_interval(estimate, trials, float(stdtrit(df, upper)))


def _checked(wins: ArrayLike, k: int) -> Floats:
    cells = matrix(wins)
    there = ~np.isnan(cells)
    if not np.isin(cells[there], (0.0, 1.0)).all():
        raise ValueError("wins must be 0 or 1, or NaN where nothing was measured")
    most = int(there.sum(axis=0).max(initial=0))
    if not 1 <= k <= most:
        raise ValueError(f"k must lie between 1 and the {most} programs that were measured, got {k}")
    return cells


def _counts(cells: Floats) -> tuple[Floats, Floats]:
    """By seed, how many programs were measured and how many of them lost."""
    programs = (~np.isnan(cells)).sum(axis=0).astype(np.float64)
    return programs, programs - np.nansum(cells, axis=0)


def _by_seed(programs: Floats, lost: Floats, k: int) -> Floats:
    """One less the chance that all of k programs, drawn one after the other, are among those that lost."""
    drawn = np.arange(k)
    missed: Floats = np.prod(np.clip(lost[:, None] - drawn, 0.0, None) / (programs[:, None] - drawn), axis=1)
    return 1.0 - missed
