"""A sweep: programs × seeds of a named block, as it stands on disk and as everything else reads it.

A sweep is a directory::

    sweep.json      what was measured, under which conditions (`SweepHeader`)
    programs.jsonl  one program after the other; later lines of the same index add to earlier ones
    episodes.jsonl  one episode a line, with the number of its program, in the order in which they count; of an answer
                    task with the answer, too
    request.json    what was asked for, so that a killed sweep can go on
    status.json     whether it is still going, finished, or was stopped
    report.json report.md report.html

Line files may end in a torn line (a kill), which is left out. A run's measurements before and after training turn into
the same `Sweep` by `Sweep.of_measurement`, so that reports and comparisons know one thing only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from envrl.errors import RunError
from envrl.evaluation.answers import Answer
from envrl.evaluation.cells import cells, has_score
from envrl.evaluation.measure import Measurement
from envrl.outcomes import Outcome
from envrl.rollouts import Episode
from envrl.runs import read_json, read_lines
from envrl.runs.status import read_status
from envrl.seeding import Block, parse_indices

__all__ = [
    "EPISODES",
    "HEADER",
    "PROGRAMS",
    "REQUEST",
    "SCHEMA",
    "STATUS",
    "Kind",
    "Sweep",
    "SweepHeader",
    "SweepProgram",
    "cut_unknown",
    "is_sweep",
    "read_sweep",
]

SCHEMA = 1
HEADER, PROGRAMS, EPISODES = "sweep.json", "programs.jsonl", "episodes.jsonl"
REQUEST, STATUS = "request.json", "status.json"

Kind = Literal["strategies", "model", "run", "completions", "endpoint"]
"""What was measured: strategy files, a model, a run's model, a file of completions, or a served model."""


class SweepHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep measured, and all that its results depend on.

    Attributes:
        schema: version of the directory's format.
        kind: of what was measured.
        subject: its name, as a report shows it.
        task: id of the environment's task.
        task_version: of the task.
        options: of the environment, all of them, for people and comparisons.
        environment: what a configuration's ``env`` says to make the task again
            (`envrl.workflow.results.task_of_sweep`).
        success: the rule of success, as text.
        toolkit: ``full`` or ``none``.
        contract: how a strategy was taken out of a completion; None where the programs are strategy files.
        prompt_sha256: of the prompt that the model saw; None where nobody was prompted.
        block: of the seeds.
        seeds: indices, as a user writes them; while a sweep with ``until_width`` goes on, the most that it may play.
        limits: budgets of a strategy, by the names of `envrl.limits.Limits`.
        layers: sandbox layers that were in force.
        sampling: how completions were sampled (temperature, top_p, seed …); empty where none were.
        usage: what a served model's completions took: requests, tokens, cost; empty for all else, and while it goes on.
        versions: of Python and packages.
        command: what to type to do the same again.
        created: UTC time, ISO 8601.
        answers: whether completions are answers to questions, one a seed: then a program is one pass over all of them.
        until_width: the width at which the sweep was to stop; None where the seeds were fixed beforehand. Whoever
            stopped by looking reports the interval of `envrl.evaluation.headline.headline`, which allows for it.
    """

    schema: int = SCHEMA
    kind: Kind
    subject: str
    task: str
    task_version: int
    options: dict[str, Any]
    environment: dict[str, Any] = {}
    success: str
    toolkit: str
    contract: str | None
    prompt_sha256: str | None
    block: Block
    seeds: str
    limits: dict[str, Any]
    layers: tuple[str, ...]
    sampling: dict[str, Any]
    usage: dict[str, Any] = {}
    versions: dict[str, str]
    command: str
    created: str
    answers: bool = False
    until_width: float | None = None


class SweepProgram(msgspec.Struct, frozen=True, kw_only=True):
    """One program of a sweep.

    Attributes:
        index: its number, from 0.
        label: file name, ``#3`` for a sample, or the label of a file of completions.
        completion: what the model wrote; None for a strategy file.
        source: the program taken out of it; None where there was none.
        outcome: how it failed before any episode; None where it was played, or not yet tried.
        detail: why, in a line (a model's words: escape them where people read them).
        program_hash: of the program's syntax tree; None until it was played.
        rewards: components of its reward; empty for a strategy file, and until all of its seeds were played.
        tokens: length of the completion.
        clipped: whether the completion ran into the limit of its length.
        seconds: that it took to write the completion, where that is known of a single one.
    """

    index: int
    label: str
    completion: str | None
    source: str | None
    outcome: Outcome | None = None
    detail: str = ""
    program_hash: str | None = None
    rewards: dict[str, float | None] = {}
    tokens: int | None = None
    clipped: bool | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Sweep:
    """A sweep in memory.

    Attributes:
        header: what was measured.
        programs: in the order of their index.
        episodes: a row a program, in the order of the seeds; shorter than the seeds where not all were played yet,
            empty for a program that could not be played.
        finished: whether the sweep has come to its end; else it is still going, or was stopped.
        answers: of an answer task, what was answered in each episode; else empty.
    """

    header: SweepHeader
    programs: tuple[SweepProgram, ...]
    episodes: tuple[tuple[Episode, ...], ...]
    finished: bool = True
    answers: tuple[tuple[Answer, ...], ...] = ()

    @property
    def seeds(self) -> range:
        """Indices of the seeds in their block."""
        return parse_indices(self.header.seeds)

    def wins(self) -> NDArray[np.float64]:
        """Shape (programs, seeds): 1 for a win, 0 for a loss, NaN where nothing was measured.

        Nothing was measured of an episode that was not played yet, and of one that ended as an
        ``infrastructure_error``. A program that could not be played lost every seed; while the sweep goes on, as many
        as its neighbour has played (`envrl.evaluation.cells.settled`).
        """
        return cells(self.programs, self.episodes, len(self.seeds), lambda episode: float(episode.won))

    def certain_wins(self) -> NDArray[np.float64]:
        """The same with all the seeds that a program which could not be played loses for certain, settled or not.

        What is NaN here can still come out either way. While the sweep goes on this is no sample to take a rate of.
        """
        return cells(self.programs, self.episodes, len(self.seeds), lambda episode: float(episode.won), at_its_end=True)

    def scores(self) -> NDArray[np.float64]:
        """Shape (programs, seeds): the environment's own return, NaN where there is none.

        There is none of an episode that was not measured (see `wins`), and of one in which the program made no move: it
        was refused, skipped, or faulted at its first call (`envrl.evaluation.cells.has_score`).
        """
        return cells(
            self.programs,
            self.episodes,
            len(self.seeds),
            lambda episode: episode.score if has_score(episode) else math.nan,
            refused=math.nan,
        )

    def progress(self) -> NDArray[np.float64]:
        """Shape (programs, seeds): the task's partial credit, in [0, 1]; otherwise as `wins`."""
        return cells(self.programs, self.episodes, len(self.seeds), lambda episode: episode.progress)

    @classmethod
    def of_measurement(cls, measurement: Measurement, header: SweepHeader) -> Self:
        """What a run measured before or after training, as a sweep.

        Args:
            header: made from the run's configuration and lock.
        """
        programs = tuple(
            SweepProgram(
                index=index,
                label=f"#{index}",
                completion=None if measurement.answers else scored.completion,
                source=scored.card.source,
                outcome=scored.card.outcome,
                detail=scored.card.detail,
                program_hash=scored.card.program_hash,
                rewards=scored.rewards,
            )
            for index, scored in enumerate(measurement.scored)
        )
        answers = tuple(map(tuple, measurement.answers))
        header = msgspec.structs.replace(header, answers=bool(answers))
        return cls(header, programs, tuple(scored.card.episodes for scored in measurement.scored), answers=answers)


def is_sweep(path: str | Path) -> bool:
    """Whether a path is a sweep's directory."""
    return (Path(path) / HEADER).is_file()


def read_sweep(path: str | Path) -> Sweep:
    """The sweep in a directory, as far as it has come.

    Raises:
        RunError: the directory holds no sweep, one of another version of the format, or broken files.
    """
    path = Path(path)
    if not is_sweep(path):
        missing = f"{HEADER} is missing" if path.is_dir() else "no such directory"
        raise RunError(f"{path}: not a sweep ({missing}); check the path")
    header = _header(path / HEADER)
    programs = _programs(path / PROGRAMS)
    seeds = parse_indices(header.seeds)
    finished = read_status(path / STATUS).state == "finished"
    episodes, answers = _episodes(path / EPISODES, len(programs), seeds, finished)
    return Sweep(header, programs, episodes, finished, answers if header.answers else ())


def cut_unknown(path: Path) -> None:
    """Cuts the file of episodes at the first one of a program that the sweep does not know, or knows too little of.

    So it stands where the end of the file of programs was lost. By the order of the episodes nothing before is missing.
    A program that has made a move was loaded, and has a hash: where that is not known, its line was lost.

    Raises:
        RunError: broken files.
    """
    programs = _programs(path / PROGRAMS)
    episodes, kept = path / EPISODES, 0
    if not episodes.exists():
        return
    for number, record in enumerate(read_lines(episodes).records):
        index = record.get("program")
        if isinstance(index, int) and (
            index >= len(programs) or (record.get("steps", 0) > 0 and programs[index].program_hash is None)
        ):
            kept = number
            break
    else:
        return
    with open(episodes, "r+b") as file:
        for _ in range(kept):
            file.readline()
        file.truncate(file.tell())


def _header(path: Path) -> SweepHeader:
    content = read_json(path)
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise RunError(
            f"{path}: schema {schema!r} where this envrl reads schema {SCHEMA}; "
            "read it with the envrl that wrote it, or measure again"
        )
    try:
        return msgspec.convert(content, SweepHeader)
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: not a sweep's header ({error}); restore the file, or measure again") from None


def _programs(path: Path) -> tuple[SweepProgram, ...]:
    merged: dict[int, dict[str, Any]] = {}
    for number, record in enumerate(_records(path), 1):
        index = record.get("index")
        if not isinstance(index, int) or not 0 <= index <= len(merged):
            raise RunError(f"{path}:{number}: program {index!r} comes out of order; restore the file, or measure again")
        merged[index] = merged.get(index, {}) | record
    try:
        return tuple(msgspec.convert(record, SweepProgram) for record in merged.values())
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: not a sweep's programs ({error}); restore the file, or measure again") from None


_Rows = tuple[tuple[tuple[Episode, ...], ...], tuple[tuple[Answer, ...], ...]]


def _episodes(path: Path, programs: int, seeds: range, finished: bool) -> _Rows:
    """The episodes of each program and, of an answer task, its answers."""
    rows: list[list[Episode]] = [[] for _ in range(programs)]
    answers: list[list[Answer]] = [[] for _ in range(programs)]
    for number, record in enumerate(_records(path), 1):
        program = record.pop("program", None)
        if isinstance(program, int) and program >= programs and not finished:
            break  # its program was lost with the end of the other file: see `cut_unknown`
        if not isinstance(program, int) or not 0 <= program < programs:
            raise RunError(f"{path}:{number}: no program {program!r}; restore the file, or measure again")
        answer = record.pop("answer", None)
        try:
            episode = msgspec.convert(record, Episode)
            if answer is not None:
                answers[program].append(msgspec.convert(answer, Answer))
        except msgspec.ValidationError as error:
            raise RunError(f"{path}:{number}: not an episode ({error}); restore the file, or measure again") from None
        row = rows[program]
        if len(row) >= len(seeds) or episode.index != seeds[len(row)]:
            raise RunError(
                f"{path}:{number}: seed {episode.index} of program {program} comes out of order; "
                "restore the file, or measure again"
            )
        row.append(episode)
    return tuple(map(tuple, rows)), tuple(map(tuple, answers))


def _records(path: Path) -> list[dict[str, Any]]:
    return read_lines(path).records if path.exists() else []
