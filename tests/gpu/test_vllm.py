"""Two steps of GRPO whose completions vLLM samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from envrl.config import load_config

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"


@pytest.mark.gpu
def test_vllm_samples_within_the_process(gpu, tmp_path):
    pytest.importorskip("vllm")
    from envrl.workflow.train import train
    from envrl.workflow.watching import Silent

    overrides = [
        "train.device=cuda", "train.max_steps=2", "train.save_steps=2", "train.warmup_steps=0", "eval.samples=4",
        "eval.seeds=0:4", "eval.validation_seeds=0:4", "eval.best_of=4", "method.num_iterations=1",
        "model.generation=vllm", "model.max_seq_length=512", f"output.root={tmp_path}", "output.name=run",
    ]  # fmt: skip
    trained = train(load_config(RECIPE, overrides), "test", Silent())
    assert trained.run.status.state == "finished"
