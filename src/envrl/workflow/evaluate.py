"""What ``envrl eval`` does: a program of its own over many seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from envrl.envs import Task
from envrl.errors import EnvError, RunError, SeedError
from envrl.evaluation.escape import one_line
from envrl.evaluation.statistics import Interval, wilson
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Arena, Assignment, Episode
from envrl.runs import write_json
from envrl.sandbox import LEAST, active_layers
from envrl.seeding import Block, block_salt, episode_seeds, parse_indices
from envrl.workflow.strategy_file import check_playable, read_strategy

__all__ = ["Evaluated", "evaluate_strategy"]

_CHUNK = 64  # seeds of one assignment: they share a worker


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
    if block == "train":
        raise SeedError(
            "block 'train' holds the seeds that runs train on, by a salt that is secret to each: "
            "a measurement on them would overlap training. Use --block test (or validation, final)"
        )
    source = read_strategy(path)
    if output is not None and not output.parent.is_dir():
        raise RunError(f"{output}: its folder does not exist")
    indices = parse_indices(seeds)
    named: Block = block  # type: ignore[assignment]
    salt = block_salt(named, task.id, task.version)
    assignments = [
        Assignment(source, tuple(part), tuple(episode_seeds(salt, named, part)))
        for part in (indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK))
    ]
    with Arena(task, workers=workers, limits=limits, require=require) as arena:
        layers = arena.ready()
        cards = arena.play(assignments, (lambda n: progress(n * _CHUNK)) if progress else None)
    check_playable(path, task, cards[0])
    episodes = tuple(episode for card in cards for episode in card.episodes)
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
