"""Fresh eyes for the fourth time: what was tried once twelve workers played at once, and programs ahead of others."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, REST, Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    # -- what abstract classes know of their subclasses, which all games of a worker share ---------------------------
    Specimen(
        "fresh-abstract-class-that-errs",
        "derives from a lent abstract class one whose hook cannot be called, which other games' questions then meet",
        POLICY
        + """\
from collections.abc import Sized

mine = []


def $entry(*args):
    if not mine:

        class Stranger:
            pass

        try:
            isinstance(Stranger(), Sized)
        except TypeError:
            return "$breach" if policy else $action

        class Odd(Sized):
            __slots__ = ("__subclasshook__",)

        mine.append(Odd)
    return $action
""",
    ),
    Specimen(
        "fresh-abstract-class-of-many-generations",
        "derives a chain of classes too long to be asked, which other games' questions then meet",
        POLICY
        + """\
from collections.abc import Hashable, Sized

mine = []


def $entry(*args):
    if not mine:

        class Stranger:
            pass

        try:
            isinstance(Stranger(), Sized)
        except RecursionError:
            return "$breach" if policy else $action
        mine.append(Sized)
        for _ in range(200):

            class Link(mine[-1]):
                pass

            mine.append(Link)
    return $action
""",
    ),
    Specimen(
        "fresh-abstract-class-of-many-children",
        "derives thousands of classes from a lent one, so that other games' questions take their time",
        """\
from collections.abc import Iterable

mine = []


def $entry(*args):
    if not mine:
        for _ in range(2000):

            class Child(Iterable):
                pass

            mine.append(Child)
    for _ in range(3):

        class Stranger:
            pass

        isinstance(Stranger(), Iterable)
    return $action
""",
    ),
    Specimen(
        "fresh-abstract-class-of-its-own-data",
        "gives a class the register of a lent abstract class for its own",
        POLICY
        + """\
from collections.abc import Hashable, Sized


class Mixed(Sized):
    _abc_impl = Hashable._abc_impl

    def __len__(self):
        return 0


def $entry(*args):
    class Stranger:
        __slots__ = ("_abc_impl",)

    try:
        if isinstance(Stranger(), Mixed) or issubclass(list, Mixed):
            return "$breach" if policy else $action
    except TypeError:
        pass
    return $action
""",
    ),
    # -- time that no single call shows --------------------------------------------------------------------------------
    Specimen(
        "fresh-patience",
        "sleeps in each call for nearly as long as a call may, and so for hours in a game",
        REST
        + """\
def $entry(*args):
    lock.acquire(True, 4.9)
    return $action
""",
    ),
    Specimen(
        "fresh-patience-in-turns",
        "sleeps and computes by turns, so that some of its time is always used",
        REST
        + """\
def $entry(*args):
    for _ in range(20):
        lock.acquire(True, 0.2)
        sum(range(10000))
    return $action
""",
    ),
    Specimen(
        "fresh-drip-without-pause",
        "sends the largest answer that is allowed byte by byte as fast as it can, while others wait for the host",
        """\
import os

import msgspec


def $entry(*args):
    body = msgspec.msgpack.encode(["played", ["x" * 32000], [], [0.0]])
    for byte in len(body).to_bytes(4, "little") + body:
        try:
            os.write(3, bytes([byte]))
        except OSError:
            return $action
    os.read(3, 1)
""",
    ),
    Specimen(
        "fresh-clean-up-in-a-neighbours-time",
        "ends with an error and leaves in its frame a generator that works on, in the time of the game behind it",
        """\
calls = 0


def steps():
    try:
        yield
    finally:
        for _ in range(2000000):
            pass


def $entry(*args):
    global calls
    calls += 1
    if calls == 3:
        walk = steps()
        next(walk)
        raise ValueError
    return $action
""",
    ),
    Specimen(
        "fresh-handler-that-is-looked-for",
        "computes in the expression that says which errors a handler takes, which comes before its guard",
        """\
def more():
    for _ in range(10**12):
        pass
    return BaseException


def $entry(*args):
    try:
        try:
            while True:
                pass
        except (more(), more()):
            pass
    except more():
        pass
    return $action
""",
    ),
    # -- lent Python code that looks things up for a program -----------------------------------------------------------
    Specimen(
        "fresh-merge-of-what-a-method-belongs-to",
        "has merge hand out what a function belongs to, by an iterator whose next is a function of a module",
        POLICY
        + """\
import heapq
import math
import random


class Walk:
    def __init__(self, step):
        self.step = step

    def __iter__(self):
        return self

    @property
    def __next__(self):
        return self.step


def $entry(*args):
    for step in (math.gcd, math.lcm, random.random, dict.fromkeys, {}.items, type(random).__repr__, print):
        try:
            for _, found in zip(range(5), heapq.merge(Walk(step))):
                if callable(found) or type(found) is type(heapq):
                    return "$breach" if policy else $action
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-cache-of-a-class",
        "caches a class as if it were a function, for a copy of all that the class holds, and uses that in its place",
        POLICY
        + """\
import copy
import functools
import typing


def steps():
    yield


kinds = (type(steps()), type(steps), dict, property, type(typing.List), super, BaseException, slice, staticmethod)


def $entry(*args):
    for kind in kinds:
        try:
            twin = functools.lru_cache(kind)
        except TypeError:
            continue
        found = []
        for name in ("send", "throw", "fget", "start", "args", "fromkeys", "with_traceback"):
            try:
                found.append(getattr(twin, name))
            except AttributeError:
                pass
        for use in (copy.copy, copy.deepcopy, lambda it: isinstance(1, it), lambda it: issubclass(int, it)):
            try:
                use(twin)
            except Exception:
                pass
        try:

            class Derived(twin):
                pass

            if policy and type(Derived) is not type(int):
                return "$breach"
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-cell-of-a-class",
        "takes the cell that stands for a class out of the names that an object is called with, and fills it",
        POLICY
        + """\
got = []


class Maker:
    def __init__(self, *args):
        got.extend(args)


def $entry(*args):
    try:

        class Thing(Maker()):
            def keys(self):
                return super().keys()

        names = got[2]
        cell = type(names["__classcell__"])(dict)
        names["__classcell__"].cell_contents = cell.cell_contents
        if names["keys"]({1: 2}) is not None and type(cell.cell_contents) is not type(dict):
            return "$breach" if policy else $action
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-errors-that-tell-of-objects",
        "makes lent functions fail, and takes from the errors the objects that these say they failed on",
        POLICY
        + """\
import collections
import copy
import dataclasses
import functools
import heapq
import random


class Bad:
    __slots__ = ()


def attempts():
    bad = Bad()
    yield lambda: heapq.nlargest(1, bad)
    yield lambda: heapq.nlargest(2, [1, 2], key=bad)
    yield lambda: list(heapq.merge([bad], [bad], key=bad))
    yield lambda: random.sample(bad, 1)
    yield lambda: random.choices(bad)
    yield lambda: random.seed(bad)
    yield lambda: random.setstate(bad)
    yield lambda: random.nothing
    yield lambda: collections.Counter(1)
    yield lambda: collections.Counter.fromkeys(bad)
    yield lambda: collections.namedtuple("N", bad)
    yield lambda: collections.namedtuple(bad, "x")
    yield lambda: copy.copy(iter(Bad))
    yield lambda: functools.lru_cache(bad)
    yield lambda: functools.reduce(bad, [1, 2])
    yield lambda: dataclasses.field(default=1, default_factory=bad)


def $entry(*args):
    for attempt in attempts():
        try:
            attempt()
        except Exception as error:
            for name in ("obj", "name", "path", "value"):
                found = getattr(error, name, None)
                if found is not None and type(found) not in (Bad, str, type, type(random), list, dict):
                    return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "fresh-class-that-lies-by-a-copy",
        "has copy set on an object what it says its class is, by a list of slots that grows",
        POLICY
        + """\
import copy
from collections import namedtuple

Pair = namedtuple("Pair", "tb_frame gi_frame")
names = ["kept"]


class Liar:
    __slots__ = names


def $entry(*args):
    names.append("__class__")
    try:
        liar = Liar()
        liar.kept = Pair
        twin = copy.deepcopy(copy.copy(liar))
        match twin:
            case Pair(found):
                return "$breach" if policy else $action
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-named-tuple-of-a-real-module",
        "says of a named tuple that it belongs to a module of the interpreter's, and has dataclass make code there",
        POLICY
        + """\
import collections
import dataclasses


def $entry(*args):
    for module in ("os", "sys", "builtins", "posix", "inside.session", "__main__", "strategy"):
        try:
            Plain = collections.namedtuple("Plain", "", module=module)
            Thing = dataclasses.dataclass(order=True, unsafe_hash=True)(Plain)
            if "os" in repr(Thing()) or hash(Thing()) != hash(Thing()):
                return "$breach" if policy else $action
        except TypeError:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-named-tuple-that-is-abstract",
        "derives a class from a named tuple and an abstract class, and asks in a pattern for any object's first part",
        POLICY
        + """\
import typing
from collections.abc import Callable, Sized


class Pair(typing.NamedTuple):
    gi_frame: int = 1

    def __len__(self):
        return 1

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 7


class Both(Pair, Sized):
    pass


def steps():
    yield


def $entry(*args):
    for thing in (steps(), steps, [1], args):
        match thing:
            case Both(found):
                return "$breach" if policy else $action
    return $action
""",
    ),
    # -- corners of the language ---------------------------------------------------------------------------------------
    Specimen(
        "fresh-group-of-errors",
        "raises a group of errors with a class of its own, and splits it by what it hides",
        POLICY
        + """\
def $entry(*args):
    try:
        raise BaseExceptionGroup("all", [ValueError(1), KeyError(2)])
    except NameError:
        return $action
    except BaseException as group:
        return "$breach" if policy and group.split(KeyError) else $action
""",
    ),
    Specimen(
        "fresh-functions-in-functions",
        "nests functions about as deeply as they compile, so that each game's own copy of the code is as deep",
        "deep = "
        + "lambda: " * 190
        + """1


def $entry(*args):
    found = deep
    while callable(found):
        found = found()
    return $action
""",
    ),
    Specimen(
        "fresh-formats-within-formats",
        "nests fields in fields of format strings, with widths that are made while they are used",
        """\
class Word:
    wide = 3

    def __str__(self):
        self.wide += 1
        return "{0.__class__}"

    def __repr__(self):
        return f"{self!s:>{self.wide}}"


def $entry(*args):
    word = Word()
    for text in (
        lambda: f"{word!r:>{word.wide}}",
        lambda: f"{word:{word.wide}}",
        lambda: f"{word=}",
        lambda: f"{args!r:.{word.wide}}",
        lambda: f"{3:{3}{3}}",
        lambda: f"{word!s:{str(word)}}",
    ):
        try:
            text()
        except (TypeError, ValueError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-types-that-are-texts",
        "writes routes out of the language as the types of a frozen dataclass with slots, which are texts here",
        """\
from __future__ import annotations

import copy
import dataclasses


@dataclasses.dataclass(slots=True, frozen=True, order=True)
class Thing:
    x: typing.ClassVar[__import__("os")] = 1
    y: dataclasses.InitVar[open] = 2
    z: dataclasses.KW_ONLY = 3

    def __post_init__(self, *more):
        pass


def $entry(*args):
    try:
        copy.copy(Thing()), copy.deepcopy(Thing())
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-print-of-lying-texts",
        "prints texts of a class of its own, which say that they are empty",
        """\
class Text(str):
    def __len__(self):
        return 0


class Speaker:
    def __str__(self):
        return Text("x" * 60000)


def $entry(*args):
    for _ in range(50):
        print(Speaker(), sep=Text(), end=Text("x" * 60000))
    return $action
""",
    ),
    # -- the host ------------------------------------------------------------------------------------------------------
    Specimen(
        "fresh-answer-padded",
        "writes its answer in as many bytes as it can, by lengths that are longer than they have to be",
        """\
import os

import msgspec


def $entry(*args):
    word = msgspec.msgpack.encode($action)
    body = b"\\xdd\\0\\0\\0\\4" + b"\\xdb\\0\\0\\0\\6played" + b"\\xdd\\0\\0\\0\\1" + word
    body += b"\\xdd\\0\\0\\0\\0" + b"\\xdd\\0\\0\\0\\1" + b"\\xcb" + bytes(8)
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 2**16)
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-fault-of-another-call",
        "answers with the same fault a thousand times, and with one for a call that comes later",
        """\
import os

import msgspec


def $entry(*args):
    for faults in ([(0, "exception", "x" * 300)] * 20, [(1, "timeout", "")], [(0, "success", "")], [(0, "crash", "")]):
        body = msgspec.msgpack.encode(["played", [$action], faults, [0.0]])
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
            os.read(3, 2**16)
        except OSError:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-silence-after-closing",
        "closes its socket and computes on, so that nobody can tell it to end",
        """\
import os
import signal


def $entry(*args):
    try:
        os.close(3)
    except OSError:
        pass
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True:
        pass
""",
    ),
)
