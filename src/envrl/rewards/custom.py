"""Reward functions of a user's own, with TRL's signature; what goes wrong is named with the completion that caused it.

A function is called once a batch, by name: ``reward(prompts, completions, **columns)``, where ``prompts`` and
``completions`` are lists of chat messages, as TRL gives them where prompts are conversations. Columns are ``seeds``
(indices that each completion plays), ``scorecards`` (how it played, a `Scorecard` each), and in the workbench the other
fields of a line. TRL's ``completion_ids``, ``trainer_state``, ``log_extra`` and ``log_metric`` are not among them: a
reward is the same in training, in a measurement, and in the workbench. The function gives a number a completion, or
None where it has no opinion; it may be asynchronous.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from envrl.errors import ConfigError, RewardFault, UnknownNameError
from envrl.runs import file_hash, write_json

__all__ = ["FAULT_FILE", "RewardFunction", "keep_fault", "load_functions"]

Columns = Mapping[str, Sequence[Any]]

_ONLY_TRL = ("completion_ids", "trainer_state", "log_extra", "log_metric")

FAULT_FILE = "reward-fault.json"
"""Where a run keeps the completion that a reward function failed on, beside its checkpoints."""


class RewardFunction:
    """One reward function of a user's own.

    Attributes:
        name: of the function, under which it is weighted and logged.
        location: as a configuration names it.
        tried: whether it has judged completions in this process.
    """

    def __init__(self, location: str, call: Callable[..., Any]) -> None:
        self.location = location
        self.name: str = call.__name__
        self.tried = False
        self._call = call

    def __call__(self, completions: Sequence[str], columns: Columns) -> list[float | None]:
        """A reward for each completion, or None where the function has no opinion.

        Args:
            completions: texts.
            columns: all other arguments, a value for each completion.

        Raises:
            RewardFault: it raised, or gave something else than a finite number or None for each completion.
        """
        if not completions:
            return []
        found = self._judged(completions, columns)
        if isinstance(found, str):
            raise self._fault(found, completions, columns)
        self.tried = True
        return found

    @property
    def identity(self) -> dict[str, str | None]:
        """What a run's lock says of it: where it stands, and the hash of its file."""
        file = inspect.getsourcefile(inspect.unwrap(self._call))
        return {"location": self.location, "sha256": file_hash(Path(file)) if file else None}

    def _judged(self, completions: Sequence[str], columns: Columns) -> list[float | None] | str:
        """The rewards, or what is wrong."""
        messages = [[{"role": "assistant", "content": text}] for text in completions]
        try:
            given = self._call(completions=messages, **columns)
            if inspect.isawaitable(given):
                # In a thread of its own: the caller's may have a loop already, as in a notebook.
                with ThreadPoolExecutor(1) as thread:
                    given = thread.submit(asyncio.run, _awaited(given)).result()
            values = list(given)
        except Exception as error:
            return _raised(error)
        if len(values) != len(completions):
            return f"gave {len(values)} rewards for {len(completions)} completions"
        rewards: list[float | None] = []
        for place, value in enumerate(values):
            reward = value if value is None else _number(value)
            if reward is not None and not math.isfinite(reward):
                return f"gave {value!r:.80} for completion {place}, where a finite number or None is wanted"
            rewards.append(reward)
        return rewards

    def _fault(self, reason: str, completions: Sequence[str], columns: Columns) -> RewardFault:
        """Asks for each completion alone which of them it was."""
        for index, text in enumerate(completions):
            alone = self._judged([text], {name: values[index : index + 1] for name, values in columns.items()})
            if isinstance(alone, str):
                return RewardFault(self.location, alone.replace(" for completion 0,", ","), text, index)
        return RewardFault(self.location, reason, None, None)


def keep_fault(fault: RewardFault, folder: Path) -> RewardFault:
    """Writes a fault with its whole completion into a folder; gives the fault that says so.

    Raises:
        RunError: the file cannot be written.
    """
    path = folder / FAULT_FILE
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, {name: getattr(fault, name) for name in ("function", "reason", "index", "completion")})
    rest = (
        f"; it is kept in {path}: try the mended function on it with envrl reward test, then resume the run with "
        "--allow-drift reward.functions"
    )
    return RewardFault(fault.function, fault.reason, fault.completion, fault.index, rest)


async def _awaited(value: Any) -> Any:
    return await value


def _number(value: Any) -> float:
    """A number of whatever library as a float; NaN for what is none."""
    try:
        return float(value) if hasattr(type(value), "__float__") else math.nan
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _raised(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    where = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
    return f"raised {type(error).__name__}: {ascii(str(error))[1:-1]:.300}{where}"


def load_functions(locations: Sequence[str], taken: Sequence[str] = ()) -> tuple[RewardFunction, ...]:
    """The functions that a configuration names.

    Args:
        locations: ``path/to/file.py:name`` or ``package.module:name``.
        taken: names of components that there are already.

    Raises:
        ConfigError: a location that is none, a module that cannot be loaded, a function that cannot be called as TRL
            calls one, or a name that is taken.
        UnknownNameError: the module has no such name.
    """
    functions: list[RewardFunction] = []
    for location in locations:
        function = RewardFunction(location, _find(location))
        if function.name in (*taken, *(other.name for other in functions)):
            raise ConfigError(
                f"reward.functions: {location} is named {function.name}, as another component is; rename the function"
            )
        functions.append(function)
    return tuple(functions)


def _find(location: str) -> Callable[..., Any]:
    source, _, name = location.rpartition(":")
    if not source or not name:
        raise ConfigError(
            f"reward.functions: {location!r} names no function: write path/to/file.py:name or package.module:name"
        )
    try:
        module = _load_file(Path(source)) if source.endswith(".py") else importlib.import_module(source)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(f"reward.functions: {location} cannot be loaded: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise ConfigError(f"reward.functions: {UnknownNameError(f'function of {source}', name, known)}")
    function = getattr(module, name)
    if not callable(function) or not hasattr(function, "__name__"):
        raise ConfigError(f"reward.functions: {location} is no function but {type(function).__name__}")
    _check_signature(location, function)
    called: Callable[..., Any] = function
    return called


def _load_file(path: Path) -> Any:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise ConfigError(f"reward.functions: {path}: there is no such file")
    name = f"envrl_reward_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look there
    spec.loader.exec_module(module)
    return module


def _check_signature(location: str, function: Callable[..., Any]) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of some that are written in C
        raise ConfigError(f"reward.functions: {location} does not say what arguments it takes; wrap it") from None
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters):
        raise ConfigError(f"reward.functions: {location} has positional-only arguments; TRL calls by name")
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise ConfigError(
            f"reward.functions: {location} takes no **kwargs, and would refuse columns that it does not know; write "
            f"def {getattr(function, '__name__', 'reward')}(completions, **kwargs)"
        )
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    if refused := [name for name in required if name in _ONLY_TRL]:
        raise ConfigError(
            f"reward.functions: {location} needs {' and '.join(refused)}, which only a training step has; take it as "
            f"{refused[0]}=None (a reward here is the same in training and in a measurement)"
        )
    # Whatever else it asks for may be a column of the rows; if it is none, the first call says so.
