"""Two moves ahead, over every cell that a tile may appear in (a 2: nine of ten are), by the worth of rows and columns.

A row's worth: empty cells and merges are good, tiles out of order are bad, and the worse the larger they are.
"""

from functools import cache
from itertools import pairwise

LOST = -10_000


@cache
def slid(row):
    """A row after it slides to its first cell."""
    tiles = [tile for tile in row if tile]
    merged = []
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile:
            tile += tiles.pop(0)
        merged.append(tile)
    return (*merged, *[0] * (len(row) - len(merged)))


@cache
def slid_back(row):
    return slid(row[::-1])[::-1]


@cache
def worth(row):
    powers = [tile.bit_length() for tile in row]
    pairs = list(pairwise(powers))
    rise = sum(b**3 - a**3 for a, b in pairs if b > a)
    fall = sum(a**3 - b**3 for a, b in pairs if a > b)
    merging = sum(a == b != 0 for a, b in pairs)
    return 60 * row.count(0) + 60 * merging - min(rise, fall)


def after(rows):
    """The boards that the four moves lead to, as rows; the same board where a move does nothing."""
    columns = list(zip(*rows, strict=True))
    return {
        "W": list(zip(*map(slid, columns), strict=True)),
        "A": list(map(slid, rows)),
        "S": list(zip(*map(slid_back, columns), strict=True)),
        "D": list(map(slid_back, rows)),
    }


def value(rows):
    return sum(map(worth, rows)) + sum(map(worth, zip(*rows, strict=True)))


def best(rows):
    """The value of the best move on a board; a lost one is the worst."""
    return max((value(moved) for moved in after(rows).values() if moved != rows), default=LOST)


def expected(rows):
    """The mean value over the cells that a new tile may appear in, played on by the best move."""
    total = count = 0
    for r, row in enumerate(rows):
        for c, tile in enumerate(row):
            if tile == 0:
                total += best([*rows[:r], (*row[:c], 2, *row[c + 1 :]), *rows[r + 1 :]])
                count += 1
    return total / count


def strategy(board):
    rows = list(map(tuple, board))
    moves = {move: moved for move, moved in after(rows).items() if moved != rows}
    return max(moves, key=lambda move: expected(moves[move]))
