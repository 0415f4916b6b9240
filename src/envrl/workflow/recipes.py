"""Recipes: the YAML files of ``configs/``, one for each way to train on an environment; and the task that one names."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from envrl.config import EnvConfig, Resolved, RunConfig, load_config
from envrl.envs import Task, find_task, load_environments
from envrl.errors import ConfigError, UnknownNameError
from envrl.models.shapes import ModelShape, find_shape
from envrl.workflow.estimate import MemoryEstimate, estimate_memory, fits, guess_tokens

__all__ = [
    "Recipe",
    "find_recipe",
    "list_recipes",
    "matching",
    "open_recipe",
    "recipe_for",
    "recipes_folder",
    "task_of",
]

_ANY = "any"  # the recipe of environments that have none of their own
_TINY = "tiny-cpu"


@dataclass(frozen=True)
class Recipe:
    """A recipe, read.

    Attributes:
        name: its path below ``configs/``, without the suffix.
        title: the first line of its head.
        resolved: its configuration.
        shape: of its model; None where that is not known before it is downloaded.
        memory: what it needs; None likewise.
    """

    name: str
    path: Path
    title: str
    resolved: Resolved
    shape: ModelShape | None
    memory: MemoryEstimate | None

    @property
    def config(self) -> RunConfig:
        """Its configuration."""
        return self.resolved.config

    @property
    def task(self) -> str:
        """What is learnt, in a word or two: the environment that is played, or the stage."""
        method = self.config.method
        return f"{_environment(self.config)[-1]}, {method.name}" if method.plays else method.name

    @property
    def size(self) -> str:
        """Parameters of its model."""
        if self.shape is None:
            return "unknown"
        count = self.shape.parameters
        return f"{count / 1e9:.1f} B" if count >= 1e8 else f"{count / 1e6:.1f} M"

    @property
    def modality(self) -> str:
        """What it learns from: all of envrl's recipes read text, a model that sees images, too."""
        return "text"

    @property
    def needs_gpu(self) -> bool:
        """Whether it is made for one."""
        return self.config.model.path != "tiny"


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


def list_recipes(folder: str | None = None) -> list[Recipe]:
    """All recipes by name, or those of one folder."""
    root = recipes_folder()
    return [open_recipe(path) for path in sorted((root / folder if folder else root).rglob("*.yaml"))]


def find_recipe(name: str) -> Path:
    """The file of a recipe by its name, such as ``2048/gpt-oss-20b``; the last part will do where only one has it.

    Raises:
        UnknownNameError: there is no such recipe, or several.
    """
    root = recipes_folder()
    names = {path.relative_to(root).with_suffix("").as_posix(): path for path in root.rglob("*.yaml")}
    wanted = name.removesuffix(".yaml")
    found = [path for known, path in names.items() if wanted in (known, known.rpartition("/")[2])]
    if wanted in names:
        return names[wanted]
    if len(found) != 1:
        raise UnknownNameError("recipe", name, names)
    return found[0]


def matching(recipes: list[Recipe], task: str | None, memory: float | None) -> list[Recipe]:
    """The recipes of a task (environment or stage) that fit into so much memory.

    Args:
        memory: in GiB.
    """
    words = {task} if task else set()
    return [
        recipe
        for recipe in recipes
        if (not words or words & {recipe.config.method.name, *_environment(recipe.config)})
        and (memory is None or (recipe.memory is not None and fits(recipe.memory, recipe.config, memory * 2**30)))
    ]


def _environment(config: RunConfig) -> tuple[str, ...]:
    """Names of what is played: as it stands there, and the short one."""
    if not config.method.plays:
        return ()
    return config.env.id, find_task(config.env.id, config.env.options).short


def open_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Reads a recipe, with what it needs."""
    root = recipes_folder()
    resolved = load_config(path, overrides)
    config = resolved.config
    shape = find_shape(config.model.path)
    memory = None
    if shape is not None:
        played = find_task(config.env.id, config.env.options) if config.method.plays else None
        tokens = guess_tokens(played.prompt(config.model.contract)) if played else 0
        memory = estimate_memory(config, shape, tokens, "cpu" if config.model.path == "tiny" else "cuda")
    name = path.relative_to(root).with_suffix("").as_posix() if path.is_relative_to(root) else str(path)
    return Recipe(name, path, _title(path), resolved, shape, memory)


def _title(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    heads = (line[1:].strip() for line in lines if line.startswith("#") and "$schema=" not in line)
    return next(heads, "")


def recipe_for(env: str | None, success: str | None = None) -> Path:
    """The recipe of an environment for a machine without a GPU: the tiny model's.

    Args:
        success: a rule in place of the environment's own, which may have none.

    Raises:
        UnknownNameError: there is no such environment.
        ConfigError: none is named.
    """
    if env is None:
        raise ConfigError("nothing to train on: give --env 2048, or a CONFIG file")
    folder = recipes_folder()
    own = folder / find_task(env, success=success).short / f"{_TINY}.yaml"
    return own if own.exists() else folder / _ANY / f"{_TINY}.yaml"


def task_of(env: EnvConfig) -> Task:
    """The task that a configuration names.

    Raises:
        EnvrlError: there is no such environment, or it cannot be used as asked.
    """
    if env.module:
        load_environments(env.module)
    return find_task(env.id, env.options, env.toolkit, env.success)
