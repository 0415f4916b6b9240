"""Benign: ordinary programs, of the shapes that language models write, which have to pass untouched."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

# Each of them ends in the plain action, whatever it found out on the way, so that it must fare as its honest twin does.

_BOARD = """\
def read_board(args):
    try:
        rows = [[int(cell) for cell in row] for row in args[0]]
    except (IndexError, TypeError, ValueError):
        rows = []
    if not rows or len({len(row) for row in rows}) != 1 or not rows[0]:
        rows = [[2, 4, 8, 16], [0, 2, 4, 8], [0, 0, 2, 4], [0, 0, 0, 2]]
    return rows


"""

_SLIDE = """\
def merge_line(line):
    tiles = [tile for tile in line if tile != 0]
    out, gained, i = [], 0, 0
    while i < len(tiles):
        if i + 1 < len(tiles) and tiles[i] == tiles[i + 1]:
            out.append(tiles[i] * 2)
            gained += tiles[i] * 2
            i += 2
        else:
            out.append(tiles[i])
            i += 1
    return out + [0] * (len(line) - len(out)), gained


def move_board(board, direction):
    size = len(board)
    new_board = [list(row) for row in board]
    total = 0
    if direction in ("left", "right"):
        for r in range(size):
            line = new_board[r] if direction == "left" else new_board[r][::-1]
            line, gained = merge_line(line)
            new_board[r] = line if direction == "left" else line[::-1]
            total += gained
    else:
        for c in range(len(board[0])):
            line = [new_board[r][c] for r in range(size)]
            if direction == "down":
                line.reverse()
            line, gained = merge_line(line)
            if direction == "down":
                line.reverse()
            for r in range(size):
                new_board[r][c] = line[r]
            total += gained
    return new_board, total


"""

PROGRAMS = (
    # -- the smallest ones ------------------------------------------------------------------------------------------
    Specimen(
        "benign-one-line",
        "answers at once",
        """\
def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "benign-lambda",
        "is a lambda that was given a name",
        """\
$entry = lambda *args: $action
""",
    ),
    Specimen(
        "benign-docstring",
        "has a docstring of many lines, with quotes and backslashes in it",
        '''\
"""Always push into one corner.

    "Keep it simple" isn't bad advice \\\\ it's the best there is.
"""


def $entry(*args):
    """Return the next move.

    Args:
        args: the observation.

    Returns:
        The move, e.g. $action.
    """
    return $action
''',
    ),
    Specimen(
        "benign-main-block",
        "ends in a block that runs only as a script",
        """\
def $entry(*args):
    return $action


def main():
    board = [[0] * 4 for _ in range(4)]
    print($entry(board))


if __name__ == "__main__":
    main()
""",
    ),
    Specimen(
        "benign-module-constants",
        "defines weights and tables at its top",
        """\
import math

MOVES = [$action]
WEIGHTS = {"empty": 2.7, "max": 1.0, "smooth": 0.1, "mono": 1.0}
SNAKE = [
    [15, 14, 13, 12],
    [8, 9, 10, 11],
    [7, 6, 5, 4],
    [0, 1, 2, 3],
]
LOG = {2**k: k for k in range(1, 18)}
INF = float("inf")
EPS, DEPTH = 1e-9, 3
TOTAL = sum(sum(row) for row in SNAKE) + math.sqrt(4)


def $entry(*args):
    best_score, best_move = -INF, None
    for move in MOVES:
        score = TOTAL * WEIGHTS["empty"] + LOG[8] - EPS * DEPTH
        if score > best_score:
            best_score, best_move = score, move
    return best_move
""",
    ),
    Specimen(
        "benign-type-hints",
        "annotates everything with types from typing",
        _BOARD
        + """\
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

Board = List[List[int]]
Scorer = Callable[[Board], float]


def count_empty(board: Board) -> int:
    return sum(row.count(0) for row in board)


def best(moves: List[str], score: Optional[Scorer] = None, **options: Any) -> Union[str, None]:
    table: Dict[str, float] = {}
    pair: Tuple[int, int] = (0, 1)
    limit: int
    limit = options.get("limit", pair[1])
    for move in moves[: limit + 3]:
        table[move] = score([[0]]) if score is not None else 0.0
    return max(table, key=lambda move: table[move]) if table else None


def $entry(*args: Any):
    board: Board = read_board(args)
    empty: int = count_empty(board)
    found: Optional[str] = best(["a", "b"], score=lambda b: float(empty))
    assert found is not None
    return $action
""",
    ),
    Specimen(
        "benign-future-annotations",
        "writes types in the new way, with the import that makes them texts",
        """\
from __future__ import annotations


def neighbours(r: int, c: int, size: int) -> list[tuple[int, int]]:
    cells: list[tuple[int, int]] = []
    for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        if 0 <= r + dr < size and 0 <= c + dc < size:
            cells.append((r + dr, c + dc))
    return cells


def $entry(*args: object, depth: int | None = None) -> str | int:
    table: dict[tuple[int, int], list[int]] = {}
    for cell in neighbours(1, 1, depth or 4):
        table.setdefault(cell, []).append(1)
    return $action
""",
    ),
    # -- searching and scoring --------------------------------------------------------------------------------------
    Specimen(
        "benign-greedy",
        "tries all moves and takes the one that leaves most cells empty",
        _BOARD
        + _SLIDE
        + """\
def $entry(*args):
    board = read_board(args)
    best_move, best_score = None, -1
    for direction in ("left", "down", "right", "up"):
        new_board, gained = move_board(board, direction)
        if new_board == board:
            continue
        score = gained + sum(cell == 0 for row in new_board for cell in row) * 10
        if score > best_score:
            best_move, best_score = direction, score
    return $action if best_move is None or best_move else None
""",
    ),
    Specimen(
        "benign-expectimax",
        "searches two moves deep with the average over new tiles",
        _BOARD
        + _SLIDE
        + """\
DIRECTIONS = ["left", "down"]


def evaluate(board):
    empty = sum(row.count(0) for row in board)
    top = max(max(row) for row in board)
    return empty * 10 + top + (top if board[0][0] == top else 0)


def expectimax(board, depth, is_player):
    if depth == 0:
        return evaluate(board)
    if is_player:
        values = []
        for direction in DIRECTIONS:
            new_board, gained = move_board(board, direction)
            if new_board != board:
                values.append(gained + expectimax(new_board, depth - 1, False))
        return max(values) if values else evaluate(board)
    cells = [(r, c) for r, row in enumerate(board) for c, cell in enumerate(row) if cell == 0]
    if not cells:
        return evaluate(board)
    total = 0.0
    for r, c in cells[:2]:
        for tile, probability in ((2, 0.9), (4, 0.1)):
            board[r][c] = tile
            total += probability * expectimax(board, depth - 1, True)
            board[r][c] = 0
    return total / len(cells[:2])


def $entry(*args):
    board = read_board(args)
    value = expectimax(board, 2, True)
    return $action if value == value else None
""",
    ),
    Specimen(
        "benign-minimax-alpha-beta",
        "prunes a game tree that it makes of numbers",
        """\
def alpha_beta(node, alpha, beta, maximizing):
    if isinstance(node, int):
        return node
    best = float("-inf") if maximizing else float("inf")
    for child in node:
        value = alpha_beta(child, alpha, beta, not maximizing)
        if maximizing:
            best = max(best, value)
            alpha = max(alpha, best)
        else:
            best = min(best, value)
            beta = min(beta, best)
        if beta <= alpha:
            break
    return best


TREE = [[[3, 17], [2, 12]], [[15], [25, 0]], [[2, 5], [3]], [[2, 14]]]


def $entry(*args):
    assert alpha_beta(TREE, float("-inf"), float("inf"), True) == 15, "wrong value"
    return $action
""",
    ),
    Specimen(
        "benign-breadth-first",
        "floods the empty cells with a queue",
        _BOARD
        + """\
from collections import deque


def region(board, start):
    seen = {start}
    queue = deque([start])
    while queue:
        r, c = queue.popleft()
        for dr, dc in [(-1, 0), (1, 0), (0, -1), (0, 1)]:
            nr, nc = r + dr, c + dc
            if not (0 <= nr < len(board) and 0 <= nc < len(board[0])):
                continue
            if (nr, nc) in seen or board[nr][nc] != board[r][c]:
                continue
            seen.add((nr, nc))
            queue.append((nr, nc))
    return seen


def $entry(*args):
    board = read_board(args)
    sizes = {}
    for r in range(len(board)):
        for c in range(len(board[r])):
            sizes[(r, c)] = len(region(board, (r, c)))
    largest = max(sizes.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))
    return $action if largest[1] >= 1 else None
""",
    ),
    Specimen(
        "benign-depth-first",
        "walks over cells with a stack, and by recursion with a set that it passes on",
        _BOARD
        + """\
def visit(board, r, c, seen):
    if r < 0 or c < 0 or r >= len(board) or c >= len(board[0]) or (r, c) in seen:
        return 0
    seen.add((r, c))
    return board[r][c] + visit(board, r + 1, c, seen) + visit(board, r, c + 1, seen)


def $entry(*args):
    board = read_board(args)
    stack, order = [(0, 0)], []
    while stack:
        cell = stack.pop()
        if cell in order:
            continue
        order.append(cell)
        r, c = cell
        stack.extend((r + dr, c + dc) for dr, dc in ((0, 1), (1, 0)) if r + dr < len(board) and c + dc < len(board[0]))
    return $action if visit(board, 0, 0, set()) == sum(map(sum, board)) else None
""",
    ),
    Specimen(
        "benign-a-star",
        "finds a way with a heap of estimates",
        """\
import heapq


def shortest(walls, start, goal, size=6):
    frontier = [(0, 0, start, None)]
    came, cost = {}, {start: 0}
    counter = 0
    while frontier:
        _, _, cell, parent = heapq.heappop(frontier)
        if cell in came:
            continue
        came[cell] = parent
        if cell == goal:
            break
        for step in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            after = cell[0] + step[0], cell[1] + step[1]
            if after in walls or not all(0 <= n < size for n in after):
                continue
            price = cost[cell] + 1
            if price < cost.get(after, float("inf")):
                cost[after] = price
                counter += 1
                guess = price + abs(goal[0] - after[0]) + abs(goal[1] - after[1])
                heapq.heappush(frontier, (guess, counter, after, cell))
    path = []
    while goal is not None:
        path.append(goal)
        goal = came.get(goal)
    return path[::-1]


def $entry(*args):
    path = shortest({(1, 1), (2, 2), (3, 1)}, (0, 0), (5, 5))
    return $action if path[0] == (0, 0) else None
""",
    ),
    Specimen(
        "benign-monte-carlo",
        "plays random games to their end and compares the averages",
        _BOARD
        + _SLIDE
        + """\
import random


def rollout(board, steps=3):
    score = 0
    for _ in range(steps):
        direction = random.choice(["left", "right", "up", "down"])
        board, gained = move_board(board, direction)
        score += gained
        empty = [(r, c) for r, row in enumerate(board) for c, v in enumerate(row) if not v]
        if not empty:
            break
        r, c = random.choice(empty)
        board[r][c] = 4 if random.random() < 0.1 else 2
    return score


def $entry(*args):
    board = read_board(args)
    means = {}
    for direction in ("left", "up"):
        first, gained = move_board(board, direction)
        scores = [gained + rollout(first) for _ in range(3)]
        means[direction] = sum(scores) / len(scores)
    best = max(means, key=means.get)
    return $action if best in means else None
""",
    ),
    Specimen(
        "benign-annealing",
        "anneals a set of weights with a falling temperature",
        """\
import math
import random

random.seed(42)


def energy(weights):
    return sum((w - target) ** 2 for w, target in zip(weights, (0.5, 1.5, -1.0)))


def anneal(steps=60, temperature=1.0, cooling=0.95):
    current = [random.uniform(-1, 1) for _ in range(3)]
    value = energy(current)
    best, best_value = current[:], value
    for _ in range(steps):
        candidate = [w + random.gauss(0, 0.1) for w in current]
        new = energy(candidate)
        if new < value or random.random() < math.exp((value - new) / max(temperature, 1e-9)):
            current, value = candidate, new
            if value < best_value:
                best, best_value = current[:], value
        temperature *= cooling
    return best


WEIGHTS = anneal()


def $entry(*args):
    return $action if len(WEIGHTS) == 3 else None
""",
    ),
    Specimen(
        "benign-genetic",
        "breeds lists of numbers by selection, crossing and mutation",
        """\
import random


def fitness(genes):
    return -sum(abs(a - b) for a, b in zip(genes, genes[1:]))


def breed(population):
    parents = sorted(population, key=fitness, reverse=True)[: len(population) // 2]
    children = []
    while len(children) < len(population) - len(parents):
        mother, father = random.sample(parents, 2)
        cut = random.randint(1, len(mother) - 1)
        child = mother[:cut] + father[cut:]
        if random.random() < 0.3:
            child[random.randrange(len(child))] = random.randint(0, 9)
        children.append(child)
    return parents + children


def $entry(*args):
    population = [[random.randint(0, 9) for _ in range(6)] for _ in range(8)]
    for _generation in range(4):
        population = breed(population)
    assert len(population) == 8
    return $action
""",
    ),
    Specimen(
        "benign-q-table",
        "learns a small table of values while it plays",
        """\
from collections import defaultdict
import random

Q = defaultdict(float)
alpha, gamma, epsilon = 0.1, 0.9, 0.2
ACTIONS = ("a", "b", "c")
last = None


def state_of(args):
    return str(args)[:40]


def $entry(*args):
    global last
    state = state_of(args)
    if random.random() < epsilon:
        action = random.choice(ACTIONS)
    else:
        action = max(ACTIONS, key=lambda a: Q[state, a])
    if last is not None:
        old_state, old_action = last
        target = 1.0 + gamma * max(Q[state, a] for a in ACTIONS)
        Q[old_state, old_action] += alpha * (target - Q[old_state, old_action])
    last = (state, action)
    return $action
""",
    ),
    Specimen(
        "benign-weighted-features",
        "adds up features of rows and columns in nested loops",
        _BOARD
        + """\
import math


def features(board):
    rows, cols = len(board), len(board[0])
    smooth = mono = 0.0
    for r in range(rows):
        for c in range(cols):
            if board[r][c] > 0:
                value = math.log2(board[r][c])
                if c + 1 < cols and board[r][c + 1] > 0:
                    smooth -= abs(value - math.log2(board[r][c + 1]))
                if r + 1 < rows and board[r + 1][c] > 0:
                    smooth -= abs(value - math.log2(board[r + 1][c]))
    for line in [*board, *map(list, zip(*board))]:
        for a, b in zip(line, line[1:]):
            mono += 1 if a >= b else -0.5
    return {"smooth": smooth, "mono": mono, "empty": sum(row.count(0) for row in board)}


def $entry(*args):
    weights = {"smooth": 0.1, "mono": 1.0, "empty": 2.7}
    score = sum(weights[name] * value for name, value in features(read_board(args)).items())
    return $action if not math.isnan(score) else None
""",
    ),
    Specimen(
        "benign-snake-weights",
        "multiplies the board by a snake of powers",
        _BOARD
        + """\
def snake(rows, cols):
    weights, power = [], rows * cols
    for r in range(rows):
        line = [4 ** (power - c) for c in range(cols)]
        weights.append(line if r % 2 == 0 else line[::-1])
        power -= cols
    return weights


def $entry(*args):
    board = read_board(args)
    weights = snake(len(board), len(board[0]))
    score = sum(w * v for ws, vs in zip(weights, board) for w, v in zip(ws, vs))
    return $action if score >= 0 else $action
""",
    ),
    # -- data of the standard library -------------------------------------------------------------------------------
    Specimen(
        "benign-counter-and-defaultdict",
        "counts with Counter and groups with defaultdict",
        _BOARD
        + """\
from collections import Counter, OrderedDict, defaultdict


def $entry(*args):
    board = read_board(args)
    counts = Counter(cell for row in board for cell in row)
    counts.update([0, 2, 2])
    places = defaultdict(list)
    for r, row in enumerate(board):
        for c, cell in enumerate(row):
            places[cell].append((r, c))
    common = counts.most_common(2)
    ordered = OrderedDict(sorted(places.items()))
    ordered.move_to_end(next(iter(ordered)))
    total = sum((counts - Counter({0: 1})).values()) + len(common)
    return $action if total else None
""",
    ),
    Specimen(
        "benign-named-tuples",
        "keeps moves in named tuples of both kinds",
        """\
from collections import namedtuple
from typing import NamedTuple

Point = namedtuple("Point", ["x", "y"])
Move = namedtuple("Move", "name score", defaults=[0.0])


class Node(NamedTuple):
    depth: int
    value: float = 0.0

    def deeper(self):
        return self._replace(depth=self.depth + 1)


def $entry(*args):
    p = Point(1, y=2)
    x, y = p
    moves = [Move("a", 1.5), Move("b")]
    best = max(moves, key=lambda m: m.score)
    node = Node(depth=0).deeper()
    print(p, node, best._asdict())
    return $action if (x + y, node.depth, best.name) == (3, 1, "a") else None
""",
    ),
    Specimen(
        "benign-heaps",
        "keeps the best candidates in a heap",
        """\
import heapq
from heapq import heapify, heappop, heappush, nlargest, nsmallest


def $entry(*args):
    heap = []
    for n in (5, 3, 8, 1):
        heappush(heap, (-n, str(n)))
    first = heappop(heap)
    numbers = [4, 1, 7]
    heapify(numbers)
    smallest = heapq.heappushpop(numbers, 0)
    merged = list(heapq.merge([1, 4], [2, 3]))
    top = nlargest(2, merged, key=lambda n: -n) + nsmallest(1, merged)
    return $action if (first[1], smallest, top) == ("8", 0, [1, 2, 1]) else None
""",
    ),
    Specimen(
        "benign-itertools",
        "goes through products, permutations, chains and groups",
        """\
import itertools
from itertools import accumulate, chain, combinations, groupby, islice, permutations, product, repeat, zip_longest


def $entry(*args):
    cells = list(product(range(4), repeat=2))
    pairs = [(a, b) for a, b in combinations(range(4), 2)]
    orders = list(islice(permutations("abcd"), 5))
    flat = list(chain.from_iterable([[1, 2], [3]])) + list(chain([4], repeat(5, 2)))
    runs = [(key, len(list(group))) for key, group in groupby([1, 1, 2, 2, 2])]
    sums = list(accumulate([1, 2, 3], lambda a, b: a * b, initial=1))
    cycle = itertools.cycle("xy")
    firsts = [next(cycle) for _ in range(3)]
    padded = list(zip_longest([1, 2], [3], fillvalue=0))
    ok = len(cells) == 16 and len(pairs) == 6 and len(orders) == 5 and runs == [(1, 2), (2, 3)]
    return $action if ok and flat[-1] == 5 and sums[-1] == 6 and firsts[2] == "x" and padded[1] == (2, 0) else None
""",
    ),
    Specimen(
        "benign-functools",
        "caches, folds, fixes arguments and compares",
        """\
from functools import cache, cmp_to_key, lru_cache, partial, reduce, wraps
import operator


@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@cache
def paths(r, c):
    return 1 if not r or not c else paths(r - 1, c) + paths(r, c - 1)


def logged(function):
    @wraps(function)
    def inner(*args, **kwargs):
        inner.calls = getattr(inner, "calls", 0) + 1
        return function(*args, **kwargs)

    return inner


@logged
def double(n):
    return 2 * n


def $entry(*args):
    order = sorted([3, 1, 2], key=cmp_to_key(lambda a, b: b - a))
    power = partial(pow, 2)
    total = reduce(operator.add, order, 0)
    fib.cache_clear()
    ok = (fib(20), paths(3, 3), power(5), total, double(4), order[0]) == (6765, 20, 32, 6, 8, 3)
    return $action if ok else None
""",
    ),
    Specimen(
        "benign-math",
        "uses functions and constants of the module math",
        """\
import math
from math import ceil, floor, inf, log2, pi, sqrt


def $entry(*args):
    values = [math.exp(-1), math.log(8, 2), log2(1024), sqrt(2), math.hypot(3, 4), floor(-0.5), ceil(0.5)]
    values += [math.tanh(0.3), math.comb(5, 2), math.gcd(12, 18), math.prod([1, 2, 3]), math.isqrt(17)]
    values.append(math.copysign(1, -0.0) * pi * math.e / math.tau)
    return $action if max(values) < inf and math.isclose(values[2], 10.0) else None
""",
    ),
    Specimen(
        "benign-random",
        "draws, shuffles and chooses, with a seed of its own",
        """\
import random, math

rng = random.Random(7)
random.seed(2048)


def $entry(*args):
    moves = ["u", "d", "l", "r"]
    random.shuffle(moves)
    pick = random.choice(moves)
    weighted = random.choices(moves, weights=[4, 3, 2, 1], k=2)
    numbers = [random.randint(1, 6), random.uniform(0, 1), random.gauss(0, 1), rng.random(), rng.randrange(10)]
    sample = rng.sample(range(100), 3)
    return $action if pick in moves and set(weighted) <= set(moves) and len(sample) == 3 and numbers else None
""",
    ),
    Specimen(
        "benign-deep-copy",
        "copies the observation before it tries things on it",
        _BOARD
        + """\
import copy
from copy import deepcopy


def $entry(*args):
    original = read_board(args)
    first = copy.deepcopy(original)
    second = deepcopy(args)
    third = [row[:] for row in original]
    fourth = [list(row) for row in original]
    fifth = list(map(list, original))
    shallow = copy.copy(original)
    first[0][0] = -1
    third[0][0] = -2
    return $action if original[0][0] >= 0 and shallow == fourth == fifth and len(second) == len(args) else None
""",
    ),
    Specimen(
        "benign-bisect-and-string",
        "keeps a sorted list by bisection and looks letters up in string",
        """\
import bisect
import string


def $entry(*args):
    scores = []
    for n in (5, 1, 4):
        bisect.insort(scores, n)
    place = bisect.bisect_left(scores, 4)
    letters = string.ascii_uppercase[:4] + string.digits[-1]
    return $action if scores == [1, 4, 5] and place == 1 and letters == "ABCD9" else None
""",
    ),
    Specimen(
        "benign-sets-and-dicts",
        "works with sets, frozen sets, dictionaries and their comprehensions",
        """\
def $entry(*args):
    moves = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
    opposite = {name: other for name in moves for other in moves if tuple(-n for n in moves[name]) == moves[other]}
    seen = {frozenset({name, opposite[name]}) for name in moves}
    merged = {**moves, "stay": (0, 0)} | {"jump": (2, 2)}
    merged.pop("jump")
    del merged["stay"]
    keys = set(moves) & {"u", "d"} ^ {"u"}
    for name, (dr, dc) in sorted(moves.items(), key=lambda item: item[1]):
        merged.setdefault(name, []) if name not in merged else merged.update({name: [dr, dc]})
    return $action if len(seen) == 2 and keys == {"d"} and not seen - seen else None
""",
    ),
    # -- statements -------------------------------------------------------------------------------------------------
    Specimen(
        "benign-f-strings",
        "writes f-strings with formats, conversions, nested quotes and fields that hold fields",
        """\
def $entry(*args):
    name, value, width = "score", 3.14159, 10
    cells = {"a": [1, 2]}
    texts = [
        f"{name}: {value:.2f}",
        f"{name!r:>{width}}|{value:{width}.{2}f}|{width:04d}|{255:#x}|{1234567:,}|{0.5:.0%}",
        f"{cells['a'][0]} {', '.join(str(n) for n in cells['a'])} {{literal}}",
        f'{"yes" if value > 3 else "no"} {value=:.1f} {(lambda n: n + 1)(1)}',
        f"{name:^{width}}" "and implicit " f"joins",
        f\"\"\"{
            name
        } over lines\"\"\",
    ]
    print("\\n".join(texts))
    return $action if texts[0] == "score: 3.14" else None
""",
    ),
    Specimen(
        "benign-old-formats",
        "fills texts in with the percent sign, format and join",
        """\
def $entry(*args):
    line = "%s has %d tiles (%.1f%%), %-5s|%05d|%r" % ("board", 3, 18.75, "x", 42, "y")
    other = "{} and {:>4} and {name!r}".format(1, 2, name="n") + "{1} {0}".format("a", "b")
    table = "\\n".join(" ".join("{:4d}".format(n) for n in row) for row in [[1, 2], [3, 4]])
    keyed = "%(a)s-%(b)03d" % {"a": "x", "b": 7}
    parts = "a,b;c".replace(";", ",").split(",")
    text = line.upper().strip().startswith("BOARD") and "abc".zfill(5).ljust(8).rjust(9).center(11)
    print(line, other, table, keyed, sep="\\n", end="\\n\\n")
    return $action if parts == ["a", "b", "c"] and text else None
""",
    ),
    Specimen(
        "benign-walrus",
        "assigns inside conditions and comprehensions",
        """\
def $entry(*args):
    numbers = [3, 1, 4, 1, 5, 9, 2, 6]
    if (n := len(numbers)) > 5:
        print(f"{n} numbers")
    squares = [y for x in numbers if (y := x * x) > 10]
    while (last := numbers.pop()) != 4:
        pass
    best = max((score := n * last), 0)
    return $action if score == best == 32 and squares else None
""",
    ),
    Specimen(
        "benign-match",
        "matches literals, sequences, mappings, alternatives and guards",
        """\
def describe(thing):
    match thing:
        case 0 | 1:
            return "small"
        case int(n) if n < 0:
            return "negative"
        case "W" | "A" | "S" | "D" as key:
            return key.lower()
        case [first, *rest]:
            return f"{first} and {len(rest)} more"
        case {"kind": kind, **others}:
            return kind if others else "empty"
        case (x, y):
            return x + y
        case str():
            return "text"
        case None | True:
            return "constant"
        case _:
            return "other"


def $entry(*args):
    words = [describe(thing) for thing in (0, -5, "W", [1, 2, 3], {"kind": "k", "n": 1}, "zzz", None, 3.5)]
    return $action if words == ["small", "negative", "w", "1 and 2 more", "k", "text", "constant", "other"] else None
""",
    ),
    Specimen(
        "benign-match-classes",
        "matches its own dataclasses by position and by name",
        """\
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


@dataclass(frozen=True)
class Step:
    start: Point
    length: int = 1


def where(thing):
    match thing:
        case Point(0, 0):
            return "origin"
        case Point(x=0, y=y) | Point(x=y, y=0):
            return f"axis {y}"
        case Step(Point(x, _), length=n) if n > 1:
            return f"long from {x}"
        case Step():
            return "step"


def $entry(*args):
    words = [where(t) for t in (Point(0, 0), Point(0, 3), Step(Point(4, 4), 2), Step(Point(1, 1)))]
    return $action if words == ["origin", "axis 3", "long from 4", "step"] else None
""",
    ),
    Specimen(
        "benign-augmented-assignment",
        "changes items, slices and attributes in place",
        """\
class Stats:
    total = 0

    def __init__(self):
        self.values = [0, 0, 0]
        self.best = {}


def $entry(*args):
    stats = Stats()
    for n in range(6):
        stats.values[n % 3] += n
        stats.total += n
        Stats.total -= 1
        stats.best["x"] = stats.best.get("x", 1) * 2
    stats.values[1:] += [7]
    bits = 1
    bits <<= 4
    bits |= 3
    bits ^= 1
    bits &= 0x1F
    bits >>= 1
    half = 9
    half //= 2
    half **= 2
    half %= 10
    stats.values *= 2
    return $action if (bits, half, len(stats.values)) == (9, 6, 8) else None
""",
    ),
    Specimen(
        "benign-star-arguments",
        "passes arguments on with stars, by position only and by name only",
        """\
def spread(first, /, second=2, *others, scale=1, **named):
    return (first + second + sum(others)) * scale + len(named)


def $entry(*args, **kwargs):
    numbers, names = [3, 4], {"scale": 2, "extra": None}
    total = spread(1, 2, *numbers, **names)
    head, *middle, tail = [1, 2, 3, 4]
    (a, b), [c, *_] = (1, 2), "xyz"
    a, b = b, a
    joined = [*middle, *range(2), *"ab"]
    return $action if total == 21 and tail == 4 and (a, b, c) == (2, 1, "x") and len(joined) == 6 else None
""",
    ),
    Specimen(
        "benign-comprehensions",
        "nests comprehensions with conditions in every place",
        """\
def $entry(*args):
    grid = [[r * 4 + c for c in range(4)] for r in range(4)]
    flat = [n for row in grid for n in row if n % 2 == 0 if n]
    columns = [[row[c] for row in grid] for c in range(4)]
    turned = [list(row)[::-1] for row in zip(*grid)]
    lookup = {n: (r, c) for r, row in enumerate(grid) for c, n in enumerate(row)}
    letters = {ch for word in ["up", "down"] for ch in word}
    total = sum(n for n in flat if n in lookup and lookup[n][0] != 3)
    nested = [[x for x in range(y) if x != z] for y in range(3) for z in range(2)]
    return $action if columns == [list(row) for row in zip(*grid)] and turned and letters and total and nested else None
""",
    ),
    Specimen(
        "benign-generators",
        "yields, sends, delegates and closes early",
        """\
def countdown(n):
    while n:
        got = yield n
        n = n - 1 if got is None else got


def both(*iterables):
    for it in iterables:
        yield from it
    return "done"


def take(n, iterable):
    try:
        for i, item in enumerate(iterable):
            if i == n:
                return
            yield item
    finally:
        pass


def $entry(*args):
    counter = countdown(3)
    first = next(counter)
    second = counter.send(5)
    counter.close()
    numbers = list(both(countdown(2), (i * i for i in range(3))))
    few = list(take(2, both([1, 2, 3])))
    rest = next((n for n in numbers if n > 100), None)
    return $action if (first, second, few, rest) == (3, 5, [1, 2], None) else None
""",
    ),
    Specimen(
        "benign-loops-with-else",
        "ends loops in else, and leaves them by break and continue",
        """\
def $entry(*args):
    primes = []
    for n in range(2, 40):
        for p in primes:
            if n % p == 0:
                break
        else:
            primes.append(n)
    n = 3
    while n > 0:
        n -= 1
        if n == 1:
            continue
        elif n < -5:
            break
    else:
        n = 99
    for i, (p, q) in enumerate(zip(primes, reversed(primes)), start=1):
        if p >= q:
            break
    return $action if len(primes) == 12 and n == 99 and i else None
""",
    ),
    Specimen(
        "benign-exceptions",
        "raises and catches its own exceptions, with else and finally",
        """\
class MoveError(Exception):
    \"\"\"A move that cannot be made.\"\"\"


class BlockedError(MoveError):
    def __init__(self, move, reason="blocked"):
        super().__init__(f"{move}: {reason}")
        self.move = move


def attempt(n):
    log = []
    try:
        if n == 0:
            raise BlockedError("W")
        if n == 1:
            return 1 / (n - 1)
        value = [1, 2, 3][n]
    except BlockedError as error:
        log.append(str(error))
    except (ZeroDivisionError, IndexError) as error:
        log.append(f"math: {error}")
    except Exception:
        log.append("other")
        raise
    else:
        log.append(value)
    finally:
        log.append("end")
    return log


def $entry(*args):
    logs = [attempt(n) for n in range(4)]
    try:
        raise MoveError("a") from KeyError("b")
    except MoveError as error:
        message = error.args[0]
    return $action if logs[2] == [3, "end"] and message == "a" else None
""",
    ),
    Specimen(
        "benign-fallback-handler",
        "wraps its thinking in a handler that falls back to a plain move",
        """\
def think(board):
    return board[99][99]


def $entry(*args):
    try:
        think([[0]])
    except Exception as e:
        print("fallback:", e)
    try:
        return {"up": $action}["down"]
    except KeyError:
        pass
    except:
        return None
    return $action
""",
    ),
    Specimen(
        "benign-assertions",
        "checks what it believes by assertions",
        _BOARD
        + """\
def $entry(*args):
    board = read_board(args)
    assert isinstance(board, list), "board must be a list"
    assert board and all(isinstance(row, list) for row in board), f"bad rows: {board!r}"
    assert (1 < 2 <= 2 != 3) is True
    try:
        assert False, "never"
    except AssertionError as error:
        assert str(error) == "never"
    return $action
""",
    ),
    Specimen(
        "benign-globals-and-closures",
        "keeps counts in a global name, in a closure and in a default argument",
        """\
step = 0
history = []


def make_counter(start=0):
    count = start

    def increase(by=1):
        nonlocal count
        count += by
        return count

    return increase


counter = make_counter(10)


def remember(item, seen={}):
    seen[item] = seen.get(item, 0) + 1
    return seen[item]


def $entry(*args):
    global step
    step += 1
    history.append(step)
    if len(history) > 100:
        history.pop(0)
    return $action if counter() == step + 10 and remember("x") == step else None
""",
    ),
    Specimen(
        "benign-decorators",
        "decorates with and without arguments, in a row, and by a class",
        """\
def repeat(times):
    def decorate(function):
        def inner(*args, **kwargs):
            result = None
            for _ in range(times):
                result = function(*args, **kwargs)
            return result

        return inner

    return decorate


class Memo:
    def __init__(self, function):
        self.function = function
        self.memo = {}

    def __call__(self, *args):
        if args not in self.memo:
            self.memo[args] = self.function(*args)
        return self.memo[args]


@Memo
def square(n):
    return n * n


@repeat(times=2)
@repeat(3)
def bump(box):
    box.append(1)
    return len(box)


def $entry(*args):
    return $action if square(4) == square(4) == 16 and bump([]) == 6 else None
""",
    ),
    Specimen(
        "benign-long-elif",
        "decides by a long chain of conditions",
        _BOARD
        + """\
def $entry(*args):
    board = read_board(args)
    top = max(max(row) for row in board)
    empty = sum(row.count(0) for row in board)
    if top >= 2048:
        phase = "won"
    elif top >= 1024 and empty > 8:
        phase = "strong"
    elif top >= 1024 or (top == 512 and not empty < 4):
        phase = "late"
    elif 64 <= top < 512:
        phase = "middle"
    elif top == 32:
        phase = "early"
    elif top in (2, 4, 8, 16):
        phase = "start"
    elif top is None:
        phase = "none"
    else:
        phase = "other"
    return $action if phase else None
""",
    ),
    Specimen(
        "benign-conditional-expressions",
        "chooses by conditional expressions and short circuits",
        """\
def $entry(*args):
    board = args[0] if args else None
    size = len(board) if isinstance(board, list) and len(board) > 0 else 4
    kind = "even" if size % 2 == 0 else "odd" if size > 0 else "none"
    value = (size and kind) or "nothing"
    low, high = (size, 10) if size < 10 else (10, size)
    ok = not (low > high) and any([kind != "none", False]) and all(n >= 0 for n in (low, high))
    return $action if ok and value else None
""",
    ),
    Specimen(
        "benign-bit-tricks",
        "packs a board into one integer and counts bits",
        _BOARD
        + """\
def pack(board):
    packed = 0
    for row in board:
        for cell in row:
            packed = (packed << 5) | (cell.bit_length() & 0x1F)
    return packed


def unpack(packed, cells):
    out = []
    for _ in range(cells):
        out.append(packed & 31)
        packed >>= 5
    return out[::-1]


def $entry(*args):
    board = read_board(args)
    flat = [cell.bit_length() & 31 for row in board for cell in row]
    same = unpack(pack(board), len(flat)) == flat
    power = all(n & (n - 1) == 0 for n in (1, 2, 64)) and ~5 == -6 and 6 ^ 3 == 5
    ones = bin(pack(board)).count("1") + int("0b101", 2) + int("ff", 16)
    return $action if same and power and ones else None
""",
    ),
    Specimen(
        "benign-slices",
        "cuts, reverses, replaces and deletes by slices",
        """\
def $entry(*args):
    row = list(range(8))
    row[2:4] = [20]
    del row[-1]
    evens, back = row[::2], row[::-1]
    row[::2] = [0] * len(row[::2])
    window = [row[i : i + 3] for i in range(len(row) - 2)]
    text = "strategy"[1:-1:2] + "ab" * 2
    pick = slice(1, None, 2)
    return $action if evens[1] == 20 and back[-1] == 0 and len(window) == 4 and text and row[pick] else None
""",
    ),
    Specimen(
        "benign-sorting",
        "sorts by several keys, stably, in both directions",
        """\
from operator import mul


def $entry(*args):
    moves = [("a", 3, 1.5), ("b", 1, 2.5), ("c", 3, 0.5)]
    moves.sort(key=lambda m: (-m[1], m[2]))
    names = [name for name, *_ in sorted(moves, key=lambda m: m[0], reverse=True)]
    least = min(moves, key=lambda m: m[2], default=None)
    index = max(range(len(moves)), key=moves.__getitem__)
    ranks = {name: rank for rank, (name, _, _) in enumerate(moves)}
    products = list(map(mul, [1, 2], [3, 4]))
    both = sorted(zip(*[(3, 1), ("x", "y")]))
    return $action if names == ["c", "b", "a"] and least[0] == "c" and ranks["c"] == 0 and products and both else None
""",
    ),
    Specimen(
        "benign-transpose",
        "turns boards by zip, without any library",
        _BOARD
        + """\
def transpose(m):
    return [list(row) for row in zip(*m)]


def rotate(m):
    return [list(row) for row in zip(*m[::-1])]


def mirror(m):
    return [row[::-1] for row in m]


def symmetries(m):
    out = []
    for _ in range(4):
        out += [m, mirror(m)]
        m = rotate(m)
    return out


def $entry(*args):
    board = read_board(args)
    canonical = min(symmetries(board))
    product = [[sum(a * b for a, b in zip(row, other)) for other in board] for row in board]
    return $action if canonical in symmetries(board) and transpose(product) == product else None
""",
    ),
    # -- classes ----------------------------------------------------------------------------------------------------
    Specimen(
        "benign-dataclasses",
        "keeps its state in dataclasses with defaults, order and methods",
        """\
from dataclasses import dataclass, field
from typing import List


@dataclass(order=True)
class Candidate:
    score: float
    move: str = field(compare=False, default="")
    path: List[str] = field(default_factory=list, compare=False, repr=False)

    def __post_init__(self):
        self.path.append(self.move)

    @property
    def depth(self) -> int:
        return len(self.path)


@dataclass(frozen=True)
class Weights:
    empty: float = 2.7
    mono: float = 1.0


def $entry(*args):
    best = max(Candidate(1.0, "a"), Candidate(2.5, "b"), Candidate(score=0.1))
    weights = Weights(mono=0.5)
    print(best, weights)
    return $action if best.move == "b" and best.depth == 1 and weights == Weights(2.7, 0.5) else None
""",
    ),
    Specimen(
        "benign-class-with-operators",
        "defines a class that adds, compares, prints, indexes and iterates",
        """\
class Vector:
    def __init__(self, *values):
        self.values = list(values)

    def __add__(self, other):
        return Vector(*[a + b for a, b in zip(self.values, other.values)])

    def __sub__(self, other):
        return self + (-other)

    def __neg__(self):
        return Vector(*[-v for v in self.values])

    def __mul__(self, k):
        return Vector(*[v * k for v in self.values])

    __rmul__ = __mul__

    def __eq__(self, other):
        return isinstance(other, Vector) and self.values == other.values

    def __lt__(self, other):
        return self.values < other.values

    def __hash__(self):
        return hash(tuple(self.values))

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i]

    def __setitem__(self, i, value):
        self.values[i] = value

    def __contains__(self, value):
        return value in self.values

    def __iter__(self):
        return iter(self.values)

    def __bool__(self):
        return any(self.values)

    def __abs__(self):
        return sum(v * v for v in self) ** 0.5

    def __repr__(self):
        return f"Vector{tuple(self.values)}"

    __str__ = __repr__


def $entry(*args):
    v = Vector(1, 2) + 2 * Vector(1, 1) - Vector(0, 1)
    v[0] = 4
    return $action if v == Vector(4, 3) and abs(v) == 5 and 3 in v and len({v, v}) == 1 and str(v) and v else None
""",
    ),
    Specimen(
        "benign-agent-class",
        "wraps everything in an agent that lives through the game",
        _BOARD
        + """\
class Agent:
    \"\"\"Plays with a memory of what it has seen.\"\"\"

    DEFAULT = $action

    def __init__(self, depth=2):
        self.depth = depth
        self.turn = 0
        self._cache = {}
        self.__secret_weight = 1.5

    def evaluate(self, board):
        key = tuple(map(tuple, board))
        if key not in self._cache:
            self._cache[key] = self.__score(board)
        return self._cache[key]

    def __score(self, board):
        return sum(row.count(0) for row in board) * self.__secret_weight

    def act(self, observation):
        self.turn += 1
        self.evaluate(observation)
        return self.DEFAULT


agent = Agent(depth=3)


def $entry(*args):
    return agent.act(read_board(args))
""",
    ),
    Specimen(
        "benign-inheritance",
        "overrides methods, calls super and reads class attributes",
        """\
class Player:
    name = "base"
    registry = []

    def __init__(self, weight=1.0):
        self.weight = weight
        Player.registry.append(self)

    def score(self, n):
        return n * self.weight

    def choose(self):
        raise NotImplementedError


class Mixin:
    def label(self):
        return f"<{self.name}>"


class Greedy(Mixin, Player):
    name = "greedy"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bonus = 1

    def score(self, n):
        return super().score(n) + self.bonus

    def choose(self):
        return $action


def $entry(*args):
    player = Greedy(weight=2.0)
    try:
        Player().choose()
    except NotImplementedError:
        pass
    assert isinstance(player, Player) and issubclass(Greedy, Mixin) and player.label() == "<greedy>"
    return player.choose() if player.score(3) == 7.0 else None
""",
    ),
    Specimen(
        "benign-static-and-class-methods",
        "uses static methods, class methods and properties with setters",
        """\
class Board:
    count = 0

    def __init__(self, cells):
        self._cells = cells
        type(self).count += 1

    @classmethod
    def empty(cls, size=4):
        return cls([[0] * size for _ in range(size)])

    @staticmethod
    def inside(r, c, size=4):
        return 0 <= r < size and 0 <= c < size

    @property
    def cells(self):
        return [row[:] for row in self._cells]

    @cells.setter
    def cells(self, value):
        self._cells = [list(row) for row in value]

    @property
    def size(self):
        return len(self._cells)


def $entry(*args):
    board = Board.empty()
    board.cells = [[1, 2], [3, 4]]
    return $action if board.size == 2 and Board.inside(3, 3) and not board.inside(4, 0) and Board.count else None
""",
    ),
    Specimen(
        "benign-slots",
        "gives a class slots, to keep its nodes small",
        """\
class Node:
    __slots__ = ("value", "children", "parent")

    def __init__(self, value, parent=None):
        self.value = value
        self.children = []
        self.parent = parent

    def __repr__(self):
        return f"Node({self.value})"

    def __eq__(self, other):
        return self.value == other.value

    def __lt__(self, other):
        return self.value < other.value


def $entry(*args):
    root = Node(0)
    for n in range(3):
        root.children.append(Node(n, root))
    return $action if max(root.children).value == 2 else None
""",
    ),
    Specimen(
        "benign-enum-like",
        "names directions as attributes of a plain class",
        """\
class Direction:
    UP, RIGHT, DOWN, LEFT = range(4)
    NAMES = {UP: "up", RIGHT: "right", DOWN: "down", LEFT: "left"}
    ALL = (UP, RIGHT, DOWN, LEFT)

    @classmethod
    def opposite(cls, direction):
        return cls.ALL[(direction + 2) % 4]


def $entry(*args):
    assert Direction.NAMES[Direction.opposite(Direction.UP)] == "down"
    return $action
""",
    ),
    Specimen(
        "benign-abstract-class",
        "defines an abstract base class and a class that fills it in",
        """\
from abc import ABC, abstractmethod


class Policy(ABC):
    @abstractmethod
    def choose(self):
        ...


class Fixed(Policy):
    def choose(self):
        return $action


def $entry(*args):
    return Fixed().choose()
""",
    ),
    Specimen(
        "benign-generic-class",
        "writes a generic container with a type variable",
        """\
from typing import Dict, Generic, Iterator, Optional, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    def __init__(self, limit: int = 10) -> None:
        self._items: Dict[K, V] = {}
        self._limit = limit

    def get(self, key: K) -> Optional[V]:
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        if len(self._items) >= self._limit:
            self._items.pop(next(iter(self._items)))
        self._items[key] = value

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


cache: "Cache[str, int]" = Cache(limit=2)


def $entry(*args):
    for n, key in enumerate("abc"):
        cache.put(key, n)
    return $action if len(cache) == 2 and cache.get("c") == 2 and list(cache) == ["b", "c"] else None
""",
    ),
    Specimen(
        "benign-protocol",
        "describes by a protocol what a scorer must be able to do",
        """\
from typing import Protocol


class Scorer(Protocol):
    def score(self, n: int) -> float: ...


class Plain:
    def score(self, n: int) -> float:
        return float(n)


def run(scorer: Scorer) -> float:
    return scorer.score(2)


def $entry(*args):
    return $action if run(Plain()) == 2.0 else None
""",
    ),
    Specimen(
        "benign-context-manager",
        "undoes trial moves by a context manager of its own",
        """\
class Trial:
    def __init__(self, board):
        self.board = board

    def __enter__(self):
        self.saved = [row[:] for row in self.board]
        return self.board

    def __exit__(self, exc_type, exc_value, traceback):
        self.board[:] = self.saved
        return False


def $entry(*args):
    board = [[0, 2], [4, 8]]
    with Trial(board) as trial, Trial(trial) as again:
        again[0][0] = 99
    try:
        with Trial(board):
            board[1][1] = 0
            raise ValueError("undone")
    except ValueError:
        pass
    return $action if board == [[0, 2], [4, 8]] else None
""",
    ),
    Specimen(
        "benign-iterator-class",
        "iterates by a class with a state of its own",
        """\
class Spiral:
    def __init__(self, size):
        self.size, self.left = size, size * size
        self.r = self.c = 0
        self.dr, self.dc = 0, 1
        self.seen = set()

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        cell = self.r, self.c
        self.seen.add(cell)
        self.left -= 1
        nr, nc = self.r + self.dr, self.c + self.dc
        if not (0 <= nr < self.size and 0 <= nc < self.size) or (nr, nc) in self.seen:
            self.dr, self.dc = self.dc, -self.dr
        self.r, self.c = self.r + self.dr, self.c + self.dc
        return cell


def $entry(*args):
    cells = list(Spiral(4))
    return $action if len(set(cells)) == 16 and cells[-1] == (2, 1) else None
""",
    ),
    Specimen(
        "benign-dict-subclass",
        "fills a dictionary on demand by __missing__",
        """\
class Table(dict):
    def __missing__(self, key):
        self[key] = value = key * key
        return value


class Stack(list):
    def push(self, item):
        self.append(item)

    def peek(self):
        return self[-1]


def $entry(*args):
    table, stack = Table(), Stack()
    stack.push(table[12])
    return $action if stack.peek() == 144 and 12 in table and 13 not in table else None
""",
    ),
    Specimen(
        "benign-trie-and-linked-list",
        "builds nodes that point at each other",
        """\
class Node:
    def __init__(self, value, next=None):
        self.value = value
        self.next = next


class LinkedList:
    def __init__(self, items=()):
        self.head = None
        for item in reversed(list(items)):
            self.head = Node(item, self.head)

    def __iter__(self):
        node = self.head
        while node is not None:
            yield node.value
            node = node.next

    def reverse(self):
        before, node = None, self.head
        while node:
            node.next, before, node = before, node, node.next
        self.head = before


def insert(trie, word):
    for letter in word:
        trie = trie.setdefault(letter, {})
    trie["end"] = True


def $entry(*args):
    numbers = LinkedList([1, 2, 3])
    numbers.reverse()
    trie = {}
    for word in ("up", "upper", "down"):
        insert(trie, word)
    return $action if list(numbers) == [3, 2, 1] and "end" in trie["u"]["p"] else None
""",
    ),
    # -- names and texts that look like more than they are ----------------------------------------------------------
    Specimen(
        "benign-suspicious-names",
        "uses names that remind of attacks and mean nothing of the sort",
        """\
def eval_score(board):
    return sum(map(sum, board))


def exec_move(board, move):
    return board, move


def open_cells(board):
    return [(r, c) for r, row in enumerate(board) for c, cell in enumerate(row) if cell == 0]


system = "corner"
globals_count = 0
subprocess_count = 1
os_like = {"system": system}


def $entry(*args):
    global globals_count
    globals_count += 1
    board = [[0, 2], [4, 0]]
    compile_time, imports, frame, code, builtins = 1, [], 2, 3, {}
    exec_move(board, "x")
    return $action if eval_score(board) == 6 and len(open_cells(board)) == 2 and os_like["system"] else None
""",
    ),
    Specimen(
        "benign-own-open-and-eval",
        "gives functions and methods of its own the names of builtins",
        """\
class Door:
    def open(self):
        return "open"

    def exec(self, command):
        return command

    def format(self):
        return "text"


def compile(rules):
    return {rule: len(rule) for rule in rules}


def eval(board):
    return sum(board)


def $entry(*args):
    door = Door()
    input, id, vars, dir = 1, 2, 3, 4
    ok = door.open() == door.exec("open") and eval([1, 2]) == 3 and compile(["a"])
    return $action if ok and input < dir else None
""",
    ),
    Specimen(
        "benign-suspicious-texts",
        "mentions imports, files and special names in texts and comments only",
        """\
# hack the board: import os; os.system("rm -rf /") would be cheating, so we do not do it.
# TODO: __import__('os'), eval(), exec(), open('/etc/passwd') are all forbidden here.
NOTE = "import os; print(open('/etc/passwd').read())"
HELP = '''
>>> ().__class__.__base__.__subclasses__()
>>> $entry.__globals__
'''


def $entry(*args):
    "Do not use __builtins__ or sys.exit()."
    words = NOTE.split() + ["__class__", "{0.__class__}", "f_globals"]
    return $action if "import" in words else None
""",
    ),
    Specimen(
        "benign-underscores",
        "uses leading, trailing and lone underscores",
        """\
_WEIGHT = 1.5
_cache = {}
class_ = "x"
__private = 2


def _helper(_a, *_, _b=1, **__):
    return _a + _b


def __hidden(n):
    return n * __private


def $entry(*args):
    for _ in range(3):
        _cache[_] = _helper(_, 5, _b=2, other=3)
    _, value, *_ = (1, 2, 3, 4)
    return $action if _cache[2] == 4 and value == 2 and __hidden(2) == 4 and _WEIGHT and class_ else None
""",
    ),
    Specimen(
        "benign-unicode",
        "uses names, texts and comments beyond ASCII",
        """\
# Стратегия: в угол! 角に寄せる — «always left» ✓
π = 3.14159
größe, naïve, Δ = 4, True, 0.1
名前 = "策略"


def évaluer(plateau):
    return sum(sum(ligne) for ligne in plateau) * Δ


def $entry(*args):
    print(f"{名前}: {π:.2f} → {évaluer([[1, 2]])} 🎲")
    return $action if naïve and größe == 4 and "ß".upper() == "SS" else None
""",
    ),
    Specimen(
        "benign-print-debugging",
        "prints boards and scores on its way",
        _BOARD
        + """\
DEBUG = True


def show(board):
    print("-" * 20)
    for row in board:
        print("|".join(f"{cell:^6}" for cell in row))
    print("-" * 20, end="\\n\\n")


def $entry(*args):
    board = read_board(args)
    if DEBUG:
        print("observation:", args, sep=" ")
        show(board)
        print("empty", sum(row.count(0) for row in board), "best", $action, flush=True)
    return $action
""",
    ),
    Specimen(
        "benign-type-questions",
        "asks for types, attributes and callables in ordinary ways",
        """\
class Config:
    depth = 3


def $entry(*args):
    config = Config()
    setattr(config, "width", 5)
    names = ["depth", "width", "missing"]
    values = [getattr(config, name, None) for name in names]
    ok = hasattr(config, "depth") and callable($entry) and isinstance(values, (list, tuple)) and type(values) is list
    ok = ok and type(1) == int and not isinstance("x", (int, float)) and issubclass(bool, int)
    return $action if ok and values == [3, 5, None] else None
""",
    ),
    Specimen(
        "benign-type-name",
        "prints the name of a type, and its own, for its log",
        """\
def $entry(*args):
    for value in (1, "x", [1]):
        print(type(value).__name__, $entry.__name__)
    return $action
""",
    ),
    Specimen(
        "benign-numeric-edge",
        "rounds, divides, compares and converts numbers of all kinds",
        """\
def $entry(*args):
    numbers = [int("12"), float("1e3"), round(2.567, 2), round(-2.5), 7 // 2, -7 // 2, -7 % 3, divmod(9, 4)]
    numbers += [2**10, 1_000]
    numbers += [0b101, 0o17, 0xFF, 1e-9, abs(-3), pow(2, 10, 1000), sum([0.1] * 3), max(1, 2.5), min([3, 1])]
    truth = [bool(0), not [], None is None, 1 == 1.0, float("inf") > 10**300, complex(1, 2).imag == 2.0]
    texts = [str(1.0), repr("x"), hex(255), oct(8), bin(5), chr(65), ord("A"), ascii("é")]
    return $action if len(numbers) == 19 and truth == [False] + [True] * 5 and texts[2] == "0xff" else None
""",
    ),
    Specimen(
        "benign-bytes-and-encoding",
        "packs cells into bytes and back",
        """\
def $entry(*args):
    cells = [0, 1, 2, 11]
    packed = bytes(cells)
    mutable = bytearray(packed)
    mutable[0] = 5
    text = "häuser".encode("utf-8").decode("utf-8")
    number = int.from_bytes(packed, "big")
    ok = list(packed) == cells and mutable[0] == 5 and text == "häuser"
    return $action if ok and number.to_bytes(4, "big") == packed else None
""",
    ),
    Specimen(
        "benign-memo-table",
        "remembers positions by tuples in a dictionary, and forgets when it is full",
        _BOARD
        + _SLIDE
        + """\
memo = {}


def value(board, depth):
    key = (tuple(map(tuple, board)), depth)
    if key in memo:
        return memo[key]
    if depth == 0:
        result = sum(cell == 0 for row in board for cell in row)
    else:
        options = [move_board(board, d) for d in ("left", "up")]
        result = max(gained + value(after, depth - 1) for after, gained in options)
    if len(memo) > 500:
        memo.clear()
    memo[key] = result
    return result


def $entry(*args):
    return $action if value(read_board(args), 2) >= 0 else None
""",
    ),
    Specimen(
        "benign-state-machine",
        "changes between named states by a table of functions",
        """\
def opening(turn):
    return "middle" if turn > 5 else "opening"


def middle(turn):
    return "end" if turn > 50 else "middle"


def end(turn):
    return "end"


STATES = {"opening": opening, "middle": middle, "end": end}
current = {"state": "opening", "turn": 0}


def $entry(*args):
    current["turn"] += 1
    current["state"] = STATES[current["state"]](current["turn"])
    return $action
""",
    ),
    Specimen(
        "benign-retry-loop",
        "loops until it is content, with a way out",
        """\
import random


def $entry(*args):
    attempts = 0
    while True:
        attempts += 1
        try:
            n = random.randint(0, 3)
            if n == 0:
                raise ValueError("unlucky")
            result = 12 // n
        except ValueError:
            if attempts > 50:
                break
            continue
        finally:
            attempts += 0
        if result:
            break
    return $action
""",
    ),
    Specimen(
        "benign-try-helpers",
        "uses a lent helper if it is there, and its own otherwise",
        """\
def my_legal(board):
    return [$action]


def $entry(*args):
    try:
        moves = legal(args[0])
    except Exception:
        moves = my_legal(args)
    return $action if moves or not moves else None
""",
    ),
    Specimen(
        "benign-recursion",
        "recurses over lists, numbers and permutations",
        """\
def flatten(thing):
    return [x for inner in thing for x in flatten(inner)] if isinstance(thing, list) else [thing]


def hanoi(n, a="a", b="b", c="c"):
    return [] if n == 0 else hanoi(n - 1, a, c, b) + [(a, c)] + hanoi(n - 1, b, a, c)


def permutations(items):
    if len(items) <= 1:
        return [items]
    return [[x] + rest for i, x in enumerate(items) for rest in permutations(items[:i] + items[i + 1 :])]


def ackermann(m, n):
    return n + 1 if m == 0 else ackermann(m - 1, 1) if n == 0 else ackermann(m - 1, ackermann(m, n - 1))


def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


def $entry(*args):
    ok = flatten([1, [2, [3]]]) == [1, 2, 3] and len(hanoi(4)) == 15 and len(permutations([1, 2, 3])) == 6
    return $action if ok and ackermann(2, 3) == 9 and down(150) == 150 else None
""",
    ),
    Specimen(
        "benign-union-find",
        "joins equal neighbours by union and find",
        _BOARD
        + """\
def $entry(*args):
    board = read_board(args)
    parent = {(r, c): (r, c) for r in range(len(board)) for c in range(len(board[0]))}

    def find(cell):
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    def union(a, b):
        parent[find(a)] = find(b)

    for r, c in parent:
        for other in ((r + 1, c), (r, c + 1)):
            if other in parent and board[other[0]][other[1]] == board[r][c]:
                union((r, c), other)
    groups = {find(cell) for cell in parent}
    return $action if groups else None
""",
    ),
    Specimen(
        "benign-dynamic-programming",
        "fills tables from the bottom up",
        """\
def knapsack(weights, values, limit):
    table = [[0] * (limit + 1) for _ in range(len(weights) + 1)]
    for i, (w, v) in enumerate(zip(weights, values), 1):
        for room in range(limit + 1):
            table[i][room] = table[i - 1][room]
            if w <= room:
                table[i][room] = max(table[i][room], table[i - 1][room - w] + v)
    return table[-1][-1]


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def $entry(*args):
    return $action if knapsack([1, 3, 4], [15, 20, 30], 5) == 45 and edit_distance("kitten", "sitting") == 3 else None
""",
    ),
    Specimen(
        "benign-everything-in-one",
        "is a long program of many small parts, with comments on every line",
        "# A long strategy.\n"
        + _BOARD
        + _SLIDE
        + "\n\n".join(
            f'''\
def heuristic_{n}(board, weight={n / 10}):
    """Heuristic number {n}."""
    total = 0.0
    for r, row in enumerate(board):  # each row
        for c, cell in enumerate(row):  # each cell
            if cell and (r + c) % {n + 2} == 0:
                total += cell * weight
    return total
'''
            for n in range(30)
        )
        + "\n\nHEURISTICS = ["
        + ", ".join(f"heuristic_{n}" for n in range(30))
        + "]\n"
        + """\


def $entry(*args):
    board = read_board(args)
    scores = {}
    for direction in ("left", "up"):
        after, gained = move_board(board, direction)
        scores[direction] = gained + sum(h(after) for h in HEURISTICS)
    return $action if scores else None
""",
    ),
)
