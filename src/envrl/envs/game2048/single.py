"""One game of 2048 in plain Python: faster than numpy for fewer than some sixty games that step together."""

from __future__ import annotations

from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from envrl.envs.game2048.rules import (
    DOWN,
    LEFT,
    MAX_SIZE,
    MIN_SIZE,
    START_TILES,
    UP,
    check_size,
    draw,
    game_key,
    merge_row,
    spawn_hash,
)

__all__ = ["Board"]

# A board is a string of bytes, the exponents row by row: its rows, its columns and its empty cells are found in C.

# A 4×4 board has 65536 rows; a larger one more than memory should hold, so that a full table starts afresh.
_CAPACITY = 1 << 16

# Spawns that are hashed at a time: numpy hashes so many in the time that plain Python takes for twenty.
_AHEAD = 128

_EMPTY = b"\0"
_TILES = {1: b"\1", 2: b"\2"}  # those that appear
_SIZES = range(MIN_SIZE, MAX_SIZE + 1)
_ROWS = {n: itemgetter(*(slice(start, start + n) for start in range(0, n * n, n))) for n in _SIZES}
_COLUMNS = {n: itemgetter(*(slice(start, None, n) for start in range(n))) for n in _SIZES}


class _Slides(dict[bytes, bytes]):
    """Each line met so far → the same line after sliding.

    Args:
        toward_end: slide toward the last cell of the line instead of the first.
    """

    def __init__(self, toward_end: bool) -> None:
        super().__init__()
        self._step = -1 if toward_end else 1

    def __missing__(self, line: bytes) -> bytes:
        if len(self) >= _CAPACITY:
            self.clear()
        self[line] = slid = bytes(merge_row(tuple(line[:: self._step]))[0])[:: self._step]
        return slid


class _Worths(dict[bytes, int]):
    """Each row met so far → what merging must have scored for its tiles, had all that appeared been twos.

    The tile 2**k took a merge that scored 2**k, and so did its halves, down to the twos: (k - 1) * 2**k in all.
    """

    def __missing__(self, row: bytes) -> int:
        if len(self) >= _CAPACITY:
            self.clear()
        self[row] = worth = sum((exponent - 1) << exponent for exponent in row if exponent)
        return worth


_TOWARD_START = _Slides(toward_end=False)
_TOWARD_END = _Slides(toward_end=True)
_WORTHS = _Worths()
_SLIDE = [(_TOWARD_START if action in (UP, LEFT) else _TOWARD_END).__getitem__ for action in range(4)]


class Board:
    """One game of 2048, bit for bit the game that `Boards` plays for the same seed and size.

    Args:
        seed: the game's seed; its low 63 bits count.
        size: cells a side, 3 to 8.

    Attributes:
        cells: the exponents row by row, a byte each.
        spawns: number of tiles that have appeared, the two of the start included.

    Raises:
        ConfigError: the size is outside 3 … 8.
    """

    __slots__ = ("_columns", "_hashes", "_key", "_rows", "_unscored", "cells", "size", "spawns")

    def __init__(self, seed: int, size: int = 4) -> None:
        check_size(size)
        self._key = np.array(game_key(seed), np.uint64).reshape(2, 1)
        self._hashes: list[int] = []  # of the spawns to come, the next one last
        self._unscored = 0  # what the tiles are worth beyond the score: those that appeared as fours, or were put
        self._rows, self._columns = _ROWS[size], _COLUMNS[size]
        self.cells = bytes(size * size)
        self.size = size
        self.spawns = 0
        for _ in range(START_TILES):
            self._spawn()

    def move(self, action: int) -> bool:
        """Slide the tiles; if any moved, add the gain to the score and let a new tile appear.

        Args:
            action: 0 up, 1 right, 2 down, 3 left.

        Returns:
            Whether the board changed.
        """
        moved = self._slid(action)
        if moved == self.cells:
            return False
        self.cells = moved
        self._spawn()
        return True

    def legal(self) -> tuple[bool, bool, bool, bool]:
        """Which of the four moves would change the board."""
        up, right, down, left = (self._slid(action) != self.cells for action in range(4))
        return up, right, down, left

    @property
    def score(self) -> int:
        """Sum of the values of all merged tiles."""
        return sum(map(_WORTHS.__getitem__, self._rows(self.cells))) - self._unscored

    @property
    def over(self) -> bool:
        """Whether no move is legal."""
        # Beside an empty cell some tile can always move, which spares the full check on most boards.
        return 0 not in self.cells and not any(self.legal())

    @property
    def max_exponent(self) -> int:
        """Exponent of the largest tile."""
        return max(self.cells)

    def exponents(self) -> NDArray[np.uint8]:
        """The board as a fresh uint8 array of shape (size, size)."""
        return np.frombuffer(self.cells, np.uint8).reshape(self.size, self.size).copy()

    def put(self, exponents: NDArray[np.uint8]) -> None:
        """Set up a position; the score, the seed and the count of appeared tiles stay.

        Args:
            exponents: integers of shape (size, size).
        """
        score = self.score
        self.cells = np.asarray(exponents).reshape(self.size, self.size).astype(np.uint8).tobytes()
        self._unscored += self.score - score

    def _slid(self, action: int) -> bytes:
        """The cells after a move, before a tile appears."""
        if action == UP or action == DOWN:  # noqa: SIM109 -- a tuple of the two would be made each time
            return b"".join(self._columns(b"".join(map(_SLIDE[action], self._columns(self.cells)))))
        return b"".join(map(_SLIDE[action], self._rows(self.cells)))

    def _spawn(self) -> None:
        if not self._hashes:
            ahead = np.arange(self.spawns, self.spawns + _AHEAD, dtype=np.uint64)
            self._hashes = spawn_hash(self._key[0], self._key[1], ahead)[::-1].tolist()
        cells = self.cells
        place, exponent = draw(self._hashes.pop(), cells.count(0))
        rest = cells.split(_EMPTY, place + 1)[-1]  # what comes after that empty cell
        self.cells = cells[: -len(rest) - 1] + _TILES[exponent] + rest
        self.spawns += 1
        if exponent == 2:
            self._unscored += 4
