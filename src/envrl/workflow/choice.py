"""Which recipe a machine trains by: tiny without a GPU; with one, the largest of the environment that fits."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from envrl.envs import find_task
from envrl.workflow.estimate import fits
from envrl.workflow.recipes import Recipe, list_recipes, open_recipe, recipe_for, recipes_folder

__all__ = ["Choice", "choose_recipe", "device_memory"]

_PLAIN = ("model.backend=transformers", "model.generation=transformers")
_GPU_FILES = ("nvidia*", "kfd", "dxg")  # of NVIDIA's driver, AMD's, and Windows' under WSL
_UNQUANTIZED = ("model.load_in_4bit=false", "train.optim=adamw_torch")


@dataclass(frozen=True)
class Choice:
    """A recipe, and why it was taken.

    Attributes:
        overrides: what differs from the file, since a library is not installed.
        why: one sentence or more for a person.
    """

    path: Path
    overrides: tuple[str, ...]
    why: str


def device_memory() -> float | None:
    """Free bytes of the first GPU that torch sees; None where there is none, or no torch."""
    if sys.platform == "linux" and not any(next(Path("/dev").glob(name), None) for name in _GPU_FILES):
        return None  # known without the second that importing torch takes
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    return float(torch.cuda.mem_get_info()[0])


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def choose_recipe(
    env: str | None,
    success: str | None = None,
    model: str | None = None,
    *,
    memory: float | None = None,
    installed: Callable[[str], bool] = _installed,
) -> Choice:
    """The recipe of an environment for this machine.

    Args:
        success: a rule in place of the environment's own, which may have none.
        model: that the user names; its recipe is taken where there is one, else the tiny model's with this model.
        memory: bytes that are free on the GPU; None where there is none.
        installed: whether a module is there.

    Raises:
        UnknownNameError: there is no such environment.
        ConfigError: none is named.
    """
    tiny = recipe_for(env, success)
    assert env is not None
    if model == "tiny":
        return Choice(tiny, (), "the tiny model, as asked")
    if model is not None:
        named = [r for r in _of(find_task(env, success=success).short) if r.config.model.path == model and r.needs_gpu]
        if not named:
            return Choice(
                tiny, (), f"{model}, as asked, with the settings of the tiny model's recipe: no recipe has it"
            )
        changes, lacking = _overrides(named[0], installed)
        return Choice(named[0].path, changes or (), f"the recipe of {model}, as asked" + _without(lacking))
    if memory is None:
        return Choice(tiny, (), "the tiny model, since torch sees no GPU")
    short = find_task(env, success=success).short
    large = [r for r in _of(short) if r.needs_gpu and r.config.method.plays]
    free = f"{memory / 2**30:.0f} GiB free on the GPU"
    if not large:
        return Choice(
            tiny, (), f"the tiny model: {short} has no recipe for a GPU ({free}); --model takes another model"
        )
    large.sort(key=lambda r: r.shape.parameters if r.shape else 0, reverse=True)
    passed: list[str] = []
    for recipe in large:
        overrides, lacking = _overrides(recipe, installed)
        if overrides is None:
            passed.append(f"{recipe.name} needs {lacking}")
            continue
        fitted = open_recipe(recipe.path, overrides)
        if fitted.memory is None or not fits(fitted.memory, fitted.config, memory):
            need = f"about {fitted.memory.total / 2**30:.0f} GiB" if fitted.memory else "an unknown share"
            passed.append(f"{recipe.name} needs {need}")
            continue
        need = f"about {fitted.memory.total / 2**30:.0f} GiB"
        why = f"the largest recipe of {short} that fits: {recipe.name}, {need} of {free}"
        return Choice(recipe.path, overrides, "; ".join([why + _without(lacking), *passed]))
    return Choice(tiny, (), "; ".join([f"the tiny model: no larger recipe of {short} fits, {free}", *passed]))


def _without(lacking: str) -> str:
    return f"; without {lacking}, which is not installed" if lacking else ""


def _of(short: str) -> Sequence[Recipe]:
    return list_recipes(short) if (recipes_folder() / short).is_dir() else ()


def _overrides(recipe: Recipe, installed: Callable[[str], bool]) -> tuple[tuple[str, ...] | None, str]:
    """What to change where Unsloth, vLLM or bitsandbytes is missing, None where nothing helps; and what is missing."""
    model, train = recipe.config.model, recipe.config.train
    changes: list[str] = []
    lacking: list[str] = []
    if model.backend == "unsloth" and not installed("unsloth"):
        if model.load_in_fp8:
            return None, "unsloth"
        changes.append(_PLAIN[0])
        lacking.append("unsloth")
    if model.generation == "vllm" and not installed("vllm"):
        changes.append(_PLAIN[1])
        lacking.append("vllm")
    if (model.load_in_4bit or "8bit" in train.optim) and not installed("bitsandbytes"):
        changes += _UNQUANTIZED
        lacking.append("bitsandbytes")
    return tuple(changes), " and ".join(lacking)
