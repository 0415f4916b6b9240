"""What a sweep has measured so far, kept in memory and, where it has a directory, on disk line by line."""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from envrl.errors import RunError
from envrl.evaluation.answers import Answer
from envrl.evaluation.cells import cells
from envrl.evaluation.sweeps import (
    EPISODES,
    HEADER,
    PROGRAMS,
    REQUEST,
    STATUS,
    Sweep,
    SweepHeader,
    SweepProgram,
    cut_unknown,
    read_sweep,
)
from envrl.rollouts import Episode, Scorecard
from envrl.runs import JsonLines, State, Status, write_json
from envrl.runs.exclusive import Exclusive, is_free
from envrl.runs.files import remove_temporaries, sync
from envrl.runs.status import boot_id, write_status

__all__ = ["SweepLog"]

_LOCK = ".lock"


class SweepLog:
    """Programs and episodes as they come, in the order in which they count.

    Made by `create` (a new directory), `reopen` (one whose sweep was stopped), or `SweepLog(None)`, which keeps
    nothing. One process at a time writes: until `close`, the directory is locked.

    On the disk an episode never comes before what is known of its program, not even where the machine loses power:
    episodes wait in memory until `flush` has forced the programs to the disk.

    Attributes:
        directory: where it is kept; None for nowhere.
        programs: all so far.
        rows: the episodes of each program.
        answers: of an answer task, what was answered in each of them.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.programs: list[SweepProgram] = []
        self.rows: list[list[Episode]] = []
        self.answers: list[list[Answer]] = []
        self._made_parent = False
        self._lock: Exclusive | None = None
        self._lines: dict[str, JsonLines] = {}
        self._waiting: list[dict[str, Any]] = []  # episodes that are on their way to the disk

    @classmethod
    def create(cls, directory: Path, header: SweepHeader, request: msgspec.Struct) -> Self:
        """A new sweep.

        Args:
            request: what was asked for, to be kept beside it.

        Raises:
            RunError: the directory is not empty, cannot be made, or another process works there.
        """
        cls.check_free(directory)
        made_parent = not directory.parent.exists()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{directory}: cannot be made ({error.strerror}); choose another --output") from None
        log = cls(directory)
        log._made_parent = made_parent
        log._lock = _exclusive(directory)
        try:
            write_json(directory / REQUEST, request)
            log.write_status("created")
            write_json(directory / HEADER, header)  # last: what has no header is no sweep
            log._open_lines()
            sync(directory)
        except BaseException:
            log.close()
            raise
        return log

    @classmethod
    def check_free(cls, directory: Path) -> None:
        """Looks early, before anything costly, whether `create` would be refused.

        Raises:
            RunError: the directory is not empty, or is none.
        """
        if (directory / HEADER).exists():
            raise RunError(
                f"{directory}: already holds a sweep; go on with --resume {directory}, or choose another --output"
            )
        # A creation that was killed half-way left these, and no header.
        ours = {REQUEST, STATUS, _LOCK}
        try:
            found = sorted(entry.name for entry in directory.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"{directory}: is no folder ({error.strerror}); choose another --output") from None
        foreign = [name for name in found if name not in ours and not (name[0] == "." and name.endswith(".tmp"))]
        if foreign:
            raise RunError(f"{directory}: not empty ({foreign[0]} stands there); choose another --output")

    @classmethod
    def reopen(cls, directory: Path) -> tuple[Self, Sweep]:
        """A sweep to go on with: its log, and what it has measured.

        Episodes of programs that are not known, since a disk lost the end of one file and not that of the other, are
        cut off with all that comes after them: they are played again.

        Raises:
            RunError: the directory holds no sweep, or another process works there.
        """
        read_sweep(directory)  # a clear error before anything is touched
        log = cls(directory)
        log._lock = _exclusive(directory)
        try:
            remove_temporaries(directory)
            cut_unknown(directory)
            log._open_lines()  # cuts torn ends
            sweep = read_sweep(directory)
            log.programs = list(sweep.programs)
            log.rows = [list(row) for row in sweep.episodes]
            log.answers = [list(row) for row in sweep.answers] or [[] for _ in sweep.programs]
        except BaseException:
            log.close()
            raise
        return log, sweep

    def add(self, program: SweepProgram) -> None:
        """A program that was written, or read."""
        self.programs.append(program)
        self.rows.append([])
        self.answers.append([])
        self._append(PROGRAMS, msgspec.to_builtins(program))

    def amend(self, index: int, **facts: Any) -> None:
        """What came to be known of a program; nothing is written where it was known already."""
        before = self.programs[index]
        self.programs[index] = after = msgspec.structs.replace(before, **facts)
        if after != before:
            self._append(PROGRAMS, {"index": index, **facts})

    def record(self, index: int, episode: Episode, answer: Answer | None = None) -> None:
        """A program's next episode, of an answer task with the answer; `flush` writes it."""
        self.rows[index].append(episode)
        told: dict[str, Any] = {}
        if answer is not None:
            self.answers[index].append(answer)
            told["answer"] = msgspec.to_builtins(answer)
        if self.directory is not None:
            self._waiting.append({"program": index, **msgspec.to_builtins(episode), **told})

    def flush(self) -> None:
        """Forces programs to the disk, then writes the episodes that wait, and forces them there, too.

        Raises:
            RunError: the disk is full.
        """
        if self.directory is None:
            return
        for path in self.directory.glob("*.jsonl"):  # also a server's answers
            if path.name != EPISODES:
                sync(path)
        if not self._waiting:
            return
        while self._waiting:
            self._lines[EPISODES].append(self._waiting[0])
            del self._waiting[0]
        sync(self.directory / EPISODES)

    def card(self, index: int) -> Scorecard:
        """What rewards are made of."""
        program = self.programs[index]
        return Scorecard(
            source=program.source,
            outcome=program.outcome,
            detail=program.detail,
            program_hash=program.program_hash,
            episodes=tuple(self.rows[index]),
        )

    def wins(self, seeds: int) -> NDArray[np.float64]:
        """The matrix (programs, seeds) of wins so far, as `Sweep.wins` says it."""
        return cells(self.programs, self.rows, seeds, lambda episode: float(episode.won))

    def finish(self, header: SweepHeader) -> Sweep:
        """The sweep is at its end; the header says what was played in fact."""
        self.flush()
        self.write_header(header)
        self.write_status("finished")
        answers = tuple(map(tuple, self.answers)) if header.answers else ()
        return Sweep(header, tuple(self.programs), tuple(map(tuple, self.rows)), answers=answers)

    def write_header(self, header: SweepHeader) -> None:
        """What is measured, and under which conditions, where that came to be known otherwise."""
        if self.directory is not None:
            write_json(self.directory / HEADER, header)

    def write_status(self, state: State, reason: str | None = None) -> None:
        """How the sweep stands; its step is the number of episodes."""
        if self.directory is None:
            return
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        step = sum(map(len, self.rows))
        status = Status(state=state, step=step, pid=os.getpid(), boot_id=boot_id(), updated=now, reason=reason)
        write_status(self.directory / STATUS, status)

    def discard(self) -> None:
        """Removes the directory of a sweep that could not begin: nothing was measured in it."""
        self.close()
        if self.directory is None or any(self.rows):
            return
        for name in (HEADER, PROGRAMS, EPISODES, REQUEST, STATUS, _LOCK):
            (self.directory / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody has put something there
            self.directory.rmdir()
            if self._made_parent:
                self.directory.parent.rmdir()

    def close(self) -> None:
        """Writes what waits, and lets others work in the directory; closing twice does nothing."""
        try:
            if self._lines:
                self.flush()
        finally:
            for lines in self._lines.values():
                lines.close()
            self._lines.clear()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open_lines(self) -> None:
        assert self.directory is not None
        self._lines = {name: JsonLines(self.directory / name) for name in (PROGRAMS, EPISODES)}

    def _append(self, name: str, record: Mapping[str, Any]) -> None:
        if self.directory is not None:
            self._lines[name].append(record)


def _exclusive(directory: Path) -> Exclusive:
    if not is_free(directory / _LOCK):
        pid = (directory / _LOCK).read_text("ascii", "replace").strip() or "another"
        raise RunError(
            f"{directory}: process {pid} works in this sweep; wait for it, end it, or choose another --output"
        )
    return Exclusive(directory / _LOCK)
