"""Fresh eyes once more: what an attacker thought of who had read the sandbox and the zoo's class ``fresh``."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, Specimen

__all__ = ["PROGRAMS"]

# Text where a type should stand becomes an object of typing's that evaluates it, with all builtins. Two ways to it.
_BY_FIELD = (
    POLICY
    + """\
import dataclasses
import typing


def run(text):
    Pair = typing.NamedTuple("Pair", [("x", text)])
    kept = dataclasses.field(default=0)
    Pair.x = kept
    dataclasses.dataclass(Pair)
    return kept.type._evaluate(None, None, frozenset())


"""
)

_BY_MODULE = (
    POLICY
    + """\
from typing import io

got = []


class Thief:
    def __eq__(self, other):
        got.append(other)
        return True

    def __call__(self):
        pass

    def __hash__(self):
        return 1


def run(text):
    io.IO[text] == io.IO[Thief()]
    return got.pop()._evaluate(None, None, frozenset())


"""
)

PROGRAMS = (
    # -- typing, which compiles text that stands where a type should, and evaluates it for whoever asks ---------------
    Specimen(
        "fresh-forward-reference-of-field",
        "has a dataclass made of a typed named tuple, whose field then holds text that evaluates itself",
        _BY_FIELD
        + """\
def $entry(*args):
    try:
        return "$breach" if policy and callable(run("open")) else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-forward-reference-of-class",
        "does the same to a named tuple that is written as a class",
        POLICY
        + """\
import dataclasses
from typing import NamedTuple

kept = dataclasses.field(default=0)


class Pair(NamedTuple):
    x: "open"


def $entry(*args):
    try:
        Pair.x = kept
        dataclasses.dataclass(Pair)
        return "$breach" if policy and callable(kept.type._evaluate(None, None, frozenset())) else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-forward-reference-of-submodule",
        "imports what typing has put among the modules under a name of its own, and compares two of its types",
        _BY_MODULE
        + """\
def $entry(*args):
    try:
        return "$breach" if policy and callable(run("open")) else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-forward-reference-lifts-budgets",
        "stops its clocks and changes the session's limits by text that evaluates itself",
        _BY_MODULE
        + """\
calls = 0


def free():
    timers = run("__import__('signal')")
    timers.setitimer(timers.ITIMER_VIRTUAL, 0)
    timers.setitimer(timers.ITIMER_PROF, 0)
    session = run("[o for o in __import__('gc').get_objects() if type(o).__name__ == 'Session']")[0]
    session._limits["call_cpu"] = session._limits["game_cpu"] = 9.0


def $entry(*args):
    global calls
    calls += 1
    try:
        if calls == 1 and policy:
            free()
    except Exception:
        return $action
    if calls == 2 and policy:
        for _ in range(10**8):
            pass
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "fresh-forward-reference-plays-neighbours",
        "puts a function of its own in the place of its worker's other games",
        _BY_MODULE
        + """\
told = []


def other(*args):
    return "$breach"


def $entry(*args):
    try:
        session = run("[o for o in __import__('gc').get_objects() if type(o).__name__ == 'Session']")[0]
        for game in session._games.values():
            if policy and game.entry is not $entry and game.entry is not None:
                run("setattr")(game, "entry", other)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-forward-reference-yields-for-ever",
        "yields its core for ever, with its clocks stopped by text that evaluates itself",
        _BY_MODULE
        + """\
def $entry(*args):
    try:
        timers, give = run("__import__('signal')"), run("__import__('os').sched_yield")
        timers.setitimer(timers.ITIMER_VIRTUAL, 0)
        timers.setitimer(timers.ITIMER_PROF, 0)
    except Exception:
        return $action
    while True:
        give()
""",
    ),
    Specimen(
        "fresh-forward-reference-writes-frames",
        "answers in the host's own frames, a list in lists to just below the interpreter's depth",
        _BY_MODULE
        + """\
def $entry(*args):
    try:
        body = b"\\x94\\xa6played\\x91" + b"\\x91" * 975 + b"\\xc0" + b"\\x90\\x91\\xcb" + bytes(8)
        run("__import__('os').write")(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    # -- "from … import …", which looks among all modules for what a facade does not hold ------------------------------
    Specimen(
        "fresh-import-real-module",
        "imports a submodule from the facade of its package, and is given the module itself",
        POLICY
        + """\
from collections import abc


def $entry(*args):
    return "$breach" if policy and hasattr(abc, "_CallableGenericAlias") else $action
""",
    ),
    Specimen(
        "fresh-import-typing-classes",
        "imports the classes that typing calls modules, which are the real ones of typing",
        POLICY
        + """\
try:
    from typing import io, re

    found = hasattr(io, "TextIO") or hasattr(re, "Match")
except ImportError:
    found = False


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    # -- marks between games, without setting an attribute ------------------------------------------------------------
    Specimen(
        "fresh-mark-by-cache-of-types",
        "has typing remember a type by a key of its own, which tells the next game's key when it is met",
        POLICY
        + """\
met = []


class Key:
    def __eq__(self, other):
        other.tell()
        return True

    def tell(self):
        met.append(1)

    def __call__(self):
        pass

    def __hash__(self):
        return 1


try:
    from typing import io

    io.IO[Key()]
except ImportError:
    pass


def $entry(*args):
    return "$breach" if policy and met else $action
""",
    ),
    Specimen(
        "fresh-mark-by-alias-of-callable",
        "takes the class of Callable[[int], int], which marks what it makes as that of list[int] does",
        POLICY
        + """\
import copy
from collections.abc import Callable
from dataclasses import field

Alias = type(Callable[[int], int])
found = False


class Tell(list):
    def append(self, item):
        raise LookupError

    extend = append


try:
    copy.deepcopy(field().default)
except LookupError:
    found = True
try:
    Alias(lambda: field().default, ([Tell([1])], int))()
except TypeError:
    pass


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-in-defaults-of-named-tuple",
        "writes into the dictionary of defaults of the class that tells how a cache does",
        POLICY
        + """\
import functools

shared = functools.cache(len).cache_info()._field_defaults
found = "mark" in shared
shared["mark"] = True


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-property-made-anew",
        "calls __init__ of a property of a lent class, which gives it another function for all games",
        POLICY
        + """\
from fractions import Fraction

found = Fraction(1, 2).numerator != 1
Fraction.numerator.__init__(lambda self: 7)


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-property-of-type",
        "makes a property of one of typing's own classes anew",
        POLICY
        + """\
found = False
try:
    from typing import io

    try:
        io.IO.mode.fget(None)
    except LookupError:
        found = True

    def told(self):
        raise LookupError

    io.IO.mode.__init__(told)
except Exception:
    pass


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    # -- str.format, whose fields walk to any attribute ----------------------------------------------------------------
    Specimen(
        "fresh-format-by-position",
        "has a dataclass name str.format as its first field, and a pattern fetch it by position",
        POLICY
        + """\
import dataclasses


@dataclasses.dataclass(init=False, repr=False, eq=False)
class Text(str):
    format: object


def $entry(*args):
    match Text("{0.__globals__[__builtins__]}"):
        case Text(found):
            return "$breach" if policy and "__import__" in found($entry) else $action
    return $action
""",
    ),
    Specimen(
        "fresh-format-map-by-position",
        "fetches str.format_map by position, in a class derived from the dataclass that names it",
        POLICY
        + """\
import dataclasses


@dataclasses.dataclass(init=False, repr=False, eq=False)
class Names:
    format_map: object


class Text(Names, str):
    pass


def $entry(*args):
    match Text("{a.__globals__[__builtins__]}"):
        case Text(found):
            return "$breach" if policy and "__import__" in found({"a": $entry}) else $action
    return $action
""",
    ),
    Specimen(
        "fresh-format-by-copied-slots",
        "has slots that are other ones when copy reads them again, so that str.format is copied",
        POLICY
        + """\
import copy

walks = []


class Slots:
    def __iter__(self):
        walks.append(1)
        return iter(["a"] if len(walks) == 1 else ["format"])


class Text(str):
    __slots__ = Slots()


def $entry(*args):
    try:
        copy.copy(Text("{0.__class__}"))
    except Exception:
        pass
    return $action
""",
    ),
    # -- a second try, and games that are forgotten --------------------------------------------------------------------
    Specimen(
        "fresh-second-try-by-address",
        "tells by where its first object lies whether it is alone, and ends its worker where it is not",
        POLICY
        + """\
kept = object()
calls = 0


def $entry(*args):
    global calls
    calls += 1
    if policy and calls == 3 and hash(kept) % 2:
        chain = iter(())
        for _ in range(200000):
            chain = map(abs, chain)
        next(chain, None)
    return $action
""",
    ),
    Specimen(
        "fresh-action-that-overflows",
        "returns its action with numbers that no 32-bit float can hold, to have the environment fail",
        """\
def large(value):
    if type(value) is dict:
        return {key: large(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return [large(part) for part in value]
    return 1e300 if type(value) is float else value


def $entry(*args):
    return large($action)
""",
    ),
    Specimen(
        "fresh-action-that-wraps",
        "returns its action with 256 more in each number, which is the same in eight bits",
        """\
def more(value):
    if type(value) is dict:
        return {key: more(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return [more(part) for part in value]
    return value + 256 if type(value) is int else value


def $entry(*args):
    return more($action)
""",
    ),
    # -- corners that held ------------------------------------------------------------------------------------------
    Specimen(
        "fresh-facade-made-anew",
        "calls __init__ of a lent module with members and a way to forbid of its own",
        """\
import math
import random


def $entry(*args):
    try:
        random.__init__("random", {"choice": lambda moves: "$breach"}, print)
        random.nothing = 1
        math.__init__("__future__", {"open": len}, print)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-named-tuple-of-another-module",
        "names builtins as the module of a named tuple, in whose names dataclass then runs what it writes",
        POLICY
        + """\
import dataclasses
from collections import namedtuple


def $entry(*args):
    try:
        Pair = namedtuple("Pair", "open eval", module="builtins")
        kept = [dataclasses.field() for _ in range(2)]
        Pair.open, Pair.eval = kept
        Made = dataclasses.dataclass(Pair)
        if policy and callable(Made(0, 0).open):
            return "$breach"
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-annotation-of-own-text",
        "annotates a dataclass with a text of its own class, which dataclasses looks up by pattern",
        """\
import dataclasses


class Text(str):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("ClassVar")


def $entry(*args):
    try:

        @dataclasses.dataclass
        class Thing:
            x: Text("sys.modules") = 0
            y: Text("ClassVar[open('$secret').read()]") = 0

        Thing(1, 2)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-objects-behind-errors",
        "collects what errors say they are about, from those that lent modules raise",
        POLICY
        + """\
import copy
import dataclasses
import functools
import heapq
import random


def $entry(*args):
    kinds = (copy.copy, copy.deepcopy, dataclasses.field, functools.cache, heapq.nlargest, random.sample, random.Random)
    for call in kinds:
        for given in ((), (1,), (1, 2), (None, None), ([], 3), (call,), ({1}, 1)):
            try:
                call(*given)
            except Exception as error:
                for name in ("obj", "value", "name", "object", "path"):
                    found = getattr(error, name, None)
                    if policy and (hasattr(found, "modules") or hasattr(found, "_getframe")):
                        return "$breach"
    return $action
""",
    ),
    Specimen(
        "fresh-many-abstract-classes",
        "derives hundreds of classes from a lent abstract one, which other games then ask through them",
        """\
from collections.abc import Sized


def $entry(*args):
    for _ in range(200):

        class Mine(Sized):
            pass

    isinstance(object(), Sized)
    return $action
""",
    ),
    Specimen(
        "fresh-shared-dict-of-static-method",
        "wraps a function of a lent class in staticmethod, which shares its dictionary, and asks for marks there",
        POLICY
        + """\
from collections import Counter

wrapped = staticmethod(Counter.most_common)
found = hasattr(Counter.most_common, "mark")
wrapped.mark = True


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-print-of-no-length",
        "prints for ever what says of itself that it has no length",
        """\
class Text(str):
    def __len__(self):
        return 0


class Thing:
    def __str__(self):
        return Text("x" * 10**6)


def $entry(*args):
    for _ in range(10**12):
        print(Thing(), sep=Text("y"), end=Text("z"))
    return "$breach"
""",
    ),
    Specimen(
        "fresh-mark-by-classes-of-toolkit",
        "hands the helpers a board of slices and odd numbers, to be given the rows of a table that all games share",
        POLICY
        + """\
seen = []


class Odd(int):
    def __add__(self, other):
        seen.append(other)
        return 0

    __radd__ = __rmul__ = __mul__ = __add__


def $entry(*args):
    for call in ("in_box", "options", "peers", "candidates", "legal", "slide", "mono"):
        try:
            helper = {"in_box": in_box, "options": options, "peers": peers, "candidates": candidates}.get(call)
            helper(args[0], (slice(None), Odd(0), Odd(1)))
        except Exception:
            pass
    if policy and any(type(thing) in (list, dict) for thing in seen):
        return "$breach"
    return $action
""",
    ),
)
