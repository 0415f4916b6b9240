"""The answer task: a question for each seed, options that fit together, and nothing to play."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envrl.envs.math.answer_task import task_math_answer
from envrl.envs.math.answers import STYLES, Tier, judge
from envrl.envs.math.datasets import Problem
from envrl.errors import ConfigError, EnvError, UnknownNameError
from envrl.seeding import block_salt


def data(path: Path, count: int, answer: str = "#### {}") -> str:
    rows = (
        {"question": f"What is {number} + 1? {{x}}", "answer": answer.format(number + 1)} for number in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def problem(task, index=0, block="test"):
    return task.problem(block, block_salt(block, task.id, task.version, "salt"), index)


def test_every_seed_is_a_question_of_its_own():
    task = task_math_answer(family="all", level=2)
    asked = [problem(task, index).question for index in range(50)]
    assert len(set(asked)) == 50
    assert asked == [problem(task_math_answer(family="all", level=2), index).question for index in range(50)]
    assert not set(asked) & {problem(task, index, "validation").question for index in range(50)}


def test_a_question_goes_into_the_prompt_as_it_stands():
    task = task_math_answer(style="boxed")
    asked = task.ask(Problem("What is {question} \\frac{1}{2}?", "1", ""), "chat")
    assert asked.startswith("What is {question} \\frac{1}{2}?\n\n")
    assert "\\boxed{}" in asked
    assert task.ask(Problem("1 + 1?", "2", ""), "tiny") == "1 + 1?"


@pytest.mark.parametrize("style", STYLES)
def test_lessons_hold_answers_of_every_kind(style):
    task = task_math_answer(family="ages", style=style)
    taught = task.lessons(400, 1)
    assert taught == task.lessons(400, 1) != task.lessons(400, 2)
    found = {judge(written, "7", style).tier for _, written in taught}
    assert {Tier.MISSING, Tier.WRONG, Tier.UNPARSABLE} <= found
    assert found & {Tier.EXACT, Tier.STRIPPED}


def test_data_are_asked_in_place_of_families(tmp_path):
    path = data(tmp_path / "a.jsonl", 100)
    task = task_math_answer(data=path)
    assert problem(task).question.startswith("What is ")
    assert task.options["data"] == path
    assert task.options["problems"] == task_math_answer(data=data(tmp_path / "b.jsonl", 100)).options["problems"]
    assert task.options["problems"] != task_math_answer(data=data(tmp_path / "b.jsonl", 99)).options["problems"]
    assert task.lessons is None
    count = task.questions.count("test")
    task.require_questions("test", range(count), "--seeds")
    with pytest.raises(ConfigError, match=rf"--seeds 0:{count + 1}: block 'test' has {count} questions: ask for seeds"):
        task.require_questions("test", range(count + 1), "--seeds")


def test_held_out_data_are_for_measurements(tmp_path):
    path, apart = data(tmp_path / "a.jsonl", 60), data(tmp_path / "b.jsonl", 30)
    task = task_math_answer(data=path, held_out=apart)
    assert task.questions.count("train") == 30  # of the 60, half stand in the other file, too
    assert sum(task.questions.count(block) for block in ("validation", "test", "final")) == 30


def test_answers_that_are_no_numbers_are_told_of(tmp_path):
    path = data(tmp_path / "a.jsonl", 20, "#### x_{}")
    assert "20 of 20 right answers are no numbers" in task_math_answer(data=path).notes[0]
    assert task_math_answer(data=path, latex=True).notes == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "tags"}, "style of answers"),
        ({"family": "gdc"}, "gcd"),
        ({"level": 4}, "level 4 does not exist"),
        ({"format": "gsm8k"}, "env.options.format is 'gsm8k', and goes with env.options.data"),
        ({"held_out": "b.jsonl"}, "goes with env.options.data"),
        ({"data": "a.jsonl", "family": "gcd"}, "env.options.family is 'gcd', and env.options.data 'a.jsonl'"),
        ({"data": "there-is-none.jsonl"}, "there-is-none.jsonl: cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_errors(options, said):
    with pytest.raises((ConfigError, UnknownNameError), match=said):
        task_math_answer(**options)


def test_nothing_is_played():
    task = task_math_answer()
    with pytest.raises(EnvError, match="math-answer is an answer task"):
        task.games([1])
