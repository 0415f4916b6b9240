"""The generic grammar: programs over any observation, the same for the same seed, spoiled in known ways."""

from __future__ import annotations

import ast
from typing import Any

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


def test_a_table_names_an_action_for_every_state() -> None:
    space = OBSERVATIONS["from one"]
    grammar = GenericGrammar("strategy", "observation", space, spaces.Discrete(3), seen(space))
    tables = [e.source for e in grammar(50, 0) if "int(" in e.source and not e.spoiled]
    assert len(tables) > 20
    assert all("[observation - 1]" in source for source in tables)


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True
