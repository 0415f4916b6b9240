"""What a run needs, worked out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.config import load_config
from envrl.models.shapes import find_shape
from envrl.workflow.estimate import (
    Work,
    estimate_memory,
    estimate_work,
    fits,
    guess_tokens,
    rows_of_a_pass,
    seconds_of_work,
)

LORA = "model.lora={r: 8, alpha: 16}"
DPO = ("method.name=dpo", "dataset.path=[rows.jsonl]")
EIGHT = find_shape("unsloth/Qwen3-8B")


def config_of(*overrides):
    return load_config(None, ["model.path=some/model", "train.bf16=true", *overrides]).config


def memory_of(*overrides, tokens=100):
    return estimate_memory(config_of(*overrides), EIGHT, tokens, "cuda")


def test_a_whole_model_takes_sixteen_bytes_a_parameter_in_float32():
    memory = memory_of("model.dtype=float32")
    assert memory.weights + memory.trained == pytest.approx(16 * EIGHT.parameters)


def test_a_bound_on_updates_keeps_what_is_trained_twice():
    adapters = EIGHT.adapter_parameters(8, "all-linear")
    bound = "method.max_kl=0.001"
    assert memory_of(LORA, bound).total - memory_of(LORA).total == 4 * adapters
    assert memory_of(bound).total - memory_of().total == 2 * EIGHT.parameters  # in bfloat16


def test_quantized_weights_are_smaller_and_embeddings_stay():
    whole, eight, four = (
        memory_of(LORA, *bits) for bits in ((), ("model.load_in_8bit=true",), ("model.load_in_4bit=true",))
    )
    assert whole.weights == 2 * EIGHT.parameters
    assert eight.weights == EIGHT.matrices + 2 * EIGHT.embeddings
    assert four.weights == 0.5625 * EIGHT.matrices + 2 * EIGHT.embeddings


def test_experts_are_quantized_by_unsloth_alone():
    shape = find_shape("unsloth/gpt-oss-20b")
    plain, unsloth = (
        estimate_memory(
            config_of(LORA, "model.load_in_4bit=true", f"model.backend={backend}"), shape, 0, "cuda"
        ).weights
        for backend in ("transformers", "unsloth")
    )
    assert plain > 35e9
    assert unsloth == pytest.approx(13.4e9, rel=0.05)  # Unsloth's upload of it in 4 bits takes 13 GB


def test_an_optimiser_of_eight_bits_keeps_a_quarter():
    usual, small = memory_of(LORA), memory_of(LORA, "train.optim=adamw_8bit")
    adapters = EIGHT.adapter_parameters(8, "all-linear")
    assert usual.trained - small.trained == 6 * adapters
    assert usual.trained == 16 * adapters


def test_a_reference_is_a_second_model_but_with_adapters():
    assert memory_of(*DPO).other_models == 2 * EIGHT.parameters
    assert memory_of(*DPO, LORA).other_models == 0
    assert memory_of(*DPO, LORA, "method.ref_model=other/model").other_models == 2 * EIGHT.parameters
    assert memory_of("method.beta=0.1").other_models == 2 * EIGHT.parameters
    assert memory_of().other_models == 0


def test_vllm_has_a_copy_but_shares_unsloths():
    vllm = "model.generation=vllm"
    assert memory_of(LORA, vllm).other_models == 2 * EIGHT.parameters
    assert memory_of(LORA, vllm, "model.backend=unsloth").other_models == 0
    server = "model.vllm={mode: server, server_base_url: 'http://localhost:8000'}"
    assert memory_of(LORA, vllm, server).other_models == 0


def test_sampling_and_updating_take_turns_unless_vllm_stays():
    turns, stays = memory_of(LORA), memory_of(LORA, "model.generation=vllm")
    static = turns.weights + turns.trained
    assert turns.total == static + max(turns.generating, turns.updating)
    assert stays.total == stays.weights + stays.other_models + stays.trained + stays.generating + stays.updating


def test_both_sides_of_a_pair_are_in_a_batch():
    assert rows_of_a_pass(config_of(*DPO)) == 2 * rows_of_a_pass(config_of())


def test_gradient_checkpointing_makes_activations_smaller_and_steps_longer():
    without, with_it = config_of(LORA), config_of(LORA, "train.gradient_checkpointing=true")
    memories = [estimate_memory(config, EIGHT, 100, "cuda") for config in (without, with_it)]
    assert memories[1].updating < memories[0].updating
    works = [
        estimate_work(config, EIGHT, 100, memory) for config, memory in zip((without, with_it), memories, strict=True)
    ]
    assert works[1].updating == pytest.approx(1.5 * works[0].updating)


@settings(max_examples=30, deadline=None)
@given(batch=st.integers(1, 8), length=st.integers(16, 1500), tokens=st.integers(0, 500))
def test_more_needs_more(batch, length, tokens):
    def total(batch, length, tokens):
        overrides = (f"train.per_device_train_batch_size={8 * batch}", f"method.max_completion_length={length}")
        return memory_of(LORA, *overrides, tokens=tokens).total

    here = total(batch, length, tokens)
    assert total(batch + 1, length, tokens) > here
    assert total(batch, length + 1, tokens) > here
    assert total(batch, length, tokens + 1) >= here


def test_colocated_vllm_must_fit_into_its_share():
    config = config_of(LORA, "model.generation=vllm", "model.vllm={gpu_memory_utilization: 0.3}")
    memory = estimate_memory(config, EIGHT, 100, "cuda")
    needed = (memory.weights + memory.generating) / 0.3
    assert not fits(memory, config, 0.99 * needed)
    assert fits(memory, config, max(1.01 * needed, 1.01 * memory.total / 0.7))


def test_vllm_that_sleeps_leaves_its_share_to_training():
    overrides = (LORA, "model.generation=vllm")
    total = 60e9  # weights twice, 33e9, and 25e9 of activations: half of it is too little for training
    for sleeps, verdict in ((False, False), (True, True)):
        vllm = f"model.vllm={{gpu_memory_utilization: 0.5, sleep_mode: {str(sleeps).lower()}}}"
        config = config_of(*overrides, vllm)
        assert fits(estimate_memory(config, EIGHT, 100, "cuda"), config, total) is verdict


def test_a_step_that_uses_its_batch_again_samples_half_as_much():
    once, twice = config_of(LORA), config_of(LORA, "method.num_iterations=2")
    memory = estimate_memory(once, EIGHT, 100, "cuda")
    first, second = (estimate_work(config, EIGHT, 100, memory) for config in (once, twice))
    assert second.sampling == first.sampling / 2
    assert second.read == first.read / 2
    assert second.updating > first.updating  # the old policy scores it once more


def test_a_stage_that_does_not_play_samples_nothing():
    config = config_of(*DPO, LORA)
    work = estimate_work(config, EIGHT, 0, estimate_memory(config, EIGHT, 0, "cuda"))
    assert (work.sampling, work.read) == (0.0, 0.0)
    assert work.updating > 0


def test_sampling_waits_for_the_slower_of_arithmetic_and_memory():
    assert seconds_of_work(Work(10.0, 100.0, 6.0), operations=2.0, bandwidth=10.0) == 13.0
    assert seconds_of_work(Work(40.0, 100.0, 6.0), operations=2.0, bandwidth=10.0) == 23.0


def test_tokens_are_guessed_from_characters():
    assert [guess_tokens("x" * count) for count in (0, 1, 4, 5)] == [0, 1, 1, 2]
