"""The reference strategies play, and the table that ships is of these strategies and these tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envrl.envs import environment_ids, find_task
from envrl.evaluation import baselines as module
from envrl.evaluation.baselines import baselines, source_hash, strengths
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers

MEASURED = [name for name in environment_ids() if name.startswith("envrl/")]


def test_tasks_have_the_strategies_that_their_pages_name():
    assert set(baselines(find_task("2048"))) == {"random", "cycling", "corner", "greedy", "one_ply", "expectimax"}
    assert set(baselines(find_task("sudoku"))) == {"first_valid", "naked_singles", "hidden_singles", "backtracking"}
    assert set(baselines(find_task("math"))) == {"constant", "exact"}


def test_a_task_that_is_not_built_in_has_none():
    task = find_task("FrozenLake-v1")
    assert baselines(task) == {}
    assert strengths(task) == []


@pytest.mark.parametrize(
    ("name", "options"), [("2048", {"target": 32, "horizon": 60}), ("envrl/sudoku-easy-v0", {}), ("math", {})]
)
def test_every_reference_strategy_plays_without_a_fault(name, options):
    task = find_task(name, options)
    players = LocalPlayers(task)
    try:
        cards = players.play([Assignment(source, (0, 1), (1, 2)) for source in baselines(task).values()])
    finally:
        players.close()
    for strategy, card in zip(baselines(task), cards, strict=True):
        assert card.outcome is None, (strategy, card.detail)
        assert {episode.outcome for episode in card.episodes} <= {Outcome.SUCCESS, Outcome.FAILURE}, (strategy, card)


@pytest.mark.parametrize("name", MEASURED)
def test_the_table_that_ships_is_of_the_strategies_that_ship(name):
    task = find_task(name)
    known, rows = baselines(task), strengths(task)
    slow = {"expectimax"} if name == "envrl/2048-notebook-v0" else set()
    assert {row.strategy for row in rows} == set(known) - slow, "measure again: python benchmarks/baselines.py"
    for row in rows:
        assert row.source == source_hash(known[row.strategy])
        assert 0.0 <= row.success.low <= row.success.estimate <= row.success.high <= 1.0
    assert [row.success.estimate for row in rows] == sorted(row.success.estimate for row in rows)


def test_what_was_measured_of_another_text_or_version_is_not_shown(monkeypatch):
    task = find_task("2048")
    sources = baselines(task)
    monkeypatch.setattr(module, "baselines", lambda task: sources | {"greedy": "# another"})
    assert {row.strategy for row in strengths(task)} == set(sources) - {"greedy"}
    assert strengths(replace(task, version=task.version + 1)) == []
