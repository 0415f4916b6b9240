"""What the backends bear with one another."""

from __future__ import annotations

import pytest

from envrl.config import load_config
from envrl.errors import ConfigError

LORA = "model.lora={r: 4, alpha: 8}"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model.load_in_fp8=true", LORA], "model.load_in_fp8: Unsloth alone trains on 8-bit floats"),
        (["model.load_in_fp8=true", "model.backend=unsloth"], "model.load_in_fp8: quantized weights cannot be trained"),
        (
            ["model.load_in_fp8=true", "model.load_in_4bit=true", "model.backend=unsloth", LORA],
            "load_in_fp8 and load_in_4bit are both true",
        ),
        (
            [
                "model.backend=unsloth",
                "model.generation=vllm",
                "model.vllm={mode: server, server_base_url: 'http://x'}",
            ],
            "model.vllm.mode: Unsloth's vLLM shares the weights",
        ),
        (
            ["model.backend=unsloth", "method.entropy_coef=0.01", "method.min_p=0.1", "method.top_p=0.9", LORA],
            "method.entropy_coef: Unsloth's own loss takes the entropy of the whole vocabulary, and lifts the tokens "
            "that min_p hides until they break in; set entropy_coef to 0, remove min_p and top_p, or set "
            "model.backend to transformers",
        ),
        (
            ["model.backend=unsloth", "method.tail_coef=0.1", "method.min_p=0.1", LORA],
            "method.tail_coef: Unsloth's own loss has no such term; set tail_coef to 0, or model.backend to "
            "transformers",
        ),
        (
            ["model.backend=unsloth", "method.max_kl=0.001", LORA],
            "method.max_kl: updates are judged by TRL's own pass through the model, and Unsloth has another; set "
            "max_kl to null, or model.backend to transformers",
        ),
        (["model.generation=vllm", "model.vllm={mode: server}"], "a server is asked for and none is named"),
        (["model.vllm={server_base_url: 'http://x'}"], "names a server, and vLLM runs within"),
        (["model.vllm={gpu_memory_utilization: 1.5}"], "model.vllm.gpu_memory_utilization"),
    ],
)
def test_what_does_not_go_together_says_how_to_mend_it(overrides, message):
    with pytest.raises(ConfigError) as caught:
        load_config(None, overrides)
    assert message in str(caught.value)


def test_what_goes_together():
    config = load_config(
        None, ["model.load_in_fp8=true", "model.backend=unsloth", "model.generation=vllm", LORA]
    ).config
    assert config.model.load_in_fp8
    unsloth = ["model.backend=unsloth", LORA]
    for mend in (["entropy_coef=0", "min_p=0.1"], ["entropy_coef=0.01"]):
        assert load_config(None, [*unsloth, *mend]).config.model.backend == "unsloth"
