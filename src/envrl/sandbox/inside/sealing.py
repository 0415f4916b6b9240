"""Makes the classes that workers share unchangeable, so that no game can leave a mark for its neighbours on one.

A program reaches some of them without any special attribute: ``type(random)`` is the facades' class, and
``type(Counter() + Counter())`` that of the standard library. The interpreter knows classes whose attributes cannot be
set; it only has no name in Python for saying so of a class that is already there.
"""

from __future__ import annotations

import abc
import ctypes
import gc
from typing import NoReturn

__all__ = ["seal"]

_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_IMMUTABLETYPE
_FLAGS = 21 * ctypes.sizeof(ctypes.c_void_p)  # of tp_flags in PyTypeObject


def seal() -> None:
    """Seals every class that is alive; those made later, by programs, are not touched. None registers any more.

    Raises:
        RuntimeError: the interpreter keeps a class's flags elsewhere.
    """
    abc.ABCMeta.register = _register  # type: ignore[assignment]
    for kind in gc.get_objects():
        # Not isinstance: an object may lie about its class.
        if not issubclass(type(kind), type) or not kind.__flags__ & _HEAP_TYPE:
            continue
        flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS)
        if flags.value != kind.__flags__:
            raise RuntimeError("this interpreter's classes cannot be sealed")
        flags.value |= _IMMUTABLE_TYPE


def _register(kind: type, other: type) -> NoReturn:
    # It would make any object an instance of any abstract class, for all games of the worker.
    raise TypeError("an abstract class registers nothing here")
