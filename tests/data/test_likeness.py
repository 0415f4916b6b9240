"""How much alike texts are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.data.likeness import Likeness

_TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=6)


@given(texts=_TEXTS)
def test_likeness_is_a_share_and_the_same_both_ways(texts: list[str]) -> None:
    likeness = Likeness(texts)
    everyone = range(len(texts))
    table = [likeness.to(place, list(everyone)).tolist() for place in everyone]
    for one in everyone:
        assert table[one][one] == 1.0
        for other in everyone:
            assert 0.0 <= table[one][other] <= 1.0
            assert table[one][other] == table[other][one]


@given(texts=_TEXTS, most=st.sampled_from([0.0, 0.5, 0.95]))
def test_texts_that_are_kept_are_not_too_much_alike_and_all_others_are(texts: list[str], most: float) -> None:
    likeness = Likeness(texts)
    kept = likeness.first_of_each(most)
    for place in range(len(texts)):
        before = [other for other in kept if other < place]
        closest = max(likeness.to(place, before).tolist(), default=-1.0)
        assert (closest <= most) == (place in kept)


def test_a_change_of_one_digit_is_a_small_one_and_white_space_around_none() -> None:
    program = "def strategy(board):\n    return max(legal(board), key=lambda m: 3 * merges(slide(board, m)))"
    likeness = Likeness([program, program.replace("3", "7"), program + "\n", "something else altogether"])
    one_digit, spaced, other = likeness.to(0, [1, 2, 3]).tolist()
    assert 0.8 < one_digit < 0.95
    assert spaced == 1.0
    assert other == pytest.approx(0.0, abs=0.05)


def test_lone_surrogates_are_text_too() -> None:
    assert Likeness(["\ud800x", "\ud800x"]).first_of_each(0.9) == [0]
