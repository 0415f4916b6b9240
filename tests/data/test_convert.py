"""Rows of every format say the same thing as one `Example`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.data.convert import convert
from envrl.data.example import Example, Unfit
from envrl.data.layout import detect


def _example(row: dict[str, Any], **layout: Any) -> Example:
    return convert(row, detect(row, "rows.jsonl:1", **layout))


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


ANSWERS: dict[str, dict[str, Any]] = {
    "alpaca": {"instruction": "q", "input": "", "output": "a"},
    "sharegpt": {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    "messages": {"messages": [_user("q"), _assistant("a")]},
    "plain": {"prompt": "q", "completion": "a"},
    "turns": {"prompt": [_user("q")], "completion": [_assistant("a")]},
    "csv": {"prompt": '[{"role": "user", "content": "q"}]', "completion": "a"},
}


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_the_same_in_every_format(row: dict[str, Any]) -> None:
    assert _example(row) == Example(prompt=[_user("q")], answer=[_assistant("a")])


PAIRS: dict[str, dict[str, Any]] = {
    "explicit": {"prompt": "q", "chosen": "a", "rejected": "b"},
    "explicit turns": {"prompt": [_user("q")], "chosen": [_assistant("a")], "rejected": [_assistant("b")]},
    "implicit turns": {"chosen": [_user("q"), _assistant("a")], "rejected": [_user("q"), _assistant("b")]},
    "prompt repeated": {
        "prompt": "q",
        "chosen": [_user("q"), _assistant("a")],
        "rejected": [_user("q"), _assistant("b")],
    },
    "implicit dialogue": {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"},
    "implicit text": {"chosen": "q\na", "rejected": "q\nb"},
    "alpaca": {"instruction": "q", "input": "", "chosen": "a", "rejected": "b"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "q"}],
        "chosen": {"from": "gpt", "value": "a"},
        "rejected": {"from": "gpt", "value": "b"},
    },
    "openai": {
        "input": {"messages": [_user("q")]},
        "preferred_output": [_assistant("a")],
        "non_preferred_output": [_assistant("b")],
    },
}


@pytest.mark.parametrize("row", PAIRS.values(), ids=PAIRS)
def test_a_pair_is_the_same_in_every_format(row: dict[str, Any]) -> None:
    assert _example(row) == Example(prompt=[_user("q")], chosen=[_assistant("a")], rejected=[_assistant("b")])


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", "completion": "a", "label": True},
        {"prompt": "q", "completion": "a", "label": "true"},
        {"prompt": "q", "completion": "a", "label": 1},
        {"instruction": "q", "output": "a", "kto_tag": True},
        {**ANSWERS["sharegpt"], "kto_tag": True},
    ],
)
def test_a_label_is_the_same_in_every_format(row: dict[str, Any]) -> None:
    assert _example(row) == Example(prompt=[_user("q")], answer=[_assistant("a")], label=True)


def test_what_stands_before_an_instruction() -> None:
    row = {"instruction": "q", "input": "r", "output": "a", "system": "s", "history": [["q0", "a0"]]}
    assert _example(row).prompt == [
        {"role": "system", "content": "s"},
        _user("q0"),
        _assistant("a0"),
        _user("q\nr"),
    ]


def test_columns_that_the_first_row_lacks_are_read_in_later_ones() -> None:
    layout = detect({"instruction": "q", "output": "a"}, "rows.jsonl:1")
    later = convert({"instruction": "q", "output": "a", "history": [["q0", "a0"]]}, layout)
    assert len(later.prompt) == 3


def test_tools_of_sharegpt() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": '{"name": "f", "arguments": {"x": 1}}'},
            {"from": "observation", "value": "3"},
            {"from": "gpt", "value": "a"},
        ],
        "tools": '[{"name": "f", "parameters": {}}]',
        "system": "s",
    }
    example = _example(row)
    assert [turn["role"] for turn in example.prompt] == ["system", "user", "assistant", "tool"]  # type: ignore[index]
    assert example.tools == [{"type": "function", "function": {"name": "f", "parameters": {}}}]


def test_names_and_tags_of_a_data_set_s_own() -> None:
    row = {"talk": [{"role": "me", "text": "q"}, {"role": "it", "text": "a"}]}
    tags = {"role_tag": "role", "content_tag": "text", "user_tag": "me", "assistant_tag": "it"}
    assert _example(row, wanted="sharegpt", columns={"messages": "talk"}, tags=tags) == _example(ANSWERS["sharegpt"])
    renamed = {"frage": "q", "antwort": "a"}
    assert _example(renamed, columns={"prompt": "frage", "completion": "antwort"}) == _example(ANSWERS["plain"])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "", "output": "a"}, "empty prompt"),
        ({"instruction": "q", "output": None}, "empty answer"),
        ({"instruction": "q", "output": "a", "history": [["x"]]}, "history that is no list of prompt and answer"),
        ({"instruction": "q", "chosen": "a", "rejected": ""}, "empty rejected"),
        ({"instruction": "q", "chosen": "a", "rejected": "a"}, "chosen and rejected are equal"),
        ({"instruction": "q", "output": "a", "kto_tag": "maybe"}, "label that is neither true nor false"),
        ({"conversations": [{"from": "bot", "value": "q"}]}, "unknown role"),
        ({"conversations": []}, "empty conversation"),
        ({"conversations": "q"}, "conversations that are no list"),
        ({"conversations": ["q"]}, "turn that is no object"),
        ({"conversations": [{"from": "human", "value": "q"}]}, "last turn is not the assistant's"),
        (
            {"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "no"}]},
            "function call that is no JSON",
        ),
        ({"messages": [_user("q"), _user("q"), _assistant("a")]}, "turns out of order"),
        ({"prompt": " ", "completion": "a"}, "empty prompt"),
        ({"prompt": "q", "completion": ""}, "empty answer"),
        ({"prompt": "q", "completion": [_user("a")]}, "turns out of order"),
        ({"prompt": "q", "completion": "a", "label": None}, "label that is neither true nor false"),
        ({"text": ""}, "empty text"),
        ({"text": 3}, "text that is no text"),
        ({"prompt": "q", "chosen": "a", "rejected": "a"}, "chosen and rejected are equal"),
        ({"chosen": "abc", "rejected": "abd"}, "chosen and rejected answer different prompts"),
        (
            {"chosen": [_user("q"), _assistant("a")], "rejected": [_user("r"), _assistant("b")]},
            "chosen and rejected answer different prompts",
        ),
        (
            {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: r\n\nAssistant: b"},
            "chosen and rejected answer different prompts",
        ),
    ],
)
def test_rows_that_cannot_be_used_say_why(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unfit) as unfit:
        _example(row)
    assert unfit.value.reason == reason


@given(
    prompt=st.text(min_size=1).filter(lambda text: text.strip() and not text.startswith("\n\nHuman:")),
    sides=st.tuples(st.text("ab", min_size=1), st.text("ab", min_size=1)).filter(lambda sides: sides[0] != sides[1]),
)
def test_an_implicit_prompt_and_its_sides_make_up_the_texts_again(prompt: str, sides: tuple[str, str]) -> None:
    from dataclasses import replace

    row = {"chosen": f"{prompt} {sides[0]}", "rejected": f"{prompt} {sides[1]}"}
    example = convert(row, replace(detect(row, "rows.jsonl:1"), plain=True))
    assert (f"{example.prompt}{example.chosen}", f"{example.prompt}{example.rejected}") == (
        row["chosen"],
        row["rejected"],
    )
    assert example.prompt == f"{prompt} "


@given(
    turns=st.lists(st.text("xy ", min_size=1).filter(str.strip), min_size=1, max_size=5).filter(lambda t: len(t) % 2),
    sides=st.tuples(st.text("ab", min_size=1), st.text("ab", min_size=1)).filter(lambda sides: sides[0] != sides[1]),
)
def test_an_implicit_conversation_is_parted_where_the_sides_part(turns: list[str], sides: tuple[str, str]) -> None:
    prompt = [(_user, _assistant)[number % 2](text) for number, text in enumerate(turns)]
    row = {name: [*prompt, _assistant(side)] for name, side in zip(("chosen", "rejected"), sides, strict=True)}
    assert _example(row) == Example(prompt=prompt, chosen=[_assistant(sides[0])], rejected=[_assistant(sides[1])])


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "wanted"),
    [
        ("Why?\nAnswer:", "Why?\nAnswer: so", "Why?\nAnswer: no", ("so", "no")),
        ("Why?\nAnswer:", "Why?\nAnswer: so", "no", ("Why?\nAnswer: so", "no")),
        ("I", "It is so", "If only", ("It is so", "If only")),
        ("Why?", "Why?", "Why? No", ("Why?", "Why? No")),
    ],
)
def test_a_prompt_that_both_sides_repeat_is_not_doubled(
    prompt: str, chosen: str, rejected: str, wanted: tuple[str, str]
) -> None:
    row = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    example = convert(row, detect(row, "here"))
    assert example.prompt == [{"role": "user", "content": prompt}]
    assert (example.chosen[0]["content"], example.rejected[0]["content"]) == wanted  # type: ignore[index]
