"""Math as a program task: prompts and games by family, and the presets.

A *variant* is a template family: `variants` lists those of a choice, and `prompts`, `games` and `grammar.examples` take
one as their argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.resources import files

from envrl.envs.math.families import FAMILIES, find_families
from envrl.envs.math.games import Problems, action, check_options
from envrl.envs.math.grammar import examples
from envrl.envs.task import Lent, Task
from envrl.errors import ConfigError
from envrl.limits import Limits

__all__ = ["IMPORTS", "PRESETS", "VERSION", "games", "prompts", "task_math", "variants"]

VERSION = 0

PRESETS: dict[str, dict[str, int | str]] = {
    "envrl/math-v0": {"family": "linear_equation", "level": 1, "view": "parameters"},
}
"""Registered ids with their options."""

IMPORTS = (
    "bisect", "collections", "functools", "fractions", "heapq", "itertools", "math", "operator", "random",
    "string", "typing",
)  # fmt: skip
"""Modules that a strategy may import."""

_LIMITS = Limits(load_cpu=1.0, call_cpu=1.0, game_cpu=1.5, grace_cpu=0.25, memory=64 * 2**20, hard_failures=2)


def variants(family: str) -> tuple[str, ...]:
    """The families that a choice stands for: a name, an area, or ``all``.

    Raises:
        UnknownNameError: nothing answers to it.
    """
    return find_families(family)


def prompts(variant: str, contract: str, view: str = "parameters") -> str:
    """What a model of this class of output contract sees of a family."""
    return FAMILIES[variant].prompt(contract, view)


def games(seeds: Sequence[int], variant: str, *, level: int = 1, view: str = "parameters") -> Problems:
    """The problems of a family, one a seed."""
    return Problems(seeds, variant, level, view)


def task_math(
    id: str = "envrl/math-v0",
    *,
    toolkit: str = "none",
    family: str | None = None,
    level: int | None = None,
    view: str | None = None,
) -> Task:
    """The program task of one family, with single options changed.

    Args:
        id: one of `PRESETS`.
        toolkit: there is none; ``full`` and ``none`` are the same.
        family: a template family.
        level: 1 to 3.
        view: ``parameters`` or ``text``.

    Raises:
        ConfigError: an option that makes no problem, or a family that stands for several.
        UnknownNameError: there is no such family or view.
    """
    preset = PRESETS[id]
    family, view = str(family or preset["family"]), str(view or preset["view"])
    level = int(preset["level"]) if level is None else level
    check_options(level, view)
    if toolkit not in ("full", "none"):
        raise ConfigError(f"env.toolkit is {toolkit!r}: choose 'full' or 'none'")
    names = variants(family)
    if len(names) > 1:
        raise ConfigError(
            f"env.options.family is {family!r}, which stands for {len(names)} families: name one, such as {names[0]!r}"
        )
    chosen = FAMILIES[names[0]]
    by_parameters = view == "parameters"
    return Task(
        id=id,
        short="math",
        version=VERSION,
        title=f"math: {chosen.name}, level {level}",
        entry_point="solve",
        prompts={contract: prompts(chosen.name, contract, view) for contract in ("tiny", "chat")},
        lent=Lent(adapter=(files("envrl.envs.math") / "lent" / "adapter.py").read_text(), imports=IMPORTS),
        action=action,
        games=partial(games, variant=chosen.name, level=level, view=view),
        success="the exact answer",
        example_action="12",
        limits=_LIMITS,
        # A program of the grammar works on parameters.
        examples=partial(examples, family=chosen.name) if by_parameters else None,
        options={"family": chosen.name, "level": level, "view": view},
    )
