"""The shipped tiny model is the one that its recipe describes; its files may be made anew, and no hash stands here."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from envrl.envs import find_task
from envrl.envs.game2048.grammar import examples
from envrl.models.tiny.architecture import make_model
from envrl.models.tiny.recipe import Recipe
from envrl.models.tiny.tokenizer import CHAT_TEMPLATE, make_tokenizer
from envrl.models.writer import conversation
from envrl.rollouts import fenced
from envrl.runs import file_hash

FOLDER = Path(str(files("envrl.models.tiny"))) / "weights"


@pytest.fixture(scope="module")
def written():
    return json.loads((FOLDER / "recipe.json").read_text())


def test_the_recipe_is_this_versions(written):
    assert msgspec.convert(written["recipe"], Recipe) == Recipe()
    assert written["recipe_hash"] == Recipe().hash


def test_the_files_are_those_that_the_recipe_made(written):
    assert file_hash(FOLDER / "tokenizer.json") == written["tokenizer_sha256"]
    assert file_hash(FOLDER / "model.safetensors") == written["weights_sha256"]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6e6


def test_the_prompt_is_still_the_tasks(written):
    task = find_task(written["task"])
    assert written["prompt"] == task.prompt("tiny")
    assert written["task_version"] == task.version


def test_no_program_of_the_corpus_wins_often(written):
    recipe, corpus = Recipe(), written["corpus"]
    assert corpus["best_success_on_filter_seeds"] <= recipe.most_wins
    assert corpus["programs"] + corpus["left_out"] == recipe.examples
    assert corpus["left_out"] > 0
    assert 0 < corpus["mean_success_on_filter_seeds"] < corpus["best_success_on_filter_seeds"]


def test_the_hash_of_a_recipe_knows_every_field():
    hashes = {Recipe().hash}
    for name in Recipe.__struct_fields__:
        changed = msgspec.structs.replace(Recipe(), **{name: getattr(Recipe(), name) + 1})
        hashes.add(changed.hash)
    assert len(hashes) == 1 + len(Recipe.__struct_fields__)
    assert Recipe().hash == Recipe().hash


def test_the_model_is_small_and_of_the_recipes_architecture(tiny):
    import torch

    recipe, config = Recipe(), tiny.model.config
    assert sum(p.numel() for p in tiny.model.parameters()) < 1_000_000
    assert config.model_type == "qwen3"
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size) == (
        recipe.hidden_size, recipe.num_hidden_layers, len(tiny.tokenizer),
    )  # fmt: skip
    assert len(tiny.tokenizer) <= recipe.vocab_size
    assert config.tie_word_embeddings
    assert {p.dtype for p in tiny.model.parameters()} == {torch.float32}
    assert all(torch.isfinite(p).all() for p in tiny.model.parameters())
    fresh = make_model(recipe, tiny.tokenizer)
    assert {n: p.shape for n, p in fresh.named_parameters()} == {n: p.shape for n, p in tiny.model.named_parameters()}


def test_the_tokenizer_has_the_chat_template_and_its_special_tokens(tiny):
    tokenizer = tiny.tokenizer
    assert tokenizer.chat_template == CHAT_TEMPLATE
    assert 300 < len(tokenizer) <= Recipe().vocab_size  # fewer where the corpus holds no more to merge
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.pad_token == "<|endoftext|>"
    assert tokenizer.padding_side == "left"
    assert (tiny.model.config.eos_token_id, tiny.model.config.pad_token_id) == (
        tokenizer.eos_token_id, tokenizer.pad_token_id,
    )  # fmt: skip
    text = tokenizer.apply_chat_template(conversation("hello"), add_generation_prompt=True, tokenize=False)
    assert text == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"


def test_the_tokenizer_gives_back_every_example_exactly(tiny):
    tokenizer = tiny.tokenizer
    prompt = find_task("2048").prompt("tiny")
    for text in [prompt, *(fenced(example.source) for example in examples(500, 1))]:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
        assert len(ids) < 112, "longer than the recipe's max_completion_length"


@pytest.mark.parametrize("text", ["é … 漢字 🎲", "\t \r\n\n  x", "0123456789 _a1", "\x00\x7f"])
def test_the_tokenizer_gives_back_any_other_text_too(tiny, text):
    assert tiny.tokenizer.decode(tiny.tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_a_completion_ends_right_after_the_assistants_message(tiny):
    messages = [*conversation("p"), {"role": "assistant", "content": "c"}]
    text = tiny.tokenizer.apply_chat_template(messages, tokenize=False)
    assert text.endswith("c<|im_end|>")


def test_a_tokenizer_is_the_same_for_the_same_texts():
    texts = [fenced(example.source) for example in examples(80, 2)]
    first, second = (make_tokenizer(texts, 300) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
