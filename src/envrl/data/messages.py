"""Turns of a conversation: brought to one form, and checked for an order that makes sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from envrl.data.example import Message, Unfit

__all__ = ["as_list", "check_turns", "common_turns", "function_calls", "message", "parse_tools"]

ROLES = ("system", "developer", "user", "assistant", "tool")


def as_list(value: Any, what: str) -> list[Any]:
    """A list, or the JSON text of one, as CSV files and some data sets hold it.

    Raises:
        Unfit: it is neither.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise Unfit(f"{what} that are no JSON", str(error)) from None
    if not isinstance(value, list):
        raise Unfit(f"{what} that are no list", f"{type(value).__name__} met")
    return value


def message(role: Any, content: Any, turn: dict[str, Any]) -> Message:
    """A turn in the form that chat templates read.

    Args:
        role: one of system, developer, user, assistant, tool.
        content: text, parts of text, or None beside calls of tools.
        turn: as it stands in the data; calls of tools are taken from it.

    Raises:
        Unfit: an unknown role, content that is no text, or a call that cannot be read.
    """
    if role not in ROLES:
        raise Unfit("unknown role", f"{role!r} where one of {', '.join(ROLES)} is wanted")
    calls = turn.get("tool_calls")
    if turn.get("weight") == 0:
        raise Unfit("turn of weight 0", "trainers here do not pass over single turns")
    made: Message = {"role": role, "content": _text(content, empty=bool(calls))}
    if calls:
        if role != "assistant":
            raise Unfit("call of a tool by another than the assistant", f"by {role!r}")
        made["tool_calls"] = [_call(call) for call in as_list(calls, "tool_calls")]
    if role == "tool":
        for key in ("tool_call_id", "name"):
            if isinstance(turn.get(key), str):
                made[key] = turn[key]
    return made


def _text(content: Any, empty: bool) -> str:
    if content is None and empty:
        return ""
    if isinstance(content, list):
        parts = [
            part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content
        ]
        if not all(isinstance(part, str) for part in parts):
            raise Unfit("content that is no text", "images and sounds are not read")
        content = "".join(str(part) for part in parts)
    if not isinstance(content, str):
        raise Unfit("content that is no text", f"{type(content).__name__} met")
    if not content.strip() and not empty:
        raise Unfit("empty turn")
    return content


def _call(call: Any) -> dict[str, Any]:
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise Unfit("call of a tool without its name")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = msgspec.json.decode(arguments or "{}")
        except msgspec.DecodeError as error:
            raise Unfit("arguments of a call that are no JSON", str(error)) from None
    if not isinstance(arguments, dict):
        raise Unfit("arguments of a call that are no JSON", f"{type(arguments).__name__} where an object is wanted")
    made: dict[str, Any] = {"type": "function", "function": {"name": function["name"], "arguments": arguments}}
    if isinstance(call.get("id"), str):
        made["id"] = call["id"]
    return made


def function_calls(text: Any) -> Message:
    """An assistant's turn from the JSON of one call, or of a list of them, as ShareGPT holds it.

    Raises:
        Unfit: it is no JSON of calls.
    """
    try:
        calls = msgspec.json.decode(text) if isinstance(text, str) else text
    except msgspec.DecodeError as error:
        raise Unfit("function call that is no JSON", str(error)) from None
    return message("assistant", None, {"tool_calls": calls if isinstance(calls, list) else [calls]})


def parse_tools(tools: Any) -> list[dict[str, Any]] | None:
    """Tools as a list of JSON schemas ``{"type": "function", "function": {…}}``; None where there are none.

    Raises:
        Unfit: it is neither that nor its JSON text.
    """
    if tools is None or tools == "" or tools == []:
        return None
    parsed = []
    for tool in as_list(tools, "tools"):
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise Unfit("tool without its name")
        parsed.append({"type": "function", "function": function})
    return parsed or None


def check_turns(turns: Sequence[Message], *, answered: bool = True) -> None:
    """Refuses turns that no conversation has.

    System turns stand first, user and assistant take turns beginning with the user, and results of tools stand
    between the call and the assistant's next turn.

    Args:
        answered: whether the last turn must be the assistant's; otherwise a user's or a tool's.

    Raises:
        Unfit: with the turn.
    """
    before = "start"
    waiting: list[str | None] = []  # ids of calls whose results are still to come
    for number, turn in enumerate(turns, 1):
        role = "system" if turn["role"] == "developer" else turn["role"]
        if role not in _AFTER[before]:
            raise Unfit("turns out of order", f"turn {number}: {role} after {before}")
        if role == "tool":
            _answer(waiting, turn, number)
        elif waiting:
            raise Unfit("call of a tool without its result", f"turn {number}: {role} where a result is due")
        if calls := turn.get("tool_calls"):
            waiting = [call.get("id") for call in calls]
        before = "call" if turn.get("tool_calls") else role
    wanted = ("assistant", "call") if answered else ("user", "tool")
    if before not in wanted:
        raise Unfit("last turn is not the assistant's" if answered else "prompt ends with the assistant", before)


_AFTER = {
    "start": ("system", "user"),
    "system": ("system", "user"),
    "user": ("assistant",),
    "assistant": ("user",),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}


def _answer(waiting: list[str | None], turn: Message, number: int) -> None:
    name = turn.get("tool_call_id")
    if name is None or not any(waiting):
        waiting.clear()  # calls without ids: one result may stand for all of them
    elif name in waiting:
        waiting.remove(name)
    else:
        raise Unfit("result of a tool without a call", f"turn {number}: no call is waiting for the id {name!r}")


def common_turns(first: Sequence[Message], second: Sequence[Message]) -> int:
    """How many turns two conversations begin with alike, each keeping at least one of its own."""
    count = 0
    for one, other in zip(first[:-1], second[:-1], strict=False):
        if one != other:
            break
        count += 1
    return count
