"""Rows that are too long are counted and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envrl.config import DatasetConfig
from envrl.data import load_rows
from envrl.data.lengths import Lengths
from envrl.errors import ConfigError


def test_the_length_is_what_the_trainer_would_see(tokenizer: Any) -> None:
    row = {name: [{"role": role, "content": "def strategy(board)"}] for name, role in
           (("prompt", "user"), ("chosen", "assistant"), ("rejected", "assistant"))}  # fmt: skip
    row["rejected"][0]["content"] += " * 9" * 20
    lengths = Lengths(tokenizer, 2048)
    lengths.measure(row, "rows.jsonl:1")
    whole = tokenizer.apply_chat_template(row["prompt"] + row["rejected"], return_dict=True)["input_ids"]
    assert lengths.longest == len(whole)
    assert lengths.words() == []


@pytest.mark.parametrize("streaming", [False, True])
def test_prompts_that_fill_the_limit_are_left_out_and_longer_rows_are_named(
    tokenizer: Any, tmp_path: Path, streaming: bool
) -> None:
    def row(prompt: int, answer: int) -> str:
        return json.dumps({"prompt": "9" * prompt, "completion": "9" * answer}) + "\n"

    path = tmp_path / "rows.jsonl"
    path.write_text(row(2, 2) + row(2, 90) + row(90, 2) + row(3, 2))
    config = DatasetConfig(path=[str(path)], max_length=50, streaming=streaming)
    rows = load_rows(config, "sft", tokenizer=tokenizer)
    assert len(list(rows.train)) == 3
    assert rows.dropped.counts == {"prompt longer than dataset.max_length": 1}
    if not streaming:  # the notes of a stream are not known before it was read
        assert any("1 of 4 rows (25.0%) have a prompt of 50 tokens or more" in note for note in rows.notes)
        assert any(f"{path}:2 (" in note and "the trainer cuts their end" in note for note in rows.notes)


@pytest.mark.parametrize("plain", [False, True])
def test_rows_for_a_reward_model_are_whole_or_left_out(tokenizer: Any, tmp_path: Path, plain: bool) -> None:
    def row(chosen: int) -> str:
        return json.dumps({"prompt": "9 ", "chosen": "9" * chosen, "rejected": "9 8"}) + "\n"

    path = tmp_path / "rows.jsonl"
    path.write_text(row(2) + row(90) + row(3))
    template = "none" if plain else None
    rows = load_rows(DatasetConfig(path=[str(path)], max_length=50, template=template), "reward", tokenizer=tokenizer)
    assert len(rows.train) == 2  # type: ignore[arg-type]
    assert rows.dropped.counts == {"longer than dataset.max_length": 1}
    assert any("1 of 3 rows" in note and "are left out" in note and "cuts" not in note for note in rows.notes)


def test_text_for_a_reward_model_ends_with_the_token_of_the_end(tokenizer: Any) -> None:
    row = {"prompt": "9 ", "chosen": "8 7", "rejected": "6"}
    lengths = Lengths(tokenizer, 2048, scored=True)
    lengths.measure(row, "a")
    assert lengths.longest == len(tokenizer("9 8 7" + tokenizer.eos_token)["input_ids"])


def test_a_row_that_the_template_cannot_render_is_an_error(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ raise_exception('no tools') }}"
    with pytest.raises(ConfigError, match=r"rows.jsonl:7: the chat template cannot render this row \(no tools\)"):
        Lengths(tokenizer, 50).measure({"prompt": [{"role": "user", "content": "x"}], "completion": []}, "rows.jsonl:7")


def test_plain_text_and_conversations(tokenizer: Any) -> None:
    lengths = Lengths(tokenizer, 2048)
    lengths.measure({"text": "9 9 9"}, "a")
    assert lengths.longest == len(tokenizer("9 9 9")["input_ids"])
    turns = [{"role": "user", "content": "9"}, {"role": "assistant", "content": "9"}]
    lengths.measure({"messages": turns}, "b")
    assert lengths.longest == len(tokenizer.apply_chat_template(turns, return_dict=True)["input_ids"])
