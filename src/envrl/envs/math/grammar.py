"""Programs for the warm start of math: right ones rarely, and wrong ones of the kinds that people write often.

What is wrong is made from the right program: other operators and parameters, one too many, a constant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from envrl.envs.math.families import FAMILIES, find_families
from envrl.envs.math.family import INTEGER, TEXT, Family
from envrl.envs.task import Example

__all__ = ["examples"]

_SPOILED_SHARE = 0.10
_OTHER = {" + ": " - ", " - ": " + ", " * ": " + ", " // ": " * ", " % ": " // ", "==": "!=", "<=": "<"}
_PLACE = re.compile(r" (?:\+|-|\*|//|%) |==|<=|[a-z_]\w*")
_CHANGES = (1, 1, 2, 2, 3)
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
        return _changed(family, rng)
    before, _, value = family.program.rpartition("return ")
    return f"{before}return {value} {rng.choice('+-')} 1"


def _changed(family: Family, rng: random.Random) -> str:
    """The right program with some operators and parameters changed; loops keep theirs, so that they end.

    Several changes at once leave many programs that are right in one part: without them, a corpus from which the right
    program is taken out would teach that what is right in one part is wrong in the other.
    """
    lines = family.program.split("\n")
    loops = "while " in family.program
    others = list(family.parameters)
    places = [
        (number, match.start(), match[0])
        for number, line in enumerate(lines)
        if line.startswith("return") or not (loops or line.lstrip().startswith(_HEADS))
        for match in _PLACE.finditer(line)
        if match[0] in _OTHER or (match[0] in others and len(others) > 1)
    ]
    if not places:
        return _parameter(family, rng)
    chosen = rng.sample(places, min(len(places), rng.choice(_CHANGES)))
    for number, start, old in sorted(chosen, reverse=True):  # from the end: what comes before keeps its place
        new = _OTHER.get(old) or rng.choice([name for name in others if name != old])
        lines[number] = lines[number][:start] + new + lines[number][start + len(old) :]
    return "\n".join(lines)


_KINDS: dict[Callable[[Family, random.Random], str], float] = {
    _right: 0.05,
    _changed: 0.55,
    _off_by_one: 0.10,
    _two_parameters: 0.14,
    _parameter: 0.06,
    _constant: 0.10,
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
