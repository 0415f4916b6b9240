"""One configuration from a file, overrides and defaults, each value knowing where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envrl.config.cautions import cautions
from envrl.config.constraints import Violation
from envrl.config.document import Node, read_document
from envrl.config.emit import emit, leaves
from envrl.config.fields import children
from envrl.config.llamafactory import Assignment, convert, is_flat
from envrl.config.overrides import Override, parse_override
from envrl.config.problems import COMMAND_LINE, Place, Problem, in_order, raise_all
from envrl.config.schema import RunConfig
from envrl.config.short_forms import spell_out
from envrl.config.tree import find, place_of, put
from envrl.config.validate import validate

__all__ = ["Resolved", "load_config"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A checked configuration, and where it came from.

    Attributes:
        config: the configuration.
        origin: for each dotted leaf ``default``, ``command line``, ``LLaMA-Factory's default``, or file and line.
        warnings: what its user should know, one a line: settings that envrl does not do, and values far outside what is
            usual. Each begins with its place, as the lines of an error do.
    """

    config: RunConfig
    origin: dict[str, str]
    warnings: tuple[str, ...] = ()

    def to_yaml(self) -> str:
        """The whole configuration as YAML, each value with its origin behind it; reads back as the same."""
        return emit(self.config.model_dump(by_alias=True), self.origin)


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Resolved:
    """Resolve a configuration: overrides over the file over defaults.

    The file has the groups of `RunConfig`, or is a flat one as LLaMA-Factory takes it. An override is
    ``group.key=value``, ``key=value`` where only one group has the key, or a key of LLaMA-Factory; the value is YAML.

    Raises:
        ConfigError: lists everything that is wrong, one a line, as
            ``file:line:column: dotted.field: what (value met); what to do``.
    """
    tree = _Tree()
    if path is not None:
        tree.read(Path(path))
    tree.override(overrides)
    config, found = validate(tree.root)
    problems = [*tree.problems, *found]
    if config is None or problems:
        raise_all(tree.under_their_keys(problems))
    warnings = [*tree.notes, *(_placed(tree.root, caution) for caution in cautions(config))]
    return Resolved(
        config,
        {dotted: _origin(tree.root, dotted) for dotted, _ in leaves(config.model_dump(by_alias=True))},
        tuple(map(str, in_order(tree.under_their_keys(warnings)))),
    )


def _origin(root: Node, dotted: str) -> str:
    path = tuple(dotted.split("."))
    found, node = find(root, path)
    return node.place.origin if found == path else "default"


def _placed(root: Node, caution: Violation) -> Problem:
    field, place = place_of(root, caution.fields)
    return Problem(place, field, caution.text)


class _Tree:
    """A tree of nodes in the shape of `RunConfig`, grown from a file and overrides."""

    def __init__(self) -> None:
        nowhere = Place("default")
        self.root = Node({}, nowhere, nowhere)
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._flat: dict[str, Node] = {}
        self._is_flat = False
        self._keys: dict[str, str] = {}

    def read(self, path: Path) -> None:
        """Read a file; of a flat one, only the groups that stand in it, and its flat keys apart."""
        self.root, self.problems = read_document(path)
        self._is_flat = is_flat(self.root)
        if self._is_flat:
            assert isinstance(self.root.value, dict)
            groups = {k: node for k, node in self.root.value.items() if _is_group(k, node)}
            self._flat = {k: node for k, node in self.root.value.items() if k not in groups}
            self.root.value = groups
        self.problems += spell_out(self.root)

    def override(self, texts: Sequence[str]) -> None:
        """Lay overrides over what was read, the last one last."""
        written: list[Override] = []
        for text in texts:
            override, problems = parse_override(text, flat_file=self._is_flat)
            self.problems += problems
            if override is not None:
                written.append(override)
        turns = {override.name: turn for turn, override in enumerate(written) if override.flat}
        flat = self._flat | {override.name: override.node for override in written if override.flat}
        stage = self._stage(written)
        converted = convert(flat, stage, whole=self._is_flat)
        self.problems += converted.problems
        self.notes += converted.notes
        self._keys = {assignment.field: assignment.key for assignment in converted.assignments if assignment.key}
        for assignment in converted.assignments:
            if assignment.key not in turns:
                self._from_file(assignment)
        for turn, override in enumerate(written):
            if override.flat:
                for assignment in converted.assignments:
                    if turns.get(assignment.key) == turn:
                        self._over(assignment.field, assignment.node)
            else:
                self._over(override.name, override.node)

    def _stage(self, written: Sequence[Override]) -> str | None:
        """The stage that the groups or overrides name, for flat keys that mean something in some stages only."""
        found, node = find(self.root, ("method", "name"))
        named = [node] if len(found) == 2 else []
        named += [override.node for override in written if override.name == "method.name"]
        if named:
            return str(named[-1].value)
        return None if self._is_flat else "grpo"

    def _from_file(self, assignment: Assignment) -> None:
        path = tuple(assignment.field.split("."))
        found, node = find(self.root, path)
        if found == path and assignment.key and node.place.line is not None:
            what = f"given twice: {assignment.field} stands at {node.place}; keep one of them"
            self.problems.append(Problem(assignment.node.key, assignment.key, what))
        elif found != path or assignment.key:
            self.problems += put(self.root, assignment.field, assignment.node)

    def _over(self, field: str, node: Node) -> None:
        self.problems += put(self.root, field, node)
        path = ("train", "epochs")
        if field == "train.max_steps" and find(self.root, path)[0] == path:
            # Who asks for steps means steps; a number of epochs in the file would come before them.
            put(self.root, "train.epochs", Node(None, COMMAND_LINE, COMMAND_LINE))

    def under_their_keys(self, problems: Sequence[Problem]) -> list[Problem]:
        """Problems with the key of LLaMA-Factory before the field, where that is what was written."""
        return [replace(problem, field=_named(problem.field, self._keys)) for problem in problems]


def _named(field: str, keys: Mapping[str, str]) -> str:
    key = keys.get(field)
    return field if key is None or field.rpartition(".")[2] == key else f"{key} ({field})"


def _is_group(key: str, node: Node) -> bool:
    """Whether a top-level key of a flat file is a group of ours; ``dataset`` may be both."""
    return key in children("") and (key != "dataset" or isinstance(node.value, dict))
