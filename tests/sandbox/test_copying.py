"""Strategies' ``copy`` gives what the standard library's gives, for all that is data, and asks nobody how."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import random
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from fractions import Fraction
from functools import cache, partial
from typing import Any

import pytest

from envrl.sandbox.inside import copying

BOTH = pytest.mark.parametrize("name", ["copy", "deepcopy"])
Point = namedtuple("Point", "x y")

UNCHANGEABLE = (Fraction, types.GenericAlias, types.UnionType)


@dataclasses.dataclass
class Node:
    name: str
    below: list[Any] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Cell:
    row: int
    column: list[int]


class Slotted:
    __slots__ = ("__dict__", "full", "never")

    def __init__(self) -> None:
        self.full = [1]
        self.other = [2]

    def __eq__(self, other: object) -> bool:
        return (self.full, vars(self)) == (other.full, vars(other)) and not hasattr(other, "never")


class Rows(list):
    def append(self, item):
        raise AssertionError("its own way was asked")


class Table(dict):
    def __setitem__(self, key, value):
        raise AssertionError("its own way was asked")


class Number(int):
    pass


class Text(str):
    pass


def ordered():
    made = OrderedDict(a=[1], b=[2])
    made.move_to_end("a")
    return made


def rows():
    made = Rows([[1], [2]])
    made.mark = [3]
    return made


class Recent(OrderedDict):
    pass


def recent():
    made = Recent(a=[1])
    made.room = [3]
    return made


class Borrowed:
    """A class whose attribute is another's slot."""

    full = Slotted.full


def draws(seed):
    made = random.Random(seed)
    made.gauss(0, 1)
    return made


VALUES = [
    [[0, 2], [4, 8]],
    {"a": [1], (1, 2): {3: [4]}},
    {(1, 2), (3, 4)},
    (1, [2], (3,)),
    frozenset({(1, 2)}),
    bytearray(b"abc"),
    deque([[1], [2], [3]], 2),
    defaultdict(list, a=[1]),
    Counter("abca"),
    ordered(),
    Point([1], 2),
    Node("top", [Node("below")]),
    Cell(1, [2]),
    Slotted(),
    rows(),
    recent(),
    Table(a=[1]),
    Number(7),
    Text("seven"),
    Fraction(1, 3),
    1,
    2.5,
    "text",
    None,
    range(3),
    len,
    Node,
    cache(len),
    str.upper,
    list[int],
    int | str,
]


def told(value: Any) -> Any:
    return value if not isinstance(value, Table | Rows) else (type(value), list(value), getattr(value, "mark", None))


@BOTH
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_as_the_standard_library_does(name, value):
    made = getattr(copying, name)(value)
    if type(value) in (Table, Rows):  # whose copies the standard library makes in their own way
        expected = value
    else:
        expected = getattr(copy, name)(value)
        assert made is not value or expected is value or isinstance(value, UNCHANGEABLE)
    assert type(made) is type(expected)
    assert told(made) == told(expected)
    if type(value).__module__ == __name__ and type(value) is not type:  # equality of dictionaries sees no attributes
        assert getattr(made, "__dict__", None) == getattr(expected, "__dict__", None)
    if isinstance(value, deque):
        assert made.maxlen == value.maxlen
    if isinstance(value, defaultdict):
        assert made.default_factory is value.default_factory


class Key:
    """Something that can be changed and hashed."""

    def make(self):
        return []


KEYS = [Key(), Key()]
HOLDERS = {
    "list": ([[1], [2]], list),
    "dict": ({"a": [1]}, lambda x: list(x.values())),
    "keys of a dict": ({KEYS[0]: 1}, list),
    "set": ({KEYS[0]}, list),
    "frozenset": (frozenset({KEYS[0]}), list),
    "tuple": (([1], 2), lambda x: [x[0]]),
    "named tuple": (Point([1], 2), lambda x: [x.x]),
    "deque": (deque([[1]]), list),
    "defaultdict": (defaultdict(KEYS[0].make, a=[1]), lambda x: [x["a"], x.default_factory.__self__]),
    "OrderedDict": (ordered(), lambda x: [x["a"], x["b"]]),
    "attribute": (Node("top"), lambda x: [x.below]),
    "slot": (Slotted(), lambda x: [x.full, x.other]),
    "frozen slot": (Cell(1, [2]), lambda x: [x.column]),
    "list with attributes": (rows(), lambda x: [*x, x.mark]),
    "OrderedDict with attributes": (recent(), lambda x: [x["a"], x.room]),
}


@pytest.mark.parametrize("name", HOLDERS)
def test_parts_are_shared_or_their_own(name):
    value, parts = HOLDERS[name]
    shallow, deep = parts(copying.copy(value)), parts(copying.deepcopy(value))
    assert len(parts(value)) == len(shallow) == len(deep) > 0
    for place, part in enumerate(parts(value)):
        assert shallow[place] is part
        assert deep[place] is not part
        assert type(deep[place]) is type(part)


def test_anothers_slot_is_no_attribute():
    assert type(copying.copy(Borrowed())) is Borrowed


def test_what_has_nothing_to_change_is_no_copy():
    value = (1, ("a", 2.5), (None,))
    assert copying.deepcopy(value) is value


@BOTH
def test_a_generator_of_random_numbers_goes_on_in_both(name):
    value = draws(1)
    made = getattr(copying, name)(value)
    assert [made.random() for _ in range(5)] == [value.random() for _ in range(5)]
    assert made.gauss(0, 1) == value.gauss(0, 1)


def test_what_holds_itself_or_is_held_twice_is_copied_once():
    shared: list[Any] = [1]
    ring: list[Any] = [shared, shared]
    ring += [ring, (ring,), {"ring": ring}, Node("ring", ring)]
    made = copying.deepcopy(ring)
    assert made[0] is made[1]
    assert made[0] is not shared
    assert all(found is made for found in (made[2], made[3][0], made[4]["ring"], made[5].below))
    point = Point([], 2)
    point.x.append(point)
    twin = copying.deepcopy(point)
    assert twin.x[0] is twin
    assert twin is not point
    pair: tuple[Any, ...] = ([],)
    pair[0].append(pair)
    again = copying.deepcopy(pair)
    assert again[0][0] is again
    assert again is not pair


def test_a_method_stays_with_its_object_or_goes_along():
    node = Node("a")
    node.call = node.__eq__
    assert copying.copy(node).call.__self__ is node
    made = copying.deepcopy([node, node.call, node.call])
    assert made[0].call.__self__ is made[0]
    held = [node.call] * 2
    assert len(set(map(id, copying.deepcopy(held)))) == 1


@BOTH
@pytest.mark.parametrize(
    "value",
    [iter([]), (x for x in ()), itertools.chain(), partial(len), ValueError("x"), {}.keys(), memoryview(b"a")],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused(name, value):
    with pytest.raises(TypeError):
        getattr(copying, name)(value)
    with pytest.raises(TypeError):
        getattr(copying, name)(type("Below", (type(value),), {})(*{partial: [len]}.get(type(value), [])))


@BOTH
def test_nothing_is_asked_by_name(name):
    class Loud:
        def __getattribute__(self, attribute):
            raise AssertionError(attribute)

        def __setattr__(self, attribute, value):
            raise AssertionError(attribute)

        def __reduce_ex__(self, protocol):
            raise AssertionError("reduce")

        __copy__ = __deepcopy__ = __reduce__ = __getstate__ = __setstate__ = __reduce_ex__

    class Louder(Loud, random.Random):
        __slots__ = ("__getattr__", "__setstate__")

    for kind in (Loud, Louder):
        assert type(getattr(copying, name)(kind.__new__(kind))) is kind
