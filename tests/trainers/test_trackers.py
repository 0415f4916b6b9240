"""Trackers: what cannot be used is told before a run starts, and TensorBoard holds TRL's figures and ours."""

from __future__ import annotations

import importlib.util
import math
from importlib.util import find_spec
from pathlib import Path

import pytest

from envrl.config import ModelConfig, load_config
from envrl.envs import find_task
from envrl.errors import ConfigError, UnknownNameError
from envrl.models import load_model, quiet_libraries
from envrl.outcomes import Outcome
from envrl.rewards import Scorer, find_preset
from envrl.rollouts import Episode, Scorecard
from envrl.trainers.grpo import train_grpo
from envrl.trainers.play import prompt_rows
from envrl.trainers.trackers import TRACKERS, check_trackers, tracked
from envrl.workflow.course import Plan

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"
SHORT = [
    "method.num_generations=2",
    "train.per_device_train_batch_size=2",
    "method.max_completion_length=24",
    "env.episodes=2",
    "train.save_steps=2",
    "train.warmup_steps=0",
    "method.num_iterations=1",
    "train.report_to=[tensorboard]",
]


@pytest.mark.parametrize("names", [[], ["none"]])
def test_no_tracker_is_fine(names):
    check_trackers(names)


def test_an_unknown_tracker_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"train\.report_to 'tensorbord': did you mean tensorboard"):
        check_trackers(["tensorbord"])


def test_none_stands_alone():
    with pytest.raises(ConfigError, match="'none' stands beside wandb"):
        check_trackers(["none", "wandb"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_told_with_the_line_that_installs_it(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None)
    with pytest.raises(ConfigError, match=f"{name} is not installed: pip install {name}"):
        check_trackers([name])


def test_a_run_is_refused_before_anything_starts(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == "wandb" else found(wanted))
    with pytest.raises(ConfigError, match="wandb is not installed"):
        Plan.of(load_config(RECIPE, ["train.report_to=[wandb]"]).config)


def test_figures_are_flat_numbers_for_trackers():
    figures = {"success": 0.5, "progress": None, "outcomes": {"failure": 1}, "seconds": {"update": 2.0}, "note": "x"}
    assert tracked(figures) == {"success": 0.5, "outcomes/failure": 1.0, "seconds/update": 2.0}


class Players:
    """Every game is a failure."""

    def play(self, assignments, progress=None):
        return [
            Scorecard(
                source=a.source,
                program_hash="x",
                episodes=tuple(Episode(index=i, outcome=Outcome.FAILURE) for i in a.indices),
            )
            for a in assignments
        ]

    def play_ahead(self, assignments=()):
        pass


class Notes:
    def __init__(self):
        self.steps = {}

    def scored(self, step, scored):
        pass

    def stepped(self, step, figures):
        self.steps[step] = dict(figures)

    def saved(self, step, checkpoint):
        pass


def train(run, steps, resume_from=None):
    import torch

    quiet_libraries()
    torch.set_num_threads(1)
    config = load_config(RECIPE, [*SHORT, f"train.max_steps={steps}"]).config
    notes = Notes()
    train_grpo(
        load_model(ModelConfig(path="tiny"), "cpu"),
        config,
        prompt_rows(config, find_task("2048").prompt("tiny")),
        Scorer(Players(), "tiny", find_preset("envrl"), "train", "salt"),
        notes,
        output=run / "checkpoints",
        device="cpu",
        resume_from=resume_from,
    )
    return notes.steps


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_holds_the_figures_of_every_step_also_of_a_resumed_run(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    steps = train(tmp_path, 2) | train(tmp_path, 3, tmp_path / "checkpoints" / "checkpoint-2")
    assert sorted(steps) == [1, 2, 3]
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    names = events.Tags()["scalars"]
    assert {"train/loss", "train/reward", "train/success", "train/broken", "train/seconds/update"} <= set(names)
    assert any(name.startswith("train/outcomes/") for name in names)
    assert [event.step for event in events.Scalars("train/success")] == [1, 2, 3]
    for name in names:
        for event in events.Scalars(name):
            if event.step in steps and name.removeprefix("train/") in (flat := tracked(steps[event.step])):
                assert math.isclose(event.value, flat[name.removeprefix("train/")], rel_tol=1e-6, abs_tol=1e-6)
    told = {f"train/{name}" for figures in steps.values() for name in tracked(figures)}
    assert told <= set(names)
    assert not (tmp_path / "checkpoints" / "runs").exists(), "transformers' own folder"
