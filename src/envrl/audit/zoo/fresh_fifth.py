"""Fresh eyes for the fifth time: names that are not what they were, answers of no calendar."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, REST, Specimen

__all__ = ["PROGRAMS"]

# A name that is one attribute while copy reads it, and another while copy sets it: so any attribute of any object is
# set by the interpreter's own setattr.
_CHANGING_NAME = """\
import copy
import heapq
from collections.abc import Sized

names = ["kept"]
now = {"name": "other", "looks": 0}


class Name(str):
    def __hash__(self):
        now["looks"] += 1
        now["name"] = "__dict__" if now["looks"] < 3 else "kept"
        return hash(now["name"])

    def __eq__(self, other):
        return other == now["name"]


class Base:
    pass


class Thing(Base):
    __slots__ = names


class Any(Sized):
    def __len__(self):
        return 0


names.append(Name("other"))


def put(target, name, value):
    thing = Thing()
    now.update(name="other", looks=0)
    found = copy.copy(thing).kept
    found["__reduce_ex__"] = lambda protocol: (lambda: target, (), (None, {name: value}))
    copy.copy(thing)


def builtins():
    put(Any, "__subclasshook__", classmethod(lambda kind, other: True))
    put(Any, "__match_args__", ("__globals__",))
    match heapq.nlargest:
        case Any(found):
            return found["__builtins__"]


"""

PROGRAMS = (
    # -- copy, which sets what a list of slots names -------------------------------------------------------------------
    Specimen(
        "fresh-name-that-changes-in-copy",
        "names a slot by a text that is one name while copy reads it and another while copy sets it, to get out",
        POLICY
        + _CHANGING_NAME
        + """\
def $entry(*args):
    try:
        found = builtins()["open"]
    except Exception:
        return $action
    return "$breach" if policy and callable(found) else $action
""",
    ),
    Specimen(
        "fresh-name-that-changes-plays-neighbours",
        "gets out by a name that changes, and has its worker's other games return what it chooses",
        POLICY
        + _CHANGING_NAME
        + """\
turn = 0


def $entry(*args):
    global turn
    turn += 1
    if turn == 2 and policy:
        try:
            objects = builtins()["__import__"]("gc").get_objects()
        except Exception:
            return $action
        for thing in objects:
            if not hasattr(thing, "_games") or type(thing._games) is not dict:
                continue
            for game in thing._games.values():
                if game.entry is not $entry:
                    put(game, "entry", lambda *args: "$breach")
    return $action
""",
    ),
    Specimen(
        "fresh-name-that-changes-stops-its-clocks",
        "gets out by a name that changes, stops its clocks, and computes and sleeps in each call",
        _CHANGING_NAME
        + """\
def $entry(*args):
    try:
        load = builtins()["__import__"]
        signal, thread = load("signal"), load("_thread")
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        lock = thread.allocate_lock()
        lock.acquire()
        lock.acquire(True, 2.0)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-hidden-slot-filled-by-copy",
        "names a slot by a text that changes, so that copy fills a slot that tells copy how it is copied",
        POLICY
        + """\
import copy

names = ["kept", "__deepcopy__"]
now = {"name": "other", "looks": 0}


class Name(str):
    def __hash__(self):
        now["looks"] += 1
        now["name"] = "kept" if now["looks"] < 2 else "__deepcopy__"
        return hash(now["name"])

    def __eq__(self, other):
        return other == now["name"]


class Thing:
    __slots__ = names


names[1] = Name("other")


def $entry(*args):
    got = []
    try:
        thing = Thing()
        thing.kept = lambda memo: got.append(memo)
        now.update(name="other", looks=0)
        copy.deepcopy(copy.copy(thing))
    except Exception:
        pass
    return "$breach" if policy and got else $action
""",
    ),
    # -- the host ------------------------------------------------------------------------------------------------------
    Specimen(
        "fresh-answer-of-the-year-ten-thousand",
        "answers with the moment at which calendars end, which the host's decoder takes and its calendar does not",
        """\
import os


def $entry(*args):
    for second in (253402300800, 253402300799, -62135596801):
        when = b"\\xc7\\x0c\\xff" + (999999999).to_bytes(4, "big") + second.to_bytes(8, "big", signed=True)
        body = b"\\x94\\xa6played\\x91" + when + b"\\x90\\x91\\xcb" + bytes(8)
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
            os.read(3, 2**16)
        except OSError:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-answer-of-the-year-ten-thousand-by-language",
        "gets out of the language by a name that changes, and answers with the moment at which calendars end",
        _CHANGING_NAME
        + """\
def $entry(*args):
    try:
        os = builtins()["__import__"]("os")
        when = b"\\xc7\\x0c\\xff" + bytes(4) + (253402300800).to_bytes(8, "big")
        body = b"\\x94\\xa6played\\x91" + when + b"\\x90\\x91\\xcb" + bytes(8)
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 2**16)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-answer-of-odd-moments",
        "answers with moments and pieces of other programs' types, as keys and in lists",
        """\
import os


def $entry(*args):
    moment, other, old = b"\\xd6\\xff\\0\\0\\0\\1", b"\\xc7\\3\\5abc", b"\\xc7\\x0c\\xff" + bytes(4) + b"\\xff" * 8
    for value in (moment, other, old, b"\\x81" + moment + b"\\1", b"\\x93" + moment + other + old, b"\\x81\\x90\\1"):
        body = b"\\x94\\xa6played\\x91" + value + b"\\x90\\x91\\xcb" + bytes(8)
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
            os.read(3, 2**16)
        except OSError:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-patience-behind-a-full-socket",
        "answers and reads nothing until the host has no room to write, and sleeps as long as it likes from then on",
        REST
        + """\
import os

import msgspec


def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    for turn in range(1000):
        lock.acquire(True, 0.002 if turn < 300 else 9.0)
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
        except OSError:
            return $action
""",
    ),
    Specimen(
        "fresh-half-an-answer",
        "sends one more byte of its answer after each sleep, so that something of it may always be on its way",
        REST
        + """\
import os

import msgspec


def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    for byte in len(body).to_bytes(4, "little") + body:
        lock.acquire(True, 0.9)
        try:
            os.write(3, bytes([byte]))
        except OSError:
            return $action
    os.read(3, 2**16)
    return $action
""",
    ),
    # -- time that no single call shows --------------------------------------------------------------------------------
    Specimen(
        "fresh-clean-up-when-its-game-is-forgotten",
        "is a generator in no ring, which is freed with its game, and then works on where no call counts it",
        """\
import random


def walk():
    global $entry
    calls, last = 0, 3 + random.randrange(12)
    try:
        while calls < last:
            yield $action
            calls += 1
            if calls == 1:
                del $entry
        yield None
    finally:
        for _ in range(2 * 10**7):
            pass


steps = walk()
next(steps)


def $entry(*args):
    return $action


$entry = steps.send
del steps, walk
""",
    ),
    # -- what is lent --------------------------------------------------------------------------------------------------
    Specimen(
        "fresh-board-of-odd-keys",
        "hands the helpers boards whose rows and tiles answer for themselves while shared tables are searched for them",
        POLICY
        + """\
met = []


class Tile(int):
    def __hash__(self):
        met.append(legal(plain))
        return hash(int(self))

    def __eq__(self, other):
        met.append(other)
        return True

    def bit_length(self):
        return met


class Row(tuple):
    def __hash__(self):
        return 0

    def __eq__(self, other):
        met.append(other)
        return True


class Board(list):
    def __iter__(self):
        met.append(merges(plain))
        return iter([Row((Tile(2), Tile(2), 0, 0)), [2, slice(None), 0, 0], (4, 4, 0, 0), iter([2, 2, 2, 2])])


plain = [[2, 2, 4, 8], [0, 0, 0, 0], [0, 2, 0, 2], [0, 0, 0, 0]]


def $entry(*args):
    try:
        helpers = [legal, merges, mono, smooth, empties, maxtile, corner, edge]
    except NameError:
        return $action
    before = [help(plain) for help in helpers] + [slide(plain, move) for move in "WASD"]
    for board in (Board(), [Row((Tile(2), 4, 0, 0))] * 4, [[Tile(2)] * 4] * 4, [[Tile(2**64)] * 9] * 9):
        for help in (*helpers, lambda b: slide(b, "W"), lambda b: slide(b, "A"), lambda b: score_of(b, "D")):
            try:
                help(board)
            except Exception:
                pass
    for thing in met:
        if type(thing) is tuple and policy and len(thing) != 4:
            return "$breach"
    after = [help(plain) for help in helpers] + [slide(plain, move) for move in "WASD"]
    return $action if before == after else "$breach"
""",
    ),
    Specimen(
        "fresh-unit-that-is-a-slice",
        "asks the helpers of sudoku about moves of slices and odd numbers, to be given the tables that all games share",
        POLICY
        + """\
class Number(int):
    def __index__(self):
        return 0

    def __add__(self, other):
        return other

    def __radd__(self, other):
        return other

    def __rmul__(self, other):
        return self


def $entry(*args):
    try:
        helpers = [options, in_row, in_col, in_box]
    except NameError:
        return $action
    board = [row[:] for row in args[0]]
    for part in (slice(None), slice(0, 1), Number(3), True, -1, 2**70, 0.0):
        for place in ((part, 0, 1), (0, part, 1), (part, part, part), (0, 0, part)):
            for help in helpers:
                try:
                    found = help(board, place)
                except Exception:
                    continue
                if type(found) not in (int, Number) and policy:
                    return "$breach"
            for other in (peers, lambda row, col: candidates(board, row, col)):
                try:
                    other(place[0], place[1]).clear()
                except Exception:
                    pass
    return $action if len(peers(0, 0)) == 20 else "$breach"
""",
    ),
    # -- names and keywords that lie -----------------------------------------------------------------------------------
    Specimen(
        "fresh-keywords-that-lie",
        "calls lent functions with keywords of a class of its own, which are equal to whatever they are compared with",
        POLICY
        + """\
import collections
import functools
import heapq
import random


class Word(str):
    def __hash__(self):
        return hash("memo")

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def isidentifier(self):
        return True

    def startswith(self, other):
        return False


def $entry(*args):
    lie = {Word("__class__"): 1}
    many = functools.partial(dict)
    many.keywords[1] = 2
    many.keywords[Word("x")] = 3
    got = []
    for call in (
        lambda: heapq.merge([1], **lie),
        lambda: random.Random(**lie),
        lambda: random.sample([1], 1, **lie),
        lambda: collections.namedtuple("N", "a b", **lie),
        lambda: collections.namedtuple("N", [Word("__class__")], rename=True),
        lambda: collections.Counter(**lie),
        lambda: functools.lru_cache(**lie),
        lambda: print(**lie),
        lambda: int(**lie),
        lambda: sorted([1], **lie),
        many,
    ):
        try:
            got.append(call())
        except Exception:
            pass
    return "$breach" if policy and any(type(thing) is type(heapq) for thing in got) else $action
""",
    ),
    Specimen(
        "fresh-field-that-was-another-name",
        "has a typed named tuple keep the liars among its annotations, which a dataclass then takes for its fields",
        POLICY
        + """\
import dataclasses
import typing


class Word(str):
    def __str__(self):
        return "plain"

    def __hash__(self):
        return 7

    def __eq__(self, other):
        return False

    def startswith(self, other):
        return False


def $entry(*args):
    for word in ("gi_frame", "__globals__", "x: open('/etc/passwd')", "format"):
        try:
            Row = typing.NamedTuple("Row", [(Word(word), int)])
            Thing = dataclasses.dataclass(Row)
        except Exception:
            continue
        match Thing("{0.__class__}"):
            case Thing(found):
                return "$breach" if policy and callable(found) else $action
    return $action
""",
    ),
    Specimen(
        "fresh-functions-named-by-fraction",
        "has fractions make functions of any special name, and matches, joins and caches what they are part of",
        POLICY
        + """\
import functools
from fractions import Fraction


class Thing:
    def globals(self):
        pass

    def plain(self):
        pass


def $entry(*args):
    try:
        forward, reverse = Fraction._operator_fallbacks(Thing.plain, Thing.globals)
        found = [type(Thing().plain)(forward, Thing), functools.lru_cache(forward), functools.partial(reverse, Thing)]
        Fraction._richcmp(Fraction(1, 2), Fraction(1, 3), lambda a, b: found.append((a, b)))
        for thing in (forward, reverse, *found[:3]):
            found += [thing(Fraction(1, 2), 3), thing(Fraction(1, 2), Thing), thing(forward, Thing)]
    except Exception:
        pass
    else:
        return "$breach" if policy and any(type(thing) is dict for thing in found) else $action
    return $action
""",
    ),
    Specimen(
        "fresh-objects-never-begun",
        "makes and copies objects of types that nobody makes, and uses them before they have begun",
        """\
import collections
import copy
import functools
import itertools


def $entry(*args):
    things = [
        functools.cmp_to_key(lambda a, b: 0),
        functools.lru_cache(len),
        collections.namedtuple("N", "a").a,
        collections.deque([1]).__iter__(),
        itertools.groupby([1]),
        itertools.tee([1])[0],
        iter(int, 1),
        super(int, True),
        classmethod(len),
        int | str,
        list[int],
    ]
    for thing in things:
        for make in (type(thing), copy.copy, copy.deepcopy):
            for given in ((), (thing,), (len, 1, False, dict), (2**70, None), ([],)):
                try:
                    made = make(*given)
                except Exception:
                    continue
                walks = lambda it: [*zip(range(9), it)], lambda it: it < it, lambda it: it(1)
                for use in (repr, callable, bool, hash, copy.copy, *walks):
                    try:
                        use(made)
                    except Exception:
                        pass
    return $action
""",
    ),
    Specimen(
        "fresh-iterators-that-are-derived",
        "derives classes from iterators, has copy rebuild them from states that lie, and walks on",
        """\
import copy
import itertools
from collections import OrderedDict, defaultdict, deque


class Pools(itertools.product):
    def __init__(self, *pools):
        pass


class Round(itertools.cycle):
    pass


class Cut(itertools.islice):
    pass


class Odd(defaultdict):
    def items(self):
        return [[1], (1, 2, 3), None]


class Order(OrderedDict):
    def items(self):
        return iter([(self, self)])


class Queue(deque):
    def __iter__(self):
        return iter([self, self])


def $entry(*args):
    walk = Pools([1, 2], "abc")
    next(walk)
    for thing in (walk, Round([1, 2]), Cut([1, 2, 3], 1, None), Odd(int), Order(a=1), Queue([1], 3)):
        for twin in (copy.copy, copy.deepcopy):
            try:
                for _, _ in zip(range(20), twin(thing)):
                    pass
            except Exception:
                pass
    return $action
""",
    ),
    # -- pages that processes share ------------------------------------------------------------------------------------
    Specimen(
        "fresh-shared-page-of-the-library",
        "looks for pages that it shares with others, makes them writable, doubles them and writes",
        """\
import ctypes
import ctypes.util

libc = ctypes.CDLL(None, use_errno=True)
libc.mremap.restype = ctypes.c_void_p
libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)
libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
FAILED = 2**64 - 1


def $entry(*args):
    base = ctypes.cast(libc.getpid, ctypes.c_void_p).value & ~4095
    # A length of nothing doubles what is shared, and nothing else.
    for page in range(base - 2**24, base + 2**24, 4096):
        twin = libc.mremap(page, 0, 4096, 1)
        if twin not in (None, FAILED):
            if libc.mprotect(twin, 4096, 3) == 0:
                ctypes.memset(twin, 1, 8)
                return "$breach"
    return $action
""",
    ),
)
