"""How hard a Sudoku is: by the techniques that fill it without guessing, never by the number of its clues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from envrl.envs.sudoku.solver import ALL, UNITS, Planes, check_grid, lock, planes_of, propagate, search
from envrl.errors import ConfigError

__all__ = ["GRADES", "Grade", "grade", "grade_of_unique"]

Grade = Literal["easy", "medium", "hard", "expert"]
GRADES: tuple[Grade, ...] = get_args(Grade)
"""``easy``: naked singles suffice (a cell that one digit alone fits). ``medium``: hidden singles, too (a digit that
fits into one cell alone of a row, column or box). ``hard``: locked candidates, naked and hidden pairs, too. ``expert``:
more than these."""


def grade(grid: Sequence[int]) -> Grade:
    """The weakest grade whose techniques fill the grid.

    Args:
        grid: 81 digits row by row, 0 for an empty cell.

    Raises:
        ConfigError: it is no grid, or has not exactly one solution.
    """
    check_grid(grid)
    planes = planes_of(grid)
    count = 0 if planes is None else len(search(planes, 0, 2))
    if count != 1:
        raise ConfigError(f"Sudoku: a grid with {'two or more solutions' if count else 'no solution'} has no grade")
    return grade_of_unique(grid)


def grade_of_unique(grid: Sequence[int]) -> Grade:
    """The grade of a grid that is known to have exactly one solution; `grade` checks that first."""
    planes = planes_of(grid)
    assert planes is not None
    fixed = propagate(planes, 0, hidden=False)
    if fixed == ALL:
        return "easy"
    fixed = propagate(planes, fixed)
    if fixed == ALL:
        return "medium"
    while lock(planes, fixed) or _pair(planes, fixed):
        fixed = propagate(planes, fixed)
        if fixed == ALL:
            return "hard"
    return "expert"


def _pair(planes: Planes, fixed: int) -> bool:
    """Use up naked pairs (two cells of a unit that only the same two digits fit) and hidden pairs (two digits of a unit
    that fit into the same two cells only).

    Returns:
        Whether anything changed.
    """
    before = planes.copy()
    once = twice = thrice = 0
    for plane in planes:
        thrice |= twice & plane
        twice |= once & plane
        once |= plane
    two_digits = twice & ~thrice
    for unit in UNITS:
        if unit & fixed == unit:
            continue
        digits_of: dict[int, list[int]] = {}
        for d, plane in enumerate(planes):
            places = plane & unit
            if places.bit_count() == 2:
                digits_of.setdefault(places, []).append(d)
        for places, digits in digits_of.items():
            if len(digits) == 2:
                for d in range(9):
                    if d not in digits:
                        planes[d] &= ~places
        cells = two_digits & unit
        cells_of: dict[tuple[int, ...], int] = {}
        while cells:
            low = cells & -cells
            cells ^= low
            key = tuple(d for d, plane in enumerate(planes) if plane & low)
            cells_of[key] = cells_of.get(key, 0) | low
        for key, places in cells_of.items():
            if len(key) == 2 and places.bit_count() == 2:
                for d in key:
                    planes[d] &= ~(unit ^ places)
    return planes != before
