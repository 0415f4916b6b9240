"""2048 in lockstep: the games of a batch behind the `Games` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envrl.envs.game2048.boards import Boards
from envrl.envs.game2048.rules import ACTIONS
from envrl.envs.games import Ending, InvalidAction, describe
from envrl.outcomes import Outcome

__all__ = ["Lockstep", "action"]

_CODES = {key: code for code, key in enumerate(ACTIONS)}


def action(value: Any) -> int:
    """The action that a returned key stands for.

    Raises:
        InvalidAction: it is not one of "W", "D", "S", "A".
    """
    code = _CODES.get(value) if type(value) is str else None
    if code is None:
        raise InvalidAction(f'returned {describe(value)}, which is none of "W", "A", "S", "D"')
    return code


class Lockstep:
    """The games of a batch.

    Args:
        seeds: one 63-bit seed a game.
        size: cells along a side.
        target: the tile that wins.
        max_ineffective: this many ineffective moves in a row end a game as ``invalid_action``.
        horizon: moves after which a game has failed.
    """

    def __init__(self, seeds: Sequence[int], *, size: int, target: int, max_ineffective: int, horizon: int) -> None:
        self._boards = Boards(np.array(seeds, np.uint64), size)
        self._goal = target.bit_length() - 1
        self._max_ineffective = max_ineffective
        self._horizon = horizon
        self._steps = np.zeros(len(seeds), np.int64)
        self._ineffective = np.zeros(len(seeds), np.int64)

    def observe(self, which: Sequence[int]) -> list[bytes]:
        exponents = self._boards.exponents(np.asarray(which, np.intp))
        cells = exponents.shape[1] * exponents.shape[2]
        data = exponents.tobytes()
        return [data[start : start + cells] for start in range(0, len(data), cells)]

    def act(self, which: Sequence[int], actions: Sequence[int]) -> list[Ending | None]:
        index = np.asarray(which, np.intp)
        changed = self._boards.move(index, np.asarray(actions, np.intp))
        self._steps[index] = steps = self._steps[index] + 1
        self._ineffective[index] = ineffective = np.where(changed, 0, self._ineffective[index] + 1)
        stuck = ineffective >= self._max_ineffective
        won = self._boards.max_exponent(index) >= self._goal
        ended = won | stuck | (steps >= self._horizon) | self._boards.over(index)
        endings: list[Ending | None] = [None] * len(index)
        for place in np.flatnonzero(ended):
            endings[place] = self._ending(int(index[place]), bool(won[place]), bool(stuck[place]))
        return endings

    def close(self) -> None:
        pass

    def standing(self, which: int) -> Ending:
        return self._ending(which, won=False, stuck=False)

    def _ending(self, which: int, won: bool, stuck: bool) -> Ending:
        largest = int(self._boards.max_exponent(np.array([which], np.intp))[0])
        outcome = Outcome.SUCCESS if won else Outcome.INVALID_ACTION if stuck else Outcome.FAILURE
        return Ending(
            outcome,
            int(self._steps[which]),
            float(self._boards.scores[which]),
            min(1.0, largest / self._goal),
            {"max_tile": float(2**largest)},
        )
