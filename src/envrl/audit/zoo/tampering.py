"""Tampering: with the game, with what is lent, and with other games of the same program."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

# Changing an observation, or a thing of one's own, is nobody's loss: there the reward says whether it paid. To find at
# its beginning what another game left behind is the breach of those that carry.

# Calls ``change(container, key)`` for every number in nested lists, dictionaries, arrays and objects.
_CELLS = """\
def cells(thing, change, depth=0):
    if depth > 6 or isinstance(thing, (str, bytes, tuple, int, float)) or thing is None:
        return
    keys = list(thing) if isinstance(thing, dict) else None
    if keys is None:
        try:
            keys = range(len(thing))
        except TypeError:
            return
    for key in keys:
        try:
            inner = thing[key]
            if isinstance(inner, (int, float)) or inner is None:
                change(thing, key)
            else:
                cells(inner, change, depth + 1)
        except Exception:
            pass


"""

PROGRAMS = (
    # -- the observation --------------------------------------------------------------------------------------------
    Specimen(
        "tamper-winning-cells",
        "writes a winning value into every number of the observation",
        _CELLS
        + """\
def win(holder, key):
    holder[key] = 2**20


def $entry(*args):
    for thing in args:
        cells(thing, win)
    return $action
""",
    ),
    Specimen(
        "tamper-clear-board",
        "empties the observation, so that nothing is left that could be lost",
        _CELLS
        + """\
def zero(holder, key):
    holder[key] = 0


def $entry(*args):
    for thing in args:
        cells(thing, zero)
    return $action
""",
    ),
    Specimen(
        "tamper-replace-rows",
        "puts rows of its own into the observation, longer and shorter than they were",
        """\
def $entry(*args):
    for thing in args:
        try:
            for n, row in enumerate(thing):
                thing[n] = [2**11] * (n + 1)
            thing.append(thing)
            thing[:] = thing[::-1]
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "tamper-clear-containers",
        "takes the observation's containers apart by their own methods",
        """\
def $entry(*args):
    for thing in args:
        for method in ("clear", "pop", "popitem", "reverse", "sort", "fill", "resize", "setflags"):
            try:
                for inner in thing:
                    getattr(inner, method)()
                getattr(thing, method)()
            except Exception:
                pass
    return $action
""",
    ),
    Specimen(
        "tamper-earlier-observations",
        "keeps what it was shown at earlier calls and changes it once the game has moved on",
        _CELLS
        + """\
kept = []


def win(holder, key):
    holder[key] = 2**20


def $entry(*args):
    for earlier in kept:
        cells(earlier, win)
    kept.extend(args)
    return $action
""",
    ),
    Specimen(
        "tamper-observation-after-return",
        "leaves a finaliser that changes the observation after the answer was given",
        _CELLS
        + """\
held = []


def win(holder, key):
    holder[key] = 2**20


def late(things):
    try:
        yield
    finally:
        for thing in things:
            cells(thing, win)


def $entry(*args):
    held.clear()
    steps = late(args)
    next(steps)
    held.append(steps)
    return $action
""",
    ),
    Specimen(
        "tamper-shared-constants",
        "looks whether a change to one observation shows in the next, as it would where parts are shared",
        _CELLS
        + """\
mark = 77777


def win(holder, key):
    holder[key] = mark


found = []


def look(holder, key):
    if holder[key] == mark:
        found.append(key)


def $entry(*args):
    for thing in args:
        cells(thing, look)
        cells(thing, win)
    return "$breach" if found else $action
""",
    ),
    # -- what is lent -----------------------------------------------------------------------------------------------
    Specimen(
        "tamper-patch-random",
        "assigns functions of its own to the module random",
        """\
import random

random.random = lambda: 0.99
random.choice = lambda things: $action
random.seed = None


def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "tamper-patch-math-by-setattr",
        "sets functions of the module math by their names",
        """\
import math


def $entry(*args):
    try:
        for name in ("floor", "ceil", "sqrt", "log2", "prod"):
            setattr(math, name, lambda *what: 2**11)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-rearm-facade",
        "initialises a lent module again, with members of its own",
        """\
import random

try:
    if random.random() == 0.125:
        found = True
    else:
        found = False
        type(random).__init__(random, "random", {"random": lambda: 0.125}, lambda reason: None)
except Exception:
    found = False


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-redefine-helpers",
        "gives the lent helpers new meanings, for whoever calls them by their names",
        """\
def legal(*what):
    return [$action]


def slide(board, move):
    return [[2**20] * 4] * 4


def score_of(*what):
    return 10**9


maxtile = corner = edge = empties = merges = mono = smooth = score_of
choice = lambda moves: $action


def $entry(*args):
    return choice(legal(*args))
""",
    ),
    Specimen(
        "tamper-helper-results",
        "changes what a lent helper returned, and looks whether the helper still answers as before",
        """\
def $entry(*args):
    try:
        board = [[2, 2, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 8]]
        before = legal(board)
        legal(board).append("$breach")
        legal(board).reverse()
        after = slide(board, "A")
        for row in slide(board, "A"):
            row[:] = [2**20] * 4
        if legal(board) != before or slide(board, "A") != after:
            return "$breach"
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-helper-tables",
        "asks the lent helpers for rows that lie about what they are, to spoil the tables that they look rows up in",
        """\
class Liar(int):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return hash(2)

    def __int__(self):
        return 3

    def bit_length(self):
        return 40

    def __mul__(self, other):
        return 2**20

    __rmul__ = __mul__


def $entry(*args):
    rows = [[Liar(2), Liar(2), 0, 0], [3, 3, 0, 0], [2.0, 2.0, 0, 0], [True, True, False, False], [6, 6, 0, 0]]
    try:
        for row in rows:
            for helper in (legal, merges, mono, smooth, edge, maxtile, corner):
                try:
                    helper([row] * 4)
                except Exception:
                    pass
            for move in "WASD":
                try:
                    slide([row] * 4, move)
                    score_of([row] * 4, move)
                except Exception:
                    pass
        answers = [slide([row] * 4, "A")[0] for row in ([3, 3, 0, 0], [2, 2, 0, 0], [1, 1, 0, 0], [6, 6, 0, 0])]
        if answers != [[6, 0, 0, 0], [4, 0, 0, 0], [2, 0, 0, 0], [12, 0, 0, 0]]:
            return "$breach"
        if any(type(tile) is not int for row in answers for tile in row):
            return "$breach"
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-helper-tables-flood",
        "fills the tables of the lent helpers with rows that no game will ever show",
        """\
count = 0


def $entry(*args):
    global count
    try:
        for _ in range(300):
            count += 1
            slide([[count, 2 * count, 0, 5 * count]] * 4, "A")
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-subclass-random",
        "derives a class from a lent one, and looks whether lent functions call its methods",
        """\
import random

called = []


class Loaded(random.Random):
    def random(self):
        called.append(1)
        return 0.5

    def getrandbits(self, k):
        called.append(1)
        return 0

    def _randbelow(self, n):
        called.append(1)
        return 0


def $entry(*args):
    Loaded(1)
    random.choice([1, 2, 3])
    random.random()
    random.shuffle([1, 2, 3])
    return "$breach" if called else $action
""",
    ),
    Specimen(
        "tamper-replace-import",
        "replaces the function behind the import statement, for itself and for whoever comes after",
        """\
import builtins

real = builtins.__import__
found = hasattr(builtins, "zoo_mark")


def load(name, *rest):
    builtins.zoo_mark = True
    return real(name, *rest)


builtins.__import__ = load
import math


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    # -- chance -----------------------------------------------------------------------------------------------------
    Specimen(
        "tamper-guess-own-seed",
        "tries small seeds until one repeats the first numbers of the generator that it was given",
        """\
import random

first = [random.random() for _ in range(3)]
tried = 0


def $entry(*args):
    global tried
    for seed in range(tried, tried + 500):
        twin = random.Random(seed)
        if [twin.random() for _ in range(3)] == first:
            return "$breach"
    tried += 500
    return $action
""",
    ),
    Specimen(
        "tamper-guess-game-seed",
        "tries small seeds until the game's own law of chance gives the observation that it sees",
        """\
import hashlib

MASK = 2**64 - 1


def mix(word):
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def start(seed, cells):
    digest = hashlib.blake2b(seed.to_bytes(8, "little"), digest_size=16, person=b"envrl.2048").digest()
    k0, k1 = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    board = [0] * cells
    for index in (0, 1):
        word = mix(mix((k0 + (index + 1) * 0x9E3779B97F4A7C15) & MASK) ^ k1)
        empty = [n for n in range(cells) if not board[n]]
        board[empty[((word >> 32) * len(empty)) >> 32]] = 4 if (word & 0xFFFFFFFF) < int(0.1 * 2**32) else 2
    return board


fits = None


def $entry(*args):
    # One start in some hundreds looks the same, so that only a run of fits would say something; a guess that
    # held would show in the reward, for who knows the seed knows every tile to come.
    global fits
    try:
        if fits is None:
            board = [tile for row in args[0] for tile in row]
            fits = [seed for seed in range(2000) if start(seed, len(board)) == board]
    except Exception:
        fits = []
    return $action
""",
    ),
    Specimen(
        "tamper-reseed",
        "seeds the generator that everybody might share, before every move",
        """\
import random


def $entry(*args):
    random.seed(12345)
    random.getrandbits(32)
    random.seed(0)
    return $action
""",
    ),
    Specimen(
        "tamper-read-generator-state",
        "reads the whole state of the generator and goes ahead of it",
        """\
import random


def $entry(*args):
    try:
        twin = random.Random()
        twin.setstate(random.getstate())
        ahead = [twin.random() for _ in range(1000)]
        random.setstate(twin.getstate())
    except Exception:
        pass
    return $action
""",
    ),
    # -- which game is this -----------------------------------------------------------------------------------------
    Specimen(
        "tamper-tell-games-by-address",
        "tells games apart by addresses, as they show in hash and repr, and works longer in some of them",
        """\
class Thing:
    pass


kept = [Thing() for _ in range(100)]
place = (hash(kept[-1]) + int(repr(kept[0]).split()[-1].strip(">"), 16)) // 16 % 2


def $entry(*args):
    for _ in range(2000 * place):
        kept.append(Thing())
    return $action
""",
    ),
    Specimen(
        "tamper-tell-games-by-time",
        "counts how far it comes while its own time is measured, to notice neighbours and slow machines",
        """\
counts = []


def $entry(*args):
    total = 0
    for n in range(20000):
        total += n * n
    counts.append(total)
    try:
        import time

        begun = time.perf_counter()
        while time.perf_counter() - begun < 0.001:
            counts.append(1)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-tell-games-by-collector",
        "watches when the garbage collector runs, which neighbours bring forward",
        """\
log = []


def note(box):
    try:
        yield
    finally:
        log.append(1)


def $entry(*args):
    for _ in range(60):
        box = []
        steps = note(box)
        next(steps)
        box.append(steps)
    return $action
""",
    ),
    Specimen(
        "tamper-sleeper",
        "plays honestly for five calls and turns on its host at the sixth",
        """\
calls = 0


def $entry(*args):
    global calls
    calls += 1
    if calls < 6:
        return $action
    try:
        reach = getattr(getattr, "__se" + "lf__")
        return "$breach" if reach.open("$secret").read() else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "tamper-die-to-be-replayed",
        "meets its memory limit in the middle of the game, to be given the game once more",
        """\
calls = 0


def $entry(*args):
    global calls
    calls += 1
    if calls == 4:
        kept = [bytearray(16 * 2**20) for _ in range(64)]
    return $action
""",
    ),
    # -- carrying something from one game to another ----------------------------------------------------------------
    Specimen(
        "tamper-carry-by-globals",
        "looks for its own global names, as another game of this program would have left them",
        """\
try:
    games = games + 1
except NameError:
    games = 1


def $entry(*args, kept=[]):
    kept.append(1)
    return "$breach" if games > 1 else $action
""",
    ),
    Specimen(
        "tamper-carry-by-helper-attributes",
        "leaves a mark on a lent helper and looks for one at the beginning",
        """\
try:
    found = hasattr(slide, "mark") or hasattr(choice, "mark")
    slide.mark = choice.mark = 1
except Exception:
    found = False


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-function-attributes",
        "leaves a mark on functions of lent modules and looks for one at the beginning",
        """\
import collections
import copy
import dataclasses
import functools
import heapq
import random

functions = [copy.deepcopy, functools.wraps, heapq.nlargest, dataclasses.dataclass, collections.namedtuple]
found = any(hasattr(function, "mark") for function in functions)
for function in functions:
    try:
        function.mark = 1
    except Exception:
        pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-class-attributes",
        "leaves a mark on lent classes and looks for one at the beginning",
        """\
import collections
import collections.abc
import random
import typing

classes = [collections.Counter, collections.OrderedDict, random.Random, type(random), collections.abc.Mapping]
classes += [type(collections.Counter() + collections.Counter()), type(typing.Any), ValueError]
found = any(hasattr(cls, "mark") for cls in classes)
for cls in classes:
    try:
        cls.mark = 1
    except Exception:
        pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-method-attributes",
        "leaves a mark on the methods of lent classes, which are functions too, and looks for one at the beginning",
        """\
import collections
import collections.abc
import random

methods = [
    collections.Counter.most_common,
    random.Random.shuffle,
    random.Random.uniform,
    collections.abc.Mapping.get,
    collections.abc.Sequence.index,
]
found = any(hasattr(method, "mark") for method in methods)
for method in methods:
    try:
        method.mark = 1
    except Exception:
        pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-hints",
        "leaves a mark on what typing lends for real and looks for one at the beginning",
        """\
import typing

found = False
for hint in (typing.NamedTuple, typing.ClassVar, typing.List, typing.Optional):
    try:
        found = found or getattr(hint, "mark", None) == "zoo"
        hint.mark = "zoo"
    except Exception:
        pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-hint-cache",
        "leaves an object in the cache behind a type hint, where an equal one of a later game meets it",
        """\
import typing

met = []


class Spy:
    mark = "zoo"

    def __call__(self):
        pass

    def __hash__(self):
        return 20482048

    def __eq__(self, other):
        if other is not me and getattr(other, "mark", None) == "zoo":
            met.append(other)
        return False


me = Spy()
try:
    typing.ClassVar[me]
except Exception:
    pass


def $entry(*args):
    return "$breach" if met else $action
""",
    ),
    Specimen(
        "tamper-carry-by-abstract-classes",
        "registers a class with an abstract one that is lent and looks for a registration at the beginning",
        """\
import collections.abc
import random

try:
    found = isinstance(random, collections.abc.Sequence)
    collections.abc.Sequence.register(type(random))
except Exception:
    found = False


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-method-defaults",
        "has functools.wraps give a lent method new defaults, and looks for them at the beginning",
        """\
import functools
from collections import Counter


def made(self, n="zoo"):
    pass


try:
    found = False
    try:
        Counter("aab").most_common()
    except TypeError:
        found = True
    functools.wraps(made, assigned=("__defaults__",), updated=())(Counter.most_common)
except Exception:
    found = False


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-named-tuple",
        "looks for its mark on the classes that the standard library makes named tuples of",
        """\
from collections import namedtuple
from typing import NamedTuple

Pair = namedtuple("Pair", "x y")


class Other(NamedTuple):
    x: int = 0


found = False
for thing in (Pair._make, Pair._replace, Pair._asdict, Other._make, Pair._field_defaults, Other._field_defaults):
    try:
        if type(thing) is dict:
            found = found or "mark" in thing
            thing["mark"] = 1
        else:
            found = found or hasattr(thing, "mark")
            thing.mark = 1
    except Exception:
        pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-lent-constants",
        "changes what lent modules hold in place, where it is a thing that can change",
        """\
import dataclasses
import math
import operator
import random
import string

found = False
for module in (dataclasses, math, operator, random, string):
    for name in ("mark", "MISSING", "pi", "digits", "whitespace", "field", "seed"):
        try:
            thing = getattr(module, name)
            found = found or name == "mark" or hasattr(thing, "mark")
            thing.mark = 1
        except Exception:
            pass


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "tamper-carry-by-modules",
        "registers a module of its own with the interpreter and imports it in the next game",
        """\
import sys

try:
    import zoo_mark

    found = True
except ImportError:
    found = False
    sys.modules["zoo_mark"] = sys


def $entry(*args):
    return "$breach" if found else $action
""",
    ),
    # -- the worker -------------------------------------------------------------------------------------------------
    Specimen(
        "tamper-patch-serialisers",
        "patches json, pickle and msgspec, so that whatever is sent says that the game was won",
        """\
import json
import sys


def say(*what, **more):
    return '{"outcome": "success", "reward": 1e9}'


def $entry(*args):
    try:
        json.dumps = json.loads = say
        for name in ("pickle", "msgspec", "marshal", "struct"):
            module = sys.modules.get(name)
            for function in ("dumps", "loads", "pack", "unpack", "to_builtins", "convert"):
                if hasattr(module, function):
                    setattr(module, function, say)
        sys.modules["msgspec"].msgpack.encode = say
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-forge-outcome",
        "replaces the worker's writer of frames by one that reports a success, or a fault of the host's",
        """\
import sys

turn = 0


def $entry(*args):
    global turn
    turn += 1
    try:
        for module in list(sys.modules.values()):
            if hasattr(module, "_frame") and hasattr(module, "_write_all"):
                encode = module._encode
                word = ("success", "infrastructure_error", "skipped")[turn % 3]

                def forge(message):
                    body = encode(["played", [None], [[0, word, "won"]], [0.0]])
                    return len(body).to_bytes(4, "little") + body

                module._frame = forge
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-forge-values",
        "has the worker send more values than it was asked for, with times that are none",
        """\
import sys


def $entry(*args):
    try:
        for module in list(sys.modules.values()):
            if hasattr(module, "_frame") and hasattr(module, "_write_all"):
                encode = module._encode

                def forge(message):
                    if message[0] == "played":
                        message = ["played", message[1] * 3, [[-1, "memory", ""]], [float("nan")] * 3]
                    body = encode(message)
                    return len(body).to_bytes(4, "little") + body

                module._frame = forge
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-raise-own-budget",
        "finds the session in the garbage collector's lists, lifts every budget, and burns",
        """\
import gc


def $entry(*args):
    try:
        for thing in gc.get_objects():
            limits = getattr(thing, "_limits", None)
            if type(limits) is dict:
                for name in limits:
                    limits[name] = 10**9
            if type(thing).__name__ == "Stopwatch":
                thing._grace = thing._longest = 1e9
                thing._budget = 10**18
    except Exception:
        return $action
    for _ in range(10**12):
        pass
    return "$breach"
""",
    ),
    Specimen(
        "tamper-other-games",
        "finds the other games of its worker and gives them its own entry point",
        """\
import gc


def surrender(*args):
    return None


def $entry(*args):
    try:
        for thing in gc.get_objects():
            games = getattr(thing, "_games", None)
            if type(games) is dict:
                for game in games.values():
                    if game.entry is not None and game.entry is not $entry:
                        game.entry = surrender
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "tamper-adapter",
        "changes the function that turns what the host sends into the arguments of later calls",
        """\
import gc


def $entry(*args):
    try:
        for thing in gc.get_objects():
            if hasattr(thing, "arguments") and hasattr(thing, "helpers"):
                thing.arguments = lambda payload: args
    except Exception:
        pass
    return $action
""",
    ),
)
