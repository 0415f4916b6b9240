"""2048 on many boards of any size as arrays of cells: correct for every tile, slower than `packed`."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from envrl.envs.game2048.rules import DOWN, LEFT, RIGHT, UP, draw

__all__ = ["legal", "max_exponent", "over", "slide", "slide_lines", "spawn"]

Cells = NDArray[np.uint8]


def slide_lines(lines: Cells) -> tuple[Cells, NDArray[np.int64]]:
    """Slide many rows toward their first cell at once (see `rules.merge_row`).

    Args:
        lines: exponents of shape (m, n).

    Returns:
        The rows after the move, and the gain of each, shape (m,).
    """
    count, size = lines.shape
    slid = np.zeros_like(lines)
    gains = np.zeros(count, dtype=np.int64)
    every = np.arange(count)
    filled = np.zeros(count, dtype=np.intp)
    mergeable = np.zeros(count, dtype=np.bool_)
    for column in range(size):
        cell = lines[:, column]
        tile = cell != 0
        # Where nothing is filled yet, index -1 wraps around; nothing is mergeable there.
        merges = mergeable & tile & (slid[every, filled - 1] == cell)
        lands = tile & ~merges
        at = np.flatnonzero(merges)
        slid[at, filled[at] - 1] += 1
        gains[at] += np.left_shift(1, cell[at].astype(np.int64) + 1)
        at = np.flatnonzero(lands)
        slid[at, filled[at]] = cell[at]
        filled += lands
        mergeable = (mergeable & ~tile) | lands
    return slid, gains


@functools.cache
def _lines_of_actions(size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each action, the cells in the order of its lines (shape (4, size**2)), and the way back."""
    board = np.arange(size * size).reshape(size, size)
    order = np.empty((4, size * size), dtype=np.intp)
    order[LEFT] = board.ravel()
    order[RIGHT] = board[:, ::-1].ravel()
    order[UP] = board.T.ravel()
    order[DOWN] = board[::-1].T.ravel()
    return order, np.argsort(order, axis=1)


def slide(boards: Cells, actions: NDArray[np.intp]) -> tuple[Cells, NDArray[np.int64]]:
    """Slide each board in its own direction; no tile appears.

    Args:
        boards: exponents of shape (k, n, n).
        actions: shape (k,), each 0 to 3.

    Returns:
        The boards after the move, and the gain of each, shape (k,).
    """
    count, size, _ = boards.shape
    order, back = _lines_of_actions(size)
    lines = np.take_along_axis(boards.reshape(count, size * size), order[actions], axis=1)
    slid, gains = slide_lines(lines.reshape(count * size, size))
    moved = np.take_along_axis(slid.reshape(count, size * size), back[actions], axis=1)
    return moved.reshape(boards.shape), gains.reshape(count, size).sum(axis=1)


def spawn(boards: Cells, hashes: NDArray[np.uint64]) -> Cells:
    """Let a tile appear on each board, as `rules.draw` decides; every board needs an empty cell."""
    count, size, _ = boards.shape
    cells = boards.reshape(count, size * size).copy()
    rank = (cells == 0).cumsum(axis=1)
    place, exponent = draw(hashes, rank[:, -1].astype(np.uint64))
    cell = (rank == place.astype(np.int64)[:, None] + 1).argmax(axis=1)
    cells[np.arange(count), cell] = exponent
    return cells.reshape(boards.shape)


def legal(boards: Cells) -> NDArray[np.bool_]:
    """Which moves would change each board: shape (k, 4)."""
    moves = np.empty((len(boards), 4), dtype=np.bool_)
    for start, end, lines in ((LEFT, RIGHT, boards), (UP, DOWN, boards.transpose(0, 2, 1))):
        near, far = lines[:, :, :-1], lines[:, :, 1:]
        merge = (near == far) & (near != 0)
        moves[:, start] = (merge | ((near == 0) & (far != 0))).any(axis=(1, 2))
        moves[:, end] = (merge | ((near != 0) & (far == 0))).any(axis=(1, 2))
    return moves


def over(boards: Cells) -> NDArray[np.bool_]:
    """Which boards have no legal move: shape (k,)."""
    return np.logical_not(legal(boards).any(axis=1))


def max_exponent(boards: Cells) -> NDArray[np.uint8]:
    """Exponent of the largest tile of each board: shape (k,)."""
    largest: NDArray[np.uint8] = boards.max(axis=(1, 2))
    return largest
