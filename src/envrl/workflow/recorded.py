"""Programs as a run or a sweep recorded them, and what they were played under.

A run has several *moments* at which programs were played: ``before`` and ``after`` its training, and
``step-000017`` for each training step whose completions were kept. A sweep has one, ``sweep``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import load_config
from envrl.envs import Task
from envrl.errors import RunError
from envrl.evaluation.escape import one_line
from envrl.evaluation.measure import Measurement
from envrl.evaluation.sweeps import EPISODES, PROGRAMS, is_sweep, read_sweep
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.seeding import Block, block_salt, episode_seed
from envrl.workflow.recipes import task_of
from envrl.workflow.results import task_of_sweep

__all__ = ["SWEEP", "Conditions", "Program", "Record", "choose", "moment_of_step", "name_of", "step_of"]

SWEEP, BEFORE, AFTER = "sweep", "before", "after"

_LEAST_HASH = 4  # digits of a hash that may stand for it


@dataclass(frozen=True)
class Conditions:
    """What programs were played under: all that an episode is a function of, beside its program and its index.

    Attributes:
        salt: of the block; a run's own for ``train``.
        limits: budgets of a program.
    """

    task: Task
    block: Block
    salt: str
    limits: Limits

    def seed(self, index: int) -> int:
        """The 63-bit seed of an index."""
        return episode_seed(self.salt, self.block, index)


@dataclass(frozen=True)
class Program:
    """One program with what is recorded of it; see `envrl.evaluation.sweeps.SweepProgram` for most attributes.

    Attributes:
        number: its place, from 0.
        total: the reward, weighted sum of ``rewards``; None where there is none.
        episodes: in the order of their seeds.
    """

    number: int
    label: str
    completion: str | None
    source: str | None
    outcome: Outcome | None
    detail: str
    program_hash: str | None
    rewards: dict[str, float | None] = field(default_factory=dict)
    total: float | None = None
    episodes: tuple[Episode, ...] = ()

    @property
    def wins(self) -> int:
        """Episodes that it won."""
        return sum(episode.won for episode in self.episodes)

    def episode(self, index: int | None = None) -> Episode:
        """The episode of a seed, by its index; of the first that was played unless given.

        Raises:
            RunError: it did not play that seed, or none at all.
        """
        if not self.episodes:
            how = f"{self.outcome}: {one_line(self.detail)}" if self.outcome else "its episodes are not there yet"
            raise RunError(f"program {self.number} has no episode ({how}); choose another program")
        if index is None:
            return self.episodes[0]
        for episode in self.episodes:
            if episode.index == index:
                return episode
        raise RunError(f"program {self.number} did not play seed {index}: it played {_seeds(self.episodes)}")


class Record:
    """The programs of a run or of a sweep, read afresh at each call: it may still be going on.

    Args:
        path: of the directory.

    Raises:
        RunError: the directory holds neither.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.run: RunDirectory | None = None
        if is_sweep(self.path):
            return
        if not (self.path / "status.json").is_file():
            why = "holds neither a run nor a sweep" if self.path.is_dir() else "no such directory"
            raise RunError(f"{self.path}: {why}; give what 'envrl train' or 'envrl eval' wrote")
        self.run = RunDirectory.open(self.path)

    def moments(self) -> tuple[str, ...]:
        """When programs were recorded, in the order of time."""
        if self.run is None:
            return (SWEEP,)
        steps = sorted(path.stem for path in self.run.completions_dir.glob("step-*.jsonl") if step_of(path.stem))
        before = [BEFORE] if self.run.before_path.exists() else []
        after = [AFTER] if self.run.after_path.exists() else []
        return (*before, *steps, *after)

    def files(self, moment: str) -> tuple[Path, ...]:
        """Where the programs of a moment stand.

        Raises:
            RunError: there is no such moment.
        """
        if self.run is None:
            if moment != SWEEP:
                raise RunError(f"{self.path}: this is a sweep, which has no moment {moment!r}; leave it out")
            return self.path / PROGRAMS, self.path / EPISODES
        if moment in (BEFORE, AFTER):
            path, missing = self.run.eval_dir / f"{moment}.json", f"measurement {moment} training"
        elif step := step_of(moment):
            path, missing = self.run.completions_path(step), f"completions of step {step}"
        else:
            raise RunError(f"{self.path}: this is a run, which has no moment {moment!r}")
        if not path.exists():
            raise RunError(f"{self.path}: has no {missing} ({path.name} is missing); it has {self._has()}")
        return (path,)

    def programs(self, moment: str) -> tuple[Program, ...]:
        """The programs of a moment.

        Raises:
            RunError: there is no such moment, or its files are broken.
        """
        files = self.files(moment)
        if self.run is None:
            sweep = read_sweep(self.path)
            return tuple(
                Program(
                    p.index, p.label, p.completion, p.source, p.outcome, p.detail, p.program_hash, p.rewards, None, row
                )
                for p, row in zip(sweep.programs, sweep.episodes, strict=True)
            )
        (path,) = files
        with _told(path):
            if moment in (BEFORE, AFTER):
                scored = msgspec.convert(read_json(path), Measurement).scored
            else:
                scored = msgspec.convert(read_lines(path).records, list[Scored])
        return tuple(_program(number, one) for number, one in enumerate(scored))

    def conditions(self, moment: str) -> Conditions:
        """What the programs of a moment were played under.

        Raises:
            RunError: the run plays nothing, or its task has another version by now.
            EnvrlError: its environment is not there any more.
        """
        if self.run is None:
            header = read_sweep(self.path).header
            task = task_of_sweep(header)
            return _conditions(task, header.block, header.limits, None)
        lock, (path,) = self.run.lock, self.files(moment)
        if "task" not in lock:
            raise RunError(f"{self.path}: this run trains on data and plays nothing: there is nothing to replay")
        task = task_of(load_config(self.run.config_path).config.env)
        if task.version != lock["task"]["version"]:
            raise RunError(
                f"{self.path}: was made with version {lock['task']['version']} of {task.id}, and this envrl has "
                f"version {task.version}: use the envrl that made it"
            )
        block: Any = read_json(path)["block"] if moment in (BEFORE, AFTER) else "train"
        return _conditions(task, block, lock["sandbox"]["limits"], lock["seeds"]["train_salt"])

    def _has(self) -> str:
        moments = self.moments()
        return f"{moments[0]} … {moments[-1]}" if len(moments) > 2 else " and ".join(moments) or "no program at all"


def step_of(moment: str) -> int | None:
    """The number of a training step's moment; None for another."""
    digits = moment.removeprefix("step-")
    if digits == moment or not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None
    return int(digits) or None


def moment_of_step(step: int) -> str:
    """The moment of a training step."""
    return f"step-{step:06d}"


def name_of(moment: str) -> str:
    """A moment as people read it."""
    if step := step_of(moment):
        return f"training step {step}"
    return moment if moment == SWEEP else f"{moment} training"


def choose(programs: Sequence[Program], wanted: str) -> Program:
    """The program that a person names: ``best``, its number, its label, or the beginning of its hash.

    The best is the one with the largest share of episodes won; then progress, score and the order decide.

    Raises:
        RunError: there is none such, or several.
    """
    if wanted == "best":
        played = [program for program in programs if program.episodes]
        if not played:
            raise RunError("none of the programs was played: there is no best one; choose one by its number")
        return max(played, key=_strength)
    number = wanted.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < _LEAST_HASH * 2 and int(number) < len(programs):
        return programs[int(number)]
    for program in programs:
        if program.label == wanted:
            return program
    found = [p for p in programs if len(wanted) >= _LEAST_HASH and (p.program_hash or "").startswith(wanted.lower())]
    if len({program.program_hash for program in found}) > 1:
        raise RunError(f"{len(found)} programs have a hash that begins with {wanted!r}; give more of it")
    if not found:
        raise RunError(
            f"no program {wanted!r}: give a number from 0 to {len(programs) - 1}, best, or at least {_LEAST_HASH} "
            "digits of a hash"
        )
    return found[0]


def _strength(program: Program) -> tuple[float, float, float, int]:
    count = len(program.episodes)
    progress, score = (sum(e.progress for e in program.episodes), sum(e.score for e in program.episodes))
    return program.wins / count, progress / count, score / count, -program.number


def _program(number: int, scored: Scored) -> Program:
    card = scored.card
    return Program(
        number=number,
        label=f"#{number}",
        completion=scored.completion,
        source=card.source,
        outcome=card.outcome,
        detail=card.detail,
        program_hash=card.program_hash,
        rewards=scored.rewards,
        total=scored.total,
        episodes=card.episodes,
    )


def _conditions(task: Task, block: Block, limits: Any, train_salt: str | None) -> Conditions:
    salt = block_salt(block, task.id, task.version, train_salt)
    return Conditions(task, block, salt, msgspec.convert(limits, Limits))


def _seeds(episodes: Sequence[Episode]) -> str:
    indices = [episode.index for episode in episodes]
    if indices == list(range(indices[0], indices[-1] + 1)):
        return f"{indices[0]} … {indices[-1]}"
    return ", ".join(map(str, indices[:20])) + (" …" if len(indices) > 20 else "")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says of a file that holds something else that it does."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: not what a run writes ({error}); restore the file") from None
