"""Sudoku puzzles with exactly one solution, from a seed, of a wanted number of empty cells and a wanted grade.

A full grid is drawn, then clues are taken away in random order as long as the solution stays the only one.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import struct
from collections.abc import Sequence
from typing import NamedTuple

from envrl.envs.sudoku.grading import GRADES, Grade, grade_of_unique
from envrl.envs.sudoku.solver import ALL, BOXES, CELL_UNITS, PEERS, Grid, grid_of, planes_of, search
from envrl.errors import ConfigError, UnknownNameError

__all__ = ["BLANKS", "Puzzle", "check_wanted", "puzzle"]

BLANKS: dict[Grade | None, range] = {
    None: range(1, 55),
    "easy": range(30, 51),
    "medium": range(40, 55),
    "hard": range(48, 55),
    "expert": range(48, 55),
}
"""Numbers of empty cells that can be had: where drawing until the grade fits took less than 0.1 s on average."""

_DRAWS = 100_000
_MASK_63 = 2**63 - 1
_DIAGONAL = [[cell for cell in range(81) if BOXES[box] >> cell & 1] for box in (0, 4, 8)]


class Puzzle(NamedTuple):
    """A puzzle and its only solution: 81 digits each, row by row, 0 for an empty cell."""

    clues: Grid
    solution: Grid


def check_wanted(blanks: int, grade: Grade | None) -> None:
    """Refuse a wish that no puzzle, or hardly one, fulfils.

    Raises:
        UnknownNameError: there is no such grade.
        ConfigError: the number of empty cells lies outside `BLANKS`.
    """
    if grade is not None and grade not in GRADES:
        raise UnknownNameError("grade of a Sudoku", str(grade), GRADES)
    allowed = BLANKS[grade]
    if type(blanks) is not int or blanks not in allowed:
        kind = f"{grade} puzzle" if grade else "puzzle"
        raise ConfigError(
            f"Sudoku: {blanks!r} blanks are not to be had of {kind}s: "
            f"give a whole number from {allowed[0]} to {allowed[-1]}"
        )


def puzzle(seed: int, blanks: int, grade: Grade | None = None) -> Puzzle:
    """The puzzle of a seed.

    Puzzles are drawn until one has the wanted number of empty cells and the wanted grade; draw k is a function of seed
    and k alone. No other grade is ever given instead.

    Args:
        seed: its low 63 bits count.
        blanks: number of empty cells.
        grade: see `envrl.envs.sudoku.grading`; None for whatever comes.

    Raises:
        UnknownNameError, ConfigError: see `check_wanted`; or a hundred thousand draws were in vain.
    """
    check_wanted(blanks, grade)
    return _wanted(seed & _MASK_63, blanks, grade)


# All strategies of a group play the same games.
@functools.lru_cache(maxsize=4096)
def _wanted(seed: int, blanks: int, grade: Grade | None) -> Puzzle:
    for attempt in range(_DRAWS):
        drawn = _draw(seed, attempt, blanks)
        if drawn is not None and (grade is None or grade_of_unique(drawn.clues) == grade):
            return drawn
    raise ConfigError(f"Sudoku: seed {seed} has no {grade} puzzle with {blanks} blanks: give another number of blanks")


def _draw(seed: int, attempt: int, blanks: int) -> Puzzle | None:
    """One full grid with clues taken away; None if not enough of them can be."""
    # SHAKE-256 gives as many random bits as are wanted, the same everywhere and in every version.
    key = b"envrl.sudoku" + struct.pack("<QQ", seed, attempt)
    words = struct.unpack("<189Q", hashlib.shake_256(key).digest(8 * 189))
    solution = _full_grid(words[:108])
    clues = _take_away(solution, _shuffled(words[108:]), blanks)
    return None if clues is None else Puzzle(clues, solution)


def _shuffled(words: Sequence[int]) -> list[int]:
    """The places of the words in the order of their size: a random permutation."""
    return sorted(range(len(words)), key=words.__getitem__)


def _full_grid(words: Sequence[int]) -> Grid:
    """A filled grid: three boxes that share no line at random, the rest by search with random turns.

    Args:
        words: 27 for the boxes, then as many as you like for the search.
    """
    grid = [0] * 81
    for number, cells in enumerate(_DIAGONAL):
        for cell, place in zip(cells, _shuffled(words[9 * number : 9 * number + 9]), strict=True):
            grid[cell] = place + 1
    planes = planes_of(grid)
    assert planes is not None
    turns = itertools.cycle(words[27:])

    def turn(digits: list[int]) -> list[int]:
        first = next(turns) % len(digits)
        return digits[first:] + digits[:first]

    return grid_of(search(planes, 0, 1, False, turn)[0])


def _take_away(solution: Grid, order: Sequence[int], blanks: int) -> Grid | None:
    """Empty cells of a solved grid, in the given order, as long as it stays the only solution.

    Returns:
        The clues once there are enough empty cells; None if there are never.
    """
    clues = list(solution)
    places = [0] * 9  # of each digit among the clues, as bits
    for cell, digit in enumerate(solution):
        places[digit - 1] |= 1 << cell
    seen = [0] * 9  # the cells that share a unit with one of them
    for d in range(9):
        seen[d] = _seen_from(places[d])
    empty = taken = 0
    for cell in order:
        if taken == blanks:
            break
        bit, d = 1 << cell, solution[cell] - 1
        places[d] ^= bit
        before, seen[d] = seen[d], _seen_from(places[d])
        empty |= bit
        if _single(cell, d, empty, seen) or not _another(cell, d, empty, places, seen):
            clues[cell] = 0
            taken += 1
        else:
            places[d] |= bit
            seen[d] = before
            empty ^= bit
    return tuple(clues) if taken == blanks else None


def _seen_from(places: int) -> int:
    seen = 0
    while places:
        low = places & -places
        seen |= PEERS[low.bit_length() - 1]
        places ^= low
    return seen


def _single(cell: int, digit: int, empty: int, seen: Sequence[int]) -> bool:
    """Whether a digit is a naked or hidden single of its cell: then the cell can be filled at once."""
    possible = empty & ~seen[digit]
    bit = 1 << cell
    if any(possible & unit == bit for unit in CELL_UNITS[cell]):
        return True
    return all(others & bit for d, others in enumerate(seen) if d != digit)


def _another(cell: int, digit: int, empty: int, places: Sequence[int], seen: Sequence[int]) -> bool:
    """Whether there is a solution with another digit in the cell."""
    planes = [place | (empty & ~others) for place, others in zip(places, seen, strict=True)]
    planes[digit] &= ~(1 << cell)
    return bool(search(planes, ALL ^ empty, 1))
