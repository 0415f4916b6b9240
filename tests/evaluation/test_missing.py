from __future__ import annotations

import itertools

import numpy as np
import pytest

from envrl.evaluation.missing import lost_or_won


def test_bounds_are_those_of_every_way_to_fill_the_gaps() -> None:
    wins = np.array([[1.0, np.nan, 0.0], [np.nan, 1.0, np.nan]])
    gaps = np.argwhere(np.isnan(wins))
    rates = []
    for filling in itertools.product((0.0, 1.0), repeat=len(gaps)):
        whole = wins.copy()
        whole[tuple(gaps.T)] = filling
        rates.append(whole.mean())
    assert lost_or_won(wins) == pytest.approx((min(rates), max(rates)))
    assert lost_or_won(wins) == pytest.approx((2 / 6, 5 / 6))


def test_nothing_missing_leaves_no_doubt() -> None:
    assert lost_or_won([1, 0, 0, 1]) == (0.5, 0.5)


@pytest.mark.parametrize("wins", [[], [[]], [float("nan")] * 3])
def test_nothing_measured_leaves_everything_open(wins: list[object]) -> None:
    assert lost_or_won(wins) == (0.0, 1.0)


@pytest.mark.parametrize("wins", [[2.0], [-0.5, float("nan")]])
def test_refuses_what_is_no_win(wins: list[float]) -> None:
    with pytest.raises(ValueError, match="wins must"):
        lost_or_won(wins)
