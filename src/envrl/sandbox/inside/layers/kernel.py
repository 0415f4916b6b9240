"""Raw system calls through ctypes, for what the standard library does not reach."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["MACHINE", "landlock_number", "prctl", "syscall", "unshare"]

MACHINE = platform.machine()
_libc = ctypes.CDLL(None, use_errno=True)

_LANDLOCK = {"create_ruleset": 444, "restrict_self": 446}  # the same on every architecture


def landlock_number(name: str) -> int:
    """The number of a landlock system call."""
    return _LANDLOCK[name]


def syscall(number: int, *args: object) -> int:
    """Makes a system call.

    Raises:
        OSError: the kernel refused it.
    """
    result: int = _libc.syscall(ctypes.c_long(number), *args)
    if result < 0:
        _raise()
    return result


def prctl(option: int, *args: object) -> int:
    """``prctl(2)``; missing arguments are zero.

    Raises:
        OSError: the kernel refused it.
    """
    padded = [*args, 0, 0, 0, 0][:4]
    result: int = _libc.prctl(option, *[ctypes.c_ulong(a) if isinstance(a, int) else a for a in padded])
    if result < 0:
        _raise()
    return result


def unshare(flags: int) -> None:
    """``unshare(2)``.

    Raises:
        OSError: the kernel refused it.
    """
    if _libc.unshare(flags) < 0:
        _raise()


def _raise() -> None:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
