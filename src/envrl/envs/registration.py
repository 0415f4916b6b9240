"""How a user's environment becomes a task: `register` for one of their own, `wrap` for any that Gymnasium knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gymnasium

from envrl.envs.generic import generic_task
from envrl.envs.registry import add_task, short_names
from envrl.envs.task import Task
from envrl.errors import EnvError

__all__ = ["register", "wrap"]

_Env = Any  # a class of environments; mypy does not take one for Gymnasium's EnvCreator


def wrap(env_id: str, **overrides: Any) -> Task:
    """A task for any environment that Gymnasium knows, with whatever is not given read from the environment.

    Args:
        env_id: such as ``"CartPole-v1"``.
        overrides: the arguments of `envrl.envs.generic.generic_task`, such as ``success="return >= 475"``.

    Raises:
        EnvError: the environment cannot be made, or has a space that envrl does not support.
        ConfigError: nothing says what success is.
    """
    return generic_task(env_id, **overrides)


_ours: set[str] = set()  # ids that `register` put into Gymnasium's registry


def register(
    env_id: str,
    env: _Env | str | None = None,
    *,
    short: str | None = None,
    max_episode_steps: int | None = None,
    kwargs: Mapping[str, Any] | None = None,
    **task: Any,
) -> Any:
    """Registers an environment with Gymnasium, and its task with envrl. A call, or a decorator of the class::

        @envrl.register("demo/guess-v0", short="guess", max_episode_steps=20, success="return > 0")
        class Guess(gymnasium.Env): ...

    Args:
        env_id: its id in Gymnasium's registry, with namespace and version.
        env: its class, or ``"module:Class"``; None where `register` decorates the class, or where Gymnasium knows the
            id already.
        short: name on the command line; by default the id's middle part, if that is free.
        max_episode_steps: steps after which Gymnasium truncates an episode.
        kwargs: arguments of the environment's constructor.
        task: the arguments of `envrl.envs.generic.generic_task`: success, about, toolkit, arguments, action …

    Returns:
        The class, where it is a decorator.

    Raises:
        EnvError: id or short name are taken by something else, or an argument does not exist.
    """
    unknown = set(task) - set(generic_task.__kwdefaults__ or ())
    if unknown:
        known = ", ".join(sorted(generic_task.__kwdefaults__ or ()))
        raise EnvError(f"register({env_id!r}) has no argument {', '.join(sorted(unknown))}: known are {known}")
    put = partial(_put, env_id, short, max_episode_steps, dict(kwargs or {}), task)
    again = env_id in _ours and (max_episode_steps is not None or kwargs)
    if env is None and (again or env_id not in gymnasium.registry):
        return put
    put(env)
    return env or put


def _put(
    env_id: str,
    short: str | None,
    max_episode_steps: int | None,
    kwargs: dict[str, Any],
    task: dict[str, Any],
    env: _Env | str | None,
) -> _Env | str | None:
    present = gymnasium.registry.get(env_id)
    if env is None and (max_episode_steps is not None or kwargs):
        raise EnvError(f"{env_id} is registered already: leave out max_episode_steps and kwargs, or give another id")
    if env is not None:
        if present is not None and not _same(present.entry_point, env):
            raise EnvError(f"the id {env_id!r} is taken by {present.entry_point} in Gymnasium: choose another")
        _ours.add(env_id)
        gymnasium.registry.pop(env_id, None)  # the same class again, from a notebook's cell that was run twice
        try:
            gymnasium.register(env_id, env, max_episode_steps=max_episode_steps, kwargs=kwargs)
        except gymnasium.error.Error as error:
            raise EnvError(f"register({env_id!r}): {error}") from None
    middle = _middle(env_id)
    short = short or (middle if short_names().get(middle, env_id) == env_id else None)
    add_task(env_id, partial(_make, _short=short, _task=task), short)
    return env


def _same(present: Any, env: _Env | str) -> bool:
    """Whether two entry points are one, or one class that was defined twice."""
    if isinstance(present, str) or isinstance(env, str):
        return bool(present == env)
    return (present.__module__, present.__qualname__) == (env.__module__, env.__qualname__)


def _middle(env_id: str) -> str:
    """``guess`` of ``demo/guess-v0``."""
    return env_id.rpartition("/")[2].rpartition("-v")[0] or env_id


def _make(
    env_id: str,
    _short: str | None,
    _task: dict[str, Any],
    success: str | None = None,
    horizon: int | None = None,
    **options: Any,
) -> Task:
    given = {"success": success, "horizon": horizon}
    changed = _task | {key: value for key, value in given.items() if value is not None}
    return generic_task(env_id, short=_short, **changed | {"options": {**_task.get("options", {}), **options}})
