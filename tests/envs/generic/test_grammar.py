"""The generic grammar: programs over any observation, the same for the same seed, spoiled in known ways."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from envrl.envs.games import InvalidAction
from envrl.envs.generic.grammar import GenericGrammar
from envrl.envs.generic.spaces import action_of, plain

OBSERVATIONS: dict[str, Any] = {
    "floats": spaces.Box(-1.0, 1.0, (4,)),
    "state": spaces.Discrete(16),
    "many states": spaces.Discrete(500),
    "from one": spaces.Discrete(9, start=1),
    "tuple": spaces.Tuple((spaces.Discrete(32), spaces.Discrete(2))),
    "dict": spaces.Dict({"at": spaces.MultiDiscrete([5, 5]), "name": spaces.Text(3)}),
    "picture": spaces.Box(0, 255, (4, 4, 3), "uint8"),
    "text": spaces.Text(4),
}
ACTIONS: dict[str, Any] = {
    "discrete": spaces.Discrete(4),
    "from five": spaces.Discrete(2, start=5),
    "floats": spaces.Box(-2.0, 2.0, (2,)),
    "a float": spaces.Box(-1.0, 1.0, ()),
    "a table of floats": spaces.Box(-1.0, 1.0, (2, 3)),
    "many": spaces.MultiDiscrete([3, 4]),
    "bits": spaces.MultiBinary(3),
    "tuple": spaces.Tuple((spaces.Discrete(2), spaces.Box(0.0, 1.0, (1,)))),
    "dict": spaces.Dict({"go": spaces.Discrete(3)}),
}


def seen(space: Any) -> list[Any]:
    space.seed(1)
    return [plain(space, space.sample()) for _ in range(50)]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_honest_programs_run_and_return_actions(observation: str, action: str) -> None:
    grammar = GenericGrammar(
        "strategy", "observation", OBSERVATIONS[observation], ACTIONS[action], seen(OBSERVATIONS[observation])
    )
    made = grammar(60, 5)
    assert made == grammar(60, 5)
    assert made != grammar(60, 6)
    honest = [example.source for example in made if not example.spoiled]
    assert 40 <= len(honest) < 60
    for source in honest:
        space: dict[str, Any] = {}
        exec(source, space)
        for value in seen(OBSERVATIONS[observation])[:10]:
            returned = space["strategy"](value)
            try:
                action_of(ACTIONS[action], returned)
            except InvalidAction:
                pytest.fail(f"{returned!r} of\n{source}")


def test_programs_are_short_and_of_many_kinds() -> None:
    space = OBSERVATIONS["floats"]
    grammar = GenericGrammar("strategy", "observation", space, spaces.Discrete(2), seen(space))
    sources = {example.source for example in grammar(400, 0)}
    assert len(sources) > 300
    assert max(map(len, sources)) < 400
    assert len({source.count("if ") for source in sources if _parses(source)}) >= 4


def test_a_table_names_an_action_for_every_state_and_nothing_simpler_stands_beside() -> None:
    space = OBSERVATIONS["from one"]
    grammar = GenericGrammar("strategy", "observation", space, spaces.Discrete(3, start=7), seen(space))
    honest = [e.source for e in grammar(50, 0) if not e.spoiled]
    assert all(re.search(r'int\("[789]{9}"\[observation - 1\]\)', source) for source in honest)


@pytest.mark.parametrize("actions", [2, 4])
def test_each_state_has_a_favourite_of_its_own_and_every_action_is_tried(actions: int) -> None:
    space = OBSERVATIONS["state"]
    grammar = GenericGrammar("strategy", "observation", space, spaces.Discrete(actions), seen(space))

    def cells(seed: int) -> list[Counter[str]]:
        """How often each state has each action."""
        tables = re.findall(r'int\("(\d{16})"', "".join(e.source for e in grammar(1000, seed) if not e.spoiled))
        assert len(tables) > 800
        return [Counter(column) for column in zip(*tables, strict=True)]

    first, second = cells(1), cells(2)
    assert [state.most_common(1) for state in first] != [state.most_common(1) for state in second], "drawn by lot"
    assert len({state.most_common(1)[0][0] for state in first}) > 1
    expected = 1 / 3 + 2 / 3 / actions  # in every third cell, and as often as any other in the rest
    for state in first:
        (_, most), *others = state.most_common(actions)
        assert len(others) == actions - 1
        assert most / state.total() == pytest.approx(expected, abs=0.07)
        assert all(count / state.total() == pytest.approx(2 / 3 / actions, abs=0.07) for _, count in others)


@pytest.mark.parametrize("action", [spaces.Discrete(12), spaces.Discrete(3, start=8), spaces.Discrete(2, start=-1)])
def test_actions_of_more_than_a_digit_have_no_table(action: Any) -> None:
    space = OBSERVATIONS["state"]
    grammar = GenericGrammar("strategy", "observation", space, action, seen(space))
    sources = [e.source for e in grammar(200, 0) if not e.spoiled]
    assert not any("int(" in source for source in sources)
    assert any("if observation" in source for source in sources)


def test_many_states_are_numbers_and_a_single_one_met_is_no_test() -> None:
    many = GenericGrammar("strategy", "observation", spaces.Discrete(65), spaces.Discrete(2), [3, 60])
    assert not any("int(" in e.source for e in many(100, 0))
    one = GenericGrammar("strategy", "observation", spaces.Discrete(65), spaces.Discrete(2), [3, 3])
    assert not any("if " in e.source for e in one(100, 0) if not e.spoiled)


def test_a_score_has_the_parts_in_their_order_and_its_larger_action_first() -> None:
    space = OBSERVATIONS["floats"]
    grammar = GenericGrammar("strategy", "observation", space, spaces.Discrete(3), seen(space))
    scores = [e.source for e in grammar(300, 0) if "    s = " in e.source and not e.spoiled]
    counts = Counter(source.count(" * ") for source in scores)
    assert counts[4] > len(scores) / 2, "most scores know all of a small observation"
    assert set(counts) == {1, 2, 3, 4}
    pairs = set()
    for source in scores:
        parts = re.findall(r"observation\[(\d)\]", source)
        assert parts == sorted(set(parts))
        first, last = re.findall(r"return (\d)", source)
        pairs.add((first, last))
    assert pairs == {("1", "0"), ("2", "0"), ("2", "1")}
    signs = Counter(re.findall(r" ([+-]) \d \*", "".join(scores)))
    assert min(signs.values()) > 0.4 * signs.total(), "neither sign is told beforehand"


@pytest.mark.parametrize(
    ("largest", "unit"), [(0.004, 100), (0.04, 10), (0.4, 1), (4.0, 1), (40.0, 0.1), (4000.0, 0.001), (math.inf, 1)]
)
def test_a_weight_of_one_digit_tells_on_small_and_large_observations(largest: float, unit: float) -> None:
    observation = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    grammar = GenericGrammar("strategy", "observation", observation, spaces.Discrete(2), [[0.0, largest], [1.0, 0.0]])
    sources = [e.source for e in grammar(400, 0) if not e.spoiled]
    weights = re.findall(r"([\d.]+) \* observation\[1\]", "".join(sources))
    assert set(weights) == {f"{i * unit:g}" for i in range(1, 10)}


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True
