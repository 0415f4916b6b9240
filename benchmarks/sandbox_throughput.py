"""How many whole programs a second: 16 games of up to 200 moves of 2048, against the ways that others play them?

The sides play in turns, round by round, so that a busy moment of the machine meets no side alone; medians of rounds
are reported, and ratios are taken within a round. Two programs: a cheap one, where the transport counts, and a heavy
one in pure Python, where nothing should count but the program itself.

* ``arena``: envrl's whole path, all layers that the machine permits, with two referees, or one that has a core to
  itself (scaling), or one that may use both.
* ``in-process, notebooks' game``: exec in this very process, an alarm clock for the time, and a game of nested lists.
* ``in-process, envrl's game``: the same with `envrl.envs.game2048.Board`, which is several times as fast, and the very
  games that the arena plays: both must end alike, or nothing is measured.
* ``subprocess a program``: ``python -I -S`` for each program, with the notebooks' game inside.

    python benchmarks/sandbox_throughput.py [--quick] [--rounds 5] [--json PATH]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _notebook_2048
import psutil
from _timing import Machine, median, show, write_json
from reward_throughput import Bare, Game, of_card

from envrl.envs import Task, find_task
from envrl.rollouts import Arena, Assignment
from envrl.sandbox import active_layers
from envrl.seeding import episode_seeds

GAMES, HORIZON, TARGET = 16, 200, 2048
SETTLE_SECONDS = 0.15  # for the last workers to be reaped and counted, and new ones to stand ready

CHEAP = """
turn = -1


def strategy(board):
    global turn
    turn += 1
    if max(map(max, board)) < 4:
        return "A"
    return "WASD"[turn & 3]
"""

HEAVY = """
def slide(row):
    tiles = [t for t in row if t]
    out = []
    i = 0
    while i < len(tiles):
        if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
            out.append(tiles[i] * 2)
            i += 2
        else:
            out.append(tiles[i])
            i += 1
    return out + [0] * (4 - len(out))


def after(board, move):
    rows = [list(r) for r in zip(*board)] if move in "WS" else board
    if move in "DS":
        rows = [slide(r[::-1])[::-1] for r in rows]
    else:
        rows = [slide(r) for r in rows]
    return [list(r) for r in zip(*rows)] if move in "WS" else rows


def value(board):
    total = 0
    for r in range(4):
        for c in range(4):
            tile = board[r][c]
            if tile == 0:
                total += 16
            else:
                total += tile * (8 - r - c)
                if c < 3 and board[r][c + 1] == tile:
                    total += tile
                if r < 3 and board[r + 1][c] == tile:
                    total += tile
    return total


def strategy(board):
    best, choice = None, "W"
    for move in "WASD":
        new = after(board, move)
        if new != board:
            score = value(new)
            for reply in "AS":
                score = max(score, value(after(new, reply)))
            if best is None or score > best:
                best, choice = score, move
    return choice
"""

Outcome = tuple[float, float, list[list[Game]]]
"""Seconds of wall clock, seconds of CPU of all processes involved, and each program's games."""
Side = Callable[[Sequence[Assignment]], Outcome]
OTHER_GAMES = ("in-process, notebooks' game", "subprocess a program")
"""Sides whose new tiles come from Python's ``random``: with them ratios are taken move for move."""


def own_cpu() -> float:
    """Seconds of CPU of this process and of its children that were waited for."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def cpu_of(arena: Arena) -> float:
    """Seconds of CPU of all referees, zygotes and workers, once those that have ended are reaped."""
    time.sleep(SETTLE_SECONDS)
    total = 0.0
    for process in arena.processes():
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def arena_side(arena: Arena) -> Side:
    def play(played: Sequence[Assignment]) -> Outcome:
        before, own = cpu_of(arena), own_cpu()
        start = time.perf_counter()
        cards = arena.play(played)
        took = time.perf_counter() - start
        own = own_cpu() - own
        return took, cpu_of(arena) - before + own, [of_card(card) for card in cards]

    return play


def bare_side(task: Task) -> Side:
    bare = Bare(task)

    def play(played: Sequence[Assignment]) -> Outcome:
        own, start = own_cpu(), time.perf_counter()
        games = bare.play(played)
        return time.perf_counter() - start, own_cpu() - own, games

    return play


def notebook_side(played: Sequence[Assignment]) -> Outcome:
    own, start = own_cpu(), time.perf_counter()
    games = [_notebook_2048.play(assignment.source, assignment.seeds, TARGET, HORIZON) for assignment in played]
    return time.perf_counter() - start, own_cpu() - own, games


def subprocess_side(played: Sequence[Assignment]) -> Outcome:
    command = [sys.executable, "-I", "-S", _notebook_2048.__file__, str(TARGET), str(HORIZON)]
    said = []
    own, start = own_cpu(), time.perf_counter()
    for assignment in played:
        seeds = map(str, assignment.seeds)
        done = subprocess.run([*command, *seeds], input=assignment.source, text=True, capture_output=True, check=True)
        said.append(done.stdout)
    took, cpu = time.perf_counter() - start, own_cpu() - own
    return took, cpu, [[_game(line) for line in text.splitlines()] for text in said]


def _game(line: str) -> Game:
    won, steps, score = map(int, line.split())
    return bool(won), steps, score


def microseconds_a_move(source: str) -> float:
    """What the program's calls alone cost in this process, on the boards of its own games."""
    boards: list[list[list[int]]] = []

    class Recorder(_notebook_2048.Game):
        def move(self, action: str) -> bool:
            boards.append([row[:] for row in self.board])
            return super().move(action)

    space: dict[str, Any] = {}
    exec(compile(source, "<strategy>", "exec"), space)
    game = Recorder(1, TARGET)
    while not game.over and len(boards) < HORIZON:
        game.move(space["strategy"](game.board))
    rounds = []
    for _ in range(20):
        start = time.perf_counter()
        for board in boards:
            space["strategy"](board)
        rounds.append((time.perf_counter() - start) / len(boards))
    return 1e6 * min(rounds)


def measure(
    name: str, source: str, sides: dict[str, tuple[Side, int]], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """All sides in turn; of each round programs a second, CPU a program, and moves a program."""
    figures: dict[str, dict[str, list[float]]] = {side: {"speed": [], "cpu": [], "moves": []} for side in sides}
    most = max(count for _, count in sides.values())
    for number in range(-1, rounds):  # the first round warms all sides up
        seeds = tuple(episode_seeds(f"benchmark {name}", "test", range((number + 1) * GAMES, (number + 2) * GAMES)))
        # Each program is text of its own: an arena plays equal ones once.
        every = [Assignment(f"{source}\n# {number}/{i}\n", tuple(range(GAMES)), seeds) for i in range(most)]
        expected: list[Game] | None = None
        for side, (play, count) in sides.items():
            took, cpu, games = play(every[:count])
            for results in () if side in OTHER_GAMES else games:
                expected = expected or results
                if results != expected:
                    raise SystemExit(f"{side} plays other games than the sides before it")
            if number >= 0:
                figures[side]["speed"].append(count / took)
                figures[side]["cpu"].append(cpu / count)
                figures[side]["moves"].append(sum(steps for results in games for _, steps, _ in results) / count)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each side, after one to warm up")
    parser.add_argument("--quick", action="store_true", help="one round of few programs, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    machine = Machine()
    task = find_task("2048", {"target": TARGET, "horizon": HORIZON})
    cores = os.sched_getaffinity(0)
    programs = {"cheap": (CHEAP, 96), "heavy": (HEAVY, 12)}
    if options.quick:
        programs = {"cheap": (CHEAP, 8), "heavy": (HEAVY, 4)}

    with Arena(task, workers=2) as two, Arena(task, workers=1) as free:
        os.sched_setaffinity(0, {max(cores)})
        with Arena(task, workers=1) as one:
            os.sched_setaffinity(0, cores)
            layers = two.ready()
            one.ready()
            free.ready()
            print(f"layers in force: {', '.join(active_layers(layers))}\n")
            tables = {}
            for name, (source, count) in programs.items():
                few = max(1, count // 8)
                sides: dict[str, tuple[Side, int]] = {
                    "arena, 2 referees": (arena_side(two), count),
                    "arena, 1 referee on one core": (arena_side(one), count // 2),
                    "arena, 1 referee on all cores": (arena_side(free), count // 2),
                    "in-process, envrl's game": (bare_side(task), count // 2),
                    "in-process, notebooks' game": (notebook_side, max(2, count // 4)),
                    "subprocess a program": (subprocess_side, few),
                }
                figures = measure(name, source, sides, rounds)
                tables[name] = {
                    "microseconds_a_move": microseconds_a_move(source),
                    "sides": figures,
                    **summary(figures),
                }
                report(name, tables[name])
    note = machine.describe()
    print(f"{GAMES} games of up to {HORIZON} moves a program, median of {rounds} rounds in turns\n{note}")
    write_json(options.json, "sandbox_throughput", machine, {"layers": layers, "programs": tables})


def summary(figures: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """Ratios move for move, taken within a round, and then their median."""

    def a_move(side: str, key: str) -> list[float]:
        values, moves = figures[side][key], figures[side]["moves"]
        return [v * m if key == "speed" else v / m for v, m in zip(values, moves, strict=True)]

    def ratio(key: str, over: str, under: str) -> float:
        return median([a / b for a, b in zip(a_move(over, key), a_move(under, key), strict=True)])

    two, one = "arena, 2 referees", "arena, 1 referee on one core"
    return {
        "speed_over_notebooks": ratio("speed", two, "in-process, notebooks' game"),
        "speed_over_envrl_game": ratio("speed", two, "in-process, envrl's game"),
        "speed_over_subprocess": ratio("speed", two, "subprocess a program"),
        "cpu_over_notebooks": ratio("cpu", two, "in-process, notebooks' game"),
        "cpu_over_envrl_game": ratio("cpu", two, "in-process, envrl's game"),
        "cpu_of_one_over_envrl_game": ratio("cpu", one, "in-process, envrl's game"),
        "scaling": ratio("speed", two, one),
        "scaling_from_free": ratio("speed", two, "arena, 1 referee on all cores"),
    }


def report(name: str, table: dict[str, Any]) -> None:
    figures = table["sides"]
    base = median(figures["in-process, notebooks' game"]["speed"])
    rows = []
    for side, values in figures.items():
        speed = median(values["speed"])
        cpu, moves = 1e3 * median(values["cpu"]), median(values["moves"])
        best = max(values["speed"])
        numbers = [f"{speed:,.1f}", f"{best:,.1f}", f"{speed / base:.2f}", f"{cpu:.1f}", f"{1e3 * cpu / moves:.1f}"]
        rows.append([side, *numbers, f"{moves:,.0f}"])
    print(f"{name}: {table['microseconds_a_move']:.1f} µs a move")
    show(["side", "programs/s", "best round", "× notebooks' loop", "CPU ms a program", "CPU µs a move", "moves"], rows)
    print(
        f"two referees, move for move, over: notebooks' loop {table['speed_over_notebooks']:.2f}×, "
        f"in-process with envrl's game {table['speed_over_envrl_game']:.2f}×, "
        f"subprocess {table['speed_over_subprocess']:.1f}×; over one referee on one core {table['scaling']:.2f}×, "
        f"on all cores {table['scaling_from_free']:.2f}×"
    )
    print(
        f"CPU of two referees over: notebooks' loop {table['cpu_over_notebooks']:.2f}×, in-process with envrl's game "
        f"{table['cpu_over_envrl_game']:.2f}× (one referee: {table['cpu_of_one_over_envrl_game']:.2f}×)\n"
    )


if __name__ == "__main__":
    main()
