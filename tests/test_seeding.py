"""Seeds: nobody can guess them, and those of fixed blocks never change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import SeedError, UnknownNameError
from envrl.seeding import BLOCKS, block_salt, episode_seed, episode_seeds, new_salt, parse_indices, private_seed

TASK = ("envrl/2048-v0", 0)
SALT = "0" * 32

# Results in print stand on these numbers: whoever changes one makes every earlier measurement incomparable.
FIXED = {
    "validation": {0: 40226212667206347, 1: 7194820155233562104, 1000: 6571721205938218805},
    "test": {0: 5798948976458152336, 1: 2636093732146954101, 1000: 8085796945779334285},
    "final": {0: 4339158806070481359, 1: 3229642963851380628, 1000: 4055787887666316143},
}


@pytest.mark.parametrize("block", FIXED)
def test_the_seeds_of_fixed_blocks_never_change(block):
    salt = block_salt(block, *TASK)
    assert {index: episode_seed(salt, block, index) for index in FIXED[block]} == FIXED[block]


def test_seeds_of_the_train_block_and_private_seeds_never_change_either():
    assert episode_seed(SALT, "train", 0) == 5610843128880903993
    assert private_seed(1, "strategy") == 6308831356637261667
    assert private_seed(2**63 - 1, "strategy") == 6112841285800892413


def test_seeds_have_63_bits_and_use_all_of_them():
    seeds = episode_seeds(SALT, "train", range(2000))
    assert all(0 <= seed < 2**63 for seed in seeds)
    for bit in range(63):
        share = sum(seed >> bit & 1 for seed in seeds) / len(seeds)
        assert 0.4 < share < 0.6, f"bit {bit} is set in {share:.0%} of the seeds"


def test_no_two_blocks_tasks_versions_or_salts_share_a_seed():
    families = [
        (block_salt(block, task, version, SALT), block)
        for block in BLOCKS
        for task in ("envrl/2048-v0", "envrl/2048-256-v0")
        for version in (0, 1)
        if block != "train"
    ]
    families += [(salt, "train") for salt in (SALT, "1" * 32)]
    seeds = [seed for salt, block in families for seed in episode_seeds(salt, block, range(500))]
    assert len(set(seeds)) == len(seeds) == 500 * len(families)


def test_one_salt_gives_each_block_its_own_seeds():
    assert len({episode_seed(SALT, block, 0) for block in BLOCKS}) == len(BLOCKS)


@given(indices=st.lists(st.integers(0, 2**40 - 1), max_size=5))
def test_a_seed_depends_on_its_index_alone(indices):
    assert episode_seeds(SALT, "test", indices) == [episode_seed(SALT, "test", i) for i in indices]


def test_the_train_block_needs_the_salt_of_a_run():
    with pytest.raises(SeedError, match="belong to a run"):
        block_salt("train", *TASK)
    assert block_salt("train", *TASK, train_salt=SALT) == SALT
    assert block_salt("test", *TASK, train_salt=SALT) == block_salt("test", *TASK)


def test_salts_of_runs_are_fresh():
    assert len({new_salt() for _ in range(50)}) == 50
    assert len(new_salt()) == 32
    assert int(new_salt(), 16) >= 0


def test_an_unknown_block_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean test"):
        block_salt("tests", *TASK)


@pytest.mark.parametrize("index", [-1, 2**40])
def test_an_index_outside_the_block_is_refused(index):
    with pytest.raises(SeedError, match="outside"):
        episode_seed(SALT, "test", index)


@given(seed=st.integers(0, 2**63 - 1))
def test_a_private_seed_says_nothing_of_the_episodes(seed):
    private = private_seed(seed, "strategy")
    assert 0 <= private < 2**63
    assert private != seed
    assert private != private_seed(seed, "environment")
    assert private == private_seed(seed, "strategy")


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("200", range(200)),
        (200, range(200)),
        ("100:300", range(100, 300)),
        (" 0:1 ", range(1)),
        ("1_000", range(1000)),
        (f"{2**40 - 1}:{2**40}", range(2**40 - 1, 2**40)),
    ],
)
def test_indices_as_a_user_writes_them(text, indices):
    assert parse_indices(text) == indices


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "5:", ":5", "1:2:3", "0", "0:0", "5:3", "-1", "-3:5", "0:-1", f"0:{2**40 + 1}", "1e3"]
)
def test_what_is_no_range_of_indices_is_refused_in_a_sentence_that_shows_it(text):
    with pytest.raises(SeedError) as caught:
        parse_indices(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0:99999999999999999999", "99999999999999999999", "99999999999999999999:0"])
def test_a_range_that_no_machine_could_count_is_refused(text):
    with pytest.raises(SeedError, match=r"lies outside 0 … 2\*\*40"):
        parse_indices(text)
