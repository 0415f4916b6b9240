"""Sudoku in lockstep: the games of a batch behind the `Games` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envrl.envs.games import Ending, InvalidAction, describe
from envrl.envs.sudoku.game import Game
from envrl.envs.sudoku.generator import puzzle
from envrl.envs.sudoku.grading import Grade
from envrl.outcomes import Outcome

__all__ = ["Lockstep", "action"]


def action(value: Any) -> int:
    """The action that a returned placement stands for: ``81 * row + 9 * column + digit - 1``.

    Raises:
        InvalidAction: it is not three whole numbers, row and column from 0 to 8 and digit from 1 to 9.
    """
    if type(value) in (tuple, list) and len(value) == 3 and all(type(part) is int for part in value):
        row, column, digit = value
        if 0 <= row <= 8 and 0 <= column <= 8 and 1 <= digit <= 9:
            return int(81 * row + 9 * column + digit - 1)
    raise InvalidAction(
        f"returned {describe(value)}, which is no (row, col, digit) with row and col from 0 to 8, digit from 1 to 9"
    )


class Lockstep:
    """The games of a batch. None takes more placements than it has blanks.

    A placement on a cell that has a digit, or of a digit that its row, column or box has already, ends a game as
    ``invalid_action``.

    Args:
        seeds: one 63-bit seed a game.
        blanks: number of empty cells at the start.
        grade: see `envrl.envs.sudoku.grading`; None for whatever comes.
    """

    def __init__(self, seeds: Sequence[int], *, blanks: int, grade: Grade | None) -> None:
        self._games = [Game(puzzle(int(seed), blanks, grade)) for seed in seeds]
        self._steps = [0] * len(self._games)

    def observe(self, which: Sequence[int]) -> list[bytes]:
        return [bytes(game.board) + bytes(game.puzzle.clues) for game in map(self._games.__getitem__, which)]

    def act(self, which: Sequence[int], actions: Sequence[int]) -> list[Ending | None]:
        endings: list[Ending | None] = []
        for number, code in zip(which, actions, strict=True):
            game = self._games[number]
            cell, digit = divmod(int(code), 9)
            move = (*divmod(cell, 9), digit + 1)
            objection = game.place(*move)
            self._steps[number] += 1
            if objection:
                detail = f"returned {move}, which may not be placed: {objection}"
                endings.append(self._ending(number, Outcome.INVALID_ACTION, detail))
            elif game.solved:
                endings.append(self._ending(number, Outcome.SUCCESS))
            elif game.stuck:
                endings.append(self._ending(number, Outcome.FAILURE))
            else:
                endings.append(None)
        return endings

    def close(self) -> None:
        pass

    def standing(self, which: int) -> Ending:
        return self._ending(which, Outcome.FAILURE)

    def _ending(self, which: int, outcome: Outcome, detail: str = "") -> Ending:
        game = self._games[which]
        correct, metrics = float(game.correct), {"filled": float(game.filled)}
        return Ending(outcome, self._steps[which], correct, correct / game.blanks, metrics, detail)
