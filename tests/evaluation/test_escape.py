from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.evaluation.escape import one_line, terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b\x07c\x7f", "a\\x00b\\x07c\\x7f"),
        ("over\rwritten", "over\\x0dwritten"),
        ("if admin:\u202e\u2066 # check\u2069", "if admin:\\u202e\\u2066 # check\\u2069"),
        ("\u200e\u200f\u061c\u200b\ufeff", "\\u200e\\u200f\\u061c\\u200b\\ufeff"),
        ("one\u2028two\u2029three\x85", "one\\u2028two\\u2029three\\x85"),
        ("\ud800", "\\ud800"),
        ("\U000e0041\ue000\uffff", "\\U000e0041\\ue000\\uffff"),
        ("a\u3164b\u00a0c\ufe0f", "a\\u3164b\\xa0c\\ufe0f"),
        ("z\u0300\u0301\u0302\u0303", "z\u0300\u0301\\u0302\\u0303"),
        ("\tx\r\ny", "    x\ny"),
        ("größer 日本 😀\n", "größer 日本 😀\n"),
    ],
)
def test_what_does_not_show_is_spelt_out(text: str, shown: str) -> None:
    assert terminal(text) == shown


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_printable(text: str) -> None:
    shown = terminal(text)
    assert all(char == "\n" or char.isprintable() for char in shown)
    shown.encode("utf-8")
    assert one_line(text).isprintable()


def test_a_cut_says_how_much_is_missing() -> None:
    assert terminal("x" * 5000, max_chars=10) == "xxxxxxxxxx\n… [4,990 more characters]"
    assert terminal("x" * 10, max_chars=10) == "x" * 10
    assert one_line("x" * 11, 10) == "x" * 10 + "…"


def test_one_line_is_one_line() -> None:
    assert one_line("a\nb\u2028c") == "a\\nb\\u2028c"
