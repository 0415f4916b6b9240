"""Workers that are forked ahead, many programs at once, and a zygote that is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from envrl.errors import ZygoteLost
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import Fault, Loaded, Profile, Sandbox

PLAIN = b"def f(x): return 'W'"


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that the test may harm."""
    with Sandbox(Profile(entry_point="f")) as sandbox:
        yield sandbox


def workers(sandbox: Sandbox) -> set[int]:
    sandbox.collect(0)
    return set(sandbox.pids()[1:])


def await_workers(sandbox: Sandbox, count: int) -> set[int]:
    # Births are heard of when something else is collected.
    while len(workers(sandbox)) < count:
        program = sandbox.load(PLAIN, Limits(load_cpu=1.5))
        sandbox.collect(60)
        program.close()
    return workers(sandbox)


def test_a_prepared_worker_is_taken_by_the_next_program_of_its_kind(own: Sandbox, limits: Limits) -> None:
    own.prepare(limits, games=2, count=3)
    ready = await_workers(own, 3)
    program = own.load(PLAIN, limits, games=2)
    ((who, reply),) = own.collect(60)
    assert (who, type(reply)) == (program, Loaded)
    assert workers(own) == ready
    program.close()
    assert len(ready - workers(own)) == 1


def test_other_limits_take_no_prepared_worker(own: Sandbox, limits: Limits) -> None:
    own.prepare(limits, games=2, count=1)
    ready = await_workers(own, 1)
    for other, games in ((limits, 1), (Limits(), 2)):
        own.load(PLAIN, other, games)
        own.collect(60)
    assert len(workers(own) - ready) == 2


def test_preparing_for_others_ends_those_that_stood_ready(own: Sandbox, limits: Limits) -> None:
    own.prepare(limits, count=4)
    before = [psutil.Process(pid) for pid in await_workers(own, 4)]
    own.prepare(Limits(), count=2)
    assert psutil.wait_procs(before, timeout=30)[1] == []
    own.prepare(Limits(), count=2)
    assert len(await_workers(own, 2)) == 2


def test_a_prepared_worker_that_died_is_not_taken(own: Sandbox, limits: Limits) -> None:
    own.prepare(limits, count=1)
    (pid,) = await_workers(own, 1)
    victim = psutil.Process(pid)
    victim.kill()
    assert psutil.wait_procs([victim], timeout=30)[1] == []
    other = own.load(PLAIN, Limits(load_cpu=1.5))  # listening for it is how the death is heard of
    own.collect(60)
    other.close()
    program = own.load(PLAIN, limits)
    ((who, reply),) = own.collect(60)
    assert (who, type(reply)) == (program, Loaded)


def test_any_number_of_programs_may_be_loaded_before_one_is_collected(own: Sandbox, limits: Limits) -> None:
    programs = {own.load(PLAIN, limits) for _ in range(700)}
    loaded = set()
    while len(loaded) < 700:
        loaded |= {program for program, reply in own.collect(60) if isinstance(reply, Loaded)}
    assert loaded == programs
    for program in programs:
        program.close()


def test_a_lost_zygote_is_replaced_by_a_restart(own: Sandbox, limits: Limits) -> None:
    own.prepare(limits, count=2)
    program = own.load(PLAIN, limits)
    own.collect(60)
    program.play([(0, b"")], [(0, 1)])
    zygote, spared = psutil.Process(own.pids()[0]), workers(own)
    for process in [zygote, *zygote.children()]:
        if process.pid not in spared:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended with the one before
                process.kill()

    def use_it() -> None:
        while True:
            for _, reply in own.collect(60):  # of the program, and of those that were prepared before the end
                assert not isinstance(reply, Fault) or reply.outcome is Outcome.CRASH
            own.load(PLAIN, limits)

    with pytest.raises(ZygoteLost):
        use_it()
    own.restart()
    assert own.layers["limits"] == ""
    fresh = own.load(PLAIN, limits)
    assert [(who, type(reply)) for who, reply in own.collect(60)] == [(fresh, Loaded)]


def test_without_the_language_layer_a_program_has_all_of_python(limits: Limits) -> None:
    layers = ("limits", "no_new_privs", "seccomp")
    with Sandbox(Profile(entry_point="f"), layers=layers) as sandbox:
        program = sandbox.load(b"import os\ndef f(x): return ().__class__.__base__.__name__ + os.sep", limits)
        ((_, reply),) = sandbox.collect(60)
        assert isinstance(reply, Loaded)
        program.play([(0, b"")], [(0, 1)])
        ((_, played),) = sandbox.collect(60)
        assert played.values == ["object/"]  # type: ignore[union-attr]
