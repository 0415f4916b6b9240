"""What the results of a run depend on, gathered when it starts and compared when it is resumed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import psutil

from envrl.errors import RunError

__all__ = ["build_lock", "differences", "file_hash"]

_GIT_SECONDS = 5.0


def build_lock(packages: Iterable[str], /, **parts: object) -> dict[str, Any]:
    """The lock of a run: versions of Python and packages, hardware, git commit, and the caller's own parts.

    Args:
        packages: names of distributions; one that is not installed is locked as None.
        parts: hashes, salts, limits, layers and whatever else the results depend on; JSON must be able to hold them.
    """
    lock = {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "platform": platform.platform(),
        "hardware": {
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
        },
        "git": _git_state(Path.cwd()),
        **parts,
    }
    # As it will be read back, so that a fresh lock compares with one from disk.
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(lock))
    return built


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal.

    Raises:
        RunError: the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error


def differences(first: Mapping[str, object], second: Mapping[str, object]) -> list[str]:
    """The dotted names whose values differ between two locks, or stand in only one of them."""
    names = []
    for key in sorted(first.keys() | second.keys()):
        a, b = first.get(key), second.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            names += [f"{key}.{name}" for name in differences(a, b)]
        elif (key in first, a) != (key in second, b):
            names.append(key)
    return names


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_state(directory: Path) -> dict[str, object] | None:
    commit = _git(directory, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(directory, "status", "--porcelain")
    return {"commit": commit, "changed": None if changes is None else changes != ""}


def _git(directory: Path, *arguments: str) -> str | None:
    """What a git command prints, or None where there is no git, no repository, or no answer in time."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip()
