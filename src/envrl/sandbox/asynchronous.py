"""The sandbox for asyncio: programs are loaded and played without the event loop ever waiting for one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from envrl.errors import SandboxError
from envrl.limits import Limits
from envrl.sandbox.host import Program, Reply, Sandbox
from envrl.sandbox.messages import Fault, Loaded, Played
from envrl.sandbox.profile import Profile

__all__ = ["AsyncSandbox"]


class AsyncSandbox:
    """A `Sandbox` whose replies are awaited; serves one event loop.

    ::

        async with AsyncSandbox(profile) as sandbox:
            program, reply = await sandbox.load(source, limits)
            played = await sandbox.play(program, [(0, payload)], opened=[(0, seed)])

    Args:
        profile: what is lent to every program.
        options: the other arguments of `Sandbox`.
    """

    def __init__(self, profile: Profile, **options: Any) -> None:
        self._profile = profile
        self._options = options
        self._sandbox: Sandbox | None = None
        self._waiting: dict[Program, asyncio.Future[Reply]] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._sandbox = await asyncio.to_thread(Sandbox, self._profile, **self._options)
        asyncio.get_running_loop().add_reader(self._sandbox.fileno(), self._collect)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sandbox = self.sandbox
        asyncio.get_running_loop().remove_reader(sandbox.fileno())
        if self._timer is not None:
            self._timer.cancel()
        for program, future in list(self._waiting.items()):
            program.close()  # here: whoever wakes up must not race with the thread below
            future.cancel()
        self._waiting.clear()
        self._sandbox = None
        await asyncio.to_thread(sandbox.close)

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox itself, while it is entered."""
        if self._sandbox is None:
            raise RuntimeError("AsyncSandbox is used outside of its 'async with' block")
        return self._sandbox

    async def load(self, source: bytes, limits: Limits, games: int = 1) -> tuple[Program, Loaded | Fault]:
        """Loads a program into a worker of its own; see `Sandbox.load`.

        Raises:
            ZygoteLost: the zygote ended.
        """
        program = self.sandbox.load(source, limits, games)
        reply = await self._reply(program)
        assert not isinstance(reply, Played)
        return program, reply

    async def play(
        self,
        program: Program,
        calls: Sequence[tuple[int, bytes]],
        opened: Sequence[tuple[int, int]] = (),
        closed: Sequence[int] = (),
    ) -> Played | Fault:
        """Plays one step; see `Program.play`.

        Raises:
            ZygoteLost: the zygote ended.
        """
        program.play(calls, opened, closed)
        reply = await self._reply(program)
        assert not isinstance(reply, Loaded)
        return reply

    async def _reply(self, program: Program) -> Reply:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        self._waiting[program] = future
        loop.call_soon(self._collect)  # what is known already makes no descriptor readable; deadlines do not, either
        try:
            return await future
        except asyncio.CancelledError:  # nobody waits any more: what the program is doing has no use
            self._waiting.pop(program, None)
            program.close()
            raise

    def _collect(self) -> None:
        if self._sandbox is None:
            return
        try:
            replies = self._sandbox.collect(0)
        except SandboxError as error:
            asyncio.get_running_loop().remove_reader(self._sandbox.fileno())
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(error)
            self._waiting.clear()
            return
        for program, reply in replies:
            if program in self._waiting and not (future := self._waiting.pop(program)).done():
                future.set_result(reply)
        self._wake_at_deadline()

    def _wake_at_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait = self.sandbox.seconds_left()
        if wait is not None:
            self._timer = asyncio.get_running_loop().call_later(wait, self._collect)
