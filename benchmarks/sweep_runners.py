"""Does Ray keep up with the local runner at equal workers, what does a chunk cost, and how far would it scale?

    python benchmarks/sweep_runners.py [--quick] [--workers N] [--rounds 5] [--json PATH]

Three parts, in one run:

* throughput: both runners play the same programs on the same seeds with the same number of workers, in turns, so that a
  busy moment of the machine meets no side alone. Every card must be the same, or nothing is reported. CPU by game is of
  coordinator, referees, zygotes and workers: it says more than the clock where others use the machine.
* the coordinator: `RayArena`'s own loop over actors that answer at once and play nothing, so all that is left is what
  the coordinator does for a chunk: pack, send, wait, unpack, check. CPU seconds of the coordinating process (all of its
  threads) by chunk, by games in a chunk and by chunks in the air. Up to a thousand workers are the same four actors
  many times over.
* a model, not a measurement: workers that have a core each and need the measured CPU for a game, and a coordinator that
  serves one chunk at a time for as long as a chunk was measured to cost. Up to the knee it hardly shows; beyond it more
  workers add nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from _timing import Machine, median, show, write_json
from reward_throughput import programs

from envrl.envs import Task, find_task
from envrl.outcomes import Outcome
from envrl.rollouts import Arena, Assignment, Episode, Scorecard
from envrl.rollouts.ray_arena import RayArena, _Host
from envrl.rollouts.ray_host import Answer, Place, digest
from envrl.rollouts.ray_session import import_ray
from envrl.seeding import episode_seeds

SETTLE_SECONDS = 0.2  # for the last workers to be reaped and counted
ACTORS = 4  # that answer at once
MODELLED = (10, 100, 300, 1000, 3000)  # workers
CHUNKS = (64, 256, 1024)  # games


# -- throughput ------------------------------------------------------------------------------------------------------


def told(cards: Sequence[Scorecard]) -> list[object]:
    """All of the cards that is a function of programs and seeds."""
    return [
        [card.outcome, card.program_hash]
        + [(e.index, e.outcome, e.steps, e.score, e.progress, e.metrics, e.call) for e in card.episodes]
        for card in cards
    ]


def cpu_of(arena: Arena | RayArena) -> float:
    """CPU seconds of this process, of all referees, and of their zygotes and the workers that have ended."""
    time.sleep(SETTLE_SECONDS)
    if isinstance(arena, Arena):
        found = arena.processes()
    else:
        actors = [psutil.Process(host.place.pid) for host in arena._hosts if host.place]
        found = [process for actor in actors for process in (actor, *actor.children(recursive=True))]
    total = time.process_time()
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


def throughput(task: Task, workers: int, rounds: int, count: int, episodes: int) -> dict[str, Any]:
    """Both runners on the same games, in turns."""
    sources = programs(task, count)
    games: dict[str, list[float]] = {"local": [], "ray": []}
    cpu: dict[str, list[float]] = {"local": [], "ray": []}
    moves: list[float] = []
    starts: dict[str, float] = {}
    began = time.perf_counter()
    with Arena(task, workers=workers) as local:
        local.ready()
        starts["local"], began = time.perf_counter() - began, time.perf_counter()
        with RayArena(task, workers=workers) as ray:
            ray.ready()
            starts["ray"] = time.perf_counter() - began
            for number in range(rounds + 1):  # the first round warms both up
                indices = tuple(range(number * episodes, (number + 1) * episodes))
                seeds = tuple(episode_seeds("benchmark", "test", indices))
                played = [Assignment(source, indices, seeds) for source in sources]
                cards = {}
                order: list[tuple[str, Arena | RayArena]] = [("local", local), ("ray", ray)]
                for side, arena in order if number % 2 else order[::-1]:
                    used, start = cpu_of(arena), time.perf_counter()
                    cards[side] = arena.play(played)
                    games[side].append(len(sources) * episodes / (time.perf_counter() - start))
                    cpu[side].append((cpu_of(arena) - used) / (len(sources) * episodes))
                if told(cards["local"]) != told(cards["ray"]):
                    raise SystemExit("the runners disagree")
                moves.append(sum(e.steps for card in cards["ray"] for e in card.episodes))
    games, cpu = ({side: values[1:] for side, values in sides.items()} for sides in (games, cpu))
    ratios = [b / a for a, b in zip(games["local"], games["ray"], strict=True)]
    return {
        "programs": len(sources),
        "episodes": episodes,
        "workers": workers,
        "rounds": rounds,
        "moves_a_game": sum(moves) / (len(moves) * len(sources) * episodes),
        "start_seconds": starts,
        "games_per_second": {side: median(values) for side, values in games.items()},
        "cpu_seconds_a_game": {side: median(values) for side, values in cpu.items()},
        "ratio": median(ratios),
        "ratios": ratios,
        "cpu_ratio": median([b / a for a, b in zip(cpu["local"], cpu["ray"], strict=True)]),
    }


# -- the coordinator -------------------------------------------------------------------------------------------------


class Null:
    """An actor that answers at once, many chunks at a time."""

    async def play(self, assignments: Sequence[Assignment]) -> Answer:
        cards = [
            Scorecard(
                source=one.source,
                program_hash="0123456789abcdef",
                episodes=tuple(
                    Episode(index=i, outcome=Outcome.FAILURE, steps=281, score=2304.0, progress=0.8, cpu=0.01,
                            metrics={"max_tile": 256.0})
                    for i in one.indices
                ),
            )
            for one in assignments
        ]  # fmt: skip
        return Answer(digest(assignments), cards, 0.0, 0)

    async def prepare(self) -> None:
        pass

    async def close(self) -> None:
        pass


class NullArena(RayArena):
    """The coordinator over as many workers as wanted, which are a few actors that play nothing."""

    def _count(self, workers: int | None) -> int:
        made = self._ray.remote(Null).options(num_cpus=0, max_concurrency=1000)
        self._nulls = [made.remote() for _ in range(ACTORS)]
        self._ray.get([null.prepare.remote() for null in self._nulls])
        assert workers is not None
        return workers

    def _add(self, starts: int = 1) -> None:
        host = _Host(self._nulls[len(self._hosts) % ACTORS], Place("node", "host", 0, (), {}))
        self._hosts.append(host)
        self._idle.append(host)
        self._layers = {}


def coordinator(task: Task, workers: int, games: int, chunks: int) -> dict[str, float]:
    """CPU seconds of this process by chunk, with so many chunks in the air."""
    source = programs(task, 1)[0]
    arena = NullArena(task, workers=workers)
    try:
        waves: list[tuple[float, float, float]] = []
        for wave in range(max(2, chunks // workers) + 1):  # the first one warms up
            played = [
                Assignment(f"{source}\n# {number}", tuple(range(games)), tuple(range(wave, wave + games)))
                for number in range(workers)
            ]
            wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
            arena.play(played)
            waves.append((time.perf_counter() - wall, time.process_time() - cpu, time.thread_time() - own))
    finally:
        arena.close()
    wall, cpu, own = (median([wave[i] for wave in waves[1:]]) / workers for i in range(3))
    return {"workers": workers, "games": games, "wall": wall, "cpu": cpu, "main_thread": own}


# -- the model -------------------------------------------------------------------------------------------------------


def efficiency(workers: int, play: float, serve: float, chunks: int = 30) -> float:
    """Share of the workers' time in which they play: each plays a chunk for `play` seconds (give or take a fifth),
    then waits for the one coordinator to serve it for `serve` seconds. A simulation of events, `chunks` a worker.
    """
    rng = random.Random(0)
    ready = [(rng.random() * play, worker) for worker in range(workers)]  # they do not start as one
    first = sum(start for start, _ in ready)
    heapq.heapify(ready)
    free = played = 0.0
    for _ in range(workers * chunks):
        now, worker = heapq.heappop(ready)
        free = max(free, now) + serve
        took = play * rng.uniform(0.8, 1.2)
        played += took
        heapq.heappush(ready, (free + took, worker))
    return played / (sum(end for end, _ in ready) - first)


def model(speed: float, costs: Sequence[dict[str, float]], most: int) -> list[dict[str, Any]]:
    """Rows by games in a chunk.

    Args:
        speed: games a second of one worker.
        costs: of the coordinator; the largest pool of single games tells what a chunk costs, the largest chunks what
            each further game adds.
        most: workers of that pool.
    """
    (fixed,) = [row["cpu"] for row in costs if row["workers"] == most and row["games"] == 1]
    large = max(costs, key=lambda row: row["games"])
    (small,) = [row["cpu"] for row in costs if row["workers"] == large["workers"] and row["games"] == 1]
    a_game = max(0.0, large["cpu"] - small) / (large["games"] - 1)
    rows = []
    for games in CHUNKS:
        play, serve = games / speed, fixed + a_game * (games - 1)
        shares = {str(workers): efficiency(workers, play, serve) for workers in MODELLED}
        rows.append({"games": games, "play": play, "serve": serve, "knee": 1 + play / serve, "efficiency": shares})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="of both runners")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side, after one to warm up")
    parser.add_argument("--quick", action="store_true", help="one round of 16 programs, small pools")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    machine, task = Machine(), find_task("2048")
    rounds, count = (1, 16) if options.quick else (options.rounds, 64)
    many, chunks = (100, 200) if options.quick else (1000, 3000)

    ray = import_ray()
    figures = throughput(task, options.workers, rounds, count, 16)
    shape = f"{figures['programs']} programs x {figures['episodes']} games of 2048"
    print(f"{shape}, {figures['moves_a_game']:.0f} moves each")
    rows = [
        [
            side,
            f"{figures['start_seconds'][side]:.1f}",
            f"{speed:,.0f}",
            f"{speed * figures['moves_a_game']:,.0f}",
            f"{1e3 * figures['cpu_seconds_a_game'][side]:.2f}",
        ]
        for side, speed in figures["games_per_second"].items()
    ]
    show([f"runner, {options.workers} workers", "seconds to start", "games/s", "moves/s", "CPU ms a game"], rows)
    spread = f"{min(figures['ratios']):.2f} to {max(figures['ratios']):.2f}"
    print(f"ray over local, round by round: {figures['ratio']:.2f} ({spread}), in CPU {figures['cpu_ratio']:.2f}")
    print("every card is the same\n")

    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             object_store_memory=256 * 2**20)  # fmt: skip
    shapes = [(2, 1), (32, 1), (many, 1), (many, 16), (32, 1024)]
    costs = [coordinator(task, workers, games, chunks) for workers, games in shapes]
    ray.shutdown()
    rows = [
        [
            f"{row['workers']:.0f}",
            f"{row['games']:.0f}",
            *(f"{1e3 * row[key]:.2f}" for key in ("cpu", "main_thread", "wall")),
        ]
        for row in costs
    ]
    show(["workers", "games a chunk", "coordinator, CPU ms a chunk", "of its main thread", "wall ms a chunk"], rows)

    speed = 1 / figures["cpu_seconds_a_game"]["ray"]
    modelled = model(speed, costs, many)
    print(f"\nmodel, not measured: workers of {speed:,.0f} games/s each (one core, by its CPU), one coordinator")
    rows = [
        [f"{row['games']}", f"{row['play']:.2f}", f"{1e3 * row['serve']:.2f}", f"{row['knee']:,.0f}"]
        + [f"{share:.0%}" for share in row["efficiency"].values()]
        for row in modelled
    ]
    show(["games a chunk", "s to play", "ms to serve", "knee, workers", *(f"{n:,}" for n in MODELLED)], rows)
    print("shares: of the workers' time in which they play, with so many workers")
    print("\n" + machine.describe())
    write_json(options.json, "sweep_runners", machine, {"throughput": figures, "coordinator": costs, "model": modelled})


if __name__ == "__main__":
    main()
