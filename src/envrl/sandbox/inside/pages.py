"""Pages of memory that every worker writes, copied in one go while nobody waits for the worker.

A fork shares all memory until somebody writes to it; then the kernel stops the writer and copies the page. The
interpreter counts references in the objects themselves, so that the first program of a worker writes to many hundred
pages. A rehearsal shows which they are; a worker that is forked ahead takes them before its program arrives. That is
speed only: where it cannot be known or done, pages are copied when they are written.
"""

from __future__ import annotations

import array
import contextlib
import os
import resource
from collections.abc import Callable

from .layers.kernel import populate

__all__ = ["Range", "rehearse", "take"]

Range = tuple[int, int]
"""Address and size in bytes."""

_PAGE = resource.getpagesize()
_PRESENT, _EXCLUSIVE = 1 << 63, 1 << 56  # bits of an entry of /proc/PID/pagemap


def rehearse(work: Callable[[], object]) -> list[Range]:
    """Does ``work`` in a fork, and gives the memory that it wrote to."""
    done, tell = os.pipe()
    wait, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            work()
        os.write(tell, b".")
        os.close(go)
        os.read(wait, 1)  # until the other side has looked, or is gone
        os._exit(0)
    for end in (tell, wait):
        os.close(end)
    os.read(done, 1)
    try:
        return _written(pid)
    except OSError:  # /proc may be hidden
        return []
    finally:
        for end in (done, go):
            os.close(end)
        os.waitpid(pid, 0)


def _written(pid: int) -> list[Range]:
    found: list[tuple[int, int]] = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for line in maps:
            addresses, permissions = line.split(maxsplit=2)[:2]
            if permissions[1] != "w" or permissions[3] != "p":
                continue
            first, last = (int(address, 16) for address in addresses.split("-"))
            entries = array.array("Q", os.pread(pagemap.fileno(), (last - first) // _PAGE * 8, first // _PAGE * 8))
            for place, entry in enumerate(entries):
                if not (entry & _PRESENT and entry & _EXCLUSIVE):
                    continue
                address = first + place * _PAGE
                if found and found[-1][1] == address:
                    found[-1] = (found[-1][0], address + _PAGE)
                else:
                    found.append((address, address + _PAGE))
    return [(start, end - start) for start, end in found]


def take(ranges: list[Range]) -> None:
    """Has the kernel copy these pages now."""
    for address, size in ranges:
        populate(address, size)
