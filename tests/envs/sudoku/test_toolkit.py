"""The lent helpers do what their documentation says, against slow and plain ways to say it."""

from __future__ import annotations

import copy
import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envrl.envs.sudoku import puzzle

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def boards(draw):
    """Boards of some game, with a few digits more or less: rules may be broken on them."""
    made = puzzle(draw(st.integers(0, 50)), 45, None)
    cells = list(made.clues)
    for cell, digit in draw(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 9)), max_size=12)):
        cells[cell] = digit
    return [cells[start : start + 9] for start in range(0, 81, 9)]


def neighbours(row, column):
    return [
        (r, c)
        for r in range(9)
        for c in range(9)
        if (r, c) != (row, column) and (r == row or c == column or (r // 3, c // 3) == (row // 3, column // 3))
    ]


def fits(board, row, column):
    if board[row][column]:
        return []
    return [d for d in range(1, 10) if all(board[r][c] != d for r, c in neighbours(row, column))]


@QUICK
@given(board=boards(), data=st.data())
def test_helpers_say_what_the_rules_say(helpers, board, data):
    before = copy.deepcopy(board)
    empty = [(r, c) for r in range(9) for c in range(9) if not board[r][c]]
    legal = [(r, c, d) for r, c in empty for d in fits(board, r, c)]
    assert helpers["blanks"](board) == empty
    assert helpers["moves"](board) == legal
    assert helpers["dead"](board) == sum(not fits(board, r, c) for r, c in empty)
    row, column = data.draw(st.tuples(st.integers(0, 8), st.integers(0, 8)))
    assert helpers["candidates"](board, row, column) == fits(board, row, column)
    assert helpers["peers"](row, column) == neighbours(row, column)
    if legal:
        move = r, c, d = data.draw(st.sampled_from(legal))
        places = [(y, x) for y, x in empty if d in fits(board, y, x)]
        assert helpers["options"](board, move) == len(fits(board, r, c))
        assert helpers["in_row"](board, move) == sum(y == r for y, x in places)
        assert helpers["in_col"](board, move) == sum(x == c for y, x in places)
        assert helpers["in_box"](board, move) == sum((y // 3, x // 3) == (r // 3, c // 3) for y, x in places)
        after = helpers["placed"](board, move)
        assert [(y, x) for y in range(9) for x in range(9) if after[y][x] != board[y][x]] == [(r, c)]
        assert after[r][c] == d
    assert board == before, "a helper changed its argument"


def test_a_board_that_its_owner_changed_is_looked_at_again(helpers):
    board = [list(row) for row in [[0] * 9] * 9]
    assert helpers["in_row"](board, (0, 0, 5)) == 9
    board[0][8] = 5
    assert helpers["candidates"](board, 0, 0) == [1, 2, 3, 4, 6, 7, 8, 9]
    assert helpers["in_row"](board, (0, 0, 5)) == 0
    assert helpers["options"](board, (0, 0, 1)) == 8
    assert helpers["options"](board, (0, 8, 5)) == 0


def test_what_is_handed_out_is_the_strategys_own(helpers):
    board = [[0] * 9 for _ in range(9)]
    for call in (lambda: helpers["moves"](board), lambda: helpers["blanks"](board), lambda: helpers["peers"](0, 0)):
        first = call()
        call().clear()
        assert call() == first
    helpers["candidates"](board, 0, 0).clear()
    assert helpers["candidates"](board, 0, 0) == list(range(1, 10))
    helpers["placed"](board, (0, 0, 1))[1][1] = 7
    assert board == [[0] * 9 for _ in range(9)]


def test_rows_as_tuples_will_do(helpers):
    board = [list(puzzle(1, 45, None).clues[start : start + 9]) for start in range(0, 81, 9)]
    frozen = tuple(map(tuple, board))
    assert helpers["moves"](frozen) == helpers["moves"](board)


def test_choice_takes_every_move_at_times_by_the_games_own_random(helpers):
    random.seed(1)
    first = [helpers["choice"]([(0, 0, 1), (0, 0, 2)]) for _ in range(200)]
    random.seed(1)
    assert first == [helpers["choice"]([(0, 0, 1), (0, 0, 2)]) for _ in range(200)]
    assert min(Counter(first).values()) > 60
