"""Makes the classes that workers share unchangeable, so that no game can leave a mark for its neighbours on one.

A program reaches some of them without any special attribute: ``type(random)`` is the facades' class, and
``type(Counter() + Counter())`` that of the standard library. The interpreter knows classes whose attributes cannot be
set; it only has no name in Python for saying so of a class that is already there.
"""

from __future__ import annotations

import ctypes
import gc

__all__ = ["seal"]

_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8  # Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_IMMUTABLETYPE
_FLAGS = 21 * ctypes.sizeof(ctypes.c_void_p)  # of tp_flags in PyTypeObject


def seal() -> None:
    """Seals every class that is alive; those made later, by programs, are not touched.

    Raises:
        RuntimeError: the interpreter keeps a class's flags elsewhere.
    """
    for kind in gc.get_objects():
        # Not isinstance: an object may lie about its class.
        if not issubclass(type(kind), type) or not kind.__flags__ & _HEAP_TYPE:
            continue
        flags = ctypes.c_ulong.from_address(id(kind) + _FLAGS)
        if flags.value != kind.__flags__:
            raise RuntimeError("this interpreter's classes cannot be sealed")
        flags.value |= _IMMUTABLE_TYPE
