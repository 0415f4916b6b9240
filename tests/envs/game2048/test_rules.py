"""The rules of 2048: merging, the law of spawning, and the options that are refused."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from envrl.envs.game2048 import ACTIONS, DOWN, LEFT, RIGHT, UP, merge_row
from envrl.envs.game2048.rules import check_options, draw, game_key, spawn_hash
from envrl.errors import ConfigError

ROWS = st.lists(st.integers(0, 20), min_size=3, max_size=8).map(tuple)


def test_actions_are_keys_in_the_order_of_the_action_space() -> None:
    assert [ACTIONS[a] for a in (UP, RIGHT, DOWN, LEFT)] == ["W", "D", "S", "A"]


@pytest.mark.parametrize(
    ("row", "slid", "gain"),
    [
        ((0, 0, 0, 0), (0, 0, 0, 0), 0),
        ((0, 0, 0, 1), (1, 0, 0, 0), 0),
        ((1, 1, 1, 0), (2, 1, 0, 0), 4),
        ((1, 1, 1, 1), (2, 2, 0, 0), 8),
        ((1, 0, 0, 1), (2, 0, 0, 0), 4),
        ((2, 1, 1, 0), (2, 2, 0, 0), 4),
        ((1, 1, 2, 0), (2, 2, 0, 0), 4),
        ((1, 2, 1, 2), (1, 2, 1, 2), 0),
        ((15, 15, 0, 0), (16, 0, 0, 0), 65536),
    ],
)
def test_a_tile_merges_at_most_once_nearest_the_wall_first(row: Any, slid: Any, gain: int) -> None:
    assert merge_row(row) == (slid, gain)


@given(ROWS)
def test_a_slide_keeps_the_sum_of_the_tiles_and_gains_what_it_merged(row: tuple[int, ...]) -> None:
    slid, gain = merge_row(row)
    value = sum(1 << k for k in row if k)
    assert sum(1 << k for k in slid if k) == value
    assert len(slid) == len(row)
    tiles = len([k for k in slid if k])
    assert all(slid[:tiles])
    assert (gain > 0) == (tiles < len([k for k in row if k]))


@given(ROWS)
def test_the_gain_is_the_same_in_both_directions(row: tuple[int, ...]) -> None:
    assert merge_row(row)[1] == merge_row(row[::-1])[1]


def _mix(word: int) -> int:
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return word ^ word >> 31


def hash_of(k0: int, k1: int, index: int) -> int:
    return _mix(_mix((k0 + (index + 1) * 0x9E3779B97F4A7C15) % 2**64) ^ k1)


def test_the_law_of_spawning_is_the_one_written_down() -> None:
    """Computed here once more from its words, so that no rewrite changes anybody's games."""
    digest = hashlib.blake2b((77).to_bytes(8, "little"), digest_size=16, person=b"envrl.2048").digest()
    k0, k1 = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    assert game_key(77) == (k0, k1)
    for index in (0, 1, 1000):
        words = (np.array([word], dtype=np.uint64) for word in (k0, k1, index))
        assert spawn_hash(*words).tolist() == [hash_of(k0, k1, index)]


def test_the_finaliser_is_that_of_splitmix64() -> None:
    """The first outputs of SplitMix64 from state 0, as its implementations publish them."""
    mixed_once = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [_mix((index + 1) * 0x9E3779B97F4A7C15 % 2**64) for index in range(3)] == mixed_once


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(1, 64)), min_size=1))
def test_words_of_many_games_are_those_of_each(games: list[tuple[int, int, int]]) -> None:
    seeds, indices, empties = zip(*games, strict=True)
    keys = [game_key(seed) for seed in seeds]
    hashes = [hash_of(*key, index) for key, index in zip(keys, indices, strict=True)]
    k0, k1 = np.array(keys, dtype=np.uint64).T
    index = np.array(indices, dtype=np.uint64)
    assert spawn_hash(k0, k1, index).tolist() == hashes
    places, exponents = draw(np.array(hashes, dtype=np.uint64), np.array(empties, dtype=np.uint64))
    one_by_one = [draw(hashed, count) for hashed, count in zip(hashes, empties, strict=True)]
    assert list(zip(places.tolist(), exponents.tolist(), strict=True)) == one_by_one


def test_only_the_low_63_bits_of_a_seed_count() -> None:
    assert game_key(5) == game_key(5 + 2**63) == game_key(5 - 2**63) == game_key(np.uint64(5))
    assert game_key(5) != game_key(6)


def test_tiles_appear_evenly_and_one_in_ten_is_a_four() -> None:
    k0, k1 = (np.full(30_000, word, dtype=np.uint64) for word in game_key(2048))
    hashes = spawn_hash(k0, k1, np.arange(30_000, dtype=np.uint64))
    places, exponents = draw(hashes, np.full(30_000, 14, dtype=np.uint64))
    counts = np.bincount((places * 2 + (exponents == 2)).astype(np.intp), minlength=28).reshape(14, 2)
    expected = np.full((14, 2), 30_000 / 14) * [0.9, 0.1]
    assert stats.chisquare(counts.ravel(), expected.ravel()).pvalue > 1e-3
    assert set(exponents.tolist()) == {1, 2}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((2, 512, 10), "size 2"),
        ((9, 512, 10), "size 9"),
        ((4.0, 512, 10), "size 4.0"),
        ((True, 512, 10), "size True"),
        ((4, 4, 10), "target 4"),
        ((4, 500, 10), "target 500"),
        ((4, 512.0, 10), "target 512.0"),
        ((3, 2048, 10), "at most 1024"),
        ((4, 512, 0), "max_ineffective 0"),
    ],
)
def test_options_that_no_game_can_be_played_with_are_refused(options: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_options(*options)


def test_options_at_their_limits_are_accepted() -> None:
    assert check_options(3, 1024, 1) == 10
    assert check_options(8, 2**65, 100) == 65
