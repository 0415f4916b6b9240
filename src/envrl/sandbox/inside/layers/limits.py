"""Resource limits (``setrlimit``).

Cover: address space and data (a memory bomb meets MemoryError), CPU seconds as a last backstop, no files written, no
descriptors opened, no core dumps, no processes (for an ordinary user id only: RLIMIT_NPROC does not bind root).
Do not cover: system calls as such, kernel memory, memory that many workers use together.
"""

from __future__ import annotations

import math
import resource

__all__ = ["apply", "size"]


def size() -> tuple[int, int]:
    """Address space of this process now, and what a fork of it begins with in memory, in bytes.

    The second is the resident set without the pages of files, which a fork maps only when it meets them. Not from
    ``getrusage``: there the largest resident set may be the parent's, from before the exec.
    """
    with open("/proc/self/statm", "rb") as statm:
        pages, resident, of_files = map(int, statm.read().split()[:3])
    return pages * resource.getpagesize(), (resident - of_files) * resource.getpagesize()


def apply(address_space: int, cpu: float) -> None:
    """Limits this process to ``address_space`` bytes and ``cpu`` seconds, both in all; no descriptor opens any more."""
    # RLIMIT_DATA leaves shared mappings out; RLIMIT_AS counts them.
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        resource.setrlimit(kind, (address_space, address_space))
    seconds = math.ceil(cpu)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for kind in (
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_CORE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_MEMLOCK,
        resource.RLIMIT_NOFILE,
    ):
        resource.setrlimit(kind, (0, 0))
