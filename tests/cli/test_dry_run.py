"""``envrl recipes``, and ``envrl train`` as far as it goes without a model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.errors import UnknownNameError


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Calls a command in a wide terminal and an empty folder."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(cli, arguments)


def test_recipes_are_listed_with_their_needs(call):
    done = call("recipes", "--task", "sudoku")
    assert done.exit_code == 0
    assert "sudoku/gemma-4-e2b" in done.output
    assert "5.1 B" in done.output
    assert "2048" not in done.output


def test_where_no_recipe_fits_it_says_so(call):
    done = call("recipes", "--memory", "0.001")
    assert done.exit_code == 0
    assert "no recipe answers to that" in done.output


def test_a_dry_run_shows_the_plan_and_writes_nothing(call, monkeypatch):
    monkeypatch.setattr("envrl.workflow.choice.device_memory", lambda: None)
    done = call("train", "--env", "2048", "--dry-run", "train.max_steps=7", "train.warmup_steps=0")
    assert done.exit_code == 0, done.output
    assert "the tiny model, since torch sees no GPU" in done.output
    assert "7, 64 × 1 completions each" in done.output
    assert "256 games" in done.output
    assert os.listdir() == []


def test_a_recipe_is_taken_by_name_and_a_model_overrules(call):
    done = call("train", "--recipe", "ministral-3-3b", "--model", "Qwen/Qwen3-0.6B", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "Qwen/Qwen3-0.6B, 595.98 million parameters" in done.output
    assert "fill 35 empty cells" in done.output
    assert "would download: model Qwen/Qwen3-0.6B" in done.output


def test_with_a_gpu_the_plan_is_that_of_the_largest_recipe_that_fits(call, monkeypatch):
    monkeypatch.setattr("envrl.workflow.choice.device_memory", lambda: 79.0 * 2**30)
    done = call("train", "--env", "2048", "--print-config")
    assert done.exit_code == 0, done.output
    assert "unsloth/gpt-oss-20b" in done.output
    named = call("train", "--env", "2048", "--model", "tiny", "--print-config")
    assert "unsloth/gpt-oss-20b" not in named.output


def test_a_config_and_a_recipe_are_one_too_many(call):
    config = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"
    done = call("train", str(config), "--recipe", "ministral-3-3b")
    assert done.exit_code == 2
    assert "give one of them" in done.output


def test_a_recipe_that_there_is_not(call):
    done = call("train", "--recipe", "ministral-3b")
    assert isinstance(done.exception, UnknownNameError)
    assert "ministral-3-3b" in str(done.exception)
