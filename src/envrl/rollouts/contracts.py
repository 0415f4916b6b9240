"""Output contracts: how the strategy is taken out of a completion, by class of model.

Only bounded linear scans of text: the host never parses, compiles or matches with backtracking what a model wrote.

=========  ==========================================================================================================
tiny       one fenced block of Python and nothing else
chat       prose is allowed, exactly one fenced block
reasoning  what stands in the thinking or analysis channel is cut off first, then as chat
notebook   as the Unsloth notebooks take it: what stands in the first pair of fences, from its first ``def`` on
=========  ==========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from envrl.errors import UnknownNameError

__all__ = ["CONTRACTS", "Extracted", "extract", "fenced"]

_FENCE = "```"
_LANGUAGES = ("python", "py", "python3", "")
_THOUGHT_ENDS = ("</think>", "</thinking>", "<|channel|>final<|message|>", "</reasoning>")
_THOUGHT_STARTS = ("<think>", "<thinking>", "<|channel|>analysis", "<reasoning>")


class Extracted(NamedTuple):
    """A strategy's source, or None and why there is none."""

    source: str | None
    reason: str = ""


def fenced(source: str) -> str:
    """A program as the ``tiny`` contract wants it."""
    return f"{_FENCE}python\n{source.rstrip()}\n{_FENCE}"


def _blocks(text: str) -> tuple[list[tuple[int, int, str]], bool]:
    """Fenced blocks as (start, end, content), and whether a fence stays open. Fences begin a line."""
    blocks: list[tuple[int, int, str]] = []
    position = 0
    while (start := _fence_at(text, position)) >= 0:
        line_end = text.find("\n", start)
        end = _fence_at(text, line_end) if line_end >= 0 else -1
        if end < 0:
            return blocks, True
        language = text[start + len(_FENCE) : line_end].strip().lower()
        if language in _LANGUAGES:
            blocks.append((start, end + len(_FENCE), text[line_end + 1 : end]))
        position = end + len(_FENCE)
    return blocks, False


def _fence_at(text: str, position: int) -> int:
    while (found := text.find(_FENCE, position)) >= 0:
        if found == 0 or text[found - 1] == "\n":
            return found
        position = found + len(_FENCE)
    return -1


def _tiny(text: str) -> Extracted:
    text = text.strip()
    blocks, unclosed = _blocks(text)
    if len(blocks) != 1 or unclosed:
        return Extracted(None, _count(len(blocks), unclosed))
    start, end, source = blocks[0]
    if start != 0 or end != len(text):
        return Extracted(None, "text outside the fenced block")
    return Extracted(source)


def _chat(text: str) -> Extracted:
    blocks, unclosed = _blocks(text)
    if len(blocks) != 1 or unclosed:
        return Extracted(None, _count(len(blocks), unclosed))
    return Extracted(blocks[0][2])


def _reasoning(text: str) -> Extracted:
    cut = max((text.rfind(mark) + len(mark) for mark in _THOUGHT_ENDS if mark in text), default=0)
    if not cut and any(mark in text for mark in _THOUGHT_STARTS):
        return Extracted(None, "the reasoning never ended")
    return _chat(text[cut:])


def _notebook(text: str) -> Extracted:
    first = text.find(_FENCE)
    second = text.find(_FENCE, first + len(_FENCE)) if first >= 0 else -1
    if second < 0:
        return Extracted(None, "no pair of fences")
    content = text[first + len(_FENCE) : second].strip().removeprefix("python\n")
    start = content.find("def")
    if start < 0:
        return Extracted(None, "no def in the first fenced block")
    return Extracted(content[start:])


def _count(blocks: int, unclosed: bool) -> str:
    if unclosed:
        return "a fence that is never closed"
    return f"{blocks or 'no'} fenced blocks of Python, where exactly one is wanted"


CONTRACTS: dict[str, Callable[[str], Extracted]] = {
    "tiny": _tiny,
    "chat": _chat,
    "reasoning": _reasoning,
    "notebook": _notebook,
}


def extract(completion: str, contract: str) -> Extracted:
    """The strategy of a completion under a contract.

    Raises:
        UnknownNameError: there is no such contract.
    """
    if contract not in CONTRACTS:
        raise UnknownNameError("output contract", contract, CONTRACTS)
    return CONTRACTS[contract](completion)
