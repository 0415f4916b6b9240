"""Template families of arithmetic."""

from __future__ import annotations

from fractions import Fraction

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import FRACTION, INTEGER, TEXT, Family, Parameters

__all__ = ["FAMILIES"]

_DIGITS = "0123456789abcdef"


def _in_base(n: int, base: int) -> str:
    digits = ""
    while n:
        n, digit = divmod(n, base)
        digits = _DIGITS[digit] + digits
    return digits


def _alternating(numbers: list[int]) -> int:
    return sum(numbers[::2]) - sum(numbers[1::2])


def _weights(draw: Draw, level: int) -> Parameters:
    count = draw.integer(3, (4, 6, 9)[level - 1])
    return draw.integers(1, (50, 500, 5000)[level - 1], count), draw.integers(1, 9, count)


FAMILIES = (
    Family(
        name="two_products",
        area="arithmetic",
        parameters={"a": "an integer", "b": "an integer", "c": "an integer", "d": "an integer"},
        asks="a times b minus c times d",
        returns=INTEGER,
        grading="numbers up to 20, 200, 20 000",
        sample=lambda draw, level: tuple(draw.integers(2, (20, 200, 20_000)[level - 1], 4)),
        answer=lambda a, b, c, d: int(a * b - c * d),
        phrasings=(
            "What is {a} * {b} - {c} * {d}?",
            "Multiply {a} by {b}, then take away the product of {c} and {d}. What is left?",
        ),
        program="return a * b - c * d",
        example=(3, 5, 2, 4),
    ),
    Family(
        name="alternating_sum",
        area="arithmetic",
        parameters={"numbers": "a list of integers"},
        asks="the first number minus the second plus the third minus the fourth, and so on",
        returns=INTEGER,
        grading="up to 5, 9, 20 numbers",
        sample=lambda draw, level: (draw.integers(1, 99, draw.integer(3, (5, 9, 20)[level - 1])),),
        answer=_alternating,
        phrasings=(
            "Take the numbers {numbers} in this order: subtract the second from the first, add the third, subtract the "
            "fourth, and so on. What is the result?",
        ),
        program="return sum(numbers[::2]) - sum(numbers[1::2])",
        example=([7, 2, 9],),
    ),
    Family(
        name="digit_squares",
        area="arithmetic",
        parameters={"n": "a positive integer"},
        asks="the sum of the squares of the decimal digits of n",
        returns=INTEGER,
        grading="3, 6, 12 digits",
        sample=lambda draw, level: (draw.integer(10 ** (3 * 2 ** (level - 1) - 1), 10 ** (3 * 2 ** (level - 1)) - 1),),
        answer=lambda n: sum(int(digit) ** 2 for digit in str(n)),
        phrasings=("Add up the squares of the decimal digits of {n}. What is the sum?",),
        program="return sum(int(d) ** 2 for d in str(n))",
        example=(203,),
    ),
    Family(
        name="fraction_sum",
        area="arithmetic",
        parameters={
            "a": "numerator of the first",
            "b": "its denominator",
            "c": "numerator of the second",
            "d": "its denominator",
        },
        asks="a/b plus c/d",
        returns=FRACTION,
        grading="numbers up to 12, 99, 9 999",
        sample=lambda draw, level: tuple(draw.integers(2, (12, 99, 9_999)[level - 1], 4)),
        answer=lambda a, b, c, d: Fraction(a, b) + Fraction(c, d),
        phrasings=("What is {a}/{b} + {c}/{d}?", "Add the fractions {a}/{b} and {c}/{d}."),
        program="return (a * d + c * b, b * d)",
        example=(1, 2, 3, 4),
    ),
    Family(
        name="percent_steps",
        area="arithmetic",
        parameters={"price": "the price before", "up": "the rise in percent", "down": "the fall in percent"},
        asks="the price after it first rises by up percent and then falls by down percent",
        returns=FRACTION,
        grading="prices up to 100, 1 000, 100 000",
        sample=lambda draw, level: (
            draw.integer(20, (100, 1_000, 100_000)[level - 1]),
            draw.integer(1, 60),
            draw.integer(1, 60),
        ),
        answer=lambda price, up, down: Fraction(price * (100 + up) * (100 - down), 10_000),
        phrasings=(
            "A coat costs {price} dollars. Its price goes up by {up} percent and then down by {down} percent. "
            "What does it cost now, in dollars?",
            "A price of {price} is raised by {up} % and the new price is lowered by {down} %. What is the result?",
        ),
        program="return (price * (100 + up) * (100 - down), 10000)",
        example=(100, 10, 10),
    ),
    Family(
        name="weighted_mean",
        area="arithmetic",
        parameters={"values": "a list of integers", "weights": "a list of positive integers, as long"},
        asks="the mean of the values, each counted as often as its weight says",
        returns=FRACTION,
        grading="up to 4, 6, 9 values, up to 50, 500, 5 000",
        sample=_weights,
        answer=lambda values, weights: Fraction(
            sum(value * weight for value, weight in zip(values, weights, strict=True)), sum(weights)
        ),
        phrasings=(
            "The values {values} occur {weights} times, in this order. What is the mean of all of them?",
            "What is the weighted mean of {values} with the weights {weights}?",
        ),
        program="return (sum(v * w for v, w in zip(values, weights)), sum(weights))",
        example=([4, 10], [2, 1]),
    ),
    Family(
        name="base_digits",
        area="arithmetic",
        parameters={"n": "a positive integer", "base": "from 2 to 16"},
        asks='the digits of n in that base, as a text; digits above 9 are the letters "a" to "f"',
        returns=TEXT,
        grading="numbers up to 200, 5 000, 10**9",
        sample=lambda draw, level: (
            draw.integer(20, (200, 5_000, 10**9)[level - 1]),
            draw.integer(2, (9, 16, 16)[level - 1]),
        ),
        answer=_in_base,
        phrasings=(
            "Write the decimal number {n} in base {base}. Use the letters a to f for digits above 9.",
            "How is {n} written in the number system with base {base}? (a to f stand for 10 to 15.)",
        ),
        program=(
            'digits = ""\nwhile n:\n    digits = "0123456789abcdef"[n % base] + digits\n    n = n // base\n'
            "return digits"
        ),
        example=(26, 16),
    ),
)
