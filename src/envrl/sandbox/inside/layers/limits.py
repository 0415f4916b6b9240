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
    """Address space and resident set of this process now, in bytes.

    Not ``getrusage``: its largest resident set is the parent's, from before the exec.
    """
    with open("/proc/self/statm", "rb") as statm:
        pages, resident = statm.read().split()[:2]
    return int(pages) * resource.getpagesize(), int(resident) * resource.getpagesize()


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
