from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from envrl.evaluation.statistics import crossed_difference, crossed_rate, wilson

GRID = [(0, 1), (1, 1), (0, 40), (3, 40), (20, 40), (40, 40), (999, 1000)]


@pytest.mark.parametrize(("successes", "trials"), GRID)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_wilson_is_scipys(successes: int, trials: int, confidence: float) -> None:
    ours = wilson(successes, trials, confidence)
    theirs = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert ours.estimate == successes / trials
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_without_trials_knows_nothing() -> None:
    low, estimate, high = wilson(0, 0)
    assert (low, high) == (0.0, 1.0)
    assert math.isnan(estimate)


@pytest.mark.parametrize(("successes", "trials", "confidence"), [(2, 1, 0.95), (-1, 1, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_wilson_refuses_what_is_no_count(successes: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"successes|confidence"):
        wilson(successes, trials, confidence)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rate_of_cells_that_agree_counts_programs(value: float) -> None:
    interval = crossed_rate(np.full((64, 32), value))
    square = stats.t.ppf(0.975, 63) ** 2
    far = square / (64 + square)
    assert interval == pytest.approx((0.0, 0.0, far) if value == 0 else (1 - far, 1.0, 1.0))


def test_rate_of_programs_that_always_win_or_always_lose_counts_programs() -> None:
    wins = np.zeros((64, 32))
    wins[:16] = 1.0
    interval = crossed_rate(wins)
    # 63 trials: the variance of the mean is p (1 - p) 64/63 / 64.
    expected = stats.binomtest(16, 64).proportion_ci(0.95, method="wilson")
    assert interval.estimate == 0.25
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.004)


def test_rate_of_seeds_that_always_win_or_always_lose_counts_seeds() -> None:
    wins = np.zeros((64, 32))
    wins[:, :8] = 1.0
    expected = stats.binomtest(8, 32).proportion_ci(0.95, method="wilson")
    interval = crossed_rate(wins)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.012)


def test_rate_without_clusters_is_nearly_binomial() -> None:
    rng = np.random.default_rng(0)
    wins = rng.permuted(np.tile([1.0, 0.0, 0.0, 0.0], 64 * 8)).reshape(64, 32)
    interval = crossed_rate(wins)
    expected = stats.binomtest(512, 2048).proportion_ci(0.95, method="wilson")
    ratio = (interval.high - interval.low) / (expected.high - expected.low)
    assert 1.0 <= ratio < 1.4


def test_rate_by_hand() -> None:
    # [[1, 1], [1, 0]]: p = 3/4. Row means 1, 1/2: mean square 1/4 both ways; residual 1/4. Nothing is shared, so the
    # variance is (1/4) / 4 = 1/16 and n = (3/16) / (1/16) = 3, with one degree of freedom.
    interval = crossed_rate([[1, 1], [1, 0]])
    square = stats.t.ppf(0.975, 1) ** 2 / 3
    centre = (0.75 + square / 2) / (1 + square)
    half = math.sqrt(0.1875 * square + square**2 / 4) / (1 + square)
    assert interval == pytest.approx((centre - half, 0.75, centre + half))


def test_rate_skips_what_was_not_measured() -> None:
    rng = np.random.default_rng(1)
    wins = (rng.random((30, 20)) < 0.4).astype(float)
    padded = np.full((32, 23), np.nan)
    padded[1:31, 2:22] = wins
    assert crossed_rate(padded) == crossed_rate(wins)

    holes = wins.copy()
    holes[rng.random(wins.shape) < 0.1] = np.nan
    some, whole = crossed_rate(holes), crossed_rate(wins)
    assert some.estimate == pytest.approx(np.nanmean(holes))
    assert 0.8 < (some.high - some.low) / (whole.high - whole.low) < 1.5


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (3, 4)])
def test_rate_without_cells_knows_nothing(shape: tuple[int, int]) -> None:
    low, estimate, high = crossed_rate(np.full(shape, np.nan))
    assert (low, high) == (0.0, 1.0)
    assert math.isnan(estimate)


@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (1, 1)])
def test_rate_from_a_single_program_or_seed_is_hardly_known(shape: tuple[int, int]) -> None:
    wins = np.arange(math.prod(shape)).reshape(shape) % 2
    interval = crossed_rate(wins)
    expected = wilson(wins.mean(), 1)
    assert interval == pytest.approx(expected)


@pytest.mark.parametrize("wins", [[1, 0], [[2, 0]], [[[1]]], [[-0.1, 0.5]]])
def test_rate_refuses_what_is_no_matrix_of_rates(wins: list[object]) -> None:
    with pytest.raises(ValueError, match="wins must"):
        crossed_rate(wins)


@given(
    st.integers(2, 8).flatmap(
        lambda seeds: st.lists(
            st.lists(st.sampled_from([0.0, 0.25, 1.0, math.nan]), min_size=seeds, max_size=seeds),
            min_size=2,
            max_size=8,
        )
    )
)
def test_rate_is_always_an_interval_and_mirrors(rows: list[list[float]]) -> None:
    wins = np.array(rows)
    low, estimate, high = crossed_rate(wins)
    if math.isnan(estimate):
        return
    assert 0.0 <= low <= estimate <= high <= 1.0
    mirrored = crossed_rate(1.0 - wins)
    assert mirrored == pytest.approx((1 - high, 1 - estimate, 1 - low), abs=1e-9)


def test_rounding_is_no_spread_of_programs() -> None:
    nan = math.nan
    wins = np.array([[0.25, 0, 0, nan, 0, 0], [nan, 0, 0, 0.25, 0, 0], [nan, 0, 0, 0.25, 0, 0]])
    low, estimate, high = crossed_rate(wins)
    assert crossed_rate(1.0 - wins) == pytest.approx((1 - high, 1 - estimate, 1 - low))


def test_equal_scores_have_no_spread_but_an_interval() -> None:
    low, estimate, high = crossed_rate(np.full((10, 10), 0.5))
    assert low < estimate == 0.5 < high


def test_difference_by_hand() -> None:
    # Every program is one constant row: no residual and no seed part, so this is Welch's t test on the row means.
    before = np.repeat([[0.0], [0.2], [0.1], [0.5]], 6, axis=1)
    after = np.repeat([[0.9], [0.4], [0.7]], 6, axis=1)
    (low, estimate, high), p = crossed_difference(before, after)
    welch = stats.ttest_ind(after[:, 0], before[:, 0], equal_var=False)
    expected = welch.confidence_interval(0.95)
    assert estimate == pytest.approx(after.mean() - before.mean())
    assert (low, high) == pytest.approx((expected.low, min(1.0, expected.high)))
    assert p == pytest.approx(welch.pvalue)


def test_difference_pairs_the_seeds() -> None:
    rng = np.random.default_rng(2)
    hard = rng.permutation(np.linspace(0.02, 0.98, 40))
    before = (rng.random((50, 40)) < hard).astype(float)
    after = (rng.random((50, 40)) < hard).astype(float)
    paired = crossed_difference(before, after).interval
    unpaired = crossed_difference(before, after[:, rng.permutation(40)]).interval
    assert (paired.high - paired.low) < 0.6 * (unpaired.high - unpaired.low)


def test_difference_is_antisymmetric() -> None:
    rng = np.random.default_rng(3)
    before, after = (rng.random((20, 10)) < 0.3).astype(float), (rng.random((30, 10)) < 0.6).astype(float)
    there, back = crossed_difference(before, after), crossed_difference(after, before)
    assert back.interval == pytest.approx([-end for end in reversed(there.interval)])
    assert back.p_value == pytest.approx(there.p_value)


def test_difference_of_sides_that_agree_throughout() -> None:
    none, all_won = np.zeros((64, 32)), np.ones((64, 32))
    same = crossed_difference(none, none)
    assert same.interval.low < 0 == same.interval.estimate < same.interval.high
    assert same.p_value == 1.0
    apart = crossed_difference(none, all_won)
    assert apart.interval.low > 0.9
    assert apart.p_value < 1e-6


def test_difference_of_equal_scores_is_exact() -> None:
    half = np.full((4, 4), 0.5)
    assert crossed_difference(half, half) == ((0.0, 0.0, 0.0), 1.0)


def test_difference_uses_seeds_that_both_sides_played() -> None:
    rng = np.random.default_rng(4)
    before, after = (rng.random((20, 10)) < 0.3).astype(float), (rng.random((30, 10)) < 0.6).astype(float)
    gap = before.copy()
    gap[:, 3] = np.nan
    others = np.arange(10) != 3
    assert crossed_difference(gap, after) == crossed_difference(before[:, others], after[:, others])


def test_difference_of_a_program_stands_for_itself() -> None:
    # The model's programs are all alike, so nothing but the seeds is sampled: a paired t test over them.
    rng = np.random.default_rng(5)
    program, seeds = (rng.random((1, 30)) < 0.5).astype(float), (rng.random((1, 30)) < 0.8).astype(float)
    model = np.repeat(seeds, 8, axis=0)
    (low, estimate, high), p = crossed_difference(program, model)
    paired = stats.ttest_rel(model[0], program[0])
    expected = paired.confidence_interval(0.95)
    assert estimate == pytest.approx(model.mean() - program.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert p == pytest.approx(paired.pvalue)
    back = crossed_difference(model, program)
    assert back.interval == pytest.approx((-high, -estimate, -low))


def test_difference_from_a_program_knows_that_the_models_differ() -> None:
    # The program and each of the model's always win or always lose: only the model's draw of programs is uncertain.
    model = np.repeat([[0.0], [1.0], [1.0], [0.0], [1.0], [1.0]], 20, axis=1)
    (low, _, high), p = crossed_difference(np.zeros((1, 20)), model)
    alone = stats.ttest_1samp(model[:, 0], 0.0)
    expected = alone.confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, min(1.0, expected.high)), abs=0.01)
    assert p == pytest.approx(alone.pvalue, rel=0.2)


def test_difference_from_a_program_that_never_won_knows_that_it_might() -> None:
    # The model's scores have no spread, so only the program's twenty seeds are uncertain: (1 / 22)(21 / 22) / 22.
    (low, estimate, high), _ = crossed_difference(np.zeros((1, 20)), np.full((6, 20), 0.5))
    half = stats.t.ppf(0.975, 19) * math.sqrt(1 / 22 * 21 / 22 / 22)
    assert (low, estimate, high) == pytest.approx((0.5 - half, 0.5, 0.5 + half))


@pytest.mark.parametrize(("first", "second"), [((4, 3), (4, 2)), ((1, 3), (1, 3)), ((4, 1), (4, 1)), ((4,), (4, 3))])
def test_difference_refuses_what_does_not_pair(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"need"):
        crossed_difference(np.zeros(first), np.zeros(second))


@pytest.mark.parametrize("p", [0.02, 0.5])
def test_rate_covers(p: float) -> None:
    """A quick look; benchmarks/sweep_coverage.py is the measurement."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(300):
        wins = (rng.random((64, 32)) < rng.beta(p, 1 - p, (64, 1))).astype(float)
        low, _, high = crossed_rate(wins)
        hits += low <= p <= high
    assert hits >= 0.87 * 300
