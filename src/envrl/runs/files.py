"""Files that a kill at any instant leaves whole: atomic whole-file writes, and JSON lines with a repairable tail."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec

from envrl.errors import RunError

__all__ = [
    "JsonLines",
    "Lines",
    "cache_folder",
    "read_json",
    "read_lines",
    "remove_temporaries",
    "sync",
    "write_atomic",
    "write_json",
]

_BLOCK = 2**16


def cache_folder() -> Path:
    """Where results that can be made again are kept between runs: ``$ENVRL_CACHE``, or ``~/.cache/envrl``."""
    return Path(os.environ.get("ENVRL_CACHE") or "~/.cache/envrl").expanduser()


def sync(path: Path) -> None:
    """Force a file's content, or a directory's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: str | bytes, mode: int = 0o666) -> None:
    """Write a whole file so that a reader, or a machine that loses power, sees the old one or the new one.

    Args:
        mode: permissions of the file, less the process's umask.

    Raises:
        RunError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(path.parent)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}); check permissions and free space") from error


def remove_temporaries(directory: Path) -> None:
    """Remove what killed `write_atomic` calls left in a directory; only safe while nobody else writes there."""
    for leftover in directory.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def write_json(path: Path, value: object, mode: int = 0o666) -> None:
    """Write a value as an indented JSON file, atomically; NaN and infinities become null.

    Raises:
        RunError: the file cannot be written.
    """
    write_atomic(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n", mode)


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        RunError: the file is missing, unreadable, or no JSON.
    """
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise RunError(f"{path}: broken JSON ({error}); restore the file, or start a new run") from error


class JsonLines:
    """Appends records to a file of JSON lines, each by a single write, so that a kill tears at most the last line.

    A torn last line that an earlier writer left is cut off when the file is opened.

    Raises:
        RunError: the file cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            _cut_torn_tail(path)
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise RunError(f"{path}: cannot be opened ({error.strerror}); check permissions") from error

    def append(self, record: Mapping[str, object]) -> None:
        """Write one record; it is in the hands of the operating system on return."""
        line = msgspec.json.encode(record) + b"\n"
        try:
            start = os.fstat(self._file.fileno()).st_size
            written = self._file.write(line)
            if written != len(line):
                # A full disk takes part of a line: take it back, or the next line would be glued to it.
                os.ftruncate(self._file.fileno(), start)
                raise RunError(f"{self.path}: only {written} of {len(line)} bytes could be written; free some space")
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror}); free some space") from error

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lines(NamedTuple):
    """The records of a file of JSON lines, and the bytes of a torn last line that were left out."""

    records: list[dict[str, Any]]
    torn: int


def read_lines(path: Path) -> Lines:
    """Read a file of JSON lines; a last line without its end is left out and its bytes counted.

    Raises:
        RunError: the file cannot be read, or a complete line is no JSON object.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    *lines, tail = content.split(b"\n")
    decoder = msgspec.json.Decoder(dict[str, Any])
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(decoder.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            raise RunError(f"{path}:{number}: broken line ({error}); remove it to read the others") from error
    return Lines(records, len(tail))


def _cut_torn_tail(path: Path) -> None:
    try:
        file = open(path, "r+b")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        return
    with file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            file.truncate(end)
