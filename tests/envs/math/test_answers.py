"""Where an answer stands in a completion, and how near it comes."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envrl.envs.math.answers import INSTRUCTIONS, STYLES, Tier, find_answer, judge, tier_of
from envrl.errors import UnknownNameError

THOUGHT = "<reasoning>\nfirst 1\nthen <answer>2</answer>\n\\boxed{3}\n</reasoning>\n"


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("<answer>5</answer>", "5"),
        ("<answer>\n5\n</answer>", "\n5\n"),
        (THOUGHT + "<answer>5</answer>", "5"),
        ("<answer>4</answer> no, <answer>5</answer> it is", "5"),
        ("<answer>5</answer> <answer>6", "5"),
        ("a\nb<end_working_out><SOLUTION>5</SOLUTION>", "5"),
        ("<start_working_out>a\nb<end_working_out>\n<SOLUTION>\n5\n</SOLUTION>", "\n5\n"),
        ("so \\boxed{5}.", "5"),
        ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{4} and \\boxed{\\text{a {b} c}}", "\\text{a {b} c}"),
        ("\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"),
        ("\\boxed{4}, \\boxed{5", "4"),
        ("\\boxed{a \\boxed{5}}", "a \\boxed{5}"),
        ("} } { \\boxed{5} }", "5"),
        ("<answer>\\boxed{5}</answer>", "\\boxed{5}"),
        ("three\n#### 1,234", " 1,234"),
        ("#### 3\nno\n#### 4\nend", " 4"),
        ("\\boxed{5}\n#### 6", " 6"),
        ("<think>1\n2</think>\\boxed{5}", "5"),
        ("<|channel|>analysis\n\\boxed{4}<|channel|>final<|message|>\\boxed{5}", "5"),
    ],
)
def test_the_last_answer_after_the_reasoning_counts(completion: str, answer: str) -> None:
    assert find_answer(completion) == answer


@pytest.mark.parametrize(
    "completion",
    [
        "", "5", "<answer>5", "5</answer>", "</answer>5<answer>", "\\boxed{5", "\\boxed5", "boxed{5}", THOUGHT,
        "<think>so \\boxed{5}", "<reasoning> <answer>5</answer>", "<ANSWER>5</ANSWER>", "# 5",
    ],
)  # fmt: skip
def test_where_there_is_no_answer_none_is_found(completion: str) -> None:
    assert find_answer(completion) is None
    assert judge(completion, "5").tier is Tier.MISSING


def test_a_style_is_the_only_one_that_counts() -> None:
    completion = "<answer>1</answer><SOLUTION>2</SOLUTION>\\boxed{3}\n#### 4"
    assert [find_answer(completion, style) for style in STYLES] == ["1", "2", "3", " 4"]
    with pytest.raises(UnknownNameError, match="did you mean boxed"):
        find_answer("5", "box")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "truth", "tier"),
    [
        ("5", "5", Tier.EXACT),
        ("\\sqrt{2}", "\\sqrt{2}", Tier.EXACT),
        (" 5\n", "5", Tier.STRIPPED),
        ("5.0", "5", Tier.STRIPPED),
        ("1234", "1,234", Tier.STRIPPED),
        ("1,234", "1234", Tier.STRIPPED),
        ("−7", "-7", Tier.STRIPPED),
        ("$18", "18", Tier.STRIPPED),
        ("18 dollars", "18", Tier.STRIPPED),
        ("0.75", "\\frac{3}{4}", Tier.STRIPPED),
        ("20%", "20", Tier.STRIPPED),
        ("20", "20%", Tier.STRIPPED),
        ("0.2", "20\\%", Tier.STRIPPED),
        ("0", "0.0", Tier.STRIPPED),
        ("0", "0", Tier.EXACT),
        (" \\sqrt{2} ", "\\sqrt{2}", Tier.STRIPPED),
        ("110", "100", Tier.WITHIN_10),
        ("90", "100", Tier.WITHIN_10),
        ("-110", "-100", Tier.WITHIN_10),
        ("110.0001", "100", Tier.WITHIN_20),
        ("80", "100", Tier.WITHIN_20),
        ("79.9999", "100", Tier.WRONG),
        ("-100", "100", Tier.WRONG),
        ("7", "-7", Tier.WRONG),
        ("0", "1", Tier.WRONG),
        ("1", "0", Tier.WRONG),
        ("0.0001", "0", Tier.WRONG),
        ("1", "20%", Tier.WRONG),
        ("many", "5", Tier.UNPARSABLE),
        ("1,23", "123", Tier.UNPARSABLE),
        ("5" * 3000, "5", Tier.UNPARSABLE),
        ("x + 1", "1 + x", Tier.WRONG),
        ("5", "\\sqrt{25}", Tier.WRONG),
    ],
)
def test_tiers(answer: str, truth: str, tier: Tier) -> None:
    assert tier_of(answer, truth) is tier
    assert tier.right == (tier in ("exact", "stripped"))
    if answer.strip():
        judgement = judge(f"so <answer>{answer}</answer>", truth)
        assert (judgement.tier, judgement.answer) == (tier, answer)


def test_whoever_follows_the_instructions_is_understood() -> None:
    kept = {
        "answer": "<reasoning>\n2 + 3\n</reasoning>\n<answer>5</answer>",
        "solution": "<start_working_out>2 + 3<end_working_out><SOLUTION>5</SOLUTION>",
        "boxed": "2 + 3 = \\boxed{5}",
        "hashes": "2 + 3\n#### 5\n",
    }
    assert set(INSTRUCTIONS) == set(STYLES) == set(kept)
    for style, completion in kept.items():
        assert judge(completion, "5", style).tier.right
        marks = [mark for mark in MARKS if len(mark) > 1 and mark in INSTRUCTIONS[style]]
        assert marks
        assert all(mark in completion for mark in marks)


def test_an_empty_answer_is_missing() -> None:
    assert judge("<answer> \n</answer>", "5").tier is Tier.MISSING


def test_a_verifier_is_asked_only_where_the_exact_parser_cannot_tell() -> None:
    asked: list[tuple[str, str]] = []

    def verify(truth: str, answer: str) -> bool | None:
        asked.append((truth, answer))
        return {"y": True, "n": False}.get(answer)

    assert tier_of("5", "6", verify) is Tier.WITHIN_20
    assert tier_of("\\pi", "\\pi", verify) is Tier.EXACT
    assert asked == []
    assert [tier_of(answer, "\\pi", verify) for answer in (" y", "n", "?", "3")] == [
        Tier.STRIPPED, Tier.WRONG, Tier.WRONG, Tier.WRONG,
    ]  # fmt: skip
    assert [tier_of(answer, "3", verify) for answer in ("y", "n", "?")] == [
        Tier.STRIPPED, Tier.WRONG, Tier.UNPARSABLE,
    ]  # fmt: skip
    assert asked[0] == ("\\pi", "y")


MARKS = "<answer> </answer> <SOLUTION> </SOLUTION> \\boxed{ { } #### <think> </think> <reasoning> </reasoning>".split()
PIECES = st.lists(st.sampled_from([*MARKS, "\\", "\\frac", "5", "-", "1,234", "%", " ", "\n"]), max_size=30).map(
    "".join
)


@settings(deadline=None)
@given(st.text() | PIECES, st.text() | PIECES)
@example("\\boxed{" * 5_000, "5")
@example("\\boxed{" * 2_000 + "}" * 2_000, "5")
@example("<answer>" * 5_000 + "</answer>" * 5_000, "5")
@example("#" * 50_000, "5")
@example("<answer>" + "9" * 100_000 + "</answer>", "9")
def test_no_text_raises(completion: str, truth: str) -> None:
    assert judge(completion, truth).tier in Tier
    for style in STYLES:
        assert judge(completion, truth, style).tier in Tier


@settings(deadline=None)
@given(st.fractions(max_denominator=10**9), st.fractions(max_denominator=10**9))
def test_tiers_follow_the_distance(truth: Fraction, given: Fraction) -> None:
    tier = tier_of(f" {given}", str(truth))
    off = abs(given - truth)
    if off == 0:
        assert tier is Tier.STRIPPED
    elif truth and off <= abs(truth) / 5:
        assert tier is (Tier.WITHIN_10 if off <= abs(truth) / 10 else Tier.WITHIN_20)
    else:
        assert tier is Tier.WRONG


@settings(deadline=None)
@given(
    st.fractions(max_denominator=10**9), st.text(st.characters(codec="ascii", exclude_characters="<{}\\"), max_size=200)
)
def test_reasoning_of_any_shape_leaves_the_answer_right(truth: Fraction, thought: str) -> None:
    assert judge(f"<reasoning>{thought}</reasoning><answer>{truth}</answer>", str(truth)).tier is Tier.EXACT
