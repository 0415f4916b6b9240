"""2048: slide and merge tiles on a board until the target tile stands."""

from envrl.envs.game2048.boards import Boards
from envrl.envs.game2048.env import Game2048Env, board_text
from envrl.envs.game2048.rules import ACTIONS, DOWN, LEFT, RIGHT, UP, merge_row
from envrl.envs.game2048.single import Board
from envrl.envs.game2048.vector import Game2048VectorEnv

__all__ = [
    "ACTIONS",
    "DOWN",
    "LEFT",
    "RIGHT",
    "UP",
    "Board",
    "Boards",
    "Game2048Env",
    "Game2048VectorEnv",
    "board_text",
    "merge_row",
]
