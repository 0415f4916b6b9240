"""The registry of tasks. It stands on Gymnasium's: a task belongs to an id that ``gymnasium.make`` knows."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium

from envrl.envs.game2048.task import PRESETS, task_2048
from envrl.envs.task import Task
from envrl.errors import ConfigError, UnknownNameError

__all__ = ["environment_ids", "find_task", "register_all"]

_SHORT = {"2048": "envrl/2048-v0"}
_TASKS: dict[str, Callable[..., Task]] = dict.fromkeys(PRESETS, task_2048)


def register_all() -> None:
    """Puts envrl's environments into Gymnasium's registry; doing it twice changes nothing."""
    for env_id, options in PRESETS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point="envrl.envs.game2048:Game2048Env",
                vector_entry_point="envrl.envs.game2048:Game2048VectorEnv",
                max_episode_steps=options["horizon"],
                kwargs={"size": options["size"], "target": options["target"]},
            )


def environment_ids() -> list[str]:
    """The ids of all environments that have a task."""
    return list(_TASKS)


def find_task(name: str, options: Mapping[str, Any] | None = None, toolkit: str = "full") -> Task:
    """The task of an environment.

    Args:
        name: an id (``envrl/2048-v0``) or a short name (``2048``).
        options: of the environment, over its own defaults.
        toolkit: ``full`` or ``none``.

    Raises:
        UnknownNameError: nothing answers to the name; the message lists the nearest.
        ConfigError: an option that the environment does not have, or cannot use.
    """
    env_id = _SHORT.get(name, name)
    if env_id not in _TASKS:
        raise UnknownNameError("environment", name, [*_SHORT, *_TASKS])
    make = _TASKS[env_id]
    known = set(inspect.signature(make).parameters) - {"id", "toolkit"}
    for key, value in (options or {}).items():
        if key not in known:
            raise ConfigError(str(UnknownNameError(f"option of {env_id}", key, known)))
        if type(value) is not int:
            raise ConfigError(f"env.options.{key} of {env_id} must be a whole number, not {value!r}")
    return make(env_id, toolkit=toolkit, **(options or {}))
