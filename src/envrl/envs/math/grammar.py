"""Programs for the warm start of math: right ones rarely, and wrong ones of the kinds that people write often.

What is wrong is made from the right program: another operator, another parameter, one too many, a constant.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from envrl.envs.math.families import FAMILIES, find_families
from envrl.envs.math.family import INTEGER, TEXT, Family
from envrl.envs.task import Example

__all__ = ["examples"]

_SPOILED_SHARE = 0.10
_OTHER = {" + ": " - ", " - ": " + ", " * ": " + ", " // ": " * ", " % ": " // ", "==": "!=", "<=": "<"}
_HEADS = ("for ", "def ", "import ")


def examples(count: int, seed: int, family: str = "all") -> list[Example]:
    """``count`` programs; the same for the same arguments.

    Args:
        count: how many.
        seed: of the choices.
        family: a template family, an area, or ``all``.

    Raises:
        UnknownNameError: there is no such family.
    """
    rng = random.Random(seed)
    names = find_families(family)
    kinds = rng.choices(list(_KINDS), list(_KINDS.values()), k=count)
    made: list[Example] = []
    for kind in kinds:
        chosen = FAMILIES[rng.choice(names)]
        source = chosen.source(kind(chosen, rng))
        spoiled = rng.random() < _SPOILED_SHARE
        made.append(Example(_spoil(source, rng) if spoiled else source, spoiled))
    return made


def _right(family: Family, rng: random.Random) -> str:
    return family.program


def _constant(family: Family, rng: random.Random) -> str:
    value = rng.randint(0, 99)
    return f"return {str(value)!r}" if family.returns == TEXT else f"return {value}"


def _parameter(family: Family, rng: random.Random) -> str:
    return f"return {rng.choice(list(family.parameters))}"


def _two_parameters(family: Family, rng: random.Random) -> str:
    names = list(family.parameters)
    return f"return {rng.choice(names)} {rng.choice('+-*')} {rng.choice(names)}"


def _off_by_one(family: Family, rng: random.Random) -> str:
    if family.returns != INTEGER:
        return _operator(family, rng)
    before, _, value = family.program.rpartition("return ")
    return f"{before}return {value} {rng.choice('+-')} 1"


def _operator(family: Family, rng: random.Random) -> str:
    """The right program with one operator changed; loops keep theirs, so that they end."""
    lines = family.program.split("\n")
    loops = "while " in family.program
    places = [
        (number, start, old)
        for number, line in enumerate(lines)
        if line.startswith("return") or not (loops or line.lstrip().startswith(_HEADS))
        for old in _OTHER
        for start in range(len(line))
        if line.startswith(old, start)
    ]
    if not places:
        return _parameter(family, rng)
    number, start, old = rng.choice(places)
    lines[number] = lines[number][:start] + _OTHER[old] + lines[number][start + len(old) :]
    return "\n".join(lines)


_KINDS: dict[Callable[[Family, random.Random], str], float] = {
    _right: 0.08,
    _operator: 0.32,
    _off_by_one: 0.15,
    _two_parameters: 0.20,
    _parameter: 0.10,
    _constant: 0.15,
}


def _spoil(source: str, rng: random.Random) -> str:
    """A program with one thing wrong: what a model should unlearn has to be there to be punished."""
    first, rest = source.split("\n", 1)
    spoils = (
        source.replace(":\n", "\n", 1),
        source.replace(")", "", 1),
        source.replace("solve", "answer", 1),
        f"import os\n{source}",
        f"{first}\n    while True:\n        pass\n{rest}",
        f"{first}\n    print(answer)\n{rest}",
    )
    return rng.choice(spoils)
