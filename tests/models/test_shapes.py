"""How large a model is, told without its weights."""

from __future__ import annotations

import json

import pytest

from envrl.models.shapes import find_shape, read_shape

# Parameters as the models' cards give them; of gpt-oss arXiv 2508.10925, table 1.
PUBLISHED = {
    "unsloth/zephyr-sft-bnb-4bit": 7.24e9,
    "meta-llama/Meta-Llama-3.1-8B-Instruct": 8.03e9,
    "meta-llama/Llama-3.2-3B-Instruct": 3.21e9,
    "Qwen/Qwen3-0.6B": 0.596e9,
    "unsloth/Qwen3-4B-Base": 4.02e9,
    "unsloth/Qwen3-8B": 8.19e9,
    "unsloth/gpt-oss-20b": 20.9e9,
    "unsloth/Ministral-3-3B-Instruct-2512": 3.85e9,
    "unsloth/gemma-4-E2B-it": 5.1e9,
}


@pytest.mark.parametrize(("path", "parameters"), PUBLISHED.items())
def test_the_models_of_the_recipes_have_their_published_size(path, parameters):
    assert find_shape(path).parameters == pytest.approx(parameters, rel=0.01)


def test_tokens_of_a_mixture_meet_few_of_its_experts():
    assert find_shape("unsloth/gpt-oss-20b").active == pytest.approx(3.6e9, rel=0.01)


def test_the_tiny_model_is_as_large_as_its_shape_says(tiny):
    shape = find_shape("tiny")
    real = sum(p.numel() for p in tiny.model.parameters())
    norms = sum(p.numel() for name, p in tiny.model.named_parameters() if "norm" in name)
    assert shape.parameters == real - norms


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # peft asks by its former name
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"]])
def test_adapters_are_as_large_as_peft_makes_them(tiny, targets):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    fresh = AutoModelForCausalLM.from_config(tiny.model.config)
    adapted = get_peft_model(fresh, LoraConfig(r=3, target_modules=targets, task_type="CAUSAL_LM"))
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert find_shape("tiny").adapter_parameters(3, targets) == trained


def test_the_cache_is_as_large_as_transformers_makes_it(tiny):
    output = tiny.model(**tiny.tokenizer("def", return_tensors="pt"), use_cache=True)
    tokens = len(tiny.tokenizer("def")["input_ids"])
    values = sum(layer.keys.numel() + layer.values.numel() for layer in output.past_key_values.layers)
    assert find_shape("tiny").cache_values * tokens == values


def test_a_model_in_a_folder_is_read_from_its_config(tmp_path):
    config = {
        "text_config": {
            "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 128,
            "vocab_size": 100, "num_local_experts": 8, "num_experts_per_tok": 2,
        },
        "tie_word_embeddings": True,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = find_shape(str(tmp_path))
    assert (shape.head_dim, shape.kv_heads, shape.experts, shape.active_experts) == (16, 4, 8, 2)
    assert shape.tied
    assert shape.parameters == 2 * (4 * 64 * 64 + 8 * 3 * 64 * 128) + 100 * 64


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"hidden_size": "wide"}'])
def test_what_tells_no_shape_is_not_guessed(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    assert find_shape(str(tmp_path)) is None


def test_a_model_that_is_nowhere_has_no_shape():
    assert find_shape("envrl-tests/no-such-model") is None
    assert find_shape("./nothing/here") is None
    assert read_shape({}) is None
