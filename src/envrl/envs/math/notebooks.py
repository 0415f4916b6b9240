"""The rewards of the Unsloth math notebooks, with their numbers and without their parsers' errors.

Reasoning may take several lines, the truth is read like the answer (separators and signs too), and zero is a truth
like any other. Each preset gives named components, one function a component.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from envrl.envs.math.answers import Tier, find_answer, judge
from envrl.envs.math.numbers import first_number, parse_number
from envrl.errors import UnknownNameError

__all__ = ["PRESETS", "Component", "score"]

Component = Callable[[str, str], float]
"""From a completion and the truth to a reward."""

_QWEN3_ANSWER = {
    Tier.EXACT: 5.0,
    Tier.STRIPPED: 3.5,
    Tier.WITHIN_10: 2.0,
    Tier.WITHIN_20: 1.5,
    Tier.WRONG: -2.5,
    Tier.UNPARSABLE: -4.5,
    Tier.MISSING: -2.0,
}
# The chat template of the notebook ends with <start_working_out>: a completion does not hold it.
_QWEN3_TAGS = ("<end_working_out>", "<SOLUTION>", "</SOLUTION>")
_LLAMA_TAGS = ("<reasoning>", "</reasoning>", "<answer>", "</answer>")


def _in_order(text: str, tags: tuple[str, ...]) -> list[str] | None:
    """What stands before, between and after tags, each the first after the one before; None where one is missing."""
    pieces = []
    for tag in tags:
        piece, found, text = text.partition(tag)
        if not found:
            return None
        pieces.append(piece)
    return [*pieces, text]


def _qwen3_format(completion: str, truth: str) -> float:
    pieces = _in_order(completion, _QWEN3_TAGS)
    return 3.0 if pieces is not None and pieces[2].strip() and not pieces[3].strip() else 0.0


def _qwen3_tags(completion: str, truth: str) -> float:
    return sum(0.5 if completion.count(tag) == 1 else -1.0 for tag in _QWEN3_TAGS)


def _qwen3_answer(completion: str, truth: str) -> float:
    return _QWEN3_ANSWER[judge(completion, truth, "solution").tier]


def _qwen3_number(completion: str, truth: str) -> float:
    answer = find_answer(completion, "solution")
    value = None if answer is None else _number_in(answer)
    if value is None:
        return -2.5
    return 3.5 if value == _number_in(truth) else -1.5


def _number_in(text: str) -> Fraction | None:
    value = parse_number(text)
    return first_number(text) if value is None else value


def _llama_correct(completion: str, truth: str) -> float:
    return 2.0 if judge(completion, truth, "answer").tier.right else 0.0


def _llama_integer(completion: str, truth: str) -> float:
    value = parse_number(find_answer(completion, "answer") or "")
    return 0.5 if value is not None and value.denominator == 1 else 0.0


def _llama_strict(completion: str, truth: str) -> float:
    pieces = _in_order(f"{completion.rstrip()}\n", tuple(f"{tag}\n" for tag in _LLAMA_TAGS))
    if pieces is None or pieces[0] or pieces[2] or pieces[4]:
        return 0.0
    return 0.5 if pieces[1].endswith("\n") and pieces[3].endswith("\n") else 0.0


def _llama_soft(completion: str, truth: str) -> float:
    pieces = _in_order(completion, _LLAMA_TAGS)
    return 0.5 if pieces is not None and not pieces[2].strip() else 0.0


def _llama_tags(completion: str, truth: str) -> float:
    return 0.125 * sum(completion.count(tag) == 1 for tag in _LLAMA_TAGS)


PRESETS: dict[str, Mapping[str, Component]] = {
    "unsloth-qwen3-math": {
        "format": _qwen3_format,
        "tags": _qwen3_tags,
        "answer": _qwen3_answer,
        "number": _qwen3_number,
    },
    "unsloth-llama-math": {
        "correct": _llama_correct,
        "integer": _llama_integer,
        "strict_format": _llama_strict,
        "soft_format": _llama_soft,
        "tags": _llama_tags,
    },
}
"""By name, the components in the order in which they are logged; all have weight 1."""


def score(preset: str, completion: str, truth: str) -> dict[str, float]:
    """Every component of a preset.

    Raises:
        UnknownNameError: there is no such preset.
    """
    if preset not in PRESETS:
        raise UnknownNameError("math reward preset", preset, PRESETS)
    return {name: component(completion, truth) for name, component in PRESETS[preset].items()}
