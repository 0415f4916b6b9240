"""Intervals for rates and differences, each a small pure function with its source.

A model that writes programs is measured on a *crossed* sample: every program plays every seed. Two programs share
the luck of a seed, two seeds share the skill of a program, so the episodes are not independent and a binomial
interval over them is too narrow. `crossed_rate` and `crossed_difference` estimate both variance components;
``benchmarks/sweep_coverage.py`` shows what they cover.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtr, stdtrit

from envrl.evaluation.components import Side, Table, rates, satterthwaite

__all__ = [
    "Difference",
    "Interval",
    "cautious_variance",
    "crossed_difference",
    "crossed_rate",
    "score_interval",
    "table_rate",
    "upper_tail",
    "wilson",
]


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
    quantile = float(ndtri(upper_tail(confidence)))
    if trials == 0:
        return Interval(0.0, math.nan, 1.0)
    return score_interval(successes / trials, trials, quantile)


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
    cells = rates(wins)
    if cells.size == 0:
        upper_tail(confidence)
        return Interval(0.0, math.nan, 1.0)
    return table_rate(Table.of(cells), confidence)


def table_rate(table: Table, confidence: float = 0.95) -> Interval:
    """The interval of `crossed_rate` from the parts of the variance alone, measured or planned.

    Args:
        table: of values in [0, 1].
    """
    upper = upper_tail(confidence)
    if min(table.rows.size, table.columns.size) < 2:
        return score_interval(table.mean, 1.0, float(ndtri(upper)))
    variance, df = table.variance()
    if variance <= 0.0:
        programs = table.rows.size
        return score_interval(table.mean, programs, float(stdtrit(programs - 1, upper)))
    trials = table.mean * (1.0 - table.mean) / cautious_variance(table)
    return score_interval(table.mean, trials, float(stdtrit(df, upper)))


def cautious_variance(table: Table) -> float:
    """The variance of a rate with each shared part shrunk toward the largest it could be (see `crossed_rate`)."""
    cautious = table.residual / table.present
    for side in (table.rows, table.columns):
        shared = side.shared(table.residual)
        if shared > 0.0:
            cautious += _shrunk(shared, side, table) * side.weight
    return cautious


def crossed_difference(before: ArrayLike, after: ArrayLike, confidence: float = 0.95) -> Difference:
    """The change of a mean between two sets of programs that played the same seeds.

    The seeds are paired and the programs independent: the variance is that of the row means of either side, plus
    that of the differences between column means, less the residual part that both of them hold. The interval is the
    estimate plus or minus a t quantile (Satterthwaite), cut to [-1, 1], and the p-value is that of the same t. A side
    whose cells are all 0 or all 1 shows no variance though it has some; it is given that of a binomial sample with
    one trial for each program, one win and one loss added.

    A side of a single program stands for itself and not for a model that might have written another: the claim is
    then about that program on fresh seeds. These are its trials, to which one win and one loss are added in the same
    way, as far as that raises its variance.

    Args:
        before: shape (programs, seeds), values in [0, 1], NaN for cells that were not measured.
        after: shape (other programs, the same seeds in the same order), likewise.
        confidence: nominal coverage, in (0, 1).

    Raises:
        ValueError: for shapes that do not pair, a single program on both sides (see `envrl.evaluation.paired`), fewer
            than two seeds that both sides have played, values outside [0, 1], or a confidence outside (0, 1).

    Source: variance components as in `crossed_rate`; the added win and loss from A. Agresti and B. Caffo, The
    American Statistician 54 (2000).
    """
    upper = upper_tail(confidence)
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"both sides need shape (programs, the same seeds), got {first.shape} and {second.shape}")
    common = ~(np.isnan(first).all(axis=0) | np.isnan(second).all(axis=0))
    sides = [rates(first[:, common]), rates(second[:, common])]
    seeds = sides[0].shape[1]
    if seeds < 2 or max(len(side) for side in sides) < 2:
        raise ValueError(
            f"a difference needs two programs on a side and two common seeds, got {first.shape} and {second.shape}"
        )
    tables = [Table.of(side) for side in sides]
    estimate = tables[1].mean - tables[0].mean

    models = [table for table in tables if table.rows.size > 1]
    terms = [_row_term(table) for table in models]
    terms += [_program_term(table.mean, seeds) for table in tables if table.rows.size == 1]
    residual = sum(table.residual / table.present for table in models)
    paired = float(np.var(np.nanmean(sides[1], axis=0) - np.nanmean(sides[0], axis=0), ddof=1)) / seeds
    if paired > residual:
        terms.append((paired, seeds - 1))
        terms.append((-residual, min(table.residual_df for table in models)))
    variance = sum(term for term, _ in terms)
    if variance <= 0.0:  # scores without any spread at all
        return Difference(Interval(estimate, estimate, estimate), float(estimate == 0.0))
    df = satterthwaite(variance, terms)
    half = float(stdtrit(df, upper)) * math.sqrt(variance)
    p_value = 2.0 * float(stdtr(df, -abs(estimate) / math.sqrt(variance)))
    return Difference(Interval(max(-1.0, estimate - half), estimate, min(1.0, estimate + half)), p_value)


def _row_term(table: Table) -> tuple[float, float]:
    """The variance that programs bring to the mean, and its degrees of freedom (see `crossed_difference`)."""
    programs = table.rows.size
    if 0.0 < table.mean < 1.0:
        return max(table.rows.variance, table.residual / table.rows.count) * table.rows.weight, programs - 1
    return _added(table.mean, programs), programs - 1


def _program_term(rate: float, seeds: int) -> tuple[float, float]:
    """What the seeds of one program may hide of its variance, most where it hardly won or hardly lost."""
    return max(0.0, _added(rate, seeds) - rate * (1.0 - rate) / seeds), seeds - 1


def _added(rate: float, trials: float) -> float:
    """The variance of a binomial rate with one win and one loss added."""
    chance = (rate * trials + 1.0) / (trials + 2.0)
    return chance * (1.0 - chance) / (trials + 2.0)


def _shrunk(shared: float, side: Side, table: Table) -> float:
    """The shared variance after one more program or seed that is all or nothing (see `crossed_rate`)."""
    largest = table.mean * (1.0 - table.mean)
    rare = min(table.mean, 1.0 - table.mean)
    carriers = side.size / (1.0 + shared / largest * (1.0 - rare) / rare)
    reliability = shared / (shared + table.residual / side.count)
    return (carriers * shared + reliability * largest) / (carriers + 1.0)


def upper_tail(confidence: float) -> float:
    """The upper tail point of a two-sided interval.

    Raises:
        ValueError: for a confidence outside (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie in (0, 1), got {confidence}")
    return 0.5 + confidence / 2.0


def score_interval(rate: float, trials: float, quantile: float) -> Interval:
    """Wilson's interval for any number of trials and any quantile."""
    square = quantile**2 / trials
    centre = (rate + square / 2.0) / (1.0 + square)
    half = math.sqrt(rate * (1.0 - rate) * square + square**2 / 4.0) / (1.0 + square)
    # The ends meet 0 and 1 exactly, and rounding may not push an end past the estimate.
    low = 0.0 if rate == 0.0 else min(rate, centre - half)
    high = 1.0 if rate == 1.0 else max(rate, centre + half)
    return Interval(low, rate, high)
