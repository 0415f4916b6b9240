"""A short run of the tiny model on a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.workflow.train import train
from envrl.workflow.watching import Silent

RECIPES = Path(__file__).parents[2] / "configs"
SHORT = [
    "train.device=cuda",
    "train.max_steps=2",
    "train.warmup_steps=0",
    "train.save_steps=2",
    "eval.samples=4",
    "eval.seeds=0:4",
    "eval.validation_seeds=0:4",
    "eval.best_of=4",
]


@pytest.mark.gpu
@pytest.mark.parametrize("extra", [[], ["train.bf16=true"], ["model.lora={r: 4, alpha: 8}"]], ids=["", "bf16", "lora"])
def test_the_tiny_model_trains(gpu, tmp_path, extra):
    overrides = [*SHORT, *extra, f"output.root={tmp_path}", "output.name=run", "method.num_iterations=1"]
    trained = train(load_config(RECIPES / "2048" / "tiny-cpu.yaml", overrides), "test", Silent())
    assert trained.run.status.state == "finished"
    assert len(trained.run.metrics_path.read_text().splitlines()) == 2
