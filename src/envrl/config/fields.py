"""The fields of the schema as one flat table, for hints, overrides and documentation."""

from __future__ import annotations

import functools
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from envrl.config.schema import RunConfig

__all__ = ["all_fields", "children", "leaf_fields", "submodel"]


def submodel(info: FieldInfo) -> type[BaseModel] | None:
    """The model of a field that is a group of keys (maybe an optional one), else None."""
    for kind in (info.annotation, *get_args(info.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


@functools.cache
def all_fields() -> dict[str, FieldInfo]:
    """Every group and leaf of a `RunConfig` by its dotted name, in the order of the schema."""
    found: dict[str, FieldInfo] = {}

    def collect(model: type[BaseModel], prefix: str) -> None:
        for name, info in model.model_fields.items():
            name = info.alias or name  # "import" cannot be a name in Python
            found[prefix + name] = info
            if inner := submodel(info):
                collect(inner, f"{prefix}{name}.")

    collect(RunConfig, "")
    return found


@functools.cache
def leaf_fields() -> dict[str, FieldInfo]:
    """Every field of a `RunConfig` that is not a group itself, by its dotted name."""
    return {dotted: info for dotted, info in all_fields().items() if submodel(info) is None}


def children(group: str) -> list[str]:
    """The keys that stand directly in a group; the empty name is the whole configuration."""
    prefix = f"{group}." if group else ""
    return [
        dotted.removeprefix(prefix)
        for dotted in all_fields()
        if dotted.startswith(prefix) and "." not in dotted.removeprefix(prefix)
    ]
