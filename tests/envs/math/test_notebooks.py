"""The notebooks' numbers, without their errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.envs.math.notebooks import PRESETS, score
from envrl.errors import UnknownNameError

QWEN3, LLAMA = "unsloth-qwen3-math", "unsloth-llama-math"


def qwen3(solution: str, thought: str = "a\nb") -> str:
    return f"{thought}<end_working_out>\n<SOLUTION>{solution}</SOLUTION>\n"


@pytest.mark.parametrize(
    ("completion", "truth", "rewards"),
    [
        (qwen3("34"), "34", (3.0, 1.5, 5.0, 3.5)),
        (qwen3(" 34 "), "34", (3.0, 1.5, 3.5, 3.5)),
        (qwen3("1234"), "1,234", (3.0, 1.5, 3.5, 3.5)),
        (qwen3("-34"), "-34", (3.0, 1.5, 5.0, 3.5)),
        (qwen3("34"), "-34", (3.0, 1.5, -2.5, -1.5)),
        (qwen3("0"), "0", (3.0, 1.5, 5.0, 3.5)),
        (qwen3("0.0"), "0", (3.0, 1.5, 3.5, 3.5)),
        (qwen3("1"), "0", (3.0, 1.5, -2.5, -1.5)),
        (qwen3("105"), "100", (3.0, 1.5, 2.0, -1.5)),
        (qwen3("115"), "100", (3.0, 1.5, 1.5, -1.5)),
        (qwen3("the answer is 34"), "34", (3.0, 1.5, -4.5, 3.5)),
        (qwen3("none"), "34", (3.0, 1.5, -4.5, -2.5)),
        ("34", "34", (0.0, -3.0, -2.0, -2.5)),
        ("a<end_working_out><SOLUTION>34</SOLUTION> and more", "34", (0.0, 1.5, 5.0, 3.5)),
        ("<SOLUTION>34</SOLUTION>", "34", (0.0, 0.0, 5.0, 3.5)),
        (qwen3("34") + qwen3("34"), "34", (0.0, -3.0, 5.0, 3.5)),
    ],
)
def test_qwen3(completion: str, truth: str, rewards: tuple[float, ...]) -> None:
    assert score(QWEN3, completion, truth) == dict(zip(("format", "tags", "answer", "number"), rewards, strict=True))


GOOD = "<reasoning>\na\nb\n</reasoning>\n<answer>\n{}\n</answer>\n"


@pytest.mark.parametrize(
    ("completion", "truth", "rewards"),
    [
        (GOOD.format("34"), "34", (2.0, 0.5, 0.5, 0.5, 0.5)),
        (GOOD.format("34").rstrip(), "34", (2.0, 0.5, 0.5, 0.5, 0.5)),
        (GOOD.format("-34"), "-34", (2.0, 0.5, 0.5, 0.5, 0.5)),
        (GOOD.format("1,234"), "1234", (2.0, 0.5, 0.5, 0.5, 0.5)),
        (GOOD.format("0.5"), "0.5", (2.0, 0.0, 0.5, 0.5, 0.5)),
        (GOOD.format("35"), "34", (0.0, 0.5, 0.5, 0.5, 0.5)),
        (GOOD.format("words"), "34", (0.0, 0.0, 0.5, 0.5, 0.5)),
        ("<reasoning>a</reasoning><answer>34</answer>", "34", (2.0, 0.5, 0.0, 0.5, 0.5)),
        ("<reasoning>a</reasoning> so <answer>34</answer>", "34", (2.0, 0.5, 0.0, 0.0, 0.5)),
        ("text " + GOOD.format("34"), "34", (2.0, 0.5, 0.0, 0.5, 0.5)),
        (GOOD.format("34") + "more", "34", (2.0, 0.5, 0.0, 0.5, 0.5)),
        ("<answer>34</answer>", "34", (2.0, 0.5, 0.0, 0.0, 0.25)),
        ("34", "34", (0.0, 0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_llama(completion: str, truth: str, rewards: tuple[float, ...]) -> None:
    names = ("correct", "integer", "strict_format", "soft_format", "tags")
    assert score(LLAMA, completion, truth) == dict(zip(names, rewards, strict=True))


@settings(deadline=None)
@given(st.text(), st.text())
def test_no_text_raises(completion: str, truth: str) -> None:
    for preset in PRESETS:
        assert all(isinstance(value, float) for value in score(preset, completion, truth).values())


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean unsloth-qwen3-math"):
        score("unsloth-qwen-math", "", "")
