"""Runs and sweeps in a list: what each has come to, and nothing that stops the list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.errors import RunError
from envrl.evaluation.measure import Measurement
from envrl.evaluation.statistics import crossed_rate
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode, Scorecard
from envrl.runs import RunDirectory, write_json
from envrl.workflow.run_list import find, list_runs

SETTINGS = {"env.id": "2048", "model.path": "tiny", "method.name": "grpo", "train.max_steps": 10, "train.epochs": None}
HEADER = SweepHeader(
    kind="strategies", subject="greedy.py", task="envrl/2048-v0", task_version=0, options={}, success="",
    toolkit="full", contract=None, prompt_sha256=None, block="test", seeds="0:4", limits={}, layers=(),
    sampling={}, versions={}, command="envrl eval", created="2026-01-01T00:00:00+00:00",
)  # fmt: skip


def make_run(folder: Path, name: str, **settings: object) -> RunDirectory:
    """A run that goes on; release it to end its process's work."""
    config = {key: json.dumps(value) for key, value in {**SETTINGS, **settings}.items()}
    return RunDirectory.create(folder, name, "{}\n", {"config": config})


def measured(*wins: int) -> Measurement:
    """Programs that won so many of four seeds."""
    scored = []
    for won in wins:
        episodes = tuple(Episode(index=i, outcome=Outcome.SUCCESS if i < won else Outcome.FAILURE) for i in range(4))
        scored.append(Scored("", Scorecard(source="", episodes=episodes), {}, 0.0))
    return Measurement(
        label="", model="tiny", task="envrl/2048-v0", task_version=0, block="test", seeds="0:4", scored=scored
    )


def make_sweep(folder: Path, played: int) -> SweepLog:
    log = SweepLog.create(folder, HEADER, HEADER)
    log.write_status("running")
    log.add(SweepProgram(index=0, label="greedy.py", completion=None, source="x"))
    for index in range(played):
        log.record(0, Episode(index=index, outcome=Outcome.SUCCESS))
    log.flush()
    return log


def test_states_and_what_they_found(tmp_path):
    with make_run(tmp_path, "going") as going:
        going.update_status(state="running", step=3)
        write_json(going.before_path, measured(0, 1))
        (one,) = list_runs([tmp_path])
        assert (one.name, one.kind, one.state, one.step, one.steps) == ("going", "run", "running", 3, 10)
        assert (one.task, one.model, one.method) == ("2048", "tiny", "grpo")
        low, estimate, high = crossed_rate([[0, 0, 0, 0], [1, 0, 0, 0]])
        assert one.before is not None
        assert (one.before.low, one.before.estimate, one.before.high) == (low, estimate, high)
        assert one.after is None
        going.update_status(state="finished", step=10)
        write_json(going.after_path, measured(4, 4))
        (one,) = list_runs([tmp_path])
        assert one.state == "finished"
        assert one.after is not None
        assert one.after.estimate == 1.0
    with make_run(tmp_path, "stopped") as stopped:
        stopped.update_status(state="interrupted", step=1, reason="stopped by its user")
    assert [o.problem for o in list_runs([tmp_path]) if o.name == "stopped"] == ["stopped by its user"]


def test_a_run_whose_process_has_died_is_killed(tmp_path):
    make_run(tmp_path, "run").release()
    code = "import os, sys; from envrl.runs import RunDirectory as R; r = R.open(sys.argv[1]).acquire();"
    code += "r.update_status(state='running', step=2); os._exit(9)"
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert ended.returncode == 9
    assert list_runs([tmp_path])[0].state == "killed"


def test_a_sweep_that_goes_on_is_killed_or_has_finished(tmp_path):
    log = make_sweep(tmp_path / "s", 3)
    with log:
        (one,) = list_runs([tmp_path])
        assert (one.kind, one.state, one.method, one.model) == ("sweep", "running", "strategies", "greedy.py")
        assert one.steps == 4
        assert one.after is not None
        assert one.after.estimate == 1.0
    assert list_runs([tmp_path])[0].state == "killed"
    log.finish(HEADER)
    assert list_runs([tmp_path])[0].state == "finished"


def test_what_became_known_of_a_program_is_in_the_list(tmp_path):
    with make_sweep(tmp_path / "s", 4) as log:
        log.flush()
        assert list_runs([tmp_path])[0].after.estimate == 1.0
        log.add(SweepProgram(index=1, label="broken.py", completion=None, source="x", outcome=Outcome.SYNTAX_ERROR))
        (one,) = list_runs([tmp_path])
        assert (one.steps, one.after.estimate) == (8, 0.5)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("lock.json", "{"),
        ("lock.json", "[]"),
        ("lock.json", '{"config": 1}'),
        ("lock.json", '{"config": {"env.id": "{"}}'),
        ("lock.json", None),
        ("config.yaml", None),
        ("status.json", None),
        ("status.json", '{"state": "dancing"}'),
        ("eval/before.json", "[1]"),
        ("eval/after.json", "\x00"),
    ],
)
def test_a_damaged_run_is_one_line_that_says_so(tmp_path, file, content):
    make_run(tmp_path, "bad").release()
    make_run(tmp_path, "good").release()
    path = tmp_path / "bad" / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
    listed = {one.name: one for one in list_runs([tmp_path])}
    assert listed["good"].state == "killed"
    assert listed["bad"].state == "damaged"
    assert "bad" in listed["bad"].problem


@pytest.mark.parametrize("content", ["{", '{"schema": 99}', "[]"])
def test_a_damaged_sweep_is_one_line_too(tmp_path, content):
    make_sweep(tmp_path / "s", 1).close()
    (tmp_path / "s" / "sweep.json").write_text(content)
    (one,) = list_runs([tmp_path])
    assert one.state == "damaged"
    assert "sweep.json" in one.problem


def test_torn_lines_are_left_out(tmp_path):
    make_sweep(tmp_path / "s", 2).close()
    with open(tmp_path / "s" / "episodes.jsonl", "a") as file:
        file.write('{"program": 0, "inde')
    (one,) = list_runs([tmp_path])
    assert one.after is not None


def test_runs_are_found_below_and_not_through_links(tmp_path):
    make_run(tmp_path / "a" / "b", "deep").release()
    make_run(tmp_path / "a" / ".hidden", "run").release()
    make_run(tmp_path / "elsewhere", "run").release()
    os.symlink(tmp_path, tmp_path / "a" / "round")
    assert set(find([tmp_path / "a"])) == {"b/deep"}
    assert set(find([tmp_path / "a" / "b" / "deep"])) == {"deep"}
    both = find([tmp_path / "a", tmp_path / "elsewhere"])
    assert set(both) == {str(tmp_path / "a" / "b" / "deep"), str(tmp_path / "elsewhere" / "run")}
    with pytest.raises(RunError, match="no such folder"):
        find([tmp_path / "nothing"])


def test_a_name_that_is_no_text_is_listed_too(tmp_path):
    make_run(tmp_path, "run").release()
    os.rename(tmp_path / "run", os.fsencode(tmp_path) + b"/\xff")
    (one,) = list_runs([tmp_path])
    assert (one.name, one.state) == ("\\udcff", "killed")
    msgspec.json.encode(one)


def runs(*arguments: object) -> str:
    result = CliRunner().invoke(cli, ["runs", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command_prints_a_table_or_json(tmp_path):
    with make_run(tmp_path, "one") as run:
        write_json(run.before_path, measured(0, 1))
        write_json(run.after_path, measured(4, 4))
        run.update_status(state="failed", step=7, reason="\x1b[31mno memory")
    text = runs(tmp_path)
    (row,) = [line for line in text.splitlines() if line.startswith("one ")]
    assert "12.5 % → 100.0 % (" in row
    assert "7/10" in row
    assert "failed" in row
    assert "one: \\x1b[31mno memory" in text
    (listed,) = json.loads(runs(tmp_path, "--json"))
    assert listed["after"]["estimate"] == 1.0
    assert msgspec.json.encode(list_runs([tmp_path])) == msgspec.json.encode([listed])


def test_the_command_looks_where_runs_and_sweeps_are_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="no folder runs or sweeps here"):
        runs()
    (tmp_path / "runs").mkdir()
    assert runs() == "no run or sweep in runs\n"
    make_run(tmp_path / "runs", "one").release()
    make_sweep(tmp_path / "sweeps" / "two", 1).close()
    text = runs()
    assert "runs/one" in text
    assert "sweeps/two" in text


def test_a_real_run_is_listed(finished):
    run = finished[0].run
    (one,) = [one for one in list_runs([run.path.parent]) if one.name == run.name]
    assert (one.state, one.step, one.steps, one.problem) == ("finished", 3, 3, "")
    assert one.before is not None
    assert one.after is not None
