"""Raw system calls through ctypes, for what the standard library does not reach."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

__all__ = ["MACHINE", "landlock_number", "mount", "pivot_root", "prctl", "syscall", "unmount", "unshare"]

MACHINE = platform.machine()
_libc = ctypes.CDLL(None, use_errno=True)

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
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


def mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    """``mount(2)``, without data.

    Raises:
        OSError: the kernel refused it.
    """
    names = [None if text is None else text.encode() for text in (source, target, kind)]
    if _libc.mount(*names, ctypes.c_ulong(flags), None) < 0:
        _raise()


def unmount(target: str, flags: int) -> None:
    """``umount2(2)``.

    Raises:
        OSError: the kernel refused it.
    """
    if _libc.umount2(target.encode(), flags) < 0:
        _raise()


def pivot_root(new: str, old: str) -> None:
    """``pivot_root(2)``, which the C library does not wrap.

    Raises:
        OSError: the kernel refused it, or its number is not known for this machine.
    """
    if MACHINE not in _PIVOT_ROOT:
        raise OSError(errno.ENOSYS, f"no number of pivot_root for {MACHINE}")
    syscall(_PIVOT_ROOT[MACHINE], new.encode(), old.encode())


def _raise() -> None:
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))
