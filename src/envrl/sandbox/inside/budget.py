"""CPU budgets inside the worker: a soft fault first, so that neighbouring games live; then the kernel's axe.

Two interval timers run on the worker's own CPU time. ``ITIMER_VIRTUAL`` beats every few milliseconds of it; its
handler looks at the precise CPU clock and, past a budget, raises in the program's frame. A beat within a budget pushes
``ITIMER_PROF`` ahead, which counts time in the kernel too and whose signal has no handler: a program that never returns
to the interpreter (one long call into C), that swallows the soft fault, or that goes on after its call (while what it
returned is freed) is not pushed ahead any more, and the kernel ends the worker.

The garbage collector runs while a call does and at no other time: a generator that it finalizes between two calls would
use CPU that nobody counts.

Not covered: a program that has broken out of the interpreter can reset the timers. The host's wall-clock backstop and
the RLIMIT_CPU of the worker end it.
"""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

__all__ = ["Stopwatch"]

_BEAT = 0.005
_OWN_FILES = frozenset({__file__, __file__.replace("budget", "session")})


class Stopwatch:
    """Times calls on the worker's CPU clock.

    Args:
        grace: seconds of CPU between a soft fault, or the last sign of the interpreter, and the kernel's axe.
        expired: raises the soft fault in the program's frame.
    """

    def __init__(self, grace: float, expired: Callable[[], NoReturn]) -> None:
        self._grace = grace
        self._grace_ns = int(grace * 1e9)
        self._expired = expired
        self._started = 0
        self._budget = 0
        self._running = False
        self._longest = 0.0

    def arm(self, seconds: float) -> None:
        """Starts the timers, for calls of ``seconds`` at the most."""
        signal.signal(signal.SIGVTALRM, self._beat)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        self.reach(seconds)
        self.mark()
        signal.setitimer(signal.ITIMER_VIRTUAL, _BEAT, _BEAT)
        gc.disable()

    def reach(self, seconds: float) -> None:
        """From here on no call has a longer budget than ``seconds``."""
        self._longest = seconds
        signal.setitimer(signal.ITIMER_PROF, seconds + self._grace)

    # The thread's clock, not the process's: while an interval timer runs, Linux reads the latter off the last tick.
    # Reading it costs as much as a small strategy's move, so a call begins when the one before it ended.

    def mark(self) -> None:
        """The next call begins now."""
        self._started = time.thread_time_ns()

    def start(self, budget: float) -> None:
        """Begins a call that may use ``budget`` seconds of CPU; it began at the last `mark` or `stop`."""
        self._budget = int(budget * 1e9)
        self._running = True
        gc.enable()

    def stop(self) -> float:
        """Ends the call; gives the seconds of CPU that it used."""
        gc.disable()
        self._running = False
        now = time.thread_time_ns()
        used, self._started = now - self._started, now
        return used * 1e-9

    def _beat(self, signum: int, frame: FrameType | None) -> None:
        try:
            self._look(frame)
        except MemoryError:
            if self._running:
                raise  # in the program's frame, whose memory is full

    def _look(self, frame: FrameType | None) -> None:
        used = time.thread_time_ns() - self._started
        if not self._running:
            if used > self._grace_ns:
                return  # our own work between two calls is short: this is the program's, at its death
        elif used > self._budget:
            # Between a return and `stop` the frame is our own: there the session itself finds the call too long.
            if frame is not None and frame.f_code.co_filename not in _OWN_FILES:
                self._expired()
            return
        signal.setitimer(signal.ITIMER_PROF, self._longest + self._grace)
