"""How fast is 2048, and from how many games on is a numpy batch worth it?

Every side plays random moves on 4×4 boards in this one process, in blocks of moves that start from fresh boards (the
vector environment plays on and resets games as they end), and counts moves a second; the best of several rounds is
reported. The baseline is the board one would write first: nested lists and loops, with Python's ``random`` for the
new tiles. Peers are measured where this interpreter can import them (gymnasium-2048, pgx, jumanji); those on JAX play
on both cores, in one compiled loop.

    python benchmarks/env_2048.py [--seconds 0.5] [--rounds 3] [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import msgspec
import numpy as np
from _peers_2048 import peer_sides

from envrl.envs import find_task
from envrl.envs.game2048 import Board, Boards, Game2048Env, Game2048VectorEnv
from envrl.sandbox.messages import play_frame

ID = "benchmark/Game2048-v0"
MOVES = np.random.default_rng(0).integers(0, 4, (512, 4096))
BATCHES = (1, 16, 64, 256, 4096)
# A side: how many games at once, and what plays one block of moves in all of them.
Side = tuple[int, Callable[[], object]]


class NestedListBoard:
    """The baseline: lists of lists, rotated by slicing, merged by loops."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.board = [[0] * 4 for _ in range(4)]
        self.score = 0
        self.spawn()
        self.spawn()

    def spawn(self) -> None:
        empty = [(r, c) for r in range(4) for c in range(4) if self.board[r][c] == 0]
        r, c = self.random.choice(empty)
        self.board[r][c] = 4 if self.random.random() < 0.1 else 2

    def merge(self, line: list[int]) -> list[int]:
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

    def move(self, action: int) -> bool:
        board = self.board
        if action in (0, 2):
            board = [list(column) for column in zip(*board, strict=True)]
        if action in (1, 2):
            board = [self.merge(line[::-1])[::-1] for line in board]
        else:
            board = [self.merge(line) for line in board]
        if action in (0, 2):
            board = [list(column) for column in zip(*board, strict=True)]
        if board == self.board:
            return False
        self.board = board
        self.spawn()
        return True


# Few random games on 4×4 are over by then.
BLOCK = 128


def board_side(make: Callable[[int], Board | NestedListBoard]) -> Side:
    actions = MOVES[:BLOCK, 0].tolist()

    def block() -> None:
        board = make(1)
        for action in actions:
            board.move(action)

    return 1, block


def batch_side(count: int) -> Side:
    games = np.arange(count)
    boards = Boards(games.tolist())
    start = boards.exponents(games)

    def block() -> None:
        boards.put(games, start)
        for actions in MOVES[:BLOCK, :count]:
            boards.move(games, actions)

    return count, block


def env_side() -> Side:
    env = gymnasium.make(ID, max_ineffective=1000)
    actions = MOVES[:BLOCK, 0].tolist()

    def block() -> None:
        env.reset(seed=1)
        for action in actions:
            if env.step(action)[2]:
                env.reset()

    return 1, block


def vector_side(count: int) -> Side:
    env = gymnasium.make_vec(ID, num_envs=count, max_ineffective=1000)
    env.reset(seed=1)

    def block() -> None:
        for actions in MOVES[:BLOCK, :count]:
            env.step(actions)

    return count, block


def moves_a_second(side: Side, seconds: float) -> float:
    count, block = side
    blocks = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        block()
        blocks += 1
    return blocks * BLOCK * count / elapsed


def observation_path(count: int, rounds: int) -> tuple[float, float]:
    """Microseconds in which the boards of many games become a message, and the message nested lists in a worker."""
    task = find_task("2048")
    games, which = task.games(list(range(count))), list(range(count))
    space: dict[str, Any] = {}
    exec(task.lent.adapter, space)

    def send() -> bytes:
        return play_frame([], [], list(zip(which, games.observe(which), strict=True)))

    def receive(frame: bytes) -> None:
        for _, payload in msgspec.msgpack.decode(frame[4:])[3]:
            space["arguments"](payload)

    frame = send()
    times = [min(timeit.repeat(do, number=10, repeat=rounds * 10)) for do in (send, lambda: receive(frame))]
    return times[0] / 10 * 1e6, times[1] / 10 * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a round of one side")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best of each side counts")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    gymnasium.register(ID, entry_point=Game2048Env, vector_entry_point=Game2048VectorEnv)
    sides: dict[str, Side] = {
        "nested lists": board_side(NestedListBoard),
        "Board": board_side(Board),
        **{f"Boards, {count}": batch_side(count) for count in BATCHES},
        "gymnasium.make": env_side(),
        "gymnasium.make_vec, 256": vector_side(256),
    }
    peers, missing = peer_sides()
    sides |= peers
    for _, block in sides.values():
        block()
    best = dict.fromkeys(sides, 0.0)
    # Rounds go over all sides in turn, so that a busy moment of the machine meets no side alone.
    rounds, seconds = (1, 0.1) if options.quick else (options.rounds, options.seconds)
    for _ in range(rounds):
        for name, side in sides.items():
            best[name] = max(best[name], moves_a_second(side, seconds))
    baseline, single = best["nested lists"], best["Board"]
    print(f"{'side':<24}{'moves/s':>14}{'× nested lists':>16}{'× Board':>10}")
    for name, speed in best.items():
        print(f"{name:<24}{speed:>14,.0f}{speed / baseline:>16.2f}{speed / single:>10.2f}")
    print("\n".join(missing))
    sent, received = observation_path(256, rounds)
    print(f"256 boards: {sent:.0f} µs to a message, {received:.0f} µs from there to nested lists")
    if options.json:
        figures = {
            "benchmark": "env_2048",
            "python": platform.python_version(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "moves_per_second": best,
            "observation_path_us": {"host": sent, "worker": received},
            "ratio_to_nested_lists": {name: speed / baseline for name, speed in best.items()},
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
