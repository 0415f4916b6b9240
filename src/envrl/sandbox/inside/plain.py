"""What may cross from a program to the host: plain data of exact types, capped in size, and nothing else."""

from __future__ import annotations

from typing import Any

__all__ = ["NotPlain", "check_plain"]

_DEPTH = 8
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


class NotPlain(Exception):
    """A value that may not cross; the message says why."""


def check_plain(value: Any, size: int) -> None:
    """Checks that ``value`` is None, bool, int (64 bits), float, str, bytes, or lists, tuples and dicts of them.

    Types are exact: a subclass could answer for itself. No method of the value is called. Keys of dicts are no tuples:
    many with one hash can be made in advance, and would hold up whoever reads them.

    Raises:
        NotPlain: some part is of another type, nested deeper than 8, or all of it is larger than about ``size`` bytes.
    """
    kind = type(value)
    # The common cases first: this runs once a move.
    if kind is str or kind is bytes:
        # A character takes up to four bytes on its way; most values are far too short to have theirs counted.
        if len(value) * 4 > size and (len(value) > size or (kind is str and _encoded(value) > size)):
            raise NotPlain(f"returned a {kind.__name__} longer than {size} bytes")
    elif kind is int:
        if not _INT_MIN <= value <= _INT_MAX:
            raise NotPlain("returned an integer of more than 64 bits")
    elif kind is bool or kind is float or value is None:
        pass
    else:
        _check_nested(value, size)


def _encoded(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _check_nested(value: Any, size: int) -> None:
    level, cost = [value], 0
    for _ in range(_DEPTH):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            cost += 8
            if kind is list or kind is tuple:
                below += item
            elif kind is dict:
                if 8 * len(item) > size:  # before all its keys are looked at: that time is no game's
                    raise NotPlain(f"returned a value larger than {size} bytes")
                if any(type(key) is tuple for key in item):
                    raise NotPlain("returned a dict with a tuple among its keys")
                below += item.keys()
                below += item.values()
            elif kind is str or kind is bytes or kind is int or kind is float or kind is bool or item is None:
                check_plain(item, size)
                cost += _encoded(item) if kind is str else len(item) if kind is bytes else 0
            else:
                raise NotPlain(f"returned a value of type {kind.__name__}")
            if cost + 8 * len(below) > size:
                raise NotPlain(f"returned a value larger than {size} bytes")
        if not below:
            return
        level = below
    raise NotPlain(f"returned a value nested deeper than {_DEPTH}")
