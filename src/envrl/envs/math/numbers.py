"""Numbers as people and models write them, read exactly: one bounded linear scan, no pattern matching, no eval."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

__all__ = ["Number", "first_number", "parse_number", "read_number"]

_LONGEST = 200  # characters of a number with its unit
_HIGHEST_EXPONENT = 400
_DIGITS = frozenset("0123456789")
_CURRENCIES = frozenset("$€£¥₹")
_TIMES = frozenset("×·x*")
_SIGNS = {"-": -1, "+": 1}
_PERCENT = frozenset(("%", "percent", "per cent"))
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_ONE_CHARACTER = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u2009\u202f\u2007\t\n\r", " "),
        **dict.fromkeys("\u2044\u2215", "/"),
        "\u22c5": "·",
    }
)
_REWRITTEN = (
    ("\\$", "$"),
    ("\\%", "%"),
    ("{,}", ","),
    ("\\dfrac", "\\frac"),
    ("\\tfrac", "\\frac"),
    ("\\times", "×"),
    ("\\cdot", "·"),
    ("\\,", ""),
    ("\\!", ""),
    ("\\;", " "),
    ("\\ ", " "),
)
_WRAPPERS = (("\\boxed{", "}"), ("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"), ("**", "**"), ("`", "`"))

_UNIT_REWRITTEN = (
    ("^{\\circ}", " degrees "),
    ("^\\circ", " degrees "),
    ("°", " degrees "),
    ("^{2}", "²"),
    ("^{3}", "³"),
    ("^2", "²"),
    ("^3", "³"),
    ("/", " "),
)
_TEXT_COMMANDS = ("\\textrm{", "\\mathrm{", "\\mbox{", "\\text{")
_LETTER_UNITS = frozenset("mgshlLCFNJWVAK")
"""After a blank or in \\text{}; right behind the number, a letter is a variable."""
_ATTACHED_UNITS = frozenset(
    "km cm mm kg mg lb lbs oz ft in yd mi ml cl dl hr hrs min mins sec ms kmh mph st nd rd th".split()
)
_NO_UNITS = frozenset(
    "pi e i x y z sqrt sin cos tan cot sec log ln exp mod and or plus minus times over by to of is not no but than "
    "dozen squared cubed factorial half".split()
)
"""Words after a number that change its value, or make it part of something else."""
_MOST_WORDS = 5


class Number(NamedTuple):
    """A number that was read.

    Attributes:
        value: exact; 50% is 1/2.
        percent: whether it was written with a percent sign.
    """

    value: Fraction
    percent: bool


def parse_number(text: str) -> Fraction | None:
    """The exact value of a text that is one number, or None.

    Understood are signs (also typographic ones), thousands separators (``1,234,567``, ``1 234 567``, ``1{,}234``),
    decimals, fractions (``3/4``, ``\\frac{3}{4}``), mixed numbers (``1 1/2``), scientific notation (``1.5e3``,
    ``1.5 × 10^3``), percent, currencies, hundred to trillion, a unit or a full stop at the end, one variable before
    an equals sign, and what Markdown and LaTeX wrap around. 2π, 5x, 1/0 and "5 or 6" are no numbers.
    """
    number = read_number(text)
    return None if number is None else number.value


def read_number(text: str) -> Number | None:
    """As `parse_number`, with what the text showed besides the value."""
    text = text.strip()
    if not 0 < len(text) <= _LONGEST:
        return None
    if text.isascii() and text.removeprefix("-").isdigit():
        return Number(Fraction(int(text)), False)
    return _Reader(_bare(text)).number()


def first_number(text: str) -> Fraction | None:
    """The first number that stands anywhere in a text, without fractions and exponents, or None."""
    start = next((i for i, character in enumerate(text) if character in _DIGITS), None)
    if start is None:
        return None
    end = start
    while end < len(text) and end - start <= _LONGEST and text[end] in "0123456789,.":
        end += 1
    if start and text[start - 1] == ".":
        start -= 1
    before = start - 1
    while before >= 0 and text[before] in _CURRENCIES:
        before -= 1
    sign = "-" if before >= 0 and text[before].translate(_ONE_CHARACTER) == "-" else ""
    return parse_number(sign + text[start:end].rstrip(",."))


def _bare(text: str) -> str:
    """The text without wrappers, in one way of writing signs, spaces and commands."""
    text = text.translate(_ONE_CHARACTER)
    for _ in range(4):  # wrappers within wrappers
        before = text
        for opening, closing in _WRAPPERS:
            inner = text[len(opening) : -len(closing)]
            if text.startswith(opening) and text.endswith(closing) and len(text) > len(opening + closing):
                text = inner.strip()
        text = text.rstrip(". ")
        if text == before:
            break
    for written, meant in _REWRITTEN:
        text = text.replace(written, meant)
    name, equals, value = text.partition("=")
    if equals and len(name.strip()) == 1 and name.strip().isalpha():
        text = value
    return text.strip()


class _Reader:
    """Reads one number from the start of a text to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def number(self) -> Number | None:
        sign = self._sign()
        currency = self._skip(_CURRENCIES)
        self._spaces()
        if currency and sign is None:
            sign = self._sign()
        value = self._frac() if self._ahead("\\frac") else self._magnitude()
        if value is None:
            return None
        rest = self._text[self._at :]
        percent = not currency and rest.strip() in _PERCENT
        if percent:
            return Number((sign or 1) * value / 100, percent)
        if not currency and rest.lstrip()[:1] in _CURRENCIES:
            rest = rest.lstrip()[1:]
        word, _, after = rest.lstrip().partition(" ")
        if word.lower() in _SCALES:
            value *= _SCALES[word.lower()]
            rest = f" {after}"
        return Number((sign or 1) * value, percent) if _is_unit(rest) else None

    def _magnitude(self) -> Fraction | None:
        """A number without sign: decimal, fraction, mixed or scientific."""
        start = self._at
        whole = self._decimal()
        if whole is None:
            return None
        integer = "." not in self._text[start : self._at]
        here = self._at
        power = self._power(whole)
        if power is not None:
            return power
        self._spaces()
        if self._take("/"):
            self._spaces()
            below = self._decimal()
            return whole / below if below else None
        if integer and self._ahead("\\frac"):
            part = self._frac()
            return None if part is None else whole + part
        if integer and self._at > here and self._peek() in _DIGITS:
            above = self._integer()
            self._spaces()
            parts = self._integer() if self._take("/") else None
            return whole + Fraction(above, parts) if above is not None and parts else None
        self._at = here
        return whole

    def _power(self, mantissa: Fraction) -> Fraction | None:
        """Ten's power after a mantissa: ``e3``, ``× 10^3``; or None, and nothing was read."""
        here = self._at
        if self._skip(frozenset("eE")):
            exponent = self._exponent()
        else:
            self._spaces()
            if self._skip(_TIMES):
                self._spaces()
                ten = self._integer() == 10
            else:
                ten, mantissa = mantissa == 10, Fraction(1)
            exponent = self._exponent() if ten and (self._take("^") or self._take("**")) else None
        if exponent is None:
            self._at = here
            return None
        return mantissa * Fraction(10) ** exponent

    def _exponent(self) -> int | None:
        braced = self._take("{")
        sign = self._sign() or 1
        exponent = self._integer()
        if exponent is None or exponent > _HIGHEST_EXPONENT or (braced and not self._take("}")):
            return None
        return sign * exponent

    def _frac(self) -> Fraction | None:
        """``\\frac{a}{b}``, or ``\\frac12`` with one digit each."""
        self._at += len("\\frac")
        above, below = self._group(), self._group()
        return above / below if above is not None and below else None

    def _group(self) -> Fraction | None:
        self._spaces()
        if not self._take("{"):
            digit = self._peek()
            self._at += 1
            return Fraction(int(digit)) if digit in _DIGITS else None
        self._spaces()
        sign = self._sign() or 1
        value = self._decimal()
        self._spaces()
        return sign * value if value is not None and self._take("}") else None

    def _decimal(self) -> Fraction | None:
        whole = self._grouped()
        value = Fraction(whole or 0)
        if self._peek() == "." and self._text[self._at + 1 : self._at + 2] in _DIGITS:
            self._at += 1
            digits = self._run()
            return value + Fraction(int(digits), 10 ** len(digits))
        return None if whole is None else value

    def _grouped(self) -> int | None:
        """An integer, maybe with a separator before each group of three digits."""
        start = self._at
        first = self._run()
        if not first:
            return None
        separator = self._peek()
        if separator not in (",", " ") or len(first) > 3:
            return int(first)
        if first[0] == "0":  # "0,874" is a decimal comma
            return None if separator == "," else int(first)
        plain, digits = self._at, first
        while self._peek() == separator:
            here = self._at
            self._at += 1
            group = self._run()
            if len(group) != 3:
                # "1,23" is no number; "1 1/2" is a mixed one.
                self._at = start if separator == "," else here
                break
            digits += group
        if separator == " " and self._text[self._at :].lstrip().startswith("/"):
            self._at, digits = plain, first  # the last group is a numerator
        return int(digits) if self._at > start else None

    def _integer(self) -> int | None:
        digits = self._run()
        return int(digits) if digits else None

    def _run(self) -> str:
        start = self._at
        while self._peek() in _DIGITS:
            self._at += 1
        return self._text[start : self._at]

    def _sign(self) -> int | None:
        sign = _SIGNS.get(self._peek())
        if sign is not None:
            self._at += 1
            self._spaces()
        return sign

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _ahead(self, word: str) -> bool:
        return self._text.startswith(word, self._at)

    def _take(self, word: str) -> bool:
        ahead = self._ahead(word)
        self._at += len(word) * ahead
        return ahead

    def _skip(self, characters: frozenset[str]) -> bool:
        found = self._peek() in characters
        self._at += found
        return found

    def _spaces(self) -> None:
        while self._peek() == " ":
            self._at += 1


def _is_unit(text: str) -> bool:
    """Whether what follows a number is nothing, a unit, or what is counted: nothing that changes the value."""
    for written, meant in _UNIT_REWRITTEN:
        text = text.replace(written, meant)
    opened = 0
    for command in _TEXT_COMMANDS:
        opened += text.count(command)
        text = text.replace(command, " ")
    if text.count("}") != opened:
        return False
    words = [word.strip("().,") for word in text.replace("}", "").split()]
    if len(words) > _MOST_WORDS:
        return False
    if words and text[0] != " " and words[0].rstrip("²³") not in _ATTACHED_UNITS:
        return False
    for word in filter(None, words):
        letters = word.replace("-", "").rstrip("²³")
        if not letters.isalpha() or word.lower() in _NO_UNITS or (len(word) == 1 and word not in _LETTER_UNITS):
            return False
    return True
