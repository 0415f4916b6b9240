"""Prompts against ``method.max_prompt_length``: a longer one is an error, never cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from envrl.config import RunConfig
from envrl.errors import ConfigError
from envrl.trainers.sft import answers

__all__ = ["require_short_prompts", "require_short_rows"]

_SHOWN = 3


def require_short_rows(
    tokenizer: Any, rows: Sequence[Mapping[str, Any]], places: Sequence[str], config: RunConfig
) -> None:
    """The same of rows of a stage: of a conversation, what comes before each answer is a prompt.

    Raises:
        ConfigError: as `require_short_prompts`.
    """
    if config.method.max_prompt_length is None:
        return
    found = [
        (one["prompt"], place, one.get("tools"))
        for row, place in zip(rows, places, strict=True)
        for one in answers(dict(row))
        if "prompt" in one
    ]
    tools = [msgspec.json.decode(text) if text else None for _, _, text in found]
    require_short_prompts(tokenizer, [prompt for prompt, _, _ in found], [at for _, at, _ in found], config, tools)


def require_short_prompts(
    tokenizer: Any,
    prompts: Sequence[str | Sequence[Mapping[str, Any]]],
    places: Sequence[str],
    config: RunConfig,
    tools: Sequence[Any] | None = None,
) -> None:
    """Checks that no prompt has more tokens than ``method.max_prompt_length``, where that is set.

    Args:
        tokenizer: with the chat template that training uses.
        prompts: plain text, or chat messages.
        places: where each prompt stands, as a person finds it.
        tools: what each prompt offers, as JSON schemas.

    Raises:
        ConfigError: with share and examples.
    """
    limit = config.method.max_prompt_length
    if limit is None:
        return
    long: list[tuple[str, int]] = []
    for prompt, place, offered in zip(prompts, places, tools or [None] * len(prompts), strict=True):
        text = prompt
        if not isinstance(text, str):
            text = tokenizer.apply_chat_template(list(text), tools=offered, tokenize=False, add_generation_prompt=True)
        tokens = len(tokenizer(text, add_special_tokens=False)["input_ids"])
        if tokens > limit:
            long.append((place, tokens))
    if long:
        examples = ", ".join(f"{place} ({tokens} tokens)" for place, tokens in long[:_SHOWN])
        longest = max(tokens for _, tokens in long)
        raise ConfigError(
            f"method.max_prompt_length: {len(long)} of {len(prompts)} prompts ({len(long) / len(prompts):.1%}) have "
            f"more than {limit} tokens, for example {examples}; the longest has {longest}: set it to {longest}, or "
            "take these prompts out"
        )
