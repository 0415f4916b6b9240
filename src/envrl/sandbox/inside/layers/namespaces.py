"""Namespaces: an own network without interfaces, own System V IPC, host name, process ids and mounts.

Cover: any network at all, UDP and netlink included; shared memory and semaphores of others; seeing or naming other
processes. Do not cover: the file system (`root` and Landlock do). Ordinary containers refuse them, and then seccomp,
limits and Landlock carry the load.
"""

from __future__ import annotations

import os

from .kernel import unshare

__all__ = ["enter"]

_USER, _PID, _NET, _IPC, _UTS, _MOUNT = 0x10000000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x00020000


def enter() -> None:
    """Enters new namespaces; processes forked from here on live in the new process-id namespace.

    Raises:
        OSError: the machine does not permit it.
    """
    uid, gid = os.geteuid(), os.getegid()
    wanted = _PID | _NET | _IPC | _UTS | _MOUNT
    if uid == 0:
        unshare(wanted)
        return
    unshare(wanted | _USER)
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as entry:
            entry.write(content)
