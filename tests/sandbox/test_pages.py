"""Pages that workers write are found by a rehearsal, and taken ahead; what full memory is told by."""

from __future__ import annotations

import ctypes
import os
import resource

import pytest

from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import LAYERS, LEAST, Fault, Profile, Sandbox
from envrl.sandbox.inside import pages

PAGE = resource.getpagesize()


def address_of(block: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(block))


def test_a_rehearsal_finds_what_was_written_and_nothing_far_from_it() -> None:
    block = bytearray(64 * PAGE)
    start = -(-address_of(block) // PAGE) * PAGE
    block[:] = b"x" * len(block)

    def work() -> None:
        for page in (3, 4, 20):
            block[start - address_of(block) + page * PAGE] = 1

    inside = [
        (page, size // PAGE) for address, size in pages.rehearse(work) if 0 <= (page := (address - start) // PAGE) < 62
    ]
    assert inside == [(3, 2), (20, 1)]
    assert block.count(1) == 0  # that was another process


def test_a_rehearsal_that_fails_tells_what_it_wrote_until_then() -> None:
    assert pages.rehearse(lambda: 1 / 0)


def test_where_nothing_can_be_known_nothing_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> list[pages.Range]:
        raise PermissionError

    monkeypatch.setattr(pages, "_written", hidden)
    assert pages.rehearse(lambda: None) == []


def test_pages_that_are_taken_are_written_without_another_fault() -> None:
    block = bytearray(256 * PAGE)
    block[:] = b"x" * len(block)
    start = -(-address_of(block) // PAGE) * PAGE
    ends, tell = os.pipe()
    if (pid := os.fork()) == 0:
        pages.take([(start, 200 * PAGE)])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for page in range(200):
            block[start - address_of(block) + page * PAGE] = 1
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        os.write(tell, faults.to_bytes(4, "little"))
        os._exit(0)
    os.close(tell)
    faults = int.from_bytes(os.read(ends, 4), "little")
    os.close(ends)
    os.waitpid(pid, 0)
    assert faults < 100


def test_memory_that_is_not_there_is_passed_over() -> None:
    pages.take([(2**47 - 2 * PAGE, PAGE)])


@pytest.mark.parametrize("layers", [LAYERS, LEAST], ids=["all layers", "the least"])
@pytest.mark.parametrize(("megabytes", "outcome"), [(26, Outcome.MEMORY), (2, Outcome.CRASH)])
def test_a_crash_with_full_memory_is_told_from_another(
    limits: Limits, layers: tuple[str, ...], megabytes: int, outcome: Outcome
) -> None:
    toolkit = "def fill(n): KEPT.append(b'x' * n)\ndef crash(): ctypes.string_at(0)"
    profile = Profile(entry_point="f", tables="import ctypes\nKEPT = []", toolkit=toolkit)
    with Sandbox(profile, layers=layers) as sandbox:
        program = sandbox.load(b"def f(x):\n    fill(%d)\n    crash()" % (megabytes * 2**20), limits)
        sandbox.collect(60)
        program.play([(0, b"")], [(0, 1)])
        ((_, fault),) = sandbox.collect(60)
    assert isinstance(fault, Fault)
    assert fault.outcome is outcome
