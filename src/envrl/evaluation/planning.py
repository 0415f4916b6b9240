"""How many seeds and programs a wished width needs, before anything is measured and after some of it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from numpy.typing import ArrayLike
from scipy.special import ndtri

from envrl.evaluation.components import Table, rates
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import Interval, table_rate, upper_tail

__all__ = [
    "Outlook",
    "clustered_width",
    "outlook",
    "programs_needed",
    "seeds_needed",
    "seeds_needed_each",
    "seeds_needed_looking",
]

_MOST = 10**9
_EVER = 1e12
"""So many programs or seeds that still more change nothing."""


def seeds_needed(width: float, rate: float = 0.5, confidence: float = 0.95) -> int:
    """The seeds after which Wilson's interval of one program is at most this wide, for a size fixed beforehand.

    Args:
        width: from end to end, in (0, 1).
        rate: expected; 0.5 needs the most seeds.

    Raises:
        ValueError: for a width, rate or confidence that makes no sense.

    Source: E. B. Wilson, JASA 22 (1927): the width 2 sqrt(v q n + q² / 4) / (n + q), with v = p (1 - p) and q the
    squared quantile, falls with n and is solved for it.
    """
    _check(width, rate)
    square = float(ndtri(upper_tail(confidence))) ** 2
    spread = rate * (1.0 - rate)
    half = (width / 2.0) ** 2
    # half (n + q)² = v q n + q² / 4, a quadratic in n whose larger root is wanted.
    linear = square * (2.0 * half - spread)
    constant = square**2 * (half - 0.25)
    return max(1, math.ceil((-linear + math.sqrt(linear**2 - 4.0 * half * constant)) / (2.0 * half) - 1e-9))


def seeds_needed_looking(width: float, rate: float = 0.5, confidence: float = 0.95) -> int:
    """The same for whoever looks after every episode: the seeds after which the confidence sequence is that narrow.

    Raises:
        ValueError: as `seeds_needed`, or where more than a thousand million seeds are needed.
    """
    _check(width, rate)
    found = _least(lambda n: _width(confidence_sequence(rate * n, n, confidence)) <= width)
    if found is None:
        raise ValueError(f"a width of {width:g} needs more than {_MOST:,} seeds; ask for a larger one")
    return found


def clustered_width(programs: float, seeds: float, rate: float, likeness: float, confidence: float = 0.95) -> float:
    """How wide the interval of a model's rate is to be expected, before any of its programs was played.

    Args:
        programs, seeds: size of the sweep; may be infinite.
        rate: expected.
        likeness: correlation of two episodes of one program, in [0, 1]: 0 where all programs are equally good, 1 where
            each always wins or always loses. Seeds are taken to be equally hard.

    Raises:
        ValueError: for fewer than two programs or seeds, or a rate or likeness that makes no sense.

    Source: the interval of `envrl.evaluation.statistics.crossed_rate`, from parts of the variance that are supposed
    in place of measured; with one part only, L. Kish's design effect (Survey Sampling, 1965).
    """
    _check(0.5, rate)
    if not 0.0 <= likeness <= 1.0:
        raise ValueError(f"likeness must lie in [0, 1], got {likeness}")
    _check_size(programs, seeds)
    spread = rate * (1.0 - rate)
    table = Table.planned(
        rate, likeness * spread, 0.0, (1.0 - likeness) * spread, min(programs, _EVER), min(seeds, _EVER)
    )
    return _width(table_rate(table, confidence))


def programs_needed(
    width: float, seeds: int, rate: float = 0.5, likeness: float = 0.5, confidence: float = 0.95
) -> int | None:
    """The programs of a model, each on this many seeds, after which its interval is to be expected so narrow.

    Returns:
        None where more than a thousand million would be needed.

    Raises:
        ValueError: as `clustered_width`, or for a width that makes no sense.
    """
    _check(width, rate)
    return _least(lambda n: clustered_width(n, seeds, rate, likeness, confidence) <= width, least=2)


def seeds_needed_each(
    width: float, programs: int, rate: float = 0.5, likeness: float = 0.5, confidence: float = 0.95
) -> int | None:
    """The seeds that each of so many programs of a model has to play until its interval is to be expected so narrow.

    Returns:
        None where no number is enough: then only more programs help.

    Raises:
        ValueError: as `programs_needed`.
    """
    _check(width, rate)
    return _least(lambda n: clustered_width(programs, n, rate, likeness, confidence) <= width, least=2)


class Outlook(NamedTuple):
    """What more seeds and more programs can still do for the interval of a model's rate.

    Attributes:
        width: of the interval now, from end to end.
        wished: the width that is wanted.
        by_seeds: width that ever more seeds for the same number of programs would lead to.
        by_programs: width that ever more programs on the same number of seeds would lead to.
        seeds: how many each program would have to play, with no program more; None where no number is enough.
        programs: how many would have to play, on no seed more; None where no number is enough.
    """

    width: float
    wished: float
    by_seeds: float
    by_programs: float
    seeds: int | None
    programs: int | None

    @property
    def reached(self) -> bool:
        """Whether the interval is narrow enough now."""
        return self.width <= self.wished

    @property
    def seeds_help(self) -> bool:
        """Whether more seeds alone would lead to the wished width."""
        return self.seeds is not None

    @property
    def programs_help(self) -> bool:
        """Whether more programs alone would lead to the wished width."""
        return self.programs is not None


def outlook(wins: ArrayLike, width: float, confidence: float = 0.95) -> Outlook:
    """Says from a sweep so far what would make the interval of a model's rate as narrow as wished.

    More seeds average out the luck of seeds and of episodes; what programs differ by stays, until more programs come,
    and the other way round. The parts of the variance of `envrl.evaluation.statistics.crossed_rate` tell how much of
    each there is. They are estimates: with few programs or seeds so is this, and it is worth asking again.

    Where all cells agree on won or on lost, nothing is known of how wins cluster, and each program counts as one
    trial: then only programs help.

    Args:
        wins: shape (programs, seeds), as for ``crossed_rate``; at least two of each.
        width: the width that is wanted, from end to end.

    Raises:
        ValueError: as ``crossed_rate``, for fewer than two measured programs or seeds, or a width outside (0, 1).
    """
    _check(width, 0.5)
    cells = rates(wins)
    _check_size(*cells.shape)
    table = Table.of(cells)
    programs, seeds = cells.shape

    def expected(programs: float, seeds: float) -> float:
        return _width(table_rate(table.resized(programs, seeds), confidence))

    now = _width(table_rate(table, confidence))
    return Outlook(
        width=now,
        wished=width,
        # The caution of `crossed_rate` grows with how well a part was seen, and may outgrow what is averaged out.
        by_seeds=min(now, expected(programs, _EVER)),
        by_programs=min(now, expected(_EVER, seeds)),
        seeds=_least(lambda n: expected(programs, n) <= width, least=2),
        programs=_least(lambda n: expected(n, seeds) <= width, least=2),
    )


def _least(enough: Callable[[int], bool], least: int = 1) -> int | None:
    """The smallest number that is enough, if any up to a thousand million is; more are taken to be enough, too."""
    high = least
    while not enough(high):
        high *= 2
        if high > _MOST:
            return None
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _width(interval: Interval) -> float:
    return interval.high - interval.low


def _check(width: float, rate: float) -> None:
    if not 0.0 < width < 1.0:
        raise ValueError(f"width must lie in (0, 1), got {width}")
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate must lie in [0, 1], got {rate}")


def _check_size(programs: float, seeds: float) -> None:
    if min(programs, seeds) < 2:
        raise ValueError(f"a model's interval needs two programs and two seeds, got {programs:g} and {seeds:g}")
