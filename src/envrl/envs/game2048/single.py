"""One game of 2048 in plain Python: faster than numpy for fewer than about twenty games."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envrl.envs.game2048.rules import (
    DOWN,
    LEFT,
    START_TILES,
    UP,
    Row,
    check_size,
    draw,
    game_key,
    merge_row,
    spawn_hash,
)

__all__ = ["Board"]


# A 4×4 board has 65536 rows; a larger one more than memory should hold, so that a full table starts afresh.
_CAPACITY = 1 << 16


class _Slides(dict[Row, Row]):
    """Each row met so far → the same row after sliding.

    Args:
        toward_end: slide toward the last cell of the row instead of the first.
    """

    def __init__(self, toward_end: bool) -> None:
        super().__init__()
        self._step = -1 if toward_end else 1

    def __missing__(self, row: Row) -> Row:
        if len(self) >= _CAPACITY:
            self.clear()
        slid = merge_row(row[:: self._step])[0][:: self._step]
        self[row] = slid
        return slid


class _Gains(dict[Row, int]):
    """Each row met so far → what sliding it gains; the same in both directions."""

    def __missing__(self, row: Row) -> int:
        if len(self) >= _CAPACITY:
            self.clear()
        self[row] = gain = merge_row(row)[1]
        return gain


_TOWARD_START = _Slides(toward_end=False)
_TOWARD_END = _Slides(toward_end=True)
_GAINS = _Gains()


def _moves(lines: list[Row], slides: _Slides) -> bool:
    return list(map(slides.__getitem__, lines)) != lines


def _transpose(rows: list[Row]) -> list[Row]:
    # All rows are of one length; having zip check that would cost a tenth of a move.
    return list(zip(*rows))  # noqa: B905


class Board:
    """One game of 2048, bit for bit the game that `Boards` plays for the same seed and size.

    Args:
        seed: the game's seed; its low 63 bits count.
        size: cells a side, 3 to 8.

    Attributes:
        score: sum of the values of all merged tiles.
        spawns: number of tiles that have appeared, the two of the start included.

    Raises:
        ConfigError: the size is outside 3 … 8.
    """

    __slots__ = ("_k0", "_k1", "_rows", "score", "size", "spawns")

    def __init__(self, seed: int, size: int = 4) -> None:
        check_size(size)
        self._k0, self._k1 = game_key(seed)
        self.size = size
        self.score = 0
        self.spawns = 0
        self._rows: list[Row] = [(0,) * size] * size
        for _ in range(START_TILES):
            self._spawn()

    def move(self, action: int) -> bool:
        """Slide the tiles; if any moved, add the gain to the score and let a new tile appear.

        Args:
            action: 0 up, 1 right, 2 down, 3 left.

        Returns:
            Whether the board changed.
        """
        vertical = action in (UP, DOWN)
        lines = _transpose(self._rows) if vertical else self._rows
        slides = _TOWARD_START if action in (UP, LEFT) else _TOWARD_END
        moved = list(map(slides.__getitem__, lines))
        if moved == lines:
            return False
        self._rows = _transpose(moved) if vertical else moved
        self.score += sum(map(_GAINS.__getitem__, lines))
        self._spawn()
        return True

    def legal(self) -> tuple[bool, bool, bool, bool]:
        """Which of the four moves would change the board."""
        rows = self._rows
        columns = _transpose(rows)
        return (
            _moves(columns, _TOWARD_START),
            _moves(rows, _TOWARD_END),
            _moves(columns, _TOWARD_END),
            _moves(rows, _TOWARD_START),
        )

    @property
    def over(self) -> bool:
        """Whether no move is legal."""
        # Beside an empty cell some tile can always move, which spares the full check on most boards.
        return not any(0 in row for row in self._rows) and not any(self.legal())

    @property
    def max_exponent(self) -> int:
        """Exponent of the largest tile."""
        return max(map(max, self._rows))

    def exponents(self) -> NDArray[np.uint8]:
        """The board as a fresh uint8 array of shape (size, size)."""
        return np.array(self._rows, dtype=np.uint8)

    def put(self, exponents: NDArray[np.uint8]) -> None:
        """Set up a position; the score, the seed and the count of appeared tiles stay.

        Args:
            exponents: integers of shape (size, size).
        """
        self._rows = [tuple(row) for row in np.asarray(exponents).reshape(self.size, self.size).tolist()]

    def _spawn(self) -> None:
        rows = self._rows
        empties = [row.count(0) for row in rows]
        place, exponent = draw(spawn_hash(self._k0, self._k1, self.spawns), sum(empties))
        self.spawns += 1
        r = 0
        while place >= empties[r]:
            place -= empties[r]
            r += 1
        row = list(rows[r])
        column = row.index(0)
        for _ in range(place):
            column = row.index(0, column + 1)
        row[column] = exponent
        rows[r] = tuple(row)
