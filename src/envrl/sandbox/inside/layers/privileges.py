"""An ordinary user id, no capabilities, no way to gain any, and no debugger.

Cover: a zygote started by root becomes ``nobody`` (so that limits bind it and root's files are closed to it);
no-new-privileges makes set-user-id programs harmless; a process that is not dumpable cannot be traced or read through
/proc by others of its user. Do not cover: what that user may do anyway; that is for Landlock and seccomp.
"""

from __future__ import annotations

import os

from .kernel import prctl

__all__ = ["die_with_parent", "drop_user", "forbid_new", "hide"]

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_NOBODY = 65534
_SIGKILL = 9


def drop_user() -> None:
    """Becomes ``nobody`` for good, if root."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def hide() -> None:
    """Makes this process not dumpable: nobody traces it, and its /proc entries belong to root."""
    prctl(_PR_SET_DUMPABLE, 0)


def forbid_new() -> None:
    """Sets no-new-privileges, for this process and all that come from it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent's thread ends (sound here: the zygote has one thread)."""
    prctl(_PR_SET_PDEATHSIG, _SIGKILL)
