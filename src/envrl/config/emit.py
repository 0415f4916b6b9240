"""A configuration written as YAML that reads back as the same configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from envrl.config.document import read_scalar

__all__ = ["emit", "emit_value", "leaves"]

_SAFE = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./+-]*")


def leaves(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """The dotted name and value of everything that is no group; an empty group counts as a value."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def emit(values: Mapping[str, object], comments: Mapping[str, str], prefix: str = "") -> str:
    """YAML of nested mappings, each value followed by the comment of its dotted name, where there is one."""
    lines = []
    pad = "  " * prefix.count(".")
    for key, value in values.items():
        dotted = prefix + key
        if isinstance(value, Mapping) and value:
            lines.append(f"{pad}{key}:\n{emit(value, comments, f'{dotted}.')}")
        else:
            comment = f"  # {comments[dotted]}" if dotted in comments else ""
            lines.append(f"{pad}{key}: {emit_value(value)}{comment}\n")
    return "".join(lines)


def emit_value(value: object) -> str:
    """YAML of one value on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            if _SAFE.fullmatch(value) and read_scalar(value) == value:
                return value
            return str(yaml.safe_dump(value, default_style='"', width=float("inf"))).rstrip("\n")
        case list():
            return f"[{', '.join(map(emit_value, value))}]"
        case Mapping():
            return "{" + ", ".join(f"{key}: {emit_value(child)}" for key, child in value.items()) + "}"
    raise TypeError(f"no YAML for a {type(value).__name__}")
