"""What TRL is told of vLLM. No vLLM is needed for it."""

from __future__ import annotations

import dataclasses

import pytest

from envrl.config import load_config
from envrl.trainers.play import play_options


def told(*overrides, tmp_path):
    config = load_config(None, ["train.per_device_train_batch_size=8", *overrides]).config
    options = play_options(config, tmp_path, "cpu", [1.0])
    return {name: value for name, value in options.items() if "vllm" in name}


def test_where_transformers_samples_vllm_is_left_alone(tmp_path):
    assert told(tmp_path=tmp_path) == {"use_vllm": False}


def test_colocated(tmp_path):
    overrides = (
        "model.generation=vllm",
        "model.vllm={gpu_memory_utilization: 0.4, tensor_parallel_size: 2, sleep_mode: true}",
        "model.max_seq_length=999",
    )
    assert told(*overrides, tmp_path=tmp_path) == {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": 0.4,
        "vllm_tensor_parallel_size": 2,
        "vllm_enable_sleep_mode": True,
        "vllm_max_model_length": 999,
    }


def test_a_server(tmp_path):
    server = "model.vllm={mode: server, server_base_url: 'http://localhost:8000', server_timeout: 60.0}"
    assert told("model.generation=vllm", server, tmp_path=tmp_path) == {
        "use_vllm": True,
        "vllm_mode": "server",
        "vllm_server_base_url": "http://localhost:8000",
        "vllm_server_timeout": 60.0,
    }


@pytest.mark.parametrize("kind", ["GRPOConfig", "RLOOConfig"])
def test_trl_knows_every_option(tmp_path, kind):
    import trl

    known = {field.name for field in dataclasses.fields(getattr(trl, kind))}
    server = "model.vllm={mode: server, server_base_url: 'http://localhost:8000'}"
    for overrides in (("model.generation=vllm",), ("model.generation=vllm", server)):
        assert told(*overrides, tmp_path=tmp_path).keys() <= known
