"""The program task: one call a game, judged exactly; behind the `Games` protocol."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import Any

import msgspec

from envrl.envs.games import Ending, InvalidAction, describe
from envrl.envs.math.families import FAMILIES
from envrl.envs.math.family import FRACTION, LEVELS, Answer, Family
from envrl.envs.math.numbers import parse_number
from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import Outcome

__all__ = ["VIEWS", "Given", "Problems", "action", "check_options", "is_right"]

VIEWS = ("parameters", "text")
"""What ``solve`` receives: the parameters as arguments, or the problem in words as its only one."""

Given = int | float | Fraction | str
"""A returned answer."""

_LONGEST = 1_000
_TOLERANCE = Fraction(1, 10**9)


def check_options(level: int, view: str) -> None:
    """Refuse options that no problem can be made with.

    Raises:
        ConfigError: the level is not 1, 2 or 3.
        UnknownNameError: there is no such view.
    """
    if type(level) is not int or level not in LEVELS:
        raise ConfigError(f"math: level {level!r} does not exist: give 1, 2 or 3")
    if view not in VIEWS:
        raise UnknownNameError("view of math problems", str(view), VIEWS)


def action(value: Any) -> Given:
    """The answer that a returned value stands for.

    Args:
        value: an int, a finite float, a text, or a pair of ints (numerator, denominator).

    Raises:
        InvalidAction: it is something else.
    """
    kind = type(value)
    if kind is int or (kind is float and isfinite(value)) or (kind is str and len(value) <= _LONGEST):
        given: Given = value
        return given
    if kind in (tuple, list) and len(value) == 2 and all(type(part) is int for part in value) and value[1]:
        return Fraction(*value)
    raise InvalidAction(f"returned {describe(value)}, which is no int, float, text or pair (numerator, denominator)")


def is_right(family: Family, truth: Answer, given: Given) -> bool:
    """Whether an answer is the truth.

    Numbers count by their exact value, also as a text. Floats count only in families of fractions, within 1e-9 of the
    truth relatively: where an integer is wanted, a float is a program that may be off by one on the next problem.

    Args:
        family: of the problem.
        truth: its answer.
        given: as `action` gives it.
    """
    if isinstance(truth, str):
        return isinstance(given, str) and given.strip() == truth
    if isinstance(given, float):
        return family.returns == FRACTION and abs(Fraction(given) - truth) <= abs(_TOLERANCE * truth)
    return (parse_number(given) if isinstance(given, str) else given) == truth


class Problems:
    """The games of a batch: one problem a game, over after one answer.

    Args:
        seeds: one 63-bit seed a game.
        family: name of the template family.
        level: 1 to 3.
        view: one of `VIEWS`.
    """

    def __init__(self, seeds: Sequence[int], family: str, level: int = 1, view: str = "parameters") -> None:
        self._family = FAMILIES[family]
        self._instances = [self._family.instance(level, seed) for seed in seeds]
        self._text = view == "text"

    def observe(self, which: Sequence[int]) -> list[bytes]:
        problems = (self._instances[i] for i in which)
        return [msgspec.json.encode((p.text,) if self._text else p.parameters) for p in problems]

    def act(self, which: Sequence[int], actions: Sequence[Given]) -> list[Ending | None]:
        return [
            self._ending(1, is_right(self._family, self._instances[i].answer, given))
            for i, given in zip(which, actions, strict=True)
        ]

    def close(self) -> None:
        pass

    def standing(self, which: int) -> Ending:
        return self._ending(0, right=False)

    def _ending(self, steps: int, right: bool) -> Ending:
        # No partial credit for numbers near by: a family's constant or its size would earn it.
        return Ending(Outcome.SUCCESS if right else Outcome.FAILURE, steps, float(right), float(right), {})
