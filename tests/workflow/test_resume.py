"""A run that goes on is the run that began: bit for bit, and under what it began with unless a change is allowed."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from envrl.config import load_config
from envrl.errors import ConfigError, RunError, UnknownNameError
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.workflow import locking
from envrl.workflow.resuming import accept_drift, find_drift
from envrl.workflow.train import resume, train

from .conftest import Collected, short_config
from .soak import _compare

ROOT = Path(__file__).parents[2]
FEW = ["train.max_steps=3", "eval.samples=2", "eval.best_of=2", "eval.seeds=0:2", "train.best_of_checkpoints=2"]
WITHOUT = ["doctor"]


class StoppedAt(Collected):
    """Its user presses Ctrl-C after some steps of training."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps

    def advance(self, count: int = 1, **figures: object) -> None:
        super().advance(count, **figures)
        if self.phases[-1][0] == "training" and self.done["training"] == self._steps:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("resume")


@pytest.fixture(scope="module")
def stopped(root):
    """A run that was stopped in its third step, after a checkpoint at the second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locking, "new_salt", lambda: "ab" * 16)  # both runs play the same games
        with pytest.raises(KeyboardInterrupt):
            train(short_config(root, "stopped", *FEW), "", StoppedAt(3), skip=WITHOUT)
        train(short_config(root, "whole", *FEW), "", Collected(), skip=WITHOUT)
    return root / "stopped"


def copy_of(stopped, name):
    return Path(shutil.copytree(stopped, stopped.parent / name))


def test_a_resumed_run_equals_the_one_that_was_not_stopped_bit_for_bit(stopped):
    path = copy_of(stopped, "exact")
    watcher = Collected()
    resume(path, watcher, skip=WITHOUT)
    assert any("after step 2" in line for line in watcher.said)
    _compare(stopped.parent / "whole", path)
    # The comparison can tell: another step's weights are others.
    first, last = (load_file(path / f"checkpoints/checkpoint-{n}/model.safetensors") for n in (2, 3))
    assert any(not torch.equal(first[name], last[name]) for name in first)


def test_a_changed_setting_is_refused_by_name_and_kept_once_it_is_allowed(stopped):
    path = copy_of(stopped, "drifted")
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != ".lock"}
    changed = ["train.learning_rate=0.001"]
    with pytest.raises(RunError) as caught:
        resume(path, Collected(), changed, skip=WITHOUT)
    message = str(caught.value)
    assert "train.learning_rate: 0.0002 when it began, 0.001 now" in message
    assert "--allow-drift train.learning_rate" in message
    assert before == {p: p.read_bytes() for p in before}, "a refused resume changes nothing"

    with pytest.raises(KeyboardInterrupt):
        resume(path, StoppedAt(3), changed, allow_drift=["train.learning_rate"], skip=WITHOUT)
    run = RunDirectory.open(path)
    assert load_config(run.config_path).config.train.learning_rate == 0.001
    assert run.lock["config"]["train.learning_rate"] == "0.001"
    assert run.lock["seeds"]["train_salt"] == "ab" * 16
    (event,) = [e for e in read_lines(run.events_path).records if e["event"] == "drifted"]
    assert event["changes"] == {"train.learning_rate": ["0.0002", "0.001"]}


# what counts as drift


@pytest.fixture
def held(stopped, tmp_path):
    began = RunDirectory.open(stopped)
    with RunDirectory.create(tmp_path, "held", began.config_path.read_text(), began.lock) as run:
        yield run


@pytest.mark.parametrize(
    ("place", "value", "name"),
    [
        (("packages", "torch"), "1.0", "packages.torch"),
        (("model", "files", "model.safetensors"), "00", "model.files.model.safetensors"),
        (("task", "version"), 99, "task.version"),
        (("task", "prompt_sha256"), "00", "task.prompt_sha256"),
        (("sandbox", "layers", "seccomp"), "refused", "sandbox.layers.seccomp"),
        (("reward", "weights", "success"), 7.0, "reward.weights.success"),
        (("config", "train.max_steps"), "9", "train.max_steps"),
        (("python",), "3.0", "python"),
    ],
)
def test_each_part_of_the_lock_is_compared_and_can_be_allowed_alone(held, place, value, name):
    now = copy.deepcopy(held.lock)
    inside = now
    for key in place[:-1]:
        inside = inside[key]
    was, inside[place[-1]] = inside[place[-1]], value
    assert find_drift(held.lock, now) == {name: (was, value)}
    resolved = load_config(held.config_path)
    for wrong in ([], ["packages.trl"], [name[:-1]]):
        with pytest.raises(RunError, match=f"--allow-drift {name}"):
            accept_drift(held, resolved, now, wrong)
    assert any(name in note for note in accept_drift(held, resolved, now, [name]))
    assert find_drift(held.lock, now) == {}, "it has become what the run depends on"
    assert held.lock_path.stat().st_mode & 0o077 == 0


def test_a_group_of_names_is_allowed_by_its_beginning(held):
    now = copy.deepcopy(held.lock)
    now["packages"] |= {"torch": "1", "trl": "2"}
    accept_drift(held, load_config(held.config_path), now, ["packages"])
    assert held.lock["packages"]["trl"] == "2"


def test_another_machine_is_said_and_no_drift(held):
    now = copy.deepcopy(held.lock)
    now["hardware"]["cpus"], now["seeds"]["train_salt"] = 1234, "another"
    now["config"]["output.root"] = '"elsewhere"'
    assert find_drift(held.lock, now) == {}
    assert accept_drift(held, load_config(held.config_path), now, []) == [
        "since the run began, this has changed: hardware"
    ]


# where a run is written


def test_overwrite_deletes_a_run_and_nothing_else(stopped, tmp_path):
    settings = [*FEW, "train.max_steps=1", "output.overwrite=true"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("…")
    with pytest.raises(RunError, match=r"output\.overwrite deletes only a run"):
        train(short_config(tmp_path, "mine", *settings), "", Collected())
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "…"

    old = Path(shutil.copytree(stopped, tmp_path / "old"))
    with pytest.raises(RunError, match=r"output\.resume.*output\.overwrite=true"):
        train(short_config(tmp_path, "old", *FEW), "", Collected())
    with RunDirectory.open(old), pytest.raises(RunError, match="works in this run"):
        train(short_config(tmp_path, "old", *settings), "", Collected(), skip=["before", "after", "best"])
    assert (old / "metrics.jsonl").exists()
    done = train(short_config(tmp_path, "old", *settings), "", Collected(), skip=["before", "after", "best"])
    assert [row["step"] for row in read_lines(done.run.metrics_path).records] == [1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "old"]


def test_output_resume_goes_on_with_the_run_of_the_name(stopped):
    path = copy_of(stopped, "named")
    with pytest.raises(RunError, match="no such run directory"):
        train(short_config(path.parent, "nothing", *FEW, "output.resume=true"), "", Collected())
    with pytest.raises(RunError, match=r"--allow-drift train\.seed"):
        train(short_config(path.parent, "named", *FEW, "output.resume=true", "train.seed=9"), "", Collected())
    train(short_config(path.parent, "named", *FEW, "output.resume=true"), "", Collected(), skip=WITHOUT)
    assert RunDirectory.open(path).status.state == "finished"
    assert read_json(path / "lock.json")["seeds"]["train_salt"] == "ab" * 16


def test_parts_that_there_are_not_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean smoke"):
        train(short_config(tmp_path, "x"), "", Collected(), skip=["smok"])
    data = ROOT / "configs" / "tiny"
    resolved = load_config(data / "sft.yaml", [f"output.root={tmp_path}"])
    with pytest.raises(ConfigError, match="--skip before: sft trains on data"):
        train(resolved, "", Collected(), skip=["before"])


def test_a_run_that_is_killed_at_random_ends_as_the_one_that_is_not():
    done = subprocess.run(
        [sys.executable, "-m", "tests.workflow.soak", "--kills", "2", "--seed", "1"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^2 kills, [1-9] runs finished as the one that nobody killed", done.stdout, re.MULTILINE)
