"""The answer task's judge: finds the answer in a completion and says how near it comes to the truth.

What a model wrote meets bounded linear scans only; numbers are compared exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from typing import Literal, get_args

import msgspec

from envrl.envs.math.numbers import Number, read_number
from envrl.errors import UnknownNameError

__all__ = ["INSTRUCTIONS", "STYLES", "Judgement", "Style", "Tier", "after_thoughts", "find_answer", "judge", "tier_of"]

Style = Literal["answer", "solution", "boxed", "hashes"]
STYLES: tuple[Style, ...] = get_args(Style)
"""``<answer>…</answer>``, ``<SOLUTION>…</SOLUTION>``, ``\\boxed{…}``, and GSM8K's ``#### …``."""

INSTRUCTIONS: dict[Style, str] = {
    "answer": "Think between <reasoning> and </reasoning>. Then give the answer alone between <answer> and </answer>.",
    "solution": "Think between <start_working_out> and <end_working_out>. "
    "Then give the answer alone between <SOLUTION> and </SOLUTION>.",
    "boxed": "Think step by step. Then give the answer alone in \\boxed{}.",
    "hashes": "Think step by step. End with a line that holds #### and the answer alone.",
}
"""What a model is told, by style."""

Verify = Callable[[str, str], bool | None]
"""``verify(truth, answer)``: whether two expressions are equal; None where it cannot say."""

_THOUGHT_ENDS = ("</reasoning>", "<end_working_out>", "</think>", "</thinking>", "<|channel|>final<|message|>")
_THOUGHT_STARTS = ("<reasoning>", "<start_working_out>", "<think>", "<thinking>", "<|channel|>analysis")
_TAGS = {"answer": ("<answer>", "</answer>"), "solution": ("<SOLUTION>", "</SOLUTION>")}
_LONGEST_TEXT = 64 * 2**10  # what stands before in a longer completion is not looked at
_LONGEST_ANSWER = 2_000


class Tier(StrEnum):
    """How near an answer comes to the truth, best first."""

    EXACT = "exact"
    """The same text."""
    STRIPPED = "stripped"
    """The same value, written otherwise: blanks, separators, a unit, another form of the number."""
    WITHIN_10 = "within_10"
    """A number within 10 % of a truth other than zero."""
    WITHIN_20 = "within_20"
    """A number within 20 % of a truth other than zero."""
    WRONG = "wrong"
    UNPARSABLE = "unparsable"
    """No number where the truth is one, and nothing that could be compared otherwise."""
    MISSING = "missing"
    """The completion holds no answer."""

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self in (Tier.EXACT, Tier.STRIPPED)


class Judgement(msgspec.Struct, frozen=True):
    """What became of a completion.

    Attributes:
        tier: how near the answer comes.
        answer: its text as found, or None.
    """

    tier: Tier
    answer: str | None = None


def judge(completion: str, truth: str, style: Style | None = None, verify: Verify | None = None) -> Judgement:
    """Judges a completion.

    Args:
        completion: what the model wrote.
        truth: the right answer.
        style: how the answer is marked; None for any of `STYLES`.
        verify: asked where the texts differ and not both are numbers, such as `latex.Verifier.verify`.

    Raises:
        UnknownNameError: there is no such style.
    """
    answer = find_answer(completion, style)
    if answer is None or not answer.strip():
        return Judgement(Tier.MISSING)
    return Judgement(tier_of(answer, truth, verify), answer)


def tier_of(answer: str, truth: str, verify: Verify | None = None) -> Tier:
    """How near the text of an answer comes to the truth; see `judge`."""
    if answer == truth:
        return Tier.EXACT
    if len(answer) > _LONGEST_ANSWER:
        return Tier.UNPARSABLE
    given, wanted = read_number(answer), read_number(truth)
    if given is not None and wanted is not None:
        return _nearness(given, wanted)
    if answer.split() == truth.split():
        return Tier.STRIPPED
    equal = None if verify is None else verify(truth.strip(), answer.strip())
    if equal is None:
        return Tier.WRONG if wanted is None else Tier.UNPARSABLE
    return Tier.STRIPPED if equal else Tier.WRONG


def _nearness(given: Number, wanted: Number) -> Tier:
    values = [given.value]
    if given.percent != wanted.percent:
        # "20%" for 20 is a unit too many, "20" for 20% one too few.
        values.append(given.value * 100 if given.percent else given.value / 100)
    if wanted.value in values:
        return Tier.STRIPPED
    off = min(abs(value - wanted.value) for value in values)
    for tier, share in ((Tier.WITHIN_10, Fraction(1, 10)), (Tier.WITHIN_20, Fraction(1, 5))):
        if wanted.value and off <= share * abs(wanted.value):
            return tier
    return Tier.WRONG


def after_thoughts(completion: str) -> str | None:
    """What follows the reasoning; None where a reasoning never ends."""
    cut = max(completion.rfind(mark) + len(mark) if mark in completion else 0 for mark in _THOUGHT_ENDS)
    if not cut and any(mark in completion for mark in _THOUGHT_STARTS):
        return None
    return completion[cut:]


def find_answer(completion: str, style: Style | None = None) -> str | None:
    """The text of the last answer of a completion, after its reasoning; None where there is none.

    Args:
        completion: what the model wrote.
        style: how the answer is marked; None for the one that ends last.

    Raises:
        UnknownNameError: there is no such style.
    """
    if style is not None and style not in STYLES:
        raise UnknownNameError("style of answers", style, STYLES)
    text = after_thoughts(completion)
    if text is None:
        return None
    text = text[-_LONGEST_TEXT:]
    found = [_find(text, one) for one in ((style,) if style else STYLES)]
    spans = [span for span in found if span is not None]
    if not spans:
        return None
    start, end = max(spans, key=lambda span: span[1])
    return text[start:end]


def _find(text: str, style: Style) -> tuple[int, int] | None:
    """Where the last answer of a style starts and ends."""
    if style in _TAGS:
        opening, closing = _TAGS[style]
        end = text.rfind(closing)
        start = text.rfind(opening, 0, end) if end >= 0 else -1
        return (start + len(opening), end) if start >= 0 else None
    if style == "boxed":
        return _boxed(text)
    start = text.rfind("####")
    if start < 0:
        return None
    end = text.find("\n", start)
    return start + len("####"), end if end >= 0 else len(text)


def _boxed(text: str) -> tuple[int, int] | None:
    """The content of the last ``\\boxed{…}`` whose braces are balanced, the outer one where they nest."""
    last: tuple[int, int] | None = None
    opened: list[int] = []  # for each open brace where the content of a box starts, or -1
    at = text.find("\\boxed")
    while 0 <= at < len(text):
        character = text[at]
        if character == "\\":
            if text.startswith("\\boxed{", at):
                at += len("\\boxed{")
                opened.append(at)
            else:
                at += 2  # whatever is escaped is no brace of ours
            continue
        if character == "{":
            opened.append(-1)
        elif character == "}" and opened:
            start = opened.pop()
            if start >= 0:
                last = (start, at)
        at += 1
    return last
