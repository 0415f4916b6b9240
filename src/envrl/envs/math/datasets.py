"""Data sets of problems with answers: GSM8K and MATH formats, from a file or from Hugging Face; and our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from envrl.envs.math.answers import find_answer
from envrl.envs.math.families import FAMILIES, find_families
from envrl.errors import ConfigError, MissingExtraError, UnknownNameError

__all__ = ["FORMATS", "Problem", "generated", "load_problems"]

FORMATS: dict[str, tuple[str, str]] = {"gsm8k": ("question", "answer"), "math": ("problem", "solution")}
"""By name, the fields of question and solution. The answer stands behind ``####`` or in the last ``\\boxed{}``."""

_MARKS = {"gsm8k": "####", "math": "\\boxed{…}"}


class Problem(msgspec.Struct, frozen=True):
    """A question with its right answer.

    Attributes:
        question: the text.
        truth: the answer, as `answers.judge` takes it.
        where: where it came from, such as ``train.jsonl:12``.
    """

    question: str
    truth: str
    where: str


def load_problems(
    source: str, *, format: str | None = None, split: str = "train", name: str | None = None, limit: int | None = None
) -> list[Problem]:
    """Problems of a data set.

    Args:
        source: path of a ``.jsonl`` or ``.parquet`` file, or a Hugging Face id such as ``openai/gsm8k``.
        format: one of `FORMATS`; None to go by the fields of the first record.
        split: of a Hugging Face data set.
        name: its configuration, such as ``main``.
        limit: how many at most, from the start.

    Raises:
        ConfigError: what cannot be read, with file, line and field.
        UnknownNameError: there is no such format.
        MissingExtraError: the library that reads parquet or Hugging Face data sets is not installed.
    """
    if format is not None and format not in FORMATS:
        raise UnknownNameError("format of math data", format, FORMATS)
    suffix = Path(source).suffix
    if suffix == ".jsonl":
        records = _jsonl(Path(source))
    elif suffix == ".parquet":
        records = _parquet(Path(source))
    elif Path(source).exists():
        raise ConfigError(f"{source}: cannot tell how to read it: give a .jsonl or a .parquet file")
    else:
        records = _hugging_face(source, split, name)
    problems = []
    for where, record in islice(records, limit):
        format = format or _format_of(record, where)
        problems.append(_problem(record, where, format))
    if not problems:
        raise ConfigError(f"{source}: holds no problems")
    return problems


def generated(family: str, level: int, seeds: range) -> list[Problem]:
    """Problems of our own template families in words, one a seed; several families take turns.

    Raises:
        UnknownNameError: there is no such family or area.
    """
    names = find_families(family)
    problems = []
    for i, seed in enumerate(seeds):
        instance = FAMILIES[names[i % len(names)]].instance(level, seed)
        problems.append(Problem(instance.text, str(instance.answer), f"{instance.family.name}:{seed}"))
    return problems


def _format_of(record: Mapping[str, Any], where: str) -> str:
    for format, fields in FORMATS.items():
        if all(field in record for field in fields):
            return format
    wanted = " or ".join(f"{format} ({', '.join(fields)})" for format, fields in FORMATS.items())
    raise ConfigError(f"{where}: has the fields {', '.join(map(str, record)) or '(none)'}, but {wanted} is wanted")


def _problem(record: Mapping[str, Any], where: str, format: str) -> Problem:
    texts = []
    for field in FORMATS[format]:
        if field not in record:
            raise ConfigError(f"{where}: field {field!r} is missing; format {format} wants it")
        text = record[field]
        if not isinstance(text, str) or not text.strip():
            raise ConfigError(f"{where}: field {field!r} is {text!r}, where a text that is not empty is wanted")
        texts.append(text)
    question, solution = texts
    truth = find_answer(solution, "hashes" if format == "gsm8k" else "boxed")
    if truth is None or not truth.strip():
        raise ConfigError(f"{where}: field {FORMATS[format][1]!r} holds no answer: {_MARKS[format]} is wanted")
    return Problem(question.strip(), truth.strip(), where)


def _jsonl(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}:{number}", _json_object(line, f"{path}:{number}")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _json_object(line: bytes, where: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where}: is no JSON object: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not path.is_file():
        raise ConfigError(f"{path}: cannot be read: there is no such file")
    reader = _imported("pyarrow.parquet", "reading parquet")
    try:
        rows = 0
        for batch in reader.ParquetFile(path).iter_batches():
            for record in batch.to_pylist():
                rows += 1
                yield f"{path}, row {rows}", record
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        raise ConfigError(f"{path}: is no parquet file that can be read: {error}") from None


def _hugging_face(source: str, split: str, name: str | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    library = _imported("datasets", "loading a Hugging Face data set")
    try:
        records = library.load_dataset(source, name, split=split)
    except Exception as error:  # whatever hub, network and readers raise
        configuration = f" ({name})" if name else ""
        raise ConfigError(
            f"{source}{configuration}, split {split}: no such file, and not to be had from Hugging Face: "
            f"{type(error).__name__}: {error}"
        ) from None
    for number, record in enumerate(records, 1):
        yield f"{source}, {split}, row {number}", record


def _imported(module: str, purpose: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise MissingExtraError("train", module.partition(".")[0], purpose) from None
