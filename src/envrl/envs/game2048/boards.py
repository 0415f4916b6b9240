"""Many games of 2048 at once, stepped together by numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from envrl.envs.game2048 import cells, packed
from envrl.envs.game2048.rules import START_TILES, check_size, draw, game_key, spawn_hash

__all__ = ["Boards"]

_Scalar = TypeVar("_Scalar", np.bool_, np.uint8)


class Boards:
    """A batch of games that share nothing but the call that moves them.

    A game depends on its seed alone: it is bit for bit the same in a batch of any size and order, and the same as
    `Board` plays. Every method takes ``which``: the indices of the games meant, each at most once, shape (k,).

    Args:
        seeds: one seed a game; the low 63 bits of each count.
        size: cells a side, 3 to 8.

    Attributes:
        scores: int64, one a game: sum of the values of all merged tiles.
        spawns: int64, one a game: number of tiles that have appeared, the two of the start included.

    Raises:
        ConfigError: the size is outside 3 … 8.
    """

    def __init__(self, seeds: Sequence[int] | NDArray[np.uint64], size: int = 4) -> None:
        check_size(size)
        count = len(seeds)
        self.size = size
        self.scores = np.zeros(count, dtype=np.int64)
        self.spawns = np.zeros(count, dtype=np.int64)
        self._k0 = np.zeros(count, dtype=np.uint64)
        self._k1 = np.zeros(count, dtype=np.uint64)
        # A game lives in ``_bits`` while it fits (4×4, tiles up to 2**15), else in ``_cells``, as ``_in_cells`` says.
        self._packable = size == 4
        self._bits = np.zeros(count if self._packable else 0, dtype="<u8")
        self._cells = np.zeros((count, size, size), dtype=np.uint8)
        self._in_cells = np.full(count, not self._packable)
        self._outgrown = False  # whether some 4×4 game has ever moved into ``_cells``
        self.reset(np.arange(count), seeds)

    def __len__(self) -> int:
        return len(self.scores)

    def reset(self, which: NDArray[np.intp], seeds: Sequence[int] | NDArray[np.uint64]) -> None:
        """Start new games in the places of ``which``, with one seed each."""
        keys = np.array([game_key(seed) for seed in seeds], dtype=np.uint64).reshape(len(which), 2)
        self._k0[which], self._k1[which] = keys[:, 0], keys[:, 1]
        self.scores[which] = 0
        self.spawns[which] = START_TILES
        index = np.arange(START_TILES, dtype=np.uint64)[:, None]
        hashes = spawn_hash(keys[:, 0], keys[:, 1], index)
        (first, second), exponents = draw(hashes, np.uint64(self.size**2) - index)
        second += second >= first
        if self._packable:
            self._in_cells[which] = False
            tiles = exponents.astype(np.uint64) << (np.uint64(4) * np.stack([first, second]))
            self._bits[which] = tiles[0] | tiles[1]
        else:
            boards = np.zeros((len(which), self.size**2), dtype=np.uint8)
            for places, exponent in zip((first, second), exponents, strict=True):
                boards[np.arange(len(which)), places.astype(np.intp)] = exponent
            self._cells[which] = boards.reshape(-1, self.size, self.size)

    def put(self, which: NDArray[np.intp], exponents: NDArray[np.uint8]) -> None:
        """Set up positions; scores, seeds and the counts of appeared tiles stay.

        Args:
            which: the games.
            exponents: shape (k, size, size).
        """
        if not self._packable:
            self._cells[which] = exponents
            return
        large = (exponents > packed.MAX_EXPONENT).any(axis=(1, 2))
        self._outgrown |= bool(large.any())
        self._in_cells[which] = large
        self._cells[which[large]] = exponents[large]
        self._bits[which[~large]] = packed.pack(exponents[~large])

    def move(self, which: NDArray[np.intp], actions: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Slide the tiles; where any moved, add the gain to the score and let a new tile appear.

        Args:
            which: the games.
            actions: shape (k,): 0 up, 1 right, 2 down, 3 left.

        Returns:
            Which boards changed, shape (k,).
        """
        if not self._packable:
            return self._move_cells(which, actions)
        if not self._outgrown:
            return self._move_packed(which, actions)
        in_cells = self._in_cells[which]
        changed = np.empty(len(which), dtype=np.bool_)
        changed[in_cells] = self._move_cells(which[in_cells], actions[in_cells])
        changed[~in_cells] = self._move_packed(which[~in_cells], actions[~in_cells])
        return changed

    def legal(self, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which moves would change each board, shape (k, 4)."""
        return self._ask(which, packed.legal, cells.legal)

    def over(self, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which games have no legal move, shape (k,)."""
        return self._ask(which, packed.over, cells.over)

    def max_exponent(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Exponent of the largest tile of each board, shape (k,)."""
        return self._ask(which, packed.max_exponent, cells.max_exponent)

    def exponents(self, which: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The boards as a fresh uint8 array of shape (k, size, size)."""
        return self._ask(which, packed.unpack, np.copy)

    def _ask(
        self,
        which: NDArray[np.intp],
        of_bits: Callable[[NDArray[np.uint64]], NDArray[_Scalar]],
        of_cells: Callable[[NDArray[np.uint8]], NDArray[_Scalar]],
    ) -> NDArray[_Scalar]:
        if not self._packable:
            return of_cells(self._cells[which])
        answers = of_bits(self._bits[which])
        if self._outgrown:
            in_cells = self._in_cells[which]
            answers[in_cells] = of_cells(self._cells[which[in_cells]])
        return answers

    def _hashes(self, which: NDArray[np.intp]) -> NDArray[np.uint64]:
        return spawn_hash(self._k0[which], self._k1[which], self.spawns[which].astype(np.uint64))

    def _move_packed(self, which: NDArray[np.intp], actions: NDArray[np.intp]) -> NDArray[np.bool_]:
        bits = self._bits[which]
        moved, gains = packed.slide(bits, actions)
        overflow = gains >= packed.OVERFLOW
        if overflow.any():
            # Nothing has been written yet: these games move house, and all of them move once more.
            outgrown = which[overflow]
            self._cells[outgrown] = packed.unpack(bits[overflow])
            self._in_cells[outgrown] = True
            self._outgrown = True
            return self.move(which, actions)
        changed: NDArray[np.bool_] = moved != bits
        self._bits[which] = np.where(changed, packed.spawn(moved, self._hashes(which)), bits)
        self.scores[which] += gains
        self.spawns[which] += changed
        return changed

    def _move_cells(self, which: NDArray[np.intp], actions: NDArray[np.intp]) -> NDArray[np.bool_]:
        boards = self._cells[which]
        moved, gains = cells.slide(boards, actions)
        changed: NDArray[np.bool_] = (moved != boards).any(axis=(1, 2))
        effective = which[changed]
        self._cells[effective] = cells.spawn(moved[changed], self._hashes(effective))
        self.scores[which] += gains
        self.spawns[effective] += 1
        return changed
