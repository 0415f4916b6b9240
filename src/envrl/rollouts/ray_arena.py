"""A pool of referees on Ray Core: one actor a worker, on whatever nodes the cluster has.

One chunk at a time is with each actor, so neither their queues nor the object store fill; scorecards come back in the
order of the assignments. A chunk whose actor or node is lost is played again by another: by the law of the solo run
that is the same play. Lost too often, it is an infrastructure error, ours to own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from envrl.envs import Task
from envrl.envs.locations import loaded
from envrl.errors import SandboxError
from envrl.limits import Limits
from envrl.rollouts.ledger import Ledger
from envrl.rollouts.player import Assignment
from envrl.rollouts.ray_host import ENVIRONMENT, Answer, Code, Place, RayHost, code_here, digest
from envrl.rollouts.ray_session import RaySession
from envrl.rollouts.referee import pickler
from envrl.rollouts.scorecard import Scorecard
from envrl.sandbox import LAYERS, LEAST

__all__ = ["RayArena"]

_TRIES = 3  # of a chunk
_START_SECONDS = 120.0  # for an actor to come up, and for a new one when none is left
_CLOSE_SECONDS = 10.0


@dataclass(eq=False)
class _Host:
    """An actor as the coordinator knows it."""

    actor: Any
    place: Place | None = None
    core: int | None = None
    memory: int = 0
    starts: int = 1  # how often an actor was asked for in this one's place


@dataclass
class _Flight:
    """A chunk that an actor has, or the start of an actor: then the chunk is empty."""

    host: _Host
    chunk: Sequence[Assignment] = ()
    digest: bytes = b""


class RayArena:
    """A pool of referees on a Ray cluster that plays strategies of one task; the face of `envrl.rollouts.Arena`.

    Args:
        task: what is played.
        workers: actors, of one core each; None for one a core of the cluster.
        limits: budgets; the task's own unless given.
        require: sandbox layers without which nothing is played.
        address: of the cluster; see `envrl.rollouts.open_arena`.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: no cluster answers at the address.
        SandboxError: the cluster offers fewer cores than workers.
    """

    def __init__(
        self,
        task: Task,
        *,
        workers: int | None = None,
        limits: Limits | None = None,
        require: Sequence[str] = LEAST,
        address: str | None = None,
    ) -> None:
        self._locations = loaded()
        self._code = code_here(self._locations)
        self._packed = bytes(pickler().dumps((task, limits, tuple(require), LAYERS)))
        self._session = RaySession(address, workers)
        self._ray = self._session.ray
        self._layers: dict[str, str] | None = None
        self._idle: list[_Host] = []
        self._flying: dict[Any, _Flight] = {}  # by Ray's reference to what comes back
        self._hosts: list[_Host] = []
        self.peak_memory = 0
        """Largest sum over actors of the most that each held in its last chunk, zygote and workers included; bytes."""
        try:
            self.workers = self._count(workers)
            """How many referees play at once."""
            self._ledger = Ledger(self.workers, _TRIES)
            cores = {node["NodeID"]: int(node["Resources"].get("CPU", 0)) for node in self._nodes()}
            self._filled = cores if sum(cores.values()) == self.workers else {}  # nodes on which no core is left
            for _ in range(self.workers):
                self._add()
        except BaseException:
            self.close()
            raise

    def _count(self, workers: int | None) -> int:
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        if cores < (workers or 1):
            raise SandboxError(
                f"the Ray cluster offers {cores} cores in {len(self._nodes())} nodes, too few for "
                f"{workers or 1} workers of one core each: ask for fewer (--workers), or add nodes first"
            )
        return workers or cores

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    # -- actors ---------------------------------------------------------------------------------------------------

    def _add(self, starts: int = 1) -> None:
        """Asks Ray for one more actor; it joins the pool when its place is known and its sandbox stands."""
        made = self._ray.remote(RayHost).options(
            num_cpus=1,
            num_gpus=0,
            max_restarts=0,  # a new one is asked for here, where its node is looked at first
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": dict(ENVIRONMENT)},
        )
        host = _Host(made.remote(), starts=starts)
        self._hosts.append(host)
        self._flying[host.actor.place.remote(self._locations)] = _Flight(host)

    def _came_up(self, host: _Host, came: Any) -> bool:
        """One of an actor's two steps is done; False where it failed for good, and the pool has to go on without it.

        Raises:
            SandboxError: its node would play otherwise, or its sandbox cannot be set up.
        """
        if isinstance(came, Exception):
            self._drop(host)
            again = isinstance(came, self._ray.exceptions.RayActorError) and not came.actor_init_failed
            if again and host.starts < _TRIES:  # it was given to a node that is lost, before anyone knew
                self._add(host.starts + 1)
            return again and host.starts < _TRIES
        if isinstance(came, Place):
            _compare(came, self._code)
            host.place = came
            host.core = self._core(host)
            self._flying[host.actor.start.remote(host.core, self._locations, self._packed)] = _Flight(host)
        elif isinstance(came, str):
            raise SandboxError(f"{_where(host)}: {came}")
        else:
            self._layers = came if self._layers is None else _weakest(self._layers, came)
            self._idle.append(host)
        return True

    def _core(self, host: _Host) -> int | None:
        """A core of its own where the pool's actors fill their node, as `Arena` does on one machine."""
        assert host.place is not None
        node, cores = host.place.node, host.place.cores
        if self._filled.get(node) != len(cores):
            return None
        taken = {h.core for h in self._hosts if h.place is not None and h.place.node == node}
        return min(set(cores) - taken, default=None)

    def _drop(self, host: _Host) -> None:
        if host in self._hosts:
            self._hosts.remove(host)
        self._ray.kill(host.actor, no_restart=True)  # it may live where only the way to it is lost

    # -- the face -------------------------------------------------------------------------------------------------

    def ready(self) -> dict[str, str]:
        """Waits for all actors; gives each sandbox layer with "" where it is in force on every node, else why not.

        Raises:
            SandboxError: an actor does not come up, its node has other code, or its sandbox cannot be set up as
                strongly as required.
        """
        try:
            while len(self._idle) < len(self._hosts):
                for flight, came in self._landed(None):
                    if not self._came_up(flight.host, came):
                        raise SandboxError(f"{_where(flight.host)}: the actor did not start: {_reason(came)}")
        except BaseException:
            self.close()
            raise
        assert self._layers is not None
        return self._layers

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order.

        Args:
            progress: called with the number of assignments that have just been finished.

        Raises:
            SandboxError: every actor was lost, and no new one came up.
        """
        if self._layers is None:
            self.ready()
        played = self._ledger.ask(assignments)
        if progress and played:
            progress(played)
        try:
            while self._ledger.open:
                finished = self._turn(0, None)
                if progress and finished:
                    progress(finished)
        finally:
            self._rest()
        return self._ledger.take(assignments)

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins what a later `play` will ask for, and returns at once; called again, it gives idle actors more.

        One actor stays idle, for whoever calls this is busy at the same time. A pool of one begins nothing.

        Raises:
            SandboxError: every actor was lost, and no new one came up.
        """
        if self._layers is None:
            self.ready()
        if self.workers > 1:
            self._ledger.ask(assignments)
            self._turn(1, 0)

    def _turn(self, spare: int, timeout: float | None) -> int:
        """Gives chunks to idle actors, all but some of them, and takes what came back.

        Args:
            spare: actors that stay idle.
            timeout: as of `_landed`.

        Returns:
            How many assignments have just been finished.
        """
        while len(self._idle) > spare and (chunk := self._ledger.next()):
            host = self._idle.pop(0)
            self._flying[host.actor.play.remote(chunk)] = _Flight(host, chunk, digest(chunk))
        finished = 0
        for flight, came in self._landed(timeout):
            if not flight.chunk:
                if not self._came_up(flight.host, came) and not self._hosts:
                    raise SandboxError(f"every actor was lost, and no new one started: {_reason(came)}")
            elif fault := _fault(flight, came):
                why = f"its actor was lost {_TRIES} times, the last time so: {fault}"
                finished += self._ledger.lose(flight.chunk, why)
                self._drop(flight.host)
                self._add()
            else:
                finished += len(flight.chunk)
                self._ledger.bring(flight.chunk, came.cards)
                self._idle.append(flight.host)
                self._remember(flight.host, came.memory)
        return finished

    def _landed(self, timeout: float | None) -> list[tuple[_Flight, Any]]:
        """What came back, with its value or the exception that stands for it.

        Args:
            timeout: seconds to wait; None until at least one thing came back.

        Raises:
            SandboxError: only actors that start are in the air, and none does.
        """
        references = list(self._flying)
        if not references:
            return []
        if timeout is None:
            playing = any(flight.chunk for flight in self._flying.values())
            came, _ = self._ray.wait(references, num_returns=1, timeout=None if playing else _START_SECONDS)
            if not came:
                free = int(self._ray.available_resources().get("CPU", 0))
                raise SandboxError(
                    f"{len(references)} of {self.workers} actors did not come up within {_START_SECONDS:.0f} s; the "
                    f"Ray cluster has {len(self._nodes())} nodes and {free} free cores: ask for fewer workers, or free "
                    "cores"
                )
        came, _ = self._ray.wait(references, num_returns=len(references), timeout=timeout or 0)
        return [(self._flying.pop(reference), self._value(reference)) for reference in came]

    def _value(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return error

    def _remember(self, host: _Host, memory: int) -> None:
        host.memory = memory
        self.peak_memory = max(self.peak_memory, sum(h.memory for h in self._hosts))

    def _rest(self) -> None:
        """After a play: workers are forked ahead while the trainer works; what nobody waits for any more is ended."""
        self._ledger.drop()
        for reference, flight in list(self._flying.items()):
            if flight.chunk:  # the play was broken off
                del self._flying[reference]
                self._drop(flight.host)
                self._add()
        for host in self._idle:
            host.actor.prepare.remote()

    def close(self) -> None:
        """Ends all actors and whatever they run. Their zygotes end by themselves, at the end of their channel."""
        if not self._ray.is_initialized():
            return
        with contextlib.suppress(self._ray.exceptions.RayError):  # of a cluster that is lost
            closing = [host.actor.close.remote() for host in self._idle]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_CLOSE_SECONDS)
            for host in self._hosts:
                self._ray.kill(host.actor, no_restart=True)
        self._hosts.clear()
        self._idle.clear()
        self._flying.clear()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fault(flight: _Flight, came: Any) -> str:
    """Why what came back is no answer to the flight's chunk; empty where it is one."""
    if isinstance(came, Exception):
        return f"{_where(flight.host)}: {_reason(came)}"
    assert isinstance(came, Answer)
    indices = [tuple(episode.index for episode in card.episodes) or None for card in came.cards]
    fits = len(indices) == len(flight.chunk) and all(
        own in (None, assignment.indices) for own, assignment in zip(indices, flight.chunk, strict=True)
    )
    return "" if fits and came.digest == flight.digest else f"{_where(flight.host)}: an answer to another chunk"


def _compare(place: Place, code: Code) -> None:
    where = f"Ray node {place.host} ({place.node[:8]})"
    if place.error:
        raise SandboxError(
            f"{where}: {place.error}; a file that registers environments must be there on every node under the same "
            "path: put it on a shared folder, or make it an installed module (env.import: its name)"
        )
    for name, ours in code.items():
        if place.code.get(name) != ours:
            raise SandboxError(
                f"{where} would play otherwise than this machine: {name} is {place.code.get(name, 'missing')} there "
                f"and {ours} here; install the same versions on every node"
            )


def _weakest(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """Layers of two nodes together: in force only where both have them."""
    return {name: reason or second.get(name, "not there on every node") for name, reason in first.items()}


def _where(host: _Host) -> str:
    return f"Ray node {host.place.host} ({host.place.node[:8]})" if host.place else "a Ray node"


def _reason(error: BaseException) -> str:
    """The line of Ray's message that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    missing = [line for line in lines if line.startswith("ModuleNotFoundError")]
    if missing:
        return f"{missing[-1]} (install envrl with the same packages on every node)"
    told = [line for line in lines if "exit detail" in line or line.startswith("The actor")] or lines or [repr(error)]
    return told[-1][:300]
