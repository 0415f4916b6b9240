# The helpers that the Sudoku task lends. A board is nine lists of nine digits, 0 for an empty cell; a move is a tuple
# (row, col, digit). No helper changes the board that it is given.
import random

_rows = None  # the board that was looked at last, as a copy
_open = {}  # its empty cells: the digits that no rule forbids there, as bits
_counts = None  # for each row, column and box: how many empty cells each digit fits, four bits a digit


def _look(board):
    global _rows, _open, _counts
    if board == _rows:
        return _open
    rows, columns, boxes = [0] * 9, [0] * 9, [0] * 9
    empty = []
    for r, line in enumerate(board):
        for c, digit in enumerate(line):
            if digit:
                bit = 1 << digit
                rows[r] |= bit
                columns[c] |= bit
                boxes[BOX[r][c]] |= bit
            else:
                empty.append((r, c))
    _open = {(r, c): 1022 & ~(rows[r] | columns[c] | boxes[BOX[r][c]]) for r, c in empty}
    _rows, _counts = [line[:] for line in board], None
    return _open


def _count(board, unit, digit):
    global _counts
    cells = _look(board)
    if _counts is None:
        counts = [0] * 27
        for (r, c), digits in cells.items():
            spread = SPREAD[digits]
            counts[r] += spread
            counts[9 + c] += spread
            counts[18 + BOX[r][c]] += spread
        _counts = counts
    return _counts[unit] >> 4 * digit & 15


def blanks(board):
    """The empty cells, as a list of (row, col)."""
    return list(_look(board))


def candidates(board, row, col):
    """The digits that no rule forbids in a cell, as a list; none for a cell that has a digit."""
    return list(DIGITS[_look(board).get((row, col), 0)])


def moves(board):
    """All placements that no rule forbids, as a list of (row, col, digit)."""
    return [(r, c, digit) for (r, c), digits in _look(board).items() for digit in DIGITS[digits]]


def options(board, move):
    """How many digits fit into the move's cell."""
    return len(DIGITS[_look(board).get((move[0], move[1]), 0)])


def in_row(board, move):
    """How many empty cells of the move's row the move's digit fits into."""
    return _count(board, move[0], move[2])


def in_col(board, move):
    """How many empty cells of the move's column the move's digit fits into."""
    return _count(board, 9 + move[1], move[2])


def in_box(board, move):
    """How many empty cells of the move's box the move's digit fits into."""
    return _count(board, 18 + BOX[move[0]][move[1]], move[2])


def peers(row, col):
    """The 20 cells that share a row, a column or a box with a cell, as a list of (row, col)."""
    return list(PEERS[row, col])


def placed(board, move):
    """The board after a move."""
    row, col, digit = move
    after = [line[:] for line in board]
    after[row][col] = digit
    return after


def dead(board):
    """The number of empty cells that no digit fits into."""
    return list(_look(board).values()).count(0)


def choice(moves):
    """One of the moves at random, by the game's own seed."""
    return random.choice(moves)
