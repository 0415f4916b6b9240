"""Rows of data files, each with its place: JSON lines, JSON, parquet, CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from envrl.errors import ConfigError, MissingExtraError

__all__ = ["ABOUT", "PLAYED", "SUFFIXES", "Record", "data_files", "read_records"]

SUFFIXES = (".jsonl", ".json", ".parquet", ".csv")
ABOUT = ".about.json"
"""Beside rows that envrl wrote, under their name with this ending: what they were made of. Holds no rows."""

PLAYED = ".completions.jsonl"
"""Beside pairs that envrl made, likewise: the completions that were played for them. Holds no rows to train on."""

_SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "eval": "eval",
    "dev": "validation",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
_BETWEEN = re.compile(rb"[\s,]*")
_LONGEST_CELL = 2**27


class Record(NamedTuple):
    """A row as it stands in a file, and its place: ``file:line``, with its number where the line is not its own.

    No two rows of a file have the same place.
    """

    row: dict[str, Any]
    place: str


def data_files(path: Path, split: str) -> list[Path]:
    """The data files of a path: itself, or what lies in the folder, in the order of their names.

    Where files of a folder are named for splits (``train.jsonl``, ``test-00000.parquet``), those of one split count.

    Raises:
        ConfigError: there is no data file, or none of that split.
    """
    if not path.is_dir():
        if path.suffix not in SUFFIXES:
            raise ConfigError(f"{path}: what kind of data this is cannot be told; give {', '.join(SUFFIXES)}")
        return [path]
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix in SUFFIXES
        and file.name != "dataset_info.json"
        and not file.name.endswith((ABOUT, PLAYED))
        and not file.name.startswith(".")
    )
    if not files:
        raise ConfigError(f"{path}: no data file in this folder ({', '.join(SUFFIXES)}); check the path")
    named = {file: _SPLITS.get(re.split(r"[-_.]", file.name.lower(), maxsplit=1)[0]) for file in files}
    if any(named.values()):
        wanted = _SPLITS.get(split.lower(), split.lower())
        if not (chosen := [file for file in files if named[file] == wanted]):
            there = ", ".join(sorted({name for name in named.values() if name}))
            raise ConfigError(f"{path}: no file of split {split!r} in this folder; set dataset.split to {there}")
        return chosen
    return files


def read_records(path: Path) -> Iterator[Record]:
    """The rows of a file, one after the other; all but JSON arrays are read as they are needed.

    Raises:
        ConfigError: the file cannot be read, is not what its name says, or holds something else than rows.
    """
    try:
        yield from _READERS[path.suffix](path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _read_jsonl(path: Path) -> Iterator[Record]:
    decoder = msgspec.json.Decoder()
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _row(decoder, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, f"{path}:{number}")


def _read_json(path: Path) -> Iterator[Record]:
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    start = content.find(b"[")
    if content.lstrip()[:1] == b"{":
        # Lines of JSON under the wrong name are common; one object that spans lines is no table of rows.
        if all(line[:1] == b"{" for line in content.splitlines() if line.strip()):
            yield from _read_jsonl(path)
            return
        raise ConfigError(f"{path}: holds one JSON object, where a list of rows is wanted; write [{{…}}, {{…}}]")
    try:
        elements = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a JSON list of rows ({error}); mend the file") from None
    decoder = msgspec.json.Decoder()
    position, line = start + 1, content.count(b"\n", 0, start + 1) + 1
    before = 0
    for number, element in enumerate(elements, 1):
        gap = _BETWEEN.match(content, position)
        assert gap is not None
        line += content.count(b"\n", position, gap.end())
        raw = bytes(element)
        yield _row(decoder, raw, f"{path}:{line}" if line != before else f"{path}:{line}:row {number}")
        before = line
        line += raw.count(b"\n")
        position = gap.end() + len(raw)


def _row(decoder: msgspec.json.Decoder[Any], text: bytes, place: str) -> Record:
    try:
        row = decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{place}: broken JSON ({error}); mend or remove this row") from None
    if not isinstance(row, dict):
        raise ConfigError(f"{place}: {type(row).__name__} where a row with named columns is wanted; write {{…}}")
    return Record(row, place)


def _read_csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_CELL)
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            begins = reader.line_num + 1
            for row in reader:
                place = f"{path}:{begins + 1 if begins == 1 else begins}"
                begins = reader.line_num + 1
                if None in row or None in row.values():
                    raise ConfigError(f"{place}: another number of cells than the header has; mend or remove this row")
                yield Record(dict(row), place)
        except csv.Error as error:
            raise ConfigError(f"{path}:{reader.line_num}: broken CSV ({error}); mend the file") from None


def _read_parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]
        import pyarrow.parquet as pq  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("train", "pyarrow", "reading a .parquet file") from None
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield Record(row, f"{path}:row {number}")
    except pa.ArrowException as error:
        raise ConfigError(f"{path}: not a parquet file ({str(error).splitlines()[0]}); check the file") from None


_READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
}
