"""Every family's answers against independent ones: by sympy, by counting everything, or by going step by step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import sympy

from envrl.envs.math.families import FAMILIES
from envrl.envs.math.family import Family

X, Y = sympy.symbols("x y")


def rational(value: Any) -> Fraction:
    value = sympy.nsimplify(value)
    assert value.is_rational, value
    return Fraction(int(value.p), int(value.q))


def polygon(points: list[list[int]]) -> sympy.Polygon:
    return sympy.Polygon(*[sympy.Point(*point) for point in points])


def alternating_sum(numbers: list[int]) -> int:
    total, sign = 0, 1
    for number in numbers:
        total, sign = total + sign * number, -sign
    return total


def digit_squares(n: int) -> int:
    total = 0
    while n:
        total, n = total + (n % 10) ** 2, n // 10
    return total


def percent_steps(price: int, up: int, down: int) -> Fraction:
    raised = price + Fraction(price * up, 100)
    return raised - raised * down / 100


def weighted_mean(values: list[int], weights: list[int]) -> Fraction:
    every = [value for value, weight in zip(values, weights, strict=True) for _ in range(weight)]
    return Fraction(sum(every), len(every))


def base_digits(n: int, base: int) -> str:
    return "".join("0123456789abcdef"[d] for d in sympy.ntheory.digits(n, base)[1:])


def power_remainder(base: int, exponent: int, modulus: int) -> int:
    result = 1
    for bit in bin(exponent)[2:]:
        result = result * result * (base if bit == "1" else 1) % modulus
    return result


def two_remainders(r: int, m: int, s: int, n: int) -> int:
    return int(sympy.ntheory.modular.crt([m, n], [r, s])[0])


def factorial_power_counted(n: int, p: int) -> int:
    return sum(sympy.multiplicity(p, k) for k in range(1, n + 1))


def linear_equation(a: int, b: int, c: int, d: int) -> Fraction:
    return rational(sympy.solve(sympy.Eq(a * X + b, c * X + d), X)[0])


def linear_system(a: int, b: int, e: int, c: int, d: int, f: int) -> Fraction:
    return rational(sympy.solve([a * X + b * Y - e, c * X + d * Y - f], [X, Y])[X])


def larger_root(b: int, c: int) -> int:
    return int(max(sympy.Poly(X**2 + b * X + c, X).ground_roots()))


def root_squares(p: int, q: int) -> int:
    roots = sympy.roots(sympy.Poly(X**2 + p * X + q, X))
    return int(sympy.expand(sum(count * root**2 for root, count in roots.items())))


def polynomial_value(coefficients: list[int], x: int) -> int:
    return int(sympy.Poly(coefficients, X).eval(x))


def recurrence(p: int, q: int, n: int) -> int:
    return int((sympy.Matrix([[p, q], [1, 0]]) ** (n - 1))[0, 0]) % 10**6


def point_to_line(x: int, y: int, a: int, b: int, c: int) -> Fraction:
    on = sympy.Point(0, sympy.Rational(-c, b))
    line = sympy.Line(on, on + sympy.Point(b, -a))
    return rational(line.distance(sympy.Point(x, y)) ** 2)


def rectangle_overlap(p: list[int], q: list[int]) -> int:
    def cells(r: list[int]) -> set[tuple[int, int]]:
        return set(itertools.product(range(r[0], r[2]), range(r[1], r[3])))

    return len(cells(p) & cells(q))


def inner_points(points: list[list[int]]) -> int:
    def side(p: list[int], q: list[int], x: int, y: int) -> int:
        cross = (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
        return (cross > 0) - (cross < 0)

    xs, ys = [p[0] for p in points], [p[1] for p in points]
    a, b, c = points
    box = itertools.product(range(min(xs), max(xs) + 1), range(min(ys), max(ys) + 1))
    return sum(abs(side(a, b, x, y) + side(b, c, x, y) + side(c, a, x, y)) == 3 for x, y in box)


def altitude(a: int, b: int) -> Fraction:
    return rational(sympy.Line((a, 0), (0, b)).distance(sympy.Point(0, 0)))


def grid_paths(width: int, height: int, x: int, y: int) -> int:
    ways = {(0, 0): 1}
    for i, j in itertools.product(range(width + 1), range(height + 1)):
        if (i, j) != (0, 0):
            ways[i, j] = 0 if (i, j) == (x, y) else ways.get((i - 1, j), 0) + ways.get((i, j - 1), 0)
    return ways[width, height]


def sharing(sweets: int, children: int, least: int) -> int:
    if children == 1:
        return int(sweets >= least)
    return sum(sharing(sweets - own, children - 1, least) for own in range(least, sweets + 1))


def dice_ways(dice: int, sides: int, total: int) -> int:
    return int(sympy.Poly(sum(X**face for face in range(1, sides + 1)) ** dice, X).coeff_monomial(X**total))


def same_colour(red: int, blue: int, drawn: int) -> Fraction:
    balls = ["red"] * red + ["blue"] * blue
    draws = [len(set(draw)) == 1 for draw in itertools.combinations(balls, drawn)]
    return Fraction(sum(draws), len(draws))


def heads_and_legs(heads: int, legs: int) -> int:
    return next(rabbits for rabbits in range(heads + 1) if 4 * rabbits + 2 * (heads - rabbits) == legs)


def ages(times: int, years: int, total: int) -> int:
    return next(age for age in range(200) if (age + years) + (times * age + years) == total)


def meeting_trains(distance: int, first: int, second: int, start: int) -> Fraction:
    return rational(sympy.solve(first * (X + start) + second * X - distance, X)[0])


def clock_angle(hour: int, minute: int) -> Fraction:
    apart = (Fraction(30 * (hour % 12)) + Fraction(minute, 2) - 6 * minute) % 360
    return min(apart, 360 - apart)


def savings(deposit: int, percent: int, years: int) -> Fraction:
    balance = Fraction(deposit)
    for _ in range(years):
        balance += balance * percent / 100
    return balance


ORACLES: dict[str, Callable[..., int | Fraction | str]] = {
    "two_products": lambda a, b, c, d: int(sympy.Integer(a) * b - sympy.Integer(c) * d),
    "alternating_sum": alternating_sum,
    "digit_squares": digit_squares,
    "fraction_sum": lambda a, b, c, d: rational(sympy.Rational(a, b) + sympy.Rational(c, d)),
    "percent_steps": percent_steps,
    "weighted_mean": weighted_mean,
    "base_digits": base_digits,
    "gcd": lambda a, b: max(d for d in range(1, min(a, b) + 1) if a % d == b % d == 0),
    "lcm": lambda a, b: next(m for m in itertools.count(a, a) if m % b == 0),
    "power_remainder": power_remainder,
    "divisor_sum": lambda n: int(sympy.divisor_sigma(n)),
    "totient": lambda n: int(sympy.totient(n)),
    "largest_prime_factor": lambda n: max(sympy.primefactors(n)),
    "modular_inverse": lambda a, m: next(x for x in range(1, m) if a * x % m == 1),
    "two_remainders": two_remainders,
    "factorial_power": factorial_power_counted,
    "linear_equation": linear_equation,
    "linear_system": linear_system,
    "larger_root": larger_root,
    "root_squares": root_squares,
    "polynomial_value": polynomial_value,
    "arithmetic_series": lambda first, step, count: sum(first + i * step for i in range(count)),
    "geometric_series": lambda first, ratio, count: sum(first * ratio**i for i in range(count)),
    "determinant": lambda matrix: int(sympy.Matrix(matrix).det()),
    "recurrence": recurrence,
    "polygon_area": lambda points: rational(abs(polygon(points).area)),
    "squared_distance": lambda p, q: int(sympy.Point(*p).distance(sympy.Point(*q)) ** 2),
    "point_to_line": point_to_line,
    "rectangle_overlap": rectangle_overlap,
    "box_surface": lambda length, width, height: sum(
        2 * p * q for p, q in itertools.combinations((length, width, height), 2)
    ),
    "inner_points": inner_points,
    "circumcircle": lambda points: rational(polygon(points).circumradius ** 2),
    "altitude": altitude,
    "choose": lambda n, k: int(sympy.binomial(n, k)),
    "letter_arrangements": lambda word: int(
        sympy.factorial(len(word)) / sympy.prod(sympy.factorial(word.count(letter)) for letter in set(word))
    ),
    "grid_paths": grid_paths,
    "sharing": sharing,
    "dice_ways": dice_ways,
    "same_colour": same_colour,
    "multiples": lambda n, a, b: sum(k % a == 0 or k % b == 0 for k in range(1, n + 1)),
    "change": lambda price, count, other, more, paid: paid - sum([price] * count + [other] * more),
    "meeting_trains": meeting_trains,
    "work_together": lambda a, b: 1 / (Fraction(1, a) + Fraction(1, b)),
    "mixture": lambda volume, percent, other, strength: (
        100 * (volume * Fraction(percent, 100) + other * Fraction(strength, 100)) / (volume + other)
    ),
    "ages": ages,
    "heads_and_legs": heads_and_legs,
    "overtime": lambda hours, wage, regular, extra: sum(
        wage * (1 if hour < regular else 1 + Fraction(extra, 100)) for hour in range(hours)
    ),
    "clock_angle": clock_angle,
    "savings": savings,
    "leaking_tank": lambda volume, inflow, leak: rational(sympy.solve(X * (inflow - leak) - volume, X)[0]),
}
"""By family. They may be slow: for problems of level 1."""


def test_every_family_has_an_independent_answer() -> None:
    assert set(ORACLES) == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_answers_agree_with_an_independent_computation(family: Family) -> None:
    for seed in range(12):
        instance = family.instance(1, seed)
        assert instance.answer == ORACLES[family.name](*instance.parameters), instance.parameters
    assert family.answer(*family.example) == ORACLES[family.name](*family.example)


def test_letters_are_arranged_by_hand() -> None:
    for word in ("a", "ab", "aab", "abba", "abcab", "aabbcc"):
        assert FAMILIES["letter_arrangements"].answer(word) == len(set(itertools.permutations(word)))
