"""The world that one game's program sees: its builtins, and a facade for each module that the task lends.

A facade holds chosen public names and nothing else: no route to ``sys`` or ``os``, no private names, nothing that can
be assigned to. Whatever could carry state from one game to the next (functions and classes written in Python, the
state of ``random``) is made anew for each game, so that a game cannot tell whether it has neighbours (the law of the
solo run).
"""

from __future__ import annotations

import builtins
import fractions
import importlib
import itertools
import operator
import types
import typing
from collections.abc import Callable
from typing import Any, NoReturn, Self

from . import copying
from .policy import UNPATCHED, attribute_reason

__all__ = ["LENDABLE", "Doom", "Facade", "preload", "world"]

LENDABLE: dict[str, str] = {
    "abc": "ABC abstractmethod",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "collections.abc": "Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping "
    "MutableSequence MutableSet Reversible Sequence Set Sized",
    "copy": "copy deepcopy",
    "dataclasses": "dataclass field",
    "fractions": "Fraction",
    "functools": "cache cmp_to_key lru_cache partial reduce wraps",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "itertools": "accumulate chain combinations combinations_with_replacement compress count cycle dropwhile "
    "filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest",
    "math": "acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf erfc exp exp2 "
    "expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot inf isclose isfinite isinf isnan isqrt lcm ldexp "
    "lgamma log log10 log1p log2 modf nan perm pi pow prod radians remainder sin sinh sqrt tan tanh tau trunc",
    "operator": "add and_ eq floordiv ge gt invert le lshift lt mod mul ne neg not_ or_ pos pow rshift sub truediv xor",
    "random": "Random betavariate choice choices expovariate gauss getrandbits normalvariate paretovariate randint "
    "random randrange sample seed shuffle triangular uniform",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation whitespace",
    "typing": "Any Callable ClassVar Deque Dict Final FrozenSet Generator Generic Hashable Iterable Iterator List "
    "Literal Mapping MutableMapping NamedTuple Optional Protocol Sequence Set Tuple Type TypeAlias TypeVar Union",
}
"""Modules that a task may lend, each with the names that its facade holds."""

BUILTINS = (
    "abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float frozenset "
    "hash hex int isinstance issubclass iter len list map max min next object oct ord pow property range repr "
    "reversed round set slice sorted staticmethod classmethod str sum super tuple zip True False None "
    "NotImplemented Ellipsis ArithmeticError AssertionError AttributeError BaseException Exception "
    "FloatingPointError GeneratorExit ImportError IndexError KeyError LookupError MemoryError NameError "
    "NotImplementedError OverflowError RecursionError RuntimeError StopIteration SyntaxError TypeError "
    "UnboundLocalError UnicodeError ValueError ZeroDivisionError __build_class__"
).split()

_FRESH_SEED_BITS = 64


class Doom(BaseException):
    """Ends a game: raised in the program's frame, never to be swallowed by it."""


class Facade:
    """A module as a program sees it: names to read, nothing to write. Made by `_made` alone.

    It has no constructor: a program reaches this class, and would choose members for it.
    """

    __forbid: Callable[[str], NoReturn]

    def __setattr__(self, name: str, value: object) -> None:
        self.__forbid(f"assignment to {self.__name__}.{name}")

    def __delattr__(self, name: str) -> None:
        self.__forbid(f"deletion of {self.__name__}.{name}")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"module {self.__dict__['__name__']!r} lends no {name!r} to strategies")

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}>"


def _made(name: str, members: dict[str, Any], forbid: Callable[[str], NoReturn]) -> Facade:
    """A facade.

    Args:
        name: the module's name.
        members: what it holds.
        forbid: called with the reason when the program tries to change it.
    """
    facade = Facade()
    facade.__dict__.update(members, __name__=name, _Facade__forbid=forbid)
    return facade


class _Hint:
    """Stands for anything from ``typing``: annotations mean nothing at run time."""

    def __getitem__(self, item: object) -> Self:
        return self

    def __or__(self, other: object) -> _Hint:
        return self

    __ror__ = __or__

    def __call__(self, *args: object, **kwargs: object) -> _Hint:
        return self

    def __mro_entries__(self, bases: tuple[type, ...]) -> tuple[type, ...]:
        return ()


class _ClassVar(_Hint):
    """Stands for ``typing.ClassVar``, which dataclasses look for; the real one keeps what it is given."""


_named_tuple: Callable[..., Any] = typing.NamedTuple


class _NamedTuple(_Hint):
    """Stands for ``typing.NamedTuple``, a function on which a program could leave something."""

    def __mro_entries__(self, bases: tuple[type, ...]) -> tuple[type, ...]:
        return typing.NamedTuple.__mro_entries__((typing.NamedTuple,))  # type: ignore[attr-defined, no-any-return]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made: Any = _named_tuple(*args, **kwargs)
        made.__module__ = "strategy"  # not this one, whose names ``dataclass`` would lend to the text that it runs
        return made


def _as_it_is(value: Any) -> Any:
    return value


def _fresh(value: Any) -> Any:
    """A copy for one game of whatever Python code could hang state on; anything immutable as it is."""
    if type(value) is types.FunctionType:
        twin = types.FunctionType(
            value.__code__, value.__globals__, value.__name__, value.__defaults__, value.__closure__
        )
        twin.__kwdefaults__ = value.__kwdefaults__
        return twin
    if type(value) is type and any(type(member) is types.FunctionType for member in vars(value).values()):
        return type(value.__name__, (value,), {"__slots__": (), "__module__": value.__module__})
    return value


def _random_members(names: list[str], seed: int) -> dict[str, Any]:
    import random

    source = random.Random(seed)

    class Random(random.Random):
        def __init__(self, x: Any = None) -> None:
            # Unseeded, the real one asks the kernel for entropy: a game would not repeat.
            super().__init__(source.getrandbits(_FRESH_SEED_BITS) if x is None else x)

        def seed(self, a: Any = None, version: int = 2) -> None:
            super().seed(source.getrandbits(_FRESH_SEED_BITS) if a is None else a, version)

    shared = Random(source.getrandbits(_FRESH_SEED_BITS))
    return {name: Random if name == "Random" else getattr(shared, name) for name in names}


def _wraps(wrapped: Any) -> Callable[[Any], Any]:
    """``functools.wraps`` for what it is used for: the real one copies any attribute that it is told to."""

    def named(wrapper: Any) -> Any:
        for name in ("__name__", "__qualname__", "__doc__"):
            if type(wrapper) is types.FunctionType and type(wrapped) in _CALLABLES:
                setattr(wrapper, name, getattr(wrapped, name))
        return wrapper

    return named


def _dataclass(kind: Any = None, /, **options: Any) -> Any:
    """``dataclass``; that fields are what they seem, whose names it makes text of and runs, is `sealing`'s affair."""
    import dataclasses

    if kind is None:
        return lambda kind: _dataclass(kind, **options)
    if type(kind) is not type:
        raise TypeError("dataclass wants an ordinary class")
    if any(type(value) is not bool for value in options.values()):
        raise TypeError("an option of dataclass is True or False")
    hints = vars(kind).get("__annotations__", {})
    for name in hints:  # a pattern fetches fields by position, whatever they are called
        if attribute_reason(name) or name in ("format", "format_map"):
            raise TypeError(f"a field of a dataclass may not be called {name!r}")
    # Text would be looked up in the class's module, which a strategy has none of.
    hints.update(
        {name: typing.ClassVar if "ClassVar" in hint else object for name, hint in hints.items() if type(hint) is str}
    )
    hints.update({name: typing.ClassVar for name, hint in hints.items() if type(hint) is _ClassVar})
    return dataclasses.dataclass(kind, **options)


def _accumulate(iterable: Any, func: Any = operator.add, *, initial: Any = None) -> Any:
    """``accumulate`` that adds by a function: by itself it takes a deque that finds no memory for the end."""
    return itertools.accumulate(iterable, operator.add if func is None else func, initial=initial)


def _count(start: Any = 0, step: Any = 1) -> Any:
    """``count`` of numbers, for the same reason: it would add whatever it is given."""
    if not all(issubclass(type(value), _NUMBERS) for value in (start, step)):
        raise TypeError("count wants numbers")
    return itertools.count(start, step)


_NUMBERS = (int, float, complex, fractions.Fraction)
_NOT_SHOWN = (builtins.type, types.GenericAlias, types.MethodType)
_CALLABLES = (types.FunctionType, types.BuiltinFunctionType, type)
_SAFER = {
    ("functools", "wraps"): _wraps,
    ("dataclasses", "dataclass"): _dataclass,
    ("itertools", "accumulate"): _accumulate,
    ("itertools", "count"): _count,
    ("copy", "copy"): copying.copy,
    ("copy", "deepcopy"): copying.deepcopy,
}
"""What stands in for a function that would do more than a strategy needs."""


def preload(imports: tuple[str, ...]) -> None:
    """Imports all modules that will be lent, so that no worker ever needs the file system.

    Raises:
        LookupError: a module has no facade.
    """
    for name in imports:
        if name not in LENDABLE:
            raise LookupError(name)
        importlib.import_module(name)


def _facade(name: str, seed: int, forbid: Callable[[str], NoReturn]) -> Facade:
    names = LENDABLE[name].split()
    if name == "random":
        return _made(name, _random_members(names, seed), forbid)
    if name == "typing":
        real = {"NamedTuple": _NamedTuple(), "ClassVar": _ClassVar()}
        return _made(name, {member: _Hint() for member in names} | real, forbid)
    if name == "abc":
        return _made(name, {"ABC": _Hint(), "abstractmethod": _fresh(_as_it_is)}, forbid)
    module = importlib.import_module(name)
    lent = {member: _SAFER.get((name, member)) or getattr(module, member) for member in names}
    return _made(name, {member: _fresh(value) for member, value in lent.items()}, forbid)


def world(
    imports: tuple[str, ...],
    seed: int,
    output: int,
    guard: tuple[str, Callable[[], None]],
    doom: Callable[[str, str], NoReturn],
) -> dict[str, Any]:
    """The builtins of one game.

    Args:
        imports: modules that the task lends.
        seed: of the game's own ``random``.
        output: bytes that the game may print.
        guard: the name and the function of the call that the policy injects.
        doom: ends the game with an outcome and its reason.
    """
    lent: dict[str, Facade] = {}
    printed = 0

    def forbid(reason: str) -> NoReturn:
        doom("violation", reason)

    def checked(name: str) -> str:
        if type(name) is not str:  # a program may hand over anything
            raise TypeError("attribute name must be a string")
        reason = None if name == "__name__" else attribute_reason(name)
        if reason or name in ("format", "format_map"):
            forbid(reason or f"attribute {name!r} by name")
        return name

    def __import__(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Facade:
        if name == "__future__":  # the policy lets its annotations alone pass
            return _made(name, {"annotations": None}, forbid)
        if name not in imports:
            forbid(f"import of {name!r}")
        top, dot, inner = name.partition(".")
        if dot and not fromlist:  # "import collections.abc" binds collections
            __import__(top).__dict__[inner] = lend(name)
            return lent[top]
        facade = lend(name)
        # For a name that a module lacks the interpreter looks into sys.modules, where the real ones are: so look here.
        for wanted in fromlist or ():
            if wanted not in facade.__dict__:
                if f"{name}.{wanted}" not in imports:
                    raise ImportError(f"module {name!r} lends no {wanted!r} to strategies")
                facade.__dict__[wanted] = lend(f"{name}.{wanted}")
        return facade

    def lend(name: str) -> Facade:
        if name not in lent:
            lent[name] = _facade(name, seed, forbid)
        return lent[name]

    def getattr(obj: Any, name: str, *default: Any) -> Any:
        return builtins.getattr(obj, checked(name), *default)

    def hasattr(obj: Any, name: str) -> bool:
        return builtins.hasattr(obj, checked(name))

    def setattr(obj: Any, name: str, value: Any) -> None:
        if checked(name) in (UNPATCHED, "__name__"):
            forbid(f"assignment to {name!r}")
        builtins.setattr(obj, name, value)

    def type(obj: Any) -> Any:
        kind = builtins.type(obj)
        # The class of classes makes classes with any special method: it has this function for a stand-in. So have that
        # of list[int], which marks whatever it makes, and that of methods, which joins any function to any object.
        return type if issubclass(kind, _NOT_SHOWN) else kind

    def print(*values: Any, sep: str | None = " ", end: str | None = "\n", **_: Any) -> None:
        nonlocal printed
        sep, end = " " if sep is None else sep, "\n" if end is None else end
        printed += sum(len(str(value)) + len(sep) for value in values) + len(end)
        if printed > output:
            doom("output_limit", f"printed more than {output} bytes")

    space = {name: builtins.__dict__[name] for name in BUILTINS}
    space.update(__import__=__import__, getattr=getattr, hasattr=hasattr, setattr=setattr, type=type, print=print)
    space[guard[0]] = guard[1]
    return space
