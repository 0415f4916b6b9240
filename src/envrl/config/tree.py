"""Trees of nodes: finding what stands at a path, and putting something there."""

from __future__ import annotations

from collections.abc import Iterable

from envrl.config.document import Node
from envrl.config.problems import COMMAND_LINE, Place, Problem

__all__ = ["Path", "find", "place_of", "put"]

Path = tuple[str | int, ...]


def find(root: Node, path: Iterable[str | int]) -> tuple[Path, Node]:
    """The deepest node along a path that was written, and how far down the path it stands."""
    node, found = root, []
    for part in path:
        below = node.value.get(str(part)) if isinstance(node.value, dict) else None
        if isinstance(node.value, list) and isinstance(part, int):
            below = node.value[part]
        if below is None:
            break
        node = below
        found.append(part)
    return tuple(found), node


def place_of(root: Node, fields: Iterable[str]) -> tuple[str, Place]:
    """Of several dotted fields the first that a user wrote, and its place.

    Else the first that has a value, such as another tool's default; else the first.
    """
    fields = tuple(fields)
    found = {name: find(root, name.split(".")) for name in fields}
    set_fields = [name for name, (path, _) in found.items() if len(path) == name.count(".") + 1]
    written = [name for name in set_fields if found[name][1].place.line or found[name][1].place == COMMAND_LINE]
    field = (*written, *set_fields, *fields)[0]
    return field, found[field][1].place


def put(root: Node, dotted: str, value: Node) -> list[Problem]:
    """Put a value into a tree, with the groups that it needs; what is wrong with that."""
    *groups, last = dotted.split(".")
    node = root
    for group in groups:
        assert isinstance(node.value, dict)
        node = node.value.setdefault(group, Node(None, value.place, value.key))
        if node.value is None:
            node.value, node.place = {}, value.place
        if not isinstance(node.value, dict):
            return [Problem(value.place, dotted, f"{group} was given as one value at {node.place}; give it as a group")]
    assert isinstance(node.value, dict)
    node.value[last] = value
    return []
