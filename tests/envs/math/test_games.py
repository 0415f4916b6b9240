"""The program task's judge and its games."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.envs.games import InvalidAction
from envrl.envs.math.families import FAMILIES
from envrl.envs.math.games import Problems, action, check_options, is_right
from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import Outcome

INTEGERS, FRACTIONS, TEXTS = FAMILIES["gcd"], FAMILIES["mixture"], FAMILIES["base_digits"]


@pytest.mark.parametrize(
    ("family", "truth", "value", "right"),
    [
        (INTEGERS, 12, 12, True),
        (INTEGERS, 12, 13, False),
        (INTEGERS, 12, -12, False),
        (INTEGERS, 12, 12.0, False),
        (INTEGERS, 12, "12", True),
        (INTEGERS, 1234, "1,234", True),
        (INTEGERS, 12, "twelve", False),
        (INTEGERS, 12, (24, 2), True),
        (INTEGERS, 10**18, 10**18 + 1, False),
        (FRACTIONS, Fraction(3, 4), (3, 4), True),
        (FRACTIONS, Fraction(3, 4), [6, 8], True),
        (FRACTIONS, Fraction(3, 4), (-3, -4), True),
        (FRACTIONS, Fraction(3, 4), "3/4", True),
        (FRACTIONS, Fraction(3, 4), "0.75", True),
        (FRACTIONS, Fraction(3, 4), 0.75, True),
        (FRACTIONS, Fraction(1, 3), 1 / 3, True),
        (FRACTIONS, Fraction(1, 3), 0.3333333, False),
        (FRACTIONS, Fraction(1, 3), "0.3333333333333", False),
        (FRACTIONS, Fraction(6), 6, True),
        (FRACTIONS, Fraction(6), 6.0, True),
        (FRACTIONS, Fraction(0), 0.0, True),
        (FRACTIONS, Fraction(0), 1e-300, False),
        (FRACTIONS, Fraction(3, 4), "", False),
        (TEXTS, "1a", "1a", True),
        (TEXTS, "1a", " 1a\n", True),
        (TEXTS, "1a", "1A", False),
        (TEXTS, "11", 11, False),
    ],
)
def test_answers_count_exactly(family: Any, truth: Any, value: Any, right: bool) -> None:
    assert is_right(family, truth, action(value)) is right


@pytest.mark.parametrize(
    "value",
    [True, False, None, [1], [1, 2, 3], (1, 0), (1.0, 2), (True, 2), {}, b"1", float("nan"), float("inf"), "1" * 1001],
)
def test_what_is_no_answer_is_no_action(value: Any) -> None:
    with pytest.raises(InvalidAction, match="returned"):
        action(value)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(PLAIN)
def test_whatever_a_strategy_returns_is_judged_or_refused(value: Any) -> None:
    try:
        taken = action(value)
    except InvalidAction:
        return
    for family, truth in ((INTEGERS, 5), (FRACTIONS, Fraction(1, 3)), (TEXTS, "1a")):
        assert isinstance(is_right(family, truth, taken), bool)


@pytest.mark.parametrize("view", ["parameters", "text"])
def test_a_game_is_one_problem_and_its_seed_is_all_that_it_depends_on(view: str) -> None:
    seeds = [3, 2**63 - 1, 3, 11]
    games = Problems(seeds, "gcd", 2, view)
    instances = [FAMILIES["gcd"].instance(2, seed) for seed in seeds]
    seen = [json.loads(payload) for payload in games.observe([0, 1, 2, 3])]
    assert seen == [[i.text] if view == "text" else list(i.parameters) for i in instances]
    assert seen[0] == seen[2] != seen[1]
    assert games.observe([1]) == Problems(seeds[1:2], "gcd", 2, view).observe([0])
    assert games.standing(1).steps == 0
    answers = [instances[1].answer, 0, instances[3].answer]
    endings = games.act([1, 0, 3], answers)
    assert [e.outcome for e in endings if e] == [Outcome.SUCCESS, Outcome.FAILURE, Outcome.SUCCESS]
    assert [(e.steps, e.score, e.progress) for e in endings if e] == [(1, 1.0, 1.0), (1, 0.0, 0.0), (1, 1.0, 1.0)]


def test_options_that_make_no_problem_are_refused() -> None:
    for level in (0, 4, True, "1"):
        with pytest.raises(ConfigError, match="give 1, 2 or 3"):
            check_options(level, "text")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="did you mean text"):
        check_options(1, "txt")
