"""Tripwires in the host for hostile programs to find, and the tokens that tell a specimen where they lie.

What reaches out of a worker leaves a trace on one of them. What only reads returns the secret word, the *breach*, from
its entry point; whoever plays the specimen looks for that.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

import psutil

from envrl.audit.victim import Victim
from envrl.errors import SandboxError

__all__ = ["TOKENS", "Bait"]

TOKENS = frozenset("entry action breach secret folder tcp udp unix victim variable shm marker".split())
"""Names that a specimen's source may hold behind a dollar sign."""

_LOOK_SECONDS = 0.25  # between two looks at the machine's processes: what a specimen starts sleeps for seconds
_IPC_RMID = 0


class Bait:
    """Lays the tripwires when it is entered and takes them all away at its exit.

    Raises:
        SandboxError: on entering: this is not Linux, or other users cannot reach the folder for temporary files, so
            that no tripwire there would prove anything.
    """

    def __init__(self) -> None:
        self.breach = f"breach-{secrets.token_hex(8)}"
        """The secret word, fresh for each bait."""
        self._variable = f"ENVRL_AUDIT_{secrets.token_hex(4).upper()}"
        self._marker = f"envrl-audit-{secrets.token_hex(8)}"
        self._unix = f"envrl-audit-{secrets.token_hex(8)}"
        self._shm = 1 + secrets.randbelow(2**31 - 2)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if sys.platform != "linux":
            raise SandboxError(f"programs run confined on Linux only, and this is {sys.platform}: use a Linux machine")
        with ExitStack() as stack:
            self._lay(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _lay(self, stack: ExitStack) -> None:
        base = Path(tempfile.mkdtemp(prefix="envrl-audit-"))
        stack.callback(shutil.rmtree, base, ignore_errors=True)
        base.chmod(0o755)
        closed = [parent for parent in base.parents if not parent.stat().st_mode & stat.S_IXOTH]
        if closed and os.geteuid() == 0:
            raise SandboxError(f"the audit lays its bait in {base}, and {closed[-1]} is closed to others: set TMPDIR")
        self._secret, self._folder = base / "secret", base / "folder"
        self._secret.write_text(self.breach)
        self._secret.chmod(0o644)
        self._folder.mkdir()
        self._folder.chmod(0o1777)
        self._stamps = {path: _stamp(path) for path in (self._secret, self._folder)}

        self._tcp = stack.enter_context(socket.socket())
        self._tcp.bind(("127.0.0.1", 0))
        self._udp = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        self._udp.bind(("127.0.0.1", 0))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind("\0" + self._unix)
        named = stack.enter_context(socket.socket(socket.AF_UNIX))
        named.bind(f"{self._folder}.sock")
        os.chmod(f"{self._folder}.sock", 0o777)
        self._listeners = {"TCP": self._tcp, "abstract unix": abstract, "unix": named}
        for listener in self._listeners.values():
            listener.listen(128)
        for end in (*self._listeners.values(), self._udp):
            end.setblocking(False)

        os.environ[self._variable] = self.breach
        stack.callback(os.environ.pop, self._variable, None)
        self._victim = Victim()
        stack.callback(lambda: self._victim.close())
        stack.callback(_remove_sysv, self._shm)
        self._seen: list[str] = []
        self._over = threading.Event()
        looking = threading.Thread(target=self._look_on, name="envrl-audit-bait", daemon=True)
        looking.start()
        stack.callback(looking.join)
        stack.callback(self._over.set)

    def fill(self, source: str, entry: str, action: str) -> str:
        """A specimen's source with its tokens filled in, as they are now: a victim that was hurt has a successor.

        Args:
            source: with ``$tokens``; anything else behind a dollar sign stays as it is.
            entry: name of the entry point.
            action: Python source of a value that the entry point may return.
        """
        return Template(source).safe_substitute(
            entry=entry,
            action=action,
            breach=self.breach,
            secret=self._secret,
            folder=self._folder,
            tcp=self._tcp.getsockname()[1],
            udp=self._udp.getsockname()[1],
            unix=self._unix,
            victim=self._victim.pid,
            variable=self._variable,
            shm=self._shm,
            marker=self._marker,
        )

    def touched(self) -> tuple[str, ...]:
        """What was touched since the last call, in plain words, each once; the tripwires are then laid anew."""
        looks = (self._files, self._connections, self._datagrams, self._wounds, self._objects, self._processes)
        return tuple(dict.fromkeys(word for look in looks for word in look()))

    def _files(self) -> Iterator[str]:
        changed = [path for path, before in self._stamps.items() if _stamp(path) != before]
        found = sorted(self._folder.iterdir())
        for path in found:
            yield f"left {path.name!r} in the open folder"
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        if self._secret in changed:
            yield "changed the secret file"
        elif changed and not found:
            yield "changed the open folder"
        self._stamps = {path: _stamp(path) for path in self._stamps}

    def _connections(self) -> Iterator[str]:
        for name, listener in self._listeners.items():
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    yield f"connected to the {name} socket"

    def _datagrams(self) -> Iterator[str]:
        with suppress(BlockingIOError):
            while True:
                self._udp.recv(1)
                yield "sent a datagram to the UDP socket"

    def _wounds(self) -> list[str]:
        found = self._victim.wounds()
        if found:
            self._victim.close()
            self._victim = Victim()
        return found

    def _objects(self) -> Iterator[str]:
        for name in _remove_sysv(self._shm):
            yield f"left System V {name} behind"

    def _processes(self) -> list[str]:
        self._look()
        found, self._seen = self._seen, []
        return found

    def _look_on(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for process in psutil.process_iter(["cmdline"]):
            if any(self._marker in word for word in process.info["cmdline"] or ()):
                self._seen.append("started a process")
                with suppress(psutil.NoSuchProcess):
                    process.kill()


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes with a file's content, name, rights or times, and with a folder's entries."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_mode, status.st_ctime_ns


def _remove_sysv(key: int) -> list[str]:
    """The kinds of System V objects that existed under a key; they are gone now."""
    libc = ctypes.CDLL(None, use_errno=True)
    removers: dict[str, tuple[int, Callable[[int], int]]] = {
        "shared memory": (libc.shmget(key, ctypes.c_size_t(0), 0), lambda i: libc.shmctl(i, _IPC_RMID, None)),
        "semaphores": (libc.semget(key, 0, 0), lambda i: libc.semctl(i, 0, _IPC_RMID)),
        "messages": (libc.msgget(key, 0), lambda i: libc.msgctl(i, _IPC_RMID, None)),
    }
    found = [name for name, (identity, _) in removers.items() if identity >= 0]
    for name in found:
        identity, remove = removers[name]
        remove(identity)
    return found
