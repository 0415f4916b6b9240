"""The lent helpers do what their documentation says, against slow and plain ways to say it."""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envrl.envs import find_task
from envrl.envs.game2048 import ACTIONS, Boards, merge_row
from envrl.envs.game2048.games import Lockstep

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def boards(draw):
    """Nested lists of tile values; few kinds of tiles, so that there is something to merge."""
    size = draw(st.integers(3, 8))
    exponents = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3, 9, 11, 17, 64])
    return [[1 << k if (k := draw(exponents)) else 0 for _ in range(size)] for _ in range(size)]


def exponent(tile):
    return tile.bit_length() - 1 if tile else 0


def lines(board, move):
    """Rows or columns, each from the wall on."""
    size = len(board)
    columns = [[board[r][c] for r in range(size)] for c in range(size)]
    found = [list(row) for row in board] if move in "AD" else columns
    return [line[::-1] for line in found] if move in "DS" else found


def slow_slide(board, move):
    """The board after a move and its gain, by the engine's own rule for a row."""
    size = len(board)
    after = [[0] * size for _ in range(size)]
    gain = 0
    for number, line in enumerate(lines(board, move)):
        merged, gained = merge_row(tuple(map(exponent, line)))
        gain += gained
        for place, k in enumerate(merged):
            place = size - 1 - place if move in "DS" else place
            row, column = (number, place) if move in "AD" else (place, number)
            after[row][column] = 1 << k if k else 0
    return after, gain


def neighbours(board):
    """Pairs of neighbouring cells, along rows and columns."""
    size = len(board)
    for r in range(size):
        for c in range(size):
            if c + 1 < size:
                yield board[r][c], board[r][c + 1]
            if r + 1 < size:
                yield board[r][c], board[r + 1][c]


@QUICK
@given(board=boards())
def test_slide_score_and_legal_are_the_engines(helpers, board):
    effective = []
    for move in ACTIONS:
        after, gain = slow_slide(board, move)
        slid = helpers["slide"](board, move)
        assert slid == after
        assert type(slid) is list
        assert all(type(row) is list for row in slid)
        assert all(type(tile) is int for row in slid for tile in row)
        assert helpers["score_of"](board, move) == gain
        if after != board:
            effective.append(move)
    assert helpers["legal"](board) == effective


@QUICK
@given(board=boards())
def test_what_is_counted_on_a_board(helpers, board):
    size = len(board)
    cells = [tile for row in board for tile in row]
    border = [board[r][c] for r in range(size) for c in range(size) if r in (0, size - 1) or c in (0, size - 1)]
    corners = (board[0][0], board[0][-1], board[-1][0], board[-1][-1])
    top = max(cells)
    assert helpers["empties"](board) == cells.count(0)
    assert helpers["merges"](board) == sum(a == b != 0 for a, b in neighbours(board))
    assert helpers["maxtile"](board) == top
    assert helpers["edge"](board) == sum(exponent(tile) for tile in border)
    if top:
        assert helpers["corner"](board) == (math.log2(top) if top in corners else 0)


@QUICK
@given(board=boards())
def test_order_and_smoothness(helpers, board):
    mono = smooth = 0
    for move in "AW":
        for line in lines(board, move):
            powers = [tile.bit_length() for tile in line]
            rises = sum(max(b - a, 0) for a, b in itertools.pairwise(powers))
            falls = sum(max(a - b, 0) for a, b in itertools.pairwise(powers))
            mono -= min(rises, falls)
            tiles = [power for power in powers if power]
            smooth -= sum(abs(a - b) for a, b in itertools.pairwise(tiles))
    assert helpers["mono"](board) == mono <= 0
    assert helpers["smooth"](board) == smooth <= 0


def test_the_worst_measures_of_the_largest_board_do_not_run_into_each_other(helpers):
    full = [[2**65] * 8] * 8
    rough = [[(2**65, 2)[(r + c) % 2] for c in range(8)] for r in range(8)]
    peaks = [[2**65 if r % 2 and c % 2 else 0 for c in range(8)] for r in range(8)]
    measures = [[helpers[name](board) for name in ("merges", "mono", "smooth")] for board in (full, rough, peaks)]
    assert measures == [[112, 0, 0], [0, -16 * 3 * 64, -16 * 7 * 64], [0, -8 * 3 * 66, 0]]


def test_a_board_that_is_changed_in_place_is_measured_anew(helpers):
    board = [[2, 4, 8], [0, 0, 0], [0, 0, 0]]
    assert [helpers["mono"](board), helpers["merges"](board), helpers["smooth"](board)] == [0, 0, -2]
    board[0][2] = 4
    assert [helpers["merges"](board), helpers["smooth"](board), helpers["mono"](board)] == [1, -1, 0]
    board[1][0] = 8
    assert [helpers["smooth"](board), helpers["merges"](board), helpers["mono"](board)] == [-3, 1, -2]


@pytest.mark.parametrize("board", [[[0] * 9] * 3, [[0] * 3] * 9, [[2**66, 0, 0]] * 3])
@pytest.mark.parametrize("measure", ["merges", "mono", "smooth"])
def test_what_is_no_board_is_not_measured(helpers, measure, board):
    with pytest.raises(ValueError, match="at most 8 rows and columns, and no tile above"):
        helpers[measure](board)


@QUICK
@given(board=boards(), move=st.sampled_from(ACTIONS))
def test_no_helper_changes_its_argument_or_hands_out_what_it_keeps(helpers, board, move):
    before = copy.deepcopy(board)
    for name in ("legal", "empties", "merges", "mono", "smooth", "maxtile", "corner", "edge"):
        helpers[name](board)
        assert board == before, name
    for name in ("slide", "score_of"):
        helpers[name](board, move)
        assert board == before, name
    # A strategy may change what it is given; the next answer is the same.
    spoilt = helpers["slide"](board, move)
    spoilt[0][0] = 512
    assert spoilt[0] is not board[0]
    helpers["legal"](board).clear()
    assert helpers["slide"](board, move) == slow_slide(board, move)[0]
    assert helpers["legal"](board) == [m for m in ACTIONS if slow_slide(board, m)[0] != board]


def test_rows_as_tuples_will_do(helpers):
    board = [[2, 2, 0], [0, 4, 4], [8, 0, 8]]
    frozen = tuple(map(tuple, board))
    assert helpers["legal"](frozen) == helpers["legal"](board)
    assert helpers["slide"](frozen, "A") == [[4, 0, 0], [8, 0, 0], [16, 0, 0]]


def test_each_tile_merges_once_nearest_the_wall_first(helpers):
    board = [[2, 2, 2, 0], [4, 4, 8, 0], [2, 2, 2, 2], [0, 0, 0, 2]]
    assert helpers["slide"](board, "A") == [[4, 2, 0, 0], [8, 8, 0, 0], [4, 4, 0, 0], [2, 0, 0, 0]]
    assert helpers["score_of"](board, "A") == 4 + 8 + 8


@pytest.mark.parametrize("move", ["w", "", "WA", None, 0])
def test_what_is_no_move_is_refused(helpers, move):
    with pytest.raises(ValueError, match="a move is one of"):
        helpers["slide"]([[2, 0, 0]] * 3, move)


def test_choice_takes_every_move_at_times_by_the_games_own_random(helpers):
    random.seed(1)
    first = [helpers["choice"](["W", "A"]) for _ in range(200)]
    random.seed(1)
    assert first == [helpers["choice"](["W", "A"]) for _ in range(200)]
    assert min(Counter(first).values()) > 60


@pytest.mark.parametrize("size", [3, 4, 6, 8])
def test_the_adapter_gives_back_the_board_that_was_sent(size):
    namespace: dict = {}
    exec(find_task("2048").lent.adapter, namespace)
    games = Lockstep(range(5), size=size, target=64, max_ineffective=10, horizon=100)
    exponents = Boards(range(5), size).exponents(np.arange(5))
    for which, payload in enumerate(games.observe(range(5))):
        assert type(payload) is bytes
        assert len(payload) == size * size
        (board,) = namespace["arguments"](payload)
        assert board == [[1 << k if k else 0 for k in row] for row in exponents[which].tolist()]
        board[0][0] = 2048  # its own copy
        assert namespace["arguments"](payload)[0] != board
    largest = bytes([64] * size * size)
    assert namespace["arguments"](largest)[0][0][0] == 2**64
