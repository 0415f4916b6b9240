"""What ``envrl play`` does: an episode of a strategy, recorded and then shown, or an episode of one's own.

A strategy plays in the sandbox as in any sweep, and only its moves are kept. An episode is a function of its seed and
its moves, so that its pictures come from doing them again in the environment.
"""

from __future__ import annotations

import ast
import math
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from gymnasium import spaces

from envrl.envs import Ending, Games, InvalidAction, Task
from envrl.evaluation.escape import one_line
from envrl.rollouts import Assignment, Episode, LocalPlayers
from envrl.sandbox import LEAST
from envrl.seeding import Block, block_salt, episode_seed
from envrl.workflow.scene import Frame, Scene
from envrl.workflow.strategy_file import check_playable, read_strategy

__all__ = ["Move", "Recorder", "Recording", "Seat", "Shot", "difference", "record", "replay", "seed_of", "value_of"]

_MOST_KEYS = 10  # actions that keys are given to


class Move(NamedTuple):
    """One move of an episode.

    Attributes:
        value: plain data, as the strategy returned it.
        action: of the task.
    """

    value: Any
    action: Any


@dataclass(frozen=True)
class Recording:
    """An episode of a strategy.

    Attributes:
        task: that was played.
        seed: the 63-bit seed.
        moves: that the game took, in their order.
        episode: how it went.
    """

    task: Task
    seed: int
    moves: tuple[Move, ...]
    episode: Episode


class Shot(NamedTuple):
    """A frame of a replay, and what led to it."""

    caption: str
    frame: Frame


class Recorder:
    """Stands between a task and the one game that is played of it, and keeps its moves.

    Args:
        task: to record.

    Attributes:
        task: to play in its place, one game at a time.
        moves: of the last game.
    """

    def __init__(self, task: Task) -> None:
        self._played = task
        self.moves: list[Move] = []
        self.task = replace(task, games=self._games, action=self._action)

    def _games(self, seeds: Sequence[int]) -> Games:
        self.moves.clear()  # an episode that is played again begins again
        return self._played.games(seeds)

    def _action(self, value: Any) -> Any:
        action = self._played.to_action(value)
        self.moves.append(Move(value, action))
        return action


def seed_of(task: Task, block: str, index: int) -> int:
    """The 63-bit seed of an index of a block.

    Raises:
        UnknownNameError: there is no such block.
        SeedError: the block is ``train``, or the index lies outside of it.
    """
    named: Block = block  # type: ignore[assignment]
    return episode_seed(block_salt(named, task.id, task.version), named, index)


def record(
    task: Task, path: str | Path, index: int = 0, *, block: str = "test", require: Sequence[str] = LEAST
) -> Recording:
    """Plays a strategy file on one seed, in the sandbox.

    Args:
        index: of the seed in its block.
        require: sandbox layers without which nothing is played.

    Raises:
        StrategyError: the file cannot be read, or holds no program that can be played.
        SeedError: there is no such seed.
        SandboxError: the sandbox lacks a required layer.
    """
    path = Path(path)
    source = read_strategy(path)
    seed = seed_of(task, block, index)
    recorder = Recorder(task)
    players = LocalPlayers(recorder.task, require=require)
    try:
        (card,) = players.play([Assignment(source, (index,), (seed,))])
    finally:
        players.close()
    check_playable(path, task, card)
    return Recording(task, seed, tuple(recorder.moves), card.episodes[0])


def replay(recording: Recording, scene: Scene) -> Iterator[Shot]:
    """Does a recorded episode again in its scene: the start, then a shot for each move."""
    yield Shot("start", scene.frame())
    for number, move in enumerate(recording.moves, 1):
        scene.act(move.action)
        yield Shot(f"move {number}: {one_line(repr(move.value), 60)}", scene.frame())


def difference(recording: Recording, scene: Scene) -> str:
    """What a person has to know of a replay that has ended: a warning where it went otherwise, else nothing."""
    if math.isclose(scene.total, recording.episode.score):
        return ""
    return (
        f"the replay returned {scene.total:g} where the episode had {recording.episode.score:g}: {recording.task.id} "
        "does not do the same again for the same seed, so the episode did not look like this"
    )


class Seat:
    """An episode of one's own: judged by the task's games, and shown by its scene.

    Args:
        task: to play.
        seed: the 63-bit seed.

    Attributes:
        keys: by key, the value that it stands for, where a few keys stand for all actions; else empty.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self._task = task
        self._games = task.games([seed])
        self.scene = Scene(task, seed)
        self.keys = _keys(task, self.scene.action_space)

    def look(self) -> Ending | None:
        """Has to come before each move; an ending where the environment failed."""
        (seen,) = self._games.observe([0])
        return seen if isinstance(seen, Ending) else None

    def move(self, value: Any) -> Ending | None:
        """Makes a move by a value as a strategy would return it; gives the ending where it was the last.

        Raises:
            InvalidAction: the value is no action, and nothing has happened.
        """
        action = self._task.to_action(value)
        (ending,) = self._games.act([0], [action])
        self.scene.act(action)
        return ending


def value_of(text: str) -> Any:
    """What a person typed: a Python literal such as ``(0, 2, 5)``, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _keys(task: Task, space: spaces.Space[Any]) -> dict[str, Any]:
    if not isinstance(space, spaces.Discrete) or space.n > _MOST_KEYS:
        return {}
    keys: dict[str, Any] = {}
    meant = set()
    for key in string.ascii_uppercase + string.digits:
        try:
            meant.add(int(task.action(value_of(key))))
        except InvalidAction:
            continue
        keys[key] = value_of(key)
    return keys if len(meant) == space.n else {}
