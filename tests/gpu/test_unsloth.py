"""Unsloth itself: it loads the tiny model, and a step of fine-tuning passes. On a CPU, too, since its 2026.10."""

from __future__ import annotations

import pytest

from envrl.config import LoraConfig, ModelConfig


def test_it_loads_and_trains(tmp_path):
    pytest.importorskip("unsloth")  # the first import of all: it patches what comes after
    from envrl.models import load_model, model_path
    from envrl.trainers.sft import train_sft

    lora = LoraConfig(r=4, alpha=8, target_modules=["q_proj", "v_proj"])
    config = ModelConfig(path=model_path("tiny"), backend="unsloth", dtype="float32", max_seq_length=256, lora=lora)
    loaded = load_model(config, "cpu")
    losses = []
    train_sft(
        loaded.model,
        loaded.tokenizer,
        [("write it", "```python\ndef strategy(board):\n    return 0\n```")] * 4,
        output=tmp_path,
        max_steps=2,
        batch_size=2,
        learning_rate=1e-4,
        seed=0,
        device="cpu",
        on_step=lambda step, logs: losses.append(logs["loss"]),
    )
    assert len(losses) == 2
    assert losses[1] < losses[0]
