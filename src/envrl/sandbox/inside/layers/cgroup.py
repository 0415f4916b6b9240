"""A control group (cgroup v2) for a zygote and its workers, one a referee: a bound on all of them together.

Covers: processes and memory of all workers at once, kernel memory and shared mappings included, which limits on single
processes leave open. Does not cover: one worker against another (limits and budgets do). Wants a control group whose
children this user may make, as root outside of a container has, or a service with ``Delegate=yes``.
"""

from __future__ import annotations

import contextlib
import errno
import os

__all__ = ["enter"]

_MOUNTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_PREFIX = "envrl-"
_PROCESSES = 2048
_MEMORY_SHARE = 0.75  # of the machine's: workers have limits of their own, this keeps all of them from its last quarter


def enter(mounts: tuple[str, ...] = _MOUNTS, own: str = "/proc/self/cgroup") -> str:
    """Puts this process into a new control group, and gives the group's path; empty ones of the dead are removed.

    Raises:
        OSError: there is no cgroup v2, or it cannot be used here.
    """
    parent = _parent(mounts, own)
    _enable(parent)
    for entry in os.listdir(parent):
        maker = entry.removeprefix(_PREFIX).partition("-")[0]
        if entry.startswith(_PREFIX) and not os.path.exists(f"/proc/{maker}"):  # one that lives may be about to enter
            with contextlib.suppress(OSError):  # in use
                os.rmdir(f"{parent}/{entry}")
    group = f"{parent}/{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(group)
    memory = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * _MEMORY_SHARE)
    try:
        for name, value in (("pids.max", _PROCESSES), ("memory.max", memory), ("cgroup.procs", 0)):
            _write(f"{group}/{name}", str(value))
    except OSError:
        with contextlib.suppress(OSError):
            os.rmdir(group)
        raise
    return group


def _parent(mounts: tuple[str, ...], own: str) -> str:
    with open(own) as lines:
        paths = [line.strip().partition("0::")[2] for line in lines if line.startswith("0::")]
    for mount in mounts:
        if paths and os.path.exists(f"{mount}/cgroup.controllers"):
            return (mount + paths[0]).rstrip("/")
    raise OSError(errno.ENOSYS, "no cgroup v2 is mounted")


def _enable(parent: str) -> None:
    wanted = {"memory", "pids"}
    with open(f"{parent}/cgroup.controllers") as file:
        lacking = wanted - set(file.read().split())
    if lacking:
        raise OSError(errno.ENOTSUP, f"cgroup v2 has no controller {' and '.join(sorted(lacking))} here")
    with open(f"{parent}/cgroup.subtree_control") as file:
        switched_off = wanted - set(file.read().split())
    if switched_off:
        _write(f"{parent}/cgroup.subtree_control", " ".join(f"+{name}" for name in sorted(switched_off)))


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
