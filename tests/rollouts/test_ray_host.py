"""What must be the same on every node, and what a chunk and its answer have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from envrl.errors import EnvError
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, Scorecard
from envrl.rollouts.ray_arena import _fault, _Flight, _Host, _reason, _weakest
from envrl.rollouts.ray_host import Answer, _Memory, code_here, digest

ONE = Assignment("def strategy(board): return 'W'", (3, 4), (11, 12))


@pytest.mark.parametrize(
    "other",
    [
        Assignment(ONE.source + " ", ONE.indices, ONE.seeds),
        Assignment(ONE.source, (3, 5), ONE.seeds),
        Assignment(ONE.source, ONE.indices, (11, 13)),
        Assignment("\ud800", ONE.indices, ONE.seeds),
    ],
)
def test_programs_indices_and_seeds_are_in_the_digest(other: Assignment) -> None:
    assert digest([ONE]) == digest([Assignment(ONE.source, (3, 4), (11, 12))])
    assert digest([other]) != digest([ONE])
    assert digest([ONE, other]) != digest([other, ONE])


def card(*indices: int) -> Scorecard:
    return Scorecard(source="", episodes=tuple(Episode(index=i, outcome=Outcome.FAILURE) for i in indices))


@pytest.mark.parametrize(
    ("cards", "asked", "fault"),
    [
        ([card(3, 4)], [ONE], ""),
        ([Scorecard(source="", outcome=Outcome.NO_ENTRY_POINT)], [ONE], ""),
        ([card(3, 5)], [ONE], "an answer to another chunk"),
        ([], [ONE], "an answer to another chunk"),
        ([card(3, 4)], [Assignment("other", (3, 4), (11, 12))], "an answer to another chunk"),
    ],
)
def test_an_answer_must_fit_its_chunk(cards: list[Scorecard], asked: list[Assignment], fault: str) -> None:
    flight = _Flight(_Host(None), asked, digest(asked))
    assert _fault(flight, Answer(digest([ONE]), cards, 0.1, 1)).endswith(fault)
    assert bool(_fault(flight, Answer(digest([ONE]), cards, 0.1, 1))) == bool(fault)


def test_code_is_of_versions_sources_and_users_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("x = 1\n")
    first = code_here(["some.module", str(file)])
    assert {"Python", "package numpy", "package envrl", "sources of envrl", str(file)} == {
        name for name in first if name not in ("package gymnasium", "package RestrictedPython", "package msgspec")
    }
    file.write_text("x = 2\n")
    second = code_here([str(file)])
    assert {name for name in first if first[name] != second.get(name)} == {str(file)}
    file.unlink()
    with pytest.raises(EnvError, match=r"mine\.py: No such file"):
        code_here([str(file)])


def test_memory_is_looked_at_even_if_nothing_lasts() -> None:
    with _Memory() as memory:
        pass
    assert memory.peak > 2**20


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "The actor died because of an error raised in its creation task, RayHost\n"
            "RuntimeError: The actor with name RayHost failed to import on the worker.\n\n"
            "ModuleNotFoundError: No module named 'envrl'",
            "No module named 'envrl' (install envrl with the same packages on every node)",
        ),
        (
            "The actor died unexpectedly before finishing this task.\n\tclass_name: RayHost\n"
            "The actor is dead because its worker process has died. Worker exit detail: end of file.\n\tpid: 3",
            "The actor is dead because its worker process has died. Worker exit detail: end of file.",
        ),
    ],
)
def test_of_rays_message_the_line_that_counts_is_told(message: str, reason: str) -> None:
    assert _reason(RuntimeError(message)).endswith(reason)


def test_a_layer_is_in_force_only_where_every_node_has_it() -> None:
    here, there = {"seccomp": "", "landlock": "", "root": "no"}, {"seccomp": "", "landlock": "too old", "root": ""}
    assert _weakest(here, there) == {"seccomp": "", "landlock": "too old", "root": "no"}
    assert _weakest(here, {"seccomp": ""})["landlock"] == "not there on every node"
