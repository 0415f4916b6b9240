"""Math as an answer task: each seed is a question, and a completion is its answer, in tags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, NoReturn

import msgspec

from envrl.envs.games import Games
from envrl.envs.math.answers import INSTRUCTIONS, STYLES, Style
from envrl.envs.math.datasets import Problem, load_problems
from envrl.envs.math.families import find_families
from envrl.envs.math.games import check_options
from envrl.envs.math.lessons import lessons
from envrl.envs.math.numbers import parse_number
from envrl.envs.math.questions import FromData, FromFamilies, Questions, deal
from envrl.envs.task import Lent, Task
from envrl.errors import ConfigError, EnvError, MissingExtraError, UnknownNameError
from envrl.seeding import BLOCKS, Block, episode_seed

__all__ = ["ANSWER_PRESETS", "ANSWER_VERSION", "AnswerTask", "Lessons", "task_math_answer"]

ANSWER_VERSION = 0

ANSWER_PRESETS: dict[str, dict[str, int | str]] = {
    "envrl/math-answer-v0": {"family": "linear_equation", "level": 1, "style": "answer"},
}
"""Registered ids with their options."""

_NOTHING = (
    "math-answer is an answer task: a completion is its answer, and no program is played. Measure one with "
    "envrl eval --env math-answer --model MODEL, or with --completions FILE; --env math has programs"
)
_QUESTION = "{question}"  # in a prompt: where a question goes

Lessons = Callable[[int, int], Sequence[tuple[str, str]]]
"""``lessons(count, seed)``: questions with answers for the warm start, some of them wrong or badly written."""


@dataclass(frozen=True, kw_only=True)
class AnswerTask(Task):
    """A task whose completion is the answer: no strategy, nothing is played.

    Its prompts hold ``{question}`` where the question of a seed goes (`ask` puts it there).

    Attributes:
        questions: what is asked.
        style: how the answer is marked.
        latex: whether math-verify compares what is no number.
        lessons: for the tiny model's warm start, or None.
    """

    questions: Questions
    style: Style
    latex: bool = False
    lessons: Lessons | None = None

    def problem(self, block: Block, salt: str, index: int) -> Problem:
        """The question of a seed, with its right answer.

        Args:
            salt: of the block.

        Raises:
            SeedError: the block has no question of that number.
        """
        return self.questions.problem(block, index, episode_seed(salt, block, index))

    def ask(self, problem: Problem, contract: str) -> str:
        """What a model of this class of output contract sees of a question."""
        return self.prompt(contract).replace(_QUESTION, problem.question)

    def of_file(self, problems: Sequence[Problem], name: str) -> AnswerTask:
        """The same on questions that stand in a file of completions: in every block the same, by their place.

        Args:
            name: of the file.
        """
        options = {"style": self.style, "latex": self.latex, "questions": name, "problems": _hash(problems)}
        return replace(
            self,
            title=f"math answers: {name}",
            options=options,
            notes=_as_texts(problems, self.latex),
            questions=FromData(dict.fromkeys(BLOCKS, problems), name),
            lessons=None,
        )

    def require_verifier(self) -> None:
        """Checks that what compares LaTeX is installed, where it is wanted.

        Raises:
            MissingExtraError: it is not.
        """
        if self.latex and find_spec("math_verify") is None:
            raise MissingExtraError("math", "math-verify", "judging answers in LaTeX")

    def require_questions(self, block: Block, seeds: range, where: str) -> None:
        """Checks that a block has a question for every seed that is to be measured.

        Args:
            where: the option that names the seeds.

        Raises:
            ConfigError: it has fewer.
        """
        count = self.questions.count(block)
        if count is not None and seeds.stop > count:
            mend = f"ask for seeds within 0:{count}, or give more data" if count else "give more data"
            raise ConfigError(f"{where} {seeds.start}:{seeds.stop}: block {block!r} has {count} questions: {mend}")


def task_math_answer(
    id: str = "envrl/math-answer-v0",
    *,
    family: str | None = None,
    level: int | None = None,
    style: str | None = None,
    data: str | None = None,
    held_out: str | None = None,
    subset: str | None = None,
    format: str | None = None,
    latex: bool | None = None,
) -> AnswerTask:
    """The answer task on template families, or on data.

    Args:
        id: one of `ANSWER_PRESETS`.
        family: a template family, an area, or ``all``: then each seed draws one of its families.
        level: 1 to 3, of the families.
        style: how the answer is marked, one of `envrl.envs.math.answers.STYLES`.
        data: in place of families, what `load_problems` reads: a ``.jsonl`` or ``.parquet`` file, or a Hugging Face id.
        held_out: data for all blocks but ``train``; without it they share ``data`` by `envrl.envs.math.questions.deal`.
        subset: of a Hugging Face id, such as ``main`` of ``openai/gsm8k``.
        format: of the data, ``gsm8k`` or ``math``; None goes by their fields.
        latex: whether math-verify compares what is no number.

    Raises:
        ConfigError: options that exclude each other, or data that cannot be used.
        UnknownNameError: there is no such family, style or format.
        MissingExtraError: data need a library that is not installed.
    """
    preset = ANSWER_PRESETS[id]
    marks = style or preset["style"]
    if marks not in STYLES:
        raise UnknownNameError("style of answers", str(marks), STYLES)
    chosen: Style = marks
    told: dict[str, Any] = {"style": chosen, "latex": bool(latex)}
    notes: tuple[str, ...] = ()
    make: Lessons | None = None
    if data is None:
        for name, value in (("held_out", held_out), ("subset", subset), ("format", format)):
            if value is not None:
                raise ConfigError(f"env.options.{name} is {value!r}, and goes with env.options.data: name that, too")
        family, level = str(family or preset["family"]), int(preset["level"]) if level is None else level
        check_options(level, "text")
        source = FromFamilies(find_families(family), level)
        questions: Questions = source
        title = f"math answers: {family}, level {level}"
        told |= {"family": family, "level": level}
        make = partial(lessons, source, chosen)
    else:
        for name, given in (("family", family), ("level", level)):
            if given is not None:
                raise ConfigError(
                    f"env.options.{name} is {given!r}, and env.options.data {data!r}: leave one of them out"
                )
        problems = load_problems(data, format=format, name=subset)
        apart = load_problems(held_out, format=format, name=subset, split="test") if held_out is not None else []
        questions = deal(problems, apart, data)
        title = f"math answers: {data}" + (f" and {held_out}" if held_out is not None else "")
        told |= {"data": data, "problems": _hash([*problems, *apart])} | ({"held_out": held_out} if held_out else {})
        notes = _as_texts([*problems, *apart], bool(latex))
    return AnswerTask(
        id=id,
        short="math-answer",
        version=ANSWER_VERSION,
        title=title,
        entry_point="",
        prompts={"tiny": _QUESTION, "chat": f"{_QUESTION}\n\n{INSTRUCTIONS[chosen]}"},
        lent=Lent(adapter=f"raise RuntimeError({_NOTHING!r})"),
        action=_no_action,
        games=_no_games,
        success="the right answer, written in any way",
        example_action="",
        options=told,
        notes=notes,
        questions=questions,
        style=chosen,
        latex=bool(latex),
        lessons=make,
    )


def _as_texts(problems: Sequence[Problem], latex: bool) -> tuple[str, ...]:
    """What a user has to know where right answers are no numbers."""
    words = sum(parse_number(problem.truth) is None for problem in problems)
    if latex or not words:
        return ()
    return (
        f"{words} of {len(problems)} right answers are no numbers, and count only where the text is the same: "
        "--set latex=true has math-verify compare them",
    )


def _hash(problems: Sequence[Problem]) -> str:
    """Names data by what is asked, wherever the file stands."""
    content = msgspec.json.encode([(problem.question, problem.truth) for problem in problems])
    return hashlib.sha256(content).hexdigest()[:16]


def _no_games(seeds: Sequence[int]) -> Games:
    _nothing_to_play()


def _no_action(value: Any) -> Any:
    _nothing_to_play()


def _nothing_to_play() -> NoReturn:
    raise EnvError(_NOTHING)
