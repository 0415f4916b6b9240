"""Among which programs a run's best one is looked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.workflow.conftest import Collected

from envrl.envs import find_task
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode, Scorecard
from envrl.runs import RunDirectory
from envrl.workflow import best_program as room


def played(text: str, total: float | None) -> Scored:
    card = Scorecard(source=text, episodes=(Episode(index=0, outcome=Outcome.SUCCESS),))
    return Scored(text, card, {}, total)


@pytest.fixture
def candidates_of(tmp_path, monkeypatch):
    """Gives the candidates that a run with these completions of training would choose among."""

    def find(best_of: int, sampled: list[str], *steps: list[tuple[str, float | None]]) -> list[str]:
        met: list[list[str]] = []
        with RunDirectory.create(tmp_path, "run", "", {}) as run:
            for step, programs in enumerate(steps, 1):
                with run.completions(step) as lines:
                    for text, total in programs:
                        lines.append(msgspec.to_builtins(played(text, total)))
            settings = SimpleNamespace(best_of=best_of, validation_seeds="0:4", block="test")
            course: Any = SimpleNamespace(
                plan=SimpleNamespace(task=find_task("2048")),
                config=SimpleNamespace(eval=settings),
                run=run,
                watcher=Collected(),
                scorer=lambda block: block,
            )
            monkeypatch.setattr(room, "best_program", lambda candidates, *_: met.append(list(candidates)))
            room.choose_program(course, sampled)
            assert run.best_path.exists()
        return met[0]

    return find


def test_those_sampled_come_first_and_nothing_is_added_to_enough(candidates_of):
    assert candidates_of(3, ["a", "b", "a", "c", "d"], [("strong", 3.0)]) == ["a", "b", "c"]


def test_the_rest_are_those_that_training_rewarded_most_the_later_one_of_equals(candidates_of):
    first = [("old", 3.0), ("weak", 0.5), ("sampled", 3.0)]
    last = [("new", 3.0), ("middling", 2.0), ("new", 3.0), ("ours", None)]
    assert candidates_of(4, ["sampled"], first, last) == ["sampled", "new", "old", "middling"]


def test_a_run_that_kept_no_completions_has_those_sampled(candidates_of):
    assert candidates_of(9, ["a", "b"]) == ["a", "b"]


def test_only_the_last_of_a_long_training_are_looked_at(candidates_of, monkeypatch):
    monkeypatch.setattr(room, "_LOOKED_AT", 2)
    assert candidates_of(9, ["a"], [("early", 3.0)], [("x", 1.0), ("y", 2.0)]) == ["a", "y", "x"]
