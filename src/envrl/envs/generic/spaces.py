"""Spaces in words and as plain data: what a strategy is told, what it receives, and what it may return."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium import Space, spaces

from envrl.envs.games import InvalidAction, describe
from envrl.errors import EnvError

__all__ = ["action_of", "check_supported", "encode", "example_of", "plain", "say", "source_of"]

_NUMERIC = (spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary, spaces.Box, spaces.Text)
_NAMED_CELLS = 8  # bounds of so many numbers are told one by one


def check_supported(env_id: str, what: str, space: Space[Any]) -> None:
    """Refuses a space that has no form as plain data.

    Args:
        what: "observation" or "action", for the message.

    Raises:
        EnvError: naming the space and where it stands.
    """
    for path, part in _parts(space):
        if isinstance(part, spaces.Dict) and not all(isinstance(key, str) for key in part):
            raise EnvError(f"{env_id}: the {what} space holds a Dict whose keys are not all text: wrap the environment")
        if not isinstance(part, (*_NUMERIC, spaces.Tuple, spaces.Dict)):
            where = f" (at {path})" if path else ""
            raise EnvError(
                f"{env_id}: the {what} space holds {type(part).__name__}{where}, which envrl cannot hand "
                "to a strategy; wrap it into one of Box, Discrete, MultiDiscrete, MultiBinary, Text, Tuple and Dict"
            )


def _parts(space: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, space
    if isinstance(space, spaces.Dict):
        for key, part in space.items():
            yield from _parts(part, f"{path}[{key!r}]")
    elif isinstance(space, spaces.Tuple):
        for i, part in enumerate(space):
            yield from _parts(part, f"{path}[{i}]")


# -- in words -----------------------------------------------------------------------------------------------------


def say(space: Any) -> str:
    """A space in words, exactly: what type a value has, its shape and its bounds."""
    if isinstance(space, spaces.Discrete):
        first, last = int(space.start), int(space.start + space.n - 1)
        return f"an int from {first} to {last}"
    if isinstance(space, spaces.MultiDiscrete):
        ends = [
            f"{a} to {a + n - 1}"
            for a, n in zip(space.start.ravel().tolist(), space.nvec.ravel().tolist(), strict=True)
        ]
        return f"{_nested(space.shape, 'ints')}, {_bounds(ends)}"
    if isinstance(space, spaces.MultiBinary):
        return f"{_nested(space.shape, 'ints')}, each 0 or 1"
    if isinstance(space, spaces.Box):
        name = "int" if np.issubdtype(space.dtype, np.integer) else "float"
        ends = [_range(a, b) for a, b in zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)]
        return f"{_nested(space.shape, name + 's') if space.shape else 'a ' + name}, {_bounds(ends)}"
    if isinstance(space, spaces.Text):
        characters = "".join(sorted(space.character_set))
        return f"a str of {space.min_length} to {space.max_length} characters out of {characters!r}"
    if isinstance(space, spaces.Tuple):
        return "a tuple of " + "; ".join(f"[{i}]: {say(part)}" for i, part in enumerate(space))
    if isinstance(space, spaces.Dict):
        return "a dict with " + "; ".join(f"{key!r}: {say(part)}" for key, part in space.items())
    raise TypeError(type(space).__name__)


def _nested(shape: tuple[int, ...], of: str) -> str:
    if len(shape) == 1:
        return f"a list of {shape[0]} {of}"
    return f"{shape[0]} lists of " + " lists of ".join(map(str, shape[1:])) + f" {of}"


def _range(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high) and abs(high) < 1e30:
        return f"{low:g} to {high:g}"
    if math.isfinite(low) and abs(low) < 1e30:
        return f"at least {low:g}"
    if math.isfinite(high) and abs(high) < 1e30:
        return f"at most {high:g}"
    return "any value"


def _bounds(ends: list[str]) -> str:
    if len(set(ends)) == 1:
        return f"each {ends[0]}" if len(ends) > 1 else ends[0]
    if len(ends) > _NAMED_CELLS:
        return "bounds differ by place"
    return "; ".join(f"[{i}]: {end}" for i, end in enumerate(ends))


# -- as plain data ------------------------------------------------------------------------------------------------


def plain(space: Any, value: Any) -> Any:
    """An element of a space as ints, floats, strings, lists, tuples and dicts."""
    if isinstance(space, spaces.Dict):
        return {key: plain(part, value[key]) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(plain(part, element) for part, element in zip(space, value, strict=True))
    if isinstance(space, spaces.Text):
        return str(value)
    return np.asarray(value).tolist()


def encode(space: Any, value: Any) -> bytes:
    """An observation on its way to a worker, where `ADAPTER` of `envrl.envs.generic.task` reads it.

    Floats keep every bit. JSON has no tuples: those of the space are made again in the worker.
    """
    return json.dumps(plain(space, value)).encode()


def source_of(space: Any) -> str:
    """Python source of a function of the decoded JSON that puts the space's tuples back; ``""`` where it has none."""
    if not any(isinstance(part, spaces.Tuple) for _, part in _parts(space)):
        return ""
    return f"lambda v: {_restored(space, 'v')}"


def _restored(space: Any, name: str) -> str:
    if isinstance(space, spaces.Tuple):
        return "(" + "".join(f"{_restored(part, f'{name}[{i}]')}, " for i, part in enumerate(space)) + ")"
    if isinstance(space, spaces.Dict):
        return "{" + ", ".join(f"{key!r}: {_restored(part, f'{name}[{key!r}]')}" for key, part in space.items()) + "}"
    return name


# -- back ---------------------------------------------------------------------------------------------------------


def action_of(space: Any, value: Any) -> Any:
    """The element of an action space that a returned plain value stands for, in the space's own types.

    Types are exact: no bool for an int, no float for an int, no string for a number; an int may stand for a float.

    Raises:
        InvalidAction: the value is no element; the message shows it.
    """
    action = _converted(space, value)
    if not space.contains(action):
        raise InvalidAction(f"returned {describe(value)}, which is not {say(space)}")
    return action


def _converted(space: Any, value: Any) -> Any:
    if isinstance(space, spaces.Discrete):
        if type(value) is int and space.start <= value < space.start + space.n:
            return space.dtype.type(value)
    elif isinstance(space, spaces.Text):
        if type(value) is str:
            return value
    elif isinstance(space, spaces.Tuple):
        if type(value) in (list, tuple) and len(value) == len(space.spaces):
            return tuple(_converted(part, element) for part, element in zip(space, value, strict=True))
    elif isinstance(space, spaces.Dict):
        if type(value) is dict and value.keys() == space.keys():
            return {key: _converted(part, value[key]) for key, part in space.items()}
    elif _has_shape(value, space.shape, float if isinstance(space, spaces.Box) and space.dtype.kind == "f" else int):
        return _array(space, value)
    raise InvalidAction(f"returned {describe(value)}, where {say(space)} is expected")


def _has_shape(value: Any, shape: tuple[int, ...], kind: type) -> bool:
    if not shape:
        return type(value) is int or (kind is float and type(value) is float)
    if type(value) not in (list, tuple) or len(value) != shape[0]:
        return False
    return all(_has_shape(element, shape[1:], kind) for element in value)


def _array(space: Any, value: Any) -> Any:
    try:
        kind = np.float64 if space.dtype.kind == "f" else np.uint64 if space.dtype == np.uint64 else np.int64
        wide = np.asarray(value, kind)
    except OverflowError:
        raise InvalidAction(f"returned {describe(value)}, which no number of type {space.dtype} can be") from None
    if isinstance(space, spaces.Box):  # before it is cast: a cast may wrap, or round a value back into the bounds
        low, high = space.low.astype(wide.dtype), space.high.astype(wide.dtype)
        if not (np.isfinite(wide) & (wide >= low) & (wide <= high)).all():
            raise InvalidAction(f"returned {describe(value)}, which is not {say(space)}")
    else:
        first, count = (space.start, space.nvec) if isinstance(space, spaces.MultiDiscrete) else (0, 2)
        if not ((wide >= first) & (wide - first < count)).all():
            raise InvalidAction(f"returned {describe(value)}, which is not {say(space)}")
    with np.errstate(over="ignore"):
        cast = wide.astype(space.dtype)
    if cast.dtype.kind == "f" and not np.isfinite(cast).all():
        raise InvalidAction(f"returned {describe(value)}, which no number of type {space.dtype} can be")
    return cast


def example_of(space: Any) -> Any:
    """Some element of a space as plain data, the same at each call: for prompts and checks."""
    if isinstance(space, spaces.Discrete):
        return int(space.start)
    if isinstance(space, spaces.MultiDiscrete):
        return space.start.tolist()
    if isinstance(space, spaces.MultiBinary):
        return np.zeros(space.shape, int).tolist()
    if isinstance(space, spaces.Text):
        return min(space.character_set, default="") * space.min_length
    if isinstance(space, spaces.Box):
        return np.clip(np.zeros(space.shape, space.dtype), space.low, space.high).tolist()
    if isinstance(space, spaces.Tuple):
        return tuple(example_of(part) for part in space)
    return {key: example_of(part) for key, part in space.items()}
