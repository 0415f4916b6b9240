"""A template family: problems that differ in their parameters, and one program that solves them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from textwrap import indent
from typing import Any

from envrl.envs.math.draw import Draw

__all__ = ["FRACTION", "INTEGER", "LEVELS", "TEXT", "Answer", "Family", "Instance", "Parameters"]

LEVELS = (1, 2, 3)

INTEGER = "Return an int."
FRACTION = 'Return the exact value: an int, a pair (numerator, denominator), or a text such as "3/4".'
TEXT = "Return a str."

Answer = int | Fraction | str
Parameters = tuple[Any, ...]
"""One value a parameter: an int, a str, or nested lists of ints, so that JSON carries them unchanged."""

_PYTHON = (
    "Use only plain Python and modules of pure computation such as math, fractions, itertools and collections.\n\n"
    "Answer with exactly one fenced block of Python that defines {signature}."
)


@dataclass(frozen=True, kw_only=True)
class Family:
    """Problems of one template.

    Attributes:
        name: as on the command line.
        area: arithmetic, number theory, …
        parameters: the arguments of ``solve`` by name, each with its meaning.
        asks: what ``solve`` returns, a noun phrase.
        returns: `INTEGER`, `FRACTION` or `TEXT`.
        grading: what grows from level to level, in a clause.
        sample: parameters of a level, 1 to 3.
        answer: from the parameters to the exact answer. For the host alone.
        phrasings: the problem in words, with parameters in braces.
        program: body of a ``solve`` that is right, for exact strategies and for the warm start's spoilt ones.
        example: parameters of the worked example in the prompt; no level samples them on purpose.
    """

    name: str
    area: str
    parameters: dict[str, str]
    asks: str
    returns: str
    grading: str
    sample: Callable[[Draw, int], Parameters]
    answer: Callable[..., Answer]
    phrasings: tuple[str, ...]
    program: str
    example: Parameters

    @property
    def signature(self) -> str:
        """The call that a strategy defines, such as ``solve(a, b)``."""
        return f"solve({', '.join(self.parameters)})"

    def source(self, body: str) -> str:
        """A strategy with this body."""
        return f"def {self.signature}:\n{indent(body.strip(), '    ')}\n"

    def instance(self, level: int, seed: int) -> Instance:
        """The problem of a seed."""
        draw = Draw(seed, self.name, level)
        parameters = self.sample(draw, level)
        return Instance(self, parameters, self.problem(parameters, draw.integer(0, len(self.phrasings) - 1)))

    def problem(self, parameters: Parameters, phrasing: int = 0) -> str:
        """One concrete problem in words.

        Args:
            parameters: as `sample` draws them.
            phrasing: index of the wording.
        """
        shown = {name: _shown(value) for name, value in zip(self.parameters, parameters, strict=True)}
        return self.phrasings[phrasing].format(**shown)

    def prompt(self, contract: str, view: str = "parameters") -> str:
        """What a model sees.

        Args:
            contract: the output contract; ``tiny`` gets one short line.
            view: ``parameters``, or ``text`` where the strategy receives the problem in words.
        """
        text = view == "text"
        signature = "solve(problem)" if text else self.signature
        if contract == "tiny":
            return f"Write {signature} for math: {self.name.replace('_', ' ')}."
        answer = self.answer(*self.example)
        returned = repr(f"{answer.numerator}/{answer.denominator}" if isinstance(answer, Fraction) else answer)
        if text:
            what = [
                f"Write a Python function {signature} that solves problems of one kind. What they ask: {self.asks}.",
                "problem is a text. Other problems of the kind have other numbers and may be worded differently:",
                *(f"- {self.problem(self.example, i)}" for i in range(len(self.phrasings))),
                self.returns,
                f"Example: for each of these texts solve returns {returned}.",
            ]
        else:
            call = f"solve({', '.join(map(repr, self.example))})"
            what = [
                f"Write a Python function {signature} that returns {self.asks}.",
                *(f"- {name}: {meaning}" for name, meaning in self.parameters.items()),
                self.returns,
                f"Example: {call} returns {returned}. ({self.problem(self.example)})",
            ]
        return (
            "\n".join(what)
            + "\nIt is called with other parameters than these.\n\n"
            + _PYTHON.format(signature=signature)
        )


@dataclass(frozen=True)
class Instance:
    """One problem of a family."""

    family: Family
    parameters: Parameters
    text: str

    @property
    def answer(self) -> Answer:
        """The exact answer."""
        return self.family.answer(*self.parameters)


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(f"({_shown(item)})" if isinstance(item, list) else str(item) for item in value)
