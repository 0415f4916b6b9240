"""Where strategies are played: by processes of this machine, or by actors of a Ray cluster. One face for both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, Protocol, Self

from envrl.envs import Task
from envrl.errors import ConfigError, UnknownNameError
from envrl.limits import Limits
from envrl.rollouts.player import Assignment
from envrl.rollouts.referee import Arena
from envrl.rollouts.scorecard import Scorecard
from envrl.sandbox import LEAST

__all__ = ["RUNNERS", "Runner", "RunnerName", "open_arena"]

RunnerName = Literal["local", "ray"]
RUNNERS: tuple[RunnerName, ...] = ("local", "ray")


class Runner(Protocol):
    """A pool of referees that plays strategies of one task; a context manager."""

    @property
    def workers(self) -> int:
        """How many referees play at once."""

    @property
    def peak_memory(self) -> int:
        """Largest sum of resident memory of referees, zygotes and workers that was seen, in bytes."""

    def ready(self) -> dict[str, str]:
        """Waits for the referees; gives each sandbox layer with "" where it is in force, else why it is not.

        Raises:
            SandboxError: the sandbox cannot be set up, or not as strongly as required.
        """

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order.

        Args:
            progress: called with the number of assignments that have just been finished.
        """

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins what a later `play` will ask for, and returns at once; called again, it gives idle referees more.

        One referee stays idle, for whoever calls this is busy at the same time. A pool of one begins nothing.
        """

    def close(self) -> object:
        """Ends all referees and whatever they run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_arena(
    task: Task,
    *,
    runner: str = "local",
    workers: int | None = None,
    limits: Limits | None = None,
    require: Sequence[str] = LEAST,
    ray_address: str | None = None,
) -> Runner:
    """A pool of referees; use it in a ``with`` statement.

    Args:
        task: what is played.
        runner: ``local`` or ``ray``.
        workers: referees; None for one a core of this machine, or of the whole cluster.
        limits: budgets; the task's own unless given.
        require: sandbox layers without which nothing is played.
        ray_address: ``auto`` (the cluster that this machine belongs to) or ``HOST:PORT``; None is the environment
            variable RAY_ADDRESS, else a Ray of this machine that ends with the pool.

    Raises:
        UnknownNameError: there is no such runner.
        ConfigError: an address without Ray, or one that no cluster answers at.
        MissingExtraError: Ray is not installed.
        SandboxError: the cluster offers fewer cores than workers.
    """
    if runner not in RUNNERS:
        raise UnknownNameError("runner", runner, RUNNERS)
    if runner == "local":
        if ray_address is not None:
            raise ConfigError(
                f"a Ray address ({ray_address}) was given, but the runner is 'local': "
                "use --runner ray (sandbox.runner=ray), or leave the address out"
            )
        return Arena(task, workers=workers, limits=limits, require=require)
    from envrl.rollouts.ray_arena import RayArena

    return RayArena(task, workers=workers, limits=limits, require=require, address=ray_address)
