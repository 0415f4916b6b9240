"""A row of each format as an `Example`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envrl.data.example import Example, Message, Turns, Unfit
from envrl.data.layout import Format, Layout
from envrl.data.messages import as_list, check_turns, common_turns, function_calls, message, parse_tools

__all__ = ["convert"]

_HUMAN, _ASSISTANT = "\n\nHuman:", "\n\nAssistant:"


def convert(row: Mapping[str, Any], layout: Layout) -> Example:
    """What a row says.

    Raises:
        Unfit: it cannot be used, with the reason.
    """
    example = _FORMATS[layout.format](row, layout)
    _check(example)
    return example


def _check(example: Example) -> None:
    sides = [turns for turns in (example.answer, example.chosen, example.rejected) if turns is not None]
    for turns in sides:
        if isinstance(turns, str):
            if not turns.strip():
                raise Unfit("empty answer")
        elif isinstance(example.prompt, list):
            check_turns([*example.prompt, *turns])
            if turns[0]["role"] != "assistant":
                raise Unfit("answer begins with another turn than the assistant's", turns[0]["role"])
    if sides and isinstance(example.prompt, str) and not example.prompt.strip():
        raise Unfit("empty prompt")
    if example.chosen is not None and example.chosen == example.rejected:
        raise Unfit("chosen and rejected are equal")
    if example.text is not None and not example.text.strip():
        raise Unfit("empty text")


# -- alpaca ----------------------------------------------------------------------------------------------------------


def _alpaca(row: Mapping[str, Any], layout: Layout) -> Example:
    turns = _system(layout.get(row, "system"))
    for old in as_list(layout.get(row, "history") or [], "histories"):
        if not isinstance(old, list) or len(old) != 2:
            raise Unfit("history that is no list of prompt and answer")
        turns += [message("user", old[0], {}), message("assistant", old[1], {})]
    asked = [layout.get(row, name) for name in ("prompt", "query")]
    question = "\n".join(part for part in asked if isinstance(part, str) and part.strip())
    if not question:
        raise Unfit("empty prompt")
    if layout.kind == "text":
        return Example(text=question)
    turns.append(message("user", question, {}))
    tools = parse_tools(layout.get(row, "tools"))
    if layout.kind == "preference":
        return Example(
            prompt=turns,
            chosen=_answer(layout.get(row, "chosen"), "chosen"),
            rejected=_answer(layout.get(row, "rejected"), "rejected"),
            tools=tools,
        )
    label = _label(layout.get(row, "kto_tag")) if layout.kind == "label" else None
    return Example(prompt=turns, answer=_answer(layout.get(row, "response"), "answer"), label=label, tools=tools)


def _system(text: Any) -> list[Message]:
    return [message("system", text, {})] if isinstance(text, str) and text.strip() else []


def _answer(text: Any, name: str) -> list[Message]:
    if not isinstance(text, str) or not text.strip():
        raise Unfit(f"empty {name}")
    return [message("assistant", text, {})]


def _label(value: Any) -> bool:
    if isinstance(value, str):  # CSV knows text only
        value = {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    if value not in (0, 1):
        raise Unfit("label that is neither true nor false", repr(value))
    return bool(value)


# -- ShareGPT --------------------------------------------------------------------------------------------------------


def _sharegpt(row: Mapping[str, Any], layout: Layout) -> Example:
    turns = [_tagged(turn, layout) for turn in as_list(layout.get(row, "messages"), "conversations")]
    if not turns:
        raise Unfit("empty conversation")
    if turns[0]["role"] != "system":
        turns = _system(layout.get(row, "system")) + turns
    tools = parse_tools(layout.get(row, "tools"))
    if layout.kind == "preference":
        chosen, rejected = (_side(layout.get(row, name), layout, name) for name in ("chosen", "rejected"))
        return Example(prompt=turns, chosen=chosen, rejected=rejected, tools=tools)
    label = _label(layout.get(row, "kto_tag")) if layout.kind == "label" else None
    return _conversation(turns, label, tools)


def _tagged(turn: Any, layout: Layout) -> Message:
    tags = layout.tags
    if not isinstance(turn, dict):
        raise Unfit("turn that is no object", f"{type(turn).__name__} met")
    word, content = turn.get(tags["role_tag"]), turn.get(tags["content_tag"])
    if word == tags["function_tag"]:
        return function_calls(content)
    roles = {
        tags["user_tag"]: "user",
        tags["assistant_tag"]: "assistant",
        tags["observation_tag"]: "tool",
        tags["system_tag"]: "system",
    }
    if not isinstance(word, str) or word not in roles:
        raise Unfit("unknown role", f"{word!r} where one of {', '.join([*roles, tags['function_tag']])} is wanted")
    return message(roles[word], content, turn)


def _side(side: Any, layout: Layout, name: str) -> list[Message]:
    if isinstance(side, str):
        return _answer(side, name)
    return [_tagged(turn, layout) for turn in (side if isinstance(side, list) else [side])]


def _conversation(turns: list[Message], label: bool | None, tools: list[dict[str, Any]] | None) -> Example:
    """Turns whose last one is the answer."""
    check_turns(turns)
    return Example(prompt=turns[:-1], answer=turns[-1:], label=label, tools=tools)


# -- OpenAI ----------------------------------------------------------------------------------------------------------


def _openai(row: Mapping[str, Any], layout: Layout) -> Example:
    if layout.kind == "preference":
        asked = layout.get(row, "input")
        asked = asked if isinstance(asked, dict) else {"messages": asked}
        return Example(
            prompt=_messages(asked.get("messages")),
            chosen=_messages(layout.get(row, "preferred_output")),
            rejected=_messages(layout.get(row, "non_preferred_output")),
            tools=parse_tools(asked.get("tools")),
        )
    return _conversation(_messages(layout.get(row, "messages")), None, parse_tools(layout.get(row, "tools")))


def _messages(turns: Any) -> list[Message]:
    made = []
    for turn in as_list(turns, "messages"):
        if not isinstance(turn, dict):
            raise Unfit("turn that is no object", f"{type(turn).__name__} met")
        made.append(message(turn.get("role"), turn.get("content"), turn))
    if not made:
        raise Unfit("empty conversation")
    return made


# -- TRL -------------------------------------------------------------------------------------------------------------


def _trl(row: Mapping[str, Any], layout: Layout) -> Example:
    tools = parse_tools(layout.get(row, "tools"))
    if layout.kind == "preference":
        return _preference(row, layout, tools)
    if layout.kind == "text":
        text = layout.get(row, "text")
        if not isinstance(text, str):
            raise Unfit("text that is no text", f"{type(text).__name__} met")
        return Example(text=text)
    label = _label(layout.get(row, "label")) if layout.kind == "label" else None
    if layout.get(row, "messages") is not None:  # rows that 'envrl data prepare' wrote may be of both shapes
        return _conversation(_messages(layout.get(row, "messages")), label, tools)
    prompt = _turns(layout.get(row, "prompt"), "user", "prompt", layout.plain)
    answer = _turns(layout.get(row, "completion"), "assistant", "answer", layout.plain)
    return Example(prompt=prompt, answer=answer, label=label, tools=tools)


def _turns(value: Any, role: str, name: str, plain: bool) -> Turns:
    """Turns as they are, and text as a turn of its role, or as it is where no template is wanted."""
    if isinstance(value, str) and not value.lstrip().startswith("[{"):
        if not value.strip():
            raise Unfit(f"empty {name}")
        return value if plain else [message(role, value, {})]
    if plain:
        raise Unfit("turns, where dataset.template none wants plain text")
    return _messages(value)


def _preference(row: Mapping[str, Any], layout: Layout, tools: list[dict[str, Any]] | None) -> Example:
    sides = [layout.get(row, name) for name in ("chosen", "rejected")]
    if all(isinstance(side, str) for side in sides) and layout.get(row, "prompt") is None:
        return _implicit_text(str(sides[0]), str(sides[1]), layout.plain)
    sides = _without_prompt(sides, layout.get(row, "prompt"), layout.plain)
    chosen, rejected = (_turns(side, "assistant", name, layout.plain) for side, name in zip(sides, _SIDES, strict=True))
    if isinstance(chosen, str) or isinstance(rejected, str) or chosen[0]["role"] == rejected[0]["role"] == "assistant":
        prompt = _turns(layout.get(row, "prompt"), "user", "prompt", layout.plain)
        return Example(prompt=prompt, chosen=chosen, rejected=rejected, tools=tools)
    # Both sides hold the whole conversation; a prompt beside them repeats what they begin with.
    count = common_turns(chosen, rejected)
    if chosen == rejected:
        raise Unfit("chosen and rejected are equal")
    if not count or chosen[count]["role"] != "assistant":
        raise Unfit("chosen and rejected answer different prompts")
    return Example(prompt=chosen[:count], chosen=chosen[count:], rejected=rejected[count:], tools=tools)


_SIDES = ("chosen", "rejected")


def _without_prompt(sides: list[Any], prompt: Any, plain: bool) -> list[Any]:
    """Two texts without the prompt that stands beside them, where both repeat it; else as they are."""
    if not (isinstance(prompt, str) and prompt.strip() and all(isinstance(side, str) for side in sides)):
        return sides
    rest = [side.removeprefix(prompt) for side in sides]
    for side, own in zip(sides, rest, strict=True):
        inside_a_word = prompt[-1].isalnum() and own[:1].isalnum()
        if own == side or not own.strip() or inside_a_word:
            return sides
    return rest if plain else [own.lstrip() for own in rest]


def _implicit_text(chosen: str, rejected: str, plain: bool) -> Example:
    """Two texts that begin with the same prompt."""
    if chosen == rejected:
        raise Unfit("chosen and rejected are equal")
    if not plain and chosen.startswith(_HUMAN) and rejected.startswith(_HUMAN):
        first, second = _dialogue(chosen), _dialogue(rejected)
        count = common_turns(first, second)
        if not count or first[count]["role"] != "assistant":
            raise Unfit("chosen and rejected answer different prompts")
        return Example(prompt=first[:count], chosen=first[count:], rejected=second[count:])
    shared = 0
    for one, other in zip(chosen, rejected, strict=False):
        if one != other:
            break
        shared += 1
    # Answers may begin alike: the prompt ends where a word ends.
    while shared and not chosen[shared - 1].isspace():
        shared -= 1
    prompt = chosen[:shared]
    if not prompt.strip():
        raise Unfit("chosen and rejected answer different prompts", "they share no beginning")
    sides = (chosen[shared:], rejected[shared:])
    if plain:
        return Example(prompt=prompt, chosen=sides[0], rejected=sides[1])
    return Example(
        prompt=[message("user", prompt.rstrip(), {})],
        chosen=_answer(sides[0], "chosen"),
        rejected=_answer(sides[1], "rejected"),
    )


def _dialogue(text: str) -> list[Message]:
    """Turns of a text that marks them ``\\n\\nHuman:`` and ``\\n\\nAssistant:``."""
    turns = []
    for part in text.split(_HUMAN)[1:]:
        asked, *answers = part.split(_ASSISTANT)
        turns.append(message("user", asked.strip(), {}))
        turns += [message("assistant", answer.strip(), {}) for answer in answers]
    return turns


_FORMATS: dict[Format, Callable[[Mapping[str, Any], Layout], Example]] = {
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "openai": _openai,
    "trl": _trl,
}
