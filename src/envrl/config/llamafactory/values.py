"""How LLaMA-Factory's files write values: comma lists, and the words of YAML 1.1."""

from __future__ import annotations

from envrl.config.document import Node

__all__ = ["flag", "items", "positive", "shown", "words"]

_FLAGS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def items(node: Node | None) -> list[str]:
    """The names of a comma list, or of a list."""
    if node is None:
        return []
    if isinstance(node.value, list):
        return [str(item.value) for item in node.value]
    return [part.strip() for part in str(node.value).split(",") if part.strip()]


def flag(node: Node) -> object:
    """The value, with the words of YAML 1.1 for true and false read as such."""
    return _FLAGS.get(node.value.lower(), node.value) if isinstance(node.value, str) else node.value


def words(node: Node) -> object:
    """The value, a list as the texts in it."""
    return items(node) if isinstance(node.value, list) else node.value


def positive(value: object) -> bool:
    """Whether a value is a whole number above zero."""
    return isinstance(value, int) and value > 0


def shown(node: Node) -> str:
    """The value, as an error says what was met."""
    return repr(node.value) if isinstance(node.value, str | int | float) else "a list or group"
