from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from envrl.evaluation.paired import holm, mcnemar_exact, paired_difference


def _programs(both: int, b: int, c: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two programs of which so many seeds were won by both, the first only, the second only, and neither."""
    counts = [both, b, c, neither]
    return np.repeat([1.0, 1.0, 0.0, 0.0], counts), np.repeat([1.0, 0.0, 1.0, 0.0], counts)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (0, 1), (5, 5), (3, 12), (40, 17), (0, 30)])
def test_mcnemar_is_scipys_binomial_test(b: int, c: int) -> None:
    found = mcnemar_exact(*_programs(4, b, c, 9))
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert (found.b, found.c, found.pairs) == (b, c, 13 + b + c)
    assert found.p_value == pytest.approx(expected)


def test_mcnemar_pairs_only_what_both_were_measured_on() -> None:
    nan = math.nan
    assert mcnemar_exact([1, 1, nan, 0, nan], [0, nan, 1, 1, nan])[:2] == (1, 1)
    assert mcnemar_exact([1, 1, nan, 0, nan], [0, nan, 1, 1, nan]).pairs == 2
    assert mcnemar_exact([nan], [1]) == (0, 0, 1.0, 0)


@pytest.mark.parametrize(("first", "second"), [([1, 0], [1]), ([[1]], [[1]]), ([0.5], [1]), ([1], [2])])
def test_refuses_what_does_not_pair(first: list[object], second: list[object]) -> None:
    with pytest.raises(ValueError, match=r"need shape|must be 0 or 1"):
        mcnemar_exact(first, second)
    with pytest.raises(ValueError, match=r"need shape|must be 0 or 1"):
        paired_difference(first, second)


def test_difference_by_hand() -> None:
    # 36 both, 12 first only, 2 second only, 0 neither: (2 + 1 - 12 - 1) / 52 +- 1.96 sqrt((16/52 - (10/52)^2) / 52)
    low, estimate, high = paired_difference(*_programs(36, 12, 2, 0))
    half = stats.norm.ppf(0.975) * math.sqrt((16 / 52 - (10 / 52) ** 2) / 52)
    assert (low, estimate, high) == pytest.approx((-10 / 52 - half, -0.2, -10 / 52 + half))


@pytest.mark.parametrize(("b", "c"), [(0.0, 0.0), (0.05, 0.05), (0.3, 0.1), (0.02, 0.5)])
def test_difference_covers_by_enumeration(b: float, c: float) -> None:
    """The exact coverage at 40 seeds: the trinomial chance of every split, summed where the interval holds c - b."""
    n = 40
    covered = 0.0
    for first, second in itertools.product(range(n + 1), repeat=2):
        if first + second > n:
            continue
        chance = stats.multinomial.pmf([first, second, n - first - second], n, [b, c, 1 - b - c])
        if chance < 1e-9:
            continue
        low, _, high = paired_difference(*_programs(0, first, second, n - first - second))
        covered += chance * (low <= c - b <= high)
    assert covered >= 0.94


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, math.nan]), st.sampled_from([0.0, 1.0])), min_size=1))
def test_difference_is_an_interval_and_antisymmetric(pairs: list[tuple[float, float]]) -> None:
    first, second = np.array(pairs).T
    low, estimate, high = paired_difference(first, second)
    if math.isnan(estimate):
        assert (low, high) == (-1.0, 1.0)
        return
    assert -1.0 <= low <= estimate <= high <= 1.0
    assert paired_difference(second, first) == pytest.approx((-high, -estimate, -low))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_the_closed_bonferroni_test(p_values: list[float]) -> None:
    """Independent definition: a comparison's p is the largest Bonferroni p of any set of comparisons that holds it."""
    everyone = range(len(p_values))
    expected = []
    for i in everyone:
        others = [j for j in everyone if j != i]
        families = [(i, *some) for size in range(len(p_values)) for some in itertools.combinations(others, size)]
        expected.append(max(min(1.0, len(family) * min(p_values[j] for j in family)) for family in families))
    assert holm(p_values) == pytest.approx(expected)


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []


@pytest.mark.parametrize("p_values", [[0.5, 1.2], [-0.1], [math.nan]])
def test_holm_refuses_what_is_no_p_value(p_values: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values"):
        holm(p_values)
