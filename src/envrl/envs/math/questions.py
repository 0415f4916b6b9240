"""Where an answer task's questions come from: template families, or data; no question stands in two blocks of data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from envrl.envs.math.datasets import Problem
from envrl.envs.math.draw import Draw
from envrl.envs.math.families import FAMILIES
from envrl.errors import ConfigError, SeedError
from envrl.seeding import BLOCKS, Block

__all__ = ["FromData", "FromFamilies", "Questions", "deal"]

_SHARES: Mapping[Block, float] = {"train": 0.7, "validation": 0.1, "test": 0.1, "final": 0.1}
_HELD_OUT: Mapping[Block, float] = {"validation": 1 / 3, "test": 1 / 3, "final": 1 / 3}


class Questions(Protocol):
    """A question for every seed of every block."""

    def problem(self, block: Block, index: int, seed: int) -> Problem:
        """The question of a seed.

        Args:
            index: of the seed in its block.
            seed: that the block's salt makes of it.

        Raises:
            SeedError: the block has no question of that number.
        """

    def count(self, block: Block) -> int | None:
        """How many questions a block has that can be measured; None for as many as one asks for."""


@dataclass(frozen=True)
class FromFamilies:
    """Questions of template families in words: a seed draws family, numbers and wording.

    Attributes:
        families: their names.
        level: 1 to 3.
    """

    families: tuple[str, ...]
    level: int

    def problem(self, block: Block, index: int, seed: int) -> Problem:
        instance = FAMILIES[Draw(seed, "family").choice(self.families)].instance(self.level, seed)
        return Problem(instance.text, str(instance.answer), f"{instance.family.name}, {block} {index}")

    def count(self, block: Block) -> int | None:
        return None


@dataclass(frozen=True)
class FromData:
    """Questions of data, dealt to the blocks by `deal`; training goes through its own again and again.

    Attributes:
        dealt: the questions of each block, in the order of their indices.
        source: of the data, for messages.
    """

    dealt: Mapping[Block, Sequence[Problem]]
    source: str

    def problem(self, block: Block, index: int, seed: int) -> Problem:
        problems = self.dealt[block]
        if not problems or (index >= len(problems) and block != "train"):
            raise SeedError(
                f"question {index} of block {block!r}: {self.source} deals it {len(problems)} questions"
                + (f"; ask for seeds within 0:{len(problems)}, or give more data" if problems else ": give more data")
            )
        return problems[index % len(problems)]

    def count(self, block: Block) -> int | None:
        return len(self.dealt[block])


def deal(data: Sequence[Problem], held_out: Sequence[Problem] = (), source: str = "the data") -> FromData:
    """Deals questions to the blocks by a hash of their text, so that equal ones never part.

    Of the data, 70 % are for ``train`` and 10 % for each other block. Where there are held-out data, ``train`` gets all
    of the data whose text is not held out, and the held-out ones are dealt evenly to the others. Equal texts count
    once.

    Raises:
        ConfigError: a text that has two different answers, with both places.
    """
    apart = _by_text(held_out)
    own = {text: problem for text, problem in _by_text(data).items() if text not in apart}
    if not apart:
        return FromData(_dealt(own, _SHARES), source)
    return FromData(_dealt(apart, _HELD_OUT) | {"train": sorted(own.values(), key=_order)}, source)


def _by_text(problems: Sequence[Problem]) -> dict[str, Problem]:
    found: dict[str, Problem] = {}
    for problem in problems:
        first = found.setdefault(problem.question, problem)
        if first.truth != problem.truth:
            raise ConfigError(
                f"{problem.where}: the question of {first.where} again, with another answer ({problem.truth!r} where "
                f"that has {first.truth!r}): mend or remove one of them"
            )
    return found


def _dealt(problems: Mapping[str, Problem], shares: Mapping[Block, float]) -> dict[Block, list[Problem]]:
    dealt: dict[Block, list[Problem]] = {block: [] for block in BLOCKS}
    for problem in sorted(problems.values(), key=_order):
        place = int.from_bytes(_digest(problem, b"block"), "little") / 2**64
        ends = zip(shares, accumulate(shares.values()), strict=True)
        dealt[next((block for block, end in ends if place < end), "final")].append(problem)
    return dealt


def _order(problem: Problem) -> bytes:
    """Shuffles without a seed: the same for the same texts, wherever they stand."""
    return _digest(problem, b"order")


def _digest(problem: Problem, purpose: bytes) -> bytes:
    return hashlib.blake2b(problem.question.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose).digest()
