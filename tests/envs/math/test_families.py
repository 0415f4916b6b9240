"""Template families: every answer against an independent one, every program against every answer."""

from __future__ import annotations

import ast
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from envrl.envs.math.draw import Draw
from envrl.envs.math.families import FAMILIES, families_table, find_families
from envrl.envs.math.family import FRACTION, INTEGER, LEVELS, TEXT, Family
from envrl.errors import UnknownNameError

EVERY = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def solved(family: Family, parameters: tuple[Any, ...]) -> Any:
    namespace: dict[str, Any] = {}
    exec(family.source(family.program), namespace)  # ours
    value = namespace["solve"](*parameters)
    if family.returns == FRACTION:
        return Fraction(*value) if isinstance(value, tuple) else Fraction(value)
    return value


def test_there_are_many_families_in_six_areas() -> None:
    assert len(FAMILIES) >= 25
    assert Counter(family.area for family in FAMILIES.values()).keys() == {
        "arithmetic", "number theory", "algebra", "geometry", "combinatorics", "word problems",
    }  # fmt: skip


@EVERY
@pytest.mark.parametrize("level", LEVELS)
def test_programs_solve_every_level_and_no_constant_does(family: Family, level: int) -> None:
    answers = Counter()
    for seed in range(200):
        instance = family.instance(level, seed)
        answers[instance.answer] += 1
        if seed < 25:
            assert solved(family, instance.parameters) == instance.answer, instance.parameters
        assert json.loads(json.dumps(instance.parameters)) == list(instance.parameters)
        assert instance.text.isascii()
        assert instance.text.isprintable()
        assert len(instance.text) < 1_000
        numbers = instance.answer.as_integer_ratio() if not isinstance(instance.answer, str) else ()
        assert all(abs(number) < 2**63 for number in numbers)  # more does not cross from the sandbox
    assert answers.most_common(1)[0][1] < 40


@EVERY
def test_a_family_says_what_it_is(family: Family) -> None:
    assert len(family.example) == len(family.parameters)
    assert all(name.isidentifier() for name in family.parameters)
    assert family.returns in (INTEGER, FRACTION, TEXT)
    kinds = {INTEGER: int, FRACTION: (int, Fraction), TEXT: str}[family.returns]
    assert isinstance(family.answer(*family.example), kinds)
    for i in range(len(family.phrasings)):
        text = family.problem(family.example, i)
        assert "{" not in text
        assert not text[0].islower()
        assert text.rstrip(")")[-1] in ".?" or ":" in text
        # Whoever reads the text can solve the problem: every parameter stands in every phrasing.
        for name in family.parameters:
            assert f"{{{name}}}" in family.phrasings[i]


@EVERY
@pytest.mark.parametrize("view", ["parameters", "text"])
def test_a_prompt_holds_signature_meanings_and_a_worked_example(family: Family, view: str) -> None:
    prompt = family.prompt("chat", view)
    assert family.asks in prompt
    assert family.returns in prompt
    if view == "text":
        assert "solve(problem)" in prompt
        assert all(family.problem(family.example, i) in prompt for i in range(len(family.phrasings)))
    else:
        assert f"Write a Python function {family.signature}" in prompt
        assert all(f"- {name}: {meaning}" in prompt for name, meaning in family.parameters.items())
        call, returned = prompt.split("Example: ")[1].split("\n")[0].rsplit(". (", 1)[0].split(" returns ")
        assert ast.literal_eval(f"({call.removeprefix('solve(').removesuffix(')')},)") == family.example
        answer = family.answer(*family.example)
        value = ast.literal_eval(returned)
        assert (Fraction(value) if isinstance(answer, Fraction) else value) == answer
    assert len(family.prompt("tiny", view)) < 80


def test_an_instance_depends_on_family_level_and_seed_alone() -> None:
    family = FAMILIES["gcd"]
    assert family.instance(2, 7) == family.instance(2, 7)
    assert len({family.instance(level, 7).parameters for level in LEVELS}) == 3
    assert family.instance(1, 3).parameters != FAMILIES["lcm"].instance(1, 3).parameters
    assert family.instance(1, 2**63 + 3) == family.instance(1, 3)
    # Written down, so that a change of Python or of ours does not go unseen.
    assert Draw(7, "a", 1).integers(0, 10**12, 3) == [469439002060, 884421186953, 668239103403]


def test_draws_cover_their_range() -> None:
    draw = Draw(1, "range")
    assert {draw.integer(-2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}
    assert {draw.nonzero(2) for _ in range(200)} == {-2, -1, 1, 2}
    assert {draw.choice("abc") for _ in range(100)} == set("abc")


def test_a_choice_names_one_family_an_area_or_all() -> None:
    assert find_families("gcd") == ("gcd",)
    assert "gcd" in find_families("number theory") == find_families("number_theory")
    assert find_families("all") == tuple(FAMILIES)
    with pytest.raises(UnknownNameError, match="did you mean"):
        find_families("gdc")


def test_the_docs_show_the_table_of_the_families() -> None:
    docs = Path(__file__).parents[3] / "docs" / "math.md"
    assert families_table() in docs.read_text()
    assert f"{len(FAMILIES)} template families" in docs.read_text()
