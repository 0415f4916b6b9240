"""Ordinary programs of some milliseconds each, in the Python that models write. Each defines ``work(n)``.

They are written for every peer to have a chance: no annotation tricks, no module beyond `math`, `random`, `heapq` and
`collections`; what a peer refuses is its own affair.
"""

from __future__ import annotations

__all__ = ["WORKLOADS"]

GREEDY = """
def slide(row):
    tiles = [t for t in row if t]
    out = []
    i = 0
    while i < len(tiles):
        if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
            out.append(tiles[i] * 2)
            i = i + 2
        else:
            out.append(tiles[i])
            i = i + 1
    return out + [0] * (4 - len(out))


def after(board, move):
    rows = [list(r) for r in zip(*board)] if move in "WS" else board
    if move in "DS":
        rows = [list(reversed(slide(list(reversed(r))))) for r in rows]
    else:
        rows = [slide(r) for r in rows]
    return [list(r) for r in zip(*rows)] if move in "WS" else rows


def work(n):
    board = [[2, 4, 0, 2], [0, 8, 2, 0], [0, 0, 4, 2], [16, 0, 0, 2]]
    total = 0
    for k in range(n):
        best = -1
        for move in "WASD":
            new = after(board, move)
            if new != board:
                score = sum([row.count(0) for row in new]) + new[k % 4][3]
                if score > best:
                    best = score
        total = total + best
    return total
"""

SEARCH = """
from heapq import heappush, heappop


def work(n):
    walls = {(3, y) for y in range(n - 1)} | {(n // 2, y) for y in range(1, n)}
    heap = [(0, 0, 0)]
    seen = {(0, 0): 0}
    while heap:
        cost, x, y = heappop(heap)
        if x == n - 1 and y == n - 1:
            return cost
        for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            cell = (x + dx, y + dy)
            if 0 <= cell[0] < n and 0 <= cell[1] < n and cell not in walls:
                if cell not in seen or seen[cell] > cost + 1:
                    seen[cell] = cost + 1
                    heappush(heap, (cost + 1, cell[0], cell[1]))
    return -1
"""

RECURSION = """
def expect(depth, value):
    if depth == 0:
        return value * 0.5 + 1.0
    best = 0.0
    for move in range(4):
        got = expect(depth - 1, value + move * 0.25)
        if got > best:
            best = got
    return best


def work(n):
    return expect(n, 1.0)
"""

CLASSES = """
class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def plus(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def dot(self, other):
        return self.x * other.x + self.y * other.y


def work(n):
    here = Vector(0, 0)
    step = Vector(1, 2)
    total = 0
    for _ in range(n):
        here = here.plus(step)
        total = total + here.dot(step) % 7
    return total
"""

TABLES = """
from collections import defaultdict


def work(n):
    counts = defaultdict(int)
    grid = [[(r * c) % 7 for c in range(16)] for r in range(16)]
    for k in range(n):
        for row in grid:
            for tile in row:
                counts[tile] = counts[tile] + 1
        grid[k % 16][3] = k % 5
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return sum([tile * count for tile, count in ranked])
"""

AUGMENTED = """
def work(n):
    cells = [0] * 16
    for k in range(n):
        i = (k * 7) % 16
        cells[i] += k % 3
        if cells[i] > 9:
            cells[i] -= 10
            cells[(i + 1) % 16] += 1
    return sum(cells)
"""

HANDLERS = """
def look(table, key):
    try:
        return table[key]
    except KeyError:
        return -1
    finally:
        pass


def work(n):
    table = {k: k * k for k in range(0, 100, 2)}
    total = 0
    for k in range(n):
        total = total + look(table, k % 100)
    return total
"""

TEXT = """
def work(n):
    words = []
    for k in range(n):
        name = f"{k % 13:02d}-{k % 7}"
        parts = name.split("-")
        words.append(parts[1].upper() + parts[0].strip("0"))
    return len(",".join(sorted(set(words))))
"""

GENERATORS = """
def rows(n):
    for k in range(n):
        yield [(k + c) % 5 for c in range(8)]


def work(n):
    return sum(max(row) * len([t for t in row if t > 1]) for row in rows(n) if any(t == 4 for t in row))
"""

NUMBERS = """
import math
import random


def work(n):
    random.seed(7)
    inside = 0
    for _ in range(n):
        x = random.random()
        y = random.random()
        if math.sqrt(x * x + y * y) < 1.0:
            inside = inside + 1
    return round(4.0 * inside / n, 1) > 2
"""

WORKLOADS: dict[str, tuple[str, int]] = {
    "greedy 2048": (GREEDY, 30),
    "shortest path": (SEARCH, 30),
    "recursion": (RECURSION, 6),
    "classes": (CLASSES, 3000),
    "tables, sorting": (TABLES, 60),
    "x[i] += 1": (AUGMENTED, 8000),
    "try/except/finally": (HANDLERS, 10000),
    "text": (TEXT, 2000),
    "generators": (GENERATORS, 1200),
    "math, random": (NUMBERS, 8000),
}
"""Each with an argument that lets plain Python work for a few milliseconds."""
