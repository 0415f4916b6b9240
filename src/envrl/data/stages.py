"""What each stage trains on: which kinds of rows fit it, and the shape that TRL wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from envrl.data.example import Example, Kind
from envrl.data.layout import Layout
from envrl.errors import ConfigError, UnknownNameError

__all__ = ["STAGES", "WITHOUT_TOOLS", "Stage", "check_stage", "rows_of", "stages_of"]

Stage = Literal["pt", "sft", "reward", "dpo", "orpo", "simpo", "kto"]
STAGES: tuple[Stage, ...] = get_args(Stage)

WITHOUT_TOOLS: tuple[Stage, ...] = ("orpo", "simpo")
"""Stages whose trainers in TRL (1.16, experimental) put the chat template to a prompt without its tools."""

_WANTS: dict[Stage, tuple[tuple[Kind, ...], str]] = {
    "pt": (("text",), "text (column text)"),
    "sft": (("answer",), "answers (columns prompt and completion, messages, conversations, or instruction and output)"),
    "reward": (("preference",), "pairs (columns chosen and rejected)"),
    "dpo": (("preference",), "pairs (columns chosen and rejected)"),
    "orpo": (("preference",), "pairs (columns chosen and rejected)"),
    "simpo": (("preference",), "pairs (columns chosen and rejected)"),
    "kto": (("label", "preference"), "answers with a label (columns completion and label, or kto_tag), or pairs"),
}
_HELD: dict[Kind, str] = {
    "text": "text",
    "answer": "answers to prompts",
    "preference": "pairs of answers",
    "label": "answers with a label",
}


def stages_of(kind: Kind) -> tuple[Stage, ...]:
    """The stages that rows of a kind fit."""
    return tuple(stage for stage in STAGES if kind in _WANTS[stage][0])


def check_stage(layout: Layout, stage: str, where: str) -> Stage:
    """Refuses data that a stage cannot train on.

    Raises:
        UnknownNameError: there is no such stage.
        ConfigError: naming both what the data holds and what the stage wants.
    """
    for known in STAGES:
        if known == stage:
            kinds, wanted = _WANTS[known]
            if layout.kind in kinds:
                return known
            columns = ", ".join(layout.columns.values())
            raise ConfigError(
                f"{where}: its columns ({columns}) hold {_HELD[layout.kind]}, but stage {stage} trains on {wanted}; "
                f"set method.name to {' or '.join(stages_of(layout.kind))}, or name other columns in dataset.columns"
            )
    raise UnknownNameError("stage (method.name)", stage, STAGES)


def rows_of(example: Example, stage: Stage) -> Iterable[dict[str, Any]]:
    """The row, or for KTO the two rows, that an example gives.

    In SFT a conversation of several answers is a row of ``messages``, any other of ``prompt`` and ``completion``.
    """
    extra: dict[str, Any] = {}
    if example.tools is not None:
        from msgspec import json

        # As text: TRL reads it, and schemas of different tools then fit one column.
        extra["tools"] = json.encode(example.tools).decode()
    if stage == "pt":
        yield {"text": example.text}
    elif stage == "sft" and _answers(example) > 1:
        yield {"messages": [*example.prompt, *(example.answer or ())], **extra}
    elif stage == "sft":
        yield {"prompt": example.prompt, "completion": example.answer, **extra}
    elif stage != "kto":
        yield {"prompt": example.prompt, "chosen": example.chosen, "rejected": example.rejected, **extra}
    elif example.answer is not None:
        yield {"prompt": example.prompt, "completion": example.answer, "label": example.label, **extra}
    else:
        yield {"prompt": example.prompt, "completion": example.chosen, "label": True, **extra}
        yield {"prompt": example.prompt, "completion": example.rejected, "label": False, **extra}


def _answers(example: Example) -> int:
    turns = [*example.prompt, *(example.answer or ())]
    return sum(isinstance(turn, dict) and turn["role"] == "assistant" for turn in turns)
