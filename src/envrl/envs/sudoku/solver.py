"""All solutions of a Sudoku, by singles and search on bit planes.

A grid is 81 digits, row by row, 0 for an empty cell. A state of the solver is nine *planes*: plane d is an integer
whose bit c says that digit d + 1 is still possible in cell c. So one operation of Python works on 81 cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from envrl.errors import ConfigError

__all__ = [
    "ALL",
    "BOXES",
    "CELL_UNITS",
    "COLUMNS",
    "PEERS",
    "ROWS",
    "UNITS",
    "Grid",
    "Planes",
    "check_grid",
    "grid_of",
    "lock",
    "planes_of",
    "propagate",
    "search",
    "solutions",
]

Grid = tuple[int, ...]
Planes = list[int]

ALL = (1 << 81) - 1
ROWS = [sum(1 << (9 * r + c) for c in range(9)) for r in range(9)]
COLUMNS = [sum(1 << (9 * r + c) for r in range(9)) for c in range(9)]
BOXES = [sum(1 << (9 * (r + i) + c + j) for i in range(3) for j in range(3)) for r in (0, 3, 6) for c in (0, 3, 6)]
UNITS = [*ROWS, *COLUMNS, *BOXES]
"""The cells of each row, column and box."""
CELL_UNITS = [tuple(unit for unit in UNITS if unit >> cell & 1) for cell in range(81)]
"""The row, column and box of each cell."""
PEERS = [(units[0] | units[1] | units[2]) & ~(1 << cell) for cell, units in enumerate(CELL_UNITS)]
"""The 20 cells that share a unit with each cell."""

# Each box crossed by each line: the cells that both have, the others of the box, the others of the line.
_CROSSINGS = [(box & line, box & ~line, line & ~box) for box in BOXES for line in [*ROWS, *COLUMNS] if box & line]

# A search that is not over by then is one for which stronger reasoning pays.
_EASY_NODES = 20

# By the cell's bit: what its digit leaves possible.
_NOT_PEERS = {1 << cell: ALL ^ peers for cell, peers in enumerate(PEERS)}


def check_grid(grid: Sequence[int]) -> None:
    """Refuse what is no grid.

    Raises:
        ConfigError: not 81 whole numbers from 0 to 9.
    """
    if len(grid) != 81:
        raise ConfigError(f"Sudoku: a grid of {len(grid)} cells: give 81 digits row by row, 0 for an empty cell")
    for cell, digit in enumerate(grid):
        if type(digit) is not int or not 0 <= digit <= 9:
            row, column = divmod(cell, 9)
            raise ConfigError(f"Sudoku: {digit!r} in row {row}, column {column} of a grid: give a digit from 0 to 9")


def planes_of(grid: Sequence[int]) -> Planes | None:
    """What is possible beside the digits of a grid; None where two of them are in each other's way."""
    cells, seen = [0] * 10, [0] * 10
    for cell, digit in enumerate(grid):
        cells[digit] |= 1 << cell
        seen[digit] |= PEERS[cell]
    if any(cells[digit] & seen[digit] for digit in range(1, 10)):
        return None
    return [cells[digit] | (cells[0] & ~seen[digit]) for digit in range(1, 10)]


def grid_of(planes: Planes) -> Grid:
    """The grid of a state in which each cell has one digit left."""
    grid = [0] * 81
    for digit, plane in enumerate(planes, 1):
        while plane:
            low = plane & -plane
            grid[low.bit_length() - 1] = digit
            plane ^= low
    return tuple(grid)


def propagate(planes: Planes, fixed: int = 0, hidden: bool = True) -> int:
    """Fill in singles until there are none left; the planes are changed in place.

    Args:
        fixed: cells whose digit the planes took account of before.
        hidden: fill in hidden singles (the only place for a digit in a unit) beside naked ones (the only digit for a
            cell).

    Returns:
        The cells that have their digit, or -1 where a cell or a digit of a unit has nothing left.
    """
    while True:
        once = twice = 0
        for plane in planes:
            twice |= once & plane
            once |= plane
        if once != ALL:
            return -1
        naked = once & ~twice & ~fixed
        if naked:
            fixed |= naked
            for d, plane in enumerate(planes):
                cells = plane & naked
                if cells:
                    while cells:
                        low = cells & -cells
                        plane &= _NOT_PEERS[low]
                        cells ^= low
                    planes[d] = plane
            continue
        if fixed == ALL or not hidden:
            return fixed
        found = 0
        places = [0] * 9
        for d, plane in enumerate(planes):
            if plane & fixed != plane:
                for unit in UNITS:
                    place = plane & unit
                    if not place & (place - 1):
                        if not place:
                            return -1
                        places[d] |= place
        for d, place in enumerate(places):
            places[d] = place = place & ~fixed
            if found & place:
                return -1  # two digits have no other place than one cell
            found |= place
        if not found:
            return fixed
        for d, place in enumerate(places):
            planes[d] &= ~(found ^ place)


def lock(planes: Planes, fixed: int) -> bool:
    """Use up locked candidates: a digit that a box has in one line only leaves the rest of the line, and conversely.

    Returns:
        Whether anything changed.
    """
    changed = False
    for d, plane in enumerate(planes):
        if plane & fixed == plane:
            continue
        for shared, box, line in _CROSSINGS:
            if plane & shared and bool(plane & box) != bool(plane & line):
                plane &= shared | ~(box | line)
        changed |= plane != planes[d]
        planes[d] = plane
    return changed


def _narrowest(planes: Planes) -> int:
    """The bit of a cell with the fewest digits left, of those that have more than one."""
    once = twice = thrice = 0
    for plane in planes:
        thrice |= twice & plane
        twice |= once & plane
        once |= plane
    pairs = twice & ~thrice
    if pairs:
        return pairs & -pairs
    cells = [1 << cell for cell in range(81) if twice >> cell & 1]
    return min(cells, key=lambda bit: sum(1 for plane in planes if plane & bit))


def search(
    planes: Planes, fixed: int, limit: int, hidden: bool = True, turn: Callable[[list[int]], list[int]] | None = None
) -> list[Planes]:
    """The first solutions from a state on, at most ``limit``.

    Args:
        planes: changed in place.
        fixed, hidden: see `propagate`.
        turn: the order in which to try the digits of a cell; ascending unless given.
    """
    found: list[Planes] = []
    stack = [(planes, fixed)]
    nodes = 0
    while stack:
        nodes += 1
        planes, fixed = stack.pop()
        fixed = propagate(planes, fixed, hidden)
        if fixed < 0:
            continue
        if fixed == ALL:
            found.append(planes)
            if len(found) == limit:
                break
            continue
        if nodes > _EASY_NODES and lock(planes, fixed):
            stack.append((planes, fixed))
            continue
        bit = _narrowest(planes)
        without = [plane & ~bit for plane in planes]
        digits = [d for d, plane in enumerate(planes) if plane & bit]
        for d in reversed(turn(digits) if turn else digits):
            child = without.copy()
            child[d] |= bit
            stack.append((child, fixed))
    return found


def solutions(grid: Sequence[int], limit: int = 2) -> list[Grid]:
    """The solutions of a grid, at most ``limit`` of them; with two the question of uniqueness is answered.

    Args:
        grid: 81 digits row by row, 0 for an empty cell.

    Raises:
        ConfigError: it is no grid, or the limit is below 1.
    """
    check_grid(grid)
    if limit < 1:
        raise ConfigError(f"Sudoku: a limit of {limit} solutions: give 1 or more")
    planes = planes_of(grid)
    return [] if planes is None else [grid_of(found) for found in search(planes, 0, limit)]
