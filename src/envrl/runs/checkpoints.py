"""Checkpoints that count: one is complete once its mark, the last file written, agrees with what stands there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from envrl.errors import RunError
from envrl.runs.files import sync, write_json
from envrl.runs.lock import file_hash

__all__ = ["MARK", "find_damage", "is_complete", "latest_complete", "mark_complete", "quarantine_incomplete"]

MARK = "COMPLETE.json"
_HASHED_BELOW = 64 * 2**20
_CHECKPOINT = re.compile(r"checkpoint-([0-9]+)")


class _File(msgspec.Struct, frozen=True, omit_defaults=True):
    size: int
    sha256: str | None = None


class _Mark(msgspec.Struct, frozen=True):
    files: dict[str, _File]


def mark_complete(directory: Path) -> None:
    """Declare a checkpoint complete: its files are forced to disk, then listed with size and hash in the mark.

    Files from 64 MiB on are listed by size alone.

    Raises:
        RunError: the checkpoint is empty, or the mark cannot be written.
    """
    files: dict[str, _File] = {}
    for path in sorted(directory.rglob("*")):
        sync(path)
        if path.is_file() and path.name != MARK:
            size = path.stat().st_size
            digest = file_hash(path) if size < _HASHED_BELOW else None
            files[path.relative_to(directory).as_posix()] = _File(size, digest)
    if not files:
        raise RunError(f"{directory}: no file to mark as a complete checkpoint")
    sync(directory)
    write_json(directory / MARK, _Mark(files))


def find_damage(directory: Path, *, hashes: bool = False) -> str | None:
    """What keeps a checkpoint from being complete, in a few words; None if nothing does.

    Args:
        hashes: compare contents too, where the mark holds their hashes.
    """
    try:
        mark = msgspec.json.decode((directory / MARK).read_bytes(), type=_Mark)
    except OSError:
        return f"{MARK} is missing"
    except msgspec.DecodeError:
        return f"{MARK} is broken"
    for name, expected in mark.files.items():
        path = directory / name
        if not path.is_file():
            return f"{name} is missing"
        if (size := path.stat().st_size) != expected.size:
            return f"{name} has {size} bytes instead of {expected.size}"
        if hashes and expected.sha256 and file_hash(path) != expected.sha256:
            return f"{name} has changed"
    return None


def is_complete(directory: Path) -> bool:
    """Whether a checkpoint bears its mark and every file is there in its full size."""
    return find_damage(directory) is None


def latest_complete(checkpoints_dir: Path) -> Path | None:
    """The complete checkpoint of the highest step, or None."""
    return next((path for path in reversed(_checkpoints(checkpoints_dir)) if is_complete(path)), None)


def quarantine_incomplete(checkpoints_dir: Path) -> list[Path]:
    """Rename every half-written ``checkpoint-N`` to ``checkpoint-N.incomplete``; the new paths.

    A number is added where that name is taken.
    """
    moved = []
    for path in _checkpoints(checkpoints_dir):
        if is_complete(path):
            continue
        target, number = path.with_name(f"{path.name}.incomplete"), 1
        while target.exists():
            number += 1
            target = path.with_name(f"{path.name}.incomplete-{number}")
        moved.append(path.rename(target))
    if moved:
        sync(checkpoints_dir)
    return moved


def _checkpoints(directory: Path) -> list[Path]:
    """The directories named ``checkpoint-N``, by step."""
    if not directory.is_dir():
        return []
    found = [(int(match[1]), p) for p in directory.iterdir() if (match := _CHECKPOINT.fullmatch(p.name)) and p.is_dir()]
    return [path for _, path in sorted(found)]
