"""Template families of algebra."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from math import isqrt

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import FRACTION, INTEGER, Family, Parameters

__all__ = ["FAMILIES"]


def _unequal(draw: Draw, level: int) -> Parameters:
    size = (12, 99, 9_999)[level - 1]
    a = draw.nonzero(size)
    b, d = draw.integers(-size, size, 2)
    while (c := draw.integer(-size, size)) == a:
        pass
    return a, b, c, d


def _system(draw: Draw, level: int) -> Parameters:
    size = (9, 50, 999)[level - 1]
    while True:
        a, b, c, d = (draw.nonzero(size) for _ in range(4))
        if a * d != b * c:
            e, f = draw.integers(-5 * size, 5 * size, 2)
            return a, b, e, c, d, f


def _quadratic(draw: Draw, level: int) -> Parameters:
    size = (20, 90, 5_000)[level - 1]
    p, q = draw.integers(-size, size, 2)
    return -(p + q), p * q


def _matrix(draw: Draw, level: int) -> Parameters:
    size = level + 1
    return ([draw.integers(-9, 9, size) for _ in range(size)],)


def _determinant(rows: list[list[int]]) -> int:
    if len(rows) == 1:
        return rows[0][0]
    minors = ([row[:j] + row[j + 1 :] for row in rows[1:]] for j in range(len(rows)))
    return sum((-1) ** j * head * _determinant(minor) for j, (head, minor) in enumerate(zip(rows[0], minors)))  # noqa: B905


def _recurrence(p: int, q: int, n: int) -> int:
    before, now = 0, 1
    for _ in range(n - 1):
        before, now = now, (p * now + q * before) % 1_000_000
    return now


FAMILIES = (
    Family(
        name="linear_equation",
        area="algebra",
        parameters={"a": "an integer", "b": "an integer", "c": "an integer other than a", "d": "an integer"},
        asks="the x that solves a * x + b = c * x + d",
        returns=FRACTION,
        grading="coefficients up to 12, 99, 9 999",
        sample=_unequal,
        answer=lambda a, b, c, d: Fraction(d - b, a - c),
        phrasings=(
            "Solve for x: ({a})x + ({b}) = ({c})x + ({d})",
            "For which x are ({a}) * x + ({b}) and ({c}) * x + ({d}) equal?",
        ),
        program="return (d - b, a - c)",
        example=(3, 1, 1, 8),
    ),
    Family(
        name="linear_system",
        area="algebra",
        parameters={
            "a": "an integer",
            "b": "an integer",
            "e": "an integer",
            "c": "an integer",
            "d": "an integer",
            "f": "an integer",
        },
        asks="the x of the one solution (x, y) of a * x + b * y = e and c * x + d * y = f",
        returns=FRACTION,
        grading="coefficients up to 9, 50, 999",
        sample=_system,
        answer=lambda a, b, e, c, d, f: Fraction(e * d - b * f, a * d - b * c),
        phrasings=("Find x: ({a})x + ({b})y = {e} and ({c})x + ({d})y = {f}",),
        program="return (e * d - b * f, a * d - b * c)",
        example=(1, 1, 5, 1, -1, 1),
    ),
    Family(
        name="larger_root",
        area="algebra",
        parameters={"b": "an integer", "c": "an integer"},
        asks="the larger solution of x * x + b * x + c = 0, which is an integer",
        returns=INTEGER,
        grading="solutions up to 20, 90, 5 000",
        sample=_quadratic,
        answer=lambda b, c: (isqrt(b * b - 4 * c) - b) // 2,
        phrasings=("What is the larger solution of x^2 + ({b})x + ({c}) = 0?",),
        program="from math import isqrt\nreturn (isqrt(b * b - 4 * c) - b) // 2",
        example=(-5, 6),
    ),
    Family(
        name="root_squares",
        area="algebra",
        parameters={"p": "an integer", "q": "an integer"},
        asks="the sum of the squares of both (possibly complex) solutions of x * x + p * x + q = 0",
        returns=INTEGER,
        grading="coefficients up to 20, 200, 20 000",
        sample=lambda draw, level: tuple(draw.nonzero((20, 200, 20_000)[level - 1]) for _ in range(2)),
        answer=lambda p, q: int(p * p - 2 * q),
        phrasings=(
            "The numbers r and s are the solutions of x^2 + ({p})x + ({q}) = 0, complex ones allowed. "
            "What is r^2 + s^2?",
        ),
        program="return p * p - 2 * q",
        example=(-5, 6),
    ),
    Family(
        name="polynomial_value",
        area="algebra",
        parameters={"coefficients": "a list of integers, that of the highest power first", "x": "an integer"},
        asks="the value of the polynomial at x",
        returns=INTEGER,
        grading="degree up to 2, 4, 7",
        sample=lambda draw, level: (
            [draw.nonzero(9), *draw.integers(-9, 9, draw.integer(level, (2, 4, 7)[level - 1]))],
            draw.choice((-1, 1)) * draw.integer(2, 12),
        ),
        answer=lambda coefficients, x: reduce(lambda value, c: value * x + c, coefficients, 0),
        phrasings=(
            "A polynomial in x has the coefficients {coefficients}, from the highest power down to the constant. "
            "What is its value at x = {x}?",
        ),
        program="value = 0\nfor c in coefficients:\n    value = value * x + c\nreturn value",
        example=([2, 0, -1], 3),
    ),
    Family(
        name="arithmetic_series",
        area="algebra",
        parameters={"first": "the first term", "step": "what each term adds to the one before", "count": "how many"},
        asks="the sum of the terms of the arithmetic sequence",
        returns=INTEGER,
        grading="up to 12, 200, 10**6 terms",
        sample=lambda draw, level: (
            draw.integer(-20, 50),
            draw.nonzero((9, 30, 500)[level - 1]),
            draw.integer(4, (12, 200, 10**6)[level - 1]),
        ),
        answer=lambda first, step, count: int(count * (2 * first + (count - 1) * step) // 2),
        phrasings=(
            "A sequence starts with {first} and each term is the one before plus ({step}). What is the sum of its "
            "first {count} terms?",
        ),
        program="return count * (2 * first + (count - 1) * step) // 2",
        example=(3, 2, 4),
    ),
    Family(
        name="geometric_series",
        area="algebra",
        parameters={
            "first": "the first term",
            "ratio": "what multiplies a term to make the next, 2 or more",
            "count": "how many",
        },
        asks="the sum of the terms of the geometric sequence",
        returns=INTEGER,
        grading="up to 6, 10, 15 terms",
        sample=lambda draw, level: (
            draw.integer(1, 40),
            draw.integer(2, (5, 7, 9)[level - 1]),
            draw.integer(3, (6, 10, 15)[level - 1]),
        ),
        answer=lambda first, ratio, count: int(first * (ratio**count - 1) // (ratio - 1)),
        phrasings=(
            "A sequence starts with {first} and each term is {ratio} times the one before. What is the sum of its "
            "first {count} terms?",
        ),
        program="return first * (ratio ** count - 1) // (ratio - 1)",
        example=(2, 3, 3),
    ),
    Family(
        name="determinant",
        area="algebra",
        parameters={"matrix": "a square matrix, a list of rows"},
        asks="the determinant",
        returns=INTEGER,
        grading="2, 3, 4 rows",
        sample=_matrix,
        answer=_determinant,
        phrasings=("What is the determinant of the matrix with the rows {matrix}?",),
        program=(
            "def minor(m, j):\n    return [row[:j] + row[j + 1:] for row in m[1:]]\n"
            "def det(m):\n    if len(m) == 1:\n        return m[0][0]\n"
            "    return sum((-1) ** j * m[0][j] * det(minor(m, j)) for j in range(len(m)))\nreturn det(matrix)"
        ),
        example=([[1, 2], [3, 4]],),
    ),
    Family(
        name="recurrence",
        area="algebra",
        parameters={"p": "a positive integer", "q": "a positive integer", "n": "an index from 2 on"},
        asks="the last six decimal digits, as a number, of x(n), where x(0) = 0, x(1) = 1 and "
        "x(k) = p * x(k - 1) + q * x(k - 2)",
        returns=INTEGER,
        grading="n up to 8, 100, 5 000",
        sample=lambda draw, level: (
            *draw.integers(1, 9, 2),
            draw.integer(4, (8, 100, 5_000)[level - 1]),
        ),
        answer=_recurrence,
        phrasings=(
            "A sequence starts with x(0) = 0 and x(1) = 1, and then x(k) = {p} * x(k - 1) + {q} * x(k - 2). "
            "What is the remainder of x({n}) when divided by 1000000?",
        ),
        program="x, y = 0, 1\nfor k in range(n - 1):\n    x, y = y, (p * y + q * x) % 1000000\nreturn y",
        example=(1, 1, 6),
    ),
)
