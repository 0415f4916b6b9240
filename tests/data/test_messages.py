"""Turns: one form, a sensible order, tools kept consistent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envrl.data.example import Unfit
from envrl.data.messages import check_turns, function_calls, message, parse_tools


def _turns(*roles: str) -> list[dict[str, Any]]:
    turns = []
    for role in roles:
        turn: dict[str, Any] = {"role": role.removesuffix("!"), "content": "x"}
        if role.endswith("!"):
            turn["tool_calls"] = [{"type": "function", "function": {"name": "f", "arguments": {}}}]
        turns.append(turn)
    return turns


@pytest.mark.parametrize(
    "roles",
    [
        "user assistant",
        "system user assistant",
        "developer user assistant user assistant",
        "user assistant! tool assistant",
        "user assistant! tool tool assistant! tool assistant",
    ],
)
def test_orders_that_conversations_have(roles: str) -> None:
    check_turns(_turns(*roles.split()))


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ("user user assistant", "turns out of order"),
        ("assistant user assistant", "turns out of order"),
        ("user assistant assistant", "turns out of order"),
        ("user system assistant", "turns out of order"),
        ("user assistant user", "last turn is not the assistant's"),
        ("user tool assistant", "turns out of order"),
        ("user assistant! user assistant", "turns out of order"),
        ("user assistant! tool user", "turns out of order"),
        ("system", "last turn is not the assistant's"),
    ],
)
def test_orders_that_none_has(roles: str, reason: str) -> None:
    with pytest.raises(Unfit) as unfit:
        check_turns(_turns(*roles.split()))
    assert unfit.value.reason == reason


def test_prompts_end_with_a_user_or_a_tool() -> None:
    check_turns(_turns("user"), answered=False)
    check_turns(_turns("user", "assistant!", "tool"), answered=False)
    with pytest.raises(Unfit, match=r"prompt ends with the assistant"):
        check_turns(_turns("user", "assistant"), answered=False)


def _call(name: str) -> dict[str, Any]:
    return {"type": "function", "id": name, "function": {"name": "f", "arguments": {}}}


def test_results_answer_the_calls_by_their_ids() -> None:
    first = [*_turns("user"), {"role": "assistant", "content": "", "tool_calls": [_call("1"), _call("2")]}]
    results = [{"role": "tool", "content": "x", "tool_call_id": name} for name in ("2", "1", "3")]
    check_turns([*first, *results[:2], *_turns("assistant")])
    with pytest.raises(Unfit, match=r"result of a tool without a call"):
        check_turns([*first, results[0], results[2], *_turns("assistant")])
    with pytest.raises(Unfit, match=r"call of a tool without its result"):
        check_turns([*first, results[0], *_turns("assistant")])


def test_calls_come_in_one_form() -> None:
    wanted = [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}, "id": "1"}]
    openai = {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]}
    assert message("assistant", None, openai) == {"role": "assistant", "content": "", "tool_calls": wanted}
    sharegpt = function_calls('[{"name": "f", "arguments": {"a": 1}, "id": "1"}]')
    assert sharegpt["tool_calls"] == wanted


@pytest.mark.parametrize(
    ("role", "content", "turn", "reason"),
    [
        ("bot", "x", {}, "unknown role"),
        (None, "x", {}, "unknown role"),
        ("user", "  ", {}, "empty turn"),
        ("user", None, {}, "content that is no text"),
        ("user", [{"type": "image", "url": "x"}], {}, "content that is no text"),
        ("user", "x", {"tool_calls": [{"name": "f"}]}, "call of a tool by another than the assistant"),
        ("assistant", "", {"tool_calls": [{"function": {}}]}, "call of a tool without its name"),
        ("assistant", "", {"tool_calls": [{"name": "f", "arguments": "{"}]}, "arguments of a call that are no JSON"),
        ("assistant", "", {"tool_calls": [{"name": "f", "arguments": "[]"}]}, "arguments of a call that are no JSON"),
        ("assistant", "x", {"weight": 0}, "turn of weight 0"),
    ],
)
def test_turns_that_cannot_be_used(role: Any, content: Any, turn: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unfit) as unfit:
        message(role, content, turn)
    assert unfit.value.reason == reason


def test_parts_of_text_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert message("user", parts, {}) == {"role": "user", "content": "ab"}


def test_tools_come_as_schemas() -> None:
    bare = {"name": "f", "description": "d", "parameters": {}}
    wanted = [{"type": "function", "function": bare}]
    assert parse_tools([bare]) == parse_tools(wanted) == parse_tools(json.dumps([bare])) == wanted
    assert parse_tools("") is parse_tools(None) is parse_tools([]) is None
    with pytest.raises(Unfit, match=r"tool without its name"):
        parse_tools([{}])
    with pytest.raises(Unfit, match=r"tools that are no JSON"):
        parse_tools("[{")
