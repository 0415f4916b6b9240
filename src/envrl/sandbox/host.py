"""The host's side of the sandbox: has a zygote fork workers, and talks to many programs at once.

Sending and collecting are separate, so that host and workers overlap: `Program.load` and `Program.play` only send;
`Sandbox.collect` gives the replies that have arrived. One sandbox serves one thread.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from envrl.errors import SandboxError, ZygoteLost
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox.inside.agreed import LAYERS, LEAST, SETUP_FAILED
from envrl.sandbox.messages import (
    BadFrame,
    Fault,
    Frames,
    Loaded,
    Played,
    load_frame,
    parse_loaded,
    parse_played,
    play_frame,
)
from envrl.sandbox.profile import Profile
from envrl.sandbox.zygote import Born, Zygote

__all__ = ["LAYERS", "LEAST", "Program", "Reply", "Sandbox", "active_layers"]

Reply = Loaded | Played | Fault

_CHUNK = 2**18
_AFTER_KILL_SECONDS = 60.0
_WATCH_SECONDS = 0.5
_NEARLY = 0.75  # of its memory; the rest may be lost in the gaps between what is used
_LOOK_SECONDS = 0.5, 1.5  # between two looks at who sleeps: nobody can know when, and be awake
_NAPS = 2  # waits between two looks that an honest program may have, for a page of memory
_SHARE = 1 / 60  # of a core: who gets less may blame the machine, which is not so with a core full of busy workers
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """One program in a worker of its own; made by `Sandbox.load`."""

    def __init__(self, sandbox: Sandbox, identity: int, end: socket.socket, limits: Limits) -> None:
        self._sandbox = sandbox
        self._identity = identity
        self._end = end
        self._limits = limits
        self._frames = Frames()
        self._unsent = b""
        self._calls: int | None = None  # of the message that is being answered; None: a load
        self._deadline = 0.0
        self._cpu = 0.0  # budget of the message that is being answered
        self._overdue: tuple[float, float] | None = None  # since when, and the CPU that it had used by then
        self._naps: int | None = None  # how often it had given up its core by the last look
        self._slept = 0.0  # seconds in all, as far as it was seen asleep
        self._pidfd: int | None = None
        self._status: int | None = None  # how it ended, for wait(2)
        self._died_full = False  # whether its memory was nearly full when it died
        self._killed: Outcome | None = None
        self._epitaph: Fault | None = None  # of one that failed while nothing was asked of it
        self.open = True

    def play(
        self,
        calls: Sequence[tuple[int, bytes]],
        opened: Sequence[tuple[int, int]] = (),
        closed: Sequence[int] = (),
    ) -> None:
        """Sends one step; its reply comes from `Sandbox.collect`.

        Args:
            calls: (slot, observation as the profile's adapter reads it) for each call to make.
            opened: (slot, seed of the game's own ``random``) for each game that begins; before the calls.
            closed: slots whose games have ended; before those that begin.
        """
        self._frames.expect(len(calls), self._limits.value)
        cpu = len(calls) * (self._limits.call_cpu + self._limits.grace_cpu)
        self._send(play_frame(opened, closed, calls), len(calls), cpu)

    def was_full(self) -> bool:
        """Whether its memory has been nearly full at some time, so that one game may have felt what another took.

        The interpreter does not always come to say so, nor does an error of a finalizer; the kernel knows. Where it
        does not say, such as of a worker that has just ended, it may have been.
        """
        peak = 0 if self._pidfd is None else _told(self._pidfd, "VmPeak") * 1024
        return not peak or peak - self._sandbox._zygote.present > _NEARLY * self._limits.memory

    def close(self) -> None:
        """Ends the worker; a reply that is on its way is dropped."""
        if self.open:
            self.open = False
            self._sandbox._forget(self)
            self._end.close()

    def _send(self, frame: bytes, calls: int | None, cpu: float) -> None:
        if self._epitaph is not None:
            self._sandbox._late.append((self, self._epitaph))
            return
        self._calls = calls
        self._cpu = cpu
        self._overdue = None
        self._naps = None
        self._deadline = time.monotonic() + max(self._limits.wall_floor, self._limits.wall_factor * cpu)
        self._unsent += frame
        self._flush()
        self._sandbox._awaited.add(self)

    def _flush(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._end.send(self._unsent) :]
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass  # a worker that is gone is found out by its end of file, and mourned there
        self._sandbox._watch(self, bool(self._unsent))


class Sandbox:
    """Runs untrusted programs, each in a confined process of its own.

    Args:
        profile: what is lent to every program.
        layers: the layers to put on where the machine permits them; all, unless one is to be tried without.
        require: layers without which nothing is run.

    Raises:
        SandboxError: the zygote does not start, or a required layer is missing.
    """

    def __init__(self, profile: Profile, *, layers: Sequence[str] = LAYERS, require: Sequence[str] = LEAST) -> None:
        if sys.platform != "linux":
            raise SandboxError(
                f"programs run confined on Linux only, and this is {sys.platform}: use a Linux machine, or WSL 2"
            )
        self._profile = profile
        self._layers = tuple(layers)
        self._require = tuple(require)
        self._next = 0
        self.peak_memory = 0
        """Largest resident set of any worker that has ended, in bytes."""
        self._start()

    def _start(self) -> None:
        self._programs: dict[int, Program] = {}
        self._by_descriptor: dict[int, Program] = {}
        self._writing: set[Program] = set()
        self._awaited: set[Program] = set()
        self._late: list[tuple[Program, Reply]] = []
        self._next_look = 0.0
        self._apart = 0.0  # seconds that lie before it
        self._looks = random.Random()  # of its own: no run depends on when somebody looked
        self._spare: deque[Program] = deque()
        self._spare_for: tuple[Limits, int] | None = None
        self._zygote = Zygote(self._profile, self._layers)
        self._epoll = select.epoll()
        self._epoll.register(self._zygote.fileno(), select.EPOLLIN)
        self.layers = self._zygote.layers
        """Each layer with "" where it is active, else the reason why it is not."""
        reasons = {name: self.layers.get(name, "unknown layer") for name in self._require}
        lacking = [f"{name} ({reason})" for name, reason in reasons.items() if reason]
        if lacking:
            self.close()
            raise SandboxError(
                f"the sandbox lacks required layers: {', '.join(lacking)}; "
                "run 'envrl doctor --sandbox', or name fewer layers in sandbox.require"
            )

    def restart(self) -> None:
        """Begins anew, with a new zygote: after a `ZygoteLost`. All programs are gone.

        Raises:
            SandboxError: the new zygote does not start.
        """
        self.close()
        self._start()

    # -- programs -------------------------------------------------------------------------------------------------

    def load(self, source: bytes, limits: Limits, games: int = 1) -> Program:
        """Sends a program to a worker of its own; its `Loaded` or `Fault` comes from `collect`.

        Args:
            source: what the model wrote, never looked at by the host; capping its size is the caller's affair.
            games: how many games it will play at the most, for the worker's whole budget of CPU.
        """
        program = self._spare.popleft() if self._spare_for == (limits, games) and self._spare else None
        if program is None or program._epitaph is not None:
            program = self._fork(limits, games)
        program._frames.expect(1, 0)
        program._send(load_frame(source), None, limits.load_cpu + limits.grace_cpu)
        return program

    def prepare(self, limits: Limits, games: int = 1, count: int = 1) -> None:
        """Forks workers ahead of need, best while nothing else runs: `load` takes them first.

        Args:
            limits, games: as those programs will be loaded with; workers prepared for others are ended.
            count: how many shall stand ready.

        Raises:
            ZygoteLost: the zygote ended.
        """
        if self._spare_for != (limits, games):
            for program in self._spare:
                program.close()
            self._spare.clear()
            self._spare_for = (limits, games)
        while len(self._spare) < count:
            self._spare.append(self._fork(limits, games))

    def _fork(self, limits: Limits, games: int) -> Program:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        program = Program(self, self._next, ours, limits)
        self._next += 1
        budgets = msgspec.structs.asdict(limits)
        budgets["worker_cpu"] = limits.load_cpu + games * (limits.game_cpu + limits.grace_cpu) + limits.grace_cpu
        try:
            while not self._zygote.fork(program._identity, budgets, theirs):
                # It may be waiting for us: it tells of each birth and death before it reads on.
                self._late += self._hear()
                self._zygote.wait()
        except SandboxError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._programs[program._identity] = program
        self._by_descriptor[ours.fileno()] = program
        self._epoll.register(ours.fileno(), select.EPOLLIN)
        return program

    def collect(self, timeout: float | None = None) -> list[tuple[Program, Reply]]:
        """The replies that have arrived; waits for the first of them, ``timeout`` seconds at the most.

        A `Fault` in place of `Loaded` or `Played` is the end of the program: its worker refused it, died, sent
        rubbish, or outstayed the wall clock. Gives nothing when nothing is awaited.

        Raises:
            ZygoteLost: the zygote ended, or does not do its work.
        """
        end = None if timeout is None else time.monotonic() + timeout
        zygote = self._zygote.fileno()
        replies, self._late = self._late, []
        while not replies:
            now = time.monotonic()
            wait = (self.seconds_left() or 0.0) if self._awaited else 0.0  # births and deaths are heard of in any case
            if end is not None:
                wait = min(wait, max(end - now, 0.0))
            events = self._epoll.poll(wait)
            for descriptor, event in events:
                if descriptor == zygote:
                    replies += self._hear()
                elif (program := self._by_descriptor.get(descriptor)) is not None:
                    if event & select.EPOLLOUT:
                        program._flush()
                    if event & ~select.EPOLLOUT:
                        replies += self._receive(program)
            if not events and not self._awaited:
                break
            if self._awaited and (not events or not wait):  # others' replies are no reason to wait for one that is late
                self._kill_overdue()
            if end is not None and time.monotonic() >= end:  # whoever sends byte by byte does not hold up the others
                break
        return replies

    def fileno(self) -> int:
        """Readable when `collect` has something to do, for an event loop; `seconds_left` says when it has anyway."""
        return self._epoll.fileno()

    def seconds_left(self) -> float | None:
        """Until those that are awaited have to be looked at, at the latest; None where none is awaited."""
        if not self._awaited:
            return None
        deadline = min(program._deadline for program in self._awaited)
        return max(0.0, min(deadline, self._next_look) - time.monotonic())

    def _receive(self, program: Program) -> list[tuple[Program, Reply]]:
        try:
            data = program._end.recv(_CHUNK)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data = b""
        try:
            if not data:
                # The worker has ended; the zygote will say how. Until then there is nothing to hear from it.
                self._unwatch(program)
                return self._post_mortem(program)
            if program not in self._awaited:
                raise BadFrame("a frame that nobody asked for")
            body = program._frames.feed(data)
            if body is None:
                return []
            reply: Reply
            if program._calls is None:
                reply = parse_loaded(body)
            else:
                reply = parse_played(body, program._calls, program._limits.value)
        except BadFrame as error:
            reply = Fault(Outcome.CRASH, f"the worker sent rubbish: {error}")
        return self._answer(program, reply)

    def _answer(self, program: Program, reply: Reply) -> list[tuple[Program, Reply]]:
        wanted = program in self._awaited
        self._awaited.discard(program)
        if isinstance(reply, Fault):
            program._epitaph = None if wanted else reply
            program.close()
        return [(program, reply)] if wanted else []

    def _hear(self) -> list[tuple[Program, Reply]]:
        replies: list[tuple[Program, Reply]] = []
        for event in self._zygote.hear():
            program = self._programs.get(event.identity)
            if isinstance(event, Born):
                if program is None:
                    os.close(event.pidfd)
                else:
                    program._pidfd = event.pidfd
            else:
                self.peak_memory = max(self.peak_memory, event.memory)
                if program is not None:
                    program._status = event.status
                    program._died_full = event.memory - self._zygote.resident > _NEARLY * program._limits.memory
                    replies += self._post_mortem(program)
        return replies

    def _post_mortem(self, program: Program) -> list[tuple[Program, Reply]]:
        """What a worker died of, once both its silence and the zygote's word are here."""
        status = program._status
        if status is None or program._end.fileno() in self._by_descriptor:
            return []
        if program._killed is not None:
            fault = Fault(program._killed, "outstayed the wall clock")
        elif program._died_full and _crashed(status):
            # An interpreter without memory does not always come to say so.
            fault = Fault(Outcome.MEMORY, "met its memory limit, and crashed")
        elif os.WIFSIGNALED(status):
            fault = _fault_of_signal(os.WTERMSIG(status))
        elif os.WEXITSTATUS(status) == SETUP_FAILED and program._calls is None:
            fault = Fault(Outcome.INFRASTRUCTURE_ERROR, "the worker could not put on its confinement")
        else:
            fault = Fault(Outcome.CRASH, f"the worker ended with code {os.WEXITSTATUS(status)}")
        return self._answer(program, fault)

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        if now >= self._next_look:
            self._kill_sleepers(now)
            self._apart = self._looks.uniform(*_LOOK_SECONDS)
            self._next_look = now + self._apart
        for program in self._awaited:
            if program._deadline <= now:
                if program._pidfd is None:
                    raise ZygoteLost("the sandbox's zygote has not said that it forked a worker")
                # One that sleeps is to blame. One that runs is watched: it is to blame if it goes on to use the CPU of
                # its whole budget, and the machine is if it does not get it.
                state, used = _state(program._pidfd)
                naps = _told(program._pidfd, "voluntary_ctxt_switches")
                # One that naps between looks shows the same letter on a busy core, and uses as little CPU.
                slept = program._naps is not None and naps > program._naps + _NAPS
                program._naps = naps
                since, before = program._overdue = program._overdue or (now, used)
                runs = not slept and state == "R" and used - before < program._cpu
                if runs and now - since < max(program._limits.wall_floor, program._cpu / _SHARE):
                    program._deadline = now + _WATCH_SECONDS
                    continue
                self._kill(program, Outcome.INFRASTRUCTURE_ERROR if runs else Outcome.TIMEOUT, now)

    def _kill_sleepers(self, now: float) -> None:
        """Ends those that slept for too long in all: each message alone would leave them many times as much."""
        for program in self._awaited:
            if program._pidfd is None or program._killed is not None:
                continue
            program._flush()  # one that has room for more, and gets it now, is awake at the next look
            # In this order: one that has answered since its state was read has not been asleep.
            if _state(program._pidfd)[0] == "S" and _is_silent(program._end):
                program._slept += self._apart
                if program._slept > program._limits.wall_floor:
                    self._kill(program, Outcome.TIMEOUT, now)

    def _kill(self, program: Program, outcome: Outcome, now: float) -> None:
        assert program._pidfd is not None
        program._killed = outcome
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(program._pidfd, signal.SIGKILL)
        program._deadline = now + _AFTER_KILL_SECONDS

    # -- bookkeeping ----------------------------------------------------------------------------------------------

    def _watch(self, program: Program, writing: bool) -> None:
        if writing is (program in self._writing):
            return
        (self._writing.add if writing else self._writing.discard)(program)
        if program._end.fileno() in self._by_descriptor:
            self._epoll.modify(program._end.fileno(), select.EPOLLIN | (select.EPOLLOUT if writing else 0))

    def _unwatch(self, program: Program) -> None:
        if self._by_descriptor.pop(program._end.fileno(), None) is not None:
            self._epoll.unregister(program._end.fileno())

    def _forget(self, program: Program) -> None:
        self._unwatch(program)
        self._awaited.discard(program)
        self._writing.discard(program)
        self._programs.pop(program._identity, None)
        if program._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(program._pidfd, signal.SIGKILL)
            os.close(program._pidfd)
            program._pidfd = None

    def pids(self) -> list[int]:
        """The host's numbers of the zygote and of all workers that are alive."""
        workers = [_field(p._pidfd, "Pid") for p in self._programs.values() if p._pidfd is not None]
        return [self._zygote.pid, *(int(pid) for pid in workers if pid and int(pid) > 0)]

    def close(self) -> None:
        """Ends all programs and the zygote, and waits for it."""
        for program in list(self._programs.values()):
            program.close()
        self._epoll.close()
        self._zygote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_SIGNALS: dict[int, tuple[Outcome, str]] = {
    signal.SIGSYS: (Outcome.VIOLATION, "made a system call that is forbidden (seccomp)"),
    signal.SIGPROF: (Outcome.TIMEOUT, "did not return to the interpreter within its CPU budget"),
    signal.SIGXCPU: (Outcome.TIMEOUT, "used up the CPU budget of its worker"),
}


def _crashed(status: int) -> bool:
    """Whether the interpreter ended itself, other than by a wall that it ran into."""
    return os.waitstatus_to_exitcode(status) in (1, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)


def _fault_of_signal(number: int) -> Fault:
    if number in _SIGNALS:
        return Fault(*_SIGNALS[number])
    # Real-time signals have numbers only.
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return Fault(Outcome.CRASH, f"the worker was ended by {name}")


def _field(pidfd: int, name: str) -> str | None:
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return None


def _is_silent(end: socket.socket) -> bool:
    """Whether nothing that a worker has sent waits to be read."""
    try:
        end.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except ConnectionResetError:
        pass
    return False


def _told(pidfd: int, name: str) -> int:
    """A number that the kernel tells of a process, in its own unit; 0 when it is gone."""
    try:
        status = Path(f"/proc/{_field(pidfd, 'Pid')}/status").read_text()
    except OSError:
        return 0
    number = status.partition(f"\n{name}:")[2].split(maxsplit=1)  # none where it has just ended
    return int(number[0]) if number else 0


def _state(pidfd: int) -> tuple[str, float]:
    """The scheduler's letter for a process ("R" runs or waits for a core), "" when it is gone, and its CPU seconds."""
    try:
        stat = Path(f"/proc/{_field(pidfd, 'Pid')}/stat").read_text()
    except OSError:
        return "", 0.0
    fields = stat.rpartition(")")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / _TICKS


def active_layers(layers: Mapping[str, str]) -> tuple[str, ...]:
    """The layers in force, of those with the reasons why they are not, as `Sandbox.layers` gives them."""
    return tuple(name for name in LAYERS if layers.get(name) == "")
