"""2048 on many 4×4 boards, each one 64-bit word: the fast path for tiles up to 2**15.

A board is sixteen nibbles, the exponent of cell (row r, column c) at bit 4 * (4 * r + c), so that a row is sixteen bits
and every question about a row is one look into a table of 65536.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envrl.envs.game2048 import cells
from envrl.envs.game2048.rules import DOWN, LEFT, RIGHT, UP, draw

__all__ = ["MAX_EXPONENT", "OVERFLOW", "legal", "max_exponent", "over", "pack", "slide", "spawn", "unpack"]

MAX_EXPONENT = 15
"""The largest exponent that a nibble holds."""

OVERFLOW = 1 << 24
"""A gain of at least this much says that the move made a tile too large for a nibble (honest gains end at 2**18)."""

_u64 = np.uint64
# Little-endian words, so that the rows of a board are its 16-bit parts in order.
Bits = NDArray[np.uint64]
_WORD, _ROW = np.dtype("<u8"), np.dtype("<u2")
_ROWS = 1 << 16
_NIBBLE_ONES = _u64(0x1111111111111111)
_LAST_COLUMN, _LAST_ROW = _u64(0xF000F000F000F000), _u64(0xFFFF000000000000)
_TO_START, _TO_END = 1, 2


class _Tables(NamedTuple):
    """Answers by row; where the direction counts, the second half is for moves toward the row's end."""

    slid: NDArray[np.uint16]  # (2 * 65536,)
    gains: NDArray[np.int32]  # (2 * 65536,): the same halves, to be indexed as ``slid`` is
    movable: NDArray[np.uint8]  # (65536,): _TO_START | _TO_END
    largest: NDArray[np.uint8]  # (65536,)


@functools.cache
def _tables() -> _Tables:
    rows = ((np.arange(_ROWS)[:, None] >> np.arange(0, 16, 4)) & 15).astype(np.uint8)
    to_start, gains = cells.slide_lines(rows)
    to_end = cells.slide_lines(rows[:, ::-1])[0][:, ::-1]
    gains[(to_start > MAX_EXPONENT).any(axis=1)] = OVERFLOW
    movable = _TO_START * (to_start != rows).any(axis=1) + _TO_END * (to_end != rows).any(axis=1)
    return _Tables(
        slid=_pack_rows(np.concatenate([to_start, to_end])),
        gains=np.tile(gains.astype(np.int32), 2),
        movable=movable.astype(np.uint8),
        largest=rows.max(axis=1),
    )


def _pack_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint16]:
    # A nibble that overflowed is cut: `OVERFLOW` keeps such a row from use.
    nibbles = (rows & 15).astype(_ROW) << np.arange(0, 16, 4, dtype=_ROW)
    packed: NDArray[np.uint16] = np.bitwise_or.reduce(nibbles, axis=1)
    return packed


# Masks of the two swaps that transpose a board; zero for horizontal moves, which leaves a board as it is.
_VERTICAL = np.array([action in (UP, DOWN) for action in range(4)])
_SWAP_CELLS = np.where(_VERTICAL, _u64(0x0000F0F00000F0F0), _u64(0))
_SWAP_BLOCKS = np.where(_VERTICAL, _u64(0x00000000FF00FF00), _u64(0))
_TABLE_HALF = np.array([_ROWS if action in (RIGHT, DOWN) else 0 for action in range(4)])


def _transpose(bits: Bits, swap_cells: NDArray[np.uint64], swap_blocks: NDArray[np.uint64]) -> Bits:
    # Cells across the diagonal of each 2×2 block, then the blocks (Warren, Hacker's Delight, 2nd ed., section 7-3).
    swap = (bits ^ (bits >> _u64(12))) & swap_cells
    bits = bits ^ (swap | (swap << _u64(12)))
    swap = (bits ^ (bits >> _u64(24))) & swap_blocks
    return bits ^ (swap | (swap << _u64(24)))


def _rows(bits: Bits) -> NDArray[np.uint16]:
    return bits.view(_ROW).reshape(-1, 4)


def slide(bits: Bits, actions: NDArray[np.intp]) -> tuple[Bits, NDArray[np.int64]]:
    """Slide each board in its own direction; no tile appears.

    Args:
        bits: boards of shape (k,).
        actions: shape (k,), each 0 to 3.

    Returns:
        The boards after the move, and the gain of each. Where a gain is at least `OVERFLOW` the board means nothing.
    """
    tables = _tables()
    masks = _SWAP_CELLS[actions], _SWAP_BLOCKS[actions]
    index = _rows(_transpose(bits, *masks)) + _TABLE_HALF[actions][:, None]
    moved = _transpose(tables.slid.take(index).view(_WORD).reshape(-1), *masks)
    gains = tables.gains.take(index)
    # Four columns added by hand: numpy's sum over so short an axis takes several times as long.
    return moved, (gains[:, 0] + gains[:, 1] + gains[:, 2] + gains[:, 3]).astype(np.int64)


def _empty(bits: Bits) -> Bits:
    """A one at the foot of each empty nibble."""
    bits = bits | (bits >> _u64(1))
    return ~(bits | (bits >> _u64(2))) & _NIBBLE_ONES


def spawn(bits: Bits, hashes: NDArray[np.uint64]) -> Bits:
    """Let a tile appear on each board, as `rules.draw` decides; means nothing for a full board."""
    empty = _empty(bits)
    # Nibble j counts the empty cells up to and with cell j. Only a wholly empty board has 16, which wraps to 0.
    rank = empty * _NIBBLE_ONES
    last = (rank >> _u64(60)) - _u64(1) & _u64(15)
    place, exponent = draw(hashes, last + _u64(1))
    beside = rank ^ ((place + _u64(1) & _u64(15)) * _NIBBLE_ONES)  # zero where the rank is that of the place
    return bits | (empty & _empty(beside)) << (exponent - 1).astype(np.uint64)


def legal(bits: Bits) -> NDArray[np.bool_]:
    """Which moves would change each board: shape (k, 4)."""
    movable = _tables().movable
    moves = np.empty((len(bits), 4), dtype=np.bool_)
    columns = _transpose(bits, _SWAP_CELLS[UP], _SWAP_BLOCKS[UP])
    for start, end, lines in ((LEFT, RIGHT, bits), (UP, DOWN, columns)):
        rows = movable.take(_rows(lines))
        either = rows[:, 0] | rows[:, 1] | rows[:, 2] | rows[:, 3]
        moves[:, start] = either & _TO_START
        moves[:, end] = either & _TO_END
    return moves


def over(bits: Bits) -> NDArray[np.bool_]:
    """Which boards have no legal move: shape (k,)."""
    # Beside an empty cell some tile can always move, so only full boards are searched for equal neighbours.
    result: NDArray[np.bool_] = _empty(bits) == 0
    full = np.flatnonzero(result)
    if full.size:
        boards = bits[full]
        along = (boards ^ (boards >> _u64(4))) | _LAST_COLUMN
        across = (boards ^ (boards >> _u64(16))) | _LAST_ROW
        result[full] = (_empty(along) | _empty(across)) == 0
    return result


def max_exponent(bits: Bits) -> NDArray[np.uint8]:
    """Exponent of the largest tile of each board: shape (k,)."""
    rows = _tables().largest.take(_rows(bits))
    return np.maximum(np.maximum(rows[:, 0], rows[:, 1]), np.maximum(rows[:, 2], rows[:, 3]))


def unpack(bits: Bits) -> NDArray[np.uint8]:
    """Boards as a fresh array of exponents of shape (k, 4, 4)."""
    pairs = bits.view(np.uint8).reshape(-1, 8)
    boards = np.empty((len(bits), 16), dtype=np.uint8)
    boards[:, 0::2] = pairs & 15
    boards[:, 1::2] = pairs >> 4
    return boards.reshape(-1, 4, 4)


def pack(boards: NDArray[np.uint8]) -> Bits:
    """Boards of exponents up to 15, shape (k, 4, 4), as words of shape (k,)."""
    return _pack_rows(boards.reshape(-1, 4)).view(_WORD).reshape(-1)
