"""Pictures as SVG text, drawn without a library: a few kilobytes each, and coloured by the page's own style sheet.

Shapes carry class names and no colours, so that one picture serves light and dark pages. All text is escaped here.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from envrl.evaluation import escape

__all__ = ["WIDTH", "Chart", "Plot", "label", "ticks"]

WIDTH = 440.0
"""Units of a picture's width. A narrow screen shows about 340 pixels, and letters of 13 units stay readable there."""

_TOP, _RIGHT, _BOTTOM = 10.0, 14.0, 40.0
_LETTER = 7.0  # mean width of a letter of 13 units
_ROW = 30.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """One picture with its words.

    Attributes:
        title: above it.
        alt: what it shows, for those who do not see it.
        svg: markup.
        legend: class name of a colour, and what it stands for.
    """

    title: str
    alt: str
    svg: str
    legend: tuple[tuple[str, str], ...] = ()


def label(text: str, most: int = 26) -> str:
    """Text as it may stand in a picture."""
    return html.escape(escape.one_line(text, most))


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within [low, high], about ``most`` of them."""
    span = high - low
    if not span > 0.0:
        return [low]
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


class Plot:
    """One picture with a horizontal and a vertical scale.

    Args:
        x: lowest and highest value across.
        y: lowest and highest value upwards.
        height: units of the part that is drawn in; the words at its edge come on top.
        left: units that the words at the left edge need.
    """

    def __init__(self, x: Point, y: Point, height: float = 190.0, left: float = 50.0) -> None:
        self._x, self._y = x, y
        self._left, self._right = left, WIDTH - _RIGHT
        self._floor = _TOP + height
        self._parts: list[str] = []

    @classmethod
    def rows(cls, names: Sequence[str], x: Point, row: float = _ROW) -> Plot:
        """A picture with a named row for each of several things, the first on top; row i lies around y = i."""
        left = min(160.0, 14.0 + _LETTER * max((len(name) for name in names), default=0))
        plot = cls(x, (len(names) - 0.5, -0.5), row * len(names), left)
        for place, name in enumerate(names):
            plot.text(plot._left - 8, plot.down(place) + 4, name, "end")
        return plot

    def across(self, value: float) -> float:
        """Where a value lies, from the left."""
        low, high = self._x
        return self._left + (value - low) / (high - low) * (self._right - self._left)

    def down(self, value: float) -> float:
        """Where a value lies, from the top."""
        low, high = self._y
        return self._floor - (value - low) / (high - low) * (self._floor - _TOP)

    # -- words and scales -----------------------------------------------------------------------------------------

    def text(self, x: float, y: float, text: str, anchor: str = "start", name: str = "") -> None:
        """Words at a place in units, not values."""
        attributes = f' class="{name}"' if name else ""
        shown = label(text, 60)
        self._parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attributes}>{shown}</text>')

    def bottom(self, title: str, marks: Iterable[tuple[float, str]] | None = None) -> None:
        """The scale across, with its title; ``marks`` in place of round numbers."""
        shown = [(value, number(value)) for value in ticks(*self._x)] if marks is None else list(marks)
        for value, word in shown:
            self.text(self.across(value), self._floor + 16, word, "middle", "tick")
        self.text((self._left + self._right) / 2, self._floor + 33, title, "middle", "axis")

    def side(self, title: str) -> None:
        """The scale upwards, with lines across the picture."""
        for value in ticks(*self._y, 4):
            self.rule(value)
            self.text(self._left - 6, self.down(value) + 4, number(value), "end", "tick")
        middle = (_TOP + self._floor) / 2
        self._parts.append(
            f'<text class="axis" text-anchor="middle" transform="translate(11 {middle:.1f}) rotate(-90)">'
            f"{label(title, 60)}</text>"
        )

    def rule(self, value: float) -> None:
        """A thin line across at a value."""
        y = self.down(value)
        self._parts.append(f'<path class="rule" d="M{self._left:.1f} {y:.1f}H{self._right:.1f}"/>')

    def posts(self) -> None:
        """Thin lines from top to bottom at the round numbers across."""
        for value in ticks(*self._x):
            x = self.across(value)
            self._parts.append(f'<path class="rule" d="M{x:.1f} {_TOP:.1f}V{self._floor:.1f}"/>')

    # -- shapes, by values ----------------------------------------------------------------------------------------

    def box(self, x: Point, y: Point, name: str, told: str = "") -> None:
        """A filled rectangle; ``told`` shows when one points at it."""
        left, right = sorted((self.across(x[0]), self.across(x[1])))
        top, floor = sorted((self.down(y[0]), self.down(y[1])))
        shape = (
            f'<rect class="{name}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{floor - top:.1f}"'
        )
        self._parts.append(f"{shape}><title>{label(told, 100)}</title></rect>" if told else f"{shape}/>")

    def dot(self, x: float, y: float, name: str, radius: float = 5.0, told: str = "") -> None:
        """A round mark."""
        shape = f'<circle class="{name}" cx="{self.across(x):.1f}" cy="{self.down(y):.1f}" r="{radius:.1f}"'
        self._parts.append(f"{shape}><title>{label(told, 100)}</title></circle>" if told else f"{shape}/>")

    def line(self, points: Iterable[tuple[float, float | None]], name: str) -> None:
        """A line through points, broken where there is no value."""
        path = ""
        pen = "M"
        for x, y in points:
            if y is None:
                pen = "M"
                continue
            path += f"{pen}{self.across(x):.1f} {self.down(y):.1f}"
            pen = "L"
        self._parts.append(f'<path class="{name}" d="{path}"/>')

    def area(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], name: str) -> None:
        """What lies between two lines."""
        there = [f"{self.across(a):.1f} {self.down(b):.1f}" for a, b in zip(x, high, strict=True)]
        back = [f"{self.across(a):.1f} {self.down(b):.1f}" for a, b in zip(reversed(x), reversed(low), strict=True)]
        self._parts.append(f'<path class="{name}" d="M{"L".join([*there, *back])}Z"/>')

    def right_of(self, x: float, y: float, text: str) -> None:
        """Words beside a value: to its right, or to its left where there is no room."""
        place = self.across(x)
        fits = place + 8 + _LETTER * len(text) < WIDTH
        self.text(place + (8 if fits else -8), self.down(y) + 4, text, "start" if fits else "end", "value")

    def markup(self, title: str, alt: str) -> str:
        """The picture, to stand in a page as it is; its words for those who do not see it."""
        height = self._floor + _BOTTOM
        words = f"{html.escape(escape.one_line(title))}: {html.escape(escape.one_line(alt, 2000))}"
        return (
            f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{words}">{"".join(self._parts)}</svg>'
        )


def number(value: float) -> str:
    """A number at a scale: ``12``, ``0.25``, ``1,500``."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
