"""One configuration from a file, overrides and defaults, each value knowing where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envrl.config.document import Node, parse_value, read_document
from envrl.config.emit import emit, leaves
from envrl.config.fields import children, leaf_fields
from envrl.config.problems import COMMAND_LINE, Place, Problem, raise_all
from envrl.config.schema import RunConfig
from envrl.config.validate import find, unknown_key, validate
from envrl.errors import ConfigError

__all__ = ["Resolved", "load_config"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked configuration, and for each dotted leaf ``default``, ``command line``, or file and line."""

    config: RunConfig
    origin: dict[str, str]

    def to_yaml(self) -> str:
        """The whole configuration as YAML, each value with its origin behind it; reads back as the same."""
        return emit(self.config.model_dump(by_alias=True), self.origin)


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Resolved:
    """Resolve a configuration: overrides over the file over defaults.

    An override is ``group.key=value``, or ``key=value`` where only one group has the key; the value is YAML.

    Raises:
        ConfigError: lists everything that is wrong, one a line, as
            ``file:line:column: dotted.field: what (value met); what to do``.
    """
    problems: list[Problem] = []
    root = Node({}, Place("default"), Place("default"))
    if path is not None:
        root, problems = read_document(Path(path))
    for override in overrides:
        problems += _apply(root, override)
    config, found = validate(root)
    problems += found
    if config is None or problems:
        raise_all(problems)
    return Resolved(config, {dotted: _origin(root, dotted) for dotted, _ in leaves(config.model_dump(by_alias=True))})


def _origin(root: Node, dotted: str) -> str:
    path = tuple(dotted.split("."))
    found, node = find(root, path)
    return node.place.origin if found == path else "default"


def _apply(root: Node, override: str) -> list[Problem]:
    """Put one override into the tree; what is wrong with it."""
    name, equals, text = override.partition("=")
    name = name.strip()
    if not equals or not name:
        return [
            Problem(COMMAND_LINE, "", f"expected key=value ({override!r} met); write for example train.max_steps=80")
        ]
    try:
        value, problems = parse_value(text, COMMAND_LINE.source, name)
    except ConfigError as error:
        return [Problem(COMMAND_LINE, "", str(error).removeprefix(f"{COMMAND_LINE}: "))]
    if "." not in name and name not in children(""):
        homes = [leaf for leaf in leaf_fields() if leaf.rpartition(".")[2] == name]
        if len(homes) > 1:
            choices = " or ".join(f"{home}=…" for home in homes)
            return [Problem(COMMAND_LINE, name, f"several groups have this key; write {choices}")]
        if not homes:
            return [Problem(COMMAND_LINE, name, unknown_key(name, value))]
        name = homes[0]
    return problems + _put(root, name, value)


def _put(root: Node, dotted: str, value: Node) -> list[Problem]:
    *groups, last = dotted.split(".")
    node = root
    for group in groups:
        assert isinstance(node.value, dict)
        node = node.value.setdefault(group, Node(None, COMMAND_LINE, COMMAND_LINE))
        if node.value is None:
            node.value, node.place = {}, COMMAND_LINE
        if not isinstance(node.value, dict):
            return [
                Problem(COMMAND_LINE, dotted, f"{group} was given as one value at {node.place}; give it as a group")
            ]
    assert isinstance(node.value, dict)
    node.value[last] = value
    return []
