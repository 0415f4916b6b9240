"""Does anything leak? Many thousands of programs through one sandbox, good and bad.

A `Player` plays them in batches, mostly honest and short ones, and among them programs that loop for ever, fill
memory, crash the interpreter, break the language policy, or do not compile. Printed at the start, along the way and at
the end: open descriptors and resident memory of host and zygote, processes, zombies. The exit code is 1 if descriptors
or processes grew, if memory grew by more than a few MB after the warm-up, or if a program ended as it should not.

    python benchmarks/sandbox_soak.py [--programs 100000] [--quick] [--json PATH]
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from _timing import Machine, show, write_json

from envrl.envs import find_task
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Player, Scorecard, profile_of
from envrl.sandbox import Sandbox, active_layers
from envrl.seeding import episode_seeds

GROWTH_MB = 6.0
"""What allocators may still take after the warm-up."""
WARM_UP = 0.1
"""Share of the programs after which memory is first compared."""
BATCH = 500
SETTLE_SECONDS = 0.5  # for the last workers of a batch to be reaped
LIMITS = Limits(
    load_cpu=0.5, call_cpu=0.1, game_cpu=0.3, grace_cpu=0.05, memory=48 * 2**20, output=2000, hard_failures=2
)

HONEST = 'def strategy(board):\n    return "WASD"[sum(map(sum, board)) % 4]\n'
KINDS = {
    "honest": (HONEST, {Outcome.SUCCESS, Outcome.FAILURE, Outcome.INVALID_ACTION}),
    "raises": ("def strategy(board):\n    return board[9][9]\n", {Outcome.EXCEPTION}),
    "does not compile": ("def strategy(board)\n    return 'W'\n", {Outcome.SYNTAX_ERROR}),
    "forbidden": ("import os\ndef strategy(board):\n    return os.getcwd()\n", {Outcome.VIOLATION}),
    "endless": ("def strategy(board):\n    while True:\n        pass\n", {Outcome.TIMEOUT}),
    "endless in C": ("def strategy(board):\n    return sum(range(10**12))\n", {Outcome.TIMEOUT}),
    "memory": ("def strategy(board):\n    return len([0] * 10**9)\n", {Outcome.MEMORY}),
    "crash": (
        "def strategy(board):\n    deep = iter([1])\n    for _ in range(200_000):\n"
        "        deep = filter(None, deep)\n    return next(deep)\n",
        {Outcome.CRASH},
    ),
}
"""Programs, each with the outcomes that it may have."""
EVERY = {"raises": 20, "does not compile": 25, "forbidden": 30, "memory": 100, "crash": 150, "endless": 1000}
EVERY["endless in C"] = 2000
"""One program in so many is of this kind; all others are honest."""
COLUMNS = ("programs", "seconds", "host fds", "zygote fds", "host MB", "zygote MB", "processes", "zombies")
WIDTH = 12
AT_LEAST = 5  # of each kind, however few the programs


@dataclass(frozen=True)
class Look:
    """What host and zygote hold at one moment; megabytes, and -1 where the system does not say."""

    programs: int
    seconds: float
    host_descriptors: int
    zygote_descriptors: int
    host_mb: float
    zygote_mb: float
    processes: int
    zombies: int

    def cells(self) -> list[str]:
        counts = (self.host_descriptors, self.zygote_descriptors)
        memory = (f"{self.host_mb:.1f}", f"{self.zygote_mb:.1f}")
        return [
            f"{self.programs:,}",
            f"{self.seconds:.0f}",
            *map(str, counts),
            *memory,
            f"{self.processes}",
            f"{self.zombies}",
        ]


def look(sandbox: Sandbox, programs: int, began: float) -> Look:
    """Looks, once what has ended is gone, and prints what it sees."""
    gc.collect()
    time.sleep(SETTLE_SECONDS)
    host = psutil.Process()
    children = host.children(recursive=True)
    # With process ids of its own, the zygote is the only child of the process that was started.
    zygote = psutil.Process(sandbox.pids()[0])
    zygote = next((child for child in zygote.children() if child.name() == zygote.name()), zygote)
    zombies = sum(child.status() == psutil.STATUS_ZOMBIE for child in children)
    seen = Look(
        programs=programs,
        seconds=time.monotonic() - began,
        host_descriptors=len(os.listdir("/proc/self/fd")),
        zygote_descriptors=_descriptors(zygote),
        host_mb=host.memory_info().rss / 2**20,
        zygote_mb=zygote.memory_info().rss / 2**20,
        processes=len(children),
        zombies=zombies,
    )
    print("".join(f"{cell:>{WIDTH}}" for cell in seen.cells()), flush=True)
    return seen


def _descriptors(process: psutil.Process) -> int:
    try:
        return process.num_fds()
    except psutil.AccessDenied:
        return -1


def kinds(total: int) -> Iterator[str]:
    """The mix: which kind each program is of."""
    every = {kind: min(often, max(len(EVERY) + 1, total // AT_LEAST)) for kind, often in EVERY.items()}
    for number in range(total):
        yield next((kind for place, kind in enumerate(EVERY, 1) if number % every[kind] == place), "honest")


def outcome_of(card: Scorecard) -> Outcome:
    if card.outcome is not None:
        return card.outcome
    return card.episodes[0].outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=100_000, help="how many")
    parser.add_argument("--quick", action="store_true", help="300 programs, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    total = 300 if options.quick else options.programs
    machine = Machine()
    task = find_task("2048", {"horizon": 2})
    batch = min(BATCH, max(1, total // 3))
    seeds = episode_seeds("soak", "test", range(total))
    mix = kinds(total)
    ends: dict[str, Counter[Outcome]] = {kind: Counter() for kind in KINDS}
    looks: list[Look] = []
    with Sandbox(profile_of(task)) as sandbox:
        layers = sandbox.layers
        print(f"layers in force: {', '.join(active_layers(layers))}\n")
        player = Player(task, sandbox, LIMITS)
        began, done = time.monotonic(), 0
        print("".join(f"{column:>{WIDTH}}" for column in COLUMNS))
        looks.append(look(sandbox, done, began))
        marks = [int(total * share) for share in (WARM_UP, 0.25, 0.5, 0.75, 1.0)]
        while done < total:
            chosen = [next(mix) for _ in range(min(batch, total - done))]
            played = [
                Assignment(f"{KINDS[kind][0]}# {done + i}\n", (0,), (seeds[done + i],)) for i, kind in enumerate(chosen)
            ]
            for kind, card in zip(chosen, player.play(played), strict=True):
                ends[kind][outcome_of(card)] += 1
            done += len(chosen)
            if done >= marks[0]:
                looks.append(look(sandbox, done, began))
                marks = [mark for mark in marks if mark > done]
        peak = sandbox.peak_memory
    left = len(psutil.Process().children(recursive=True))
    print(f"after closing: {left} processes; largest worker {peak / 2**20:.0f} MB")
    print(f"{total / looks[-1].seconds:,.0f} programs a second\n")
    show(["kind", "programs", "outcomes"], [_row(kind, counts) for kind, counts in ends.items()])
    faults = verdict(looks, ends, left)
    print("\n" + ("; ".join(faults) if faults else "nothing grew") + f"\n{machine.describe()}")
    figures = {
        "layers": layers,
        "looks": [asdict(at) for at in looks],
        "outcomes": ends,
        "left": left,
        "faults": faults,
    }
    write_json(options.json, "sandbox_soak", machine, figures)
    raise SystemExit(1 if faults else 0)


def _row(kind: str, counts: Counter[Outcome]) -> list[str]:
    return [kind, f"{counts.total():,}", ", ".join(f"{name} {count:,}" for name, count in counts.most_common())]


def verdict(looks: list[Look], ends: dict[str, Counter[Outcome]], left: int) -> list[str]:
    """What went wrong, in words."""
    first, warm, last = looks[0], looks[1], looks[-1]
    faults = []
    for name in ("host_descriptors", "zygote_descriptors", "processes", "zombies"):
        before, after = getattr(first, name), getattr(last, name)
        if after > before:
            faults.append(f"{name.replace('_', ' ')} grew from {before} to {after}")
    for name in ("host_mb", "zygote_mb"):
        before, after = getattr(warm, name), getattr(last, name)
        if after > before + GROWTH_MB:
            faults.append(f"{name[:-3]} grew from {before:.1f} to {after:.1f} MB")
    if left:
        faults.append(f"{left} processes are left")
    for kind, counts in ends.items():
        wrong = {outcome: count for outcome, count in counts.items() if outcome not in KINDS[kind][1]}
        if wrong:
            faults.append(f"{kind}: {', '.join(f'{count} × {name}' for name, count in wrong.items())}")
    return faults


if __name__ == "__main__":
    main()
