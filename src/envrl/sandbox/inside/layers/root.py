"""An empty root: the file system that workers see holds nothing, and nothing can be made in it.

Covers: every path of the host, ``stat`` included, even where Landlock is missing. Does not cover: descriptors that are
already open, and kernel interfaces that need no path. Wants a mount namespace of one's own.
"""

from __future__ import annotations

import os

from .kernel import mount, pivot_root, unmount

__all__ = ["empty"]

_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _REC, _PRIVATE = 1, 2, 4, 8, 32, 1 << 14, 1 << 18
_DETACH = 2
_HARDENED = _NOSUID | _NODEV | _NOEXEC
_COVERED = "/proc"  # any directory that is there on every machine


def empty() -> None:
    """Makes an empty read-only file system the root and the working directory, and lets go of the old one.

    Raises:
        OSError: the machine does not permit it.
    """
    mount(None, "/", None, _REC | _PRIVATE)
    mount("none", _COVERED, "tmpfs", _HARDENED)
    os.chdir(_COVERED)
    pivot_root(".", ".")  # stacks the old root on the new one, so that no directory for it is needed
    unmount(".", _DETACH)
    os.chdir("/")
    mount(None, "/", None, _REMOUNT | _RDONLY | _HARDENED)
