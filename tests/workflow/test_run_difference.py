"""In what two runs differ."""

from __future__ import annotations

import pytest

from envrl.config import load_config
from envrl.errors import RunError
from envrl.runs import RunDirectory
from envrl.workflow.run_difference import diff_runs

LOCK = {
    "python": "3.11.7",
    "packages": {"torch": "2.9.1"},
    "git": {"commit": "abc", "changed": False},
    "command": "envrl train",
    "model": {"path": "tiny", "commit": None, "files": {"model.safetensors": "11"}},
    "task": {"version": 0, "prompt_sha256": "aa"},
    "reward": {"version": 1, "weights": {"success": 2.0}},
    "seeds": {"train_salt": "5a17ed", "train_seed": 0},
}


@pytest.fixture
def run(tmp_path):
    def make(name, *overrides, **lock):
        resolved = load_config(None, [f"output.name={name}", f"output.root={tmp_path}", "env.id=2048", *overrides])
        RunDirectory.create(tmp_path, name, resolved.to_yaml(), LOCK | lock).release()
        return tmp_path / name

    return make


def test_repetitions_differ_in_nothing_big(run):
    ray = ("sandbox.runner=ray", "sandbox.ray_address=h:1")
    found = diff_runs(run("a"), run("b", "train.seed=7", "eval.seeds=0:64", *ray, command="other"))
    changed = ["eval.seeds", "output.name", "sandbox.ray_address", "sandbox.runner", "train.seed"]
    assert [change.key for change in found.config] == changed
    assert not any(change.big for change in (*found.config, *found.lock))
    assert found.variables == ()
    assert "repetitions of one experiment" in found.verdict


@pytest.mark.parametrize(
    ("lock", "told"),
    [
        ({"python": "3.12.0"}, "python"),
        ({"packages": {"torch": "2.8.0"}}, "packages.torch"),
        ({"git": {"commit": "def", "changed": True}}, "git.changed, git.commit"),
        ({"packages": dict.fromkeys("abcd", "1")}, "packages.a, packages.b, packages.c and 2 more"),
    ],
)
def test_runs_of_other_code_repeat_nothing(run, lock, told):
    found = diff_runs(run("a"), run("b", **lock))
    assert found.variables == ()
    assert "repetitions" not in found.verdict
    assert f"({told})" in found.verdict


def test_other_rows_are_one_variable(run):
    rows = {"train_rows": 10, "train_sha256": "11", "eval_rows": 2, "eval_sha256": "12", "dropped": {}}
    others = {"train_rows": 11, "train_sha256": "21", "eval_rows": 3, "eval_sha256": "22", "dropped": {"empty": 1}}
    found = diff_runs(run("a", dataset=rows), run("b", dataset=others))
    assert found.variables == ("dataset rows",)
    assert found.verdict == "changed: dataset rows"
    again = diff_runs(run("c", dataset=rows), run("d", "dataset.val_size=2", dataset=others))
    assert again.variables == ("dataset.val_size",)


def test_one_changed_variable_is_a_cause(run):
    found = diff_runs(run("a"), run("b", "train.learning_rate=0.001"))
    assert found.variables == ("train.learning_rate",)
    assert found.verdict == "changed: train.learning_rate"


def test_more_than_one_has_no_single_cause(run):
    found = diff_runs(
        run("a"), run("b", "reward.weights.success=3", "reward.weights.format=1", "train.learning_rate=0.001")
    )
    assert found.variables == ("reward.weights", "train.learning_rate")
    assert found.verdict.startswith("changed: reward.weights and train.learning_rate. With 2 variables")
    assert "no difference between these runs has a single cause" in found.verdict


def test_the_lock_tells_what_no_setting_does(run):
    changes = {"task": LOCK["task"] | {"prompt_sha256": "bb"}, "model": LOCK["model"] | {"files": {"m": "22"}}}
    assert diff_runs(run("a"), run("b", **changes)).variables == ("model.files", "task.prompt_sha256")
    # Another target makes another prompt: that is one change, not two.
    again = diff_runs(run("c"), run("d", "env.options.target=256", task=changes["task"]))
    assert again.variables == ("env.options",)


def test_the_secret_of_the_training_seeds_is_never_shown(run):
    found = diff_runs(run("a"), run("b", seeds={"train_salt": "7e8a17ed", "train_seed": 3}))
    assert "a17ed" not in repr(found)


def test_what_stands_in_one_only_is_not_there_in_the_other(run):
    found = diff_runs(run("a"), run("b", packages={}))
    (change,) = (change for change in found.lock if change.key == "packages.torch")
    assert (change.first, change.second) == ('"2.9.1"', None)


def test_refuses_what_is_no_run(run, tmp_path):
    with pytest.raises(RunError, match="no such run directory"):
        diff_runs(run("a"), tmp_path / "nothing")
