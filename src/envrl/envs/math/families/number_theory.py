"""Template families of number theory."""

from __future__ import annotations

from math import gcd, isqrt, lcm

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import INTEGER, Family, Parameters

__all__ = ["FAMILIES"]


def _prime_factors(n: int) -> list[int]:
    """The prime factors of n in rising order, each as often as it divides n."""
    factors, p = [], 2
    while p * p <= n:
        while n % p == 0:
            factors.append(p)
            n //= p
        p += 1
    return [*factors, n] if n > 1 else factors


def _divisor_sum(n: int) -> int:
    low = [d for d in range(1, isqrt(n) + 1) if n % d == 0]
    return sum({*low, *(n // d for d in low)})


def _totient(n: int) -> int:
    result = n
    for p in set(_prime_factors(n)):
        result -= result // p
    return result


def _factorial_power(n: int, p: int) -> int:
    count = 0
    while n:
        n //= p
        count += n
    return count


def _coprime_pair(draw: Draw, high: int) -> tuple[int, int]:
    """Two integers from 3 to ``high`` without a common divisor, the second the larger."""
    while True:
        a, b = sorted(draw.integers(3, high, 2))
        if gcd(a, b) == 1:
            return a, b


def _common(draw: Draw, level: int) -> Parameters:
    # Of two arbitrary numbers three in five have no common divisor: a constant 1 would win.
    divisor = draw.integer(2, (30, 300, 9_999)[level - 1])
    return tuple(divisor * factor for factor in draw.integers(2, (30, 300, 99_999)[level - 1], 2))


def _remainders(draw: Draw, level: int) -> Parameters:
    m, n = _coprime_pair(draw, (20, 100, 1_000)[level - 1])
    return draw.integer(0, m - 1), m, draw.integer(0, n - 1), n


FAMILIES = (
    Family(
        name="gcd",
        area="number theory",
        parameters={"a": "a positive integer", "b": "a positive integer"},
        asks="the greatest common divisor of a and b",
        returns=INTEGER,
        grading="numbers up to 900, 90 000, 10**9",
        sample=_common,
        answer=gcd,
        phrasings=(
            "What is the greatest common divisor of {a} and {b}?",
            "Find the largest integer that divides both {a} and {b}.",
        ),
        program="from math import gcd\nreturn gcd(a, b)",
        example=(12, 18),
    ),
    Family(
        name="lcm",
        area="number theory",
        parameters={"a": "a positive integer", "b": "a positive integer"},
        asks="the least common multiple of a and b",
        returns=INTEGER,
        grading="numbers up to 900, 90 000, 10**9",
        sample=_common,
        answer=lcm,
        phrasings=(
            "What is the least common multiple of {a} and {b}?",
            "Two lamps flash every {a} and every {b} seconds. They flash together now. After how many seconds do they "
            "first flash together again?",
        ),
        program="from math import gcd\nreturn a * b // gcd(a, b)",
        example=(4, 6),
    ),
    Family(
        name="power_remainder",
        area="number theory",
        parameters={"base": "a positive integer", "exponent": "a positive integer", "modulus": "an integer above 1"},
        asks="the remainder of base to the power exponent when divided by modulus",
        returns=INTEGER,
        grading="exponents up to 9, 999, 10**12",
        sample=lambda draw, level: (
            draw.integer(2, (20, 999, 10**6)[level - 1]),
            draw.integer(3, (9, 999, 10**12)[level - 1]),
            draw.integer(50, (300, 9_999, 10**9)[level - 1]),
        ),
        answer=pow,
        phrasings=("What is the remainder when {base}^{exponent} is divided by {modulus}?",),
        program="return pow(base, exponent, modulus)",
        example=(2, 5, 7),
    ),
    Family(
        name="divisor_sum",
        area="number theory",
        parameters={"n": "a positive integer"},
        asks="the sum of all positive divisors of n, with 1 and n",
        returns=INTEGER,
        grading="numbers up to 300, 5 000, 10**7",
        sample=lambda draw, level: (draw.integer(10, (300, 5_000, 10**7)[level - 1]),),
        answer=_divisor_sum,
        phrasings=(
            "What is the sum of all positive divisors of {n}, including 1 and {n}?",
            "Add up every positive integer that divides {n}. What is the sum?",
        ),
        program=(
            "total = 0\nfor d in range(1, int(n ** 0.5) + 1):\n    if n % d == 0:\n"
            "        total += d + (n // d if d * d != n else 0)\nreturn total"
        ),
        example=(6,),
    ),
    Family(
        name="totient",
        area="number theory",
        parameters={"n": "an integer above 1"},
        asks="how many integers from 1 to n have no common divisor with n but 1",
        returns=INTEGER,
        grading="numbers up to 500, 5 000, 50 000",
        sample=lambda draw, level: (draw.integer(30, (500, 5_000, 50_000)[level - 1]),),
        answer=_totient,
        phrasings=(
            "How many integers from 1 to {n} are coprime to {n}?",
            "Of the fractions 1/{n}, 2/{n} and so on up to {n}/{n}, how many cannot be reduced?",
        ),
        program="from math import gcd\nreturn sum(gcd(k, n) == 1 for k in range(1, n + 1))",
        example=(12,),
    ),
    Family(
        name="largest_prime_factor",
        area="number theory",
        parameters={"n": "an integer above 1"},
        asks="the largest prime factor of n",
        returns=INTEGER,
        grading="numbers up to 2 000, 100 000, 10**8",
        sample=lambda draw, level: (draw.integer(100, (2_000, 100_000, 10**8)[level - 1]),),
        answer=lambda n: _prime_factors(n)[-1],
        phrasings=("What is the largest prime number that divides {n}?",),
        program="p = 2\nwhile p * p <= n:\n    if n % p == 0:\n        n = n // p\n    else:\n        p += 1\nreturn n",
        example=(84,),
    ),
    Family(
        name="modular_inverse",
        area="number theory",
        parameters={"a": "a positive integer", "m": "an integer above a, with no common divisor but 1"},
        asks="the integer x from 1 to m - 1 for which a * x leaves the remainder 1 when divided by m",
        returns=INTEGER,
        grading="numbers up to 200, 10 000, 10**9",
        sample=lambda draw, level: _coprime_pair(draw, (200, 10_000, 10**9)[level - 1]),
        answer=lambda a, m: pow(a, -1, m),
        phrasings=("Which x between 1 and {m} - 1 makes {a} * x leave the remainder 1 when divided by {m}?",),
        program="return pow(a, -1, m)",
        example=(3, 7),
    ),
    Family(
        name="two_remainders",
        area="number theory",
        parameters={
            "r": "the first remainder",
            "m": "the first divisor",
            "s": "the second remainder",
            "n": "the second divisor; m and n have no common divisor but 1",
        },
        asks="the smallest integer from 0 on that leaves r when divided by m and s when divided by n",
        returns=INTEGER,
        grading="divisors up to 20, 100, 1 000",
        sample=_remainders,
        answer=lambda r, m, s, n: r + m * ((s - r) * pow(m, -1, n) % n),
        phrasings=(
            "What is the smallest non-negative integer that leaves the remainder {r} when divided by {m} and {s} when "
            "divided by {n}?",
            "In rows of {m}, a band has {r} players left over; in rows of {n}, {s}. What is the least number of "
            "players that it can have?",
        ),
        program="x = r\nwhile x % n != s:\n    x += m\nreturn x",
        example=(2, 3, 3, 5),
    ),
    Family(
        name="factorial_power",
        area="number theory",
        parameters={"n": "a positive integer", "p": "a prime number"},
        asks="the largest k for which p to the power k divides 1 * 2 * 3 * ... * n",
        returns=INTEGER,
        grading="n up to 300, 10 000, 10**12",
        sample=lambda draw, level: (
            draw.integer(30, (300, 10_000, 10**12)[level - 1]),
            draw.choice((2, 3, 5, 7)),
        ),
        answer=_factorial_power,
        phrasings=("The product of all integers from 1 to {n} can be divided by {p} how many times in a row?",),
        program="count = 0\nwhile n:\n    n = n // p\n    count += n\nreturn count",
        example=(10, 2),
    ),
)
