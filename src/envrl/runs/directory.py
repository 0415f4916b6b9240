"""The directory of a run: where each thing stands, and who may write there."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from envrl.errors import RunError
from envrl.runs.exclusive import Exclusive, is_free
from envrl.runs.files import JsonLines, read_json, read_lines, remove_temporaries, write_atomic, write_json
from envrl.runs.status import State, Status, boot_id, read_status, write_status

__all__ = ["RunDirectory", "default_name"]

_FOLDERS = ("completions", "eval", "checkpoints", "exports")
_FILES = ("config.yaml", "lock.json", "status.json")
_LOCK = ".lock"
_TAKEN = (
    "{}: already holds a run; continue it with --resume (output.resume), delete it first with output.overwrite=true, "
    "or choose another --name"
)


def default_name(env: str, now: datetime.datetime) -> str:
    """A name for a run of an environment that starts now, such as ``2048-20260131-235959``."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", env).strip("-") or "run"
    return f"{word}-{now:%Y%m%d-%H%M%S}"


class RunDirectory:
    """One run on disk; made by `create` (which lets this process work in it) or `open` (which only reads).

    Whatever writes needs the run's exclusive lock: `create` and `acquire` take it, `release` or the end of a ``with``
    block gives it back, and so does the death of the process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: Exclusive | None = None
        self._found_killed = False
        self._writers: dict[Path, JsonLines] = {}

    @classmethod
    def check_free(cls, root: str | Path, name: str) -> None:
        """Look early, before anything costly, whether a run of this name could be created.

        Raises:
            RunError: the directory holds a run or other files, or its root cannot be made or written.
        """
        run = cls(Path(root) / name)
        _make(Path(root))
        if not os.access(root, os.W_OK):
            raise RunError(f"{root}: cannot be written; choose another folder with output.root")
        if run.status_path.exists():
            raise RunError(_TAKEN.format(run.path))
        if run.path.exists():
            run._refuse_foreign_files()

    @classmethod
    def create(cls, root: str | Path, name: str, config_yaml: str, lock: Mapping[str, object]) -> Self:
        """Make the directory of a new run and take its lock; ``status.json`` comes last, so a kill leaves no half run.

        Raises:
            RunError: the directory holds a run or other files, another process works there, or it cannot be written.
        """
        run = cls(Path(root) / name)
        _make(run.path)
        run._refuse_foreign_files()
        run._lock = Exclusive(run.path / _LOCK)
        try:
            if run.status_path.exists():
                raise RunError(_TAKEN.format(run.path))
            remove_temporaries(run.path)
            for folder in _FOLDERS:
                _make(run.path / folder)
            write_atomic(run.config_path, config_yaml)
            # It holds the secret salt of the training seeds.
            write_json(run.lock_path, lock, mode=0o600)
            run.update_status(state="created", step=0)
        except BaseException:
            run.release()
            raise
        return run

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The run that a directory holds, for reading.

        Raises:
            RunError: the directory does not exist or is no run; the message names what is missing.
        """
        run = cls(Path(path))
        if not run.path.is_dir():
            raise RunError(f"{run.path}: no such run directory; check the path")
        if missing := [name for name in _FILES if not (run.path / name).is_file()]:
            raise RunError(f"{run.path}: not a run ({', '.join(missing)} missing); check the path, or start a new run")
        return run

    def acquire(self) -> Self:
        """Take the run's lock, to go on with it.

        Raises:
            RunError: another process works in the run; the message names its pid.
        """
        if self._lock is None:
            self._lock = Exclusive(self.path / _LOCK)
            self._found_killed = self.status.state in ("created", "running")
            for folder in (self.path, self.eval_dir):
                remove_temporaries(folder)
        return self

    def release(self) -> None:
        """Close what is open and give the lock back."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.path.name

    @property
    def config_path(self) -> Path:
        """The resolved configuration, each value with its origin."""
        return self.path / "config.yaml"

    @property
    def lock_path(self) -> Path:
        """Versions, hashes, salts and limits: what the run's results depend on. Readable by its owner only."""
        return self.path / "lock.json"

    @property
    def status_path(self) -> Path:
        """State, step and process."""
        return self.path / "status.json"

    @property
    def events_path(self) -> Path:
        """What happened, in order."""
        return self.path / "events.jsonl"

    @property
    def metrics_path(self) -> Path:
        """Figures by step."""
        return self.path / "metrics.jsonl"

    @property
    def completions_dir(self) -> Path:
        """Completions with their scorecards, a file a step."""
        return self.path / "completions"

    @property
    def eval_dir(self) -> Path:
        """Measurements before and after."""
        return self.path / "eval"

    @property
    def prompts_path(self) -> Path:
        """The fixed prompts of the measurements."""
        return self.eval_dir / "prompts.jsonl"

    @property
    def before_path(self) -> Path:
        """The measurement before training."""
        return self.eval_dir / "before.json"

    @property
    def after_path(self) -> Path:
        """The measurement after training."""
        return self.eval_dir / "after.json"

    @property
    def report_html_path(self) -> Path:
        """The report as one page that needs no network."""
        return self.path / "report.html"

    @property
    def report_md_path(self) -> Path:
        """The report as text."""
        return self.path / "report.md"

    @property
    def best_path(self) -> Path:
        """The best program, chosen on one block of seeds and measured on another."""
        return self.eval_dir / "best.json"

    @property
    def experiment_path(self) -> Path:
        """The experiment's notes, partly to be filled in."""
        return self.path / "EXPERIMENT.md"

    @property
    def model_card_path(self) -> Path:
        """The card of the trained model."""
        return self.path / "MODEL_CARD.md"

    @property
    def checkpoints_dir(self) -> Path:
        """Checkpoints; each counts once `envrl.runs.mark_complete` has marked it."""
        return self.path / "checkpoints"

    @property
    def exports_dir(self) -> Path:
        """Exported models, a folder a format."""
        return self.path / "exports"

    def completions_path(self, step: int) -> Path:
        """The completions of one training step."""
        return self.completions_dir / f"step-{step:06d}.jsonl"

    @property
    def lock(self) -> dict[str, Any]:
        """The content of ``lock.json``."""
        content: dict[str, Any] = read_json(self.lock_path)
        return content

    @property
    def status(self) -> Status:
        """The status that the run last wrote."""
        return read_status(self.status_path)

    @property
    def was_killed(self) -> bool:
        """Whether the process that worked in the run ended without saying so."""
        if self._lock is not None:
            return self._found_killed
        return self.status.state in ("created", "running") and is_free(self.path / _LOCK)

    def update_status(
        self, *, state: State | None = None, step: int | None = None, reason: str | None = None
    ) -> Status:
        """Write a new status; what is not given stays, except the reason."""
        self._must_hold_lock()
        if state is None or step is None:
            last = self.status
            state, step = state or last.state, last.step if step is None else step
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        status = Status(state=state, step=step, pid=os.getpid(), boot_id=boot_id(), updated=now, reason=reason)
        write_status(self.status_path, status)
        self._found_killed = False
        return status

    def event(self, kind: str, **fields: object) -> None:
        """Append an event with its UTC time to ``events.jsonl``."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._writer(self.events_path).append({"time": now, "event": kind, **fields})

    @property
    def metrics(self) -> JsonLines:
        """The writer of ``metrics.jsonl``; open until the lock is given back."""
        return self._writer(self.metrics_path)

    def completions(self, step: int) -> JsonLines:
        """A writer of the completions of one step; close it (or use ``with``) when the step is done."""
        self._must_hold_lock()
        return JsonLines(self.completions_path(step))

    def rewind(self, step: int) -> None:
        """Take back what was written after ``step``: a run that goes on from a checkpoint does those steps again."""
        self._must_hold_lock()
        if writer := self._writers.pop(self.metrics_path, None):
            writer.close()
        if self.metrics_path.exists():
            kept = [record for record in read_lines(self.metrics_path).records if record.get("step", 0) <= step]
            write_atomic(self.metrics_path, b"".join(msgspec.json.encode(record) + b"\n" for record in kept))
        for path in self.completions_dir.glob("step-*.jsonl"):
            if path > self.completions_path(step):
                path.unlink()
        self.event("rewound", step=step)

    def _writer(self, path: Path) -> JsonLines:
        self._must_hold_lock()
        if path not in self._writers:
            self._writers[path] = JsonLines(path)
        return self._writers[path]

    def _must_hold_lock(self) -> None:
        if self._lock is None or not self._lock.held:
            raise RuntimeError(f"{self.path}: acquire() the run before writing to it")

    def _refuse_foreign_files(self) -> None:
        # A creation that was killed half-way left part of these and no status: it may be made anew.
        if self.status_path.exists():
            return
        ours = {*_FOLDERS, *_FILES, _LOCK}
        for entry in self.path.iterdir():
            leftover = entry.name.startswith(".") and entry.suffix == ".tmp"
            if not (entry.name in ours or leftover) or (entry.is_dir() and any(entry.iterdir())):
                raise RunError(f"{self.path}: not empty and no run ({entry.name} stands there); choose another --name")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be made ({error.strerror}); choose another folder with output.root"
        ) from error
