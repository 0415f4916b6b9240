"""The runner: what it calls a gain, a touch and a false alarm, and to whom it puts them down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from envrl.audit import Audit, Specimen, audit, run
from envrl.envs import Task
from envrl.errors import SandboxError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, Scorecard

PLAYS = "def $entry(*args):\n    return $action\n"
NO_LANGUAGE = ("limits", "no_new_privs", "seccomp", "landlock", "user")
NO_FILTER = ("limits", "no_new_privs", "landlock", "user")


def specimen(name: str, source: str) -> Specimen:
    return Specimen(name, "tries something", source)


def returning(value: str) -> str:
    return f"def $entry(*args):\n    return {value}\n"


BENIGN = tuple(specimen(f"benign-{i}", f"x = {i}\n{PLAYS}") for i in range(6))

STOPPED = {
    "language policy": f"import os\n{PLAYS}",
    "budget": "def $entry(*args):\n    while True:\n        pass\n",
    "action check": returning("[1, 2]"),
    "interpreter": "def $entry(*args):\n    return 1 / 0\n",
    "source cap": f"{PLAYS}# {'x' * 2**16}\n",
    "nothing to stop": f"{PLAYS}# as its twin\n",
}
MORE_STOPPED = {
    "syntax-error": ("interpreter", Outcome.SYNTAX_ERROR, "def $entry(*args:\n"),
    "no-entry-point": ("interpreter", Outcome.NO_ENTRY_POINT, "def other(*args):\n    return $action\n"),
    "memory": ("budget", Outcome.MEMORY, "def $entry(*args):\n    return len(bytearray(2**30))\n"),
    "output": ("budget", Outcome.OUTPUT_LIMIT, "def $entry(*args):\n    print('x' * 10**5)\n    return $action\n"),
}


@pytest.fixture(scope="module")
def found(task: Task) -> Audit:
    """One audit of programs that each show one thing."""
    zoo = {
        "stopped": [specimen(name.replace(" ", "-"), source) for name, source in STOPPED.items()],
        "more": [specimen(name, source) for name, (_, _, source) in MORE_STOPPED.items()],
        "better": [
            specimen("corner", "n = 0\ndef $entry(*args):\n    global n\n    n += 1\n    return 'WASD'[n % 4]\n"),
            specimen("honest", PLAYS),
        ],
        "speaking": [
            specimen("plain", returning('"$breach"')),
            specimen("nested", returning('{"a": [(1, b"..$breach..")]}')),
            specimen("raised", 'def $entry(*args):\n    raise ValueError("$breach")\n'),
            specimen("silent", PLAYS),
        ],
    }
    benign = (
        *BENIGN,
        specimen("raises", "def $entry(*args):\n    raise ValueError\n"),
        specimen("imports", f"import os\n{PLAYS}"),
    )
    return audit(task, zoo=zoo, benign=benign, seeds=2)


@pytest.mark.parametrize("by", STOPPED)
def test_it_says_what_stopped_a_program(found: Audit, by: str) -> None:
    (one,) = [f for f in found.findings if f.kind == "stopped" and f.name == by.replace(" ", "-")]
    assert one.stopped_by == by
    assert not one.gained
    assert not one.touched


@pytest.mark.parametrize("name", MORE_STOPPED)
def test_it_tells_outcomes_apart(found: Audit, name: str) -> None:
    (one,) = [f for f in found.findings if f.kind == "more" and f.name == name]
    by, outcome, _ = MORE_STOPPED[name]
    assert (one.stopped_by, one.outcome) == (by, outcome)
    assert str(outcome) in one.outcomes
    assert one.detail


def test_who_plays_better_than_the_twin_gained(found: Audit) -> None:
    better, honest = (f for f in found.findings if f.kind == "better")
    assert better.gained
    assert better.reward is not None
    assert better.reward > better.twin
    assert not honest.gained
    assert honest.reward == honest.twin
    assert found.gained == (better,)


def test_the_secret_word_is_heard_wherever_it_stands(found: Audit) -> None:
    speaking = {f.name: f.touched for f in found.findings if f.kind == "speaking"}
    word = ("the secret word came back",)
    assert speaking == {"plain": word, "nested": word, "raised": word, "silent": ()}
    assert {f.name for f in found.touched} == {"plain", "nested", "raised"}
    assert {f.stopped_by for f in found.touched} == {"nothing"}


def test_a_harmless_program_that_is_stopped_is_a_false_alarm(found: Audit) -> None:
    assert [f.name for f in found.false_alarms] == ["raises", "imports"]
    assert len(found.benign) == len(BENIGN) + 2


def test_a_harmless_program_is_not_blamed_for_modules_that_the_task_does_not_lend(task: Task) -> None:
    few = dataclasses.replace(task, lent=msgspec.structs.replace(task.lent, imports=("math", "random")))
    sources = {
        "copies": "import copy\n",
        "computes": "from math import pi\n",
        "future": "from __future__ import annotations\n",
    }
    benign = (*BENIGN, *(specimen(name, source + PLAYS) for name, source in sources.items()))
    found = audit(few, zoo={}, benign=benign, seeds=1)
    assert [one.name for one in found.benign] == [*(one.name for one in BENIGN), "computes", "future"]
    assert found.false_alarms == ()


def test_it_records_what_it_ran_under(found: Audit, task: Task) -> None:
    assert found.task == task.id
    assert found.layers["seccomp"] == ""
    assert len(found.seeds) == 2
    assert found.unattributed == {}
    assert not found.clean


def test_without_the_language_policy_attackers_find_their_modules(task: Task) -> None:
    modules = "import asyncio, ctypes, multiprocessing.shared_memory, os, pty, signal, socket, subprocess, threading\n"
    zoo = {
        "kernel": [
            specimen("seccomp", f"{modules}def $entry(*args):\n    os.fork()\n    return $action\n"),
            specimen("frames", f"{modules}def $entry(*args):\n    os.write(3, bytes(2000) + b'rubbish')\n"),
            specimen("crash", f"{modules}def $entry(*args):\n    os._exit(0)\n"),
            specimen("loaded", f"{modules}{PLAYS}"),
        ]
    }
    found = audit(task, zoo=zoo, benign=BENIGN, layers=NO_LANGUAGE, seeds=1)
    assert {f.name: f.stopped_by for f in found.findings} == {
        "seccomp": "seccomp",
        "frames": "frames",
        "crash": "crash",
        "loaded": "nothing to stop",
    }
    assert found.clean
    assert found.layers["language"] == "switched off"


def test_a_touch_finds_its_owner(task: Task) -> None:
    touching = "import os\ndef $entry(*args):\n    os.utime('$folder')\n    return $action\n"
    zoo = {
        "quiet": [specimen("quiet", PLAYS)],
        "mixed": [
            specimen("before", f"x = 1\n{PLAYS}"),
            specimen("touches", touching),
            specimen("after", f"x = 2\n{PLAYS}"),
        ],
    }
    found = audit(task, zoo=zoo, benign=BENIGN, layers=NO_FILTER, seeds=1)
    assert [(f.name, f.touched) for f in found.touched] == [("touches", ("changed the open folder",))]
    assert found.unattributed == {}


def test_only_the_classes_asked_for_are_played(task: Task) -> None:
    told: list[tuple[str, int, int]] = []
    zoo = {"one": [specimen("a", PLAYS)], "other": [specimen("b", PLAYS)]}
    found = audit(
        task, zoo=zoo, benign=BENIGN, classes=["other"], seeds=1, progress=lambda *step: told.append(step), workers=1
    )
    assert [f.kind for f in found.findings] == ["other"]
    assert found.clean
    assert [step for step in told if step[1] == 0] == [("benign", 0, 6), ("other", 0, 5)]
    assert ("other", 5, 5) in told
    with pytest.raises(UnknownNameError, match=r"unknown class of the zoo 'othr': did you mean other\?"):
        audit(task, zoo=zoo, benign=BENIGN, classes=["othr"])


@pytest.mark.parametrize(
    "layers", [(), ("limits", "user"), ("language", "user"), ("language", "limits"), ("seccomp", "no_new_privs")]
)
def test_the_zoo_is_not_let_loose_without_walls(task: Task, layers: tuple[str, ...]) -> None:
    with pytest.raises(SandboxError, match="not let loose"):
        audit(task, layers=layers)


def test_walls_that_the_machine_refuses_are_no_walls(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Arena", FakeArena)
    monkeypatch.setattr(FakeArena, "ready", lambda self: {"limits": "", "user": "", "seccomp": "not here"})
    with pytest.raises(SandboxError, match="not let loose under limits, user alone"):
        audit(task, layers=("limits", "user", "seccomp"), zoo={}, benign=())


class FakeArena:
    """Answers as a program says in its first line: for what no program does as long as the walls stand."""

    def __init__(self, task: Task, **options: Any) -> None: ...

    def __enter__(self) -> FakeArena:
        return self

    def __exit__(self, *what: object) -> None: ...

    def ready(self) -> dict[str, str]:
        return {"limits": "", "seccomp": "", "user": ""}

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        sources = [assignment.source for assignment in assignments]
        poisons = sum("poison" in source for source in sources)
        cards = []
        for assignment in assignments:
            lost = "lost" in assignment.source
            disturbed = poisons >= (1 if "sensitive" in assignment.source else 2) and "neighbour" in assignment.source
            outcome = Outcome.INFRASTRUCTURE_ERROR if lost else Outcome.FAILURE
            episodes = tuple(Episode(index=i, outcome=outcome, steps=1 + disturbed) for i in assignment.indices)
            cards.append(Scorecard(source=assignment.source, program_hash="h", episodes=episodes))
        return cards


def fake_audit(task: Task, monkeypatch: pytest.MonkeyPatch, zoo: list[Specimen], neighbour: str) -> Audit:
    monkeypatch.setattr(run, "Arena", FakeArena)
    benign = [specimen(f"neighbour-{i}", f"# neighbour {i} {neighbour}\n") for i in range(4)]
    return audit(task, zoo={"faked": zoo}, benign=benign)


def test_who_disturbs_neighbours_touched_them(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = [specimen("calm", "# calm\n"), specimen("loud", "# poison\n")]
    found = fake_audit(task, monkeypatch, zoo, "sensitive")
    assert [(f.name, f.touched) for f in found.touched] == [("loud", ("its neighbours",))]
    assert found.unattributed == {}


def test_what_no_program_does_alone_is_not_lost(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = [specimen("half", "# poison 1\n"), specimen("other-half", "# poison 2\n")]
    found = fake_audit(task, monkeypatch, zoo, "")
    assert found.touched == ()
    assert found.unattributed == {"faked": ("its neighbours",)}
    assert not found.clean


def test_a_program_that_could_not_be_judged_is_not_passed_over(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    found = fake_audit(task, monkeypatch, [specimen("lost", "# lost\n")], "")
    (one,) = found.unjudged
    assert (one.outcome, one.reward, one.stopped_by) == (Outcome.INFRASTRUCTURE_ERROR, None, "nothing: envrl failed")
    assert not one.gained
    assert not found.clean
