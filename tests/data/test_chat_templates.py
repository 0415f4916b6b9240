"""Chat templates: by name, from a file, the tokenizer's own; and the two ways in which they spoil training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envrl.data.chat_templates import set_template, template_names, template_problems
from envrl.errors import ConfigError

_TALK = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
]
_ENDS = {"llama3": "<|eot_id|>", "gemma": "<end_of_turn>"}
_ENDS |= dict.fromkeys(("chatml", "qwen", "qwen3", "qwen3_nothink"), "<|im_end|>")


@pytest.mark.parametrize("name", template_names())
def test_every_named_template_is_sound_for_a_tokenizer_that_has_its_end_token(tokenizer: Any, name: str) -> None:
    tokenizer.eos_token = _ENDS.get(name, "</s>")  # the others print whatever the tokenizer's is
    tokenizer.chat_template = None
    set_template(tokenizer, name)
    assert template_problems(tokenizer) == []


@pytest.mark.parametrize("name", ["base", "alpaca", "zephyr", "mistral", "chatml"])
def test_what_a_template_says(tokenizer: Any, name: str) -> None:
    set_template(tokenizer, name)
    prompt = tokenizer.apply_chat_template(_TALK, tokenize=False, add_generation_prompt=True)
    answer = [{"role": "assistant", "content": "four"}]
    whole = tokenizer.apply_chat_template([*_TALK, *answer], tokenize=False)
    assert whole.startswith(prompt)
    assert whole.endswith(f"four{tokenizer.eos_token}")
    assert whole.count(tokenizer.eos_token) == (5 if name in ("zephyr", "chatml") else 2)
    assert [whole.index(turn["content"]) for turn in _TALK] == sorted(whole.index(turn["content"]) for turn in _TALK)


@pytest.mark.parametrize("name", ["base", "alpaca", "zephyr", "mistral", "chatml", "llama3", "gemma"])
def test_named_templates_refuse_tools(tokenizer: Any, name: str) -> None:
    tokenizer.eos_token = _ENDS.get(name, "</s>")
    set_template(tokenizer, name)
    call = {"type": "function", "function": {"name": "f", "arguments": {}}}
    for turns in (
        [_TALK[1], {"role": "assistant", "content": "", "tool_calls": [call]}],
        [_TALK[1], {"role": "tool", "content": "x"}],
    ):
        with pytest.raises(Exception, match=f"template {name} knows no tools"):
            tokenizer.apply_chat_template(turns, tokenize=False)


def test_a_template_whose_end_is_not_the_tokenizers_is_refused(tokenizer: Any) -> None:
    with pytest.raises(ConfigError, match=r"no end token '<\|im_end\|>' follows an answer"):
        set_template(tokenizer, "llama3")


def test_a_template_of_a_users_own(tokenizer: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text(
        "{% for m in messages %}{{ m['role'] }}={{ m['content'] }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}assistant={% endif %}"
    )
    set_template(tokenizer, str(path))
    assert tokenizer.apply_chat_template(_TALK[1:3], tokenize=False) == "user=one<|im_end|>assistant=two<|im_end|>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ messages[0]['content'] }}", "leaves out what was said"),
        (
            "{% for m in messages %}{{ m['content'] }}{{ eos_token }}{% endfor %}"
            "{% if add_generation_prompt %}>{% endif %}",
            "rendered in another way",
        ),
        ("{% for m in messages %}{{ m['content'] }}{% endfor %}", "would not learn to stop"),
        ("{{ raise_exception('no') }}", "the template fails on a prompt and an answer"),
        ("{% for %}", "the template fails on a prompt and an answer"),
    ],
)
def test_unsound_templates_are_refused(tokenizer: Any, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.jinja").write_text(text)
    with pytest.raises(ConfigError, match=said):
        set_template(tokenizer, str(tmp_path / "mine.jinja"))


def test_the_tokenizers_own_is_left_and_must_be_there(tokenizer: Any) -> None:
    own = tokenizer.chat_template
    set_template(tokenizer, None)
    set_template(tokenizer, "none")
    assert tokenizer.chat_template == own
    assert template_problems(tokenizer) == []
    tokenizer.chat_template = None
    with pytest.raises(ConfigError, match=r"no chat template of its own .* name one of alpaca, base, chatml"):
        set_template(tokenizer, None)


def test_no_such_template(tokenizer: Any) -> None:
    with pytest.raises(ConfigError, match=r"did you mean zephyr"):
        set_template(tokenizer, "zefyr")
