from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from envrl.evaluation.components import Table, matrix, rates, satterthwaite


def _crossed(programs: int = 12, seeds: int = 9) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (
        2.0 * rng.standard_normal((programs, 1))
        + 1.0 * rng.standard_normal((1, seeds))
        + rng.standard_normal((programs, seeds))
    )


def test_the_parts_are_those_of_the_two_way_analysis_of_variance() -> None:
    cells = _crossed()
    programs, seeds = cells.shape
    rows, columns, mean = cells.mean(axis=1), cells.mean(axis=0), cells.mean()
    by_rows = seeds * ((rows - mean) ** 2).sum() / (programs - 1)
    by_columns = programs * ((columns - mean) ** 2).sum() / (seeds - 1)
    rest = ((cells - rows[:, None] - columns + mean) ** 2).sum() / ((programs - 1) * (seeds - 1))
    table = Table.of(cells)
    assert table.mean == pytest.approx(mean)
    assert table.residual == pytest.approx(rest)
    assert table.residual_df == (programs - 1) * (seeds - 1)
    assert table.rows.shared(table.residual) == pytest.approx((by_rows - rest) / seeds)
    assert table.columns.shared(table.residual) == pytest.approx((by_columns - rest) / programs)
    assert table.variance()[0] == pytest.approx((by_rows + by_columns - rest) / cells.size)


def test_the_variance_is_unbiased() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(3000):
        cells = rng.standard_normal((6, 1)) + 0.5 * rng.standard_normal((1, 5)) + rng.standard_normal((6, 5))
        table = Table.of(cells)
        found.append(table.rows.variance / 6 + table.columns.variance / 5 - table.residual / 30)
    true = 1.0 / 6 + 0.25 / 5 + 1.0 / 30
    assert np.mean(found) == pytest.approx(true, abs=4 * np.std(found) / math.sqrt(3000))


def test_one_row_has_the_variance_of_a_plain_mean() -> None:
    scores = np.random.default_rng(2).standard_normal((1, 20))
    variance, df = Table.of(scores).variance()
    assert variance == pytest.approx(stats.sem(scores[0]) ** 2)
    assert df == pytest.approx(19)


def test_satterthwaite_is_welchs() -> None:
    one, two = np.random.default_rng(3).standard_normal(8), 3.0 * np.random.default_rng(4).standard_normal(15)
    terms = [(stats.sem(sample) ** 2, len(sample) - 1.0) for sample in (one, two)]
    expected = stats.ttest_ind(one, two, equal_var=False).df
    assert satterthwaite(sum(term for term, _ in terms), terms) == pytest.approx(expected)


def test_a_planned_table_is_the_one_that_such_a_sample_shows() -> None:
    cells = _crossed()
    table = Table.of(cells)
    again = table.resized(*cells.shape)
    assert again.variance() == pytest.approx(table.variance())
    larger = table.resized(24, 18)
    by_program, by_seed = (side.shared(table.residual) for side in (table.rows, table.columns))
    assert larger.variance()[0] == pytest.approx(by_program / 24 + by_seed / 18 + table.residual / (24 * 18))
    assert larger.rows.shared(larger.residual) == pytest.approx(by_program)


def test_gaps_count_as_not_there() -> None:
    cells = _crossed()
    padded = np.full((14, 11), math.nan)
    padded[1:13, 1:10] = cells
    assert matrix(padded).tolist() == cells.tolist()


def test_refuses_what_is_no_table() -> None:
    with pytest.raises(ValueError, match="shape"):
        matrix([1.0])
    with pytest.raises(ValueError, match="finite"):
        matrix([[math.inf]])
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        rates([[1.5]])
