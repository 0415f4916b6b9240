"""Spaces in words and as plain data; what a strategy may return for each."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.envs.games import InvalidAction
from envrl.envs.generic.spaces import action_of, check_supported, encode, example_of, plain, say, source_of
from envrl.errors import EnvError

SPACES: dict[str, Any] = {
    "discrete": spaces.Discrete(4),
    "from five": spaces.Discrete(3, start=5),
    "many discrete": spaces.MultiDiscrete([3, 4]),
    "binary": spaces.MultiBinary(3),
    "floats": spaces.Box(-1.0, 2.0, (2,), np.float32),
    "bounds by place": spaces.Box(np.array([-1.0, 0.0]), np.array([1.0, np.inf]), dtype=np.float64),
    "a number": spaces.Box(0.0, 1.0, (), np.float64),
    "bytes": spaces.Box(0, 255, (2, 3), np.uint8),
    "text": spaces.Text(5, min_length=1, charset="abc"),
    "tuple": spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 1, (1,)))),
    "dict": spaces.Dict({"at": spaces.Discrete(9), "seen": spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3)))}),
}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("discrete", "an int from 0 to 3"),
        ("from five", "an int from 5 to 7"),
        ("many discrete", "a list of 2 ints, [0]: 0 to 2; [1]: 0 to 3"),
        ("binary", "a list of 3 ints, each 0 or 1"),
        ("floats", "a list of 2 floats, each -1 to 2"),
        ("bounds by place", "a list of 2 floats, [0]: -1 to 1; [1]: at least 0"),
        ("a number", "a float, 0 to 1"),
        ("bytes", "2 lists of 3 ints, each 0 to 255"),
        ("text", "a str of 1 to 5 characters out of 'abc'"),
        (
            "dict",
            "a dict with 'at': an int from 0 to 8; 'seen': a tuple of [0]: an int from 0 to 1; [1]: an int from 0 to 2",
        ),
    ],
)
def test_a_space_is_told_exactly(name: str, words: str) -> None:
    assert say(SPACES[name]) == words


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return type(b) is tuple and len(a) == len(b) and all(map(same, a, b))
    return bool(np.array_equal(a, b)) and getattr(a, "dtype", None) == getattr(b, "dtype", None)


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_what_a_space_holds_comes_back_as_it_was(name: str, seed: int) -> None:
    space = SPACES[name]
    space.seed(seed)
    value = space.sample()
    assert same(action_of(space, plain(space, value)), value)


@pytest.mark.parametrize("name", SPACES)
def test_a_strategy_receives_the_observation_as_plain_data(name: str) -> None:
    space = SPACES[name]
    space.seed(3)
    value = space.sample()
    decoded = json.loads(encode(space, value))
    restored = eval(source_of(space) or "lambda v: v")(decoded)
    assert restored == plain(space, value)


@pytest.mark.parametrize("name", SPACES)
def test_the_example_is_an_element(name: str) -> None:
    assert SPACES[name].contains(action_of(SPACES[name], example_of(SPACES[name])))


BAD: list[tuple[str, Any]] = [
    ("discrete", 4), ("discrete", -1), ("discrete", None), ("discrete", 1.0), ("discrete", True), ("discrete", "1"),
    ("discrete", 10**400), ("discrete", [1]), ("from five", 4), ("many discrete", [0]), ("many discrete", [0, 4]),
    ("many discrete", [0, 1, 2]), ("many discrete", 3), ("many discrete", [True, 1]), ("binary", [0, 1, 2]),
    ("floats", [0.0]), ("floats", [0.0, float("nan")]), ("floats", [0.0, 2.5]), ("floats", [0.0, float("inf")]),
    ("floats", ["0", 1]), ("floats", None), ("a number", [0.5]), ("a number", 1.5), ("bytes", [[0, 0, 256], [0, 0, 0]]),
    ("bytes", [[0, 0, -1], [0, 0, 0]]), ("bytes", [[0, 0, 0.5], [0, 0, 0]]), ("bytes", [[0, 0, 0]]),
    ("bytes", [[0, 0, 10**30], [0, 0, 0]]), ("text", "abcd!"), ("text", ""), ("text", "aaaaaa"), ("text", 3),
    ("tuple", [0]), ("tuple", (0, 1, 2)), ("tuple", (2, [0.5])), ("dict", {"at": 1}), ("dict", [1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_is_no_element_is_an_invalid_action_that_shows_it(name: str, value: Any) -> None:
    with pytest.raises(InvalidAction, match="returned"):
        action_of(SPACES[name], value)


def test_a_whole_number_may_stand_for_a_float() -> None:
    action = action_of(SPACES["floats"], [1, -1])
    assert action.dtype == np.float32
    assert action.tolist() == [1.0, -1.0]


def test_a_space_that_is_not_supported_is_named_with_its_place() -> None:
    space = spaces.Dict({"a": spaces.Tuple((spaces.Discrete(2), spaces.Sequence(spaces.Discrete(2))))})
    with pytest.raises(EnvError, match=r"observation space holds Sequence \(at \['a'\]\[1\]\)"):
        check_supported("x/y-v0", "observation", space)


def test_the_largest_unsigned_bound_is_no_negative_one() -> None:
    space = spaces.Box(0, 2**64 - 1, (2,), np.uint64)
    assert action_of(space, [3, 2**62]).tolist() == [3, 2**62]
    with pytest.raises(InvalidAction, match=r"returned \[3, -1\], which no number of type uint64 can be"):
        action_of(space, [3, -1])
