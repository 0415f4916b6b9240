"""Programs for the warm start of 2048: honest ones of every strength that the grammar reaches, and some spoiled ones.

The grammar knows the toolkit's names and a few shapes of program; which weights make a strong one it does not know.
"""

from __future__ import annotations

import random

from envrl.envs.task import Example

__all__ = ["examples"]

_HEURISTICS = ("empties", "merges", "mono", "smooth", "corner", "edge", "maxtile")
_SHARES = {"scored": 0.67, "ordered": 0.15, "random": 0.10, "constant": 0.08}
_SPOILED_SHARE = 0.12
_NEGATIVE_SHARE = 0.35

_SCORED = """\
def strategy(board):
    def value(m):
        b = slide(board, m)
        return {score}
    return max(legal(board), key=value)
"""
_ORDERED = """\
def strategy(board):
    moves = legal(board)
    for m in "{order}":
        if m in moves:
            return m
"""
_RANDOM = """\
def strategy(board):
    return choice({moves})
"""
_CONSTANT = """\
def strategy(board):
    return "{move}"
"""


def examples(count: int, seed: int) -> list[Example]:
    """``count`` programs; the same for the same seed."""
    rng = random.Random(seed)
    makers = {"scored": _scored, "ordered": _ordered, "random": _random, "constant": _constant}
    kinds = rng.choices(list(_SHARES), list(_SHARES.values()), k=count)
    made: list[Example] = []
    for kind in kinds:
        source = makers[kind](rng)
        spoiled = rng.random() < _SPOILED_SHARE
        made.append(Example(_spoil(source, rng) if spoiled else source, spoiled))
    return made


def _scored(rng: random.Random) -> str:
    names = rng.sample(_HEURISTICS, rng.choice((1, 2, 2, 3, 3)))
    terms = [("-" if rng.random() < _NEGATIVE_SHARE else "+", rng.randint(1, 9), name) for name in names]
    sign, weight, name = terms[0]
    score = f"{'-' if sign == '-' else ''}{weight} * {name}(b)"
    score += "".join(f" {sign} {weight} * {name}(b)" for sign, weight, name in terms[1:])
    return _SCORED.format(score=score)


def _ordered(rng: random.Random) -> str:
    return _ORDERED.format(order="".join(rng.sample("WASD", 4)))


def _random(rng: random.Random) -> str:
    return _RANDOM.format(moves=rng.choice(("legal(board)", "legal(board)", '"WASD"')))


def _constant(rng: random.Random) -> str:
    return _CONSTANT.format(move=rng.choice("WASD"))


def _spoil(source: str, rng: random.Random) -> str:
    """A program with one thing wrong: what a model should unlearn has to be there to be punished."""
    first, rest = source.split("\n", 1)
    spoils = (
        source.replace(":\n", "\n", 1),
        source.replace(")", "", 1),
        source.replace("strategy", "play", 1),
        source.replace("legal(board)", "legal(boards)"),
        f"import os\n{source}",
        f"{first}\n    while True:\n        pass\n{rest}",
        f"{first}\n    board[0][0] = 512\n{rest}",
    )
    return rng.choice([spoilt for spoilt in spoils if spoilt != source])
