"""What can be measured: whatever gives programs, one after the other, the same for the same number.

A served model, or anything else that writes completions, joins by offering the same face (`Subject`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from envrl.errors import RunError, StrategyError
from envrl.evaluation.escape import one_line
from envrl.evaluation.sweeps import Kind, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import extract
from envrl.runs import file_hash, read_lines
from envrl.workflow.strategy_file import read_strategy
from envrl.workflow.watching import Watcher

__all__ = ["Completions", "Strategies", "Subject", "program_of"]

_DIGITS = 16


class Subject(Protocol):
    """Whatever programs come from."""

    @property
    def kind(self) -> Kind:
        """For the sweep's header."""

    @property
    def name(self) -> str:
        """As a report shows it."""

    @property
    def contract(self) -> str | None:
        """How a strategy is taken out of a completion; None where there are only strategies."""

    @property
    def prompt(self) -> str | None:
        """What is answered; None where nobody is asked."""

    @property
    def sampling(self) -> dict[str, Any]:
        """Settings that the completions depend on."""

    @property
    def count(self) -> int | None:
        """How many programs there are; None for as many as one asks for."""

    def identity(self, watcher: Watcher) -> dict[str, str]:
        """What names the very thing that is measured (hashes, commits), for the header's versions; may load it."""

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        """The programs ``first`` … ``first + count - 1``, as they come; each must depend on its number alone."""


def program_of(index: int, label: str, completion: str, contract: str, **facts: Any) -> SweepProgram:
    """A completion as a program of a sweep."""
    extracted = extract(completion, contract)
    outcome = Outcome.NO_CODE if extracted.source is None else None
    return SweepProgram(
        index=index,
        label=label,
        completion=completion,
        source=extracted.source,
        outcome=outcome,
        detail=extracted.reason,
        **facts,
    )


class Strategies:
    """Strategy files; a folder stands for the Python files in it.

    Raises:
        StrategyError: a file cannot be read, or a folder holds none.
    """

    kind: Kind = "strategies"
    contract: str | None = None
    prompt: str | None = None

    def __init__(self, paths: Iterable[str]) -> None:
        self.sampling: dict[str, Any] = {}
        self._files = [file for path in paths for file in _files(Path(path))]
        self._sources = [read_strategy(file) for file in self._files]
        self.name = str(self._files[0]) if len(self._files) == 1 else f"{len(self._files)} strategies"
        self.count: int | None = len(self._files)

    def identity(self, watcher: Watcher) -> dict[str, str]:
        sources = hashlib.sha256("\0".join(self._sources).encode("utf-8", "surrogatepass"))
        return {"strategies": sources.hexdigest()[:_DIGITS]}

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        for index in range(first, first + count):
            yield SweepProgram(index=index, label=str(self._files[index]), completion=None, source=self._sources[index])


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        found = sorted(file for file in path.iterdir() if file.suffix == ".py" and file.is_file())
    except OSError as error:
        raise StrategyError(f"{path}: cannot be read ({error.strerror})") from None
    if not found:
        raise StrategyError(f"{path}: this folder holds no strategy: put files ending in .py there, or name a file")
    return found


class Completions:
    """A file of completions, a JSON object a line, from anywhere.

    The text stands in the field ``completion`` (a string, or chat messages as TRL has them), or is the last message
    of an assistant in ``messages``; a ``label`` names it.

    Raises:
        RunError: the file cannot be read, has no line, or a line without a completion.
    """

    kind: Kind = "completions"
    prompt: str | None = None

    def __init__(self, path: Path, contract: str) -> None:
        self.name = str(path)
        self.contract: str | None = contract
        self.sampling: dict[str, Any] = {}
        self._hash = file_hash(path)
        lines = read_lines(path)
        rows = list(lines.records)
        if lines.torn:
            rows += _last_line(path, lines.torn)
        if not rows:
            raise RunError(f'{path}: holds no completion; give JSON lines such as {{"completion": "…"}}')
        self._rows = [(_text(row, f"{path}:{number}"), _label(row, number - 1)) for number, row in enumerate(rows, 1)]
        self.count: int | None = len(self._rows)

    def identity(self, watcher: Watcher) -> dict[str, str]:
        return {"completions": self._hash[:_DIGITS]}

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        assert self.contract is not None
        for index in range(first, first + count):
            text, label = self._rows[index]
            yield program_of(index, label, text, self.contract)


def _last_line(path: Path, size: int) -> list[dict[str, Any]]:
    """A last line without its end counts if it is whole: other people's files often end so. A torn one is an error."""
    tail = path.read_bytes()[-size:]
    try:
        return [msgspec.json.decode(tail, type=dict[str, Any])] if tail.strip() else []
    except msgspec.DecodeError:
        raise RunError(
            f"{path}: its last line is torn ({one_line(tail[:40].decode('utf-8', 'replace'))} …): "
            "remove it, or write the file again"
        ) from None


def _text(row: dict[str, Any], where: str) -> str:
    content = row.get("completion", row.get("messages"))
    if isinstance(content, list):
        spoken = [
            m["content"] for m in content if isinstance(m, dict) and m.get("role") == "assistant" and "content" in m
        ]
        content = spoken[-1] if spoken else None
    if not isinstance(content, str):
        has = ", ".join(map(repr, sorted(row)[:6])) or "nothing"
        raise RunError(
            f'{where}: no completion here: it needs "completion" with a text, or "messages" with one of role '
            f"assistant; it has {one_line(has)}"
        )
    return content


def _label(row: dict[str, Any], index: int) -> str:
    label = row.get("label")
    return f"#{index}" if label is None else str(label)
