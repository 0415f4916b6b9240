"""How fast are puzzles made, graded and solved, and how do peers compare?

Everything runs in this one process and counts its own CPU time, so that a busy machine takes less part in it.
Generators make a new puzzle each time; the solvers look for a second solution, which is what uniqueness asks for. The
puzzles with 17 clues are a few known ones under random symmetries. Peers are used as their own documentation says;
whether their puzzles have one solution is counted afterwards.

    python benchmarks/env_sudoku.py [--seconds 2] [--rounds 3] [--quick] [--json PATH]
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from _timing import Machine, show, write_json

from envrl.envs.sudoku import GRADES, grade, puzzle, solutions
from envrl.envs.sudoku.task import PRESETS

# From Gordon Royle's collection of puzzles with 17 clues, the fewest that there are.
FEWEST = """
    000000010400000000020000000000050407008000300001090000300400200050100000000806000
    000000012000035000000600070700000300000400800100000000000120000080000040050000600
    000000012003600000000007000410020000000500300700000600280000040000300500000000000
    000000012008030000000000040120500000000004700060000000507000300000620000000100000
    000000012040050000000009000070600400000100000000000050000087500601000300200000000
    000000012050400000000000030700600400001000000000080000920000800000510700000003000
    000000012300000060000040000900000500000001070020000000000350400001400800060000000
""".split()
Side = Callable[[], object]


def symmetric(grid: list[int], rng: random.Random) -> list[int]:
    """The same puzzle with its digits, rows and columns in another order."""

    def lines() -> list[int]:
        return [3 * band + line for band in rng.sample(range(3), 3) for line in rng.sample(range(3), 3)]

    digits, rows, columns = [0, *rng.sample(range(1, 10), 9)], lines(), lines()
    return [digits[grid[9 * row + column]] for row in rows for column in columns]


def plain_solutions(grid: list[int], limit: int) -> int:
    """The baseline: the empty cell with the fewest digits first, sets of digits seen, no propagation."""
    rows = [set(grid[9 * r : 9 * r + 9]) for r in range(9)]
    columns = [set(grid[c::9]) for c in range(9)]
    boxes = [{grid[9 * (r + i) + c + j] for i in range(3) for j in range(3)} for r in (0, 3, 6) for c in (0, 3, 6)]
    every = set(range(1, 10))
    empty = {divmod(cell, 9) for cell in range(81) if not grid[cell]}

    def count(left: int) -> int:
        if not empty:
            return 1

        def fits(cell: tuple[int, int]) -> set[int]:
            row, column = cell
            return every - rows[row] - columns[column] - boxes[row // 3 * 3 + column // 3]

        row, column = cell = min(empty, key=lambda cell: len(fits(cell)))
        units = rows[row], columns[column], boxes[row // 3 * 3 + column // 3]
        empty.remove(cell)
        found = 0
        for digit in sorted(fits(cell)):
            for unit in units:
                unit.add(digit)
            found += count(left - found)
            for unit in units:
                unit.remove(digit)
            if found >= left:
                break
        empty.add(cell)
        return found

    return count(limit)


def makers() -> dict[str, Side]:
    seeds = itertools.count()
    sides: dict[str, Side] = {
        f"make: {81 - blanks} clues": lambda blanks=blanks: puzzle(next(seeds), blanks) for blanks in (35, 45, 51, 54)
    }
    for name in GRADES:
        preset = PRESETS[f"envrl/sudoku-{name}-v0"]
        sides[f"make: {81 - preset.blanks} clues, {name}"] = lambda preset=preset: puzzle(next(seeds), *preset)
    return sides


def solvers() -> dict[str, Side]:
    rng = random.Random(0)
    hard = itertools.cycle([symmetric([int(d) for d in text], rng) for text in FEWEST for _ in range(20)])
    ready = [list(puzzle(seed, 50).clues) for seed in range(50)]
    solve, judge, plain = itertools.cycle(ready), itertools.cycle(ready), itertools.cycle(ready)
    return {
        "solve: 17 clues": lambda: solutions(next(hard), 2),
        "solve: 31 clues": lambda: solutions(next(solve), 2),
        "solve: 31 clues, plain search": lambda: plain_solutions(next(plain), 2),
        "grade: 31 clues": lambda: grade(next(judge)),
    }


def peers() -> Iterator[tuple[str, Callable[[], list[int]]]]:
    """Those that are installed: a name, and what makes one puzzle."""
    try:
        from sudoku import Sudoku
    except ImportError:
        print("py-sudoku is not installed: left out (pip install py-sudoku)")
    else:
        numbers = itertools.count()

        def py_sudoku() -> list[int]:
            board = Sudoku(3, seed=next(numbers)).difficulty(45 / 81).board
            return [digit or 0 for row in board for digit in row]

        yield "make: py-sudoku, 36 clues", py_sudoku
    try:
        from dokusan import generators
    except ImportError:
        print("dokusan is not installed: left out (pip install dokusan)")
    else:

        def dokusan() -> list[int]:
            return [int(digit) for digit in str(generators.random_sudoku(avg_rank=50))]

        yield "make: dokusan, rank 50", dokusan


def times_a_second(side: Side, seconds: float) -> float:
    count = 0
    start = time.process_time()
    while (elapsed := time.process_time() - start) < seconds:
        side()
        count += 1
    return count / elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of a round of one side")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best of each side counts")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    machine = Machine()
    others = dict(peers())
    sides = makers() | solvers() | others
    rounds, seconds = (1, 0.1) if options.quick else (options.rounds, options.seconds)
    best = dict.fromkeys(sides, 0.0)
    # Rounds go over all sides in turn, so that a busy moment of the machine meets no side alone.
    for _ in range(rounds):
        for name, side in sides.items():
            best[name] = max(best[name], times_a_second(side, seconds))
    show(["side", "a second", "ms each"], [[name, f"{s:,.0f}", f"{1000 / s:.2f}"] for name, s in best.items()])
    unique = {}
    for name, made in others.items():
        grids = [made() for _ in range(5 if options.quick else 50)]
        unique[name] = sum(len(solutions(grid)) == 1 for grid in grids) / len(grids)
        clues = sum(digit > 0 for grid in grids for digit in grid) / len(grids)
        print(f"{name}: {unique[name]:.0%} of {len(grids)} puzzles have one solution; {clues:.1f} clues on average")
    print(machine.describe())
    write_json(options.json, "env_sudoku", machine, {"per_second": best, "unique": unique})


if __name__ == "__main__":
    main()
