"""One process at a time works in a run: an advisory lock that the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import weakref
from pathlib import Path

from envrl.errors import RunError

__all__ = ["Exclusive", "is_free"]

_TRIES, _PAUSE = 5, 0.02


class Exclusive:
    """Holds the lock file of a run until `release`, or until the process dies; the file names the holder's pid.

    Raises:
        RunError: another process holds it, or the file cannot be locked.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        descriptor = _open(path)
        for attempt in range(_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # `is_free` holds the lock for an instant: only a lock that stays is a process at work.
                if attempt == _TRIES - 1:
                    pid = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
                    os.close(descriptor)
                    raise RunError(
                        f"{path.parent}: process {pid} works in this run; wait for it, end it, or choose another --name"
                    ) from None
                time.sleep(_PAUSE)
            except OSError as error:
                os.close(descriptor)
                raise RunError(
                    f"{path}: this file system keeps no locks ({error.strerror}); choose another output.root"
                ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        _held.add(self)

    @property
    def held(self) -> bool:
        """Whether this process still holds the lock."""
        return self._descriptor >= 0

    def release(self) -> None:
        """Let others work in the run; releasing twice does nothing."""
        if self.held:
            os.close(self._descriptor)
            self._descriptor = -1


def is_free(path: Path) -> bool:
    """Whether no process holds a lock file (a missing one is free)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise RunError(f"{path}: cannot be opened ({error.strerror}); check the permissions of the folder") from error


_held: weakref.WeakSet[Exclusive] = weakref.WeakSet()


def _close_in_child() -> None:
    # A forked child shares the lock: one that outlives us would make a dead run look alive.
    for lock in list(_held):
        with contextlib.suppress(OSError):
            lock.release()


os.register_at_fork(after_in_child=_close_in_child)
