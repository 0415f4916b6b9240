"""2048 the way the notebooks play a model's program: game and program in one process, an alarm clock for the time.

Standard library only, so that the side with one subprocess a program starts nothing else:

    python -I -S _notebook_2048.py TARGET HORIZON SEED...  < program
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Sequence

__all__ = ["Game", "play"]

_SECONDS = 60
_INEFFECTIVE = 10


class Game:
    """Nested lists and loops, and Python's ``random`` for the new tiles."""

    def __init__(self, seed: int, target: int) -> None:
        self.random = random.Random(seed)
        self.target = target
        self.board = [[0] * 4 for _ in range(4)]
        self.score = 0
        self.spawn()
        self.spawn()

    def spawn(self) -> None:
        empty = [(r, c) for r in range(4) for c in range(4) if self.board[r][c] == 0]
        r, c = self.random.choice(empty)
        self.board[r][c] = 4 if self.random.random() < 0.1 else 2

    def slid(self, line: list[int]) -> list[int]:
        tiles = [tile for tile in line if tile]
        merged = []
        i = 0
        while i < len(tiles):
            if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
                merged.append(2 * tiles[i])
                self.score += 2 * tiles[i]
                i += 2
            else:
                merged.append(tiles[i])
                i += 1
        return merged + [0] * (4 - len(merged))

    def move(self, action: str) -> bool:
        board = self.board
        if action in "WS":
            board = [list(column) for column in zip(*board)]  # noqa: B905
        if action in "DS":
            board = [self.slid(line[::-1])[::-1] for line in board]
        else:
            board = [self.slid(line) for line in board]
        if action in "WS":
            board = [list(column) for column in zip(*board)]  # noqa: B905
        if board == self.board:
            return False
        self.board = board
        self.spawn()
        return True

    @property
    def over(self) -> bool:
        board = self.board
        if any(0 in row for row in board):
            return False
        return not any(
            (c < 3 and board[r][c] == board[r][c + 1]) or (r < 3 and board[r][c] == board[r + 1][c])
            for r in range(4)
            for c in range(4)
        )

    @property
    def won(self) -> bool:
        return max(map(max, self.board)) >= self.target


def _ring(signum: int, frame: object) -> None:
    raise TimeoutError


def play(source: str, seeds: Sequence[int], target: int, horizon: int) -> list[tuple[bool, int, int]]:
    """Plays a program's games one after another; won, moves and score of each."""
    results = []
    signal.signal(signal.SIGALRM, _ring)
    for seed in seeds:
        space: dict[str, object] = {}
        exec(compile(source, "<strategy>", "exec"), space)
        strategy = space["strategy"]
        game = Game(seed, target)
        steps = ineffective = 0
        signal.alarm(_SECONDS)
        try:
            while steps < horizon and ineffective < _INEFFECTIVE and not game.won and not game.over:
                action = strategy([row[:] for row in game.board])  # type: ignore[operator]
                if action not in ("W", "A", "S", "D"):
                    break
                ineffective = 0 if game.move(action) else ineffective + 1
                steps += 1
        except Exception:
            pass
        finally:
            signal.alarm(0)
        results.append((game.won, steps, game.score))
    return results


if __name__ == "__main__":
    target, horizon, *seeds = map(int, sys.argv[1:])
    for won, steps, score in play(sys.stdin.read(), seeds, target, horizon):
        print(int(won), steps, score)
