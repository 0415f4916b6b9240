"""Referees: one trusted process a core, each with its own environments and its own sandbox.

Slow environments hold up neither each other nor the trainer. Identical strategies on identical seeds are played once:
by the law of the solo run their results are the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

import psutil

from envrl.envs import Task
from envrl.envs.locations import load_all, loaded
from envrl.errors import EnvError, SandboxError
from envrl.limits import Limits
from envrl.rollouts.ledger import Ledger
from envrl.rollouts.player import Assignment, Player, profile_of
from envrl.rollouts.scorecard import Scorecard
from envrl.sandbox import LAYERS, LEAST, Sandbox

__all__ = ["Arena", "LocalPlayers", "pickler"]

_TRIES = 2  # of a chunk
_CLOSE_SECONDS = 10.0
_LOOKS_APART = 2.0  # seconds between two looks at memory


class LocalPlayers:
    """Plays in this process: for tests, for a single program, and inside each referee."""

    def __init__(
        self,
        task: Task,
        limits: Limits | None = None,
        require: Sequence[str] = LEAST,
        layers: Sequence[str] = LAYERS,
    ) -> None:
        self._sandbox = Sandbox(profile_of(task), layers=layers, require=tuple(require))
        self._player = Player(task, self._sandbox, limits)

    @classmethod
    def unpacked(cls, core: int | None, locations: Sequence[str], packed: bytes) -> Self:
        """Players for a process of their own.

        Args:
            core: for the process to stay on; None for any.
            locations: of users' environments, without which the task cannot be unpacked.
            packed: the arguments of the class, by `pickler`.

        Raises:
            EnvError: an environment is not where it is said to be.
            SandboxError: the sandbox cannot be set up, or not as strongly as required.
        """
        if core is not None:
            os.sched_setaffinity(0, {core})  # referee and workers wait for each other: one core, one cache
        load_all(locations)
        return cls(*pickler().loads(packed))

    @property
    def layers(self) -> dict[str, str]:
        """Each sandbox layer with "" where it is in force, else why it is not."""
        return self._sandbox.layers

    def play(self, assignments: Sequence[Assignment]) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order."""
        return self._player.play(assignments)

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins nothing, as any pool of one: whoever calls is busy itself."""

    def prepare(self) -> None:
        """Has workers forked ahead, for a time when nothing runs."""
        self._player.prepare()

    def close(self) -> None:
        """Ends all workers."""
        self._sandbox.close()


def pickler() -> Any:
    """What packs a task for another process: by value what lives in no module, such as a script's own functions."""
    from multiprocess.reduction import ForkingPickler

    return ForkingPickler


def _serve(
    connection: Any,
    core: int | None,
    locations: tuple[str, ...],
    packed: bytes,
) -> None:
    """A referee's life: plays what comes over the connection until its end of file.

    Args:
        core, locations, packed: as of `LocalPlayers.unpacked`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the trainer, which then closes the connection
    try:
        players = LocalPlayers.unpacked(core, locations, packed)
    except (SandboxError, EnvError) as error:
        connection.send(("error", str(error)))
        return
    connection.send(("ready", players.layers))
    try:
        while True:
            connection.send(("cards", players.play(connection.recv())))
            players.prepare()
    except (EOFError, BrokenPipeError):
        pass
    finally:
        players.close()


class _Referee:
    def __init__(self, context: Any, arguments: tuple[Any, ...]) -> None:
        self.connection, theirs = context.Pipe()
        self.arguments = arguments
        self.process = context.Process(target=_serve, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()
        self.chunk: list[Assignment] = []  # what it plays

    def layers(self) -> dict[str, str]:
        """Waits until it is ready.

        Raises:
            SandboxError: its sandbox cannot be set up.
        """
        try:
            word, content = self.connection.recv()
        except EOFError:
            raise SandboxError("a referee process ended while it started") from None
        if word == "error":
            raise SandboxError(content)
        layers: dict[str, str] = content
        return layers

    def close(self) -> None:
        self.connection.close()
        if self.chunk:
            self.process.kill()  # in the middle of a play that nobody waits for any more
        self.process.join(_CLOSE_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Arena:
    """A pool of referees that plays strategies of one task.

    Args:
        task: what is played.
        workers: referee processes; None for one a core that this process may use.
        limits: budgets; the task's own unless given.
        require: sandbox layers without which nothing is played.
        layers: those to put on where the machine permits them; fewer only where one is to be tried without.

    The referees start at once and in the background; `ready` waits for them.
    """

    def __init__(
        self,
        task: Task,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        require: Sequence[str] = LEAST,
        layers: Sequence[str] = LAYERS,
    ) -> None:
        import multiprocess

        self._context = multiprocess.get_context("spawn")  # never forked from a trainer: threads, CUDA
        packed = bytes(pickler().dumps((task, limits, tuple(require), tuple(layers))))
        arguments = (loaded(), packed)
        cores = sorted(os.sched_getaffinity(0))
        count = workers or len(cores)
        pinned = cores if count == len(cores) else [None] * count
        self._referees = [_Referee(self._context, (core, *arguments)) for core in pinned]
        self._ledger = Ledger(count, _TRIES)
        self._layers: dict[str, str] | None = None
        self._next_look = 0.0
        self.peak_memory = 0
        """Largest sum of resident memory of referees, zygotes and workers that was seen, in bytes."""

    @property
    def workers(self) -> int:
        """How many referees play at once."""
        return len(self._referees)

    def ready(self) -> dict[str, str]:
        """Waits for the referees; gives each sandbox layer with "" where it is in force, else why it is not.

        Raises:
            SandboxError: the sandbox cannot be set up, or not as strongly as required.
        """
        if self._layers is None:
            try:
                for referee in self._referees:
                    self._layers = referee.layers()
            except SandboxError:
                self.close()
                raise
        assert self._layers is not None
        return self._layers

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order.

        Args:
            progress: called with the number of assignments that have just been finished.
        """
        self.ready()
        played = self._ledger.ask(assignments)
        if progress and played:
            progress(played)
        try:
            while self._ledger.open:
                finished = self._turn(len(self._referees), None)
                if progress and finished:
                    progress(finished)
        except BaseException:  # what nobody waits for any more is not played first the next time
            self._ledger.drop()
            raise
        return self._ledger.take(assignments)

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins what a later `play` will ask for, and returns at once; called again, it gives idle referees more.

        One referee stays idle, for whoever calls this is busy at the same time. A pool of one begins nothing.
        """
        self.ready()
        if len(self._referees) > 1:
            self._ledger.ask(assignments)
            self._turn(len(self._referees) - 1, 0)

    def _turn(self, most: int, timeout: float | None) -> int:
        """Gives chunks to idle referees, so that at most ``most`` play, and takes what comes back.

        Args:
            timeout: seconds to wait for something to come back; None for as long as it takes.

        Returns:
            How many assignments have just been finished.
        """
        busy = {referee.connection: referee for referee in self._referees if referee.chunk}
        for referee in self._referees:
            if not referee.chunk and len(busy) < most and (chunk := self._ledger.next()):
                self._give(referee, chunk)
                busy[referee.connection] = referee
        finished = 0
        for connection in wait(list(busy), timeout):
            referee = busy[connection]
            try:
                _, cards = referee.connection.recv()
            except (EOFError, OSError):
                finished += self._ledger.lose(referee.chunk, f"the referee process was lost {_TRIES} times")
                self._replace(referee)
                continue
            finished += len(referee.chunk)
            self._ledger.bring(referee.chunk, cards)
            referee.chunk = []
        if finished:
            self._look_at_memory()
        return finished

    def _give(self, referee: _Referee, chunk: list[Assignment]) -> None:
        referee.chunk = chunk
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end of file says the same
            referee.connection.send(chunk)

    def _replace(self, lost: _Referee) -> None:
        lost.close()
        fresh = _Referee(self._context, lost.arguments)
        fresh.layers()
        self._referees[self._referees.index(lost)] = fresh

    def _look_at_memory(self) -> None:
        now = time.monotonic()
        if now < self._next_look:  # it takes milliseconds
            return
        self._next_look = now + _LOOKS_APART
        used = 0
        for process in self.processes():
            try:
                used += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.peak_memory = max(self.peak_memory, used)

    def processes(self) -> list[psutil.Process]:
        """Referees, zygotes and workers that are alive, as psutil sees them from outside."""
        found: list[psutil.Process] = []
        for referee in self._referees:
            try:
                process = psutil.Process(referee.process.pid)
                found += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return found

    def close(self) -> int:
        """Ends all referees and whatever they run; gives the number of processes that had to be killed for it."""
        watched = self.processes()
        for referee in self._referees:
            referee.close()
        _, survivors = psutil.wait_procs(watched, timeout=_CLOSE_SECONDS)
        for process in survivors:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return len(survivors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
