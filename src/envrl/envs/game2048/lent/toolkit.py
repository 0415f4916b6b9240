# The helpers that the 2048 task lends. A board is nested lists of tile values, 0 for an empty cell; a move is one of
# "W" (up), "D" (right), "S" (down), "A" (left). No helper changes the board that it is given.
import random


def slide(board, move):
    """The board after the move, before a new tile appears."""
    if move == "A":
        return [list(SLID[tuple(row)][0]) for row in board]
    if move == "D":
        return [list(SLID[tuple(row[::-1])][0])[::-1] for row in board]
    if move == "W":
        return [list(row) for row in zip(*[SLID[column][0] for column in zip(*board)])]
    if move == "S":
        return [list(row) for row in zip(*[SLID[column[::-1]][0][::-1] for column in zip(*board)])]
    raise ValueError('a move is one of "W", "D", "S", "A"')


def score_of(board, move):
    """The value that the move merges: what it adds to the score."""
    lines = board if move in "AD" else zip(*board)
    return sum([SLID[tuple(line)][1] for line in lines])


def legal(board):
    """The moves that change the board, in the order W, D, S, A."""
    up = down = left = right = False
    for row in map(tuple, board):
        left = left or SLID[row][0] != row
        back = row[::-1]
        right = right or SLID[back][0] != back
    for column in zip(*board):
        up = up or SLID[column][0] != column
        back = column[::-1]
        down = down or SLID[back][0] != back
    return [move for move, can in (("W", up), ("D", right), ("S", down), ("A", left)) if can]


def empties(board):
    """The number of empty cells."""
    return sum([row.count(0) for row in board])


def merges(board):
    """The number of neighbouring equal tiles, along rows and columns."""
    return sum([MERGES[tuple(row)] for row in board]) + sum([MERGES[column] for column in zip(*board)])


def mono(board):
    """How orderly rows and columns rise or fall: 0 at best, less for each power of two against the order."""
    return sum([MONO[tuple(row)] for row in board]) + sum([MONO[column] for column in zip(*board)])


def smooth(board):
    """How alike neighbouring tiles are: 0 at best, less for each power of two between them."""
    return sum([SMOOTH[tuple(row)] for row in board]) + sum([SMOOTH[column] for column in zip(*board)])


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
