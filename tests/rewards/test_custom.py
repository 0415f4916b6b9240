"""A user's own reward functions: how they are found, called, weighted, and what is said when they fail."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import ConfigError, RewardFault
from envrl.outcomes import Outcome
from envrl.rewards import RewardFunction, Scorer, find_preset
from envrl.rewards.custom import FAULT_FILE, keep_fault, load_functions
from envrl.rollouts import Episode, Scorecard, fenced

OWN = """
def length(completions, **kwargs):
    return [len(c[0]["content"]) for c in completions]

async def later(prompts, completions, scorecards, **kwargs):
    return [None if card.outcome else 0.5 for card in scorecards]

def plain(completions):
    return [0.0] * len(completions)

def wants_ids(completions, completion_ids, **kwargs):
    return [0.0] * len(completions)

def positional(completions, /, **kwargs):
    return [0.0] * len(completions)

success = length
number = 3
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def function(call, location="own.py:call"):
    return RewardFunction(location, call)


# finding


def test_a_function_comes_from_a_file_or_a_module(own, monkeypatch):
    monkeypatch.syspath_prepend(own.parent)
    by_file, by_module = load_functions([f"{own}:length"]), load_functions(["own:length"])
    for (found,) in (by_file, by_module):
        assert found.name == "length"
        assert found(["abc", ""], {}) == [3.0, 0.0]
        assert len(found.identity["sha256"]) == 64


@pytest.mark.parametrize(
    ("location", "what"),
    [
        ("{own}", "names no function"),
        ("{own}:lenght", "did you mean length"),
        ("{own}:number", "is no function but int"),
        ("{own}:plain", r"takes no \*\*kwargs"),
        ("{own}:wants_ids", "needs completion_ids"),
        ("{own}:positional", "positional-only"),
        ("{own}.py:length", "there is no such file"),
        ("no_such_module_at_all:length", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_location_that_cannot_be_used_says_why(own, location, what):
    with pytest.raises(ConfigError, match=what):
        load_functions([location.format(own=own)])


def test_a_file_that_raises_is_named(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match=r"bad\.py:f cannot be loaded: ZeroDivisionError"):
        load_functions([f"{tmp_path}/bad.py:f"])


def test_a_name_that_is_taken_is_refused(own):
    with pytest.raises(ConfigError, match="is named length, as another component is"):
        load_functions([f"{own}:length", f"{own}:success"])
    with pytest.raises(ConfigError, match="rename the function"):
        load_functions([f"{own}:length"], taken=("length",))


# weights


def test_functions_join_a_preset_and_are_weighted(own):
    preset = find_preset("envrl", {"length": 0.25, "success": 3}, [f"{own}:length", f"{own}:later"])
    assert preset.names == ("format", "safety", "success", "progress", "length", "later")
    assert preset.weights == {
        "format": 0.5, "safety": 0.5, "success": 3, "progress": 0.5, "length": 0.25, "later": 1.0,
    }  # fmt: skip
    assert find_preset("envrl").functions == ()
    with pytest.raises(ConfigError, match="did you mean length"):
        find_preset("envrl", {"lenght": 1}, [f"{own}:length"])


# calling


def test_a_function_is_called_once_with_trls_arguments():
    seen = []

    def call(prompts, completions, **columns):
        seen.append((prompts, completions, columns))
        return [1, None]

    assert function(call)(["a", "b"], {"prompts": ["p", "q"], "seeds": [[0], [1]]}) == [1.0, None]
    messages = [[{"role": "assistant", "content": text}] for text in "ab"]
    assert seen == [(["p", "q"], messages, {"seeds": [[0], [1]]})]


def test_nothing_is_asked_about_nothing():
    assert function(lambda **_: 1 / 0)([], {}) == []


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()), min_size=1))
def test_what_a_function_gives_is_what_it_earns(values):
    expected = [None if value is None else float(value) for value in values]
    assert function(lambda **_: values)(["x"] * len(values), {}) == expected


def test_numbers_of_other_libraries_are_numbers():
    assert function(lambda **_: np.array([1.5, 2], dtype=np.float32))(["a", "b"], {}) == [1.5, 2.0]


async def later(completions, **_):
    await asyncio.sleep(0)
    return [float(len(c[0]["content"])) for c in completions]


def test_an_asynchronous_function_is_awaited_where_a_loop_runs_too():
    assert function(later)(["ab"], {}) == [2.0]

    async def inside():
        return function(later)(["abc"], {})

    assert asyncio.run(inside()) == [3.0]


# faults


def raising(completions, **_):
    if any("bad" in c[0]["content"] for c in completions):
        raise ValueError("cannot judge \x1b[31m this")
    return [0.0] * len(completions)


async def raising_later(completions, **_):
    return raising(completions)


@pytest.mark.parametrize("call", [raising, raising_later])
def test_a_raise_is_named_with_the_completion_that_caused_it(call):
    with pytest.raises(RewardFault) as caught:
        function(call)(["fine", "fine too", "a bad one \x1b[2J", "bad"], {"seeds": [0, 1, 2, 3]})
    fault = caught.value
    assert (fault.index, fault.completion) == (2, "a bad one \x1b[2J")
    assert "own.py:call: raised ValueError: cannot judge" in str(fault)
    assert "test_custom.py:" in str(fault)
    assert str(fault).isprintable(), "a model's words reach a terminal"


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", [1.0], np.nan])
def test_what_is_no_finite_number_is_named_with_its_completion(value):
    def call(completions, **_):
        return [value if c[0]["content"] == "b" else 1.0 for c in completions]

    with pytest.raises(RewardFault, match="a finite number or None is wanted") as caught:
        function(call)(["a", "b"], {})
    assert (caught.value.index, caught.value.completion) == (1, "b")


def test_a_wrong_length_is_a_fault_of_the_batch():
    with pytest.raises(RewardFault, match="gave 1 rewards for 3 completions; every completion alone passes") as caught:
        function(lambda **_: [1.0])(["a", "b", "c"], {})
    assert caught.value.index is None


def test_a_wrong_length_that_one_completion_causes_is_blamed_on_it():
    def call(completions, **_):
        return [1.0 for c in completions if c[0]["content"] != "skip"]

    with pytest.raises(RewardFault, match="gave 0 rewards for 1 completions") as caught:
        function(call)(["a", "skip"], {})
    assert caught.value.index == 1


def test_something_that_is_no_list_is_a_fault():
    with pytest.raises(RewardFault, match="raised TypeError"):
        function(lambda **_: 3)(["a"], {})


def test_a_fault_is_kept_in_a_file(tmp_path):
    failed = RewardFault("own.py:f", "raised X", "the whole\ncompletion" * 50, 7)
    fault = keep_fault(failed, tmp_path / "checkpoints")
    kept = json.loads((tmp_path / "checkpoints" / FAULT_FILE).read_text())
    assert kept == {
        "function": "own.py:f", "reason": "raised X", "index": 7, "completion": "the whole\ncompletion" * 50,
    }  # fmt: skip
    assert FAULT_FILE in str(fault)
    assert fault.completion == kept["completion"]


# in a scorer


class Players:
    def play(self, assignments, progress=None):
        outcome = {"lost": Outcome.INFRASTRUCTURE_ERROR}
        return [
            Scorecard(
                source=a.source, episodes=(Episode(index=0, outcome=outcome.get(a.source.strip(), Outcome.SUCCESS)),)
            )
            for a in assignments
        ]


def test_a_scorer_adds_functions_to_components_and_total(own):
    preset = find_preset("envrl", {"later": 4.0}, [f"{own}:later"])
    scorer = Scorer(Players(), "tiny", preset, "train", "salt", prompt="play")
    won, broken, lost = scorer.score([fenced("won"), "no program", fenced("lost")], [(0,)] * 3)
    plain = find_preset("envrl")
    assert won.rewards == {**plain.rewards(won.card), "later": 0.5}
    assert won.total == plain.total(plain.rewards(won.card)) + 4 * 0.5
    assert broken.rewards["later"] is None
    assert broken.total == plain.total(plain.rewards(broken.card))
    assert set(lost.rewards.values()) == {None}, "our own errors are neutral, whatever a function says"
    assert preset.functions[0].tried


def test_a_function_sees_prompts_seeds_cards_and_columns(own):
    seen = {}

    def look(completions, **columns):
        seen.update(columns)
        return [0.0] * len(completions)

    preset = find_preset("envrl")
    preset = type(preset)(preset.name, preset.components, {**preset.weights, "look": 1.0}, functions=(function(look),))
    scored = Scorer(Players(), "tiny", preset, "train", "salt", prompt="play").score(
        [fenced("a"), fenced("b")], [(3, 4), (5,)], columns={"extra": [1, 2]}
    )
    assert seen["prompts"] == [[{"role": "user", "content": "play"}]] * 2
    assert seen["seeds"] == [[3, 4], [5]]
    assert seen["scorecards"] == [one.card for one in scored]
    assert seen["extra"] == [1, 2]
