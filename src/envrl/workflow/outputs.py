"""Looks at where results are to go before anything is played: hours of it must not end at a folder that is missing."""

from __future__ import annotations

import os
from pathlib import Path

from envrl.errors import RunError

__all__ = ["check_file", "check_folder"]


def check_file(path: Path | None, option: str) -> None:
    """Refuses a file that could not be written; None is none.

    Raises:
        RunError: its folder does not exist or takes no files, or the path is a folder itself.
    """
    if path is None:
        return
    if path.is_dir():
        raise RunError(f"{option} {path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise RunError(f"{option} {path}: there is no folder {path.parent}; make it, or choose another file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise RunError(f"{option} {path}: no file can be written into {path.parent}; check its permissions")


def check_folder(path: Path | None, option: str) -> None:
    """Refuses a folder that neither exists nor could be made; None is none.

    Raises:
        RunError: a file stands in its way, or nothing can be written there.
    """
    if path is None:
        return
    there = next(parent for parent in (path, *path.parents, Path()) if parent.exists())
    if not there.is_dir():
        raise RunError(f"{option} {path}: {there} is no folder; choose another one")
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunError(f"{option} {path}: nothing can be written into {there}; check its permissions")
