"""Template families of combinatorics and probability."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb, factorial, lcm, prod

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import FRACTION, INTEGER, Family, Parameters

__all__ = ["FAMILIES"]


def _letters(draw: Draw, level: int) -> Parameters:
    letters = "abcdefg"[: draw.integer(2, 4 + level)]
    return ("".join(draw.choice(letters) for _ in range(draw.integer(4 + level, 7 + 2 * level))),)


def _arrangements(word: str) -> int:
    return factorial(len(word)) // prod(map(factorial, Counter(word).values()))


def _blocked(draw: Draw, level: int) -> Parameters:
    high = (7, 11, 16)[level - 1]
    width, height = draw.integers(3, high, 2)
    return width, height, draw.integer(1, width - 1), draw.integer(1, height - 1)


def _sweets(draw: Draw, level: int) -> Parameters:
    children, least = draw.integer(3, (5, 7, 9)[level - 1]), draw.integer(0, 3)
    return children * least + draw.integer(3, (12, 25, 40)[level - 1]), children, least


def _throw(draw: Draw, level: int) -> Parameters:
    dice, sides = draw.integer(2, (4, 7, 12)[level - 1]), draw.integer(4, (10, 20, 20)[level - 1])
    return dice, sides, sum(draw.integers(1, sides, dice))


def _ways(dice: int, sides: int, total: int) -> int:
    """Inclusion and exclusion of the dice that would show too much."""
    above = total - dice
    return sum((-1) ** k * comb(dice, k) * comb(above - k * sides + dice - 1, dice - 1)
               for k in range(above // sides + 1))  # fmt: skip


def _urn(draw: Draw, level: int) -> Parameters:
    drawn = draw.integer(2, (3, 4, 6)[level - 1])
    return (*draw.integers(drawn, (12, 30, 60)[level - 1], 2), drawn)


FAMILIES = (
    Family(
        name="choose",
        area="combinatorics",
        parameters={"n": "how many there are", "k": "how many are chosen"},
        asks="the number of ways to choose k of n different things, in any order",
        returns=INTEGER,
        grading="n up to 15, 30, 60",
        sample=lambda draw, level: (draw.integer((8, 16, 31)[level - 1], (15, 30, 60)[level - 1]), draw.integer(2, 7)),
        answer=comb,
        phrasings=(
            "In how many ways can a team of {k} be chosen from {n} people?",
            "How many subsets of {k} elements does a set of {n} elements have?",
        ),
        program="from math import comb\nreturn comb(n, k)",
        example=(5, 2),
    ),
    Family(
        name="letter_arrangements",
        area="combinatorics",
        parameters={"word": "a word of small letters"},
        asks="the number of different words that its letters can be arranged to, all of them used",
        returns=INTEGER,
        grading="up to 9, 11, 13 letters",
        sample=_letters,
        answer=_arrangements,
        phrasings=(
            'How many different words, with or without meaning, can be made of all letters of "{word}"?',
            'In how many distinguishable orders can the letters of "{word}" be written?',
        ),
        program=(
            "from math import factorial\nways = factorial(len(word))\nfor letter in set(word):\n"
            "    ways = ways // factorial(word.count(letter))\nreturn ways"
        ),
        example=("abba",),
    ),
    Family(
        name="grid_paths",
        area="combinatorics",
        parameters={
            "width": "streets to the east",
            "height": "streets to the north",
            "x": "of the closed crossing",
            "y": "of the closed crossing",
        },
        asks="the number of shortest ways from (0, 0) to (width, height), one step east or north at a time, that do "
        "not pass (x, y)",
        returns=INTEGER,
        grading="up to 7, 11, 16 streets",
        sample=_blocked,
        answer=lambda width, height, x, y: (
            comb(width + height, width) - comb(x + y, x) * comb(width - x + height - y, width - x)
        ),
        phrasings=(
            "A walker goes from (0, 0) to ({width}, {height}), always one step right or one step up, and may not step "
            "on ({x}, {y}). How many ways are there?",
        ),
        program=(
            "from math import comb\n"
            "return comb(width + height, width) - comb(x + y, x) * comb(width - x + height - y, width - x)"
        ),
        example=(2, 2, 1, 1),
    ),
    Family(
        name="sharing",
        area="combinatorics",
        parameters={
            "sweets": "how many equal sweets",
            "children": "how many children",
            "least": "what each gets at least",
        },
        asks="the number of ways to give all sweets to the children, each child at least that many",
        returns=INTEGER,
        grading="up to 5, 7, 9 children",
        sample=_sweets,
        answer=lambda sweets, children, least: comb(sweets - children * least + children - 1, children - 1),
        phrasings=(
            "{sweets} equal sweets are given to {children} children so that each gets at least {least}. In how many "
            "ways can that be done?",
            "How many ways are there to write {sweets} as an ordered sum of {children} integers, each of them at least "
            "{least}?",
        ),
        program="from math import comb\nreturn comb(sweets - children * least + children - 1, children - 1)",
        example=(5, 3, 1),
    ),
    Family(
        name="dice_ways",
        area="combinatorics",
        parameters={"dice": "how many dice", "sides": "of each, numbered from 1", "total": "what they show together"},
        asks="the number of ways in which the dice, which can be told apart, show that total",
        returns=INTEGER,
        grading="up to 4, 7, 12 dice",
        sample=_throw,
        answer=_ways,
        phrasings=(
            "{dice} distinguishable dice have {sides} sides each, numbered from 1. In how many ways can they show a "
            "total of {total}?",
        ),
        program=(
            "ways = {0: 1}\nfor die in range(dice):\n    after = {}\n    for s in ways:\n"
            "        for face in range(1, sides + 1):\n            after[s + face] = after.get(s + face, 0) + ways[s]\n"
            "    ways = after\nreturn ways[total]"
        ),
        example=(2, 6, 4),
    ),
    Family(
        name="same_colour",
        area="combinatorics",
        parameters={"red": "red balls", "blue": "blue balls", "drawn": "balls drawn, none put back"},
        asks="the probability that all drawn balls have the same colour",
        returns=FRACTION,
        grading="up to 12, 30, 60 balls of a colour",
        sample=_urn,
        answer=lambda red, blue, drawn: Fraction(comb(red, drawn) + comb(blue, drawn), comb(red + blue, drawn)),
        phrasings=(
            "A bag holds {red} red and {blue} blue balls. {drawn} are drawn without putting any back. What is the "
            "probability that all have the same colour?",
        ),
        program="from math import comb\nreturn (comb(red, drawn) + comb(blue, drawn), comb(red + blue, drawn))",
        example=(3, 2, 2),
    ),
    Family(
        name="multiples",
        area="combinatorics",
        parameters={"n": "a positive integer", "a": "a positive integer", "b": "a positive integer"},
        asks="how many integers from 1 to n are divisible by a or by b (or by both)",
        returns=INTEGER,
        grading="n up to 500, 10 000, 10**9",
        sample=lambda draw, level: (
            draw.integer(100, (500, 10_000, 10**9)[level - 1]),
            *draw.integers(2, (9, 30, 900)[level - 1], 2),
        ),
        answer=lambda n, a, b: int(n // a + n // b - n // lcm(a, b)),
        phrasings=("How many integers from 1 to {n} are divisible by {a} or by {b}?",),
        program="from math import lcm\nreturn n // a + n // b - n // lcm(a, b)",
        example=(20, 4, 6),
    ),
)
