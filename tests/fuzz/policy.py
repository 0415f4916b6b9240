"""No program that the language policy accepts reaches an object of the interpreter, the module system or the sandbox.

Programs are chains of ordinary steps (attributes, calls, items, formats, patterns, handlers, decorators, lent functions
handed to one another). Each runs in a real worker whose toolkit holds one trusted function, ``look``, that knows what
no program may hold in its hands. Kernel layers are on as ever: this asks whether the *policy* holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import LANGUAGE_IMPORTS, Fault, Loaded, Played, Profile, Sandbox
from envrl.sandbox.inside.facades import BUILTINS, LENDABLE

__all__ = ["LOOK", "accepted_programs_reach_nothing", "instrumented", "program", "reached"]

# Runs in the worker, trusted. What comes from "inside" is ours, save the wrappers that a program is meant to call.
LOOK = """
import builtins, sys, types

_KINDS = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.CellType)
_OBJECTS = [builtins.__dict__, sys.modules, sys.path, *(
    builtins.__dict__[name] for name in ("eval exec compile open __import__ globals locals vars breakpoint input dir "
    "memoryview").split())]
_OURS = ("inside", "msgspec", "RestrictedPython", "ctypes", "_ctypes", "os", "posix", "sys", "socket", "_socket",
         "subprocess", "importlib", "_frozen_importlib", "_frozen_importlib_external", "signal", "resource", "gc")

def _forbidden(value):
    kind = type(value)
    if issubclass(kind, _KINDS):
        return kind.__name__
    if any(value is one for one in _OBJECTS):
        return "builtin " + getattr(value, "__name__", kind.__name__)
    home = (getattr(value, "__module__", None) if kind in (type, types.FunctionType, types.BuiltinFunctionType)
            else kind.__module__)
    if type(home) is not str or home.partition(".")[0] not in _OURS:
        return None
    if kind is types.FunctionType and value.__qualname__.startswith(("world.<locals>", "_random_members.<locals>")):
        return None
    if kind.__module__ == "inside.facades" and kind.__name__ in ("Facade", "_Hint"):
        return None
    if home == "inside.facades":  # the classes behind what is lent: sealed, and holding nothing
        return None
    return home + "." + getattr(value, "__qualname__", kind.__name__)

def LOOK(value, depth=3):
    found = _forbidden(value)
    if found is not None or depth == 0:
        return found
    kind = type(value)
    if kind in (list, tuple, set, frozenset):
        parts = list(value)[:50]
    elif kind is dict:
        parts = [*list(value.keys())[:50], *list(value.values())[:50]]
    else:
        return None
    for part in parts:
        found = LOOK(part, depth - 1)
        if found is not None:
            return found
    return None
"""

_LIMITS = Limits(load_cpu=1.0, call_cpu=0.1, game_cpu=0.2, grace_cpu=0.2, memory=48 * 2**20)

_ATTRIBUTES = sorted(
    {
        name
        for kind in (
            *(object, type, int, float, str, bytes, list, dict, tuple, set, slice, range, property, classmethod),
            *(BaseException(), StopIteration(1), lambda: 0, (i for i in ()), print, "".join, len, super, zip, map),
        )
        for name in dir(kind)
    }
    | set(
        "gi_frame gi_code gi_yieldfrom cr_frame ag_frame tb_frame tb_next f_back f_globals f_builtins f_locals".split()
    )
    | set("func args keywords cache_info cache_parameters default_factory maxlen _fields _make __wrapped__ mro".split())
    | {name for names in LENDABLE.values() for name in names.split()}
    | set("os sys _os _sys re enum _random _inst abc builtins modules system popen environ".split())
)
_ROOTS = [
    *BUILTINS[:-1],
    *("getattr hasattr setattr type print __name__ f x look v0 v1 v2".split()),
    *("random math collections itertools functools operator dataclasses copy heapq string typing bisect".split()),
    *(
        "C C() D(1) g() g h (lambda a: a) [1] {'a': 1} 'text' b'x' 3 0.5 (1, 2) e [i for i in range(2)]".split(", ")[
            0:1
        ]
    ),
    *("C", "C()", "D(1)", "g()", "h", "(lambda a: a)", "[1]", "{'a': 1}", "'text'", "b'x'", "3", "0.5", "(1, 2)"),
]

_attribute = st.sampled_from(_ATTRIBUTES)
_root = st.sampled_from(_ROOTS)


def _steps(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}.{}".format, inner, _attribute),
        st.builds("{}.{}".format, inner, _attribute),
        st.builds("{}({})".format, inner, inner),
        st.builds("{}({}, {})".format, inner, inner, inner),
        st.builds("{}()".format, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("getattr({}, {!r})".format, inner, _attribute),
        st.builds("getattr({}, S({!r}))".format, inner, _attribute),
        st.builds("'{{0.{1}}}'.format({0})".format, inner, _attribute),
        st.builds("f'{{{}}}'".format, inner.filter(lambda text: not set(text) & set("'\"{}!:="))),
        st.builds("[*map({}, [{}])]".format, inner, inner),
        st.builds("functools.partial({}, {})()".format, inner, inner),
        st.builds("functools.reduce({}, [{}, {}])".format, inner, inner, inner),
        st.builds("sorted([{}, {}], key={})".format, inner, inner, inner),
        st.builds("copy.copy({})".format, inner),
        st.builds("copy.deepcopy({})".format, inner),
        st.builds("type({})".format, inner),
        st.builds("dataclasses.dataclass({})".format, inner),
        st.builds("collections.namedtuple({!r}, {!r})".format, _attribute, _attribute),
        st.builds("collections.defaultdict({})[{}]".format, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("(y := {})".format, inner),
    )


_expression = st.recursive(_root, _steps, max_leaves=6)


def _line(expression: str, attribute: str, form: int) -> str:
    return (
        f"v0 = {expression}",
        f"v1 = {expression}",
        f"for v2 in {expression}: break",
        f"with {expression} as v2: pass",
        f"match {expression}:\n            case object({attribute}=v2): pass",
        f"match {expression}:\n            case [v1, *v2]: pass",
        f"C.{attribute} = {expression}",
        f"setattr(C, {attribute!r}, {expression})",
        f"v2 = [e for e in [{expression}]]",
        f"raise {expression}",
        f"del v2, {expression}",
        f"v2: {expression} = {expression}",
        f"@{expression}\n        def v2(*a): return a",
        f"class v2({expression}): {attribute} = 1",
        f"import collections.abc as v2; v1 = v2.{attribute}",
        f"from random import {attribute} as v2",
    )[form]


_statement = st.builds(_line, _expression, _attribute, st.integers(0, 15))

_HEAD = """\
import random, math, collections, itertools, functools, operator, dataclasses, copy, heapq, string, typing, bisect
class C:
    n = 1
    def m(self): return self
    def __enter__(self): return self
    def __exit__(self, *a): return [seen(one) for one in a] and False
    def __getitem__(self, i): return i
class S(str):
    def __eq__(self, other): return True
    def __hash__(self): return 1
@dataclasses.dataclass
class D:
    x: int
def g(*a):
    y = yield a
    yield y
def h(*a, **k): return [a, k]
found = []
def seen(value):
    what = look(value)
    if what is not None: found.append(what)
    return value
def f(x):
    v0 = v1 = v2 = e = y = None
"""


def program(statements: list[str]) -> str:
    """A strategy that takes the steps one by one, whatever they raise, and shows all that it holds after each."""
    body = "".join(
        f"    try:\n        {line}\n    except Exception as e:\n        seen([e, e.args])\n    seen([v0, v1, v2, y])\n"
        for line in statements
    )
    return f"{_HEAD}{body}    return found\n"


@contextmanager
def instrumented() -> Iterator[Sandbox]:
    """A sandbox whose toolkit is ``look``."""
    profile = Profile(entry_point="f", imports=LANGUAGE_IMPORTS, tables=LOOK, toolkit="def look(v): return LOOK(v)")
    with Sandbox(profile) as sandbox:
        yield sandbox


def reached(sandbox: Sandbox, source: str) -> tuple[str, Any]:
    """How far a program came (``refused``, ``ended``, ``played``), and the fault or what it reached."""
    worker = sandbox.load(source.encode("utf-8", "surrogatepass"), _LIMITS)
    ((_, reply),) = sandbox.collect()
    if not isinstance(reply, Loaded):
        return "refused", reply
    worker.play([(0, b"x")], [(0, 1)])
    ((_, reply),) = sandbox.collect()
    worker.close()
    if not isinstance(reply, Played):
        return "ended", reply
    (value,) = reply.values
    return ("ended", value) if isinstance(value, Fault) else ("played", value)


def accepted_programs_reach_nothing(sandbox: Sandbox) -> Callable[[], None]:
    """The property, for programs in this sandbox."""

    @given(statements=st.lists(_statement, min_size=1, max_size=5))
    def property(statements: list[str]) -> None:
        how, what = reached(sandbox, program(statements))
        event(f"{how} {what.outcome}" if isinstance(what, Fault) else how)
        if how == "played":
            assert what == []
        else:
            # With seccomp on, a forbidden system call would be a violation that no line of the program names.
            assert not (what.outcome is Outcome.VIOLATION and "system call" in what.detail), what.detail
            assert what.outcome is not Outcome.CRASH, what.detail
            assert what.outcome is not Outcome.INFRASTRUCTURE_ERROR, what.detail

    return property
