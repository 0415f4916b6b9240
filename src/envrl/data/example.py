"""What one row of any format says, before a stage gives it a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Example", "Kind", "Message", "Turns", "Unfit"]

Message = dict[str, Any]
"""A turn of a conversation: ``role``, ``content``, and for tools ``tool_calls``, ``tool_call_id`` or ``name``."""

Turns = list[Message] | str
"""A conversation, or plain text to which no chat template is put."""

Kind = Literal["text", "answer", "preference", "label"]
"""What the rows of a data set hold: text, answers to prompts, pairs of answers, or answers with a label."""


class Unfit(Exception):
    """A row that cannot be used, for a reason that its count is kept by.

    Args:
        reason: in a few words, the same for all rows of the kind.
        detail: what this row has of it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Example:
    """One row.

    Attributes:
        prompt: what comes before the answers; plain text, or turns, the last of a user or a tool.
        answer: the one answer; None in a row of text or of a pair.
        chosen: the better of two answers.
        rejected: the worse.
        label: whether the answer is desirable.
        text: text without any prompt.
        tools: that the model may call, as JSON schemas.
    """

    prompt: Turns = ""
    answer: Turns | None = None
    chosen: Turns | None = None
    rejected: Turns | None = None
    label: bool | None = None
    text: str | None = None
    tools: list[dict[str, Any]] | None = None
