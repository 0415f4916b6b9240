"""Intervals of answers to questions: what they come to in known cases, and what they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from envrl.evaluation.clustered import clustered_difference, clustered_rate
from envrl.evaluation.statistics import wilson

WINS = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 12)), elements=st.sampled_from([0.0, 1.0]))


def drawn(rng, passes, questions, rate, likeness):
    """Answers whose questions differ in difficulty; the higher the likeness the more."""
    hardness = rng.beta(rate / likeness, (1 - rate) / likeness, questions)
    return (rng.random((passes, questions)) < hardness).astype(float)


def test_one_answer_a_question_has_wilsons_interval():
    assert clustered_rate([[1, 0, 0, 1, 1, np.nan]]) == wilson(3, 5)


def test_equal_answers_to_a_question_are_no_further_evidence():
    one = np.array([[1.0, 0, 0, 1, 1, 0, 1, 1, 1, 0]])
    low, rate, high = clustered_rate(np.repeat(one, 8, axis=0))
    plain = clustered_rate(one)
    assert rate == plain.estimate
    assert high - low >= 0.95 * (plain.high - plain.low)


def test_answers_that_all_agree_count_by_questions():
    low, rate, high = clustered_rate(np.ones((4, 100)))
    assert (rate, high) == (1.0, 1.0)
    assert 0.95 < low < 0.97
    assert clustered_rate(np.ones((4, 10))).low < 0.75


def test_without_answers_nothing_is_known():
    low, rate, high = clustered_rate(np.full((3, 4), np.nan))
    assert (low, high) == (0.0, 1.0)
    assert math.isnan(rate)
    assert clustered_rate([[1.0], [0.0]]).low < 0.1


@given(WINS)
def test_an_interval_holds_its_estimate_and_stays_in_range(wins):
    low, rate, high = clustered_rate(wins)
    assert 0.0 <= low <= rate <= high <= 1.0
    assert rate == pytest.approx(wins.mean())


@given(WINS, st.data())
def test_a_difference_turns_round_with_its_sides(before, data):
    after = data.draw(arrays(np.float64, before.shape, elements=st.sampled_from([0.0, 1.0])))
    there, back = clustered_difference(before, after), clustered_difference(after, before)
    assert there.interval.estimate == pytest.approx(after.mean() - before.mean())
    assert there.interval.low == pytest.approx(-back.interval.high)
    assert there.p_value == pytest.approx(back.p_value)
    assert there.interval.low <= there.interval.estimate <= there.interval.high


def test_nothing_that_changed_still_leaves_a_width():
    same = clustered_difference(np.zeros((4, 30)), np.zeros((4, 30)))
    assert same.interval.low < -0.05 < 0.05 < same.interval.high
    assert same.p_value == 1.0


def test_a_change_of_all_questions_is_certain():
    found = clustered_difference(np.zeros((2, 60)), np.ones((3, 60)))
    assert found.interval.estimate == 1.0
    assert found.interval.low > 0.85
    assert found.p_value < 1e-6


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (np.ones((2, 3)), np.ones((2, 4)), "the same questions"),
        (np.ones((2, 1)), np.ones((2, 1)), "two common questions, got 1"),
        (np.ones((2, 3)), 2 * np.ones((2, 3)), "wins must lie in"),
    ],
)
def test_what_does_not_pair_is_an_error(before, after, said):
    with pytest.raises(ValueError, match=said):
        clustered_difference(before, after)


@pytest.mark.parametrize(
    ("passes", "questions", "rate", "likeness", "least"),
    [(4, 64, 0.5, 1.0, 0.93), (8, 64, 0.1, 0.5, 0.93), (4, 200, 0.02, 0.2, 0.90)],
)
def test_intervals_cover(passes, questions, rate, likeness, least):
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(600):
        low, _, high = clustered_rate(drawn(rng, passes, questions, rate, likeness))
        held += low <= rate <= high
    assert held / 600 > least - 0.015  # 600 draws tell a coverage of 0.95 to 0.018
