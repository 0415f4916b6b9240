"""The host's end of a zygote: starting it, asking it for workers, hearing of their births and deaths."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from envrl.errors import SandboxError, ZygoteLost
from envrl.sandbox.profile import Profile

__all__ = ["Born", "Died", "Zygote"]

_CONTROL_BYTES = 2**20
_START_SECONDS = 60.0
_BOOT = "import sys; sys.path[:0] = {paths!r}; from inside.zygote import main; main({descriptor})"


class Born(NamedTuple):
    """A worker lives; whoever takes this closes its ``pidfd``."""

    identity: int
    pidfd: int


class Died(NamedTuple):
    """A worker is dead and reaped: its wait status, and its largest resident set in bytes."""

    identity: int
    status: int
    memory: int


class Zygote:
    """A small interpreter of its own, warm with one profile, that forks confined workers.

    Args:
        profile: what it warms up and lends.
        layers: what it puts on its workers where the machine permits it.

    Raises:
        SandboxError: it does not start, or cannot warm up its profile.
    """

    def __init__(self, profile: Profile, layers: Sequence[str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here = Path(__file__).parent
        # The worker's side needs RestrictedPython and msgspec from wherever this interpreter has them.
        libraries = sorted({str(Path(sys.modules[name].__file__ or "").parent.parent) for name in ("msgspec",)})
        libraries += [path for path in sys.path if path and (Path(path) / "RestrictedPython").is_dir()]
        boot = _BOOT.format(paths=[str(here), *dict.fromkeys(libraries)], descriptor=theirs.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-S", "-B", "-c", boot],
            env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._control = ours
        self._group = ""
        self.resident = self.present = 0
        """What a worker begins with in memory, and in its address space, in bytes."""
        ours.settimeout(_START_SECONDS)
        try:
            ours.send(msgspec.msgpack.encode({**msgspec.structs.asdict(profile), "layers": layers}))
            word, content, *rest = msgspec.msgpack.decode(ours.recv(_CONTROL_BYTES) or b"\x92\xa6broken\xa0")
        except OSError as error:
            self.close()
            raise SandboxError(f"the sandbox's zygote does not answer: {error}") from None
        if word != "ready":
            self.close()
            raise SandboxError(f"the sandbox's zygote could not warm up its profile: {content or 'it ended'}")
        ours.setblocking(False)
        self._group, self.resident, self.present = rest
        self.layers: dict[str, str] = content
        """Each layer with "" where it is active, else the reason why it is not."""

    @property
    def pid(self) -> int:
        """Of the process that was started: the zygote, or the parent of one in a process-id namespace of its own."""
        return self._process.pid

    def fileno(self) -> int:
        """Of the control channel: readable when there is something to hear."""
        return self._control.fileno()

    def fork(self, identity: int, budgets: dict[str, Any], end: socket.socket) -> bool:
        """Asks for a worker that serves ``end``; False where the channel is full, so that one must `hear` first.

        Raises:
            ZygoteLost: it has ended.
        """
        message = msgspec.msgpack.encode(["fork", identity, budgets])
        try:
            socket.send_fds(self._control, [message], [end.fileno()])
        except BlockingIOError:
            return False
        except OSError as error:
            raise ZygoteLost(f"the sandbox's zygote is gone: {error}") from None
        return True

    def wait(self) -> None:
        """Waits until there is something to hear, or room to ask."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN | select.POLLOUT)
        poll.poll()

    def hear(self) -> Iterator[Born | Died]:
        """What it has said since.

        Raises:
            ZygoteLost: it has ended.
        """
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._control, _CONTROL_BYTES, 1)
            except BlockingIOError:
                return
            except ConnectionResetError:
                message, descriptors = b"", []
            if not message:
                raise ZygoteLost("the sandbox's zygote ended unexpectedly")
            word, identity, *rest = msgspec.msgpack.decode(message)
            yield Born(identity, descriptors[0]) if word == "forked" else Died(identity, *rest)

    def close(self) -> None:
        """Ends it with all its workers, and waits for that."""
        self._control.close()
        try:
            self._process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._group:
            with contextlib.suppress(OSError):  # a worker is not reaped yet: the next zygote removes the group
                os.rmdir(self._group)
