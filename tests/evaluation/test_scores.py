from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from envrl.evaluation.scores import interquartile_mean, iqm_interval, mean_interval
from envrl.evaluation.statistics import Interval

Of = Callable[..., Interval]
BOTH = pytest.mark.parametrize("interval_of", [mean_interval, iqm_interval])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_iqm_is_scipys_trimmed_mean(scores: list[float]) -> None:
    assert interquartile_mean(scores) == pytest.approx(stats.trim_mean(scores, 0.25), rel=1e-9, abs=1e-9)


def test_iqm_leaves_out_what_was_not_measured() -> None:
    assert interquartile_mean([[1, math.nan], [math.nan, 1000], [3, -50]]) == 2.0
    assert math.isnan(interquartile_mean([math.nan]))


def _scores(programs: int = 24, seeds: int = 16) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.exponential(100.0, (programs, seeds)) + 40.0 * rng.standard_normal((programs, 1))


def test_the_estimates_are_plain() -> None:
    scores = _scores()
    assert mean_interval(scores, rng=np.random.default_rng(0)).estimate == pytest.approx(scores.mean())
    assert iqm_interval(scores, rng=np.random.default_rng(0)).estimate == interquartile_mean(scores)


def test_a_resample_is_what_repeated_programs_and_seeds_score() -> None:
    """The weighted interquartile mean of a resample against scipy's of the repeated table, with gaps and ties."""
    rng = np.random.default_rng(4)
    scores = rng.integers(0, 9, (7, 5)).astype(float)
    scores[2, 3] = scores[5, 0] = math.nan
    drawn: list[float] = []

    class Recording(np.random.Generator):
        def multinomial(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            counts = super().multinomial(*args, **kwargs)
            draws.append(counts)
            return counts

    draws: list[np.ndarray] = []
    ours = iqm_interval(scores, 0.5, rng=Recording(np.random.PCG64(1)), resamples=100)
    for rows, columns in zip(draws[::2], draws[1::2], strict=True):
        for r, c in zip(rows, columns, strict=True):
            repeated = np.repeat(np.repeat(scores, r, axis=0), c, axis=1)
            drawn.append(stats.trim_mean(repeated[~np.isnan(repeated)], 0.25))
    # The ends keep the shape of the resamples: their distances from the estimate stand in the same ratio.
    low, high = np.quantile(drawn, [0.25, 0.75])
    assert len(drawn) == 100
    assert (ours.high - ours.estimate) * (ours.estimate - low) == pytest.approx(
        (ours.estimate - ours.low) * (high - ours.estimate)
    )


@BOTH
def test_the_mean_of_normal_scores_of_one_program_has_students_interval(interval_of: Of) -> None:
    scores = np.random.default_rng(5).standard_normal(60)
    ours = interval_of(scores[None, :], rng=np.random.default_rng(0), resamples=4000)
    if interval_of is mean_interval:
        theirs = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)
    else:
        theirs = stats.bootstrap(
            (scores,), interquartile_mean, vectorized=False, method="percentile", rng=np.random.default_rng(1)
        ).confidence_interval
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.12 * width)


@BOTH
def test_programs_that_differ_count_as_one_trial_each(interval_of: Of) -> None:
    """Rows that are constant: forty seeds say no more than one."""
    skill = np.random.default_rng(6).standard_normal((40, 1))
    many = interval_of(np.repeat(skill, 40, axis=1), rng=np.random.default_rng(0))
    one = interval_of(skill, rng=np.random.default_rng(0))
    assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.15)


@BOTH
def test_scores_without_clusters_are_nearly_independent(interval_of: Of) -> None:
    scores = np.random.default_rng(7).standard_normal((40, 25))
    crossed = interval_of(scores, rng=np.random.default_rng(0))
    plain = interval_of(scores.reshape(1, -1), rng=np.random.default_rng(0))
    assert 0.8 < (crossed.high - crossed.low) / (plain.high - plain.low) < 1.4


@BOTH
def test_it_shifts_and_scales_with_the_scores(interval_of: Of) -> None:
    scores = _scores()
    plain = interval_of(scores, rng=np.random.default_rng(0))
    moved = interval_of(3.0 * scores + 7.0, rng=np.random.default_rng(0))
    assert moved == pytest.approx([3.0 * end + 7.0 for end in plain])


@BOTH
def test_the_same_state_gives_the_same_interval(interval_of: Of) -> None:
    first, again, other = (interval_of(_scores(), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


@BOTH
def test_what_was_not_measured_is_left_out(interval_of: Of) -> None:
    scores = _scores()
    padded = np.full((26, 18), math.nan)
    padded[1:25, 1:17] = scores
    assert interval_of(padded, rng=np.random.default_rng(0)) == interval_of(scores, rng=np.random.default_rng(0))
    sparse = np.full((4, 4), math.nan)  # many resamples hold no cell at all
    np.fill_diagonal(sparse, [1.0, 2.0, 3.0, 4.0])
    low, estimate, high = interval_of(sparse, rng=np.random.default_rng(0))
    assert low < estimate == 2.5 < high


@BOTH
def test_little_says_nothing(interval_of: Of) -> None:
    low, estimate, high = interval_of([[5.0]], rng=np.random.default_rng(0))
    assert (low, estimate, high) == (-math.inf, 5.0, math.inf)
    low, estimate, high = interval_of([[math.nan]], rng=np.random.default_rng(0))
    assert (low, high) == (-math.inf, math.inf)
    assert math.isnan(estimate)
    assert interval_of(np.full((4, 4), 2.0), rng=np.random.default_rng(0)) == (2.0, 2.0, 2.0)


@BOTH
@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([1.0], {}, "shape"),
        ([[math.inf]], {}, "finite"),
        ([[1.0, 2.0]], {"confidence": 1.0}, "confidence"),
        ([[1.0, 2.0]], {"resamples": 99}, "resamples"),
    ],
)
def test_refuses_bad_input(interval_of: Of, scores: object, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        interval_of(scores, rng=np.random.default_rng(0), **options)
