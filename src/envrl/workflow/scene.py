"""An episode to look at: the task's environment, seeded as the episode was, stepped by its actions, and rendered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envrl.envs import Task
from envrl.errors import EnvError, EnvrlError

__all__ = ["Frame", "Scene"]

Frame = str | NDArray[np.uint8]
"""What there is to see: a text, or a picture of shape (height, width, 3)."""

_NOT_THE_ENVIRONMENTS = ("horizon", "success", "toolkit")  # options of a task that its environment does not take
_DEFAULT_FPS = 4.0


class Scene:
    """The environment of one episode. It decides nothing: the task's own games do, and this shows them.

    Args:
        task: whose environment is shown.
        seed: the episode's 63-bit seed.
        pictures: show pictures where the environment draws them; else texts. One that does neither shows its
            observations.

    Attributes:
        total: sum of the rewards so far.
        over: whether the environment has ended its episode.
        drawn: whether frames come from the environment's ``render``.

    Raises:
        EnvError: the environment cannot be made, or raised an error.
    """

    def __init__(self, task: Task, seed: int, pictures: bool = False) -> None:
        self._id = task.id
        self._options = {key: value for key, value in task.options.items() if key not in _NOT_THE_ENVIRONMENTS}
        self._horizon = task.options.get("horizon")
        self.total = 0.0
        self.over = False
        self._env: gymnasium.Env[Any, Any] = self._guarded("made", self._make, None)
        modes = self._env.metadata.get("render_modes") or ()
        wanted = ("rgb_array", "ansi") if pictures else ("ansi",)
        mode = next((mode for mode in wanted if mode in modes), None)
        self.drawn = mode is not None
        if self.drawn:
            self._env.close()
            self._env = self._guarded("made", self._make, mode)
        self._observation, _ = self._guarded("reset", self._env.reset, seed=seed)

    @property
    def action_space(self) -> spaces.Space[Any]:
        """Of the environment."""
        return self._env.action_space

    @property
    def fps(self) -> float:
        """Frames a second that the environment asks for."""
        return float(self._env.metadata.get("render_fps") or _DEFAULT_FPS)

    def act(self, action: Any) -> None:
        """Takes one step by an action of the task; after the end of the episode nothing happens any more."""
        if self.over:
            return
        step = self._guarded("stepped", self._env.step, _as_the_environment_takes_it(self.action_space, action))
        self._observation, reward, terminated, truncated, _ = step
        self.total += float(reward)
        self.over = bool(terminated or truncated)

    def frame(self) -> Frame:
        """What there is to see now.

        Raises:
            EnvError: the environment cannot render, for want of a package perhaps.
        """
        if not self.drawn:
            return str(self._observation)
        frame = self._guarded("rendered", self._env.render)
        return frame if isinstance(frame, np.ndarray) else str(frame)

    def close(self) -> None:
        """Closes the environment."""
        self._env.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make(self, mode: str | None) -> gymnasium.Env[Any, Any]:
        given = self._options if mode is None else {**self._options, "render_mode": mode}
        env: gymnasium.Env[Any, Any] = gymnasium.make(
            self._id, max_episode_steps=self._horizon, disable_env_checker=True, **given
        )
        return env

    def _guarded(self, done: str, call: Any, *arguments: Any, **named: Any) -> Any:
        """Calls a third party's code, whose errors are told as the environment's."""
        try:
            return call(*arguments, **named)
        except EnvrlError:
            raise
        except Exception as error:
            raise EnvError(f"{self._id} cannot be {done}: {type(error).__name__}: {error}") from error


def _as_the_environment_takes_it(space: spaces.Space[Any], action: Any) -> Any:
    """A task's action in the types of its environment's space, where the two differ.

    A task may count the actions of a MultiDiscrete space in one row, the last part fastest; and give numbers where
    the environment reads texts.
    """
    if isinstance(space, spaces.MultiDiscrete) and isinstance(action, int):
        return np.array(np.unravel_index(action, space.nvec.tolist())) + space.start
    if isinstance(space, spaces.Text) and isinstance(action, int | float | Fraction):
        return str(action)
    return action
