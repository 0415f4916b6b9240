"""The three ways to play 2048 (words, arrays of cells, plain Python) are one game, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from envrl.envs.game2048 import Board, Boards, cells, packed, single
from envrl.envs.game2048.rules import merge_row
from envrl.errors import ConfigError

SEEDS = st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6)


def assert_same(boards: Boards, alone: list[Board], which: NDArray[np.intp]) -> None:
    games = [alone[i] for i in which]
    assert boards.exponents(which).tolist() == [game.exponents().tolist() for game in games]
    assert boards.legal(which).tolist() == [list(game.legal()) for game in games]
    assert boards.over(which).tolist() == [game.over for game in games]
    assert boards.max_exponent(which).tolist() == [game.max_exponent for game in games]
    assert boards.scores[which].tolist() == [game.score for game in games]
    assert boards.spawns[which].tolist() == [game.spawns for game in games]


def play(boards: Boards, alone: list[Board], which: NDArray[np.intp], actions: NDArray[np.intp]) -> None:
    legal = boards.legal(which)[np.arange(len(which)), actions]
    changed = boards.move(which, actions)
    assert changed.tolist() == legal.tolist()
    assert changed.tolist() == [alone[i].move(a) for i, a in zip(which.tolist(), actions.tolist(), strict=True)]


@settings(deadline=None, max_examples=60)
@given(data=st.data(), seeds=SEEDS, size=st.integers(3, 8))
def test_a_batch_plays_each_game_as_it_plays_alone(data: st.DataObject, seeds: list[int], size: int) -> None:
    boards, alone = Boards(seeds, size), [Board(seed, size) for seed in seeds]
    everything = np.arange(len(seeds))
    assert_same(boards, alone, everything)
    for _ in range(data.draw(st.integers(1, 25))):
        which = np.array(data.draw(st.lists(st.sampled_from(everything.tolist()), unique=True)), dtype=np.intp)
        actions = np.array([data.draw(st.integers(0, 3)) for _ in which], dtype=np.intp)
        play(boards, alone, which, actions)
        assert_same(boards, alone, which)
    assert_same(boards, alone, everything)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), seeds=SEEDS, size=st.sampled_from([3, 4, 5]))
def test_tiles_of_every_size_agree_wherever_they_lie(data: st.DataObject, seeds: list[int], size: int) -> None:
    """Positions around the largest tile that a nibble holds, some boards beyond it and some not."""
    boards, alone = Boards(seeds, size), [Board(seed, size) for seed in seeds]
    everything = np.arange(len(seeds))
    exponent = st.sampled_from([0, 1, 14, 15]) | st.integers(0, 20)
    for _ in range(data.draw(st.integers(1, 3))):
        row = st.lists(exponent, min_size=size * size, max_size=size * size)
        position = np.array([data.draw(row) for _ in seeds], dtype=np.uint8).reshape(-1, size, size)
        position[:, 0, 0] |= 1  # not wholly empty: such a board is none of a game's
        boards.put(everything, position)
        for game, board in zip(alone, position, strict=True):
            game.put(board)
        assert_same(boards, alone, everything)
        for _ in range(data.draw(st.integers(1, 4))):
            play(boards, alone, everything, np.array([data.draw(st.integers(0, 3)) for _ in seeds], dtype=np.intp))
            assert_same(boards, alone, everything)


def test_whole_games_agree() -> None:
    rng = np.random.default_rng(1)
    for size in (3, 4):
        boards, alone = Boards(range(50), size), [Board(seed, size) for seed in range(50)]
        everything = np.arange(50)
        while not boards.over(everything).all():
            which = rng.permutation(50)[: rng.integers(1, 51)]
            play(boards, alone, which, rng.integers(0, 4, len(which)))
        assert_same(boards, alone, everything)


def test_every_row_of_the_table_is_what_the_rules_say() -> None:
    rows = ((np.arange(65536)[:, None] >> np.arange(0, 16, 4)) & 15).astype(np.uint8)
    slid, gains = cells.slide_lines(rows)
    for row, result, gain in zip(rows.tolist(), slid.tolist(), gains.tolist(), strict=True):
        assert merge_row(tuple(row)) == (tuple(result), gain)
    boards = np.zeros((65536, 4, 4), dtype=np.uint8)
    boards[:, 2] = rows
    bits = packed.pack(boards)
    assert (packed.unpack(bits) == boards).all()
    for action in range(4):
        moved, told = packed.slide(bits, np.full(65536, action))
        expected, gained = cells.slide(boards, np.full(65536, action))
        fits = expected.max(axis=(1, 2)) <= packed.MAX_EXPONENT
        assert ((told < packed.OVERFLOW) == fits).all()
        assert (told[fits] == gained[fits]).all()
        assert (packed.unpack(moved)[fits] == expected[fits]).all()
    assert (packed.legal(bits) == cells.legal(boards)).all()


def test_a_game_outgrows_its_word_without_its_neighbours_noticing() -> None:
    boards = Boards(range(3))
    position = np.array([[15, 15, 1, 1], [0] * 4, [0] * 4, [0] * 4], dtype=np.uint8)
    boards.put(np.array([1]), position[None])
    alone = Boards(range(3))
    assert boards.move(np.array([2, 1, 0]), np.array([3, 3, 3])).tolist()[1] is True
    alone.move(np.array([2, 0]), np.array([3, 3]))
    assert boards.exponents(np.array([1]))[0, 0, :2].tolist() == [16, 2]
    assert boards.scores[1] == 65536 + 4
    assert boards.spawns.tolist()[1] == 3
    others = np.array([0, 2])
    assert (boards.exponents(others) == alone.exponents(others)).all()
    assert (boards.spawns[others] == alone.spawns[others]).all()


@pytest.mark.parametrize("size", [4, 5])
def test_an_ineffective_move_does_not_roll_the_future_anew(size: int) -> None:
    once, often = Boards([9], size), Boards([9], size)
    game = np.array([0])
    rng = np.random.default_rng(3)
    for _ in range(60):
        legal = once.legal(game)[0]
        if not legal.any():
            break
        for useless in np.flatnonzero(~legal):
            assert not often.move(game, np.array([useless]))[0]
        action = rng.choice(np.flatnonzero(legal), 1)
        once.move(game, action)
        often.move(game, action)
        assert (once.exponents(game) == often.exponents(game)).all()


def test_the_same_seeds_in_any_order_are_the_same_games() -> None:
    order = np.random.default_rng(0).permutation(40)
    straight, mixed = Boards(range(40)), Boards(order.astype(np.uint64))
    everything = np.arange(40)
    for action in (0, 1, 2, 3) * 10:
        straight.move(everything, np.full(40, action))
        mixed.move(everything, np.full(40, action))
    assert (straight.exponents(order) == mixed.exponents(everything)).all()


def test_a_place_that_starts_anew_plays_the_new_seed_from_its_beginning() -> None:
    for size in (4, 6):
        boards = Boards([1, 2, 3], size)
        for action in (0, 1, 2, 3):
            boards.move(np.arange(3), np.full(3, action))
        boards.reset(np.array([2, 0]), [7, 8])
        assert_same(boards, [Board(8, size), Board(0, size), Board(7, size)], np.array([0, 2]))


@pytest.mark.parametrize("size", [4, 5])
def test_what_is_told_is_a_copy(size: int) -> None:
    boards, alone = Boards([1], size), Board(1, size)
    before = alone.exponents()
    boards.exponents(np.array([0]))[:] = 9
    alone.exponents()[:] = 9
    assert (boards.exponents(np.array([0]))[0] == before).all()
    assert (alone.exponents() == before).all()


@given(st.lists(st.lists(st.integers(1, 3), min_size=16, max_size=16), min_size=1, max_size=20))
def test_a_full_board_is_over_where_no_neighbours_are_equal(full: list[list[int]]) -> None:
    full.append([1, 2, 3, 4, 4, 3, 2, 1, 1, 2, 3, 4, 4, 3, 2, 1])  # equal only across the ends of rows
    boards, which = Boards([0] * len(full)), np.arange(len(full))
    boards.put(which, np.array(full, dtype=np.uint8).reshape(-1, 4, 4))
    assert boards.over(which).tolist() == (~boards.legal(which).any(axis=1)).tolist()
    assert boards.over(which)[-1]


def test_no_games_are_a_batch_too() -> None:
    for size in (3, 4):
        boards = Boards([], size)
        none = np.array([], dtype=np.intp)
        assert len(boards) == 0
        assert boards.move(none, none).shape == (0,)
        assert boards.exponents(none).shape == (0, size, size)
        assert boards.legal(none).shape == (0, 4)
        assert boards.over(none).shape == boards.max_exponent(none).shape == (0,)


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="size 2"):
        Boards([1], 2)
    with pytest.raises(ConfigError, match="size 9"):
        Board(1, 9)


def test_the_memory_of_rows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for table in (single._TOWARD_START, single._TOWARD_END, single._WORTHS):
        table.clear()
    monkeypatch.setattr(single, "_CAPACITY", 4)
    boards, alone = Boards([5], 6), [Board(5, 6)]
    for action in (0, 1, 2, 3) * 10:
        play(boards, alone, np.array([0]), np.array([action]))
        assert max(map(len, (single._TOWARD_START, single._TOWARD_END, single._WORTHS))) <= 4
    assert_same(boards, alone, np.array([0]))
