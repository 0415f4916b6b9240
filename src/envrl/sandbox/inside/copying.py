"""``copy`` as strategies have it: an object is copied by what it is, and nothing is asked of it by name.

The standard library's asks an object and its class how they want to be copied, and sets attributes with the
interpreter's own ``setattr``. A class of a strategy can hide a name that is looked for behind a slot, and say another
at each look; so any attribute of any object was set. Here a copy is made by the built-in type below a class, and given
the slots and the attributes that the original really has. What is neither data nor an object of an ordinary class (an
iterator, a generator, an exception) is not copied.
"""

from __future__ import annotations

import _random
import functools
import operator
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["copy", "deepcopy"]

_Part = Callable[[Any], Any]
_Memo = dict[int, tuple[Any, Any]]  # by identity, what was copied (which so lives on) and its copy

_HEAP_TYPE = 1 << 9
_AS_THEY_ARE = frozenset(
    {type(None), type(Ellipsis), type(NotImplemented), bool, int, float, complex, str, bytes, range, slice, type}
    | {types.FunctionType, types.BuiltinFunctionType, types.MethodDescriptorType, types.MethodWrapperType}
    | {types.WrapperDescriptorType, types.GenericAlias, types.UnionType, property, type(functools.cache(len))}
)
_SHALLOW: dict[type, Callable[[Any], Any]] = {
    list: list.copy,
    dict: dict.copy,
    set: set.copy,
    bytearray: bytearray.copy,
    deque: deque.copy,
    tuple: lambda x: x,
    frozenset: lambda x: x,
    types.MethodType: lambda x: x,
}


def copy(x: Any) -> Any:
    """A copy that shares its parts with ``x``.

    Raises:
        TypeError: things of this type are not copied.
    """
    kind = type(x)
    if kind in _AS_THEY_ARE or issubclass(kind, type):
        return x
    shallow = _SHALLOW.get(kind)
    return shallow(x) if shallow else _rebuilt(x, kind, lambda part: part, {})


def deepcopy(x: Any) -> Any:
    """A copy with copies of all its parts, each part copied once.

    Raises:
        TypeError: things of a type that is somewhere in ``x`` are not copied.
    """
    return _deep(x, {})


def _deep(x: Any, memo: _Memo) -> Any:
    kind = type(x)
    if kind in _AS_THEY_ARE or issubclass(kind, type):
        return x
    if id(x) in memo:
        return memo[id(x)][1]
    if kind in _DEEP:
        return _DEEP[kind](x, memo)
    return _rebuilt(x, kind, lambda part: _deep(part, memo), memo)


# What most programs copy, without a detour.


def _deep_list(x: list[Any], memo: _Memo) -> list[Any]:
    y: list[Any] = []
    memo[id(x)] = x, y
    for part in x:
        y.append(part if type(part) in _AS_THEY_ARE else _deep(part, memo))
    return y


def _deep_tuple(x: tuple[Any, ...], memo: _Memo) -> tuple[Any, ...]:
    parts = [part if type(part) in _AS_THEY_ARE else _deep(part, memo) for part in x]
    y = x if all(map(operator.is_, parts, x)) else tuple(parts)
    known: tuple[Any, ...] = memo.setdefault(id(x), (x, y))[1]  # it may hold itself, by way of a list
    return known


def _deep_dict(x: dict[Any, Any], memo: _Memo) -> dict[Any, Any]:
    y: dict[Any, Any] = {}
    memo[id(x)] = x, y
    for key, value in x.items():
        y[_deep(key, memo)] = _deep(value, memo)
    return y


def _deep_method(x: types.MethodType, memo: _Memo) -> types.MethodType:
    y = types.MethodType(x.__func__, _deep(x.__self__, memo))
    memo[id(x)] = x, y
    return y


_DEEP: dict[type, Callable[[Any, _Memo], Any]] = {
    list: _deep_list,
    tuple: _deep_tuple,
    dict: _deep_dict,
    types.MethodType: _deep_method,
}


def _rebuilt(x: Any, kind: type, part: _Part, memo: _Memo) -> Any:
    """Another of this class, with its contents and its attributes."""
    shape = next(base for base in type.mro(kind) if base in _EMPTY or base in _WHOLE)
    if shape in _WHOLE:
        y = _WHOLE[shape](kind, x, part)
        known = memo.setdefault(id(x), (x, y))[1]
        if known is not y:  # it holds itself, by way of something that can be changed
            return known
    else:
        y = _EMPTY[shape](kind, x)
        memo[id(x)] = x, y
        if shape in _FILL:
            _FILL[shape](y, x, part)
    for base in _own_classes(kind):
        for name, member in list(vars(base).items()):
            sort = type(member)
            if sort not in (types.MemberDescriptorType, types.GetSetDescriptorType) or member.__objclass__ is not base:
                continue
            if sort is types.MemberDescriptorType:
                try:
                    value = member.__get__(x)
                except AttributeError:  # a slot that was never filled
                    continue
                member.__set__(y, part(value))
            elif type(name) is str and name == "__dict__":
                attributes = member.__get__(y)
                for key, value in list(member.__get__(x).items()):
                    attributes[key] = part(value)
    return y


def _own_classes(kind: type) -> Iterator[type]:
    """The classes below it that bring attributes: those that Python code has made, and one of the interpreter's."""
    return (base for base in type.mro(kind) if base.__flags__ & _HEAP_TYPE or base is OrderedDict)


# By the built-in type below a class. The methods are that type's own, whatever the class makes of them.

_FACTORY: Any = vars(defaultdict)["default_factory"]
_MAXLEN: Any = vars(deque)["maxlen"]
_NEW_RANDOM: Any = _random.Random.__new__


def _fill_list(y: Any, x: Any, part: _Part) -> None:
    for item in list.__iter__(x):
        list.append(y, part(item))


def _fill_dict(y: Any, x: Any, part: _Part) -> None:
    for key, value in list(dict.items(x)):
        dict.__setitem__(y, part(key), part(value))


def _fill_ordered(y: Any, x: Any, part: _Part) -> None:
    for key in list(OrderedDict.__iter__(x)):
        OrderedDict.__setitem__(y, part(key), part(dict.__getitem__(x, key)))


def _fill_defaultdict(y: Any, x: Any, part: _Part) -> None:
    _FACTORY.__set__(y, part(_FACTORY.__get__(x)))
    _fill_dict(y, x, part)


def _fill_set(y: Any, x: Any, part: _Part) -> None:
    for item in list(set.__iter__(x)):
        set.add(y, part(item))


def _fill_deque(y: Any, x: Any, part: _Part) -> None:
    deque.extend(y, [part(item) for item in list(deque.__iter__(x))])


def _empty_object(kind: Any, x: Any) -> Any:
    try:
        return object.__new__(kind)
    except TypeError:  # below it is a type of the interpreter's that holds more
        raise TypeError(f"copy copies data, and objects of ordinary classes, not {type.__repr__(kind)}") from None


def _empty_deque(kind: Any, x: Any) -> Any:
    y = deque.__new__(kind)
    deque.__init__(y, (), _MAXLEN.__get__(x))
    return y


def _same_random(kind: Any, x: Any) -> Any:
    y = _NEW_RANDOM(kind, 0)  # without a seed it would ask the kernel for one
    _random.Random.setstate(y, _random.Random.getstate(x))
    return y


_EMPTY: dict[type, Callable[[Any, Any], Any]] = {
    object: _empty_object,
    list: lambda kind, x: list.__new__(kind),
    dict: lambda kind, x: dict.__new__(kind),
    OrderedDict: lambda kind, x: OrderedDict.__new__(kind),
    defaultdict: lambda kind, x: defaultdict.__new__(kind),
    set: lambda kind, x: set.__new__(kind),
    bytearray: lambda kind, x: bytearray.__new__(kind),
    deque: _empty_deque,
    _random.Random: _same_random,
}
_FILL: dict[type, Callable[[Any, Any, _Part], None]] = {
    list: _fill_list,
    dict: _fill_dict,
    OrderedDict: _fill_ordered,
    defaultdict: _fill_defaultdict,
    set: _fill_set,
    bytearray: lambda y, x, part: bytearray.extend(y, bytearray.copy(x)),
    deque: _fill_deque,
}
_WHOLE: dict[type, Callable[[Any, Any, _Part], Any]] = {
    tuple: lambda kind, x, part: tuple.__new__(kind, [part(item) for item in tuple.__iter__(x)]),
    frozenset: lambda kind, x, part: frozenset.__new__(kind, [part(item) for item in frozenset.__iter__(x)]),
    int: lambda kind, x, part: int.__new__(kind, int.__pos__(x)),
    float: lambda kind, x, part: float.__new__(kind, float.__pos__(x)),
    complex: lambda kind, x, part: complex.__new__(kind, complex.__pos__(x)),
    str: lambda kind, x, part: str.__new__(kind, str.__str__(x)),
    bytes: lambda kind, x, part: bytes.__new__(kind, bytes.__getitem__(x, slice(None))),
}
