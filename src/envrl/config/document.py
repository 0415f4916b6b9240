"""YAML in which every key and value remembers where it was written.

Plain scalars are read as YAML 1.2 reads them, so that ``1e-5`` is a float, ``on`` is text and ``1:30`` is no number
in base sixty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from envrl.config.problems import Place, Problem
from envrl.errors import ConfigError

__all__ = ["Node", "parse_value", "plain", "read_document", "read_scalar"]

_TAG = "tag:yaml.org,2002:"

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {"": None, "~": None}
for _word, _value in (("null", None), ("true", True), ("false", False)):
    _WORDS |= {_word: _value, _word.capitalize(): _value, _word.upper(): _value}

_INTEGER = re.compile(r"[-+]?[0-9]{1,100}")
_BASED = re.compile(r"0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(slots=True)
class Node:
    """A value with its place, and the place of the key that it stands under."""

    value: Scalar | dict[str, Node] | list[Node]
    place: Place
    key: Place


def plain(node: Node) -> object:
    """The value of a node without places: scalars, dicts and lists."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def read_scalar(text: str) -> Scalar:
    """What an unquoted YAML scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def read_document(path: Path) -> tuple[Node, list[Problem]]:
    """Read a YAML file that holds a mapping; duplicate keys and the like come back as problems.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or holds something else than a mapping.
    """
    source = str(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{source}: no such configuration file; check the path") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read ({error.strerror}); check the path and its permissions") from None
    builder = _Builder(source, numbered=True)
    root = builder.read(text)
    if root.value is None:
        root.value = {}
    if not isinstance(root.value, dict):
        raise ConfigError(f"{root.place}: expected groups of keys, such as 'train:' with 'max_steps: 80' below it")
    return root, builder.problems


def parse_value(text: str, source: str, field: str) -> tuple[Node, list[Problem]]:
    """Read a value that stands in no file, such as one from the command line.

    Raises:
        ConfigError: the text is no YAML value.
    """
    builder = _Builder(source, numbered=False)
    return builder.read(text, field), builder.problems


class _Builder:
    """Turns the nodes of one YAML text into ours."""

    def __init__(self, source: str, *, numbered: bool) -> None:
        self._source, self._numbered = source, numbered
        self._open: list[yaml.Node] = []
        self.problems: list[Problem] = []

    def read(self, text: str, field: str = "") -> Node:
        place = self._place(0, 0)
        try:
            root = yaml.compose(text, Loader=yaml.BaseLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = self._place(mark.line, mark.column) if mark else place
            what = " ".join(part for part in (error.context, error.problem) if part)
            raise ConfigError(str(Problem(where, field, f"not YAML: {what}; {_mend(what)}"))) from None
        except RecursionError:
            raise ConfigError(str(Problem(place, field, "nested too deeply; a configuration has few levels"))) from None
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            where = self._place(before.count("\n"), len(before.rpartition("\n")[2]))
            what = f"not YAML: character U+{error.character:04X} is not allowed; remove it"
            raise ConfigError(str(Problem(where, field, what))) from None
        return Node(None, place, place) if root is None else self._build(root, field, place)

    def _place(self, line: int, column: int) -> Place:
        return Place(self._source, line + 1, column + 1) if self._numbered else Place(self._source)

    def _build(self, node: yaml.Node, field: str, key: Place) -> Node:
        place = self._place(node.start_mark.line, node.start_mark.column)
        if node.tag.removeprefix(_TAG) not in ("str", "map", "seq"):
            self.problems.append(Problem(place, field, f"YAML tags mean nothing here ({node.tag!r} met); remove it"))
        if any(node is outer for outer in self._open):
            raise ConfigError(str(Problem(place, field, "an alias that holds itself; write the value out")))
        self._open.append(node)
        value: Scalar | dict[str, Node] | list[Node]
        if isinstance(node, yaml.MappingNode):
            value = self._mapping(node, field)
        elif isinstance(node, yaml.SequenceNode):
            value = [self._build(child, f"{field}.{i}", place) for i, child in enumerate(node.value)]
        else:
            quoted = getattr(node, "style", None) is not None
            value = node.value if quoted else read_scalar(node.value)
        self._open.pop()
        return Node(value, place, key)

    def _mapping(self, node: yaml.MappingNode, field: str) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node.start_mark.line, key_node.start_mark.column)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(place, field, "a key must be a word; quote it if it is one"))
                continue
            name = key_node.value
            dotted = f"{field}.{name}" if field else name
            if name in found:
                first = found[name].key.line
                where = f" at line {first}" if first else ""
                self.problems.append(Problem(place, dotted, f"key given twice (first{where}); keep one of them"))
            else:
                found[name] = self._build(value_node, dotted, place)
        return found


def _mend(what: str) -> str:
    if r"'\t'" in what:
        return "indent with spaces, not tabs"
    return "check the indentation, and quote text that holds : # or brackets"
