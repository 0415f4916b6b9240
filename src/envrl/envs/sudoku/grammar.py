"""Programs for the warm start of Sudoku: honest ones of every strength that the grammar reaches, and spoiled ones.

The grammar knows the toolkit's names and a few shapes of program; which measures pick a safe placement, and whether
they are to be small or large, it does not know.
"""

from __future__ import annotations

import random

from envrl.envs.task import Example

__all__ = ["examples"]

_MEASURES = ("options", "in_row", "in_col", "in_box")
_SHARES = {"scored": 0.66, "single": 0.14, "random": 0.12, "ends": 0.08}
_SPOILED_SHARE = 0.12
_NEGATIVE_SHARE = 0.35

_SCORED = """\
def strategy(board, initial):
    def value(m):
        return {score}
    return {best}(moves(board), key=value)
"""
_SINGLE = """\
def strategy(board, initial):
    for m in moves(board):
        if {score} {test}:
            return m
    return {otherwise}
"""
_RANDOM = """\
def strategy(board, initial):
    return choice({moves})
"""
_ENDS = """\
def strategy(board, initial):
    return {move}
"""


def examples(count: int, seed: int) -> list[Example]:
    """``count`` programs; the same for the same seed."""
    rng = random.Random(seed)
    makers = {"scored": _scored, "single": _single, "random": _random, "ends": _ends}
    kinds = rng.choices(list(_SHARES), list(_SHARES.values()), k=count)
    made: list[Example] = []
    for kind in kinds:
        source = makers[kind](rng)
        spoiled = rng.random() < _SPOILED_SHARE
        made.append(Example(_spoil(source, rng) if spoiled else source, spoiled))
    return made


def _score(rng: random.Random, counts: tuple[int, ...]) -> str:
    """A measure, or several put together: the smallest, the largest, or a weighted sum."""
    terms = [f"{name}(board, m)" for name in rng.sample(_MEASURES, rng.choice(counts))]
    if len(terms) == 1:
        return terms[0]
    how = rng.choice(("min", "max", "sum", "sum", "sum"))
    if how != "sum":
        return f"{how}({', '.join(terms)})"
    weighted = [f"{rng.randint(1, 9)} * {term}" for term in terms]
    return weighted[0] + "".join(f" {'-' if rng.random() < _NEGATIVE_SHARE else '+'} {term}" for term in weighted[1:])


def _scored(rng: random.Random) -> str:
    return _SCORED.format(score=_score(rng, (1, 1, 2, 2, 3)), best=rng.choice(("min", "max")))


def _single(rng: random.Random) -> str:
    otherwise = rng.choice(("m", "moves(board)[0]", "choice(moves(board))"))
    test = f"{rng.choice(('==', '<', '>'))} {rng.randint(1, 4)}"
    return _SINGLE.format(score=_score(rng, (1, 1, 2)), test=test, otherwise=otherwise)


def _random(rng: random.Random) -> str:
    return _RANDOM.format(moves=rng.choice(("moves(board)", "moves(board)", "moves(initial)")))


def _ends(rng: random.Random) -> str:
    return _ENDS.format(move=rng.choice(("moves(board)[0]", "moves(board)[-1]", "moves(initial)[0]", "(0, 0, 1)")))


def _spoil(source: str, rng: random.Random) -> str:
    """A program with one thing wrong: what a model should unlearn has to be there to be punished."""
    first, rest = source.split("\n", 1)
    spoils = (
        source.replace(":\n", "\n", 1),
        source.replace(")", "", 1),
        source.replace("strategy", "play", 1),
        source.replace("moves(board)", "moves(boards)"),
        f"import os\n{source}",
        f"{first}\n    while True:\n        pass\n{rest}",
        f"{first}\n    board[0][0] = 9\n{rest}",
    )
    return rng.choice([spoilt for spoilt in spoils if spoilt != source])
