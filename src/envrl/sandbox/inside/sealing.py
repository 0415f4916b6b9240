"""Makes the classes that workers share unchangeable, so that no game can leave a mark for its neighbours on one.

A program reaches some of them without any special attribute: ``type(random)`` is the facades' class, and
``type(Counter() + Counter())`` that of the standard library. The interpreter knows classes whose attributes cannot be
set; it only has no name in Python for saying so of a class that is already there.
"""

from __future__ import annotations

import abc
import collections
import ctypes
import dataclasses
import functools
import gc
import itertools
import operator
import random
import sys
import types
import typing
from typing import Any, NoReturn

__all__ = ["seal"]

_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_IMMUTABLETYPE
_FLAGS = 21 * ctypes.sizeof(ctypes.c_void_p)  # of tp_flags in PyTypeObject


def seal() -> None:
    """Seals every class that is alive; those made later, by programs, are not touched. None registers any more.

    Raises:
        RuntimeError: the interpreter keeps a class's flags elsewhere.
    """
    for name in ("register", "_abc_registry_clear", "_abc_caches_clear", "_dump_registry"):
        setattr(abc.ABCMeta, name, _refuse)
    _keep_subclasses_apart()
    # namedtuple interns the names of its fields, and ``is`` would tell a game which names another has used.
    collections._sys = types.SimpleNamespace(intern=str, _getframe=sys._getframe)  # type: ignore[attr-defined]
    # Its own addition, where a deque finds no memory, takes that for the end of the weights.
    random._accumulate = functools.partial(itertools.accumulate, func=operator.add)  # type: ignore[attr-defined]
    _guard_fields()
    # Text in the place of a type would become an object that evaluates it.
    typing._type_check = _any_type  # type: ignore[attr-defined]
    typing.ForwardRef._evaluate = _evaluate_nothing  # type: ignore[method-assign]
    for kind in gc.get_objects():  # the defaults of a named tuple's fields are a dictionary that all games share
        if issubclass(type(kind), type) and type(vars(kind).get("_field_defaults")) is dict:
            kind._field_defaults = ()
    for kind in gc.get_objects():
        # Not isinstance: an object may lie about its class.
        if not issubclass(type(kind), type) or not kind.__flags__ & _HEAP_TYPE:
            continue
        flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS)
        if flags.value != kind.__flags__:
            raise RuntimeError("this interpreter's classes cannot be sealed")
        flags.value |= _IMMUTABLE_TYPE


class _Field(dataclasses.Field[Any]):
    """A field with an empty mapping of its own: the usual one is shared by all fields of all games."""

    __slots__ = ()

    def __init__(
        self, default: Any, factory: Any, init: Any, repr: Any, hash: Any, compare: Any, metadata: Any, kw_only: Any
    ) -> None:
        metadata = {} if metadata is None else metadata
        super().__init__(default, factory, init, repr, hash, compare, metadata, kw_only)


def _guard_fields() -> None:
    """Has ``dataclass`` work on fields that no strategy holds: it makes text of what they say, and runs it.

    Checking a strategy's own would not do: its code can run between a check and the use, and what is asked twice may
    answer in two ways.
    """
    get_field = dataclasses._get_field  # type: ignore[attr-defined]
    sorts = [vars(dataclasses)[name] for name in ("_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR")]

    def get_own_field(kind: type, name: str, *rest: Any) -> Any:
        given = get_field(kind, name, *rest)
        # Types are exact: an object of a strategy's class may change its mind.
        if type(given) is not _Field:
            raise TypeError("a field is made by dataclasses.field")
        options = given.init, given.repr, given.hash, given.compare
        own = _Field(given.default, given.default_factory, *options, None, given.kw_only)
        own.name, own.type, own._field_type = name, given.type, given._field_type  # type: ignore[attr-defined]
        if type(name) is not str or not name.isidentifier():
            raise TypeError("a field is called by a name")
        if not any(own._field_type is sort for sort in sorts):  # type: ignore[attr-defined]
            raise TypeError("a field stays what it is")
        unsaid = {"hash": None, "kw_only": dataclasses.MISSING}
        for option in ("init", "repr", "hash", "compare", "kw_only"):
            said = getattr(own, option)
            if type(said) is not bool and (option not in unsaid or said is not unsaid[option]):
                raise TypeError("an option of a field is True or False")
        return own

    dataclasses._get_field = get_own_field  # type: ignore[attr-defined]
    dataclasses.Field = _Field  # type: ignore[assignment, misc]


def _keep_subclasses_apart() -> None:
    """Has the abstract classes that are alive know no subclass but those that are.

    Before it says no, an abstract class asks all its subclasses: those of another game would show by an error of
    theirs, or by their number. They could only say no themselves, since nothing is registered.
    """
    subclasses = type.__subclasses__
    known = {kind: subclasses(kind) for kind in gc.get_objects() if issubclass(type(kind), abc.ABCMeta)}

    def known_subclasses(kind: type) -> list[type]:
        return list(known[kind]) if kind in known else subclasses(kind)

    abc.ABCMeta.__subclasses__ = known_subclasses  # type: ignore[method-assign, assignment]


def _refuse(kind: type, *values: object, **options: object) -> NoReturn:
    # What they change or tell belongs to all games of the worker: a class that is registered makes any object an
    # instance of any abstract class.
    raise TypeError("an abstract class registers nothing here")


def _any_type(*given: object, **more: object) -> type:
    return object


def _evaluate_nothing(*given: object, **more: object) -> NoReturn:
    raise TypeError("text is no type here, and nothing evaluates it")
