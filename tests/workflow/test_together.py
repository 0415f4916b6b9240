"""A run that two processes do: killed in the middle, resumed, and scored as one process would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from envrl.config import RunConfig, load_config
from envrl.errors import ConfigError, RunError
from envrl.rewards import Scored, Scorer, find_preset
from envrl.rollouts import open_arena
from envrl.runs import RunDirectory, is_complete, read_json, read_lines
from envrl.seeding import block_salt
from envrl.trainers.play import prompt_rows, step_figures
from envrl.workflow.finetune_report import data_path
from envrl.workflow.recipes import task_of
from envrl.workflow.resuming import began_with, find_drift
from envrl.workflow.together import require_together
from envrl.workflow.train import Job, resume

from .conftest import RECIPE, SHORT, Collected

ROOT = Path(__file__).parents[2]
FEW = ["train.max_steps=4", "eval.samples=2", "eval.seeds=0:2", "--nproc", "2", "--skip", "before,after,gate"]


def envrl(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "envrl", "train", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        output, errors = process.communicate(timeout=180)
    finally:
        process.kill()
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A run of four steps whose second process was killed after the third; what was said, and who was alive then."""
    root = tmp_path_factory.mktemp("runs")
    process = envrl(str(RECIPE), *SHORT, f"output.root={root}", "output.name=two", *FEW)
    metrics, deadline = root / "two" / "metrics.jsonl", time.monotonic() + 180
    while not metrics.exists() or metrics.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, ended(process)
        assert time.monotonic() < deadline
        time.sleep(0.02)
    tree = psutil.Process(process.pid).children(recursive=True)
    (second,) = (one for one in tree if one.ppid() == process.pid and one.environ()["RANK"] == "1")
    second.kill()
    return root / "two", ended(process), tree


@pytest.fixture(scope="module")
def refused(killed):
    """What one process alone is told that wants to go on with it."""
    with pytest.raises(RunError) as caught:
        resume(killed[0], Collected(), skip=["doctor"])
    return str(caught.value)


@pytest.fixture(scope="module")
def finished(killed, refused):
    """The same run, gone on with."""
    path, _, _ = killed
    began = RunDirectory.open(path).lock
    code, output, errors = ended(envrl("--resume", str(path), "--skip", "before,after,gate"))
    assert code == 0, errors
    assert f"resuming {path} after step 2" in output
    return RunDirectory.open(path), began


def test_a_killed_process_ends_all_with_one_sentence(killed):
    path, (code, _, errors), tree = killed
    assert code == 2
    (line,) = (line for line in errors.splitlines() if "error:" in line.lower())
    assert line.startswith("error: process 2 of 2 was killed by SIGKILL")
    assert line.endswith(f"go on with envrl train --resume {path}")
    assert "Traceback" not in errors
    assert psutil.wait_procs(tree, timeout=20)[1] == []


def test_the_run_goes_on_with_as_many_processes_to_its_report(finished):
    run, began = finished
    assert began_with(began) == began_with(run.lock) == 2
    assert Job.resuming(run.path).processes == 2
    assert (run.status.state, run.status.step) == ("finished", 4)
    assert run.report_html_path.exists()
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1, 2, 3, 4]


def test_a_checkpoint_is_marked_once_every_process_has_written_its_part(finished):
    run, _ = finished
    for step in (2, 4):
        checkpoint = run.checkpoints_dir / f"checkpoint-{step}"
        assert is_complete(checkpoint)
        listed = json.loads((checkpoint / "COMPLETE.json").read_text())["files"]
        assert {"rng_state_0.pth", "rng_state_1.pth"} <= set(listed)


def completions(run: RunDirectory, step: int) -> list[Scored]:
    return msgspec.convert(read_lines(run.completions_path(step)).records, list[Scored])


def test_the_first_writes_down_the_completions_of_all_in_the_order_of_the_rows(finished):
    run, _ = finished
    rows = iter(range(8))
    for step in (1, 2, 3, 4):
        scored = completions(run, step)
        assert len(scored) == 8
        for group in (scored[:4], scored[4:]):
            row = next(rows)
            played = {tuple(e.index for e in one.card.episodes) for one in group if one.card.episodes}
            assert played <= {(2 * row, 2 * row + 1)}
        kept = read_lines(run.metrics_path).records[step - 1]
        assert kept["reward"] == pytest.approx(sum(one.total for one in scored) / 8, abs=1e-5)
        assert kept["success"] == step_figures(scored)["success"]


def test_one_process_gives_the_same_completions_the_same_games_and_rewards(finished):
    run, _ = finished
    config = load_config(run.config_path).config
    task = task_of(config.env)
    salt = block_salt("train", task.id, task.version, run.lock["seeds"]["train_salt"])
    kept = completions(run, 1)
    with open_arena(task, workers=1, limits=config.sandbox.limits.over(task.limits)) as arena:
        scorer = Scorer(arena, "tiny", find_preset("envrl", config.reward.weights), "train", salt, task.prompt("tiny"))
        again = scorer.score([one.completion for one in kept], [(0, 1)] * 4 + [(2, 3)] * 4)
    for one, other in zip(kept, again, strict=True):
        assert one.rewards == other.rewards
        games = [[(e.index, e.outcome, e.score) for e in card.episodes] for card in (one.card, other.card)]
        assert games[0] == games[1]


def test_another_number_of_processes_is_a_change_that_is_named(refused):
    assert "processes: 2 when it began, 1 now" in refused
    assert "--allow-drift processes" in refused
    assert find_drift({}, {"processes": 1}) == {}, "a run of before this was written down had one"


def test_two_processes_train_on_data_and_measure_held_out_rows(tmp_path):
    words = ["train.max_steps=2", "train.save_steps=2", "dataset.max_samples=16", "method.max_completion_length=8"]
    where = [f"output.root={tmp_path}", "output.name=dpo", "--nproc", "2", "--skip", "gate,doctor"]
    code, _, errors = ended(envrl("configs/tiny/dpo.yaml", *words, *where))
    assert code == 0, errors
    run = RunDirectory.open(tmp_path / "dpo")
    assert run.status.state == "finished"
    for label in ("before", "after"):
        measured = read_json(data_path(run, label))
        assert measured["rows"] == 16
        assert measured["figures"]["loss"] > 0
        assert measured["samples"]
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1, 2]
    assert is_complete(run.checkpoints_dir / "checkpoint-2")


# what is checked before any process is started


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["sandbox.runner=ray"], r"sandbox\.runner: each of 3 processes plays .*\(ray met\); set it to local"),
        (
            ["method.pre_sft=rows.jsonl"],
            r"method\.pre_sft: is done by one process \(3 met\); do it as a run of its own",
        ),
        (
            ["model.generation=vllm", "model.vllm.tensor_parallel_size=2"],
            r"tensor_parallel_size: 3 processes do not divide into engines of 2",
        ),
    ],
)
def test_what_several_processes_cannot_do_is_refused(settings, message):
    config = load_config(None, settings).config
    with pytest.raises(ConfigError, match=message):
        require_together(config, (), 3)


def test_a_part_that_is_left_out_or_not_used_hinders_nothing():
    require_together(load_config(None, ["method.pre_sft=rows.jsonl"]).config, ("pre-sft",), 3)
    require_together(load_config(None, ["model.vllm.tensor_parallel_size=2"]).config, (), 3)
    require_together(RunConfig(), (), 3)


def test_all_processes_together_play_as_many_rows_as_their_batches_hold(monkeypatch):
    config = load_config(RECIPE, SHORT).config
    alone = prompt_rows(config, "p")
    monkeypatch.setattr("envrl.trainers.play.here", lambda: type("Three", (), {"count": 3}))
    together = prompt_rows(config, "p")
    assert len(together) == 3 * len(alone)
    assert together[: len(alone)] == alone
    assert len({row.seeds for row in together}) == len(together)
