"""A run that is killed or stopped at any moment goes on, and ends as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from envrl.config import ModelConfig, load_config
from envrl.errors import RunError
from envrl.models import load_model, write
from envrl.runs import RunDirectory, is_complete, read_json, read_lines
from envrl.workflow.course import EVAL_SEED
from envrl.workflow.train import resume, train

from .conftest import RECIPE, SHORT, Collected, short_config

ROOT = Path(__file__).parents[2]

# The run ends itself in the middle of the third step's report, after a checkpoint at the second.
KILLED = """
import os, signal, sys
from envrl.config import load_config
from envrl.workflow.train import train
from envrl.workflow.watching import Silent

class Killer(Silent):
    name, steps = "", 0
    def phase(self, name, total):
        self.name = name
    def advance(self, count=1, **figures):
        self.steps += self.name == "training"
        if self.steps == 3:
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    train(load_config(sys.argv[1], sys.argv[2:]), "", Killer())
"""
STEPS = "train.max_steps=4"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    root = tmp_path_factory.mktemp("killed")
    script = root / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run(
        [sys.executable, str(script), str(RECIPE), *SHORT, f"output.root={root}", "output.name=killed", STEPS],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return root / "killed"


class Stopped(Collected):
    """Its user presses Ctrl-C when a phase begins."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self._phase = phase

    def phase(self, name: str, total: int) -> None:
        super().phase(name, total)
        if name == self._phase:
            raise KeyboardInterrupt


def test_a_killed_run_is_no_broken_directory_and_goes_on_to_its_end(killed):
    run = RunDirectory.open(killed)
    assert run.was_killed
    assert run.status.state == "running"
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1, 2, 3]
    assert is_complete(run.checkpoints_dir / "checkpoint-2")
    before = run.before_path.read_bytes()
    first = [run.completions_path(step).read_bytes() for step in (1, 2)]
    # A kill may fall into the writing of the next checkpoint, or of a file of its own.
    half = run.checkpoints_dir / "checkpoint-3"
    half.mkdir(exist_ok=True)
    (half / "model.safetensors").write_bytes(b"half")
    with open(run.metrics_path, "ab") as metrics:
        metrics.write(b'{"step": 4, "rew')

    # It is stopped again, with all steps done and the last checkpoint written.
    stopped = Stopped("measuring after")
    with pytest.raises(KeyboardInterrupt):
        resume(killed, stopped)
    assert any("half-written checkpoint: checkpoint-3.incomplete" in line for line in stopped.said)
    assert any("after step 2" in line for line in stopped.said)
    assert ("measuring before", 5) not in stopped.phases, "it has been measured already"
    assert stopped.done["training"] == 4
    assert (run.status.state, run.status.step) == ("interrupted", 4)
    assert not run.was_killed
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1, 2, 3, 4]

    watcher = Collected()
    done = resume(killed, watcher)
    assert any("after step 4" in line for line in watcher.said)
    rows = read_lines(run.metrics_path).records
    assert [row["step"] for row in rows] == [1, 2, 3, 4], "each step stands there once"
    assert run.status.state == "finished"
    assert run.status.step == 4
    assert run.before_path.read_bytes() == before
    assert [run.completions_path(step).read_bytes() for step in (1, 2)] == first
    # The games of a step are those of its row, however often the run was stopped before it.
    for step in range(1, 5):
        kept = read_lines(run.completions_path(step)).records
        assert len(kept) == 4
        played = {tuple(e["index"] for e in one["card"]["episodes"]) for one in kept if one["card"]["episodes"]}
        assert played <= {(2 * step - 2, 2 * step - 1)}
    assert [point.step for point in done.report.curve] == [1, 2, 3, 4]
    # What was measured is the trained model, though this process has trained nothing.
    trained = load_model(ModelConfig(path=str(run.checkpoints_dir / "checkpoint-4")), "cpu")
    prompt = read_lines(run.prompts_path).records[0]["prompt"]
    texts = [w.text for w in write(trained, prompt, 5, load_config(run.config_path).config.method, EVAL_SEED)]
    assert [one["completion"] for one in read_json(run.after_path)["scored"]] == texts
    assert run.report_html_path.stat().st_size > 0
    kinds = [event["event"] for event in read_lines(run.events_path).records]
    assert kinds.count("resumed") == 2
    assert kinds.count("interrupted") == 1
    assert kinds[-1] == "finished"
    with pytest.raises(RunError, match="finished"):
        resume(killed, Collected())


def test_a_resumed_run_trains_as_the_one_that_was_not_stopped(killed, tmp_path):
    # The salt of the training seeds is a run's own: only what comes before the games can be compared.
    whole = train(short_config(tmp_path, "whole", STEPS), "", Collected()).run
    first = [[one["completion"] for one in read_lines(run.completions_path(1)).records]
             for run in (whole, RunDirectory.open(killed))]  # fmt: skip
    assert first[0] == first[1]
    completions = [
        [one["completion"] for one in read_json(run.before_path)["scored"]]
        for run in (whole, RunDirectory.open(killed))
    ]
    assert completions[0] == completions[1]


def test_a_run_that_is_stopped_before_its_first_checkpoint_starts_over_with_its_own_seeds(tmp_path):
    resolved = short_config(tmp_path, "early", "train.max_steps=1")
    with pytest.raises(KeyboardInterrupt):
        train(resolved, "", Stopped("training"))
    run = RunDirectory.open(tmp_path / "early")
    assert (run.status.state, run.status.reason) == ("interrupted", "stopped by its user")
    salt, before = run.lock["seeds"]["train_salt"], run.before_path.read_bytes()
    with pytest.raises(RunError, match="already holds a run; continue it with --resume"):
        train(resolved, "", Collected())
    watcher = Collected()
    resume(run.path, watcher)
    assert run.status.state == "finished"
    assert run.lock["seeds"]["train_salt"] == salt
    assert run.before_path.read_bytes() == before
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1]


def test_a_run_that_fails_says_why_and_can_be_resumed(tmp_path, monkeypatch):
    from envrl.workflow import train as workflow

    def broken(*_, **__):
        raise RuntimeError("no memory left")

    with monkeypatch.context() as patched:
        patched.setattr(workflow, "train_grpo", broken)
        with pytest.raises(RuntimeError, match="no memory left"):
            workflow.train(short_config(tmp_path, "failed", "train.max_steps=1"), "", Collected())
    run = RunDirectory.open(tmp_path / "failed")
    assert (run.status.state, run.status.reason) == ("failed", "RuntimeError: no memory left")
    assert not run.was_killed
    resume(run.path, Collected())
    assert run.status.state == "finished"


def test_two_processes_do_not_work_in_one_run(tmp_path, killed):
    held = RunDirectory.create(tmp_path, "held", (killed / "config.yaml").read_text(), {})
    code = f"""
from envrl.errors import RunError
from envrl.workflow.course import EVAL_SEED
from envrl.workflow.train import resume, train
from envrl.workflow.watching import Silent
from pathlib import Path
try:
    resume(Path({str(held.path)!r}), Silent())
except RunError as error:
    print(error)
"""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        held.release()
    assert f"process {os.getpid()} works in this run" in done.stdout, done.stderr
