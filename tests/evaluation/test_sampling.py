from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from envrl.evaluation.components import Table
from envrl.evaluation.sampling import pass_at_k, pass_at_k_interval
from envrl.evaluation.statistics import cautious_variance, crossed_rate


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_every_choice_of_k_programs_counts_once(k: int) -> None:
    wins = (np.random.default_rng(0).random((6, 5)) < 0.3).astype(float)
    choices = itertools.combinations(range(6), k)
    expected = np.mean([wins[list(chosen)].max(axis=0).mean() for chosen in choices])
    assert pass_at_k(wins, k) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 8, 64])
def test_it_is_scipys_hypergeometric_tail(k: int) -> None:
    won = np.arange(65)
    wins = (np.arange(64)[:, None] < won).astype(float)
    assert pass_at_k(wins, k) == pytest.approx(np.mean(stats.hypergeom.sf(0, 64, won, k)))


def test_one_try_is_the_plain_rate() -> None:
    wins = (np.random.default_rng(1).random((64, 32)) < 0.1).astype(float)
    assert pass_at_k(wins, 1) == pytest.approx(wins.mean())


def test_it_is_unbiased() -> None:
    rng = np.random.default_rng(2)
    found = [pass_at_k((rng.random((6, 4)) < 0.3).astype(float), 4) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(1 - 0.7**4, abs=4 * np.std(found) / np.sqrt(4000))


def test_what_was_not_measured_is_no_loss() -> None:
    nan = np.nan
    # Seed 0: one of two won; seed 1: none of three; seed 2: a single program, too few for two draws.
    wins = np.array([[1, 0, 1], [0, 0, nan], [nan, 0, nan]])
    assert pass_at_k(wins, 2) == pytest.approx((1.0 + 0.0) / 2)


@pytest.mark.parametrize(
    ("wins", "k"), [([[1, 0]], 0), ([[1, 0]], 2), (np.zeros((0, 3)), 1), ([[0.5]], 1), ([1.0], 1), ([[np.nan]], 1)]
)
def test_refuses_what_it_cannot_tell(wins: object, k: int) -> None:
    with pytest.raises(ValueError, match=r"k must|wins must"):
        pass_at_k(wins, k)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"k must|wins must"):
        pass_at_k_interval(wins, k)  # type: ignore[arg-type]


def _wins(p: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.random((40, 24)) < rng.beta(p, 1 - p, (40, 1))).astype(float)


def test_pseudo_values_are_those_of_leaving_a_program_out() -> None:
    """The interval's variance against pseudo-values from whole new estimates without one program, seed by seed."""
    wins, k = _wins()[:9, :5], 3
    wins[2, 1] = np.nan
    pseudo = np.full(wins.shape, np.nan)
    for i, j in np.argwhere(~np.isnan(wins)):
        column = wins[:, [j]]
        n = (~np.isnan(column)).sum()
        pseudo[i, j] = n * pass_at_k(column, k) - (n - 1) * pass_at_k(np.delete(column, i, axis=0), k)
    variance, df = Table.of(pseudo).variance()
    plain = Table.of(wins)
    variance *= cautious_variance(plain) / plain.variance()[0]
    low, estimate, high = pass_at_k_interval(wins, k)
    assert estimate == pass_at_k(wins, k) == pytest.approx(np.nanmean(np.nanmean(pseudo, axis=0)))
    # The ends of Wilson's interval are where a rate is a t quantile of its own standard error away.
    trials = min(estimate * (1 - estimate) / variance, 44)
    for end in (low, high):
        assert abs(end - estimate) / np.sqrt(end * (1 - end) / trials) == pytest.approx(stats.t.ppf(0.975, df))


def test_one_try_has_the_interval_of_a_rate() -> None:
    wins = _wins()
    assert pass_at_k_interval(wins, 1) == pytest.approx(crossed_rate(wins))


@pytest.mark.parametrize("k", [1, 4, 8])
def test_the_interval_holds_the_estimate(k: int) -> None:
    for wins in (_wins(), np.zeros((40, 24)), np.ones((40, 24)), np.eye(40, 24)):
        low, estimate, high = pass_at_k_interval(wins, k)
        assert 0.0 <= low <= estimate <= high <= 1.0
        assert low < high


def test_all_lost_is_known_as_well_as_one_try_is() -> None:
    wins = np.zeros((40, 24))
    assert pass_at_k_interval(wins, 4).high == pytest.approx(1 - (1 - crossed_rate(wins).high) ** 4)


def test_as_many_tries_as_programs_have_no_spread_to_see() -> None:
    assert pass_at_k_interval(_wins(), 40)[::2] == (0.0, 1.0)
