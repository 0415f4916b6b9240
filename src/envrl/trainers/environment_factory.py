"""Direct play: a task in the shape of TRL's ``environment_factory``, so that a model plays a game itself, move by move.

No program is written, so no sandbox is needed: what the model says is an action, checked as one that a strategy
returns. Games, actions, outcomes and reward components are those of the task.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from envrl.envs import Ending, Games, InvalidAction, Task, find_task
from envrl.errors import ConfigError
from envrl.outcomes import Outcome
from envrl.rewards import Preset, find_preset
from envrl.rollouts import Episode, Scorecard
from envrl.seeding import Block, block_salt, episode_seed

__all__ = ["DirectPlay", "EnvironmentFactory", "environment_factory"]

_RULES = """\
You play this game yourself, one move after another; you write no program. Below stands the task as one who programs \
would read it. You are shown what the function {name} would be called with. Answer by calling the tool move with what \
it would return, until you are told that the game is over.

{task}"""
# How the paragraphs of a prompt begin that are for programs alone.
_OF_PROGRAMS = ("You may call these helpers", "Use only plain Python", "Answer with exactly one fenced block")

_MOVE = """Makes the next move.

        Args:
            action: What the rules ask for{example}.

        Returns:
            What has changed, or how the game ended.
        """


class DirectPlay:
    """One game at a time, played by a model through the tool ``move``, which `EnvironmentFactory` adds.

    TRL makes every public method but `reset` and `get_reward` a tool; hence all others are private.

    Args:
        task: what is played.
        preset: the reward components.
        block: of the seeds.
        salt: of the block.
        prompt: what stands before the first observation.
    """

    def __init__(self, task: Task, preset: Preset, block: Block, salt: str, prompt: str) -> None:
        self._task, self._preset, self._block, self._salt, self._prompt = task, preset, block, salt, prompt
        self._read = _reader(task)
        self._games: Games | None = None
        self._index = 0
        self._moves = 0
        self._ending: Ending | None = None
        self._shown: tuple[Any, ...] = ()

    def reset(self, seed: int | None = None, **row: Any) -> str:
        """Begins the game of a row of the data set.

        Args:
            seed: index of the game in the block: the row's column ``seed``.
            row: the other columns, which nothing depends on.

        Returns:
            The prompt and the first observation; TRL puts them after the row's own prompt.

        Raises:
            ConfigError: the row has no index, or one that is no whole number.
            SeedError: the index lies outside the block.
        """
        if type(seed) is not int:
            raise ConfigError(
                f"environment_factory: the row's column 'seed' is {seed!r}: give each row the index of its game, "
                "for example by train_dataset=Dataset.from_list(factory.rows(range(1000)))"
            )
        self._settle()  # an environment that was left in the middle of a game is closed
        self._index, self._moves, self._ending, self._shown = seed, 0, None, ()
        self._games = self._task.games([episode_seed(self._salt, self._block, seed)])
        return f"{self._prompt}\n\n{self._observe(self._games)}".lstrip("\n")

    def get_reward(self) -> float | None:
        """The weighted sum of the preset's components; a game that goes on ends here, as it stands.

        Returns:
            None, which TRL leaves out, where the environment itself failed.
        """
        episode = self.episode
        if episode is None:
            card = Scorecard(source=None, outcome=Outcome.NO_CODE, detail="no move was made")
        else:
            card = Scorecard(source=None, episodes=(episode,))
            if card.infrastructure_error:
                warnings.warn(
                    f"{self._task.id}, seed {self._index}: no reward: {episode.detail}", RuntimeWarning, stacklevel=2
                )
        return self._preset.total(self._preset.rewards(card))

    @property
    def episode(self) -> Episode | None:
        """How the game ended, or None where no move was made. Asking ends a game that goes on."""
        ending = self._settle()
        if ending is None:
            return None
        return Episode(
            index=self._index,
            outcome=ending.outcome,
            steps=ending.steps,
            score=ending.score,
            progress=ending.progress,
            metrics=ending.metrics,
            detail=ending.detail,
        )

    def _settle(self) -> Ending | None:
        if self._games is not None and self._ending is None:
            # A failure, no invalid action: a model whose tokens run out would else do better to lose soon.
            standing, self._games = self._games.standing(0), None
            self._ending = standing if self._moves else None
        return self._ending

    def _play(self, action: Any) -> str:
        if self._ending is not None:
            return _told(self._ending)
        if self._games is None:
            raise ConfigError("environment_factory: there is no game to make a move in: call reset first")
        self._moves += 1
        try:
            (self._ending,) = self._games.act([0], [self._task.to_action(action)])
        except InvalidAction as error:
            standing = self._games.standing(0)
            self._ending = msgspec.structs.replace(standing, outcome=Outcome.INVALID_ACTION, detail=str(error))
        return self._observe(self._games) if self._ending is None else _told(self._ending)

    def _observe(self, games: Games) -> str:
        """What is seen now, as far as it is not what was seen last."""
        (observation,) = games.observe([0])
        if isinstance(observation, Ending):
            self._ending = observation
            return _told(observation)
        before, self._shown = self._shown, self._read(observation)
        names = _names(self._task, len(self._shown))
        changed = [
            _labelled(name, _text(value))
            for i, (name, value) in enumerate(zip(names, self._shown, strict=True))
            if not before or before[i] != value
        ]
        return "\n".join(changed) or "Nothing has changed."


class EnvironmentFactory:
    """Makes environments for ``GRPOTrainer(environment_factory=…)``; see `environment_factory`.

    Args:
        task: what is played.
        preset: the reward components.
        block: of the seeds.
        salt: of the block.
        prompt: what stands before the first observation.
    """

    def __init__(self, task: Task, preset: Preset, block: Block, salt: str, prompt: str) -> None:
        self.task = task
        self._arguments = (task, preset, block, salt, prompt)
        self._kind = _with_move(task)

    def __call__(self) -> DirectPlay:
        """A new environment, which has no game yet."""
        return self._kind(*self._arguments)

    def rows(self, seeds: Iterable[int]) -> list[dict[str, Any]]:
        """Rows of a data set, one a game; the completions of a group share a row, and so a game.

        Args:
            seeds: indices in the block, such as ``range(1000)``.
        """
        return [{"prompt": [{"role": "user", "content": ""}], "seed": index} for index in seeds]


def environment_factory(
    env: str | Task,
    *,
    weights: Mapping[str, float] | None = None,
    block: Block = "train",
    salt: str = "",
    prompt: str | None = None,
) -> EnvironmentFactory:
    """A task as TRL's ``GRPOTrainer(environment_factory=…)`` wants it.

    Each rollout is one game: `reset` begins the one that the row's column ``seed`` names, the model calls the tool
    ``move(action)`` until it is over, and `get_reward` is the weighted sum of format (1 once a move was made), safety,
    success and progress, as for programs. The reward is logged under the task's short name.

    Args:
        env: whatever ``envrl train --env`` takes (``2048``, ``CartPole-v1``, ``path/to/file.py:name``), or a `Task`.
        weights: of single components, in place of the house's own.
        block: whose seeds are played. Blocks are disjoint.
        salt: of the block ``train``; other blocks have a salt of their own. With the default, all runs share games.
        prompt: in place of the rules before the first observation; ``""`` where the data set's own prompts say them.

    Raises:
        UnknownNameError: there is no such environment or block.
        ConfigError: a weight of no component.
        EnvError: the environment cannot be loaded.
    """
    task = env if isinstance(env, Task) else find_task(env)
    salt = block_salt(block, task.id, task.version, salt)
    return EnvironmentFactory(
        task, find_preset("envrl", weights), block, salt, _rules(task) if prompt is None else prompt
    )


def _rules(task: Task) -> str:
    paragraphs = task.prompt("chat").split("\n\n")
    kept = [paragraph for paragraph in paragraphs if not paragraph.startswith(_OF_PROGRAMS)]
    return _RULES.format(name=task.entry_point, task="\n\n".join(kept))


def _with_move(task: Task) -> type[DirectPlay]:
    """A class with the tool, typed and documented as the task's actions are: TRL reads both from the class."""

    def move(self: DirectPlay, action: Any) -> str:
        return self._play(action)

    example = ast.literal_eval(task.example_action)
    move.__annotations__ = {"action": _hint(example), "return": str}
    move.__doc__ = _MOVE.format(example="" if example is None else f", for example {json.dumps(example)}")
    return type(task.short, (DirectPlay,), {"move": move})  # TRL logs the reward under this name


def _hint(example: Any) -> Any:
    """The type hint of values like this one, as a tool's JSON schema can say it."""
    if isinstance(example, (list, tuple)):
        kinds = {_hint(element) for element in example}
        # Never a bare `list`: transformers 5.17 calls that an object.
        return list[kinds.pop() if len(kinds) == 1 else Any]  # type: ignore[misc]
    return Any if example is None else type(example)


def _reader(task: Task) -> Callable[[bytes], tuple[Any, ...]]:
    """The task's own adapter, which is a worker's elsewhere: from what `Games` sends to plain values."""
    namespace: dict[str, Any] = {}
    exec(compile(task.lent.adapter, f"<adapter of {task.id}>", "exec"), namespace)
    read: Callable[[bytes], tuple[Any, ...]] = namespace["arguments"]
    return read


def _names(task: Task, count: int) -> list[str]:
    """The names of the arguments as the prompt has them; empty ones if they are not found there."""
    _, found, rest = task.prompt("chat").partition(f"{task.entry_point}(")
    names = [name.strip() for name in rest.partition(")")[0].split(",")] if found else []
    return names if len(names) == count else [""] * count


def _labelled(name: str, text: str) -> str:
    if not name:
        return text.removeprefix("\n")
    return f"{name}:{text}" if text.startswith("\n") else f"{name}: {text}"


def _text(value: Any) -> str:
    """A plain value as a model reads it: a table row by row, and of a float what may matter."""
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return "".join(f"\n{_text(row)}" for row in value)
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_text(part)}' for key, part in value.items())}}}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _told(ending: Ending) -> str:
    detail = f": {ending.detail}" if ending.detail else ""
    return f"The game is over: {ending.outcome}{detail}. Moves made: {ending.steps}, score: {ending.score:g}."
