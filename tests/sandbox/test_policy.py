# ruff: noqa: E501 (programs, one a line)
"""The language policy: ordinary Python runs and means what it means elsewhere; a cheat is named, with its line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from envrl.outcomes import Outcome
from envrl.sandbox import LANGUAGE_IMPORTS, Fault
from envrl.sandbox.inside.policy import Policy, Violation

ACCEPTED = {
    "slots": "class C:\n    __slots__ = ('x',)\n    def __init__(self): self.x = 5\ndef f(x): return C().x",
    "lone underscores": "def f(x):\n    _, __ = 1, 2\n    return __",
    "names of types": "def f(x): return [type(x).__name__, getattr(int, '__name__')]",
    "abstract class": "from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def m(self): ...\n"
    "class B(A):\n    def m(self): return 3\ndef f(x): return B().m()",
    "protocol": "from typing import Protocol\nclass P(Protocol):\n    def m(self) -> int: ...\ndef f(x): return 1",
    "type hints": "from typing import List, Optional\ndef f(x: bytes, y: Optional[List[int]] = None) -> int:\n"
    "    z: int = 3\n    w: int\n    return z",
    "future annotations": "from __future__ import annotations\ndef f(x: list[str | None]) -> int: return 1",
    "dataclass": "from dataclasses import dataclass, field\n@dataclass(order=True, frozen=True)\nclass P:\n    x: int\n"
    "    y: list = field(default_factory=list)\ndef f(x): return [P(1) < P(2), P(3).y, repr(P(4))]",
    "dataclass with future annotations": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    "@dataclass\nclass P:\n    x: int\n    y: list[int] | None = None\ndef f(x): return [P(1).x, P(2, [3]).y]",
    "f-strings": "def f(x):\n    y = 3.14159\n    return f'{y:.2f} {y!r:>10} {x!a} {{}} {y=}'",
    "nested format spec": "def f(x): return f'{7:{4}}'",
    "walrus": "def f(x): return [y for z in range(9) if (y := z * 2) > 5]",
    "match": "def f(x):\n    match [1, {'a': 2, 'b': 3}]:\n        case [int(n), {'a': m, **rest}] if n: return [n, m, rest]\n"
    "        case _: return 0",
    "match classes": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: int\ndef f(x):\n"
    "    match P(1, 2):\n        case P(0, _) | P(_, 0): return 0\n        case P(x=1, y=z): return z",
    "augmented items": "def f(x):\n    a = [1, 2]\n    a[0] += 5\n    d = {'k': [1]}\n    d['k'] += [2]\n    return [a, d]",
    "augmented attributes": "class C:\n    n = 0\ndef f(x):\n    c = C()\n    c.n += 2\n    C.n += 1\n    return [c.n, C.n]",
    "star arguments": "def g(*a, k=1, **kw): return [list(a), k, kw]\ndef f(x): return g(*[1, 2], **{'k': 3, 'z': 4})",
    "star unpacking": "def f(x):\n    a, *b = 1, 2, 3\n    return [a, *b, *(4, 5), {**{'k': 1}}]",
    "positional only": "def g(a, /, b, *, c): return [a, b, c]\ndef f(x): return g(1, 2, c=3)",
    "comprehensions": "def f(x): return [sorted({i % 3 for i in range(9)}), {i: j for i in (1, 2) for j in (3, 4)}]",
    "generators": "def g(n):\n    got = yield n\n    yield got\n    yield from range(2)\ndef f(x):\n    i = g(1)\n"
    "    return [next(i), i.send('a'), list(i)]",
    "operators": "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)\n"
    "    def __eq__(self, o): return self.x == o.x\n    def __lt__(self, o): return self.x < o.x\n"
    "    def __repr__(self): return f'V({self.x})'\n    def __len__(self): return 7\n"
    "    def __getitem__(self, i): return i * 2\n    def __contains__(self, i): return i == 3\n"
    "    def __call__(self, y): return y\n    def __bool__(self): return False\n    def __hash__(self): return 1\n"
    "    def __iter__(self): return iter([1])\n    def __neg__(self): return V(-self.x)\n"
    "def f(x):\n    v = V(1) + V(2)\n    return [v == V(3), repr(-v), len(v), v[4], 3 in v, v(5), bool(v), list(v), max(V(1), V(2)).x]",
    "inheritance": "class A:\n    def g(self): return 1\nclass B(A):\n    def g(self): return super().g() + 1\n"
    "def f(x): return [B().g(), isinstance(B(), A), issubclass(B, A)]",
    "properties": "class A:\n    @property\n    def g(self): return 1\n    @staticmethod\n    def h(): return 2\n"
    "    @classmethod\n    def k(cls): return 3\ndef f(x): return [A().g, A.h(), A.k()]",
    "slots by name": "class A:\n    def __init__(self): self._private = 1\ndef f(x): return A()._private",
    "closure": "def make():\n    n = 0\n    def add():\n        nonlocal n\n        n += 1\n        return n\n    return add\n"
    "add = make()\ndef f(x): return [add(), add()]",
    "global": "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n",
    "decorators": "from functools import lru_cache, wraps\ndef twice(g):\n    @wraps(g)\n    def h(*a): return g(*a) * 2\n"
    "    return h\n@twice\n@lru_cache(maxsize=None)\ndef g(n): return n + 1\ndef f(x): return [g(1), g(1)]",
    "lambda entry point": "f = lambda x: 5",
    "entry point in an if": "if True:\n    def f(x): return 1\nelse:\n    def f(x): return 2",
    "entry point assigned": "def g(x): return 4\nf = g",
    "entry point with defaults": "def f(x, depth=3, *, k=2): return depth * k",
    "recursion": "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\ndef f(x): return fib(10)",
    "recursion 300 deep": "def down(n): return n and 1 + down(n - 1)\ndef f(x): return down(300)",
    "try and finally": "def f(x):\n    log = []\n    try:\n        try: 1 / 0\n        except ZeroDivisionError as e: log.append(str(e))\n"
    "        else: log.append('no')\n        finally: log.append('f')\n        raise KeyError('k')\n"
    "    except (KeyError, ValueError): log.append('k')\n    return log",
    "own exceptions": "class E(Exception): pass\ndef f(x):\n    try: raise E('a') from ValueError('b')\n    except E as e: return e.args[0]",
    "with": "class C:\n    def __enter__(self): return 3\n    def __exit__(self, *what): return True\n"
    "def f(x):\n    with C() as c, C():\n        raise ValueError\n    return c",
    "assert": "def f(x):\n    assert x, 'message'\n    return 1",
    "del": "def f(x):\n    d = {1: 2, 3: 4}\n    del d[1]\n    y = 1\n    del y\n    return d",
    "while else": "def f(x):\n    n = 3\n    while n: n -= 1\n    else: return 'else'",
    "slices": "def f(x):\n    a = list(range(9))\n    a[1:3] = [0]\n    return a[::-2]",
    "chained comparison": "def f(x): return 1 < 2 <= 2 != 3 == len(x) + 2",
    "print": "def f(x):\n    print('a', 1, sep='-', end='')\n    print()\n    return 1",
    "main guard": "def f(x): return 1\nif __name__ == '__main__':\n    f(2)",
    "format of a literal": "def f(x): return '{} {k:>5} {!r}'.format(1, 'b', k=3)",
    "percent": "def f(x): return '%s-%05.2f' % ('a', 1.5)",
    "docstrings": "'module'\ndef f(x):\n    'function'\n    return 1",
    "imports": "\n".join(f"import {name}" for name in LANGUAGE_IMPORTS)
    + "\nimport math as m\ndef f(x): return m.floor(2.5)",
    "from imports": "from heapq import heappush, heappop\nfrom itertools import product as p\ndef f(x):\n    h = []\n"
    "    for n in (3, 1, 2): heappush(h, n)\n    return [heappop(h), len(list(p(h, h)))]",
    "import in a function": "def f(x):\n    import random\n    return random.Random(1).randint(0, 5) >= 0",
    "collections": "from collections import Counter, OrderedDict, defaultdict, deque, namedtuple\n"
    "P = namedtuple('P', 'x y')\ndef f(x):\n    d = defaultdict(list)\n    d[1].append(2)\n"
    "    return [P(1, 2).y, Counter('aab').most_common(1), list(deque([1, 2], maxlen=1)), dict(d), len(OrderedDict(a=1))]",
    "functools": "from functools import reduce, partial, cmp_to_key\ndef f(x):\n"
    "    return [reduce(lambda a, b: a * b, [1, 2, 3]), partial(pow, 2)(5), sorted([3, 1], key=cmp_to_key(lambda a, b: a - b))]",
    "copy": "from copy import copy, deepcopy\ndef f(x):\n    a = [[1]]\n    b, c = copy(a), deepcopy(a)\n    a[0].append(2)\n    return [b, c]",
    "functions with attributes": "def f(x):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n",
    "own names for refused builtins": "def f(x):\n    def compile(v): return v\n    vars = 3\n    return [compile(1), vars]",
    "hasattr and setattr": "class C: pass\ndef f(x):\n    c = C()\n    setattr(c, 'k', 1)\n    return [hasattr(c, 'k'), getattr(c, 'j', 2)]",
    "type of": "def f(x): return type(3) is int and type('a') == str",
    "matrix transposed": "def f(x): return [list(r) for r in zip(*[[1, 2], [3, 4]])]",
    "semicolons": "def f(x): a = 1; b = 2; return a + b",
    "unicode": "π = 3\ndef f(x): return π",
    "ellipsis": "def g(): ...\ndef f(x): return g() is None",
    "complex arithmetic": "def f(x): return abs(3 + 4j)",
    "bytes": "def f(x): return bytes([1, 2]) + bytearray(b'a')",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_ordinary_programs_give_what_plain_python_gives(value_of: Callable[..., Any], name: str) -> None:
    space: dict[str, Any] = {"__name__": __name__}  # dataclasses look into the module of a class
    exec(compile(ACCEPTED[name], "<plain>", "exec", dont_inherit=True), space)
    got = value_of(ACCEPTED[name], b"x")
    expected = space["f"](b"x")
    # Tuples arrive as lists; nothing else may differ.
    assert (got, type(got)) == (_lists(expected), type(_lists(expected)))


def test_a_class_variable_is_no_field(value_of: Callable[..., Any]) -> None:
    source = (
        "from dataclasses import dataclass\nfrom typing import ClassVar\n@dataclass\nclass P:\n"
        "    k: ClassVar[int] = 5\n    x: int = 1\ndef f(x): return P(2).x"
    )
    assert value_of(source) == 2


def test_typed_named_tuples_work(value_of: Callable[..., Any]) -> None:
    source = "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n    y: int = 2\ndef f(x): return P(1).y"
    assert value_of(source) == 2


@pytest.mark.parametrize("body", ["__radd__ = __add__", "__repr__ = __str__"])
def test_a_special_method_may_have_a_second_name(value_of: Callable[..., Any], body: str) -> None:
    source = (
        "class V:\n    def __add__(self, o): return 7\n    def __str__(self): return 'v'\n"
        f"    {body}\ndef f(x): return [V() + 1, str(V())]"
    )
    assert value_of(source) == [7, "v"]


def test_a_sum_of_two_hundred_terms_is_an_ordinary_program(value_of: Callable[..., Any]) -> None:
    assert value_of("def f(x): return " + " + ".join(["1"] * 200)) == 200


def test_abstract_collections_may_be_imported_for_annotations(value_of: Callable[..., Any]) -> None:
    assert value_of("from collections.abc import Sequence\ndef f(x: Sequence): return 1") == 1


def _lists(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_lists(item) for item in value]
    return value


# source, line, a part of the reason
REFUSED: dict[str, tuple[str, int, str]] = {
    **{
        f"import {name}": (f"def f(x):\n    import {name}\n", 2, f"import of {name!r}")
        for name in (
            "os",
            "sys",
            "time",
            "subprocess",
            "socket",
            "ctypes",
            "gc",
            "inspect",
            "builtins",
            "importlib",
            "threading",
            "numpy",
        )
    },
    "import as": ("x = 1\nimport os as math", 2, "import of 'os'"),
    "from os": ("from os import path", 1, "import of 'os'"),
    "import a part": ("import os.path", 1, "import of 'os.path'"),
    "second of two": ("import math, sys", 1, "import of 'sys'"),
    "star import": ("from math import *", 1, "import of '*'"),
    "relative import": ("from . import x", 1, "relative import"),
    "another future": ("from __future__ import barry_as_FLUFL", 1, "import of '__future__'"),
    "private part of a module": ("from random import __builtins__", 1, "special name '__builtins__'"),
    **{
        f"mention of {name}": (f"def f(x):\n    y = {name}\n", 2, f"{name!r}")
        for name in ("eval", "exec", "compile", "open", "__import__", "globals", "locals", "vars", "breakpoint")
    },
    "call of eval": ("def f(x): return eval('1')", 1, "call of 'eval'"),
    **{
        f"attribute {name}": (f"def f(x):\n\n    return x.{name}", 3, f"{name!r}")
        for name in (
            "__class__",
            "__globals__",
            "__dict__",
            "__subclasses__",
            "__bases__",
            "__mro__",
            "__self__",
            "__code__",
            "__builtins__",
            "__traceback__",
            "__reduce__",
            "__getattribute__",
            "__setattr__",
            "__init_subclass__",
            "__wrapped__",
            "__closure__",
            "__func__",
            "__module__",
            "__del__",
            "__format__",
            "gi_frame",
            "gi_code",
            "cr_frame",
            "ag_frame",
            "f_back",
            "f_globals",
            "f_locals",
            "f_builtins",
            "tb_frame",
            "tb_next",
            "mro",
        )
    },
    "assigned attribute": ("def f(x):\n    f.__code__ = x", 2, "'__code__'"),
    "deleted attribute": ("def f(x):\n    del f.__dict__", 2, "'__dict__'"),
    "attribute in an f-string": ("def f(x): return f'{x.__class__}'", 1, "'__class__'"),
    "attribute in a decorator": ("@f.__class__\ndef f(x): pass", 1, "'__class__'"),
    "attribute in a default": ("def f(x=f.__class__): pass", 1, "'__class__'"),
    "attribute in a hint": ("def f(x: f.__class__): pass", 1, "'__class__'"),
    "attribute in a pattern": ("def f(x):\n    match x:\n        case object(__globals__=g): pass", 3, "'__globals__'"),
    "frame in a pattern": ("def f(x):\n    match x:\n        case object(gi_frame=g): pass", 3, "'gi_frame'"),
    "format in a pattern": ("def f(x):\n    match '{0.a}':\n        case str(format=g): pass", 3, "'format'"),
    "format of a variable": ("def f(x):\n    y = '{0.__class__}'\n    return y.format(x)", 3, "'format'"),
    "format that walks": ("def f(x): return '{0.__class__}'.format(x)", 1, "'format'"),
    "format that indexes": ("def f(x): return '{0[a]}'.format(x)", 1, "'format'"),
    "format that walks in its specification": ("def f(x): return '{:{0.a}}'.format(x)", 1, "'format'"),
    "format of the type": ("def f(x): return str.format('{0.a}', x)", 1, "'format'"),
    "format_map": ("def f(x): return '{a.b}'.format_map(x)", 1, "'format_map'"),
    "format of a concatenation": ("def f(x): return ('{0.a' + '}').format(x)", 1, "'format'"),
    "class keyword": ("class C(metaclass=type): pass", 1, "keyword in a class"),
    "special name assigned": ("__builtins__ = 1", 1, "'__builtins__'"),
    "special method": ("class C:\n    def __del__(self): pass", 2, "'__del__'"),
    "special method getattr": ("class C:\n    def __getattr__(self, n): pass", 2, "'__getattr__'"),
    "special method by name": ("class C:\n    __reduce__ = 1", 2, "'__reduce__'"),
    "match args": ("class C:\n    __match_args__ = ('__class__',)", 2, "'__match_args__'"),
    "__exit__ assigned": ("class C: pass\nC.__exit__ = print", 2, "'__exit__'"),
    "special argument": ("def f(__class__): pass", 1, "'__class__'"),
    "special lambda argument": ("f = lambda *__builtins__: 1", 1, "'__builtins__'"),
    "special exception name": ("try: pass\nexcept E as __class__: pass", 2, "'__class__'"),
    "special capture": ("match 1:\n    case __class__: pass", 2, "'__class__'"),
    "special alias": ("import math as __class__", 1, "'__class__'"),
    "async function": ("async def f(x): pass", 1, "AsyncFunctionDef"),
    "await": ("async def f(x): await x", 1, "Async"),
    "except group": ("try: pass\nexcept* ValueError: pass", 1, "TryStar"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_cheats_are_refused_with_line_and_reason(name: str) -> None:
    source, line, reason = REFUSED[name]
    with pytest.raises(Violation) as caught:
        Policy(LANGUAGE_IMPORTS).apply(ast.parse(source))
    assert caught.value.reasons[0][0] == line
    assert reason in caught.value.reasons[0][1]


def test_all_findings_are_reported_in_the_order_of_the_source() -> None:
    with pytest.raises(Violation) as caught:
        Policy(LANGUAGE_IMPORTS).apply(ast.parse("y = eval\nimport os\nx.__class__"))
    assert [line for line, _ in caught.value.reasons] == [1, 2, 3]


def test_a_violation_is_found_at_load_and_named_with_its_line(value_of: Callable[..., Any]) -> None:
    assert value_of("def f(x):\n    import os") == Fault(Outcome.VIOLATION, "line 2: import of 'os'")


@pytest.mark.parametrize(
    "body",
    [
        "getattr(x, '__class__')",
        "getattr(x, '__cl' + 'ass__', None)",
        "hasattr(f, '__globals__')",
        "setattr(f, '__code__', 1)",
        "setattr(C, '__exit__', f)",
        "getattr('', 'format')",
        "getattr('', 'format_map')",
        "getattr((i for i in ()), 'gi_frame')",
        "getattr(C, 'mro')",
        "list(map(getattr, [f], ['__globals__']))",
    ],
)
def test_detours_by_name_are_violations_when_they_are_taken(value_of: Callable[..., Any], body: str) -> None:
    assert value_of(f"class C: pass\ndef f(x):\n    {body}\n    return 'survived'").outcome is Outcome.VIOLATION


def test_a_violation_at_run_time_cannot_be_swallowed(value_of: Callable[..., Any]) -> None:
    source = "def f(x):\n    try: getattr(x, '__class__')\n    except BaseException: pass\n    return 'survived'"
    assert value_of(source).outcome is Outcome.VIOLATION


def test_an_attribute_name_must_be_a_plain_string(value_of: Callable[..., Any]) -> None:
    source = (
        "class S(str):\n    def __eq__(self, o): return False\n    def __hash__(self): return 1\n"
        "def f(x): return getattr(x, S('__class__'))"
    )
    assert value_of(source).outcome is Outcome.EXCEPTION


@pytest.mark.parametrize("name", ["input", "memoryview", "help", "exit", "id", "dir", "aiter", "license", "delattr"])
def test_builtins_that_are_not_lent_are_missing(value_of: Callable[..., Any], name: str) -> None:
    fault = value_of(f"def f(x): return {name}")
    assert fault.outcome is Outcome.EXCEPTION
    assert "NameError" in fault.detail


def test_type_with_three_arguments_makes_no_class(value_of: Callable[..., Any]) -> None:
    assert value_of("def f(x): return type('C', (), {'__del__': f})").outcome is Outcome.EXCEPTION
