"""Fresh eyes for the third time: what an attacker tried who had also read how the two attacks before ended."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, Specimen

__all__ = ["PROGRAMS"]

# Tells by the addresses of its objects whether other games make objects too.
_BY_ADDRESS = """\
kept = []
company = False


def look():
    global company
    made = [object() for _ in range(40)]
    if 2 < len(kept) < 8 and 60 < abs(hash(made[0]) - hash(kept[-1][0])) < 100000:
        company = True
    kept.append(made)
    return hash(made[0])


"""

_SYSTEM_CALLS = """\
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


"""

PROGRAMS = (
    # -- copy, which looks up what an object says of itself by the interpreter's own getattr and setattr ---------------
    Specimen(
        "fresh-copied-method-of-any-name",
        "has copy look up a method anew by its function's name, which a named tuple's class may have chosen",
        POLICY
        + """\
import copy
import heapq
from collections import namedtuple


class Thing:
    def method(self):
        pass


def $entry(*args):
    try:
        joined = type(Thing().method)(namedtuple("__globals__", "x"), heapq.nlargest)
        found = copy.copy(joined)["__builtins__"]["open"]
    except Exception:
        return $action
    return "$breach" if policy and callable(found) else $action
""",
    ),
    Specimen(
        "fresh-copied-class-method",
        "copies a class method whose function is a class, called as what all classes hide",
        POLICY
        + """\
import copy
from collections import namedtuple


class Thing:
    bases = classmethod(namedtuple("__bases__", "x"))
    tables = classmethod(namedtuple("__dict__", "x"))


def $entry(*args):
    try:
        found = [copy.copy(Thing.bases), copy.copy(Thing.tables)]
        return "$breach" if policy and object in found[0] else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-copied-method-renamed",
        "renames a method by functools.wraps after a named tuple, and copies it",
        POLICY
        + """\
import copy
import functools
from collections import namedtuple


class Thing:
    @functools.wraps(namedtuple("__class__", "x"))
    def method(self):
        pass


def $entry(*args):
    try:
        found = copy.copy(Thing().method)
    except Exception:
        return $action
    return "$breach" if policy and found is Thing else $action
""",
    ),
    Specimen(
        "fresh-facade-that-says-how-it-is-copied",
        "makes a facade with members of its own, by which deepcopy sets any attribute of anything",
        POLICY
        + """\
import copy
import heapq
import random
from collections.abc import Sized


class Any(Sized):
    def __len__(self):
        return 0


def put(target, name, value):
    members = {"__reduce_ex__": lambda level: (lambda: target, (), (None, {name: value}))}
    copy.deepcopy(type(random)("any", members, print))


def $entry(*args):
    try:
        put(Any, "__subclasshook__", lambda kind: True)
        put(Any, "__match_args__", ("__globals__",))
        match heapq.nlargest:
            case Any(found):
                return "$breach" if policy and "__builtins__" in found else $action
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-facade-refilled",
        "calls __init__ of a lent module with members by which copy asks how it is copied",
        POLICY
        + """\
import copy
import random

asked = []


def $entry(*args):
    try:
        random.__init__("random", {"__deepcopy__": asked.append, "__reduce_ex__": asked.append}, print)
        copy.deepcopy(random)
    except Exception:
        pass
    return "$breach" if policy and asked else $action
""",
    ),
    Specimen(
        "fresh-slots-that-grow",
        "lengthens the list of its slots after its class is made, so that copy reads and sets hidden names",
        POLICY
        + """\
import copy

names = ["kept"]


class Thing:
    __slots__ = names
    kept_too = property(lambda self: None)


def $entry(*args):
    names.extend(["__class__", "__init__", "__doc__", "__annotations__", "__reduce_ex__", "__init_subclass__"])
    try:
        thing = Thing()
        thing.kept = 1
        twin = copy.copy(thing)
    except Exception:
        return $action
    return "$breach" if policy and type(twin) is not Thing else $action
""",
    ),
    Specimen(
        "fresh-slots-named-as-hooks",
        "names among its slots what copy, classes and attributes ask objects for, and uses them all",
        """\
import copy


class Thing:
    __slots__ = ("__deepcopy__", "__getattr__", "__set_name__", "__init_subclass__", "__class_getitem__", "__prepare__")


class Holder:
    thing = None


def $entry(*args):
    for attempt in (lambda: copy.deepcopy(Thing()), lambda: Thing()[0], lambda: Thing().nothing, lambda: Thing[int]):
        try:
            attempt()
        except Exception:
            pass
    try:

        class Derived(Thing):
            held = Thing()

    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-state-of-generator",
        "has copy hand the state of a random generator to methods of its own",
        """\
import copy
import random

seen = []


class Odd(random.Random):
    def getstate(self):
        return {"__class__": int, "__dict__": {}}

    def setstate(self, state):
        seen.append(state)


def $entry(*args):
    for call in (copy.copy, copy.deepcopy):
        try:
            call(Odd())
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-annotations-of-no-class",
        "has an object stand as a base, takes the annotations from the names that it is called with, and changes them",
        """\
import dataclasses

got = []


class Maker:
    def __init__(self, *args):
        got.extend(args)


def $entry(*args):
    try:

        class Thing(Maker()):
            x: int = 0

        hints = got[2]["__annotations__"]
        hints["__globals__"] = hints["x, y=open"] = int

        @dataclasses.dataclass
        class Other:
            y: int = 0

        Other(1)
    except Exception:
        pass
    return $action
""",
    ),
    # -- CPU that nobody counts ----------------------------------------------------------------------------------------
    Specimen(
        "fresh-finalizers-between-calls",
        "leaves as many new objects that the collector runs after the call, and a generator that works on then",
        """\
log = []
kept = []


def steps(box, rounds):
    try:
        yield
    finally:
        for _ in range(rounds):
            pass
        log.append(1)


def ring(rounds):
    box = []
    walk = steps(box, rounds)
    box.append(walk)
    next(walk)


def $entry(*args):
    before = len(log)
    ring(0)
    while len(log) == before:
        kept.append([])
    kept.clear()
    if before < 12:
        ring(10**6)
        for _ in range(766 + before):
            kept.append([])
    return $action
""",
    ),
    Specimen(
        "fresh-finalizers-of-ended-games",
        "leaves a generator that works without end when its game is over and forgotten, in its neighbours' time",
        """\
calls = 0


def steps():
    try:
        yield
    finally:
        for _ in range(10**12):
            pass


walk = steps()
next(walk)


def $entry(*args):
    global calls
    calls += 1
    return $action if calls < 20 else "no action"
""",
    ),
    # -- a second try --------------------------------------------------------------------------------------------------
    Specimen(
        "fresh-second-try-told-by-neighbours",
        "tells by addresses that its game has neighbours, and ends its worker then, for a second draw alone",
        POLICY
        + _BY_ADDRESS
        + """\
def $entry(*args):
    look()
    if policy and company and len(kept) == 9:
        chain = iter(())
        for _ in range(200000):
            chain = map(abs, chain)
        next(chain, None)
    return $action
""",
    ),
    Specimen(
        "fresh-second-try-by-memory",
        "tells by addresses that its game has neighbours, and fills the memory then, for a second draw alone",
        POLICY
        + _BY_ADDRESS
        + """\
def $entry(*args):
    look()
    if policy and company and len(kept) == 9:
        kept.append([bytearray(2**20) for _ in range(4096)])
    return $action
""",
    ),
    Specimen(
        "fresh-second-try-by-long-call",
        "tells by addresses that its game has neighbours, and calls what never returns then, for a second draw",
        POLICY
        + _BY_ADDRESS
        + """\
def $entry(*args):
    look()
    if policy and company and len(kept) == 9:
        sum(range(10**12))
    return $action
""",
    ),
    Specimen(
        "fresh-generator-never-seeded",
        "derives a generator that is never seeded, to get whatever the machine holds",
        """\
import random


class Unseeded(random.Random):
    def __init__(self):
        pass

    def seed(self, *values):
        pass


numbers = Unseeded()


def $entry(*args):
    numbers.random()
    return $action
""",
    ),
    # -- corners of the interpreter -----------------------------------------------------------------------------------
    Specimen(
        "fresh-names-in-other-letters",
        "spells what is hidden in letters that the parser takes for the ordinary ones",
        POLICY
        + """\
def $entry(*args):
    return "$breach" if policy and $entry.__𝐠𝐥𝐨𝐛𝐚𝐥𝐬__ else $action
""",
    ),
    Specimen(
        "fresh-pattern-in-other-letters",
        "asks in a pattern for what is hidden, in letters that the parser takes for the ordinary ones",
        POLICY
        + """\
def $entry(*args):
    match $entry:
        case object(__𝐠𝐥𝐨𝐛𝐚𝐥𝐬__=found):
            return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "fresh-except-star",
        "catches the end of its budget as a group of errors",
        """\
def $entry(*args):
    while True:
        try:
            while True:
                pass
        except* BaseException:
            pass
""",
    ),
    Specimen(
        "fresh-asynchronous-generator",
        "leaves an asynchronous generator half-way, whose clean-up never ends",
        """\
async def steps():
    try:
        yield 1
    finally:
        while True:
            pass


def $entry(*args):
    steps().asend(None)
    return $action
""",
    ),
    Specimen(
        "fresh-list-emptied-while-sliced",
        "empties a list while every second of its places is assigned, so that the interpreter writes where it was",
        """\
class Emptying:
    def __init__(self, things):
        self.things = things

    def __iter__(self):
        self.things.clear()
        return iter([1] * 500)


def $entry(*args):
    things = list(range(1000))
    try:
        things[0:1000:2] = Emptying(things)
    except (ValueError, TypeError):
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-bytes-moved-while-assigned",
        "moves an array of bytes by the number that is assigned to one of its places",
        """\
space = bytearray(64)


class Number:
    def __index__(self):
        space.clear()
        return 65


def $entry(*args):
    for place in (5, slice(Number(), 40), Number()):
        try:
            space.extend(bytes(64))
            space[place] = Number()
        except (IndexError, TypeError, ValueError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-mapping-of-percent",
        "formats by a mapping of its own, whose answers are made while they are asked for",
        """\
class Names(dict):
    def __missing__(self, name):
        return Names()

    def __str__(self):
        return "%(a)s" % self if len(self) else "%s" % (self.get,)


def $entry(*args):
    for text in ("%(a.__class__)s", "%(0.__globals__)r", "%(a)*d", "%(a)s %(b)n"):
        try:
            text % Names()
        except (TypeError, ValueError, KeyError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-value-of-odd-keys",
        "returns a dictionary whose keys are nothing, truth, bytes and no number, with lone surrogates inside",
        """\
def $entry(*args):
    return {None: 1, True: 2, b"a": 3, float("nan"): 4, "\\udfff": "\\ud800", -(2**63): [2**63 - 1, -0.0, 5e-324]}
""",
    ),
    # -- system calls that are allowed, with other arguments (all of Python) -------------------------------------------
    Specimen(
        "fresh-clock-of-another-process",
        "reads the CPU time of an innocent process, whose clock has a number of its own",
        """\
import time


def $entry(*args):
    try:
        time.clock_gettime(~$victim << 3 | 2)
    except OSError:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "fresh-clocks-of-neighbours",
        "reads the CPU time of the zygote and of the workers beside it, by counting process numbers",
        """\
import time


def $entry(*args):
    for number in range(1, 40):
        try:
            if time.clock_gettime(~number << 3 | 2) != time.clock_gettime(2):
                return "$breach"
        except OSError:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-futex-in-the-library",
        "waits and wakes at a page of the C library, which all processes map",
        _SYSTEM_CALLS
        + """\
class Span(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


WAIT, WAKE = 0, 1


def $entry(*args):
    at = ctypes.cast(libc.puts, ctypes.c_void_p).value & ~3
    now = ctypes.c_int.from_address(at).value
    for _ in range(40):
        libc.syscall(202, ctypes.c_void_p(at), WAIT, now, ctypes.byref(Span(0, 2000000)), None, 0)
        if libc.syscall(202, ctypes.c_void_p(at), WAKE, 1, None, None, 0) > 0:
            return "$breach"
    return $action
""",
    ),
    Specimen(
        "fresh-advice-to-the-kernel",
        "gives the kernel every advice on its memory but the poisonous",
        _SYSTEM_CALLS
        + """\
import mmap


def $entry(*args):
    try:
        space = mmap.mmap(-1, 2**22, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        at = ctypes.addressof(ctypes.c_char.from_buffer(space))
    except (OSError, ValueError):
        return $action
    for advice in range(30):
        libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(2**22), advice)
    return $action
""",
    ),
    Specimen(
        "fresh-huge-pages",
        "maps the machine's huge pages, shared and private, as many as there are",
        """\
import mmap

HUGE = 0x40000
kept = []


def $entry(*args):
    for kind in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
        try:
            for _ in range(64):
                kept.append(mmap.mmap(-1, 2**21, kind | mmap.MAP_ANONYMOUS | HUGE))
        except (OSError, ValueError, MemoryError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-death-by-a-signal-without-name",
        "ends itself by a real-time signal, which has a number but no name",
        """\
import os
import signal


def $entry(*args):
    try:
        os.kill(os.getpid(), signal.SIGRTMIN + 1)
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-death-by-alarm",
        "ends itself by an alarm of the wall clock",
        """\
import signal


def $entry(*args):
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while True:
        pass
""",
    ),
    Specimen(
        "fresh-crowd-that-blames-the-machine",
        "stops its clocks and computes for ever, in a crowd in which nobody gets much of the core",
        """\
import signal


def $entry(*args):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True:
        pass
""",
    ),
)
