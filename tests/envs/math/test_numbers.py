"""Numbers as people and models write them."""

from __future__ import annotations

import string
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from envrl.envs.math.numbers import first_number, parse_number, read_number

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("007", 7), ("-5", -5), ("+7", 7), ("- 5", -5), ("−5", -5), ("–5", -5), ("-0", 0),
        ("1,234", 1234), ("1,234,567.89", Fraction(123456789, 100)), ("1 234 567", 1234567), ("1\u202f234", 1234),
        ("1{,}234", 1234), ("1\\,234", 1234), ("1 234/567", 1 + Fraction(234, 567)), ("123/456", Fraction(123, 456)),
        ("3.14", Fraction(157, 50)), (".5", HALF), ("5.", 5), ("-.5", -HALF), ("0.10", Fraction(1, 10)),
        ("3/4", Fraction(3, 4)), (" -3 / 4 ", Fraction(-3, 4)), ("3⁄4", Fraction(3, 4)), ("1.5/2", Fraction(3, 4)),
        ("1 1/2", 3 * HALF), ("-1 1/2", -3 * HALF), ("10 \\frac{1}{2}", 21 * HALF), ("2\\frac12", 5 * HALF),
        ("\\frac{3}{4}", Fraction(3, 4)), ("-\\dfrac{3}{4}", Fraction(-3, 4)), ("\\tfrac{-1}{3}", Fraction(-1, 3)),
        ("1.5e3", 1500), ("1.5E-3", Fraction(3, 2000)), ("1.5 × 10^3", 1500), ("2 x 10^{-2}", Fraction(1, 50)),
        ("1.5 \\times 10^{3}", 1500), ("3 \\cdot 10^2", 300), ("3*10**2", 300), ("10^4", 10_000),
        ("50%", HALF), ("50 %", HALF), ("50\\%", HALF), ("12.5 percent", Fraction(1, 8)), ("-5%", Fraction(-1, 20)),
        ("$5", 5), ("$5.00", 5), ("-$5", -5), ("$-5", -5), ("\\$1{,}000", 1000), ("5 €", 5), ("5$", 5), ("£ 5", 5),
        ("$5$", 5), ("$$5$$", 5), ("\\(5\\)", 5), ("\\[5\\]", 5), ("\\boxed{7}", 7), ("$\\boxed{7}$.", 7),
        ("10^{-1}", Fraction(1, 10)), ("**42**", 42), ("`42`", 42), ("**$42**", 42),
        ("42.", 42), ("42. ", 42), ("x = 5", 5), ("n=3/4", Fraction(3, 4)),
        ("12 cm", 12), ("12cm", 12), ("12 cm^2", 12), ("12 cm²", 12), ("5\\text{ cm}", 5), ("5\\,\\mathrm{cm}^2", 5),
        ("30 miles per hour", 30), ("5 km/h", 5), ("45°", 45), ("5\\text{m}", 5), ("5 m", 5), ("5 m²", 5),
        ("5\\text{ m}^{2}", 5), ("45^\\circ", 45), ("18 dollars.", 18), ("7th", 7),
        ("5 (apples)", 5), ("1,000,000 people", 10**6), ("3/4 cup", Fraction(3, 4)), ("5 million", 5 * 10**6),
        ("$2.5 million", 2_500_000), ("3 hundred sheep", 300), ("1e400", 10**400),
    ],
)  # fmt: skip
def test_what_is_a_number(text: str, value: Fraction) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "$", "%", "e5", "5e", "/2", "1/", "1/0", "\\frac{1}{0}", "0/0", "1,23", "12,34", "1,2,3",
        "1,234,56", "1,,234", ",5", "1..2", "1.2.3", "--5", "+-5", "5x", "5m", "2s", "2\\pi", "2 pi", "2 i",
        "\\sqrt{2}", "2\\sqrt{3}", "5 or 6", "5 and 6", "5 + 3", "5!", "5 factorial", "2^10", "5^2",
        "5²", "5 ²", "5}", "5\\text{m", "5 m}", "0,874", "0 874", "10^", "10^{3", "10^x", "1e401",
        "1e99999", "1e-401", "3 dozen", "\\frac", "\\frac{", "\\frac{1}", "\\frac{1}{2", "\\frac1", "1 2/", "x",
        "xy = 5", "nan", "inf", "0x10", "1_000", "½", "٣", "五", "5 is not the answer", "twelve", "(3, 4)", "1:30",
        "9" * 201, "5 cm 3 mm", "5\\text{ or }6",
    ],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_a_percent_sign_is_told() -> None:
    assert read_number("50%") == (HALF, True)
    assert read_number("0.5") == (HALF, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the answer is -$1,234.50.", Fraction(-2469, 2)),
        ("about .5 or so", HALF),
        ("= 3/4", 3),
        ("−7 degrees", -7),
        ("12 or 13", 12),
        ("none", None),
        ("", None),
    ],
)
def test_the_first_number_of_a_text(text: str, value: Fraction | None) -> None:
    assert first_number(text) == value


def decimal(value: Fraction, digits: int) -> str:
    """A value that has no more than these decimals, written as one."""
    scaled = str(abs(int(value * 10**digits))).rjust(digits + 1, "0")
    return f"{'-' if value < 0 else ''}{scaled[: len(scaled) - digits]}.{scaled[len(scaled) - digits :]}"


def mixed(value: Fraction) -> str:
    whole, part = divmod(abs(value), 1)
    return f"{'-' if value < 0 else ''}{whole} {part.numerator}/{part.denominator}"


INTEGER_FORMATS: dict[str, Callable[[int], str]] = {
    "plain": str,
    "commas": "{:,}".format,
    "blanks": lambda n: f"{n:,}".replace(",", " "),
    "thin blanks": lambda n: f"{n:,}".replace(",", "\u2009"),
    "latex commas": lambda n: f"{n:,}".replace(",", "{,}"),
    "typographic minus": lambda n: str(n).replace("-", "−"),
    "dollars": lambda n: f"{'-' if n < 0 else ''}${abs(n):,}",
    "full stop": "{}.".format,
    "unit": "{:,} cm".format,
    "scientific": lambda n: f"{n}e0",
    "powers of ten": lambda n: f"{n} \\times 10^{{0}}",
    "box": "\\boxed{{{}}}".format,
    "percent": lambda n: f"{100 * n}%",
    "equation": "x = {}".format,
}
FRACTION_FORMATS: dict[str, Callable[[Fraction], str]] = {
    "slash": str,
    "frac": lambda q: f"{'-' if q < 0 else ''}\\frac{{{abs(q.numerator)}}}{{{q.denominator}}}",
    "sign inside": lambda q: f"\\dfrac{{{q.numerator}}}{{{q.denominator}}}",
    "mixed": mixed,
    "dollar signs": lambda q: f"${q}$",
}


@settings(deadline=None)
@given(st.integers(-(10**40), 10**40))
@pytest.mark.parametrize("written", INTEGER_FORMATS.values(), ids=INTEGER_FORMATS)
def test_integers_are_read_as_they_were_written(written: Callable[[int], str], n: int) -> None:
    assert parse_number(written(n)) == n


@settings(deadline=None)
@given(st.fractions(max_denominator=10**20))
@pytest.mark.parametrize("written", FRACTION_FORMATS.values(), ids=FRACTION_FORMATS)
def test_fractions_are_read_as_they_were_written(written: Callable[[Fraction], str], q: Fraction) -> None:
    assert parse_number(written(q)) == q


@settings(deadline=None)
@given(st.integers(-(10**20), 10**20), st.integers(0, 20), st.integers(-300, 300))
def test_decimals_are_read_as_they_were_written(n: int, digits: int, exponent: int) -> None:
    value = Fraction(n, 10**digits)
    assert parse_number(decimal(value, digits) if digits else str(n)) == value
    assert parse_number(f"{n}e{exponent}") == n * Fraction(10) ** exponent
    assert parse_number(f"{decimal(value * 100, digits)}%" if digits else f"{n * 100}%") == value


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_exactly_as_they_print(x: float) -> None:
    assert float(parse_number(repr(x))) == x


NUMERIC = st.text(string.digits + ".,/ -+$%eE^{}\\x×frac=", max_size=30)


@settings(deadline=None)
@given(st.text() | NUMERIC)
@example("1" * 199 + "e")
def test_no_text_raises(text: str) -> None:
    for value in (parse_number(text), first_number(text)):
        assert value is None or isinstance(value, Fraction)
