"""The registry of tasks. It stands on Gymnasium's: a task belongs to an id that ``gymnasium.make`` knows."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import gymnasium

from envrl.envs.game2048.task import PRESETS as GAME2048
from envrl.envs.game2048.task import task_2048
from envrl.envs.generic import generic_task
from envrl.envs.locations import load, load_installed, split_location
from envrl.envs.math.answer_task import ANSWER_PRESETS, task_math_answer
from envrl.envs.math.task import PRESETS as MATH
from envrl.envs.math.task import task_math
from envrl.envs.sudoku.task import PRESETS as SUDOKU
from envrl.envs.sudoku.task import task_sudoku
from envrl.envs.task import Task
from envrl.errors import ConfigError, EnvError, UnknownNameError, nearest

__all__ = ["add_task", "environment_ids", "find_task", "register_all", "resolve", "short_names"]

MakeTask = Callable[..., Task]
"""``make(id, *, toolkit, success, **options)``, of which all but the first may be missing in its signature."""


class _Entry(NamedTuple):
    make: MakeTask
    short: str | None
    module: str


_tasks: dict[str, _Entry] = {}
_APART = ("id", "toolkit", "success")  # arguments that are no options of the environment


def add_task(env_id: str, make: MakeTask, short: str | None = None, module: str = "") -> None:
    """Puts a task into the registry.

    Args:
        env_id: in Gymnasium's registry.
        make: makes the task.
        short: name on the command line; one that is free.
        module: of the user's code, for messages.

    Raises:
        EnvError: the short name belongs to another environment.
    """
    taken = short_names()
    if short is not None and taken.get(short, env_id) != env_id:
        raise EnvError(f"the name {short!r} belongs to {taken[short]}: register {env_id} under another")
    _tasks[env_id] = _Entry(make, short, module)


def register_all() -> None:
    """Puts envrl's environments into Gymnasium's registry; doing it twice changes nothing."""
    for env_id, options in GAME2048.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point="envrl.envs.game2048:Game2048Env",
                vector_entry_point="envrl.envs.game2048:Game2048VectorEnv",
                max_episode_steps=options["horizon"],
                kwargs={"size": options["size"], "target": options["target"]},
            )
        if env_id not in _tasks:
            add_task(env_id, task_2048, "2048" if env_id == "envrl/2048-v0" else None)
    for env_id, preset in SUDOKU.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, entry_point="envrl.envs.sudoku:SudokuEnv", kwargs=preset._asdict())
        if env_id not in _tasks:
            add_task(env_id, task_sudoku, "sudoku" if env_id == "envrl/sudoku-v0" else None)
    for env_id, choice in MATH.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(env_id, entry_point="envrl.envs.math:MathProgramEnv", max_episode_steps=1, kwargs=choice)
        if env_id not in _tasks:
            add_task(env_id, task_math, "math")
    for env_id, choice in ANSWER_PRESETS.items():
        if env_id not in gymnasium.registry:
            questions = {name: choice[name] for name in ("family", "level")} | {"view": "text"}
            gymnasium.register(env_id, entry_point="envrl.envs.math:MathProgramEnv", kwargs=questions)
        if env_id not in _tasks:
            add_task(env_id, task_math_answer, "math-answer")


def short_names() -> dict[str, str]:
    """Ids by their short names."""
    return {entry.short: env_id for env_id, entry in _tasks.items() if entry.short}


def environment_ids() -> list[str]:
    """The ids of all environments that have a task of their own, those of installed packages too.

    Raises:
        EnvError: an installed package announces environments that cannot be loaded.
    """
    load_installed()
    return list(_tasks)


def find_task(
    name: str,
    options: Mapping[str, Any] | None = None,
    toolkit: str = "full",
    success: str | None = None,
) -> Task:
    """The task of an environment.

    Args:
        name: an id (``envrl/2048-v0``, ``CartPole-v1``), a short name (``2048``), or a file with a name in it
            (``path/to/file.py:name``; without the name where the file registers one environment).
        options: of the environment, over its own defaults.
        toolkit: ``full`` or ``none``.
        success: a rule in place of the task's own, such as ``return >= 475``.

    Raises:
        UnknownNameError: nothing answers to the name; the message lists the nearest.
        ConfigError: an option or a rule that the environment does not have, or cannot use.
        EnvError: the environment, or the file, cannot be loaded.
    """
    env_id = resolve(name)
    entry = _tasks.get(env_id)
    given = dict(options or {})
    if entry is None:
        horizon = given.pop("horizon", None)
        return generic_task(env_id, options=given, success=success, horizon=horizon)
    parameters = inspect.signature(entry.make).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if not open_ended:
        _check_options(env_id, entry.make, given)
    if success is not None:
        if "success" not in parameters and not open_ended:
            raise ConfigError(
                f"env.success: {env_id} has its own rule of success, which cannot be changed; leave it out"
            )
        given["success"] = success
    if "toolkit" in parameters:
        given["toolkit"] = toolkit
    return entry.make(env_id, **given)


def resolve(name: str) -> str:
    """The id of an environment: of a short name, an id, or a file with a name in it; see `find_task`.

    Raises:
        UnknownNameError: nothing answers to the name; the message lists the nearest.
        EnvError: the file, or what an installed package announces, cannot be loaded.
    """
    location = split_location(name)
    if location is not None:
        return _in_file(*location)
    if (found := _known(name)) is not None:
        return found
    load_installed()
    if (found := _known(name)) is not None:
        return found
    ours = [*short_names(), *_tasks]
    close = nearest(name, ours) or nearest(name, gymnasium.registry)
    raise UnknownNameError("environment", name, close or ours)


def _known(name: str) -> str | None:
    env_id = short_names().get(name, name)
    return env_id if env_id in _tasks or env_id in gymnasium.registry else None


def _in_file(path: str, name: str) -> str:
    before = set(_tasks)
    path = str(Path(path).expanduser().resolve())
    load(path)
    here = [env_id for env_id in _tasks if env_id not in before or _tasks[env_id].module == path]
    for env_id in here:
        _tasks[env_id] = _tasks[env_id]._replace(module=path)
    if not here:
        raise EnvError(f"{path} registers no environment: call envrl.register(...) in it")
    if not name and len(here) == 1:
        return here[0]
    shorts = {_tasks[env_id].short or env_id: env_id for env_id in here}
    if name in shorts or name in here:
        return shorts.get(name, name)
    if not name:
        raise EnvError(f"{path} registers several environments: add ':' and one of {', '.join(shorts)}")
    raise UnknownNameError(f"environment in {path}", name, shorts)


def _check_options(env_id: str, make: MakeTask, options: Mapping[str, Any]) -> None:
    hints = get_type_hints(make)
    known = {key: hints[key] for key in inspect.signature(make).parameters if key not in _APART}
    for key, value in options.items():
        if key not in known:
            raise ConfigError(str(UnknownNameError(f"option of {env_id}", key, known)))
        kinds = get_args(known[key]) if isinstance(known[key], types.UnionType) else (known[key],)
        if type(value) not in kinds:
            wanted = "a whole number" if int in kinds else "a name" if str in kinds else f"of type {known[key]}"
            raise ConfigError(f"env.options.{key} of {env_id} must be {wanted}, not {value!r}")
