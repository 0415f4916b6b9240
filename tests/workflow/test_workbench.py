"""The reward workbench, and reward functions of a user's own within a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from envrl.cli.reward import command
from envrl.envs import find_task
from envrl.errors import ConfigError, RunError, UnknownNameError
from envrl.models.writer import Written
from envrl.rewards import Scorer, find_preset
from envrl.rewards.answers import find_answer_preset
from envrl.rewards.custom import FAULT_FILE
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.trainers import trial
from envrl.trainers.play import PromptRow
from envrl.workflow.train import train
from envrl.workflow.watching import Silent
from envrl.workflow.workbench import bench_answers, bench_play, parse_weights, read_saved

from .conftest import Collected, short_config

GREEDY = "```python\ndef strategy(board):\n    return max(legal(board), key=lambda m: score_of(board, m))\n```"
CHEAT = "```python\nimport sys\ndef strategy(board):\n    return sys.exit()\n```"


class NoPlayers:
    def play(self, assignments, progress=None):
        assert not assignments
        return []


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def play(saved, preset=None, **options):
    task = find_task("2048", {"target": 16, "horizon": 40})
    usual = {
        "contract": "chat",
        "seeds": "0:3",
        "block": "validation",
        "workers": 1,
        "require": (),
        "watcher": Silent(),
    }
    return bench_play(saved, task, preset or find_preset("envrl"), **usual | options)


# reading


def test_completions_come_from_lines_messages_and_text_files(tmp_path):
    first = lines(
        tmp_path / "a.jsonl",
        {"completion": "one", "truth": 1},
        {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "two"}]},
    )
    second = tmp_path / "b.txt"
    second.write_text("three\n")
    third = tmp_path / "c.json"
    third.write_text(json.dumps({"completion": "four"}, indent=2))
    saved = read_saved([first, second, third])
    assert [(one.place, one.text) for one in saved] == [
        (f"{first}:1", "one"),
        (f"{first}:2", "two"),
        (str(second), "three\n"),
        (str(third), "four"),
    ]
    assert saved[0].columns == {"truth": 1}


def test_a_last_line_without_its_end_counts_and_empty_lines_do_not(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"completion": "one"}\n\n{"completion": "two"}')
    assert [one.place for one in read_saved([path])] == [f"{path}:1", f"{path}:3"]


def test_every_bad_line_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"completion": "fine"}\nnope\n{"completion": 3}\n{"messages": []}\n[1]\n')
    with pytest.raises(RunError) as caught:
        read_saved([path])
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [f"{path}:{n}" for n in (2, 3, 4, 5)]


def test_a_missing_or_empty_file_is_named(tmp_path):
    with pytest.raises(RunError, match="cannot be read"):
        read_saved([tmp_path / "none.jsonl"])
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(RunError, match="holds no completion"):
        read_saved([tmp_path / "empty.jsonl"])


# play


def test_the_bench_shows_components_total_outcome_and_why(tmp_path):
    saved = read_saved(
        [lines(tmp_path / "a.jsonl", {"completion": GREEDY}, {"completion": CHEAT}, {"completion": "?"})]
    )
    bench = play(saved, find_preset("envrl", {"success": 3.0}))
    won, cheated, empty = bench.rows
    assert won.rewards["success"] > 0
    assert won.contributions["success"] == 3 * won.rewards["success"]
    for row in bench.rows:
        assert row.total == pytest.approx(sum(row.contributions.values()))
    assert (cheated.outcome, cheated.why) == ("violation", "line 1: import of 'sys'")
    assert cheated.rewards["safety"] == -2.0
    assert empty.outcome == "no_code"
    assert "fenced" in empty.why
    assert play(saved, find_preset("envrl", {"success": 3.0})) == bench, "the same games each time"


def test_a_fault_says_where_its_completion_stands(tmp_path):
    (tmp_path / "own.py").write_text(
        "def f(completions, **_):\n    return [1 / (c[0]['content'] != '?') for c in completions]\n"
    )
    saved = read_saved([lines(tmp_path / "a.jsonl", {"completion": GREEDY}, {"completion": "?"})])
    with pytest.raises(RunError, match=r"a\.jsonl:2: reward function .*ZeroDivisionError"):
        play(saved, find_preset("envrl", None, [f"{tmp_path}/own.py:f"]))


def test_a_contract_that_there_is_not_is_named():
    with pytest.raises(UnknownNameError, match="output contract"):
        play([], contract="chatt")


def test_weights_are_read_or_refused():
    assert parse_weights(["success=3", "safety=-.5"]) == {"success": 3.0, "safety": -0.5}
    with pytest.raises(ConfigError, match="COMPONENT=NUMBER"):
        parse_weights(["success"])


# answers


def test_answers_are_judged_with_their_truth(tmp_path):
    path = lines(
        tmp_path / "a.jsonl",
        {"completion": "<answer>6</answer>", "truth": 6},
        {"completion": "<answer>5.7</answer>", "truth": "6"},
    )
    bench = bench_answers(read_saved([path]), find_answer_preset("envrl-answer"))
    assert [(row.outcome, row.why) for row in bench.rows] == [("success", "exact"), ("failure", "within_10")]


@pytest.mark.parametrize("row", [{}, {"truth": ""}, {"truth": None}, {"truth": True}, {"truth": [6]}])
def test_a_line_without_a_truth_is_named(tmp_path, row):
    path = lines(tmp_path / "a.jsonl", {"completion": "x", "truth": 1}, {"completion": "x", **row})
    with pytest.raises(RunError, match=r"a\.jsonl:2: no right answer.*\(1 of 2"):
        bench_answers(read_saved([path]), find_answer_preset("envrl-answer"))


# the command


def test_the_command_prints_a_table_or_json(tmp_path):
    path = str(lines(tmp_path / "a.jsonl", {"completion": "<answer>6</answer>\u001b[2J", "truth": 6}))
    shown = CliRunner().invoke(command, ["test", "--env", "math-answer", path])
    assert shown.exit_code == 0, shown.output
    assert "success: exact" in shown.output
    assert "\x1b" not in shown.output
    told = CliRunner().invoke(command, ["test", "--env", "math-answer", "--json", "--weight", "near=0", path])
    assert json.loads(told.output)["rows"][0]["total"] == 2.5


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--env", "math-answer", "--seeds", "0:4"], "--seeds is not for --env math-answer"),
        (["--env", "2048", "--style", "boxed"], "--style is not for --env 2048"),
        (["--env", "2048", "--set", "target"], "KEY=VALUE"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, arguments, what):
    path = str(lines(tmp_path / "a.jsonl", {"completion": "x"}))
    refused = CliRunner().invoke(command, ["test", *arguments, path])
    assert refused.exit_code == 2
    assert what in refused.output


# in a run

OWN = """
import asyncio

calls = 0

async def brevity(completions, **kwargs):
    await asyncio.sleep(0)
    return [-len(c[0]["content"]) / 100 for c in completions]

def late(completions, **kwargs):
    global calls
    calls += 1
    if calls > 2:  # fine in the measurement and in the first step
        raise KeyError("the one that was not thought of")
    return [0.0] * len(completions)
"""


def test_a_function_is_a_component_of_a_run_and_its_fault_is_kept(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    functions = f"reward.functions=[{tmp_path}/own.py:brevity, {tmp_path}/own.py:late]"
    resolved = short_config(tmp_path, "own", functions, "reward.weights.brevity=0.5")
    with pytest.raises(RunError, match=r"late: raised KeyError.*own\.py:14.*kept in .*resume the run"):
        train(resolved, "", Collected())
    run = RunDirectory(tmp_path / "own")
    (metrics,) = read_lines(run.metrics_path).records
    assert metrics["rewards/brevity/mean"] < 0
    kept = read_lines(min(run.completions_dir.iterdir())).records[0]
    assert kept["rewards"]["brevity"] == -len(kept["completion"]) / 100
    assert kept["total"] == pytest.approx(
        sum(find_preset("envrl").weights.get(n, 0.5 if n == "brevity" else 1.0) * v for n, v in kept["rewards"].items())
    )
    fault = read_json(run.checkpoints_dir / FAULT_FILE)
    assert fault["reason"].startswith("raised KeyError")
    assert fault["completion"]
    assert run.status.state == "failed"
    assert [f["location"].rpartition(":")[2] for f in run.lock["reward"]["functions"]] == ["brevity", "late"]


def test_a_function_that_fails_at_once_stops_a_run_before_its_first_step(tmp_path):
    (tmp_path / "own.py").write_text("def f(completions, **_):\n    return [float('nan')] * len(completions)\n")
    with pytest.raises(RunError, match="gave nan"):
        train(short_config(tmp_path, "bad", f"reward.functions=[{tmp_path}/own.py:f]"), "", Collected())
    assert not RunDirectory(tmp_path / "bad").metrics_path.exists()


def test_functions_that_no_measurement_has_tried_are_tried_on_fresh_completions(tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text("def f(completions, **_):\n    return [None] * len(completions)\n")
    preset = find_preset("envrl", None, [f"{tmp_path}/own.py:f"])
    asked = []
    monkeypatch.setattr(
        trial, "write", lambda loaded, prompt, count, *_: asked.append(count) or [Written("x", 1, False)]
    )
    scorer = Scorer(NoPlayers(), "tiny", preset, "train", "salt")
    for _ in range(2):
        trial.try_functions(None, short_config(tmp_path, "x").config, PromptRow("p", (0,)), scorer)
    assert len(asked) == 1, "once is enough"
    assert preset.functions[0].tried
