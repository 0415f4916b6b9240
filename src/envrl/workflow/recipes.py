"""Recipes: the YAML files of ``configs/``, one for each way to train on an environment."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from envrl.envs import find_task
from envrl.errors import ConfigError

__all__ = ["recipe_for", "recipes_folder"]


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


def recipe_for(env: str | None) -> Path:
    """The recipe of an environment for this machine: today the tiny model on the CPU.

    Raises:
        UnknownNameError: there is no such environment.
        ConfigError: it has no recipe.
    """
    if env is None:
        raise ConfigError("nothing to train on: give --env 2048, or a CONFIG file")
    task = find_task(env)
    recipe = recipes_folder() / task.short / "tiny-cpu.yaml"
    if not recipe.exists():
        raise ConfigError(f"there is no recipe for {task.id} yet: give a CONFIG file")
    return recipe
