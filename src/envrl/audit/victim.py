"""An innocent process, of the same user as the workers, that shows afterwards whether anybody laid hands on it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from envrl.errors import SandboxError

__all__ = ["Victim"]

# All signals are blocked, so that one that comes stays pending, to be read from outside. A change of user hides a
# process from debuggers; an ordinary process, which this one stands for, is not hidden. It ends with its parent.
_SLEEPER = """
import ctypes, os, signal, time
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
parent = os.getppid()
os.write(1, b".")
while os.getppid() == parent:
    time.sleep(1)
"""


class Victim:
    """A process that sleeps.

    Raises:
        SandboxError: it does not start.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SLEEPER], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        if self._process.stdout.read(1) != b".":
            self.close()
            raise SandboxError("the audit's innocent process did not start")
        self._manners = self._look()

    @property
    def pid(self) -> int:
        """Its number in the host."""
        return self._process.pid

    def wounds(self) -> list[str]:
        """What was done to it: its death, signals, a tracer, another priority, other limits."""
        found = []
        with contextlib.suppress(OSError):  # it may be dying
            if self._process.poll() is None:
                found = self._marks()
        code = self._process.poll()
        if code is not None:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            found.append(f"ended the innocent process ({how})")
        return found

    def _marks(self) -> list[str]:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        pending = int(status["SigPnd"], 16) | int(status["ShdPnd"], 16)
        found = [f"sent the innocent process {s.name}" for s in signal.Signals if pending >> (s - 1) & 1]
        if pending and not found:
            found.append("sent the innocent process a real-time signal")
        if status["State"].split()[0] in ("T", "t") or int(status["TracerPid"]):
            found.append("stopped or traced the innocent process")
        if self._look() != self._manners:
            found.append("changed the innocent process's priority, processors or limits")
        return found

    def _look(self) -> tuple[Any, ...]:
        pid = self.pid
        limits = Path(f"/proc/{pid}/limits").read_text()
        return os.sched_getscheduler(pid), os.getpriority(os.PRIO_PROCESS, pid), os.sched_getaffinity(pid), limits

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            with contextlib.suppress(OSError):
                self._process.stdout.close()
