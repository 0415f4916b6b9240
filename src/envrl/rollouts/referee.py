"""Referees: one trusted process a core, each with its own environments and its own sandbox.

Slow environments hold up neither each other nor the trainer. Identical strategies on identical seeds are played once:
by the law of the solo run their results are the same.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

import psutil

from envrl.envs import Task
from envrl.envs.locations import load_all, loaded
from envrl.errors import EnvError, SandboxError
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts.player import Assignment, Player, profile_of
from envrl.rollouts.scorecard import Episode, Scorecard
from envrl.sandbox import LAYERS, LEAST, Sandbox

__all__ = ["Arena", "LocalPlayers", "lost", "pickler", "split"]

_CHUNKS_PER_REFEREE = 1
_MOST_GAMES_PER_CHUNK = 1024
_CLOSE_SECONDS = 10.0


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

    @property
    def layers(self) -> dict[str, str]:
        """Each sandbox layer with "" where it is in force, else why it is not."""
        return self._sandbox.layers

    def play(self, assignments: Sequence[Assignment]) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order."""
        return self._player.play(assignments)

    def prepare(self) -> None:
        """Has workers forked ahead, for a time when nothing runs."""
        self._player.prepare()

    def close(self) -> None:
        """Ends all workers."""
        self._sandbox.close()


def split(assignments: Sequence[Assignment], workers: int) -> list[list[Assignment]]:
    """Assignments in chunks, in their order: as few as keep all workers busy, none so large that its loss hurts."""
    count = workers * _CHUNKS_PER_REFEREE
    games = sum(len(assignment.seeds) for assignment in assignments)
    most = max(1, min(-(-games // count), _MOST_GAMES_PER_CHUNK))
    chunks: list[list[Assignment]] = []
    size = most
    for assignment in assignments:
        if size >= most:
            chunks.append([])
            size = 0
        chunks[-1].append(assignment)
        size += len(assignment.seeds)
    return chunks


def lost(assignment: Assignment, detail: str) -> Scorecard:
    """The card of games that envrl itself could not play."""
    episodes = tuple(
        Episode(index=index, outcome=Outcome.INFRASTRUCTURE_ERROR, detail=detail) for index in assignment.indices
    )
    return Scorecard(source=assignment.source, episodes=episodes)


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
        core: to stay on; None for any.
        locations: of users' environments, without which the task cannot be unpacked.
        packed: the arguments of `LocalPlayers`, pickled.
    """
    if core is not None:
        os.sched_setaffinity(0, {core})  # referee and workers wait for each other: one core, one cache
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the trainer, which then closes the connection
    try:
        load_all(locations)
        players = LocalPlayers(*pickler().loads(packed))
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
        self.chunk: int | None = None

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
        if self.chunk is not None:
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
        self._layers: dict[str, str] | None = None
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
        unique = list(dict.fromkeys(assignments))
        cards = dict(zip(unique, self._play_unique(unique, progress), strict=True))
        return [cards[assignment] for assignment in assignments]

    def _play_unique(self, assignments: list[Assignment], progress: Callable[[int], None] | None) -> list[Scorecard]:
        chunks = split(assignments, len(self._referees))
        results: list[list[Scorecard] | None] = [None] * len(chunks)
        tries = [0] * len(chunks)
        waiting = deque(range(len(chunks)))
        while any(result is None for result in results):
            for referee in self._referees:
                if referee.chunk is None and waiting:
                    self._give(referee, waiting.popleft(), chunks)
            busy = {referee.connection: referee for referee in self._referees if referee.chunk is not None}
            for connection in wait(list(busy)):
                referee = busy[connection]
                number = referee.chunk
                assert number is not None
                try:
                    _, results[number] = referee.connection.recv()
                    referee.chunk = None
                    if progress:
                        progress(len(chunks[number]))
                except (EOFError, OSError):
                    # The law of the solo run makes a second try the same play. A second loss is ours to own.
                    tries[number] += 1
                    self._replace(referee)
                    if tries[number] < 2:
                        waiting.append(number)
                    else:
                        results[number] = [
                            lost(assignment, "the referee process was lost twice") for assignment in chunks[number]
                        ]
            self._look_at_memory()
        return [card for result in results for card in result or ()]

    def _give(self, referee: _Referee, number: int, chunks: list[list[Assignment]]) -> None:
        referee.chunk = number
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # its end of file says the same
            referee.connection.send(chunks[number])

    def _replace(self, lost: _Referee) -> None:
        lost.close()
        fresh = _Referee(self._context, lost.arguments)
        fresh.layers()
        self._referees[self._referees.index(lost)] = fresh

    def _look_at_memory(self) -> None:
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
