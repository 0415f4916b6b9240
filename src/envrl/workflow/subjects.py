"""What can be measured: whatever gives programs, one after the other, the same for the same number.

A served model, or anything else that writes completions, joins by offering the same face (`Subject`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from envrl.envs.math.datasets import Problem
from envrl.errors import RunError, StrategyError
from envrl.evaluation.escape import one_line
from envrl.evaluation.sweeps import Kind, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import extract
from envrl.runs import file_hash, read_lines
from envrl.workflow.strategy_file import read_strategy
from envrl.workflow.watching import Watcher

__all__ = ["Answers", "Completions", "Strategies", "Subject", "program_of"]

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
        """The programs ``first`` … ``first + count - 1``, as they come; each must depend on its number alone.

        Of an answer task these are completions: those that answer the first question, then those of the second …
        """


def program_of(index: int, label: str, completion: str, contract: str | None, **facts: Any) -> SweepProgram:
    """A completion as a program of a sweep; without a contract it is an answer, and holds none."""
    if contract is None:
        return SweepProgram(index=index, label=label, completion=completion, source=None, **facts)
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

    def __init__(self, path: Path, contract: str | None) -> None:
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
        self._records = rows
        self.count: int | None = len(self._rows)

    def identity(self, watcher: Watcher) -> dict[str, str]:
        return {"completions": self._hash[:_DIGITS]}

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        for index in range(first, first + count):
            text, label = self._rows[index]
            yield program_of(index, label, text, self.contract)


class Answers(Completions):
    """A file of completions that answer questions, a JSON object a line.

    Each line says which question it answers: by ``seed``, the index of one of the task's; or by ``truth``, the right
    answer to a question of the file's own, which ``question`` may hold (lines of the same question are several answers
    to it). Every question needs equally many answers.

    Attributes:
        seeds: of the questions.
        samples: answers to each.
        own: the file's own questions; None where they are the task's.

    Raises:
        RunError: as `Completions`; a line that names no question; or a question that has more answers than another.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, None)
        columns: dict[int, list[tuple[str, str]]] = {}
        if "seed" in self._records[0]:
            self.own: tuple[Problem, ...] | None = None
            for number, (record, row) in enumerate(zip(self._records, self._rows, strict=True), 1):
                columns.setdefault(_seed(record, f"{path}:{number}"), []).append(row)
        else:
            known: dict[str, int] = {}
            problems: list[Problem] = []
            for number, (record, row) in enumerate(zip(self._records, self._rows, strict=True), 1):
                problem = _problem(record, f"{path}:{number}")
                place = known.setdefault(problem.question or problem.where, len(known))
                if place == len(problems):
                    problems.append(problem)
                elif problems[place].truth != problem.truth:
                    raise RunError(
                        f"{problem.where}: the question of {problems[place].where} again, with another truth "
                        f"({one_line(problem.truth)} where that has {one_line(problems[place].truth)})"
                    )
                columns.setdefault(place, []).append(row)
            self.own = tuple(problems)
        self.seeds = range(min(columns), max(columns) + 1)
        self.samples = len(columns[self.seeds.start])
        for seed in self.seeds:
            if len(columns.get(seed, ())) != self.samples:
                raise RunError(
                    f"{path}: question {seed} has {len(columns.get(seed, ()))} answers, where question "
                    f"{self.seeds.start} has {self.samples}: give every question from {self.seeds.start} to "
                    f"{self.seeds.stop - 1} equally many"
                )
        self._rows = [row for seed in self.seeds for row in columns[seed]]


def _seed(record: dict[str, Any], where: str) -> int:
    seed = record.get("seed")
    if type(seed) is not int or seed < 0:
        raise RunError(f'{where}: no question: "seed" is {one_line(repr(seed))}, where the first line names a seed')
    return seed


def _problem(record: dict[str, Any], where: str) -> Problem:
    truth, question = record.get("truth"), record.get("question", "")
    if isinstance(truth, bool) or not isinstance(truth, int | float | str) or not str(truth).strip():
        raise RunError(
            f'{where}: no right answer: write it as a text or a number under "truth", or the index of the question '
            f'under "seed" in every line; "truth" is {one_line(repr(truth))}'
        )
    if not isinstance(question, str):
        raise RunError(f'{where}: "question" is {one_line(repr(question))}, where a text is wanted')
    return Problem(question, str(truth), where)


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
