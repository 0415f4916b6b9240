"""How long from a program's source to its first action, in a fresh confined process?

Two tables, sides in turns within one run:

1. *Source to first action*: one program at a time: parsed, checked, compiled, and called once. envrl with all layers,
   with workers forked ahead (`Sandbox.prepare`), without the language policy, and with no kernel layer at all, beside
   other ways to run the same source. Every other way has a small host process of its own, so that one that forks forks
   little; ends of processes are not timed.
2. *Executions a second on one core*: the whole life of a program, and host, zygote and worker share the core.

    python benchmarks/sandbox_latency.py [--quick] [--rounds 40] [--peers PYTHON] [--json PATH]

``--peers`` names the interpreter of an environment that has smolagents and the like; without it they are not measured.
"""

from __future__ import annotations

import argparse
import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from _peers import PACKAGES, PLAIN, Host, Missing
from _timing import Machine, median, p99, show, write_json

from envrl.envs import find_task
from envrl.limits import Limits
from envrl.rollouts import profile_of
from envrl.sandbox import LAYERS, Fault, Loaded, Played, Profile, Program, Sandbox, active_layers

SHORT = """
ORDER = "WASD"


def strategy(board):
    best, choice = -1, "W"
    for place, move in enumerate(ORDER):
        score = sum(row.count(0) for row in board) + board[place][0]
        if score > best:
            best, choice = score, move
    return choice
"""
LONG = '''
import math

WEIGHTS = [[16, 8, 4, 2], [8, 4, 2, 1], [4, 2, 1, 0], [2, 1, 0, 0]]


def merge(row):
    tiles = [tile for tile in row if tile]
    out = []
    while tiles:
        tile = tiles.pop(0)
        if tiles and tiles[0] == tile:
            tile += tiles.pop(0)
        out.append(tile)
    return out + [0] * (len(row) - len(out))


def after(board, move):
    """The board after a move, before the new tile."""
    rows = [list(column) for column in zip(*board)] if move in "WS" else board
    rows = [merge(row[::-1])[::-1] if move in "DS" else merge(row) for row in rows]
    return [list(column) for column in zip(*rows)] if move in "WS" else rows


def value(board):
    total = 0
    for weights, row in zip(WEIGHTS, board):
        total += sum([weight * tile for weight, tile in zip(weights, row)])
    return total + 32 * math.log2(1 + sum([row.count(0) for row in board]))


def strategy(board):
    best, choice = -1.0, "W"
    for move in "WASD":
        new = after(board, move)
        if new != board and value(new) > best:
            best, choice = value(new), move
    return choice
'''
PROGRAMS = {"short": SHORT, "long": LONG}
"""A dozen lines, and three dozen with imports and helpers."""
CELLS = bytes([1, 2, 0, 1, 0, 3, 1, 0, 0, 0, 2, 1, 4, 0, 0, 1])
BOARD = [[2**cell if cell else 0 for cell in CELLS[row : row + 4]] for row in range(0, 16, 4)]
RAW_BOARD = (
    "def strategy(cells):\n"
    "    tiles = [2**cell if cell else 0 for cell in cells]\n"
    "    board = [tiles[start : start + 4] for start in range(0, 16, 4)]\n"
)
"""What the adapter of 2048 does, for a profile that has none."""
BLOCK, SLOW_BLOCK = 10, 2  # executions of a side before the next one's turn
SLOW_EVERY = 4  # rounds
SETTLE_SECONDS = 0.02  # until workers that were forked ahead stand ready
SLOW = ("multiprocessing forkserver", "multiprocessing spawn", "subprocess.run([python, -c])")

Side = Callable[[str, int], list[float]]
"""Runs a program so many times; gives the seconds of each."""


def answer(sandbox: Sandbox, program: Program, kind: type) -> Any:
    """The one reply that is awaited."""
    ((who, reply),) = sandbox.collect(60)
    if who is not program or not isinstance(reply, kind):
        raise SystemExit(f"the sandbox answered {reply}")
    if isinstance(reply, Played) and any(isinstance(value, Fault) for value in reply.values):
        raise SystemExit(f"the program failed: {reply}")
    return reply


def ours(sandbox: Sandbox, limits: Limits, ahead: bool = False, raw: bool = False) -> Side:
    """A side of envrl's own.

    Args:
        ahead: a worker is forked before the clock starts.
        raw: the profile hands over the board as bytes.
    """

    def side(source: str, count: int) -> list[float]:
        expected = right_action(source)
        data = (source.replace("def strategy(board):\n", RAW_BOARD) if raw else source).encode()
        seconds = []
        for _ in range(count):
            if ahead:
                sandbox.prepare(limits, 1, 1)
                time.sleep(SETTLE_SECONDS)
            start = time.perf_counter()
            program = sandbox.load(data, limits)
            answer(sandbox, program, Loaded)
            program.play([(0, CELLS)], [(0, 1)])
            reply = answer(sandbox, program, Played)
            seconds.append(time.perf_counter() - start)
            program.close()
            if reply.values != [expected]:
                raise SystemExit(f"{reply.values}, where {expected!r} is right")
        return seconds

    return side


def theirs(host: Host) -> Side:
    def side(source: str, count: int) -> list[float]:
        expected = right_action(source)
        said = host.ask(source, "strategy", [BOARD], count)
        if said.get("value") != expected:
            raise RuntimeError(said.get("error") or f"gave {said['value']!r}, where {expected!r} is right")
        seconds: list[float] = said["seconds"]
        return seconds

    return side


@functools.cache
def right_action(source: str) -> str:
    space: dict[str, Any] = {}
    exec(source, space)
    action: str = space["strategy"]([row[:] for row in BOARD])
    return action


def pinned(side: Side, core: int) -> Side:
    """The same with this process on one core; what it talks to was started there."""

    def on_one_core(source: str, count: int) -> list[float]:
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            return side(source, count)
        finally:
            os.sched_setaffinity(0, cores)

    return on_one_core


def start_on(core: int, profile: Profile, layers: tuple[str, ...] = LAYERS) -> Sandbox:
    """A sandbox whose zygote, and so its workers, live on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        return Sandbox(profile, layers=layers, require=())
    finally:
        os.sched_setaffinity(0, cores)


def first_action(sides: dict[str, Side], absent: dict[str, str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each execution by program and side; a side that fails goes to ``absent`` with the reason."""
    times: dict[str, dict[str, list[float]]] = {program: {side: [] for side in sides} for program in PROGRAMS}
    for number in range(-1, rounds):
        for name, side in sides.items():
            slow = name in SLOW or name in PACKAGES
            for program, source in PROGRAMS.items():
                if name in absent or (slow and number > 0 and number % SLOW_EVERY):
                    continue
                try:
                    taken = side(source, SLOW_BLOCK if slow else BLOCK)
                except RuntimeError as error:
                    absent[name] = str(error)
                    continue
                if number >= 0:
                    times[program][name] += [1e3 * seconds for seconds in taken]
    return {program: {name: taken for name, taken in by.items() if name not in absent} for program, by in times.items()}


def executions(sandbox: Sandbox, limits: Limits, in_flight: int, count: int) -> tuple[float, float]:
    """Programs a second, and seconds of CPU a program (host, zygote and workers), with so many at once."""
    source = SHORT.encode()
    cpu, start = all_cpu(sandbox), time.perf_counter()
    begun = done = 0
    while done < count:
        while begun < count and begun - done < in_flight:
            sandbox.load(source, limits)
            begun += 1
        for program, reply in sandbox.collect(60):
            if isinstance(reply, Loaded):
                program.play([(0, CELLS)], [(0, 1)])
            elif isinstance(reply, Played):
                program.close()
                done += 1
            else:
                raise SystemExit(f"the sandbox answered {reply}")
    took = time.perf_counter() - start
    time.sleep(0.05)  # the last are reaped
    return count / took, (all_cpu(sandbox) - cpu) / count


def all_cpu(sandbox: Sandbox) -> float:
    zygote = psutil.Process(sandbox.pids()[0])
    total = time.process_time()
    for process in (zygote, *zygote.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def executions_of_host(host: Host, core: int, seconds: float) -> float:
    """Programs a second of another way, its host on one core, ends of processes included."""
    count, done, start = 1, 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        if "error" in host.ask(SHORT, "strategy", [BOARD], count, pin=[core]):
            return 0.0
        done += count
        count = min(2 * count, 64)
    return done / elapsed


def hosts(peers: str | None) -> tuple[dict[str, Host], dict[str, str]]:
    """Every other way that can be had here, and why the rest cannot."""
    found, absent = {}, {}
    for name in (*PLAIN, *PACKAGES):
        try:
            found[name] = Host(name, peers) if peers and name in PACKAGES else Host(name)
        except Missing as error:
            absent[name] = f"not measured: {error}" + ("" if peers or name in PLAIN else " (give --peers)")
    return found, absent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="rounds over all sides, after one to warm up")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it runs")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of an environment that has the peers")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds = 2 if options.quick else options.rounds
    machine = Machine()
    profile = profile_of(find_task("2048"))
    limits = find_task("2048").limits
    core = max(os.sched_getaffinity(0))
    others, absent = hosts(options.peers)
    no_language = tuple(layer for layer in LAYERS if layer != "language")
    boxes = {
        "all": Sandbox(profile),
        "no kernel": Sandbox(profile, layers=("language",), require=()),
        "no language": Sandbox(profile, layers=no_language),
        "no toolkit": Sandbox(Profile(entry_point="strategy")),
        "one core": start_on(core, profile),
        "one core, no kernel": start_on(core, profile, ("language",)),
    }
    figures: dict[str, Any] = {"layers": boxes["all"].layers}
    try:
        print(f"layers in force: {', '.join(active_layers(boxes['all'].layers))}\n")
        sides: dict[str, Side] = {
            "envrl, all layers": ours(boxes["all"], limits),
            "envrl, all layers, forked ahead": ours(boxes["all"], limits, ahead=True),
            "envrl, all layers, host and zygote on one core": pinned(ours(boxes["one core"], limits), core),
            "envrl, all layers, no toolkit": ours(boxes["no toolkit"], limits, raw=True),
            "envrl, language policy off": ours(boxes["no language"], limits),
            "envrl, no kernel layers": ours(boxes["no kernel"], limits),
            **{name: theirs(host) for name, host in others.items()},
        }
        figures["first_action_ms"] = show_first_action(first_action(sides, absent, rounds), absent)
        figures["executions_per_second"] = show_executions(boxes, limits, others, core, options.quick)
    finally:
        for box in boxes.values():
            box.close()
        for host in others.values():
            host.close()
    print(f"\n{rounds} rounds in turns\n{machine.describe()}")
    figures["absent"] = absent
    write_json(options.json, "sandbox_latency", machine, figures)


def show_first_action(times: dict[str, dict[str, list[float]]], absent: dict[str, str]) -> dict[str, Any]:
    rows = []
    for name, short in times["short"].items():
        cells = []
        for program in PROGRAMS:
            taken, base = times[program][name], median(times[program]["in-process exec + signal timer"])
            cells += [f"{value:.2f}" for value in (median(taken), p99(taken), min(taken))]
            cells.append(f"{median(taken) / base:.1f}")
        rows.append([name, *cells, str(len(short))])
    print("source to first action, ms, of a short program and a long one")
    show(["side", *(f"{word} {what}" for word in PROGRAMS for what in ("p50", "p99", "least", "×")), "runs"], rows)
    print("×: over in-process exec")
    for name, reason in absent.items():
        print(f"  without {name}: {reason}")
    return {
        program: {name: {"p50": median(t), "p99": p99(t), "min": min(t), "runs": len(t)} for name, t in by.items()}
        for program, by in times.items()
    }


def show_executions(
    boxes: dict[str, Sandbox], limits: Limits, others: dict[str, Host], core: int, quick: bool
) -> dict[str, Any]:
    rounds, count, seconds = (1, 40, 0.1) if quick else (7, 300, 0.5)
    ours_by_name = {
        f"envrl, {what}, {in_flight} at a time": (boxes[box], in_flight)
        for what, box in (("all layers", "one core"), ("no kernel layers", "one core, no kernel"))
        for in_flight in (1, 8)
    }
    beside = [
        name for name in ("in-process exec + signal timer", "os.fork + exec", "python -I -S -c") if name in others
    ]
    speed: dict[str, list[float]] = {name: [] for name in (*ours_by_name, *beside)}
    cpu: dict[str, list[float]] = {name: [] for name in ours_by_name}
    cores = os.sched_getaffinity(0)
    for _ in range(rounds):
        os.sched_setaffinity(0, {core})
        try:
            for name, (box, in_flight) in ours_by_name.items():
                a_second, each = executions(box, limits, in_flight, count)
                speed[name].append(a_second)
                cpu[name].append(1e3 * each)
        finally:
            os.sched_setaffinity(0, cores)
        for name in beside:
            speed[name].append(executions_of_host(others[name], core, seconds))
    rows = []
    for name, values in speed.items():
        mine = [f"{median(cpu[name]):.2f}", f"{1e3 / median(cpu[name]):,.0f}"] if name in cpu else ["", ""]
        rows.append([name, f"{median(values):,.0f}", f"{max(values):,.0f}", *mine])
    print("\nexecutions a second on one core, beginning to end")
    show(["side", "median", "best round", "CPU ms each", "a second of CPU"], rows)
    return {name: {"per_second": values, "cpu_ms": cpu.get(name)} for name, values in speed.items()}


if __name__ == "__main__":
    main()
