"""Introspection: walks from what a program holds to the interpreter, and to what was not lent."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, Specimen

__all__ = ["PROGRAMS"]

# With the language policy on, to hold what was not lent is the breach. Without it anybody holds it: there the breach is
# to read the host's file with it.
_PROOF = (
    POLICY
    + """\
def proof(open):
    if policy:
        return "$breach" if callable(open) else $action
    return "$breach" if open("$secret").read() else $action


"""
)

PROGRAMS = (
    # -- attributes that the interpreter hangs on everything ------------------------------------------------------
    Specimen(
        "introspect-subclasses",
        "walks from a tuple to all classes, and from one of their functions to the builtins",
        _PROOF
        + """\
def walk():
    for cls in ().__class__.__base__.__subclasses__():
        space = getattr(cls.__init__, "__globals__", None)
        if space and "__builtins__" in space:
            builtins = space["__builtins__"]
            return builtins["open"]


def $entry(*args):
    try:
        return proof(walk())
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-mro",
        "climbs by mro() to object, and down again to a class whose module holds os",
        _PROOF
        + """\
def walk():
    for cls in type(1).mro()[-1].__subclasses__():
        try:
            return cls.close.__globals__["os"].sys.modules["builtins"].open
        except (AttributeError, KeyError):
            continue
    for cls in type(1).__mro__[-1].__subclasses__():
        if cls.__name__ == "BuiltinImporter":
            return cls.load_module("builtins").open


def $entry(*args):
    try:
        return proof(walk())
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-own-globals",
        "takes the builtins out of its own function's globals",
        _PROOF
        + """\
def $entry(*args):
    try:
        builtins = $entry.__globals__["__builtins__"]
        return proof(builtins["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-lent-globals",
        "takes the builtins out of the globals of a function of a lent module",
        _PROOF
        + """\
import copy


def $entry(*args):
    try:
        return proof(copy.deepcopy.__globals__["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-builtins-name",
        "names __builtins__ and looks for what is not there",
        _PROOF
        + """\
def $entry(*args):
    try:
        return proof(__builtins__["__import__"]("io").open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-print-self",
        "asks a builtin function which module it is bound to",
        _PROOF
        + """\
def $entry(*args):
    try:
        return proof(len.__self__.open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-closure",
        "looks into the closure of a function that guards what is lent",
        _PROOF
        + """\
import random


def $entry(*args):
    try:
        guard = random._Facade__forbid if policy else print
        for cell in (guard.__closure__ or ()) + (getattr.__closure__ or ()):
            if policy and callable(cell.cell_contents):
                return "$breach"
        return proof(print.__self__.open)
    except Exception:
        return $action
""",
    ),
    # -- frames -----------------------------------------------------------------------------------------------------
    Specimen(
        "introspect-generator-frame",
        "climbs from a generator's frame to those of the worker, and takes the builtins there",
        _PROOF
        + """\
def climb(box):
    frame = box[0].gi_frame
    while frame.f_back is not None:
        frame = frame.f_back
        yield frame


def $entry(*args):
    try:
        box = []
        box.append(climb(box))
        last = [frame for frame in box[0]][-1]
        return proof(last.f_builtins["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-traceback-frame",
        "climbs from its own traceback to the session, and gives itself larger budgets",
        """\
def $entry(*args):
    try:
        try:
            raise ValueError
        except ValueError as error:
            frame = error.__traceback__.tb_frame
        while frame is not None:
            session = frame.f_locals.get("self")
            if session is not None and hasattr(session, "_limits"):
                for name in session._limits:
                    session._limits[name] = 10**9
            frame = frame.f_back
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-coroutine-frame",
        "takes the globals from the frame of a coroutine that it never awaits",
        _PROOF
        + """\
async def step():
    return 1


def $entry(*args):
    try:
        waiting = step()
        space = waiting.cr_frame.f_builtins
        waiting.close()
        return proof(space["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-async-generator-frame",
        "takes the globals from the frame of an asynchronous generator",
        _PROOF
        + """\
async def steps():
    yield 1


def $entry(*args):
    try:
        return proof(steps().ag_frame.f_globals["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-context",
        "follows the chain of exceptions that lent functions raised, and takes the builtins from their frames",
        _PROOF
        + """\
import copy
import heapq


def fail():
    try:
        copy.deepcopy(print).nothing
    except Exception:
        list(heapq.nlargest(2, 3, key=4))


def $entry(*args):
    try:
        try:
            fail()
        except Exception as caught:
            error = caught
        while error is not None:
            step = error.__traceback__
            while step is not None:
                if "open" in step.tb_frame.f_builtins:
                    return proof(step.tb_frame.f_builtins["open"])
                step = step.tb_next
            error = error.__context__
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-error-objects",
        "makes lent functions fail, and takes what their exceptions remember of the place",
        POLICY
        + """\
import copy
import dataclasses
import functools
import heapq
import random


class Odd:
    def __init__(self):
        self.x = 1


doings = (
    lambda: functools.wraps(1)(2),
    lambda: functools.lru_cache(maxsize=Odd()),
    lambda: functools.partial(1),
    lambda: dataclasses.dataclass(3),
    lambda: dataclasses.field(default=1, default_factory=2),
    lambda: copy.copy(random),
    lambda: copy.deepcopy(print),
    lambda: copy.deepcopy(iter([])),
    lambda: random.sample(3, 4),
    lambda: random.choices([1], cum_weights=Odd()),
    lambda: random.Random(Odd()),
    lambda: random.shuffle(Odd()),
    lambda: list(heapq.merge(1)),
    lambda: heapq.nlargest(Odd(), 1),
    lambda: random.nothing,
)


def $entry(*args):
    for doing in doings:
        try:
            doing()
        except Exception as error:
            for name in ("obj", "name", "value", "object"):
                thing = getattr(error, name, None)
                for inner in ("modules", "open", "path", "environ", "getattr"):
                    if policy and thing is not random and hasattr(thing, inner):
                        return "$breach"
    return $action
""",
    ),
    # -- format strings ---------------------------------------------------------------------------------------------
    Specimen(
        "introspect-format",
        "has a format string walk to the host's environment",
        """\
import random


def $entry(*args):
    try:
        text = "{0.__init__.__globals__[_os].environ[$variable]}".format(random.Random)
        return "$breach" if text else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-format-by-name",
        "fetches the method format by a name that it puts together",
        """\
import random


def $entry(*args):
    try:
        fill = getattr("{0.__globals__[__builtins__]}", "for" + "mat")
        text = fill(random.Random.shuffle)
        text += getattr("{0.__init__.__globals__[_os].environ[$variable]}", "for" + "mat")(random.Random)
        return "$breach" if text else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-format-map",
        "has format_map fill a template with what a function's globals hold",
        """\
import random


def $entry(*args):
    try:
        text = "{r.__init__.__globals__[_os].environ[$variable]}".format_map({"r": random.Random})
        return "$breach" if text else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-format-nested-spec",
        "hides the walk of a format string in the format of a format",
        POLICY
        + """\
def $entry(*args):
    try:
        text = "{0:{1.__class__}}".format("x", 10)
    except ValueError:
        # The specification was looked up: it is only no specification.
        return "$breach" if policy else $action
    except Exception:
        return $action
    return "$breach" if policy else $action
""",
    ),
    Specimen(
        "introspect-string-formatter",
        "uses the class behind format strings to get at attributes",
        _PROOF
        + """\
import string


def $entry(*args):
    try:
        field, _ = string.Formatter().get_field("0.__globals__", (proof,), {})
        builtins = field["__builtins__"]
        return proof(builtins["open"])
    except Exception:
        return $action
""",
    ),
    # -- attribute access that is not spelt as such -----------------------------------------------------------------
    Specimen(
        "introspect-attrgetter",
        "reads a function's globals by operator.attrgetter",
        _PROOF
        + """\
import copy
import operator


def $entry(*args):
    try:
        return proof(operator.attrgetter("__globals__")(copy.copy)["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-methodcaller",
        "calls special methods by operator.methodcaller",
        _PROOF
        + """\
import operator


def $entry(*args):
    try:
        for cls in operator.methodcaller("__subclasses__")(object):
            if str(cls).endswith("BuiltinImporter'>"):
                return proof(operator.methodcaller("load_module", "builtins")(cls).open)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-class-pattern",
        "reads a function's globals by a class pattern",
        _PROOF
        + """\
import copy


def $entry(*args):
    try:
        match copy.copy:
            case object(__globals__={"__builtins__": {"open": opener}}):
                return proof(opener)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-match-args",
        "reads a function's globals by a class pattern whose attribute names are made at run time",
        _PROOF
        + """\
import copy

T = type(int)


def read(thing, name):
    # A class that everything is an instance of, and whose first positional pattern is the attribute.
    Meta = T("Meta", (T,), {"__instancecheck__": lambda cls, other: True})
    Pattern = Meta("Pattern", (), {"__match_args__": (name,)})
    match thing:
        case Pattern(value):
            return value


def $entry(*args):
    try:
        return proof(read(copy.copy, "__globals__")["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-registered-pattern",
        "reads the frames of a generator by patterns of dataclasses with which their types were registered",
        _PROOF
        + """\
from collections.abc import Sized
from dataclasses import dataclass


@dataclass
class Steps(Sized):
    gi_frame: int


@dataclass
class Frame(Sized):
    f_back: int
    f_builtins: int


def climb(box):
    match box[0]:
        case Steps(frame):
            Frame.register(type(frame))
    while frame is not None:
        match frame:
            case Frame(back, builtins):
                if "open" in builtins:
                    yield builtins["open"]
                frame = back


def $entry(*args):
    try:
        box = []
        box.append(climb(box))
        Steps.register(type(box[0]))
        for opener in box[0]:
            return proof(opener)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-lying-string",
        "asks getattr for a name that says it is another once it has been checked",
        _PROOF
        + """\
class Name(str):
    def __eq__(self, other):
        return other == "__globals__"

    def __hash__(self):
        return hash("__globals__")

    def startswith(self, *what):
        return False


def $entry(*args):
    try:
        return proof(getattr(proof, Name("harmless"))["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-reduce-getattr",
        "has functools.reduce walk along a list of attribute names",
        _PROOF
        + """\
import copy
import functools


def $entry(*args):
    try:
        space = functools.reduce(getattr, ["__globals__"], copy.copy)
        return proof(space["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-partial-getattr",
        "has a partial object carry getattr past those who look for it",
        _PROOF
        + """\
import copy
from functools import partial


def $entry(*args):
    try:
        fetch = partial(getattr, copy.copy)
        return proof(list(map(fetch, ["__glo" + "bals__"]))[0]["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-super",
        "asks super for an attribute that the class itself would not give",
        _PROOF
        + """\
class Mine:
    def read(self, name):
        return super().__getattribute__(name)


def $entry(*args):
    try:
        space = Mine().read("__class__").read.__globals__
        builtins = space["__builtins__"]
        return proof(builtins["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-wide-letters",
        "spells special attributes in letters that the parser turns into plain ones",
        _PROOF
        + """\
import copy


def $entry(*args):
    try:
        return proof(copy.copy._＿𝓰𝓵𝓸𝓫𝓪𝓵𝓼＿＿["__builtins__"]["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-name-mangling",
        "has a class of the right name reach the private attribute of a lent module",
        POLICY
        + """\
import random


class Facade:
    def disarm(self, module):
        # In this class the name is the one that a class called Facade would use for itself.
        type(module).__init__(module, "random", {"random": lambda: 0.25}, lambda reason: None)
        module.__forbid = None
        module.random = lambda: 0.5
        return module.random() == 0.5


def $entry(*args):
    try:
        if policy and Facade().disarm(random):
            return "$breach"
    except Exception:
        pass
    return $action
""",
    ),
    # -- helpers of the standard library that read and write attributes for others ----------------------------------
    Specimen(
        "introspect-wraps-globals",
        "has functools.wraps pour the globals of a library function into its own",
        _PROOF
        + """\
import functools


def mine():
    pass


def name_it(open):
    pass


def $entry(*args):
    try:
        functools.wraps(functools.wraps, assigned=(), updated=("__globals__",))(mine)

        def reach():
            return open

        return proof(reach())
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-wraps-catcher",
        "has functools.wraps read a function's globals for an object that catches what is set on it",
        _PROOF
        + """\
import functools

caught = []
Catcher = type(int)("Catcher", (), {"__setattr__": lambda self, name, value: caught.append(value)})


def $entry(*args):
    try:
        functools.wraps(functools.wraps, assigned=("__globals__",), updated=())(Catcher())
        builtins = caught[0]["__builtins__"]
        return proof(builtins["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-wraps-two-faced-name",
        "has functools.wraps fetch one name and store it under another",
        _PROOF
        + """\
import functools


class Name(str):
    looks = 0

    def __hash__(self):
        Name.looks += 1
        return hash("__globals__" if Name.looks < 3 else "plain")

    def __eq__(self, other):
        return other in ("__globals__", "plain")


class Box:
    pass


def $entry(*args):
    for before in range(-8, 4):
        try:
            Name.looks = before
            box = Box()
            functools.wraps(functools.wraps, assigned=(Name("other"),), updated=())(box)
            return proof(box.plain["__builtins__"]["open"])
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "introspect-wraps-code",
        "has functools.wraps replace the code of a function of the standard library by its own",
        POLICY
        + """\
import functools
import random


def code(self, x):
    return "$breach"


def $entry(*args):
    try:
        functools.wraps(code, assigned=("__code__",), updated=())(random.Random.shuffle)
        if random.Random(1).shuffle([1, 2]) == "$breach" and policy:
            return "$breach"
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-copy-reduce",
        "has copy.copy set special attributes on a function, by the state of a made-up object",
        POLICY
        + """\
import copy


def target(x=None):
    return x


def $entry(*args):
    try:
        state = (None, {"__defaults__": ("$breach",)})
        Odd = type(int)("Odd", (), {"__reduce_ex__": lambda self, version: (lambda: target, (), state)})
        copy.copy(Odd())
        return target() if policy and target() else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-deepcopy-hook",
        "has copy.deepcopy hand its own bookkeeping to a hook",
        POLICY
        + """\
import copy


class Odd:
    def __deepcopy__(self, memo):
        memo["it"] = "$breach"
        return memo["it"]


def $entry(*args):
    try:
        return copy.deepcopy(Odd()) if policy else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-dataclass-field-name",
        "has a dataclass be written with a field that gives a piece of program for its name, when asked once more",
        _PROOF
        + """\
import dataclasses

blank = dataclasses.field()


class Field(type(blank)):
    turn = 0

    @property
    def name(self):
        Field.turn -= 1
        return "x: {}[open]" if Field.turn == 0 else "x"

    @name.setter
    def name(self, value):
        pass


def attempt(turn):
    Field.turn = 0

    class Thing:
        x: int = Field(blank.default, blank.default_factory, True, True, None, True, {}, False)

    Field.turn = turn
    try:
        dataclasses.dataclass(Thing)
    except KeyError as error:
        return error.args[0]
    except Exception:
        return None


def $entry(*args):
    try:
        for turn in range(40):
            found = attempt(turn)
            if callable(found):
                return proof(found)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-dataclass-annotations",
        "makes a class whose annotations are pieces of program, and has a dataclass be written of it",
        _PROOF
        + """\
import dataclasses


def reach():
    Thing = type(int)("Thing", (), {"__annotations__": {"x,{}[open]": int}, "x": 0})
    dataclasses.dataclass(init=False, repr=False)(Thing)
    try:
        Thing() == Thing()
    except KeyError as error:
        return error.args[0]


def $entry(*args):
    try:
        return proof(reach())
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-default-factory",
        "walks from a dataclass's field to the function that makes its default, and on to the builtins",
        _PROOF
        + """\
import dataclasses


@dataclasses.dataclass
class Thing:
    x: list = dataclasses.field(default_factory=lambda: [])


def $entry(*args):
    try:
        maker = Thing.__dataclass_fields__["x"].default_factory
        builtins = maker.__globals__["__builtins__"]
        return proof(builtins["open"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-namedtuple-name",
        "gives namedtuple a field name that claims to be an identifier and is a piece of program",
        """\
from collections import namedtuple


class Name(str):
    def isidentifier(self):
        return True

    def __str__(self):
        return self


def $entry(*args):
    try:
        namedtuple("Pair", [Name("x=open: None, lambda y"), "z"])
        return "$breach"
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-type-hints",
        "has typing evaluate a string that stands where a type should",
        _PROOF
        + """\
import typing

box = []


def hinted(x: "box.append(open) or int"):
    pass


def $entry(*args):
    try:
        typing.get_type_hints(hinted)
        return proof(box[0])
    except Exception:
        return $action
""",
    ),
    # -- what a class statement can hook ----------------------------------------------------------------------------
    Specimen(
        "introspect-class-of-classes",
        "takes the class of a class to make classes with methods that no text may define",
        POLICY
        + """\
gone = []


def $entry(*args):
    try:
        Lasting = type(type(0))("Lasting", (), {"__del__": lambda self: gone.append(1)})
        Lasting()
        return "$breach" if policy and gone else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-metaclass-keyword",
        "names a metaclass, which answers for its classes",
        POLICY
        + """\
class Meta(type(int)):
    def __call__(cls, *args):
        return "$breach"


class Thing(metaclass=Meta):
    pass


def $entry(*args):
    return Thing() if policy else $action
""",
    ),
    Specimen(
        "introspect-metaclass-inherited",
        "makes a metaclass by inheritance and a class by calling it, with no keyword in the text",
        POLICY
        + """\
class Meta(type(int)):
    def __getitem__(cls, name):
        return "$breach"

    def __call__(cls, *args):
        return "$breach"


def $entry(*args):
    try:
        Thing = Meta("Thing", (), {})
        return Thing() if policy and Thing["x"] else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-init-subclass",
        "has a hook run whenever a class is derived",
        POLICY
        + """\
called = []


class Base:
    def __init_subclass__(cls, **keywords):
        called.append(cls)


class Derived(Base):
    pass


def $entry(*args):
    return "$breach" if policy and called else $action
""",
    ),
    Specimen(
        "introspect-set-name",
        "has a member be told the class that it was put into",
        POLICY
        + """\
class Member:
    def __set_name__(self, owner, name):
        self.owner = owner


class Holder:
    member = Member()


def $entry(*args):
    return "$breach" if policy and Holder.member.owner is Holder else $action
""",
    ),
    Specimen(
        "introspect-class-getitem",
        "has a class answer to square brackets",
        POLICY
        + """\
class Box:
    def __class_getitem__(cls, item):
        return item


def $entry(*args):
    return Box["$breach"] if policy else $action
""",
    ),
    Specimen(
        "introspect-prepare",
        "has a class statement be carried out in a namespace of its own kind, by a metaclass made at run time",
        POLICY
        + """\
seen = []


class Space(dict):
    def __setitem__(self, name, value):
        seen.append(name)
        super().__setitem__(name, value)


T = type(int)
Base = T("Meta", (T,), {"__prepare__": classmethod(lambda *args: Space())})("Base", (), {})


class Thing(Base):
    x = 1


def $entry(*args):
    return "$breach" if policy and "x" in seen else $action
""",
    ),
    Specimen(
        "introspect-mro-entries",
        "has an object that is no class stand among the bases and choose them when it is asked",
        POLICY
        + """\
class Base:
    def __mro_entries__(self, bases):
        return (type(int),)


class Meta(Base()):
    def __call__(cls, *args):
        return "$breach"


def $entry(*args):
    try:
        return Meta("Thing", (), {})() if policy else $action
    except Exception:
        return $action
""",
    ),
    # -- modules behind modules -------------------------------------------------------------------------------------
    Specimen(
        "introspect-random-to-os",
        "goes from random to the os that it imported",
        _PROOF
        + """\
import random


def $entry(*args):
    try:
        return proof(random._os.sys.modules["builtins"].open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-re-to-sys",
        "goes from re over enum to sys",
        _PROOF
        + """\
import re


def $entry(*args):
    try:
        return proof(re.enum.sys.modules["builtins"].open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-private-import",
        "imports by name what a lent module has imported for itself",
        _PROOF
        + """\
from collections import _sys
from random import _os


def $entry(*args):
    try:
        return proof(_sys.modules["builtins"].open or _os.open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-import-as",
        "imports a module under the name of a harmless one",
        _PROOF
        + """\
import os.path as math


def $entry(*args):
    try:
        return proof(math.os.sys.modules["builtins"].open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-abc-globals",
        "goes from a method of an abstract class to the module where it was written",
        _PROOF
        + """\
import collections.abc


def $entry(*args):
    try:
        space = collections.abc.Mapping.get.__globals__
        return proof(space["sys"].modules["builtins"].open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-lent-submodule",
        "asks for a submodule that a lent package would bring along",
        _PROOF
        + """\
import collections.abc
import collections.abc as abc
from collections import abc as other


def $entry(*args):
    for module in (collections, abc, other, collections.abc):
        for name in ("sys", "_sys", "abc", "_collections_abc", "heapq", "_itemgetter"):
            try:
                found = getattr(module, name)
                opener = getattr(getattr(found, "modules", {}).get("builtins"), "open", None)
                if opener is not None:
                    return proof(opener)
            except Exception:
                pass
    return $action
""",
    ),
    # -- code that is made, not written -----------------------------------------------------------------------------
    Specimen(
        "introspect-code-object",
        "writes a forbidden name into the code object of a harmless function",
        _PROOF
        + """\
def harmless():
    return range


def $entry(*args):
    try:
        code = harmless.__code__.replace(co_names=("open",))
        return proof(type(harmless)(code, harmless.__globals__)())
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-bound-elsewhere",
        "gives forbidden names a meaning in one function, and uses them in another",
        _PROOF
        + """\
def unused(eval, exec, open, vars, globals, locals, compile):
    return eval, exec, open


def $entry(*args):
    for fetch in (lambda: open, lambda: eval("open"), lambda: globals()["__builtins__"]["open"], lambda: vars):
        try:
            return proof(fetch())
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "introspect-decorated",
        "has decorators evaluate a text",
        _PROOF
        + """\
@eval
@(lambda cls: "op" + "en")
class opener:
    pass


def $entry(*args):
    try:
        return proof(opener)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-weak-and-collected",
        "looks through everything that the garbage collector knows for the real open",
        _PROOF
        + """\
import gc
import weakref


def $entry(*args):
    try:
        for thing in gc.get_objects():
            if type(thing) is dict and callable(thing.get("open")) and "__import__" in thing:
                return proof(thing["open"])
            if isinstance(thing, type(weakref)) and hasattr(thing, "builtins"):
                return proof(thing.builtins.open)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "introspect-site-printer",
        "has the printer of licences read a file, where the interpreter has one",
        """\
def $entry(*args):
    try:
        license._Printer__filenames = ["$secret"]
        license._Printer__lines = None
        license._Printer__setup()
        return "$breach" if license._Printer__lines else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-loader",
        "imports by the loader that hangs on its own module",
        _PROOF
        + """\
def $entry(*args):
    try:
        return proof(__loader__.load_module("builtins").open)
    except Exception:
        return $action
""",
    ),
    Specimen(
        "introspect-annotations",
        "has annotations, which are evaluated with the definition, do the work",
        _PROOF
        + """\
box = []


def hinted(x: box.append(().__class__.__base__.__subclasses__) = 1) -> box.append(1):
    pass


def $entry(*args):
    try:
        for cls in box[0]():
            if cls.__name__ == "BuiltinImporter":
                return proof(cls.load_module("builtins").open)
    except Exception:
        pass
    return $action
""",
    ),
)
