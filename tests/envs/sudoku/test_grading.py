"""Grades: which techniques fill a grid, by plain logic of their own."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.envs.sudoku import grade, puzzle
from envrl.errors import ConfigError

ROWS = [[(r, c) for c in range(9)] for r in range(9)]
COLUMNS = [[(r, c) for r in range(9)] for c in range(9)]
BOXES = [[(r + i, c + j) for i in range(3) for j in range(3)] for r in (0, 3, 6) for c in (0, 3, 6)]
UNITS = [*ROWS, *COLUMNS, *BOXES]
EMPTY = [0] * 81


def naked(left):
    return {cell: set(digits) for cell, digits in left.items() if len(digits) == 1}


def hidden(left):
    found = {}
    for unit, digit in itertools.product(UNITS, range(1, 10)):
        places = [cell for cell in unit if digit in left[cell]]
        if len(places) == 1:
            found[places[0]] = {digit}
    return found


def locked(left):
    found = {}
    for a, b, digit in itertools.product(UNITS, UNITS, range(1, 10)):
        places = [cell for cell in a if digit in left[cell]]
        if a != b and len(places) > 1 and set(places) <= set(b):
            for cell in set(b) - set(places):
                found[cell] = found.get(cell, left[cell]) - {digit}
    return found


def pairs(left):
    for unit in UNITS:
        for two in itertools.combinations(unit, 2):
            others = [cell for cell in unit if cell not in two]
            digits = left[two[0]] | left[two[1]]
            alone = {digit for digit in digits if not any(digit in left[cell] for cell in others)}
            if len(digits) == 2:
                found = {cell: left[cell] - digits for cell in others if left[cell] & digits}
            elif len(alone) == 2:
                found = {cell: left[cell] & alone for cell in two}
            else:
                continue
            if found:
                return found
    return {}


def filled(grid, techniques) -> bool:
    """Whether the techniques, used until none has anything to say, leave one digit a cell."""
    left = {(r, c): {grid[9 * r + c]} if grid[9 * r + c] else set(range(1, 10)) for r in range(9) for c in range(9)}
    changed = True
    while changed:
        changed = False
        for cell in [cell for cell in left if len(left[cell]) == 1]:
            for unit in UNITS:
                if cell in unit:
                    for peer in unit:
                        if peer != cell and left[peer] & left[cell]:
                            left[peer] = left[peer] - left[cell]
                            changed = True
        if changed:
            continue
        for technique in techniques:
            found = {cell: digits for cell, digits in technique(left).items() if digits != left[cell]}
            if found:
                left.update(found)
                changed = True
                break
    return all(len(digits) == 1 for digits in left.values())


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), blanks=st.integers(44, 54))
def test_a_grade_is_the_weakest_set_of_techniques_that_fills_the_grid(seed, blanks):
    grid = puzzle(seed, min(blanks, 52)).clues
    if filled(grid, [naked]):
        expected = "easy"
    elif filled(grid, [naked, hidden]):
        expected = "medium"
    elif filled(grid, [naked, hidden, locked, pairs]):
        expected = "hard"
    else:
        expected = "expert"
    assert grade(grid) == expected


@pytest.mark.parametrize("wanted", ["hard", "expert"])
def test_hard_puzzles_need_what_their_grade_says(wanted):
    for seed in range(4):
        grid = puzzle(seed, 54, wanted).clues
        assert not filled(grid, [naked, hidden])
        assert filled(grid, [naked, hidden, locked, pairs]) == (wanted == "hard")


@pytest.mark.parametrize(("grid", "words"), [(EMPTY, "two or more"), ([5, 5, *EMPTY[2:]], "no solution")])
def test_a_grid_without_its_one_solution_has_no_grade(grid, words):
    with pytest.raises(ConfigError, match=words):
        grade(grid)
