"""A strategy file over many seeds, for whoever calls envrl from Python (`envrl.workflow.sweep` does more)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from envrl.envs import Task
from envrl.errors import EnvError, RunError
from envrl.evaluation.escape import one_line
from envrl.evaluation.statistics import Interval, wilson
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeping import Field, play
from envrl.evaluation.sweeps import SweepProgram
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Arena, Episode
from envrl.runs import write_json
from envrl.sandbox import LEAST, active_layers
from envrl.seeding import Block, block_salt, parse_indices
from envrl.workflow.strategy_file import check_playable, read_strategy
from envrl.workflow.sweep_plan import block_to_measure

__all__ = ["Evaluated", "evaluate_strategy"]


@dataclass(frozen=True)
class Evaluated:
    """A program over many seeds.

    Attributes:
        success: rate with its Wilson interval.
        episodes: in the order of the seeds.
        outcomes: counts by outcome.
        layers: sandbox layers that were in force.
        seconds: of CPU that the strategy used.
    """

    task: Task
    block: Block
    success: Interval
    episodes: tuple[Episode, ...]
    outcomes: Counter[Outcome]
    layers: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """CPU that the strategy used in all episodes."""
        return sum(episode.cpu for episode in self.episodes)


def evaluate_strategy(
    task: Task,
    path: str | Path,
    seeds: str,
    *,
    block: str = "test",
    workers: int | None = None,
    limits: Limits | None = None,
    require: Sequence[str] = LEAST,
    output: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluated:
    """Plays a strategy file on seeds of a block.

    Args:
        require: sandbox layers without which nothing is played.
        output: a JSON file for every episode.
        progress: called with the number of episodes that have just been played.

    Raises:
        StrategyError: the file cannot be read, or holds no program that can be played.
        SeedError: the seeds are none, or the block is the one that runs train on.
        SandboxError: the sandbox lacks a required layer.
        RunError: the output cannot be written.
    """
    path = Path(path)
    named = block_to_measure(block)
    source = read_strategy(path)
    if output is not None and not output.parent.is_dir():
        raise RunError(f"{output}: its folder does not exist")
    salt = block_salt(named, task.id, task.version)
    field = Field(named, salt, parse_indices(seeds), (limits or task.limits).hard_failures)
    log = SweepLog(None)
    log.add(SweepProgram(index=0, label=str(path), completion=None, source=source))
    with Arena(task, workers=workers, limits=limits, require=require) as arena:
        layers = arena.ready()
        play(log, arena, field, range(1), workers or len(os.sched_getaffinity(0)), progress=progress)
    check_playable(path, task, log.card(0))
    episodes = tuple(log.rows[0])
    lost = [episode for episode in episodes if episode.outcome is Outcome.INFRASTRUCTURE_ERROR]
    if len(lost) == len(episodes):
        raise EnvError(f"{task.id}: nothing could be measured: {one_line(lost[0].detail)}")
    honest = [episode for episode in episodes if episode.outcome is not Outcome.INFRASTRUCTURE_ERROR]
    evaluated = Evaluated(
        task=task,
        block=named,
        success=wilson(sum(episode.won for episode in honest), len(honest)),
        episodes=episodes,
        outcomes=Counter(episode.outcome for episode in episodes),
        layers=active_layers(layers),
    )
    if output is not None:
        write_json(
            output,
            {
                "task": task.id,
                "task_version": task.version,
                "options": task.options,
                "block": block,
                "seeds": seeds,
                "strategy": source,
                "success": evaluated.success._asdict(),
                "layers": evaluated.layers,
                "limits": msgspec.to_builtins(limits or task.limits),
                "episodes": msgspec.to_builtins(episodes),
            },
        )
    return evaluated
