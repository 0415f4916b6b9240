"""2048 as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envrl.envs.game2048.render import RENDER_MODES, board_text, check_render_mode, draw_board
from envrl.envs.game2048.rules import check_options
from envrl.envs.game2048.single import Board

__all__ = ["Game2048Env", "board_text"]


class Game2048Env(gymnasium.Env[NDArray[np.uint8], int]):
    """2048 on an n×n board: reach the target tile.

    **Observation**: uint8 exponents of shape (size, size): 0 empty, k the tile 2**k. **Actions**: 0 up, 1 right,
    2 down, 3 left. **Reward**: the score that the move gained, the sum of the values of the merged tiles. An episode
    terminates when the target tile stands, when no move is legal, or after ``max_ineffective`` moves in a row that left
    the board as it was; it never truncates by itself (``max_episode_steps`` of `gymnasium.make` does that).

    **Info**: ``score``, ``max_tile`` (its value), ``is_success``, ``ineffective`` (moves in a row), ``spawns`` (tiles
    that have appeared). The seed is not in it.

    Args:
        size: cells a side, 3 to 8.
        target: value of the tile to reach, a power of two of at least 8.
        max_ineffective: ineffective moves in a row that end an episode.
        render_mode: None, ``"ansi"``, or ``"rgb_array"`` (with Pillow, of the extra ``video``).

    Raises:
        ConfigError: an option is outside its range.
    """

    metadata = {"render_modes": [*RENDER_MODES], "render_fps": 8}  # noqa: RUF012 (declared so by gymnasium.Env)

    def __init__(
        self, size: int = 4, target: int = 512, max_ineffective: int = 10, render_mode: str | None = None
    ) -> None:
        self._target_exponent = check_options(size, target, max_ineffective)
        check_render_mode(render_mode)
        self._max_ineffective = max_ineffective
        self.size = size
        self.render_mode = render_mode
        self.observation_space = spaces.Box(0, size * size + 1, (size, size), np.uint8)
        # Gymnasium's type of Discrete yields numpy integers; any integer is accepted as an action.
        self.action_space = spaces.Discrete(4)  # type: ignore[assignment]
        self._board: Board | None = None
        self._ineffective = 0

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
        self._board = Board(seed, self.size)
        self._ineffective = 0
        return self._board.exponents(), self._info(self._board)

    def step(self, action: int) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Make one move.

        Returns:
            Observation, reward, terminated, truncated (always False), info.

        Raises:
            gymnasium.error.ResetNeeded: there is no game yet.
            gymnasium.error.InvalidAction: the action is not 0, 1, 2 or 3.
        """
        board = self._playing()
        if action not in (0, 1, 2, 3):
            raise gymnasium.error.InvalidAction(f"2048: action {action!r} is not a move: give 0, 1, 2 or 3")
        before = board.score
        self._ineffective = 0 if board.move(int(action)) else self._ineffective + 1
        info = self._info(board)
        terminated = info["is_success"] or board.over or self._ineffective >= self._max_ineffective
        return board.exponents(), float(board.score - before), terminated, False, info

    def render(self) -> str | NDArray[np.uint8] | None:
        """The board in the render mode: text, a uint8 picture of shape (height, width, 3), or None without a mode.

        Raises:
            gymnasium.error.ResetNeeded: there is no game yet.
            MissingExtraError: a picture is wanted, and Pillow is not installed.
        """
        if self.render_mode is None:
            return None
        board = self._playing()
        return draw_board(self.render_mode, board.exponents(), board.score)

    def _playing(self) -> Board:
        if self._board is None:
            raise gymnasium.error.ResetNeeded("2048: there is no game yet: call reset() first")
        return self._board

    def _info(self, board: Board) -> dict[str, Any]:
        largest = board.max_exponent
        return {
            "score": board.score,
            "max_tile": 1 << largest,
            "is_success": largest >= self._target_exponent,
            "ineffective": self._ineffective,
            "spawns": board.spawns,
        }
