"""Strategies to compare with: a constant, and for each family the program that is always right."""

from __future__ import annotations

from importlib.resources import files

from envrl.envs.math.families import FAMILIES
from envrl.errors import UnknownNameError

__all__ = ["constant", "exact"]


def constant() -> str:
    """The source of ``strategies/constant.py``: the same answer to everything."""
    return (files("envrl.envs.math.strategies") / "constant.py").read_text()


def exact(family: str) -> str:
    """The source of a strategy that solves every problem of a family.

    Raises:
        UnknownNameError: there is no such family.
    """
    if family not in FAMILIES:
        raise UnknownNameError("family of problems", family, FAMILIES)
    return FAMILIES[family].source(FAMILIES[family].program)
