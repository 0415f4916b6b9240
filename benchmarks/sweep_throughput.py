"""How fast is a sweep? A strategy × 1000 seeds of default 2048: on two cores, on one, and in-process without isolation.

    python benchmarks/sweep_throughput.py [--quick] [--rounds 3] [--seeds 1000] [--json PATH]

All sides play the same games of a strategy that looks one move ahead. A sweep is what ``envrl eval`` does: confined
workers behind referee processes, batches that follow the clock, every episode written to disk; the pool is up before
the clock starts. The side of one core is held on it by its affinity, referee and workers both. The side without
isolation executes the source in this very process, with the same helpers, one game after another. Rounds of the sides
alternate, so that a busy moment of the machine meets no side alone; medians of the rounds' ratios are reported. All
sides must agree on every game, or nothing is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _timing import Machine, show, write_json
from reward_throughput import Bare, Game, of_card

from envrl.envs import Task, find_task
from envrl.evaluation.baselines import baselines
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeping import Field, play
from envrl.evaluation.sweeps import SweepHeader, SweepProgram
from envrl.rollouts import Arena, Assignment
from envrl.sandbox import active_layers
from envrl.seeding import block_salt, episode_seeds

GOAL_CORES, GOAL_ISOLATION = 1.6, 0.7
TWO, ONE, BARE = "sweep, two cores", "sweep, one core", "in-process, one core"


@contextmanager
def held_on(cores: set[int]) -> Iterator[None]:
    """Whatever starts in here stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def swept(task: Task, source: str, field: Field, arena: Arena, workers: int) -> list[Game]:
    """A sweep, written to disk as ``envrl eval`` does."""
    header = SweepHeader(
        kind="strategies",
        subject="one_ply",
        task=task.id,
        task_version=task.version,
        options=task.options,
        success=task.success,
        toolkit="full",
        contract=None,
        prompt_sha256=None,
        block=field.block,
        seeds=f"{field.seeds.start}:{field.seeds.stop}",
        limits={},
        layers=(),
        sampling={},
        versions={},
        command="",
        created="",
    )
    with tempfile.TemporaryDirectory() as folder, SweepLog.create(Path(folder) / "s", header, header) as log:
        log.add(SweepProgram(index=0, label="one_ply", completion=None, source=source))
        play(log, arena, field, range(1), workers)
        return of_card(log.card(0))


def measure(task: Task, seeds: range, rounds: int) -> dict[str, Any]:
    """Rates of all sides, round by round."""
    source = baselines(task)["one_ply"]
    field = Field("test", block_salt("test", task.id, task.version), seeds, task.limits.hard_failures)
    games = Assignment(source, tuple(seeds), tuple(episode_seeds(field.salt, "test", seeds)))
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SystemExit("this benchmark needs two cores")
    with held_on({cores[0]}):
        one = Arena(task, workers=1)
    with held_on(set(cores)):
        two = Arena(task, workers=2)
    with one, two:
        layers = active_layers(two.ready())
        one.ready()
        sides: dict[str, tuple[set[int], Callable[[], list[Game]]]] = {
            TWO: (set(cores), lambda: swept(task, source, field, two, 2)),
            ONE: ({cores[0]}, lambda: swept(task, source, field, one, 1)),
            BARE: ({cores[0]}, lambda: Bare(task).play([games])[0]),
        }
        speeds: dict[str, list[float]] = {side: [] for side in sides}
        moves = 0
        for number in range(rounds + 1):  # the first warms all sides up
            results = {}
            for side, (affinity, run) in sides.items():
                with held_on(affinity):
                    start = time.perf_counter()
                    results[side] = run()
                    took = time.perf_counter() - start
                moves = sum(steps for _, steps, _ in results[side])
                if number:
                    speeds[side].append(moves / took)
            if not results[TWO] == results[ONE] == results[BARE]:
                raise SystemExit("the sides disagree on some game")
    return {"moves": moves, "speeds": speeds, "layers": layers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each side, after one to warm up")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="one round of 100 seeds, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds, seeds = (1, 100) if options.quick else (options.rounds, options.seeds)
    machine = Machine()
    task = find_task("2048")
    found = measure(task, range(seeds), rounds)
    speeds = found["speeds"]

    def ratio(side: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(speeds[side], speeds[other], strict=True))

    print(f"{task.success}: one_ply × {seeds} seeds, {found['moves']:,} moves; median of {rounds} rounds\n")
    rows = [(side, f"{statistics.median(speeds[side]):,.0f}", f"{ratio(side, BARE):.2f}") for side in (TWO, ONE, BARE)]
    show(("side", "moves a second", "of in-process"), rows)
    scaling, isolation = ratio(TWO, ONE), ratio(ONE, BARE)
    print(f"\ntwo cores over one: {scaling:.2f} (goal: at least {GOAL_CORES})")
    print(f"one core with isolation over without: {isolation:.2f} (goal: at least {GOAL_ISOLATION})")
    print("layers in force:", ", ".join(found["layers"]))
    print(machine.describe())
    figures = {**found, "seeds": seeds, "rounds": rounds, "two_over_one": scaling, "isolation": isolation}
    write_json(options.json, "sweep_throughput", machine, figures)


if __name__ == "__main__":
    main()
