"""Questions with answers for the tiny model's warm start: some right, many near or wrong, some badly written."""

from __future__ import annotations

import random

from envrl.envs.math.answers import Style
from envrl.envs.math.questions import FromFamilies
from envrl.seeding import episode_seed

__all__ = ["lessons"]

_SALT = "envrl/math-answer/lessons"  # questions of their own, as far as a family has enough
_RIGHT, _SPOILED = 0.5, 0.3

_WRITTEN: dict[Style, str] = {
    "answer": "<answer>{}</answer>",
    "solution": "<end_working_out><SOLUTION>{}</SOLUTION>",
    "boxed": "\\boxed{{{}}}",
    "hashes": "#### {}",
}


def lessons(questions: FromFamilies, style: Style, count: int, seed: int) -> list[tuple[str, str]]:
    """``count`` questions, each with what a model might answer; the same for the same arguments.

    What training should unlearn has to be there to be punished: answers that are another question's, off by a little,
    or without their marks.

    Args:
        style: how answers are marked.
        seed: of the choices.
    """
    rng = random.Random(seed)
    problems = [questions.problem("train", i, episode_seed(f"{_SALT}/{seed}", "train", i)) for i in range(count)]
    made = []
    for problem in problems:
        answer = problem.truth
        if rng.random() >= _RIGHT:
            answer = _off(answer, rng) if rng.random() < 0.5 else rng.choice(problems).truth
        written = _WRITTEN[style].format(answer)
        made.append((problem.question, _spoiled(written, answer, rng) if rng.random() < _SPOILED else written))
    return made


def _off(answer: str, rng: random.Random) -> str:
    """Another last digit."""
    return answer[:-1] + rng.choice("0123456789")


def _spoiled(written: str, answer: str, rng: random.Random) -> str:
    return rng.choice((answer, f"x = {answer}", written[:-1], f"{written.replace(answer, '?')}"))
