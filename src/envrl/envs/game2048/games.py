"""2048 in lockstep: the games of a batch behind the `Games` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envrl.envs.game2048.boards import Boards
from envrl.envs.game2048.rules import ACTIONS
from envrl.envs.game2048.single import Board
from envrl.envs.games import Ending, InvalidAction, describe
from envrl.outcomes import Outcome

__all__ = ["Lockstep", "action"]

_MANY = 64  # games that are first looked at together, from which on numpy is the faster way to play them
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


@dataclass(frozen=True)
class _Rules:
    """What ends a game, beside its board; see `Lockstep`."""

    size: int
    goal: int  # exponent of the target
    max_ineffective: int
    horizon: int

    def ending(self, largest: int, steps: int, score: int, won: bool = False, stuck: bool = False) -> Ending:
        outcome = Outcome.SUCCESS if won else Outcome.INVALID_ACTION if stuck else Outcome.FAILURE
        return Ending(outcome, steps, float(score), min(1.0, largest / self.goal), {"max_tile": float(2**largest)})


class _OneByOne:
    """Games in plain Python."""

    def __init__(self, seeds: Sequence[int], rules: _Rules) -> None:
        self._rules = rules
        self._boards = [Board(seed, rules.size) for seed in seeds]
        self._steps = [0] * len(seeds)
        self._ineffective = [0] * len(seeds)

    def observe(self, which: Sequence[int]) -> list[bytes]:
        return [self._boards[game].cells for game in which]

    def act(self, which: Sequence[int], actions: Sequence[int]) -> list[Ending | None]:
        return list(map(self._act, which, actions))

    def _act(self, game: int, action: int) -> Ending | None:
        board, rules = self._boards[game], self._rules
        self._ineffective[game] = 0 if board.move(action) else self._ineffective[game] + 1
        self._steps[game] += 1
        stuck = self._ineffective[game] >= rules.max_ineffective
        won = rules.goal in board.cells  # a merge makes one power of two more: the goal itself comes first
        ended = won or stuck or self._steps[game] >= rules.horizon or board.over
        return self._ending(game, won, stuck) if ended else None

    def standing(self, which: int) -> Ending:
        return self._ending(which)

    def _ending(self, game: int, won: bool = False, stuck: bool = False) -> Ending:
        board = self._boards[game]
        return self._rules.ending(board.max_exponent, self._steps[game], board.score, won, stuck)


class _Together:
    """Games in numpy."""

    def __init__(self, seeds: Sequence[int], rules: _Rules) -> None:
        self._rules = rules
        self._boards = Boards(np.array(seeds, np.uint64), rules.size)
        self._steps = np.zeros(len(seeds), np.int64)
        self._ineffective = np.zeros(len(seeds), np.int64)

    def observe(self, which: Sequence[int]) -> list[bytes]:
        exponents = self._boards.exponents(np.asarray(which, np.intp))
        cells = exponents.shape[1] * exponents.shape[2]
        data = exponents.tobytes()
        return [data[start : start + cells] for start in range(0, len(data), cells)]

    def act(self, which: Sequence[int], actions: Sequence[int]) -> list[Ending | None]:
        index, rules = np.asarray(which, np.intp), self._rules
        changed = self._boards.move(index, np.asarray(actions, np.intp))
        self._steps[index] = steps = self._steps[index] + 1
        self._ineffective[index] = ineffective = np.where(changed, 0, self._ineffective[index] + 1)
        stuck = ineffective >= rules.max_ineffective
        won = self._boards.max_exponent(index) >= rules.goal
        ended = won | stuck | (steps >= rules.horizon) | self._boards.over(index)
        endings: list[Ending | None] = [None] * len(index)
        for place in np.flatnonzero(ended):
            endings[place] = self._ending(int(index[place]), bool(won[place]), bool(stuck[place]))
        return endings

    def standing(self, which: int) -> Ending:
        return self._ending(which)

    def _ending(self, game: int, won: bool = False, stuck: bool = False) -> Ending:
        largest = int(self._boards.max_exponent(np.array([game], np.intp))[0])
        return self._rules.ending(largest, int(self._steps[game]), int(self._boards.scores[game]), won, stuck)


class Lockstep:
    """The games of a batch, by numpy where many of them step together, else one by one: the same games bit for bit.

    Args:
        seeds: one 63-bit seed a game.
        size: cells along a side.
        target: the tile that wins.
        max_ineffective: this many ineffective moves in a row end a game as ``invalid_action``.
        horizon: moves after which a game has failed.
    """

    def __init__(self, seeds: Sequence[int], *, size: int, target: int, max_ineffective: int, horizon: int) -> None:
        self._seeds = seeds
        self._rules = _Rules(size, target.bit_length() - 1, max_ineffective, horizon)
        self._games: _OneByOne | _Together | None = None

    def _begun(self, together: int) -> _OneByOne | _Together:
        if self._games is None:
            self._games = (_Together if together >= _MANY else _OneByOne)(self._seeds, self._rules)
        return self._games

    def observe(self, which: Sequence[int]) -> list[bytes]:
        return self._begun(len(which)).observe(which)

    def act(self, which: Sequence[int], actions: Sequence[int]) -> list[Ending | None]:
        return self._begun(len(which)).act(which, actions)

    def close(self) -> None:
        pass

    def standing(self, which: int) -> Ending:
        if self._games is None:  # a program that never played says nothing of how many will
            return _OneByOne([self._seeds[which]], self._rules).standing(0)
        return self._games.standing(which)
