"""Landlock: no file, no TCP port, no signal or abstract socket beyond this process.

Covers: opening, making, listing, running or removing anything in the file system, TCP bind and connect (ABI 4), and
signals and abstract sockets to other processes (ABI 6). One domain is put on each worker, nested in none that
siblings share, so that workers cannot signal each other. Does not cover: descriptors that are already open, UDP,
``stat``, and kernels before 5.13.
"""

from __future__ import annotations

import ctypes
import os
import struct

from .kernel import landlock_number, syscall

__all__ = ["abi", "deny_all"]

_VERSION = 1
# Rights by the ABI that brought them: (file system, network, scopes).
_RIGHTS = {1: (13, 0, 0), 2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2)}


def abi() -> int:
    """The kernel's Landlock version.

    Raises:
        OSError: it has none, or it is switched off.
    """
    return syscall(landlock_number("create_ruleset"), None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION))


def deny_all() -> None:
    """Puts this process into a domain of its own that allows nothing; wants no-new-privileges.

    Raises:
        OSError: the kernel refused.
    """
    files, network, scopes = _RIGHTS[min(abi(), max(_RIGHTS))]
    words = [(1 << files) - 1, (1 << network) - 1, (1 << scopes) - 1]
    while not words[-1]:  # an older kernel wants the shorter structure
        words.pop()
    attributes = struct.pack(f"<{len(words)}Q", *words)
    ruleset = syscall(landlock_number("create_ruleset"), attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    syscall(landlock_number("restrict_self"), ctypes.c_int(ruleset), ctypes.c_uint(0))
    os.close(ruleset)
