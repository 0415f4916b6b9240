"""Sandboxes begin, serve and end: nothing is left, whoever dies first."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from envrl.errors import SandboxError, ZygoteLost
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import LAYERS, Fault, Loaded, Played, Profile, Program, Sandbox

PLAIN = b"def f(x): return 'W'"
ENDLESS = b"def f(x):\n    while True: pass"


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that the test may harm."""
    with Sandbox(Profile(entry_point="f")) as sandbox:
        yield sandbox


def processes(sandbox: Sandbox) -> list[psutil.Process]:
    """The zygote and all that came of it."""
    zygote = psutil.Process(sandbox._zygote.pid)
    return [zygote, *zygote.children(recursive=True)]


def loaded(sandbox: Sandbox, limits: Limits, count: int = 1, source: bytes = PLAIN) -> list[Program]:
    programs = [sandbox.load(source, limits) for _ in range(count)]
    waiting = set(programs)
    while waiting:
        for program, reply in sandbox.collect(60):
            assert isinstance(reply, Loaded)
            waiting.discard(program)
    return programs


def gone(those: list[psutil.Process]) -> bool:
    return psutil.wait_procs(those, timeout=30)[1] == []


HOST = """
import sys
from envrl.limits import Limits
from envrl.sandbox import Profile, Sandbox
sandbox = Sandbox(Profile(entry_point="f"))
limits = Limits(call_cpu=60.0, game_cpu=60.0, grace_cpu=60.0)
for source in (b"def f(x): return 1", b"def f(x):\\n    while True: pass", b"def f(x): return sum(range(10**15))"):
    program = sandbox.load(source, limits)
    while program not in [loaded for loaded, _ in sandbox.collect(60)]:
        pass
    program.play([(0, b"")], [(0, 1)])
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_orphan_survives_its_host(number: signal.Signals) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    host = subprocess.Popen(
        [sys.executable, "-c", HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert host.stdin is not None
    assert host.stdout is not None
    assert host.stdout.readline() == b"ready\n"
    below = psutil.Process(host.pid).children(recursive=True)
    assert len(below) >= 4  # a zygote and three workers at the least
    host.send_signal(number)
    host.wait()
    host.stdin.close()
    host.stdout.close()
    assert gone(below)


def test_after_close_nothing_is_left(limits: Limits) -> None:
    with Sandbox(Profile(entry_point="f")) as sandbox:
        (endless, *_) = loaded(sandbox, limits, 3, ENDLESS)
        endless.play([(0, b"")], [(0, 1)])
        below = processes(sandbox)
    assert gone(below)


def test_closing_a_program_ends_its_worker_and_no_other(own: Sandbox, limits: Limits) -> None:
    first, second = loaded(own, limits, 2)
    before = own.pids()
    assert len(before) == 3
    worker = psutil.Process(before[1])
    first.close()
    assert gone([worker])
    second.play([(0, b"")], [(0, 1)])
    ((program, reply),) = own.collect(60)
    assert (program, type(reply)) == (second, Played)


def test_closing_twice_is_closing_once(own: Sandbox, limits: Limits) -> None:
    (program,) = loaded(own, limits)
    program.close()
    program.close()
    assert own.pids() == [own._zygote.pid]


def test_a_program_may_be_closed_before_it_is_loaded(own: Sandbox, limits: Limits) -> None:
    for source in (PLAIN, ENDLESS, b"while True: pass"):
        own.load(source, limits).close()
    (program,) = loaded(own, limits)
    program.play([(0, b"")], [(0, 1)])
    assert own.collect(60)[0][1] == Played(["W"], pytest.approx([0.0], abs=10.0))


def test_programs_leave_no_descriptor_behind(own: Sandbox, limits: Limits) -> None:
    zygote = processes(own)[-1]

    def used() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), zygote.num_fds()

    def round_of(source: bytes, count: int) -> None:
        for _ in range(count):
            program = own.load(source, limits)
            while program.open:
                for _, reply in own.collect(60):
                    if isinstance(reply, Loaded):
                        program.play([(0, b"")], [(0, 1)])
                    else:
                        program.close()

    round_of(PLAIN, 2)
    before = used()
    for source, count in ((PLAIN, 40), (b"def f(", 10), (b"def f(x): return [0] * 10**9", 5)):
        round_of(source, count)
    (last,) = loaded(own, limits)  # its birth shows that the deaths before it have been dealt with
    last.close()
    own.collect(0)
    after = used()
    assert after[0] <= before[0]
    assert after[1] <= before[1] + 1


def test_nothing_awaited_nothing_collected(own: Sandbox) -> None:
    assert own.collect() == []


def test_a_timeout_of_nothing_waits_for_nothing(own: Sandbox, limits: Limits) -> None:
    (program,) = loaded(own, Limits(call_cpu=60.0, game_cpu=60.0), source=ENDLESS)
    program.play([(0, b"")], [(0, 1)])
    assert own.collect(0) == []


def test_something_that_always_arrives_prolongs_no_timeout(
    own: Sandbox, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = loaded(own, limits)
    (descriptor,) = own._by_descriptor
    assert own._by_descriptor[descriptor] is program

    class Dripping:
        polls = 0

        def poll(self, wait: float) -> list[tuple[int, int]]:
            self.polls += 1
            assert self.polls < 10**6
            return [(descriptor, select.EPOLLIN)]

    monkeypatch.setattr(own, "_epoll", Dripping())
    monkeypatch.setattr(own, "_receive", lambda program: [])
    assert own.collect(0.01) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_worker_killed_while_it_plays_is_a_crash(own: Sandbox, limits: Limits, number: signal.Signals) -> None:
    (program,) = loaded(own, Limits(call_cpu=60.0, game_cpu=60.0), source=ENDLESS)
    program.play([(0, b"")], [(0, 1)])
    os.kill(own.pids()[1], number)
    ((who, fault),) = own.collect(60)
    assert (who, type(fault)) == (program, Fault)
    assert fault.outcome is Outcome.CRASH  # type: ignore[union-attr]
    assert number.name in fault.detail  # type: ignore[union-attr]


def test_a_worker_killed_while_nothing_is_asked_of_it_is_a_crash_when_something_is(
    own: Sandbox, limits: Limits
) -> None:
    idle, other = loaded(own, limits, 2)
    worker = psutil.Process(own.pids()[1])
    worker.kill()
    assert gone([worker])
    # Listening for another program is how its end is heard of.
    other.play([(0, b"")], [(0, 1)])
    assert [program for program, _ in own.collect(60)] == [other]
    idle.play([(0, b"")], [(0, 1)])
    ((program, fault),) = own.collect(60)
    assert (program, fault.outcome) == (idle, Outcome.CRASH)  # type: ignore[union-attr]


def test_a_lost_zygote_is_an_error_of_ours(own: Sandbox, limits: Limits) -> None:
    (program,) = loaded(own, limits, source=ENDLESS)
    program.play([(0, b"")], [(0, 1)])
    for process in processes(own):
        if process.pid not in own.pids()[1:]:
            process.kill()
    # The worker's end may be heard of first.
    with pytest.raises(SandboxError, match="zygote"):
        any(own.collect(60) is None for _ in range(9))


def test_a_zygote_that_does_not_fork_in_time_is_given_up() -> None:
    limits = Limits(load_cpu=0.01, grace_cpu=0.01, wall_floor=0.2)
    with Sandbox(Profile(entry_point="f")) as own:
        zygotes = processes(own)
        for process in zygotes:
            process.suspend()
        try:
            own.load(PLAIN, limits)
            with pytest.raises(ZygoteLost, match="has not said"):
                own.collect(60)
        finally:
            for process in zygotes:
                process.resume()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_required_layer_that_is_missing_is_named(layer: str) -> None:
    others = [name for name in LAYERS if name != layer]
    with pytest.raises(SandboxError, match=rf"{layer} \(switched off\)"):
        Sandbox(Profile(entry_point="f"), layers=others, require=[layer])


def test_a_required_layer_that_does_not_exist_is_named() -> None:
    with pytest.raises(SandboxError, match="moat"):
        Sandbox(Profile(entry_point="f"), require=("limits", "moat"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"toolkit": "def legal(: pass"}, "SyntaxError"),
        ({"tables": "1 / 0"}, "ZeroDivisionError"),
        ({"toolkit": "1 / 0"}, "ZeroDivisionError"),
        ({"adapter": "def other(payload): pass"}, "arguments"),
        ({"imports": ("os",)}, "os"),
        ({"imports": ("no_such_module",)}, "no_such_module"),
        ({"tables": "raise SystemExit"}, "SystemExit"),
        ({"tables": "import os; os._exit(1)"}, "it ended"),
    ],
)
def test_a_profile_that_does_not_warm_up_is_an_error_that_says_why(options: dict[str, object], reason: str) -> None:
    with pytest.raises(SandboxError, match=reason):
        Sandbox(Profile(entry_point="f", **options))  # type: ignore[arg-type]


def test_a_sandbox_that_did_not_begin_leaves_no_process_and_no_descriptor() -> None:
    before, below = len(os.listdir("/proc/self/fd")), len(psutil.Process().children(recursive=True))
    for _ in range(3):
        with pytest.raises(SandboxError):
            Sandbox(Profile(entry_point="f", tables="1 / 0"))
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(psutil.Process().children(recursive=True)) == below


def test_peak_memory_is_seen(own: Sandbox, limits: Limits) -> None:
    (program,) = loaded(own, limits, source=b"def f(x): return len(bytes(10**7).hex())")
    program.play([(0, b"")], [(0, 1)])
    own.collect(60)
    program.close()
    loaded(own, limits)[0].close()
    own.load(PLAIN, limits)
    own.collect(60)
    assert own.peak_memory > 20 * 2**20


def test_a_worker_that_speaks_unasked_or_rubbish_is_a_crash(limits: Limits) -> None:
    # Toolkits are ours and may do anything: this one plays a program that has broken out.
    tables = "import os\ndef SAY(data): os.write(3, data)"
    with Sandbox(Profile(entry_point="f", tables=tables, toolkit="def say(data): SAY(data)")) as sandbox:
        for words in (b"rubbish!", b"\xff\xff\xff\xff", b"\1\0\0\0\xc0", b"\0\0\0\0"):
            (program,) = loaded(sandbox, limits, source=b"def f(x): say(x)\n")
            program.play([(0, words)], [(0, 1)])
            ((_, fault),) = sandbox.collect(60)
            assert fault.outcome is Outcome.CRASH  # type: ignore[union-attr]
