"""A model writes: sampled, counted, the same for the same seed."""

from __future__ import annotations

import pytest

from envrl.config import MethodConfig
from envrl.envs import find_task
from envrl.models import LoadedModel, conversation, write
from envrl.rollouts import extract

PROMPT = find_task("2048").prompt("tiny")


@pytest.fixture(scope="module")
def method():
    return MethodConfig(max_completion_length=120)


@pytest.fixture(scope="module")
def first(tiny, method):
    return write(tiny, PROMPT, 12, method, seed=3)


def test_the_same_seed_writes_the_same_and_another_does_not(tiny, method, first):
    assert write(tiny, PROMPT, 12, method, seed=3) == first
    assert write(tiny, PROMPT, 12, method, seed=4) != first
    assert len({one.text for one in first}) > 1


def test_tokens_are_counted_with_the_end(tiny, first):
    assert all(1 <= one.tokens <= 120 for one in first)
    for one in first:
        if not one.clipped:
            # What it wrote may be cut into tokens in another way than the tokenizer would.
            shortest = len(tiny.tokenizer(one.text, add_special_tokens=False)["input_ids"]) + 1
            assert one.tokens >= shortest
        assert "<|" not in one.text


def test_the_warm_started_model_mostly_keeps_its_output_contract(first):
    assert sum(extract(one.text, "tiny").source is not None for one in first) >= 8


def test_a_completion_that_meets_the_limit_is_clipped(tiny):
    written = write(tiny, PROMPT, 5, MethodConfig(max_completion_length=4), seed=0)
    assert [(one.tokens, one.clipped) for one in written] == [(4, True)] * 5


def test_batches_make_up_the_count_and_are_told_of(tiny):
    told = []
    written = write(tiny, PROMPT, 7, MethodConfig(max_completion_length=3), seed=0, batch_size=3, progress=told.append)
    assert len(written) == 7
    assert told == [3, 3, 1]


def test_writing_leaves_the_model_in_the_mode_it_was_in(tiny):
    method = MethodConfig(max_completion_length=2)
    tiny.model.train()
    write(tiny, PROMPT, 1, method, seed=0)
    assert tiny.model.training
    tiny.model.eval()
    write(tiny, PROMPT, 1, method, seed=0)
    assert not tiny.model.training


def test_the_mode_comes_back_when_writing_fails(tiny):
    class Broken:
        def __getattr__(self, name):
            return getattr(tiny.model, name)

        def generate(self, **_):
            raise RuntimeError("no memory")

    tiny.model.train()
    with pytest.raises(RuntimeError, match="no memory"):
        write(LoadedModel(Broken(), tiny.tokenizer, "x"), PROMPT, 1, MethodConfig(max_completion_length=2), seed=0)
    assert tiny.model.training
    tiny.model.eval()


def test_a_prompt_is_one_message_of_the_user():
    assert conversation("p") == [{"role": "user", "content": "p"}]
