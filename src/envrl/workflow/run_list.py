"""What ``envrl runs`` does: finds the runs and sweeps below some folders, and tells what each has come to.

Nothing that is found can stop the listing: a directory that cannot be read is listed with what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from envrl.errors import EnvrlError, RunError
from envrl.evaluation.headline import headline, headline_of
from envrl.evaluation.measure import Measurement, wins
from envrl.evaluation.report.record import Rate
from envrl.evaluation.sweeps import EPISODES, HEADER, PROGRAMS, STATUS, is_sweep, read_sweep
from envrl.runs import RunDirectory, read_json
from envrl.runs.exclusive import is_free
from envrl.runs.status import read_status

__all__ = ["Listed", "default_folders", "find", "list_one", "list_runs"]

_MARKS = (HEADER, STATUS, "lock.json")  # a directory with any of these is a run or a sweep, whole or not
_DEEPEST = 4
_UNREADABLE = (EnvrlError, msgspec.ValidationError, OSError, LookupError, TypeError, ValueError, AttributeError)
"""What reading a directory of somebody else's making may end in."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One run or sweep, as a list shows it; all but ``name`` and ``path`` is empty where it could not be read.

    Attributes:
        name: its path below the folder that was searched.
        state: running, finished, interrupted, failed or created, as it said last; ``killed`` where it says that it
            goes on and no process works there; ``damaged`` where it cannot be read.
        model: what was measured, of a sweep.
        method: how it was trained; what kind of thing was measured, of a sweep.
        step: training steps that are done; episodes, of a sweep.
        steps: of them all; None where that is not known.
        before: share of episodes won before training.
        after: the same after training, or what a sweep has found so far.
        written: UTC time of its last sign of life, ISO 8601.
        problem: why it failed or was interrupted, or what is wrong with its files.
    """

    name: str
    path: str
    kind: Literal["run", "sweep"] | None = None
    state: str = "damaged"
    task: str = ""
    model: str = ""
    method: str = ""
    step: int = 0
    steps: int | None = None
    before: Rate | None = None
    after: Rate | None = None
    written: str = ""
    problem: str = ""


def default_folders() -> tuple[Path, ...]:
    """Where runs and sweeps are by default, as far as that is there.

    Raises:
        RunError: neither is.
    """
    found = tuple(folder for folder in (Path("runs"), Path("sweeps")) if folder.is_dir())
    if not found:
        raise RunError("there is no folder runs or sweeps here: name one, or go where 'envrl train' was called")
    return found


def find(folders: Iterable[Path]) -> dict[str, Path]:
    """Directories that hold a run or a sweep, or what is left of one, by their name in a list.

    Symbolic links are not followed. With several folders, a name begins with its folder.

    Raises:
        RunError: one of the folders does not exist.
    """
    folders = tuple(folders)
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RunError(f"{folder}: no such folder; check the path")
        for path in _below(folder, _DEEPEST):
            if len(folders) > 1:
                name = str(path)
            else:
                name = folder.resolve().name if path == folder else str(path.relative_to(folder))
            found[_text(name)] = path
    return found


def list_runs(folders: Sequence[Path]) -> list[Listed]:
    """All that `find` finds, with what it has come to; the last one written to comes first.

    Raises:
        RunError: one of the folders does not exist.
    """
    listed = [list_one(name, path) for name, path in find(folders).items()]
    return sorted(listed, key=lambda one: (one.written, one.name), reverse=True)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        marked = any((folder / mark).is_file() for mark in _MARKS)
        entries = [] if marked or depth == 0 else sorted(folder.iterdir())
        inside = [entry for entry in entries if entry.name[0] != "." and entry.is_dir() and not entry.is_symlink()]
    except OSError:
        return  # of another user, or gone meanwhile: nothing of ours to list
    if marked:
        yield folder
    for entry in inside:
        yield from _below(entry, depth - 1)


def _text(path: str | Path) -> str:
    """A path as text that can be encoded, even where the bytes of a name are no UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode()


def list_one(name: str, path: Path) -> Listed:
    """What one directory has come to; one that cannot be read says so."""
    try:
        return _sweep(name, path) if is_sweep(path) else _run(name, path)
    except _UNREADABLE as error:
        what = str(error) if isinstance(error, EnvrlError) else f"{path}: {type(error).__name__}: {error}"
        return Listed(name=name, path=_text(path), problem=_text(what))


def _run(name: str, path: Path) -> Listed:
    run = RunDirectory.open(path)
    status, config = run.status, run.lock["config"]
    steps = _setting(config, "train.max_steps") if _setting(config, "train.epochs") is None else None
    return Listed(
        name=name,
        path=_text(path),
        kind="run",
        state="killed" if run.was_killed else status.state,
        task=str(_setting(config, "env.id") or ""),
        model=str(_setting(config, "model.path") or ""),
        method=str(_setting(config, "method.name") or ""),
        step=status.step,
        steps=steps if isinstance(steps, int) and steps > 0 else None,
        before=_measured(run.before_path),
        after=_measured(run.after_path),
        written=status.updated,
        problem=status.reason or "",
    )


def _sweep(name: str, path: Path) -> Listed:
    status = read_status(path / STATUS)
    state = "killed" if status.state in ("created", "running") and is_free(path / ".lock") else status.state
    programs, seeds, rate, header = _swept(
        str(path), *_stamp(path / EPISODES), *_stamp(path / PROGRAMS), *_stamp(path / HEADER)
    )
    return Listed(
        name=name,
        path=_text(path),
        kind="sweep",
        state=state,
        task=header.task,
        model=header.subject,
        method=header.kind,
        step=status.step,
        steps=programs * seeds,
        after=rate,
        written=status.updated,
        problem=status.reason or "",
    )


def _setting(config: dict[str, str], key: str) -> Any:
    """A setting as the lock has it: JSON inside of JSON. An older run may not have it."""
    return msgspec.json.decode(config[key]) if key in config else None


def _measured(path: Path) -> Rate | None:
    return _rate(str(path), *_stamp(path)) if path.exists() else None


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    if not path.exists():
        return 0, 0
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=512)  # a viewer lists the same runs again and again
def _rate(path: str, _when: int, _size: int) -> Rate:
    measurement = msgspec.convert(read_json(Path(path)), Measurement)
    return Rate.of(headline_of(wins(measurement), answers=bool(measurement.answers)).interval)


@lru_cache(maxsize=512)
def _swept(path: str, *_stamps: int) -> tuple[int, int, Rate | None, Any]:
    sweep = read_sweep(path)
    rate = Rate.of(headline(sweep).interval) if any(sweep.episodes) else None
    return len(sweep.programs), len(sweep.seeds), rate, sweep.header
