"""How much does isolation cost? Strategies × episodes × moves a second through the whole path a reward takes.

One side plays in an `Arena`: referee processes, a confined worker for each strategy, all layers that the machine
permits. The other executes the same sources in this very process, with the same helpers and no isolation at all, and
plays the same seeds on `envrl.envs.game2048.Board`, one game after another. Rounds of both alternate, so that a busy
moment of the machine meets no side alone; medians are reported. Both must agree on every game, or nothing is.

    python benchmarks/reward_throughput.py [--quick] [--rounds 5] [--workers N] [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from envrl.envs import Task, find_task
from envrl.envs.game2048 import ACTIONS, Board
from envrl.rollouts import Arena, Assignment, Scorecard
from envrl.sandbox import active_layers
from envrl.seeding import episode_seeds

Game = tuple[bool, int, int]
"""Won, steps, score."""
CODES = {key: code for code, key in enumerate(ACTIONS)}
TILES = [0, *(2**k for k in range(1, 65))]


def programs(task: Task, count: int) -> list[str]:
    """Different honest programs of the task's own grammar."""
    assert task.examples is not None
    found = dict.fromkeys(example.source for example in task.examples(20 * count, 1) if not example.spoiled)
    return list(found)[:count]


class Bare:
    """The side without isolation."""

    def __init__(self, task: Task) -> None:
        self._options = task.options
        self._lent: dict[str, Any] = {}
        exec(compile(task.lent.tables, "<tables>", "exec"), self._lent)
        self._toolkit = compile(task.lent.toolkit, "<toolkit>", "exec")

    def play(self, assignments: Sequence[Assignment]) -> list[list[Game]]:
        return [[self._game(assignment.source, seed) for seed in assignment.seeds] for assignment in assignments]

    def _game(self, source: str, seed: int) -> Game:
        space = dict(self._lent)
        exec(self._toolkit, space)
        exec(compile(source, "<strategy>", "exec"), space)
        strategy: Callable[[list[list[int]]], object] = space["strategy"]
        random.seed(seed)
        board = Board(seed, self._options["size"])
        goal = self._options["target"].bit_length() - 1
        steps = ineffective = 0
        while True:
            rows = [[TILES[exponent] for exponent in row] for row in board._rows]
            try:
                code = CODES[strategy(rows)]  # type: ignore[index]
            except Exception:
                return False, steps, board.score
            ineffective = 0 if board.move(code) else ineffective + 1
            steps += 1
            if board.max_exponent >= goal:
                return True, steps, board.score
            if ineffective >= self._options["max_ineffective"] or steps >= self._options["horizon"] or board.over:
                return False, steps, board.score


def of_card(card: Scorecard) -> list[Game]:
    return [(episode.won, episode.steps, int(episode.score)) for episode in card.episodes]


def cpu_of(arena: Arena) -> float:
    """Seconds of CPU of all referees, zygotes, and the workers that have ended."""
    total = 0.0
    for process in arena.processes():
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def measure(task: Task, arena: Arena, sources: Sequence[str], episodes: int, rounds: int) -> dict[str, Any]:
    """Both sides on the same games, in turns."""
    bare = Bare(task)
    seconds: dict[str, list[float]] = {"arena": [], "in-process": []}
    shares: list[float] = []
    cores = len(os.sched_getaffinity(0))
    moves = strategy_cpu = 0.0
    for number in range(rounds + 1):  # the first round warms both sides up
        seeds = tuple(episode_seeds("benchmark", "test", range(number * episodes, (number + 1) * episodes)))
        played = [Assignment(source, tuple(range(episodes)), seeds) for source in sources]
        cpu, start = cpu_of(arena), time.perf_counter()
        cards = arena.play(played)
        took = time.perf_counter() - start
        used = cpu_of(arena) - cpu
        start = time.perf_counter()
        games = bare.play(played)
        took_bare = time.perf_counter() - start
        # Programs that draw at random draw other numbers here; of the rest every game must be the same.
        for source, card, expected in zip(sources, cards, games, strict=True):
            if "choice" not in source and of_card(card) != expected:
                raise SystemExit(f"the sides disagree on\n{source}")
        if number == 0:
            continue
        total = sum(episode.steps for card in cards for episode in card.episodes)
        total_bare = sum(steps for results in games for _, steps, _ in results)
        seconds["arena"].append(took / total)
        seconds["in-process"].append(took_bare / total_bare)
        moves += total
        strategy_cpu += sum(episode.cpu for card in cards for episode in card.episodes)
        shares.append(used / (took * cores))
    speed = {side: 1 / statistics.median(times) for side, times in seconds.items()}
    ratios = [b / a for a, b in zip(seconds["arena"], seconds["in-process"], strict=True)]
    return {
        "programs": len(sources),
        "episodes": episodes,
        "rounds": rounds,
        "moves_per_round": moves / rounds,
        "moves_per_second": speed,
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "cpu_share": statistics.median(shares),
        "strategy_microseconds_per_move": 1e6 * strategy_cpu / moves,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side, after one to warm up")
    parser.add_argument("--workers", type=int, help="referee processes; one a core unless given")
    parser.add_argument("--quick", action="store_true", help="one round of 16 programs, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds, count = (1, 16) if options.quick else (options.rounds, 64)
    task = find_task("2048")
    sources = programs(task, count)
    with Arena(task, workers=options.workers) as arena:
        layers = arena.ready()
        referees = len(arena._referees)
        print("layers in force:", ", ".join(active_layers(layers)))
        for layer, reason in layers.items():
            if reason:
                print(f"  without {layer}: {reason}")
        print(f"{referees} referees, {len(os.sched_getaffinity(0))} cores, median of {rounds} rounds\n")
        print(
            f"{'programs × episodes':<21}{'moves':>9}{'arena, moves/s':>16}{'in-process':>12}{'ratio':>8}"
            f"{'CPU share':>11}{'µs a move in strategies':>25}"
        )
        rows = []
        for episodes in (4, 16):
            row = measure(task, arena, sources, episodes, rounds)
            rows.append(row)
            speed = row["moves_per_second"]
            print(
                f"{f'{len(sources)} × {episodes}':<21}{row['moves_per_round']:>9,.0f}{speed['arena']:>16,.0f}"
                f"{speed['in-process']:>12,.0f}{row['ratio']:>8.2f}{row['cpu_share']:>10.0%}"
                f"{row['strategy_microseconds_per_move']:>25.1f}"
            )
    print("\nratio: moves a second through the arena over those in-process, round by round; over 1 the arena is faster")
    if options.json:
        figures = {
            "benchmark": "reward_throughput",
            "python": platform.python_version(),
            "machine": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "referees": referees,
            "layers": layers,
            "rows": rows,
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
