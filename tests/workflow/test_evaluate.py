"""A program over many seeds, and what cannot be measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envrl.envs import find_task
from envrl.errors import RunError, SeedError, StrategyError, UnknownNameError
from envrl.evaluation.statistics import wilson
from envrl.outcomes import Outcome
from envrl.workflow.evaluate import evaluate_strategy

GREEDY = Path(__file__).parents[2] / "examples" / "greedy.py"


@pytest.fixture
def strategy(tmp_path):
    def write(source):
        path = tmp_path / "strategy.py"
        path.write_text(source) if isinstance(source, str) else path.write_bytes(source)
        return path

    return write


@pytest.fixture(scope="module")
def easy():
    return find_task("2048", {"target": 64})


@pytest.fixture(scope="module")
def greedy(easy, tmp_path_factory):
    output = tmp_path_factory.mktemp("eval") / "greedy.json"
    told = []
    evaluated = evaluate_strategy(easy, GREEDY, "0:70", workers=2, output=output, progress=told.append)
    return evaluated, output, told


def test_a_strategy_gets_a_rate_with_its_interval(greedy):
    evaluated, _, told = greedy
    won = sum(e.won for e in evaluated.episodes)
    assert evaluated.success == wilson(won, 70)
    assert 0.5 < evaluated.success.estimate <= 1
    assert [e.index for e in evaluated.episodes] == list(range(70))
    assert evaluated.outcomes.total() == 70
    assert evaluated.outcomes[Outcome.SUCCESS] == won
    assert evaluated.block == "test"
    assert {"limits", "seccomp"} <= set(evaluated.layers)
    assert evaluated.seconds > 0
    assert sum(told) >= 70


def test_every_episode_can_be_written_down(greedy, easy):
    evaluated, output, _ = greedy
    written = json.loads(output.read_text())
    assert written["task"] == easy.id
    assert written["options"]["target"] == 64
    assert (written["block"], written["seeds"]) == ("test", "0:70")
    assert written["strategy"] == GREEDY.read_text()
    assert [e["outcome"] for e in written["episodes"]] == [str(e.outcome) for e in evaluated.episodes]
    assert written["success"]["estimate"] == evaluated.success.estimate


def test_a_part_of_the_seeds_gives_that_part_of_the_episodes(greedy, easy):
    evaluated, _, _ = greedy
    part = evaluate_strategy(easy, GREEDY, "60:68", workers=1)
    fields = [(e.index, e.outcome, e.steps, e.score, e.metrics) for e in part.episodes]
    assert fields == [(e.index, e.outcome, e.steps, e.score, e.metrics) for e in evaluated.episodes[60:68]]


def test_blocks_hold_different_games(greedy, easy):
    other = evaluate_strategy(easy, GREEDY, "0:8", block="validation", workers=1)
    assert [e.score for e in other.episodes] != [e.score for e in greedy[0].episodes[:8]]


def test_faults_of_a_strategy_are_outcomes_not_errors(easy, strategy):
    path = strategy("def strategy(board):\n    return [][0]\n")
    evaluated = evaluate_strategy(easy, path, "3", workers=1)
    assert evaluated.outcomes == {Outcome.EXCEPTION: 3}
    assert evaluated.success.estimate == 0
    assert "IndexError" in evaluated.episodes[0].detail


def test_a_strategy_that_sets_a_tile_gains_nothing(easy, strategy):
    honest = evaluate_strategy(easy, strategy("def strategy(b):\n    return legal(b)[0]\n"), "10", workers=1)
    cheat = "def strategy(b):\n    moves = legal(b)\n    b[0][0] = 64\n    return moves[0]\n"
    cheating = evaluate_strategy(easy, strategy(cheat), "10", workers=1)
    results = [[(e.outcome, e.steps, e.score, e.metrics) for e in run.episodes] for run in (honest, cheating)]
    assert results[0] == results[1]


def test_the_seeds_that_runs_train_on_are_refused(easy):
    with pytest.raises(SeedError, match=r"would overlap training\. Use --block test"):
        evaluate_strategy(easy, GREEDY, "3", block="train")


def test_an_unknown_block_is_named(easy):
    with pytest.raises(UnknownNameError, match="did you mean final"):
        evaluate_strategy(easy, GREEDY, "3", block="finale")


@pytest.mark.parametrize("seeds", ["0", "x", "5:1"])
def test_seeds_that_are_none(easy, seeds):
    with pytest.raises(SeedError, match=seeds):
        evaluate_strategy(easy, GREEDY, seeds)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def play(board):\n    return 'W'\n", r"defines no function strategy\(…\), which envrl/2048-v0 calls"),
        ("", "defines no function strategy"),
        ("def strategy(board:\n", r"cannot be played \(syntax_error\)"),
        ("import os\ndef strategy(board):\n    return 'W'\n", r"cannot be played \(violation\)"),
        (b"\xff\xfe", "not UTF-8 text"),
    ],
)
def test_a_file_that_holds_no_program_is_an_error_that_names_it(easy, strategy, source, words):
    path = strategy(source)
    with pytest.raises(StrategyError, match=words) as caught:
        evaluate_strategy(easy, path, "2", workers=1)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(easy, tmp_path):
    for path in (tmp_path / "missing.py", tmp_path):
        with pytest.raises(StrategyError, match="cannot be read") as caught:
            evaluate_strategy(easy, path, "2")
        assert str(path) in str(caught.value)


def test_an_output_without_its_folder_is_refused_before_anything_is_played(easy, tmp_path):
    with pytest.raises(RunError, match="its folder does not exist"):
        evaluate_strategy(easy, GREEDY, "2", output=tmp_path / "no" / "x.json")
