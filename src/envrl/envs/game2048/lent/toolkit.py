# The helpers that the 2048 task lends. A board is nested lists of tile values, 0 for an empty cell; a move is one of
# "W" (up), "D" (right), "S" (down), "A" (left). No helper changes the board that it is given.
import random

_BY_MOVES = [[move for bit, move in ((4, "W"), (2, "D"), (8, "S"), (1, "A")) if can & bit] for can in range(16)]
_board = None  # that was measured last, a copy: a strategy mostly asks for several measures of one board
_measured = 0


def _measure(board):
    """Merges (7 bits), disorder (13 bits) and roughness of all rows and columns, summed, from the lowest bit on."""
    global _board, _measured
    if board != _board:
        rows = list(map(tuple, board))
        _measured = sum(map(MEASURES, rows)) + sum(map(MEASURES, zip(*rows)))
        _board = list(map(list, rows))
    return _measured


def slide(board, move):
    """The board after the move, before a new tile appears."""
    if move == "A":
        return list(map(list, map(TO_START, map(tuple, board))))
    if move == "D":
        return list(map(list, map(TO_END, map(tuple, board))))
    if move == "W":
        return list(map(list, zip(*map(TO_START, zip(*board)))))
    if move == "S":
        return list(map(list, zip(*map(TO_END, zip(*board)))))
    raise ValueError('a move is one of "W", "D", "S", "A"')


def score_of(board, move):
    """The value that the move merges: what it adds to the score."""
    return sum(map(GAIN, map(tuple, board) if move in "AD" else zip(*board)))


def legal(board):
    """The moves that change the board, in the order W, D, S, A."""
    along = across = 0
    for can in map(MOVES, map(tuple, board)):
        along |= can
    for can in map(MOVES, zip(*board)):
        across |= can
    return _BY_MOVES[along | across << 2].copy()


def empties(board):
    """The number of empty cells."""
    return sum([row.count(0) for row in board])


def merges(board):
    """The number of neighbouring equal tiles, along rows and columns."""
    return _measure(board) & 0x7F


def mono(board):
    """How orderly rows and columns rise or fall: 0 at best, less for each power of two against the order."""
    return -(_measure(board) >> 7 & 0x1FFF)


def smooth(board):
    """How alike neighbouring tiles are: 0 at best, less for each power of two between them."""
    return -(_measure(board) >> 20)


def maxtile(board):
    """The largest tile."""
    return max(map(max, board))


def corner(board):
    """The power of two of the largest tile if it stands in a corner, else 0."""
    top = max(map(max, board))
    return top.bit_length() - 1 if top in (board[0][0], board[0][-1], board[-1][0], board[-1][-1]) else 0


def edge(board):
    """The powers of two of all tiles on the border, summed."""
    border = [*board[0], *board[-1]]
    for row in board[1:-1]:
        border += (row[0], row[-1])
    return sum([tile.bit_length() - 1 for tile in border if tile])


def choice(moves):
    """One of the moves at random, by the game's own seed."""
    return random.choice(moves)
