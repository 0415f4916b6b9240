"""Soft faults: they end one game wherever they fall, and leave the worker and the other games whole."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import Fault, Loaded, Played, Profile, Sandbox
from envrl.sandbox.host import _state
from envrl.sandbox.inside import budget
from envrl.sandbox.inside.facades import Doom
from envrl.sandbox.inside.session import Fault as InsideFault
from envrl.sandbox.inside.session import Lent, Session

TOOLKIT = """
def spin(n):
    total = 0
    for i in range(n):
        total += i
    return total
def count(board):
    return len(board)
"""
BUDGETS: dict[str, Any] = {
    "load_cpu": 1.0, "call_cpu": 0.05, "game_cpu": 1.0, "grace_cpu": 0.1, "recursion": 400, "output": 100, "value": 100,
}  # fmt: skip


@pytest.fixture(scope="module")
def toolkit_sandbox() -> Iterator[Sandbox]:
    with Sandbox(Profile(entry_point="f", toolkit=TOOLKIT)) as sandbox:
        yield sandbox


def answers(sandbox: Sandbox, source: bytes, limits: Limits, payloads: list[bytes]) -> list[Any]:
    """What each payload's game gives; the calls after a timeout are asked again."""
    program = sandbox.load(source, limits, len(payloads))
    values: list[Any] = []
    ((_, reply),) = sandbox.collect(60)
    assert isinstance(reply, Loaded)
    opened = [(slot, slot) for slot in range(len(payloads))]
    while len(values) < len(payloads):
        rest = range(len(values), len(payloads))
        program.play([(slot, payloads[slot]) for slot in rest], opened)
        opened = []
        ((_, reply),) = sandbox.collect(60)
        assert isinstance(reply, Played), reply
        values += reply.values
    program.close()
    return values


def test_a_fault_inside_toolkit_code_harms_neither_toolkit_nor_neighbours(
    toolkit_sandbox: Sandbox, limits: Limits
) -> None:
    source = b"def f(x): return spin(10**12) if x == b'bad' else spin(1000) + count(x)"
    values = answers(toolkit_sandbox, source, limits, [b"1", b"bad", b"22", b"bad", b"333"])
    assert [value if type(value) is int else value.outcome for value in values] == [
        499501, Outcome.TIMEOUT, 499502, Outcome.TIMEOUT, 499503,
    ]  # fmt: skip


def test_a_fault_inside_the_lent_library_is_a_timeout(toolkit_sandbox: Sandbox, limits: Limits) -> None:
    source = (
        b"import heapq, copy\nclass C:\n    def __lt__(self, o):\n        while True: pass\n"
        b"def f(x): return len(heapq.nlargest(2, [C(), C(), C()])) if x == b'bad' else 1"
    )
    values = answers(toolkit_sandbox, source, limits, [b"1", b"bad", b"2"])
    assert [values[0], values[1].outcome, values[2]] == [1, Outcome.TIMEOUT, 1]


def test_calls_that_end_about_their_budget_are_either_fault_or_value(toolkit_sandbox: Sandbox) -> None:
    # Many calls whose end falls just before or just after the beat that looks at the clock.
    limits = Limits(load_cpu=1.0, call_cpu=0.006, game_cpu=10.0, grace_cpu=0.5)
    source = b"def f(x): return spin(int(x)) and 'W'"
    values = answers(toolkit_sandbox, source, limits, [str(n).encode() for n in range(20_000, 220_000, 5_000)])
    kinds = {value if value == "W" else value.outcome for value in values}
    assert kinds <= {"W", Outcome.TIMEOUT}
    assert isinstance(values[-1], Fault) or kinds == {"W"}


def test_a_whole_herd_of_endless_games_leaves_the_worker_alive(toolkit_sandbox: Sandbox, limits: Limits) -> None:
    source = b"def f(x):\n    while x == b'bad': pass\n    return 1"
    values = answers(toolkit_sandbox, source, limits, [b"bad"] * 6 + [b"ok"])
    assert [value.outcome for value in values[:-1]] == [Outcome.TIMEOUT] * 6
    assert values[-1] == 1


class Late:
    """A clock whose fault falls where the test wants it."""

    def __init__(self, used: float) -> None:
        self.used = used

    def start(self, budget: float) -> None: ...

    def stop(self) -> float:
        return self.used


def test_a_call_found_too_long_just_after_its_return_is_a_timeout_and_gives_no_value() -> None:
    session = Session(Lent((), "", "", "def arguments(p): return (p,)"), "f", BUDGETS, Late(0.0))
    session.load(b"def f(x): return 1")
    session._clock = Late(0.06)
    session.open(0, 1)
    with pytest.raises(InsideFault) as caught:
        session.call(0, b"")
    assert caught.value.outcome == "timeout"


def test_the_call_after_a_late_fault_is_whole() -> None:
    session = Session(Lent((), "", "", "def arguments(p): return (p,)"), "f", BUDGETS, Late(0.0))
    session.load(b"def f(x): return 1")
    session.open(0, 1)
    session._clock = Late(0.06)
    with pytest.raises(InsideFault):
        session.call(0, b"")
    session._clock = Late(0.01)
    session.open(1, 1)
    assert session.call(1, b"") == (1, 0.01)


def test_a_beat_raises_in_a_programs_frame_and_never_in_our_own() -> None:
    struck: list[int] = []

    def strike() -> Any:
        struck.append(1)
        raise Doom

    stopwatch = budget.Stopwatch(60.0, strike)
    program, ours = ({}, {})  # type: ignore[var-annotated]
    exec(compile("import sys\ndef f(): return sys._getframe()", "<strategy>", "exec"), program)
    exec(
        compile("import sys\ndef f(): return sys._getframe()", budget.__file__.replace("budget", "session"), "exec"),
        ours,
    )
    before = signal.getitimer(signal.ITIMER_VIRTUAL)
    try:
        stopwatch._beat(0, program["f"]())  # no call is running
        stopwatch.mark()
        stopwatch.start(-1.0)
        stopwatch._beat(0, ours["f"]())
        assert struck == []
        with pytest.raises(Doom):
            stopwatch._beat(0, program["f"]())
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, *before)
    assert struck == [1]


def test_a_games_time_is_its_own(toolkit_sandbox: Sandbox) -> None:
    # The neighbour uses up ten games' budgets; this game's is untouched.
    limits = Limits(load_cpu=1.0, call_cpu=0.3, game_cpu=0.3, grace_cpu=0.5)
    source = b"def f(x):\n    while x == b'bad': pass\n    return 1"
    assert answers(toolkit_sandbox, source, limits, [b"ok", b"bad", b"ok", b"bad", b"ok"])[::2] == [1, 1, 1]


def test_what_an_ended_game_leaves_is_no_time_of_the_next_one(toolkit_sandbox: Sandbox) -> None:
    limits = Limits(load_cpu=1.0, call_cpu=0.03, game_cpu=0.3, grace_cpu=2.0)
    source = (
        b"def rest():\n    try: yield\n    finally:\n        for _ in range(3_000_000): pass\n"
        b"def f(x):\n    if x == b'end':\n        walk = rest()\n        next(walk)\n        raise ValueError\n"
        b"    return 1"
    )
    ended, after = answers(toolkit_sandbox, source, limits, [b"end", b"ok"])
    assert isinstance(ended, Fault)
    assert (ended.outcome, after) == (Outcome.EXCEPTION, 1)


def test_the_collector_runs_while_a_call_does_and_at_no_other_time() -> None:
    stopwatch = budget.Stopwatch(60.0, lambda: pytest.fail("the budget was not used up"))
    try:
        stopwatch.start(60.0)
        assert gc.isenabled()
        stopwatch.stop()
        assert not gc.isenabled()
    finally:
        gc.enable()


BETWEEN_CALLS = b"""
log, kept = [], []
def steps(box, rounds):
    try: yield
    finally:
        for _ in range(rounds): pass
        log.append(1)
def ring(rounds):
    box = []
    walk = steps(box, rounds)
    box.append(walk)
    next(walk)
def f(x):
    before = len(log)
    ring(0)
    while len(log) == before: kept.append([])
    kept.clear()
    ring(2_000_000)
    for _ in range(int(x)): kept.append([])
    return [[]]
"""


def test_what_is_finalized_about_the_end_of_a_call_is_counted(toolkit_sandbox: Sandbox) -> None:
    # The last objects of each call leave the collector a few short of running, or none.
    limits = Limits(load_cpu=1.0, call_cpu=1.0, game_cpu=60.0, grace_cpu=0.5)
    program = toolkit_sandbox.load(BETWEEN_CALLS, limits, 1)
    assert isinstance(toolkit_sandbox.collect(60)[0][1], Loaded)
    counted = 0.0
    for number in range(768, 780):
        for _ in range(3):
            program.play([(0, str(number).encode())], [(0, 1)] if not counted else [])
            ((_, reply),) = toolkit_sandbox.collect(60)
            assert isinstance(reply, Played)
            assert reply.values == [[[]]]
            counted += reply.seconds[0]
    assert program._pidfd is not None
    used = _state(program._pidfd)[1]
    program.close()
    assert used < counted + 0.1
