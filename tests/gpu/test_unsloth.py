"""Unsloth itself, which needs no GPU in its 2026.10.9; `make test-unsloth` makes the environment."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from envrl.config import LoraConfig, ModelConfig

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"

if importlib.util.find_spec("unsloth") is None:
    pytest.skip("unsloth is not installed", allow_module_level=True)


@pytest.mark.filterwarnings("default")  # those of other people's libraries
def test_it_loads_and_trains(tmp_path):
    import torch

    from envrl.models import load_model, model_path
    from envrl.trainers.sft import train_sft

    device = "cuda" if torch.cuda.is_available() else "cpu"
    lora = LoraConfig(r=4, alpha=8, target_modules=["q_proj", "v_proj"])
    config = ModelConfig(path=model_path("tiny"), backend="unsloth", dtype="float32", max_seq_length=256, lora=lora)
    loaded = load_model(config, device)
    assert "unsloth" in sys.modules
    before = {name: weights.clone() for name, weights in loaded.model.named_parameters()}
    losses = []
    train_sft(
        loaded.model,
        loaded.tokenizer,
        [("write it", "```python\ndef strategy(board):\n    return 0\n```")] * 4,
        output=tmp_path,
        max_steps=4,
        batch_size=2,
        learning_rate=1e-2,
        seed=0,
        device=device,
        on_step=lambda step, logs: losses.append(logs["loss"]),
    )
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    changed = {name for name, weights in loaded.model.named_parameters() if not weights.equal(before[name])}
    assert changed
    assert all("lora_" in name and ("q_proj" in name or "v_proj" in name) for name in changed)


def test_a_run_of_grpo(tmp_path):
    overrides = [
        "model.backend=unsloth", "model.lora={r: 4, alpha: 8}", "train.max_steps=2", "train.save_steps=2",
        "train.warmup_steps=0", "eval.samples=4", "eval.seeds=0:4", "eval.validation_seeds=0:4", "eval.best_of=4",
        "method.num_iterations=1", "method.entropy_coef=0", "method.tail_coef=0",
        "method.max_kl=null", f"output.root={tmp_path}", "output.name=run",
    ]  # fmt: skip
    command = [sys.executable, "-m", "envrl", "train", str(RECIPE), *overrides]
    run = subprocess.run(command, capture_output=True, text=True, timeout=900)  # a process in which Unsloth comes first
    assert run.returncode == 0, run.stderr[-3000:]
    assert "should be imported before" not in run.stderr
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 2
