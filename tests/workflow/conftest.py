"""Runs that are short: the shipped tiny model, four programs, three steps."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is first imported

from pathlib import Path
from typing import Any

import pytest

from envrl.config import Resolved, load_config
from envrl.workflow.train import Trained, train

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"
SHORT = [
    "train.max_steps=3",
    "train.warmup_steps=0",
    "train.per_device_train_batch_size=4",
    "train.save_steps=2",
    "train.best_of_checkpoints=1",
    "method.num_generations=4",
    "method.num_iterations=1",
    "method.max_completion_length=96",
    "env.episodes=2",
    "env.options.target=32",  # won and lost about equally often, and soon
    "env.options.horizon=40",
    "eval.samples=5",
    "eval.seeds=0:4",
    "eval.validation_seeds=0:4",
    "eval.best_of=5",
    "sandbox.workers=1",
]


class Collected:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, int]] = []
        self.done: dict[str, int] = {}
        self.figures: list[dict[str, Any]] = []
        self.said: list[str] = []

    def phase(self, name: str, total: int) -> None:
        self.phases.append((name, total))
        self.done[name] = 0

    def advance(self, count: int = 1, **figures: Any) -> None:
        self.done[self.phases[-1][0]] += count
        if figures:
            self.figures.append(figures)

    def say(self, text: str) -> None:
        self.said.append(text)


def short_config(root: Path, name: str, *overrides: str) -> Resolved:
    return load_config(RECIPE, [*SHORT, f"output.root={root}", f"output.name={name}", *overrides])


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Collected]:
    """A finished run, and what its watcher was told."""
    watcher = Collected()
    resolved = short_config(tmp_path_factory.mktemp("runs"), "short")
    return train(resolved, "envrl train --env 2048", watcher), watcher
