"""Template families of geometry."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, isqrt
from typing import TypeAlias

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import FRACTION, INTEGER, Family, Parameters

__all__ = ["FAMILIES"]

_Point: TypeAlias = list[int]

_SIDES = ((1, 1), (-1, 1), (-1, -1), (1, -1))


def _doubled_area(points: list[_Point]) -> int:
    """Twice the area of a polygon (Gauss's shoelace formula)."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    return abs(sum(p[0] * q[1] - q[0] * p[1] for p, q in pairs))


def _triangle(draw: Draw, level: int) -> Parameters:
    size = (9, 60, 300)[level - 1]
    while True:
        points = [draw.integers(-size, size, 2) for _ in range(3)]
        if _doubled_area(points):
            return (points,)


def _polygon(draw: Draw, level: int) -> Parameters:
    # Corners sorted by their angle around the origin, some in each quadrant so that no two neighbours lie half a
    # turn apart: no edges cross.
    size, points = (12, 40, 200)[level - 1], []
    for x_side, y_side in _SIDES:
        corner = [[x_side * draw.integer(1, size), y_side * draw.integer(1, size)] for _ in range(level)]
        points += sorted(corner, key=lambda p: Fraction(p[1], p[0]))
    return (points,)


def _inner_points(points: list[_Point]) -> int:
    """Pick's theorem: area = inner + border / 2 - 1."""
    pairs = zip(points, [*points[1:], points[0]], strict=True)
    border = sum(gcd(p[0] - q[0], p[1] - q[1]) for p, q in pairs)
    return (_doubled_area(points) - border + 2) // 2


def _squared_radius(points: list[_Point]) -> Fraction:
    """Of the circumcircle: the product of the squared sides over 16 squared areas."""
    (ax, ay), (bx, by), (cx, cy) = points
    sides = ((ax - bx) ** 2 + (ay - by) ** 2) * ((bx - cx) ** 2 + (by - cy) ** 2) * ((cx - ax) ** 2 + (cy - ay) ** 2)
    return Fraction(sides, 4 * _doubled_area(points) ** 2)


def _overlapping(draw: Draw, level: int) -> Parameters:
    size = (12, 90, 9_999)[level - 1]
    spans = []
    for _ in range(2):
        # Both spans hold the cell between middle and middle + 1.
        middle = draw.integer(0, size)
        spans.append([[middle - draw.integer(0, size), middle + draw.integer(1, size)] for _ in range(2)])
    (first_x, second_x), (first_y, second_y) = spans
    return [first_x[0], first_y[0], first_x[1], first_y[1]], [second_x[0], second_y[0], second_x[1], second_y[1]]


def _overlap(p: list[int], q: list[int]) -> int:
    return (min(p[2], q[2]) - max(p[0], q[0])) * (min(p[3], q[3]) - max(p[1], q[1]))


def _legs(draw: Draw, level: int) -> Parameters:
    # Euclid's formula: every such pair of legs has an integer hypotenuse.
    m = draw.integer(2, (6, 12, 90)[level - 1])
    n, k = draw.integer(1, m - 1), draw.integer(1, (5, 20, 50)[level - 1])
    return k * (m * m - n * n), k * 2 * m * n


FAMILIES = (
    Family(
        name="polygon_area",
        area="geometry",
        parameters={"points": "the corners in order around it, a list of [x, y]"},
        asks="the area of the polygon",
        returns=FRACTION,
        grading="4, 8, 12 corners",
        sample=_polygon,
        answer=lambda points: Fraction(_doubled_area(points), 2),
        phrasings=(
            "What is the area of the polygon with the corners {points}, in this order?",
            "A field has its corners at {points} (in metres, in the order in which one meets them walking around). "
            "How many square metres is it?",
        ),
        program=(
            "total = 0\nfor i in range(len(points)):\n    x, y = points[i - 1]\n    u, v = points[i]\n"
            "    total += x * v - u * y\nreturn (abs(total), 2)"
        ),
        example=([[0, 0], [3, 0], [3, 2], [0, 1]],),
    ),
    Family(
        name="squared_distance",
        area="geometry",
        parameters={"p": "a point, a list of integers", "q": "another, as long"},
        asks="the square of the distance between p and q",
        returns=INTEGER,
        grading="2, 3, 5 dimensions",
        sample=lambda draw, level: tuple(draw.integers(-30, 30, (2, 3, 5)[level - 1]) for _ in range(2)),
        answer=lambda p, q: sum((a - b) ** 2 for a, b in zip(p, q, strict=True)),
        phrasings=("What is the square of the distance between the points ({p}) and ({q})?",),
        program="return sum((a - b) ** 2 for a, b in zip(p, q))",
        example=([0, 0], [3, 4]),
    ),
    Family(
        name="point_to_line",
        area="geometry",
        parameters={
            "x": "of the point",
            "y": "of the point",
            "a": "of the line",
            "b": "of the line, not 0",
            "c": "of the line",
        },
        asks="the square of the distance of the point (x, y) from the line of all (u, v) with a * u + b * v + c = 0",
        returns=FRACTION,
        grading="numbers up to 9, 40, 900",
        sample=lambda draw, level: (
            *draw.integers(-(10**level), 10**level, 2),
            draw.nonzero((9, 40, 900)[level - 1]),
            draw.nonzero((9, 40, 900)[level - 1]),
            draw.nonzero((9, 40, 900)[level - 1]),
        ),
        answer=lambda x, y, a, b, c: Fraction((a * x + b * y + c) ** 2, a * a + b * b),
        phrasings=(
            "What is the square of the distance of the point ({x}, {y}) from the line ({a})x + ({b})y + ({c}) = 0?",
        ),
        program="return ((a * x + b * y + c) ** 2, a * a + b * b)",
        example=(0, 0, 3, 4, 10),
    ),
    Family(
        name="rectangle_overlap",
        area="geometry",
        parameters={"p": "a rectangle [left, bottom, right, top]", "q": "another, which overlaps it"},
        asks="the area that both rectangles cover",
        returns=INTEGER,
        grading="coordinates up to 24, 180, 20 000",
        sample=_overlapping,
        answer=_overlap,
        phrasings=(
            "Two rectangles, given as (left, bottom, right, top), are ({p}) and ({q}). What area do both cover?",
        ),
        program=(
            "width = min(p[2], q[2]) - max(p[0], q[0])\nheight = min(p[3], q[3]) - max(p[1], q[1])\n"
            "return width * height"
        ),
        example=([0, 0, 4, 3], [2, 1, 6, 5]),
    ),
    Family(
        name="box_surface",
        area="geometry",
        parameters={"length": "of an edge", "width": "of an edge", "height": "of an edge"},
        asks="the surface area of the closed box",
        returns=INTEGER,
        grading="edges up to 12, 99, 9 999",
        sample=lambda draw, level: tuple(draw.integers(2, (12, 99, 9_999)[level - 1], 3)),
        answer=lambda length, width, height: int(2 * (length * width + width * height + height * length)),
        phrasings=(
            "A closed box is {length} cm long, {width} cm wide and {height} cm high. How many square centimetres is "
            "its surface?",
            "How much paper covers all six faces of a box of {length} by {width} by {height}?",
        ),
        program="return 2 * (length * width + width * height + height * length)",
        example=(2, 3, 4),
    ),
    Family(
        name="inner_points",
        area="geometry",
        parameters={"points": "the corners of a triangle, a list of [x, y]"},
        asks="how many points with integer coordinates lie strictly inside the triangle",
        returns=INTEGER,
        grading="coordinates up to 9, 60, 300",
        sample=_triangle,
        answer=_inner_points,
        phrasings=("How many points with integer coordinates lie strictly inside the triangle {points}?",),
        program=(
            "from math import gcd\narea = border = 0\nfor i in range(3):\n    x, y = points[i - 1]\n"
            "    u, v = points[i]\n    area += x * v - u * y\n    border += gcd(x - u, y - v)\n"
            "return (abs(area) - border + 2) // 2"
        ),
        example=([[0, 0], [4, 0], [0, 4]],),
    ),
    Family(
        name="circumcircle",
        area="geometry",
        parameters={"points": "the corners of a triangle, a list of [x, y]"},
        asks="the square of the radius of the circle through all three points",
        returns=FRACTION,
        grading="coordinates up to 9, 60, 300",
        sample=_triangle,
        answer=_squared_radius,
        phrasings=("What is the square of the radius of the circle through the points {points}?",),
        program=(
            "(a, b), (c, d), (e, f) = points\n"
            "sides = ((a - c) ** 2 + (b - d) ** 2) * ((c - e) ** 2 + (d - f) ** 2) * ((e - a) ** 2 + (f - b) ** 2)\n"
            "area = (c - a) * (f - b) - (e - a) * (d - b)\nreturn (sides, 4 * area ** 2)"
        ),
        example=([[0, 0], [6, 0], [0, 8]],),
    ),
    Family(
        name="altitude",
        area="geometry",
        parameters={"a": "a leg of a right triangle", "b": "the other leg; the hypotenuse is an integer"},
        asks="the height of the triangle over its hypotenuse",
        returns=FRACTION,
        grading="legs up to 300, 6 000, 800 000",
        sample=_legs,
        answer=lambda a, b: Fraction(a * b, isqrt(a * a + b * b)),
        phrasings=(
            "The legs of a right triangle measure {a} and {b}. What is its height over the hypotenuse?",
            "Two straight roads of {a} and {b} metres meet at a right angle at a well; a third joins their far ends. "
            "How many metres is the well from the third road?",
        ),
        program="from math import isqrt\nreturn (a * b, isqrt(a * a + b * b))",
        example=(3, 4),
    ),
)
