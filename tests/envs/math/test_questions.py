"""Where questions come from: the same for the same seed, and of data none in two blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.envs.math.datasets import Problem
from envrl.envs.math.families import FAMILIES
from envrl.envs.math.questions import FromFamilies, deal
from envrl.errors import ConfigError, SeedError
from envrl.seeding import BLOCKS


def problems(texts: list[str], truth: str = "1", file: str = "a.jsonl") -> list[Problem]:
    return [Problem(text, truth, f"{file}:{line}") for line, text in enumerate(texts, 1)]


def texts_of(dealt, block) -> list[str]:
    return [problem.question for problem in dealt.dealt[block]]


def test_a_seed_draws_one_of_the_families_and_its_right_answer():
    questions = FromFamilies(("gcd", "ages"), 2)
    drawn = [questions.problem("test", index, 10**6 + index) for index in range(60)]
    assert {problem.where.partition(",")[0] for problem in drawn} == {"gcd", "ages"}
    assert drawn == [questions.problem("test", index, 10**6 + index) for index in range(60)]
    instance = FAMILIES["gcd"].instance(2, 5)
    assert FromFamilies(("gcd",), 2).problem("test", 0, 5).question == instance.text
    assert FromFamilies(("gcd",), 2).problem("test", 0, 5).truth == str(instance.answer)
    assert questions.count("test") is None


@given(st.lists(st.text(min_size=1, max_size=8), max_size=60), st.randoms())
def test_data_are_dealt_by_their_text_alone(texts, shuffled):
    dealt = deal(problems(texts))
    found = [text for block in BLOCKS for text in texts_of(dealt, block)]
    assert sorted(found) == sorted(set(texts))  # each once, in one block
    shuffled.shuffle(texts)
    again = deal(problems(texts))
    assert all(texts_of(again, block) == texts_of(dealt, block) for block in BLOCKS)


@given(st.sets(st.integers(0, 99), max_size=40), st.sets(st.integers(0, 99), min_size=1, max_size=40))
def test_what_is_held_out_is_never_trained_on(data, held_out):
    dealt = deal(problems(list(map(str, data))), problems(list(map(str, held_out))))
    assert set(texts_of(dealt, "train")) == set(map(str, data - held_out))
    others = [text for block in BLOCKS if block != "train" for text in texts_of(dealt, block)]
    assert sorted(others) == sorted(map(str, held_out))


def test_shares_are_as_told():
    dealt = deal(problems([str(number) for number in range(4000)]))
    shares = {block: dealt.count(block) / 4000 for block in BLOCKS}
    assert shares == {
        "train": pytest.approx(0.7, abs=0.03),
        **{block: pytest.approx(0.1, abs=0.02) for block in BLOCKS if block != "train"},
    }


def test_training_goes_round_and_a_measurement_does_not():
    dealt = deal(problems([str(number) for number in range(200)]), source="a.jsonl")
    count = dealt.count("train")
    assert dealt.problem("train", count + 3, 0) == dealt.problem("train", 3, 0)
    last = dealt.count("test") - 1
    assert dealt.problem("test", last, 0).question in texts_of(dealt, "test")
    with pytest.raises(SeedError, match=rf"a.jsonl deals it {last + 1} questions; ask for seeds within 0:{last + 1}"):
        dealt.problem("test", last + 1, 0)
    with pytest.raises(SeedError, match="give more data"):
        deal([]).problem("train", 0, 0)


def test_a_question_with_two_answers_is_an_error_that_names_both_places():
    twice = [*problems(["What?"], "1"), *problems(["What?"], "2", "b.jsonl")]
    with pytest.raises(ConfigError, match=r"b.jsonl:1: the question of a.jsonl:1 again.*'2' where that has '1'"):
        deal(twice)
