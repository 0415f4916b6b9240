"""``output.overwrite``: a run makes room for another of its name. Nothing but a run's own folder is ever deleted."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from envrl.errors import RunError
from envrl.runs import RunDirectory

__all__ = ["delete_run", "require_deletable"]


def require_deletable(path: Path) -> None:
    """Checks early that what stands in the way, if anything, is a run.

    Raises:
        RunError: it is something else.
    """
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    try:
        RunDirectory.open(path)
    except RunError as error:
        raise RunError(
            f"{path}: output.overwrite deletes only a run, and this is none: {error}; move it away, or choose another "
            "output.name"
        ) from None


def delete_run(path: Path) -> None:
    """Deletes the run in a folder, if there is one.

    Raises:
        RunError: it is no run, or another process works in it.
    """
    require_deletable(path)
    if not path.exists() or not any(path.iterdir()):
        return
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.deleted")
    with RunDirectory.open(path) as run:
        run.status_path.unlink()  # from here on it is no run, wherever a kill falls
        path.rename(aside)
    shutil.rmtree(aside)
