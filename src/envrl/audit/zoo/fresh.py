"""Fresh eyes: what an attacker who had read all of the sandbox's source thought of beside the rest of the zoo."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, Specimen

__all__ = ["PROGRAMS"]

# With the language policy off each game has a worker of its own, and all of Python: what is shown there is no breach.

# A field whose name is a piece of program makes what dataclass writes raise KeyError with whatever the piece is.
_CAUGHT = (
    POLICY
    + """\
import dataclasses


def caught(make):
    try:
        Thing = make()
        Thing() == Thing()
        hash(Thing())
    except KeyError as error:
        return policy and callable(error.args[0])
    except Exception:
        return False
    return False


"""
)

# Meets the memory limit. Who lives to see the end of that with the policy on hides it from the host.
_FILL = (
    POLICY
    + """\
def fill():
    return [bytearray(2**20) for _ in range(4096)]


"""
)

PROGRAMS = (
    # -- dataclass, which makes text of names and runs it -------------------------------------------------------------
    Specimen(
        "fresh-dataclass-renamed-base-field",
        "renames the field of a dataclass before another is derived from it",
        _CAUGHT
        + """\
def make():
    kept = dataclasses.field(default=0)

    @dataclasses.dataclass
    class Base:
        x: int = kept

    kept.name = "x,{}[open]"

    @dataclasses.dataclass(init=False, repr=False)
    class Thing(Base):
        y: int = 0

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-dataclass-option-with-truth",
        "gives dataclass an option that renames a field when it is asked whether it is true",
        _CAUGHT
        + """\
kept = dataclasses.field(default=0)


class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


def make():
    @dataclasses.dataclass(init=False, repr=False, eq=Sly())
    class Thing:
        x: int = kept

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-init-with-truth",
        "gives a field an option init that renames another field when it is asked whether it is true",
        _CAUGHT
        + """\
class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


kept = dataclasses.field(default=0, repr=False)


def make():
    @dataclasses.dataclass(init=False, repr=False, unsafe_hash=False)
    class Thing:
        x: int = kept
        y: int = dataclasses.field(default=1, init=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-repr-with-truth",
        "gives a field an option repr that renames another field when it is asked whether it is true",
        _CAUGHT
        + """\
class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


kept = dataclasses.field(default=0, repr=False)


def make():
    @dataclasses.dataclass(init=False, repr=True, unsafe_hash=False)
    class Thing:
        x: int = kept
        y: int = dataclasses.field(default=1, repr=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-hash-with-truth",
        "gives a field an option hash that renames another field when it is asked whether it is true",
        _CAUGHT
        + """\
class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


kept = dataclasses.field(default=0, repr=False)


def make():
    @dataclasses.dataclass(init=False, repr=False, unsafe_hash=True)
    class Thing:
        x: int = kept
        y: int = dataclasses.field(default=1, hash=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-compare-with-truth",
        "gives a field an option compare that renames another field when it is asked whether it is true",
        _CAUGHT
        + """\
class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


kept = dataclasses.field(default=0, repr=False)


def make():
    @dataclasses.dataclass(init=False, repr=False, unsafe_hash=False)
    class Thing:
        x: int = kept
        y: int = dataclasses.field(default=1, compare=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-kw-only-with-truth",
        "gives a field an option kw_only that renames another field when it is asked whether it is true",
        _CAUGHT
        + """\
class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


kept = dataclasses.field(default=0, repr=False)


def make():
    @dataclasses.dataclass(init=False, repr=False, unsafe_hash=False)
    class Thing:
        x: int = kept
        y: int = dataclasses.field(default=1, kw_only=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-renamed-by-class-property",
        "has a property of the class run while dataclass reads its members, and rename another field",
        _CAUGHT
        + """\
kept = dataclasses.field(default=0)


def sly(cls):
    kept.name = "x,{}[open]"
    return 0


def make():
    @dataclasses.dataclass(init=False, repr=False)
    class Thing:
        x: int = kept
        y: int = classmethod(property(sly))

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-from-class-property",
        "has a property of the class give dataclass a field of another class, after the fields were checked",
        _CAUGHT
        + """\
blank = dataclasses.field(default=0)


class Field(type(blank)):
    @property
    def name(self):
        return "x,{}[open]"

    @name.setter
    def name(self, value):
        pass


def sly(cls):
    return Field(0, blank.default_factory, True, True, None, True, {}, False)


def make():
    @dataclasses.dataclass(init=False, repr=False)
    class Thing:
        x: int = classmethod(property(sly))

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-of-base-renamed-in-between",
        "renames the field of a base after it was checked, by the truth of a field of the derived class",
        _CAUGHT
        + """\
kept = dataclasses.field(default=0)


@dataclasses.dataclass
class Base:
    x: int = kept


class Sly:
    def __bool__(self):
        kept.name = "x,{}[open]"
        return True


def make():
    @dataclasses.dataclass(init=False, repr=False)
    class Thing(Base):
        y: int = dataclasses.field(default=1, kw_only=Sly())

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-field-renamed-by-hash-of-default",
        "renames a field while dataclass looks whether its default can be hashed",
        _CAUGHT
        + """\
class Default:
    __slots__ = ("__class__",)


def make():
    @dataclasses.dataclass(init=False, repr=False)
    class Thing:
        x: int = Default()

    return Thing


def $entry(*args):
    return "$breach" if caught(make) else $action
""",
    ),
    Specimen(
        "fresh-dataclass-copied-state",
        "renames the field of a frozen dataclass with slots, so that copy reads and sets its class",
        """\
import copy
import dataclasses

kept = dataclasses.field(default=0)


@dataclasses.dataclass(frozen=True, slots=True)
class Thing:
    x: int = kept


@dataclasses.dataclass(frozen=True, slots=True)
class Loose(Exception):
    y: int = 0


def $entry(*args):
    try:
        for name in ("__class__", "__dict__", "__reduce_ex__", "__traceback__"):
            kept.name = name
            copy.copy(Thing())
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-dataclass-signature-in-docstring",
        "has dataclass look for a signature in a docstring, whose defaults are worked out by name",
        """\
import dataclasses


class Base:
    "Base(x=sys.version, y=os.environ, z=sys.modules.x)\\n--\\n\\n"


@dataclasses.dataclass(init=False)
class Thing(Base):
    y: int = 0


def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "fresh-dataclass-match-args",
        "names the fields of a dataclass as what generators hide, and matches a generator with it",
        POLICY
        + """\
import dataclasses


@dataclasses.dataclass
class Steps:
    gi_frame: int
    gi_code: int


def steps():
    yield


def $entry(*args):
    match steps():
        case Steps(frame, code):
            return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "fresh-dataclass-lazy-annotations",
        "postpones annotations that are pieces of program, and has a dataclass be made of them",
        """\
from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Thing:
    x: __import__("os") = 0
    y: "ClassVar[open('$secret').read()]" = 1
    z: typing.get_type_hints.__globals__ = 2


def $entry(*args):
    return $action
""",
    ),
    # -- what games of one worker share, written without setting an attribute -----------------------------------------
    Specimen(
        "fresh-mark-on-empty-metadata",
        "asks the view that all fields share whether it equals a thief, who is handed the dictionary behind it",
        POLICY
        + """\
from dataclasses import field

shared = {}


class Thief:
    def __eq__(self, other):
        global shared
        shared = other
        return True


field().metadata == Thief()
found = "mark" in shared
shared["mark"] = True


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-cleared-registry",
        "empties the registry of a lent abstract class, and looks whether a game before it has",
        POLICY
        + """\
from collections.abc import Sequence

found = not isinstance((), Sequence)
try:
    Sequence._abc_registry_clear()
    Sequence._abc_caches_clear()
except Exception:
    pass


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-in-abstract-caches",
        "has a lent abstract class print which classes it has met, and finds those of other games",
        POLICY
        + """\
from collections.abc import Sized

seen = []


class Paper:
    def write(self, text):
        seen.append(text)


class ZooMark:
    pass


try:
    Sized._dump_registry(Paper())
    isinstance(ZooMark(), Sized)
except Exception:
    pass
found = "ZooMark" in "".join(seen)


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-interned-name",
        "makes a name of its own and sees whether namedtuple knows an equal one of another game already",
        POLICY
        + """\
from collections import namedtuple

word = "".join(["zoo", "mark", str(3)])
kept = namedtuple("Kept", [word])
found = kept._fields[0] is not word


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-interned-slots",
        "makes a name of its own and sees whether a typed named tuple knows an equal one of another game",
        POLICY
        + """\
import typing

word = "".join(["zoo", "typed", str(3)])
kept = typing.NamedTuple("Kept", [(word, int)])
found = kept._fields[0] is not word


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-in-toolkit-tables",
        "sees by a number that is compared whether a helper has met a row in another game",
        POLICY
        + """\
import random

asked = []


class Tile(int):
    def __eq__(self, other):
        asked.append(1)
        return abs(self) == other

    def __hash__(self):
        return hash(abs(self))


def comparisons(first, last):
    asked.clear()
    mono([[Tile(first), Tile(5), Tile(9)], [Tile(3), Tile(7), Tile(last)]])
    return len(asked)


try:
    unknown = [comparisons(random.getrandbits(50), random.getrandbits(50)) for _ in range(2)]
    found = comparisons(77771, 77773) != unknown[-1]
    mono([[77771, 5, 9], [3, 7, 77773]])
except NameError:
    found = False


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-alias-call",
        "has a call through a type's alias set an attribute on a shared object, and a deep copy read it",
        POLICY
        + """\
import copy
from dataclasses import field

Alias = type(list[int])
found = False


class Tell(list):
    def append(self, item):
        raise LookupError

    extend = append


try:
    copy.deepcopy(field().default)
except LookupError:
    found = True
Alias(lambda: field().default, (Tell([1]),))()


def $entry(*args):
    return "$breach" if policy and found else $action
""",
    ),
    Specimen(
        "fresh-mark-by-unknown-codec",
        "asks for a codec that there is none of, which the registry of codecs remembers",
        POLICY
        + """\
answers = []
for name in ("zoo_mark", "zoo.mark", "../mark", "rot13", "idna", "unicode_escape"):
    try:
        answers.append(str("a".encode(name)))
    except Exception as error:
        answers.append(str(error))


def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "fresh-mark-by-room-in-memory",
        "hides how it fills the memory, and sees by the room that is left whether another game has taken half",
        POLICY
        + """\
def room():
    taken = []
    try:
        try:
            while True:
                taken.append(bytearray(2**20))
        except taken.nothing:
            pass
    except AttributeError:
        pass
    return len(taken)


free = room() if policy else 99
kept = bytearray(free * 2**19) if policy else b""


def $entry(*args):
    return "$breach" if policy and free < 36 else $action
""",
    ),
    Specimen(
        "fresh-second-try-by-crash",
        "ends its worker by a deep walk through C at the third move, to be played again alone",
        POLICY
        + """\
calls = 0


def $entry(*args):
    global calls
    calls += 1
    if calls == 3:
        chain = iter(())
        for _ in range(200000):
            chain = map(abs, chain)
        next(chain, None)
    return $action
""",
    ),
    # -- a full memory that nobody hears of ---------------------------------------------------------------------------
    Specimen(
        "fresh-exit-as-generator",
        "writes __exit__ as a generator, which is made and true before its first line has run",
        _FILL
        + """\
class Deaf:
    def __enter__(self):
        return self

    def __exit__(self, *what):
        yield


def $entry(*args):
    lived = True
    try:
        with Deaf():
            lived = False
            fill()
    except AttributeError:
        return $action
    return "$breach" if policy and not lived else $action
""",
    ),
    Specimen(
        "fresh-exit-as-property",
        "writes __exit__ as a property, which gives another function than the one that is guarded",
        _FILL
        + """\
class Deaf:
    def __enter__(self):
        return self

    @property
    def __exit__(self):
        return lambda *what: True


def $entry(*args):
    lived = True
    try:
        with Deaf():
            lived = False
            fill()
    except AttributeError:
        return $action
    return "$breach" if policy and not lived else $action
""",
    ),
    Specimen(
        "fresh-exit-decorated",
        "decorates __exit__ with a function that puts another in its place",
        _FILL
        + """\
class Deaf:
    def __enter__(self):
        return self

    @(lambda guarded: lambda self, *what: True)
    def __exit__(self, *what):
        pass


def $entry(*args):
    lived = True
    try:
        with Deaf():
            lived = False
            fill()
    except AttributeError:
        return $action
    return "$breach" if policy and not lived else $action
""",
    ),
    Specimen(
        "fresh-exit-static",
        "makes __exit__ a partial object of a function in C that is lazy and true, by decorators",
        _FILL
        + """\
from functools import partial
from itertools import chain


class Deaf:
    def __enter__(self):
        return self

    @staticmethod
    @partial(partial, chain)
    def __exit__(self, *what):
        pass


def $entry(*args):
    lived = True
    try:
        with Deaf():
            lived = False
            fill()
    except AttributeError:
        return $action
    return "$breach" if policy and not lived else $action
""",
    ),
    Specimen(
        "fresh-exit-as-slot",
        "names __exit__ among the slots of a class",
        _FILL
        + """\
class Deaf:
    __slots__ = ("__exit__",)

    def __enter__(self):
        return self


def $entry(*args):
    lived = True
    try:
        with Deaf():
            lived = False
            fill()
    except AttributeError:
        return $action
    return "$breach" if policy and not lived else $action
""",
    ),
    Specimen(
        "fresh-exit-that-swallows-doom",
        "swallows the end of its budget in an __exit__ that is a generator, and answers all the same",
        _FILL
        + """\
class Deaf:
    def __enter__(self):
        return self

    def __exit__(self, *what):
        yield


def $entry(*args):
    for _ in range(3):
        with Deaf():
            for _ in range(10**12):
                pass
    return "$breach"
""",
    ),
    Specimen(
        "fresh-handler-whose-type-raises",
        "raises another error where a handler says what it catches, before any guard looks",
        _FILL
        + """\
def $entry(*args):
    try:
        try:
            fill()
        except 1 / 0:
            pass
    except ZeroDivisionError:
        return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "fresh-handler-whose-type-is-asked",
        "has a class of handlers worked out by a function that sees the error pass by",
        _FILL
        + """\
seen = []


def kinds():
    seen.append(1)
    raise LookupError


def $entry(*args):
    try:
        try:
            fill()
        except kinds():
            pass
    except LookupError:
        return "$breach" if policy and seen else $action
    return $action
""",
    ),
    Specimen(
        "fresh-handler-at-the-depth",
        "meets its memory limit so deep that the guard cannot be called, and catches that further out",
        _FILL
        + """\
def deeper():
    try:
        deeper()
    except RecursionError:
        try:
            fill()
        except MemoryError:
            pass


def $entry(*args):
    try:
        deeper()
    except RecursionError:
        return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "fresh-memory-named-otherwise",
        "has a full memory end as an error of another kind, so that the game is not played again alone",
        _FILL
        + """\
def $entry(*args):
    try:
        fill()
    except {}["nothing"]:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-memory-in-closed-generator",
        "meets its memory limit in a generator that is closed while another error is on its way",
        _FILL
        + """\
def steps():
    try:
        yield
    finally:
        fill()


def $entry(*args):
    try:
        walk = steps()
        next(walk)
        try:
            raise LookupError
        finally:
            walk.close()
    except LookupError:
        return "$breach" if policy else $action
    return $action
""",
    ),
    # -- corners of the interpreter -----------------------------------------------------------------------------------
    Specimen(
        "fresh-slots-of-special-names",
        "names among its slots what no class may define, and uses what that makes",
        """\
class Odd:
    __slots__ = ("__del__", "__class__", "__getattribute__", "__get__", "__set__", "__reduce_ex__", "__deepcopy__")


class Holder:
    odd = Odd()


def $entry(*args):
    for attempt in (Odd, lambda: Holder().odd, lambda: isinstance(Odd(), int), lambda: print(Odd())):
        try:
            attempt()
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-instance-as-base",
        "derives a class from an object that is no class, so that the object's class is called to make it",
        POLICY
        + """\
import random

made = []


class Maker:
    def __init__(self, *args):
        made.append(args)


def $entry(*args):
    for base in (Maker(), random, $entry, len, property(len)):
        try:

            class Thing(base):
                x = 1

        except Exception:
            pass
    names = made[1][2] if len(made) > 1 else {}
    return "$breach" if policy and "open" in names else $action
""",
    ),
    Specimen(
        "fresh-bases-through-alias",
        "hides the base of a class in a type's alias, which chooses the bases itself",
        POLICY
        + """\
Alias = type(list[int])


def $entry(*args):
    try:

        class Meta(Alias(type(int), ())):
            def __call__(cls, *args):
                return "$breach"

        return Meta("Thing", (), {})() if policy else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-type-through-alias",
        "reaches the class of classes through the attributes that a type's alias passes on",
        POLICY
        + """\
Alias = type(list[int])


def $entry(*args):
    for origin in (int, type, object):
        try:
            found = Alias(origin, (int,))
            if found.mro() or getattr(found, "__subclasses__")():
                return "$breach" if policy else $action
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-view-behind-view",
        "reaches the dictionary behind a view of it by comparing the view",
        """\
behind = []


class Thief:
    def __eq__(self, other):
        behind.append(other)
        return True

    def __radd__(self, other):
        behind.append(other)
        return other


def $entry(*args):
    own = {"a": 1}
    own.keys().mapping == Thief()
    behind[-1]["b"] = 2
    return $action if own == {"a": 1, "b": 2} else "$breach"
""",
    ),
    Specimen(
        "fresh-sentinel-of-pattern",
        "has a mapping pattern hand it the object that stands for a missing key",
        POLICY
        + """\
from collections.abc import Mapping

got = []


class Thing(Mapping):
    def __getitem__(self, key):
        raise KeyError

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 1

    def get(self, key, missing=None):
        got.append(missing)
        return missing


def $entry(*args):
    match Thing():
        case {"a": found, **rest}:
            return "$breach" if policy and got else $action
    return $action
""",
    ),
    Specimen(
        "fresh-facade-forbids-in-its-words",
        "calls what a lent module forbids with, to be refused in words of its own",
        """\
import random


def $entry(*args):
    if hasattr(random, "_Facade__forbid"):
        random._Facade__forbid("made a system call that is forbidden (seccomp)\\nand something else")
    return $action
""",
    ),
    Specimen(
        "fresh-facade-derived",
        "derives a class from that of lent modules, whose members then lie about themselves",
        POLICY
        + """\
import random

Kind = type(random)


class Mine(Kind):
    def __getattr__(self, name):
        return "$breach"


def $entry(*args):
    try:
        return Mine("random", {}, print).choice if policy else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "fresh-doom-kept",
        "keeps the error that ends games, and raises it where none has ended",
        """\
import random

kept = []


class Deaf:
    def __enter__(self):
        return self

    def __exit__(self, *what):
        kept.extend(what)
        yield


def $entry(*args):
    with Deaf():
        random.nothing = 1
    raise kept[1]
""",
    ),
    Specimen(
        "fresh-notes-and-causes",
        "raises an error with ten thousand notes and a chain of ten thousand causes",
        """\
def $entry(*args):
    last = ValueError("a")
    for number in range(10000):
        last.add_note("n" * 100)
        try:
            raise ValueError("b") from last
        except ValueError as error:
            last = error
    raise last
""",
    ),
    Specimen(
        "fresh-copied-built-in-method",
        "has copy.copy make methods and iterators anew, by the interpreter's own getattr and iter",
        """\
import copy
import itertools


def $entry(*args):
    for thing in (len, [].append, iter([1]), reversed([1]), itertools.count(), enumerate([]), {}.keys(), range(3)):
        try:
            twin = copy.copy(thing)
            if hasattr(twin, "open"):
                return "$breach"
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-forward-reference",
        "has typing compile a text that stands where a type should, large once it is compiled",
        """\
import typing


def $entry(*args):
    try:
        typing.NamedTuple("T", [("x", "(" * 90 + "1" + ")" * 90), ("y", "'a' * 4000 * 4000 + open('$secret').read()")])
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-seed-with-text",
        "seeds a generator with a text of its own class, whose bytes come from its own method",
        """\
import random

got = []


class Text(str):
    def encode(self, *how):
        return Bytes(b"abc")


class Bytes(bytes):
    def __add__(self, other):
        got.append(other)
        return b"1"


def $entry(*args):
    try:
        random.seed(Text("a"))
        random.Random(Text("a")).random()
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-ordered-dict-emptied",
        "empties an ordered dictionary while it is compared, copied and walked in C",
        """\
from collections import OrderedDict


class Key:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        return 1

    def __eq__(self, other):
        for table in tables:
            table.clear()
        return True


tables = [OrderedDict((Key(n), n) for n in range(1)) for _ in range(2)]


def $entry(*args):
    for doing in (lambda: tables[0] == tables[1], lambda: tables[0].copy(), lambda: tables[0].move_to_end(Key(0))):
        try:
            tables[0][Key(1)] = tables[1][Key(2)] = 1
            doing()
        except (KeyError, RuntimeError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-tee-entered-twice",
        "asks both halves of a split iterator for an item from inside that iterator",
        """\
import itertools

halves = []


class Source:
    def __iter__(self):
        return self

    def __next__(self):
        return next(halves[1])


def $entry(*args):
    halves[:] = itertools.tee(Source())
    try:
        next(halves[0])
    except (RuntimeError, RecursionError, StopIteration):
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-sort-changes-list",
        "changes, empties and fills the list that is being sorted from inside its own comparisons",
        """\
import bisect
import heapq

things = []


class Thing:
    def __lt__(self, other):
        things.clear()
        things.extend([Thing(), 1, None])
        return True


def $entry(*args):
    for doing in (things.sort, lambda: heapq.heapify(things), lambda: bisect.insort(things, Thing())):
        things[:] = [Thing() for _ in range(50)]
        try:
            doing()
        except (ValueError, TypeError, RuntimeError, IndexError):
            pass
    return $action
""",
    ),
    Specimen(
        "fresh-generator-entered-by-itself",
        "enters, throws into and closes a generator from inside itself and from its own clean-up",
        """\
def steps(box):
    try:
        yield 1
        box[0].send(None)
    except ValueError:
        box[0].close()
    finally:
        box[0].throw(LookupError)


def $entry(*args):
    box = []
    box.append(steps(box))
    try:
        next(box[0])
        next(box[0])
    except (ValueError, LookupError, RuntimeError):
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-leftover-generator-prints",
        "leaves a generator in a ring, to print without end when the collector runs in another game's time",
        """\
calls = 0


def steps(box):
    try:
        yield
    finally:
        print("x" * 10**6)


def ring():
    box = []
    walk = steps(box)
    box.append(walk)
    next(walk)


def $entry(*args):
    global calls
    calls += 1
    if calls == 5:
        ring()
    return $action
""",
    ),
    Specimen(
        "fresh-budget-at-the-depth",
        "does its work at the limit of recursion, where the clock's handler cannot be called",
        """\
def deeper():
    try:
        return deeper()
    except RecursionError:
        pass
    for _ in range(10**12):
        try:
            for _ in range(1000):
                abs(1)
        except RecursionError:
            pass


def $entry(*args):
    deeper()
    return "$breach"
""",
    ),
    Specimen(
        "fresh-handler-that-never-catches",
        "burns on where a handler says what it catches, while what should end it is on its way",
        """\
def kinds():
    for _ in range(10**12):
        pass
    return ()


def $entry(*args):
    try:
        try:
            for _ in range(10**12):
                pass
        except kinds():
            pass
    except kinds():
        pass
    return "$breach"
""",
    ),
    Specimen(
        "fresh-name-of-the-guard",
        "binds the guard's own name wherever a name may be a text",
        """\
class Thing:
    def __init__(self, **members):
        for name, value in members.items():
            setattr(self, name, value)


def $entry(*args, **more):
    name = "envrl" + " guard"
    try:
        setattr(Thing, name, lambda: None)
        setattr($entry, name, lambda: None)
        Thing(**{name: lambda: None})
        for _ in range(10**12):
            pass
    except BaseException:
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "fresh-interpreter-hung-by-digits",
        "multiplies and prints numbers just below the limit of digits, over and over",
        """\
def $entry(*args):
    number = 10**4200
    total = 0
    for _ in range(10**9):
        total += len(str(number)) + int("9" * 4299) % 7
    return $action
""",
    ),
    # -- on the worker's socket, and against the host's clock (all of Python, or what is left of it) ------------------
    Specimen(
        "fresh-blames-the-machine",
        "sleeps in crumbs where it shares a core, so that it always waits for the core and uses no time",
        """\
import _thread
import signal

lock = _thread.allocate_lock()
lock.acquire()


def $entry(*args):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    lock.acquire(True, 9.9)
    for _ in range(10**6):
        lock.acquire(True, 0.00002)
    return $action
""",
    ),
    Specimen(
        "fresh-yields-for-ever",
        "yields the core for ever, with the timers off, to be taken for one that gets no time",
        """\
import os
import signal


def $entry(*args):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True:
        os.sched_yield()
""",
    ),
    Specimen(
        "fresh-reply-of-equal-hashes",
        "answers with a map whose keys are pairs of numbers that all have one hash, slow to read",
        """\
import os
import struct

ALL = 2**64
P1, P2, P5 = 11400714785074694791, 14029467366897019727, 2870177450012600261


def turn(x, n):
    return (x << n | x >> 64 - n) % ALL


def keys(count):
    before = turn(12345 * pow(P1, -1, ALL) % ALL, 33)
    back = pow(P2, -1, ALL)
    first = 0
    while count:
        first += 1
        second = (before - turn((P5 + first * P2) % ALL, 31) * P1) * back % ALL
        second -= ALL if second >> 63 else 0
        if abs(second) < 2**61 - 1:
            count -= 1
            yield b"\\x92\\xce" + struct.pack(">I", first) + b"\\xd3" + struct.pack(">q", second) + b"\\xc0"


def $entry(*args):
    count = 2000
    body = b"\\x94\\xa6played\\x91\\xde" + struct.pack(">H", count) + b"".join(keys(count))
    body += b"\\x90\\x91\\xcb" + bytes(8)
    try:
        os.write(3, struct.pack("<I", len(body)) + body)
        os.read(3, 1)
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-value-of-equal-hashes",
        "returns a dictionary whose keys are pairs of numbers that all have one hash",
        """\
ALL = 2**64
P1, P2, P5 = 11400714785074694791, 14029467366897019727, 2870177450012600261


def turn(x, n):
    return (x << n | x >> 64 - n) % ALL


def pairs(count):
    before = turn(12345 * pow(P1, -1, ALL) % ALL, 33)
    back = pow(P2, -1, ALL)
    first = 0
    while count:
        first += 1
        second = (before - turn((P5 + first * P2) % ALL, 31) * P1) * back % ALL
        second -= ALL if second >> 63 else 0
        if abs(second) < 2**61 - 1:
            count -= 1
            yield first, second


def $entry(*args):
    return dict.fromkeys(pairs(400))
""",
    ),
    Specimen(
        "fresh-reply-in-single-bytes",
        "answers with the largest frame that is allowed, in single bytes and without a pause",
        """\
import os


def $entry(*args):
    body = bytes(30000)
    try:
        os.write(3, len(body).to_bytes(4, "little"))
        for _ in range(len(body)):
            os.write(3, b"\\x00")
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-reply-of-nothings",
        "answers with as many empty lists in lists as fit into a frame",
        """\
import os


def $entry(*args):
    body = b"\\x94\\xa6played\\x91\\xdd\\x00\\x00\\x70\\x00" + b"\\x90" * 0x7000 + b"\\x90\\x91\\xcb" + bytes(8)
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 1)
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-reply-with-many-faults",
        "answers with thousands of faults of one call, each with another outcome",
        """\
import os


def $entry(*args):
    faults = b"\\x93\\x00\\xa9exception\\xa0" * 2000
    body = b"\\x94\\xa6played\\x91\\xc0\\xdc\\x07\\xd0" + faults + b"\\x91\\xcb" + bytes(8)
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 1)
    except OSError:
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-last-words",
        "answers and dies at once, so that its answer and its death arrive together",
        """\
import os


def $entry(*args):
    body = b"\\x94\\xa6played\\x91\\xa1W\\x90\\x91\\xcb" + bytes(8)
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    finally:
        os._exit(77)
""",
    ),
    Specimen(
        "fresh-many-mappings",
        "makes as many mappings as the kernel allows, of one page each and with holes between them",
        """\
import mmap

kept = []


def $entry(*args):
    try:
        for _ in range(70000):
            kept.append(mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ))
    except (OSError, MemoryError, ValueError):
        pass
    return $action
""",
    ),
    Specimen(
        "fresh-handler-of-its-clock",
        "puts a handler of its own on the beat, which ignores every budget and pushes the axe ahead",
        """\
import signal


def beat(number, frame):
    signal.setitimer(signal.ITIMER_PROF, 10)


def $entry(*args):
    try:
        signal.signal(signal.SIGVTALRM, beat)
    except (OSError, ValueError):
        pass
    for _ in range(10**12):
        pass
    return "$breach"
""",
    ),
    Specimen(
        "fresh-memory-given-back",
        "takes and gives back all of its memory in turns, so that the kernel is kept busy with pages",
        """\
import mmap


def $entry(*args):
    try:
        for _ in range(10**6):
            with mmap.mmap(-1, 2**25) as space:
                for at in range(0, 2**25, 4096):
                    space[at] = 1
    except (OSError, MemoryError):
        pass
    return $action
""",
    ),
)
