"""Raw system calls through ctypes, for what the standard library does not reach."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

__all__ = ["MACHINE", "landlock_number", "mount", "pivot_root", "populate", "prctl", "syscall", "unmount", "unshare"]

MACHINE = platform.machine()
_libc = ctypes.CDLL(None, use_errno=True)

_madvise = _libc.madvise
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_POPULATE_WRITE = 23

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


def populate(address: int, size: int) -> None:
    """``madvise(2)`` with ``MADV_POPULATE_WRITE``: writable pages of a range are made this process's own at once.

    A kernel before 5.14 does not know it, and nothing happens.
    """
    _madvise(address, size, _POPULATE_WRITE)


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
