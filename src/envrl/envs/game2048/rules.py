"""The rules of 2048 on an n×n board, and the law by which its tiles appear.

A board holds *exponents*: 0 is an empty cell, k stands for the tile 2**k. Everything that plays the game, one board or
thousands, follows the functions of this module bit for bit.

The tiles that appear are a function of the game's seed and of the number of tiles that appeared before, never of a
state that a move could advance: an ineffective move does not re-roll the future.
"""

from __future__ import annotations

import hashlib
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from envrl.errors import ConfigError

__all__ = [
    "ACTIONS",
    "DOWN",
    "LEFT",
    "MAX_SIZE",
    "MIN_SIZE",
    "RIGHT",
    "START_TILES",
    "UP",
    "Row",
    "check_options",
    "check_size",
    "draw",
    "game_key",
    "merge_row",
    "spawn_hash",
]

UP, RIGHT, DOWN, LEFT = range(4)
ACTIONS = "WDSA"
"""The key of each action, in the order of the action space: up, right, down, left."""

MIN_SIZE, MAX_SIZE = 3, 8
START_TILES = 2
FOUR_PROBABILITY = 0.1

Row = tuple[int, ...]

_FOUR_BELOW = int(FOUR_PROBABILITY * 2**32)
_MASK_32 = 2**32 - 1
_MASK_63 = 2**63 - 1
_u64 = np.uint64
_GOLDEN_GAMMA = _u64(0x9E3779B97F4A7C15)
_FIRST_FACTOR, _SECOND_FACTOR = _u64(0xBF58476D1CE4E5B9), _u64(0x94D049BB133111EB)

_Words = NDArray[np.uint64]


def merge_row(row: Row) -> tuple[Row, int]:
    """Slide one row toward its first cell: each tile merges at most once, those nearest the wall first.

    Args:
        row: exponents, the cell at the wall first.

    Returns:
        The row after the move, and its gain: the sum of the values of the merged tiles.
    """
    slid: list[int] = []
    gain = 0
    mergeable = False
    for exponent in row:
        if exponent == 0:
            continue
        if mergeable and slid[-1] == exponent:
            slid[-1] += 1
            gain += 1 << slid[-1]
            mergeable = False
        else:
            slid.append(exponent)
            mergeable = True
    return tuple(slid) + (0,) * (len(row) - len(slid)), gain


def game_key(seed: int) -> tuple[int, int]:
    """The two 64-bit words that stand for a game's seed in `spawn_hash` (BLAKE2b of its low 63 bits)."""
    low = (int(seed) & _MASK_63).to_bytes(8, "little")
    digest = hashlib.blake2b(low, digest_size=16, person=b"envrl.2048").digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def spawn_hash(k0: _Words, k1: _Words, index: _Words) -> _Words:
    """The 64 random bits that decide tile number ``index`` of a game (the start tiles are 0 and 1).

    A counter-based generator: ``mix(mix(k0 + (index + 1) * gamma) ^ k1)`` modulo 2**64, where ``mix`` and ``gamma``
    are the finaliser and the golden gamma of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
    generators", OOPSLA 2014).

    Args:
        k0, k1: the words of `game_key`, uint64 arrays.
        index: how many tiles appeared before; a uint64 array, of which the hash has the shape that all three have.
    """
    return _mix(_mix(k0 + (index + _u64(1)) * _GOLDEN_GAMMA) ^ k1)


def _mix(word: _Words) -> _Words:
    word = (word ^ (word >> _u64(30))) * _FIRST_FACTOR
    word = (word ^ (word >> _u64(27))) * _SECOND_FACTOR
    return word ^ (word >> _u64(31))


@overload
def draw(hashed: int, empties: int) -> tuple[int, int]: ...
@overload
def draw(hashed: _Words, empties: _Words) -> tuple[_Words, NDArray[np.int64]]: ...
def draw(hashed: Any, empties: Any) -> tuple[Any, Any]:
    """Which empty cell a tile appears in, and its exponent.

    The cell comes from the high half of the hash by multiplication (its bias is below empties / 2**32), the tile from
    the low half: 4 with probability 0.1, else 2.

    Args:
        hashed: the bits of `spawn_hash`.
        empties: number of empty cells, of the same shape.

    Returns:
        The cell's place among the empty ones, counted row by row from 0, and the exponent 1 or 2.
    """
    return ((hashed >> 32) * empties) >> 32, 1 + ((hashed & _MASK_32) < _FOUR_BELOW)


def check_size(size: int) -> None:
    """Refuse a board that is not 3×3 to 8×8.

    Raises:
        ConfigError: the size is no integer of that range.
    """
    if not _is_int(size) or not MIN_SIZE <= size <= MAX_SIZE:
        raise ConfigError(f"2048: size {size!r} is not a board size: give an integer from {MIN_SIZE} to {MAX_SIZE}")


def check_options(size: int, target: int, max_ineffective: int) -> int:
    """Refuse options that no game can be played with.

    Returns:
        The exponent of the target tile.

    Raises:
        ConfigError: the size is outside 3 … 8, the target is no power of two from 8 to the largest tile that fits on
            the board, or the limit of ineffective moves is not a positive integer.
    """
    check_size(size)
    highest = size * size + 1  # every cell filled in a chain that started from a 4
    if not _is_int(target) or target < 8 or target & (target - 1):
        raise ConfigError(f"2048: target {target!r} is not a goal: give a power of two of at least 8, such as 512")
    if target > 1 << highest:
        raise ConfigError(
            f"2048: target {target} cannot be reached on a {size}×{size} board: give at most {1 << highest}, "
            "or a larger size"
        )
    if not _is_int(max_ineffective) or max_ineffective < 1:
        raise ConfigError(f"2048: max_ineffective {max_ineffective!r} is not a limit: give a positive integer")
    return target.bit_length() - 1


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
