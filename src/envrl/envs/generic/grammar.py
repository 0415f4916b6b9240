"""The generic grammar: small programs over any observation, for the warm start of a task that has none of its own.

It knows the form of observations and actions, and which values random play meets; what wins it does not know. Its
programs have few forms, and each choice of one is a token or two at a place of its own (a sign, a digit, an action):
so training can change one without the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from gymnasium import spaces

from envrl.envs.generic.spaces import example_of
from envrl.envs.task import Example

__all__ = ["GenericGrammar"]

_MOST_PARTS = 12
_MOST_TERMS = 4  # of a linear score
_LARGEST_TABLE = 64  # states
_FAVOURED = 1 / 3  # of the cells of tables
_SPOILED_SHARE = 0.12
_TRIES = 3


class GenericGrammar:
    """Samples programs for an environment; called as ``examples(count, seed)``.

    Args:
        entry_point: the function that they define.
        argument: its argument, the observation.
        observation, action: the environment's spaces.
        seen: observations of random play, as plain data.
    """

    def __init__(self, entry_point: str, argument: str, observation: Any, action: Any, seen: Sequence[Any]) -> None:
        self._entry_point = entry_point
        self._argument = argument
        self._action = action
        self._states = int(observation.n) if isinstance(observation, spaces.Discrete) else 0
        self._start = int(observation.start) if self._states else 0
        self._parts = {path: sorted(values) for path, values in _numbers(self._argument, seen).items()}
        self._is_table = 0 < self._states <= _LARGEST_TABLE and _is_digit(action)

    def __call__(self, count: int, seed: int) -> list[Example]:
        rng = random.Random(seed)
        favourites = [self._act(rng) for _ in range(self._states)] if self._is_table else []
        made = []
        for _ in range(count):
            source = self._program(rng, favourites)
            spoiled = rng.random() < _SPOILED_SHARE
            made.append(Example(self._spoil(source, rng) if spoiled else source, spoiled))
        return made

    def _program(self, rng: random.Random, favourites: Sequence[str]) -> str:
        shapes = {"constant": 1.0}
        if self._parts:
            shapes |= {"test": 2.0, "score": 7.0, "chain": 2.0}
        if self._is_table:
            # Nothing simpler beside: a constant may win more than most tables, and who turns to it finds no better.
            shapes = {"table": 1.0}
        (shape,) = rng.choices(list(shapes), list(shapes.values()))
        body = {
            "constant": lambda: f"    return {self._act(rng)}\n",
            "test": lambda: self._branch(self._test(rng), rng),
            "score": lambda: self._score(rng),
            "chain": lambda: self._chain(rng),
            "table": lambda: self._table(rng, favourites),
        }[shape]()
        return f"def {self._entry_point}({self._argument}):\n{body}"

    def _score(self, rng: random.Random) -> str:
        """A weighted sum of parts of the observation, in their order, against a bound or as the action itself."""
        paths = list(self._parts)
        most = min(len(paths), _MOST_TERMS)
        count = most if rng.random() < 0.6 else rng.randint(1, most)
        chosen = [paths[i] for i in sorted(rng.sample(range(len(paths)), count))]
        total = ""
        for path in chosen:
            sign = rng.choice((" + ", " - ") if total else ("", "-"))
            total += f"{sign}{rng.randint(1, 9) * _unit(self._parts[path]):g} * {path}"
        bound = rng.choice((0, 0, 0, 0, rng.randint(-9, 9)))
        lines = f"    s = {total}\n"
        if isinstance(self._action, spaces.Box):
            return f"{lines}    return {self._scaled(rng)}\n"
        return lines + self._branch(f"s > {bound}", rng)

    def _chain(self, rng: random.Random) -> str:
        lines = [f"    if {self._test(rng)}:\n        return {self._act(rng)}\n" for _ in range(rng.choice((2, 2, 3)))]
        return "".join(lines) + f"    return {self._act(rng)}\n"

    def _table(self, rng: random.Random, favourites: Sequence[str]) -> str:
        """An action for every state, a digit each: often the state's favourite, which was drawn by lot.

        A model that has learnt to write favourites can tell the states apart. From tables without them it learns only
        that a digit follows, and training then moves all digits together, up to the best constant.
        """
        digits = "".join(favourite if rng.random() < _FAVOURED else self._act(rng) for favourite in favourites)
        place = self._argument if self._start == 0 else f"{self._argument} - {self._start}"
        return f'    return int("{digits}"[{place}])\n'

    def _test(self, rng: random.Random) -> str:
        name = rng.choice(list(self._parts))
        values = self._parts[name]
        bound = values[rng.randrange(len(values))]
        if isinstance(bound, int) and rng.random() < 0.4:
            return f"{name} == {bound}"
        return f"{name} {rng.choice('<>')} {_short(bound)}"

    def _branch(self, test: str, rng: random.Random) -> str:
        if isinstance(self._action, spaces.Discrete) and self._action.n > 1:
            # The larger first: the other way round is the same program with the test's signs turned.
            low, high = (int(self._action.start) + i for i in sorted(rng.sample(range(int(self._action.n)), 2)))
            return f"    if {test}:\n        return {high}\n    return {low}\n"
        first, second = self._act(rng), self._act(rng)
        for _ in range(_TRIES):  # two branches that do the same are of no use
            second = self._act(rng) if second == first else second
        return f"    if {test}:\n        return {first}\n    return {second}\n"

    def _act(self, rng: random.Random) -> str:
        return _literal(self._action, rng)

    def _scaled(self, rng: random.Random) -> str:
        """An action made of the score, held within the bounds of its space."""
        low, high = self._action.low.ravel().tolist(), self._action.high.ravel().tolist()
        cells = [
            f"max({_short(a)}, min({_short(b)}, {rng.choice(('', '-'))}s))" for a, b in zip(low, high, strict=True)
        ]
        return _nested(cells, self._action.shape)

    def _spoil(self, source: str, rng: random.Random) -> str:
        first, rest = source.split("\n", 1)
        spoils = (
            source.replace(":\n", "\n", 1),
            source.replace(self._entry_point, "play", 1),
            f"import os\n{source}",
            f"{first}\n    while True:\n        pass\n{rest}",
            source.replace("return", "retrun", 1),
            source.replace(f"({self._argument})", "()", 1),
        )
        return rng.choice([spoilt for spoilt in spoils if spoilt != source])


def _numbers(name: str, seen: Sequence[Any]) -> dict[str, set[Any]]:
    """The numbers in observations, by the expression that reaches them, such as ``observation["at"][0]``."""
    found: dict[str, set[Any]] = {}

    def walk(path: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, element in value.items():
                walk(f"{path}[{key!r}]".replace("'", '"'), element)
        elif isinstance(value, list | tuple):
            for i, element in enumerate(value):
                walk(f"{path}[{i}]", element)
        elif isinstance(value, int | float):
            found.setdefault(path, set()).add(value)

    for value in seen:
        walk(name, value)
    changing = {path: values for path, values in found.items() if len(values) > 1}
    return dict(list(changing.items())[:_MOST_PARTS])


def _unit(values: Sequence[float]) -> float:
    """The power of ten that brings values between a tenth and ten, so that a weight of one digit tells on them."""
    largest = max(map(abs, values))
    if largest == 0 or not math.isfinite(largest):
        return 1.0
    decade = math.floor(math.log10(largest))
    return float(10.0 ** -(decade + (decade < 0)))


def _is_digit(space: Any) -> bool:
    """Whether every action is one digit, as a table has it."""
    return isinstance(space, spaces.Discrete) and space.start >= 0 and space.start + space.n <= 10


def _short(number: float) -> str:
    """A number as a program has it: two significant digits."""
    if isinstance(number, int):
        return str(number)
    text = f"{number:.2g}"
    return f"{float(text):g}"


def _nested(cells: Sequence[str], shape: Sequence[int]) -> str:
    """Source of nested lists of a shape."""
    if not shape:
        return cells[0]
    size = len(cells) // shape[0]
    return "[" + ", ".join(_nested(cells[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])) + "]"


def _literal(space: Any, rng: random.Random) -> str:
    """Source of some action."""
    if isinstance(space, spaces.Discrete):
        return str(int(space.start) + rng.randrange(int(space.n)))
    if isinstance(space, spaces.Tuple):
        return "(" + "".join(f"{_literal(part, rng)}, " for part in space) + ")"
    if isinstance(space, spaces.Dict):
        return "{" + ", ".join(f'"{key}": {_literal(part, rng)}' for key, part in space.items()) + "}"
    if isinstance(space, spaces.MultiDiscrete):
        ends = zip(space.start.ravel().tolist(), space.nvec.ravel().tolist(), strict=True)
        return _nested([str(a + rng.randrange(n)) for a, n in ends], space.shape)
    if isinstance(space, spaces.MultiBinary):
        return _nested([str(rng.randrange(2)) for _ in range(math.prod(space.shape))], space.shape)
    if isinstance(space, spaces.Box):
        low, high = space.low.ravel().clip(min=-9).tolist(), space.high.ravel().clip(max=9).tolist()
        whole = space.dtype.kind != "f"
        cells = [
            str(rng.randint(int(a), int(b))) if whole else _short(round(rng.uniform(a, b), 1))
            for a, b in zip(low, high, strict=True)
        ]
        return _nested(cells, space.shape)
    return repr(example_of(space))
