"""Sudoku as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envrl.envs.sudoku.game import Game
from envrl.envs.sudoku.generator import check_wanted, puzzle
from envrl.envs.sudoku.grading import Grade

__all__ = ["SudokuEnv", "board_text"]


def board_text(board: bytes | bytearray) -> str:
    """A board as lines of text, as the ``ansi`` render mode shows it.

    Args:
        board: 81 digits row by row, 0 for an empty cell.
    """
    lines = []
    for row in range(9):
        digits = [str(digit) if digit else "." for digit in board[9 * row : 9 * row + 9]]
        lines.append(" | ".join(" ".join(digits[start : start + 3]) for start in (0, 3, 6)))
    rule = "------+-------+------"
    return "\n".join([*lines[:3], rule, *lines[3:6], rule, *lines[6:]])


class SudokuEnv(gymnasium.Env[NDArray[np.uint8], NDArray[np.int64]]):
    """Sudoku, one cell at a time: fill the board so that no row, column or box has a digit twice.

    **Observation**: uint8 of shape (2, 9, 9): the board and the board of the start; 0 is an empty cell. **Actions**:
    row 0 to 8, column 0 to 8, digit minus one. **Reward**: 1 for a digit that is the solution's, else 0, so that a
    solved game returns its number of blanks. An episode terminates when the board is full, when no empty cell can be
    filled, or at an illegal placement: on a cell that has a digit, or of a digit that its row, column or box has.

    **Info**: ``is_success``, ``illegal`` (the placement was refused), ``filled`` (blanks that have a digit),
    ``correct`` (blanks that have the digit of the solution). Neither the seed nor the solution is in it.

    Args:
        blanks: number of empty cells at the start.
        grade: ``easy``, ``medium``, ``hard`` or ``expert`` (see `envrl.envs.sudoku.grading`); None for whatever comes.
        render_mode: None or ``"ansi"``.

    Raises:
        UnknownNameError: there is no such grade.
        ConfigError: puzzles of that grade do not have so many, or so few, blanks.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 (declared so by gymnasium.Env)

    def __init__(self, blanks: int = 50, grade: Grade | None = "medium", render_mode: str | None = None) -> None:
        check_wanted(blanks, grade)
        self.blanks, self.grade = blanks, grade
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, 9, (2, 9, 9), np.uint8)
        self.action_space = spaces.MultiDiscrete([9, 9, 9])
        self._game: Game | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start a new game.

        Args:
            seed: its low 63 bits are the game's seed; without one, the seed is drawn from ``np_random``.
            options: none are known.

        Returns:
            The observation and the info.
        """
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(2**63))
        self._game = Game(puzzle(seed, self.blanks, self.grade))
        return self._observation(self._game), self._info(self._game)

    def step(self, action: NDArray[np.int64]) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Fill one cell.

        Returns:
            Observation, reward, terminated, truncated (always False), info.

        Raises:
            gymnasium.error.ResetNeeded: there is no game yet.
            gymnasium.error.InvalidAction: the action is not three integers from 0 to 8.
        """
        game = self._playing()
        try:
            row, column, digit = np.asarray(action).tolist()
        except (TypeError, ValueError):
            row = column = digit = None
        if not all(type(part) is int and 0 <= part <= 8 for part in (row, column, digit)):
            raise gymnasium.error.InvalidAction(
                f"Sudoku: action {action!r} is no placement: give row, column and digit minus one, each from 0 to 8"
            )
        before = game.correct
        illegal = bool(game.place(row, column, digit + 1))
        terminated = illegal or game.solved or game.stuck
        return self._observation(game), float(game.correct - before), terminated, False, self._info(game, illegal)

    def render(self) -> str | None:
        """The board as text in render mode ``"ansi"``, else None.

        Raises:
            gymnasium.error.ResetNeeded: there is no game yet.
        """
        if self.render_mode is None:
            return None
        return board_text(self._playing().board)

    def _playing(self) -> Game:
        if self._game is None:
            raise gymnasium.error.ResetNeeded("Sudoku: there is no game yet: call reset() first")
        return self._game

    @staticmethod
    def _observation(game: Game) -> NDArray[np.uint8]:
        return np.array([*game.board, *game.puzzle.clues], np.uint8).reshape(2, 9, 9)

    @staticmethod
    def _info(game: Game, illegal: bool = False) -> dict[str, Any]:
        return {"is_success": game.solved, "illegal": illegal, "filled": game.filled, "correct": game.correct}
