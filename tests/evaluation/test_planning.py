from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from envrl.evaluation.components import Table
from envrl.evaluation.planning import (
    clustered_width,
    outlook,
    programs_needed,
    seeds_needed,
    seeds_needed_each,
    seeds_needed_looking,
)
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import crossed_rate, wilson


def _width(interval: tuple[float, float, float]) -> float:
    return interval[2] - interval[0]


@given(st.floats(0.01, 0.6), st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.9, 1.0]))
def test_seeds_are_the_fewest_that_wilson_needs(width: float, rate: float) -> None:
    n = seeds_needed(width, rate)
    assert _width(wilson(rate * n, n)) <= width + 1e-9
    assert n == 1 or _width(wilson(rate * (n - 1), n - 1)) > width - 1e-9


def test_seeds_agree_with_scipys_interval() -> None:
    n = seeds_needed(0.05)
    for more, narrow in ((0, True), (-3, False)):
        theirs = stats.binomtest((n + more) // 2, n + more).proportion_ci(0.95, method="wilson")
        assert bool(theirs.high - theirs.low <= 0.05 + 1e-6) is narrow
    assert n == 1533  # 4 × 1.96² × ¼ / 0.05² less 1.96²


@pytest.mark.parametrize(("width", "rate"), [(0.05, 0.5), (0.1, 0.1), (0.3, 0.0)])
def test_looking_costs_seeds(width: float, rate: float) -> None:
    n = seeds_needed_looking(width, rate)
    assert _width(confidence_sequence(rate * n, n)) <= width < _width(confidence_sequence(rate * (n - 1), n - 1))
    assert n > seeds_needed(width, rate)


@pytest.mark.parametrize("likeness", [0.0, 0.2, 1.0])
def test_programs_are_the_fewest(likeness: float) -> None:
    n = programs_needed(0.1, 32, 0.4, likeness)
    assert n is not None
    assert clustered_width(n, 32, 0.4, likeness) <= 0.1 < clustered_width(n - 1, 32, 0.4, likeness)


def test_seeds_of_each_program_are_the_fewest_or_not_enough() -> None:
    n = seeds_needed_each(0.05, 400, 0.5, 0.1)
    assert n is not None
    assert n > 2
    assert clustered_width(400, n, 0.5, 0.1) <= 0.05 < clustered_width(400, n - 1, 0.5, 0.1)
    assert seeds_needed_each(0.1, 64, 0.5, 0.5) is None
    assert clustered_width(64, math.inf, 0.5, 0.5) > 0.1


def test_all_or_nothing_programs_count_once_each() -> None:
    assert clustered_width(400, 32, 0.5, 1.0) == pytest.approx(_width(wilson(200, 400)), rel=0.01)
    assert clustered_width(400, 32, 0.5, 1.0) == pytest.approx(clustered_width(400, math.inf, 0.5, 1.0), rel=1e-3)
    assert clustered_width(400, 32, 0.5, 0.0) == pytest.approx(_width(wilson(6400, 12800)), rel=0.01)


def test_what_is_planned_is_what_is_found() -> None:
    """The width foreseen from supposed parts of the variance, against the mean of simulated sweeps with those."""
    rng, found = np.random.default_rng(0), []
    for _ in range(60):  # Beta(½, ½): two episodes of one program correlate by 1 / (1 + ½ + ½)
        found.append(_width(crossed_rate((rng.random((48, 24)) < rng.beta(0.5, 0.5, (48, 1))).astype(float))))
    assert clustered_width(48, 24, 0.5, 0.5) == pytest.approx(np.mean(found), rel=0.03)


def _sweep(programs: int, seeds: int, by_program: float, by_seed: float) -> np.ndarray:
    rng = np.random.default_rng([programs, seeds])
    skill = by_program * rng.standard_normal((programs, 1)) + by_seed * rng.standard_normal((1, seeds))
    return (rng.random((programs, seeds)) < 1 / (1 + np.exp(-skill))).astype(float)


@pytest.mark.parametrize(("by_program", "by_seed"), [(0, 0), (2, 0), (0, 2), (1, 1)])
def test_outlook_begins_with_the_interval_at_hand(by_program: float, by_seed: float) -> None:
    wins = _sweep(40, 20, by_program, by_seed)
    now = outlook(wins, 0.05)
    assert now.width == pytest.approx(_width(crossed_rate(wins)))
    assert Table.of(wins).resized(40, 20).mean == pytest.approx(wins.mean())
    assert now.by_seeds <= now.width + 1e-9
    assert now.by_programs <= now.width + 1e-9
    assert (now.wished, now.reached) == (0.05, False)


def test_outlook_when_more_seeds_no_longer_help() -> None:
    now = outlook(_sweep(40, 200, 2.0, 0.0), 0.05)
    assert not now.seeds_help
    assert now.seeds is None
    assert now.by_seeds > 0.95 * now.width
    assert now.programs_help
    assert now.by_programs < 0.02
    assert now.programs is not None
    assert 500 < now.programs < 1500


def test_outlook_when_only_seeds_help() -> None:
    now = outlook(_sweep(400, 12, 0.0, 2.0), 0.05)
    assert now.seeds_help
    assert not now.programs_help
    assert now.seeds is not None
    assert now.seeds > 12


def test_outlook_keeps_its_word() -> None:
    """Twice: what it foresees for four times the seeds, or the programs, is about what a larger sweep then shows."""
    rng = np.random.default_rng(1)
    skill, luck = 1.5 * rng.standard_normal((160, 1)), rng.standard_normal((1, 160))
    wins = (rng.random((160, 160)) < 1 / (1 + np.exp(-skill - luck))).astype(float)
    table = Table.of(wins[:40, :40])
    for programs, seeds in ((160, 40), (40, 160)):
        larger = Table.of(wins[:programs, :seeds]).variance()[0]
        assert table.resized(programs, seeds).variance()[0] == pytest.approx(larger, rel=0.5)


def test_outlook_reached() -> None:
    now = outlook(_sweep(40, 20, 0.0, 0.0), 0.5)
    assert now.reached
    assert now.seeds is not None
    assert now.seeds <= 20


def test_outlook_of_cells_that_agree_counts_programs() -> None:
    now = outlook(np.zeros((8, 8)), 0.05)
    assert now.by_seeds == now.width
    assert not now.seeds_help
    assert now.programs is not None
    assert now.programs > 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seeds_needed(0.0), "width"),
        (lambda: seeds_needed(1.0), "width"),
        (lambda: seeds_needed(0.1, 1.5), "rate"),
        (lambda: seeds_needed(0.1, confidence=0.0), "confidence"),
        (lambda: seeds_needed_looking(1e-6), "a larger one"),
        (lambda: clustered_width(1, 5, 0.5, 0.5), "two programs"),
        (lambda: clustered_width(5, 5, 0.5, -0.5), "likeness"),
        (lambda: outlook(np.zeros((1, 9)), 0.1), "two programs"),
        (lambda: outlook(np.zeros((9, 9)), 1.1), "width"),
        (lambda: outlook(np.zeros(9), 0.1), "shape"),
    ],
)
def test_refuses_what_cannot_be_planned(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        call()


def test_no_number_of_programs_is_enough() -> None:
    assert programs_needed(1e-6, 32) is None
