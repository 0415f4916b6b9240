from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import wilson


@pytest.mark.parametrize(("p", "confidence"), [(0.02, 0.95), (0.3, 0.8), (0.5, 0.95), (0.97, 0.8)])
def test_it_holds_at_all_times_at_once(p: float, confidence: float) -> None:
    """The exact chance that any of the first 250 intervals misses the rate, by running through all paths."""
    alive = np.array([1.0])  # by number of successes: the chance of having come here without a miss
    for n in range(1, 251):
        alive = np.append(alive, 0.0) * (1 - p) + np.insert(alive, 0, 0.0) * p
        for successes in np.flatnonzero(alive > 1e-12):
            low, _, high = confidence_sequence(int(successes), n, confidence)
            if not low <= p <= high:
                alive[successes] = 0.0
    missed = 1 - alive.sum()
    assert missed <= 1 - confidence + 1e-9
    assert missed > 0.1 * (1 - confidence)  # an interval that never misses would be of no use


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 7), (90, 100), (100, 100)])
def test_the_ends_are_where_the_mixed_bet_has_won_enough(successes: int, trials: int) -> None:
    def likelihood(p: float) -> float:
        return p**successes * (1 - p) ** (trials - successes)

    # p = sin²(t) turns the arcsine law into the even one.
    mixed = integrate.quad(lambda t: likelihood(math.sin(t) ** 2), 0, math.pi / 2)[0] / (math.pi / 2)
    low, _, high = confidence_sequence(successes, trials, 0.9)
    for end, at in ((low, 0.0), (high, 1.0)):
        if end != at:
            assert mixed / likelihood(end) == pytest.approx(10.0, rel=1e-6)
    assert (low == 0.0) == (successes == 0)
    assert (high == 1.0) == (successes == trials)


@given(st.integers(0, 2000), st.integers(1, 2000), st.sampled_from([0.5, 0.95, 0.999]))
def test_it_holds_the_estimate_mirrors_and_is_wider_than_wilson(lost: int, won: int, confidence: float) -> None:
    n = lost + won
    low, estimate, high = confidence_sequence(won, n, confidence)
    assert 0.0 <= low < estimate == won / n <= high <= 1.0
    assert confidence_sequence(lost, n, confidence) == pytest.approx((1 - high, 1 - estimate, 1 - low), abs=1e-11)
    if confidence <= 0.95:  # beyond, Wilson's is the wider one for some few trials that all agree
        single = wilson(won, n, confidence)
        assert high - low > single.high - single.low


def test_without_trials_it_knows_nothing() -> None:
    low, estimate, high = confidence_sequence(0, 0)
    assert (low, high) == (0.0, 1.0)
    assert math.isnan(estimate)


@pytest.mark.parametrize(("successes", "trials", "confidence"), [(2, 1, 0.95), (-1, 1, 0.95), (1, 2, 1.0)])
def test_refuses_what_is_no_count(successes: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"successes|confidence"):
        confidence_sequence(successes, trials, confidence)
