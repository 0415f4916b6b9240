"""The sandbox for asyncio: the event loop never waits for a program."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import Any

import psutil
import pytest

from envrl.errors import SandboxError
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import Fault, Loaded, Played, Profile, Sandbox
from envrl.sandbox.asynchronous import AsyncSandbox

PROFILE = Profile(entry_point="f")
ENDLESS = b"def f(x):\n    while True: pass"


async def play_one(sandbox: AsyncSandbox, source: bytes, limits: Limits) -> Any:
    program, reply = await sandbox.load(source, limits)
    if isinstance(reply, Fault):
        return reply.outcome
    assert isinstance(reply, Loaded)
    played = await sandbox.play(program, [(0, b"x")], opened=[(0, 1)])
    program.close()
    if isinstance(played, Fault):
        return played.outcome
    (value,) = played.values
    return value.outcome if isinstance(value, Fault) else value


def test_many_programs_are_awaited_side_by_side(limits: Limits) -> None:
    async def main() -> list[Any]:
        async with AsyncSandbox(PROFILE) as sandbox:
            sources = [*[b"def f(x): return %d" % i for i in range(20)], ENDLESS, b"def f(", b"import os\ndef f(x): 1"]
            return await asyncio.gather(*[play_one(sandbox, source, limits) for source in sources])

    assert asyncio.run(main()) == [*range(20), Outcome.TIMEOUT, Outcome.SYNTAX_ERROR, Outcome.VIOLATION]


def test_the_loop_turns_while_a_program_runs() -> None:
    limits = Limits(call_cpu=0.3, game_cpu=0.3, grace_cpu=0.1)

    async def main() -> tuple[Any, int]:
        turns = 0
        async with AsyncSandbox(PROFILE) as sandbox:
            task = asyncio.create_task(play_one(sandbox, ENDLESS, limits))
            while not task.done():
                await asyncio.sleep(0.001)
                turns += 1
            return await task, turns

    outcome, turns = asyncio.run(main())
    assert outcome is Outcome.TIMEOUT
    assert turns > 20


def test_what_sleeps_is_ended_by_the_wall_clock_without_any_other_event() -> None:
    profile = Profile(entry_point="f", tables="import time\nNAP = time.sleep", toolkit="def nap(): NAP(60)")
    limits = Limits(call_cpu=0.05, grace_cpu=0.05, wall_floor=0.3, wall_factor=1.0)

    async def main() -> Any:
        # Seccomp would refuse the sleep.
        async with AsyncSandbox(profile, layers=("limits",), require=()) as sandbox:
            return await play_one(sandbox, b"def f(x): nap()", limits)

    assert asyncio.run(main()) is Outcome.TIMEOUT


def test_a_cancelled_wait_ends_the_program(limits: Limits) -> None:
    async def main() -> list[int]:
        async with AsyncSandbox(PROFILE) as sandbox:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(play_one(sandbox, ENDLESS, Limits(call_cpu=60.0, game_cpu=60.0)), 0.3)
            assert await play_one(sandbox, b"def f(x): return 7", limits) == 7
            return sandbox.sandbox.pids()

    assert len(asyncio.run(main())) == 1


def test_a_lost_zygote_is_an_error_for_all_who_wait() -> None:
    limits = Limits(call_cpu=9.0, game_cpu=9.0, grace_cpu=9.0)

    async def main() -> list[Any]:
        async with AsyncSandbox(PROFILE) as sandbox:
            waits = [asyncio.create_task(play_one(sandbox, ENDLESS, limits)) for _ in range(3)]
            while len(sandbox.sandbox.pids()) < 4:
                await asyncio.sleep(0.01)
            os.kill(sandbox.sandbox.pids()[0], signal.SIGKILL)
            return await asyncio.gather(*waits, return_exceptions=True)

    results = asyncio.run(main())
    # A worker's death may be heard of before its zygote's.
    assert all(isinstance(r, SandboxError) or r is Outcome.CRASH for r in results)
    assert any(isinstance(r, SandboxError) for r in results)


def test_a_sandbox_where_nothing_happens_leaves_the_loop_alone(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        async with AsyncSandbox(PROFILE) as sandbox:
            idle, _ = await sandbox.load(b"def f(x): return 1", limits)
            dead, _ = await sandbox.load(b"def f(x): return 2", limits)
            os.kill(sandbox.sandbox.pids()[-1], signal.SIGKILL)
            await asyncio.sleep(0.2)  # the death is heard of
            collected = 0
            collect = sandbox.sandbox.collect

            def count(timeout: float | None = None) -> Any:
                nonlocal collected
                collected += 1
                return collect(timeout)

            monkeypatch.setattr(sandbox.sandbox, "collect", count)
            await asyncio.sleep(0.3)
            idle.close()
            dead.close()
            return collected

    assert asyncio.run(main()) == 0


def test_leaving_the_block_wakes_those_who_wait_and_leaves_no_process() -> None:
    async def main() -> tuple[list[Any], list[int]]:
        async with AsyncSandbox(PROFILE) as sandbox:
            limits = Limits(call_cpu=60.0, game_cpu=60.0)
            waits = [asyncio.create_task(play_one(sandbox, ENDLESS, limits)) for _ in range(2)]
            while len(sandbox.sandbox.pids()) < 3:
                await asyncio.sleep(0.01)
            pids = sandbox.sandbox.pids()
        return await asyncio.gather(*waits, return_exceptions=True), pids

    results, pids = asyncio.run(main())
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_outside_of_its_block_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(AsyncSandbox(PROFILE).load(b"", Limits()))


def test_a_sandbox_made_in_a_thread_outlives_it_and_serves_another(limits: Limits) -> None:
    made: list[Sandbox] = []
    maker = threading.Thread(target=lambda: made.append(Sandbox(PROFILE)))
    maker.start()
    maker.join()
    (sandbox,) = made
    replies: list[Any] = []

    def use() -> None:
        program = sandbox.load(b"def f(x): return 5", limits)
        sandbox.collect(60)
        program.play([(0, b"")], [(0, 1)])
        replies.extend(sandbox.collect(60))

    user = threading.Thread(target=use)
    user.start()
    user.join()
    sandbox.close()
    ((_, reply),) = replies
    assert isinstance(reply, Played)
    assert reply.values == [5]
