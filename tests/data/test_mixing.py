"""Several data sets in one."""

from __future__ import annotations

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from envrl.data.mixing import mix

_SIZES = st.lists(st.integers(0, 6), min_size=1, max_size=4)


def _parts(sizes: list[int]):
    return [partial(lambda name, size: iter([(name, i) for i in range(size)]), name, s) for name, s in enumerate(sizes)]


@given(sizes=_SIZES)
def test_one_after_the_other(sizes: list[int]) -> None:
    assert list(mix(_parts(sizes), "concat")) == [(name, i) for name, size in enumerate(sizes) for i in range(size)]


@given(sizes=_SIZES)
def test_in_turn_until_the_shortest_ends(sizes: list[int]) -> None:
    mixed = list(mix(_parts(sizes), "interleave_under"))
    assert mixed == [(name, i) for i in range(min(sizes)) for name in range(len(sizes))]


@given(sizes=_SIZES)
def test_in_turn_until_the_longest_ends(sizes: list[int]) -> None:
    mixed = list(mix(_parts(sizes), "interleave_over"))
    assert Counter(name for name, _ in mixed) == {name: max(sizes) for name, size in enumerate(sizes) if size}
    for name, size in enumerate(sizes):
        assert [i for other, i in mixed if other == name] == [i % size for i in range(max(sizes))] if size else True
