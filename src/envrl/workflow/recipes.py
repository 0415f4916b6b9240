"""Recipes: the YAML files of ``configs/``, one for each way to train on an environment; and the task that one names."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from envrl.config import EnvConfig
from envrl.envs import Task, find_task, load_environments
from envrl.errors import ConfigError

__all__ = ["recipe_for", "recipes_folder", "task_of"]

_ANY = "any"  # the recipe of environments that have none of their own


def recipes_folder() -> Path:
    """Where recipes lie: inside an installed package, or beside ``src`` in a checkout.

    Raises:
        ConfigError: in neither place.
    """
    package = Path(str(files("envrl")))
    for folder in (package / "configs", package.parent.parent / "configs"):
        if folder.is_dir():
            return folder
    raise ConfigError("this installation of envrl has no recipes: give a CONFIG file")


def recipe_for(env: str | None, success: str | None = None) -> Path:
    """The recipe of an environment for this machine: today the tiny model on the CPU.

    Args:
        success: a rule in place of the environment's own, which may have none.

    Raises:
        UnknownNameError: there is no such environment.
        ConfigError: none is named.
    """
    if env is None:
        raise ConfigError("nothing to train on: give --env 2048, or a CONFIG file")
    folder = recipes_folder()
    own = folder / find_task(env, success=success).short / "tiny-cpu.yaml"
    return own if own.exists() else folder / _ANY / "tiny-cpu.yaml"


def task_of(env: EnvConfig) -> Task:
    """The task that a configuration names.

    Raises:
        EnvrlError: there is no such environment, or it cannot be used as asked.
    """
    if env.module:
        load_environments(env.module)
    return find_task(env.id, env.options, env.toolkit, env.success)
