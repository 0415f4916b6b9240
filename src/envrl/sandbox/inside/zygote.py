"""The zygote: a small interpreter, warmed with one profile, that forks a confined worker for each program.

It is exec'ed with a scrubbed environment (never forked from the trainer: no torch, no CUDA, no threads in it), imports
what its profile lends, freezes its garbage collector, enters what confinement can be shared, and from then on does
three things: fork a worker on request, reap what has ended, and kill everything when the control channel reaches its
end of file, which is how it learns that the host is gone.

Control messages are msgpack, one to a datagram:

=============================================  ===================================================================
host → zygote                                  zygote → host
=============================================  ===================================================================
                                               ``["ready", {layer: reason or ""}, group, resident, present]`` once:
                                               "" for an active layer; the path of its control group, which the host
                                               removes; the memory and the address space in bytes with which every
                                               worker begins
``["fork", id, limits]`` + the worker's socket  ``["forked", id]`` + a pidfd
                                               ``["ended", id, wait status, largest resident set in bytes]``
=============================================  ===================================================================
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from . import pages
from .agreed import LAYERS, SETUP_FAILED
from .facades import preload, world
from .layers import cgroup, landlock, limits, namespaces, privileges, root, seccomp
from .policy import GUARD
from .sealing import seal
from .session import Lent
from .worker import prepare, serve

__all__ = ["main"]

_CONTROL_BYTES = 2**20
_STACK_DEPTH = 300
_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.decode


class _Confinement:
    """The layers that this machine permits, tried once, and put on each worker."""

    def __init__(self, wanted: list[str]) -> None:
        self.missing = {layer: "" if layer in wanted else "switched off" for layer in LAYERS}
        self._filter = b""
        self.group = ""
        self.resident = self.present = 0
        self._attempt("seccomp", self._build_filter)
        self._attempt("landlock", landlock.abi)

    def _attempt(self, layer: str, step: Callable[[], object]) -> None:
        if self.missing[layer]:
            return
        try:
            step()
        except OSError as error:
            self.missing[layer] = error.strerror or str(error)

    def _build_filter(self) -> None:
        self._filter = seccomp.build()

    def enter_shared(self) -> None:
        """What the zygote puts on itself, before its first fork."""
        self._attempt("cgroup", self._enter_group)
        self._attempt("namespaces", namespaces.enter)
        self.present, self.resident = limits.size()
        if self.missing["namespaces"] and not self.missing["root"]:
            self.missing["root"] = "needs the layer namespaces"
        self._attempt("root", root.empty)

    def _enter_group(self) -> None:
        self.group = cgroup.enter()

    def drop_user(self) -> None:
        """Becomes an ordinary user, or stays one."""
        self._attempt("user", privileges.drop_user)

    def enter_worker(self, budgets: dict[str, Any]) -> None:
        """What each worker puts on itself, seccomp last."""
        privileges.die_with_parent()
        privileges.hide()
        if not self.missing["no_new_privs"]:
            privileges.forbid_new()
        if not self.missing["landlock"]:
            landlock.deny_all()
        if not self.missing["limits"]:
            limits.apply(self.present + budgets["memory"], budgets["worker_cpu"])
        if not self.missing["seccomp"]:
            seccomp.apply(self._filter)


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        lent: Lent,
        entry_point: str,
        confinement: _Confinement,
        written: list[pages.Range],
    ) -> None:
        self._control = control
        self._written = written
        self._lent = lent
        self._entry_point = entry_point
        self._confinement = confinement
        self._poll = select.epoll()
        self._workers: dict[int, tuple[int, int]] = {}  # pidfd: (pid, id)

    def run(self) -> None:
        """Serves until the control channel ends; then no worker is left."""
        self._poll.register(self._control.fileno(), select.EPOLLIN)
        told = self._confinement
        self._control.send(_encode(["ready", told.missing, told.group, told.resident, told.present]))
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._workers:
                    self._reap(descriptor)
                elif not self._obey():
                    for pidfd in list(self._workers):
                        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                        self._reap(pidfd)
                    return

    def _obey(self) -> bool:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, _CONTROL_BYTES, 1)
        except OSError:
            return False
        if not message:
            return False
        _, identity, budgets = _decode(message)
        (end,) = descriptors
        try:
            pid = os.fork()
        except OSError:  # the machine has no process left: this worker's loss, and no program's fault
            os.close(end)
            self._tell(["ended", identity, SETUP_FAILED << 8, 0])
            return True
        if pid == 0:
            self._become_worker(end, budgets)
        os.close(end)
        pidfd = os.pidfd_open(pid)
        self._workers[pidfd] = (pid, identity)
        self._poll.register(pidfd, select.EPOLLIN)
        self._tell(["forked", identity], [pidfd])
        return True

    def _become_worker(self, end: int, budgets: dict[str, Any]) -> NoReturn:
        # Whatever goes wrong before the program runs is no fault of the program's: a code of its own says so.
        try:
            os.dup2(end, 3)
            os.closerange(4, 2**16)
            os.closerange(0, 3)
            pages.take(self._written)
            session, stopwatch = prepare(
                self._lent, self._entry_point, budgets, not self._confinement.missing["language"]
            )
            self._confinement.enter_worker(budgets)
        except BaseException:
            os._exit(SETUP_FAILED)
        try:
            serve(3, session, stopwatch, budgets["call_cpu"])
        except BaseException:
            os._exit(1)
        os._exit(0)

    def _reap(self, pidfd: int) -> None:
        pid, identity = self._workers.pop(pidfd)
        _, status, usage = os.wait4(pid, 0)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        self._tell(["ended", identity, status, usage.ru_maxrss * 1024])

    def _tell(self, message: list[Any], descriptors: list[int] | None = None) -> None:
        with contextlib.suppress(OSError):  # the host may be gone; its end of file comes next
            socket.send_fds(self._control, [_encode(message)], descriptors or [])


def main(descriptor: int) -> None:
    """Reads its profile from the control channel, warms up, and serves.

    Args:
        descriptor: number of the control channel, a SOCK_SEQPACKET socket.
    """
    # Workers must not take the core from the host whenever a message wakes them: it has others to send to.
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host; its end of file is for us
    control = socket.socket(fileno=descriptor)
    profile = _decode(control.recv(_CONTROL_BYTES))
    imports = tuple(profile["imports"])
    try:
        preload(imports)
        lent = Lent(imports, profile["tables"], profile["toolkit"], profile["adapter"])
        _first_use(lent)
        seal()
    except BaseException as error:
        control.send(_encode(["broken", f"{type(error).__name__}: {error}"]))
        return
    sys.path.clear()
    confinement = _Confinement(profile["layers"])
    _grow_stack(_STACK_DEPTH)
    gc.collect()
    written = pages.rehearse(lambda: _rehearsal(lent))
    confinement.enter_shared()
    if not confinement.missing["namespaces"] and (pid := os.fork()) != 0:
        # The child is init of the new namespace, and the zygote; this process only waits for its end.
        control.close()
        os.waitpid(pid, 0)
        return
    confinement.drop_user()
    if not confinement.missing["namespaces"]:
        # The parent is the process above. Elsewhere it is a thread of the host's, and those come and go. After the
        # change of user, which clears the wish.
        privileges.die_with_parent()
    gc.collect()
    gc.freeze()
    _Zygote(control, lent, profile["entry_point"], confinement, written).run()


def _grow_stack(depth: int) -> int:
    """Calls itself through C so often. The stack keeps its size; in a worker whose memory is full it could not grow."""
    return max((depth,), key=lambda depth: _grow_stack(depth - 1)) if depth else 0


def _first_use(lent: Lent) -> None:
    """Runs a program once, so that whatever the interpreter loads lazily is loaded before the walls go up."""
    from .session import Session

    class Still:
        def start(self, budget: float) -> None: ...

        def stop(self) -> float:
            return 0.0

    budgets = {"load_cpu": 1.0, "call_cpu": 1.0, "game_cpu": 1.0, "recursion": 400, "output": 100, "value": 100}
    imports = "".join(f"import {name}\n" for name in lent.imports)
    session = Session(lent, "f", budgets, Still())
    # Names beyond ASCII have the parser import unicodedata.
    session.load(f"{imports}é = 0\ndef f(*a):\n    return '{{}}'.format(len(a))\n".encode())
    # A toolkit that fails is ours: found now, it is not blamed on every strategy.
    lent.helpers(world(lent.imports, 0, 100, (GUARD, lambda: None), _refuse))


_TYPICAL = b"""\
def f(*args):
    def value(m):
        n = [x * 2 for x in range(4) if x != m]
        return 3 * sum(n) - 2 * len(n)
    return max([1, 2], key=value)
"""


def _rehearsal(lent: Lent) -> None:
    """What every worker does, with a program such as models write, and an observation that means nothing."""
    budgets = {"load_cpu": 0.5, "call_cpu": 0.5, "game_cpu": 0.5, "grace_cpu": 0.1}
    budgets |= {"recursion": 400, "output": 100, "value": 100}
    session, _ = prepare(lent, "f", budgets, True)
    session.load(_TYPICAL)
    session.open(0, 0)
    session.call(0, b"")


def _refuse(outcome: str, reason: str) -> NoReturn:
    raise RuntimeError(f"the toolkit meets a {outcome}: {reason}")
