"""The solver finds all solutions, and only solutions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.envs.sudoku import puzzle, solutions
from envrl.errors import ConfigError

# From Gordon Royle's collection of puzzles with 17 clues, the fewest that there are.
FEWEST = """
    000000010400000000020000000000050407008000300001090000300400200050100000000806000
    000000012000035000000600070700000300000400800100000000000120000080000040050000600
    000000012003600000000007000410020000000500300700000600280000040000300500000000000
    000000012008030000000000040120500000000004700060000000507000300000620000000100000
    000000012040050000000009000070600400000100000000000050000087500601000300200000000
    000000012050400000000000030700600400001000000000080000920000800000510700000003000
    000000012300000060000040000900000500000001070020000000000350400001400800060000000
""".split()


def digits(text: str) -> list[int]:
    return [int(digit) for digit in text]


def keeps_the_rules(grid) -> bool:
    rows = [grid[9 * r : 9 * r + 9] for r in range(9)]
    columns = list(zip(*rows, strict=True))
    boxes = [[rows[r + i][c + j] for i in range(3) for j in range(3)] for r in (0, 3, 6) for c in (0, 3, 6)]
    return all(sorted(unit) == list(range(1, 10)) for unit in [*rows, *columns, *boxes])


def counted(grid: list[int], limit: int) -> int:
    """The number of solutions, the slow and plain way."""
    if 0 not in grid:
        return 1
    cell = grid.index(0)
    row, column = divmod(cell, 9)
    seen = {
        grid[9 * r + c]
        for r in range(9)
        for c in range(9)
        if r == row or c == column or (r // 3, c // 3) == (row // 3, column // 3)
    }
    count = 0
    for digit in set(range(1, 10)) - seen:
        count += counted([*grid[:cell], digit, *grid[cell + 1 :]], limit - count)
        if count >= limit:
            break
    return count


@pytest.mark.parametrize("text", FEWEST)
def test_seventeen_clues_are_solved_and_sixteen_are_not_enough(text):
    grid = digits(text)
    assert sum(digit > 0 for digit in grid) == 17
    (solution,) = solutions(grid)
    assert keeps_the_rules(solution)
    assert all(clue in (0, digit) for clue, digit in zip(grid, solution, strict=True))
    cell = next(cell for cell, digit in enumerate(grid) if digit)
    grid[cell] = 0
    assert len(solutions(grid)) == 2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), more=st.lists(st.integers(0, 80), max_size=8), limit=st.integers(1, 30))
def test_the_solutions_are_all_there_are(seed, more, limit):
    grid = list(puzzle(seed, 38).clues)
    for cell in more:
        grid[cell] = 0
    found = solutions(grid, limit)
    assert len(found) == len(set(found)) == counted(grid, limit)
    for solution in found:
        assert keeps_the_rules(solution)
        assert all(clue in (0, digit) for clue, digit in zip(grid, solution, strict=True))


def test_an_empty_grid_has_as_many_solutions_as_are_asked_for():
    assert len(set(solutions([0] * 81, 100))) == 100


@pytest.mark.parametrize("cells", [{0: 5, 8: 5}, {0: 5, 72: 5}, {0: 5, 20: 5}, {**{c: c for c in range(1, 9)}, 9: 9}])
def test_a_contradiction_has_no_solution(cells):
    assert solutions([cells.get(cell, 0) for cell in range(81)]) == []


def test_two_digits_that_have_one_place_left_are_a_contradiction():
    # In the first row, 1 and 2 are kept out of all cells but the last by the columns.
    grid = [0] * 81
    for column, (one, two) in enumerate([(3, 6), (4, 7), (5, 8)]):
        grid[9 * one + column], grid[9 * two + column] = 1, 2
    grid[9 + 3], grid[18 + 6] = 1, 1
    grid[9 + 6], grid[18 + 3] = 2, 2
    assert solutions(grid) == []


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ([0] * 80, "a grid of 80 cells"),
        ([0] * 80 + [10], "10 in row 8, column 8"),
        ([-1] + [0] * 80, "-1 in row 0, column 0"),
        ([True] + [0] * 80, "True in row 0"),
        (["1"] + [0] * 80, "'1' in row 0"),
    ],
)
def test_what_is_no_grid_is_refused(grid, words):
    with pytest.raises(ConfigError, match=words):
        solutions(grid)


def test_a_limit_below_one_is_refused():
    with pytest.raises(ConfigError, match="limit of 0"):
        solutions([0] * 81, 0)
