"""The dry run: it builds what it can, loads no weights, and says what it would download."""

from __future__ import annotations

import importlib.util
import json
import socket

import pytest

from envrl.config import load_config
from envrl.errors import ConfigError, ModelError, UnknownNameError
from envrl.workflow.plan import dry_run, memory_rows
from envrl.workflow.recipes import list_recipes, recipe_for

MADE_FIRST = ("2048/dpo-from-play", "2048/orpo-from-play")  # their pairs are made by the user
RECIPES = [recipe for recipe in list_recipes() if recipe.name not in MADE_FIRST]


@pytest.fixture(autouse=True)
def no_network_and_no_weights(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a dry run asked the network, or loaded weights")

    import transformers

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(transformers.PreTrainedModel, "from_pretrained", refuse)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_passes(recipe):
    found = dry_run(recipe.resolved)
    assert found.plan["stage"].startswith(recipe.config.method.name)
    assert found.estimates["memory"].startswith("about ")
    assert bool(found.downloads) == recipe.needs_gpu
    if not recipe.needs_gpu:
        assert found.lacking == ()
        assert found.estimates["time"].startswith("at least ")
    if recipe.config.method.plays:
        assert recipe.config.method.name in found.plan["stage"]
        assert "tokens" in found.plan["prompt"]
        assert ("exact" if "asks" in found.plan else "success") in found.plan["rewards"]


def test_it_counts_games_and_steps():
    found = dry_run(load_config(recipe_for("2048")))
    assert found.plan["prompt"].startswith("41 tokens")
    assert found.plan["a batch"] == "64 completions in groups of 64, 4 games each: 256 games"
    assert found.plan["steps"].startswith("100, 64 × 1")
    assert "2 × 2048 games" in found.plan["measures"]


def rows(tmp_path, count):
    path = tmp_path / "rows.jsonl"
    pairs = [{"prompt": f"write {i}", "chosen": "a good one", "rejected": "a bad one"} for i in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in pairs))
    return path


def test_local_data_are_read_and_epochs_become_steps(tmp_path):
    overrides = [
        "method.name=dpo", "model.path=tiny", f"dataset.path=[{rows(tmp_path, 21)}]", "dataset.val_size=4",
        "train.epochs=3", "train.per_device_train_batch_size=2", "train.gradient_accumulation_steps=4",
    ]  # fmt: skip
    found = dry_run(load_config(None, overrides))
    assert "17 rows to train on, 4 held out" in found.plan["data"]
    assert found.plan["steps"].startswith("9, 2 × 4 rows")  # 9 batches of 2 are 3 steps of 4, three times


def test_the_format_that_a_base_model_learns_first_is_read():
    recipe = next(recipe for recipe in RECIPES if recipe.name == "math/qwen3-4b")
    said = dry_run(recipe.resolved).plan["before play"]
    assert said == "30 steps of sft; configs/math/data/format.jsonl: 60 rows to train on, none held out"


def test_bad_local_data_are_an_error(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n')
    with pytest.raises(ConfigError, match="stage dpo trains on pairs"):
        dry_run(load_config(None, ["method.name=dpo", f"dataset.path=[{path}]"]))
    with pytest.raises(ConfigError, match="no file"):
        dry_run(load_config(None, ["method.name=dpo", "dataset.path=[./nowhere.jsonl]"]))


def test_what_is_away_is_named(tmp_path):
    found = dry_run(load_config(None, ["method.name=dpo", "dataset.path=[some/data]", "model.path=some/model"]))
    model, data = found.downloads
    assert "some/model" in model
    assert "some/data[train]" in data
    assert found.estimates == {}
    assert "the size of some/model is not known" in found.notes[-1]


def test_what_is_lacking_here_is_said_and_no_error():
    overrides = ["model.path=Qwen/Qwen3-0.6B", "train.report_to=[mlflow]", "model.max_seq_length=400"]
    lacking = dry_run(load_config(recipe_for("2048"), [*overrides, "model.contract=chat"]))
    assert any("mlflow is not installed" in line for line in lacking.lacking)
    assert any("more than model.max_seq_length (400)" in line for line in lacking.notes)


@pytest.mark.parametrize("module", ["torch", "transformers"])
def test_without_the_extra_there_is_a_plan_all_the_same(monkeypatch, module):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, package=None: None if name == module else find_spec(name, package)
    )
    found = dry_run(load_config(recipe_for("2048")))
    assert any(f"needs {module}, which is not installed" in line for line in found.lacking)
    assert "256 games" in found.plan["a batch"]
    assert found.estimates["time"].startswith("no estimate" if module == "torch" else "at least")


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["env.id=no-such-game"], UnknownNameError, "no-such-game"),
        (["reward.preset=no-such-preset"], UnknownNameError, "no-such-preset"),
        (["model.path=./nothing/here"], ModelError, "there is no such folder"),
        (["method.max_prompt_length=10"], ConfigError, "max_prompt_length"),
    ],
)
def test_what_is_wrong_stops_it(overrides, error, message):
    with pytest.raises(error, match=message):
        dry_run(load_config(recipe_for("2048"), overrides))


def test_parts_that_are_nothing_are_not_shown():
    recipe = next(recipe for recipe in RECIPES if recipe.name == "tiny/sft")
    assert "  cache while it samples" not in memory_rows(recipe.memory)
    assert "  other models" not in memory_rows(recipe.memory)
