"""Many games of 2048 as one Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envrl.envs.game2048.boards import Boards
from envrl.envs.game2048.env import Game2048Env
from envrl.envs.game2048.render import check_render_mode, draw_board
from envrl.envs.game2048.rules import check_options
from envrl.errors import ConfigError

__all__ = ["Game2048VectorEnv"]

_Observations = NDArray[np.uint8]
_Mask = NDArray[np.bool_]


class Game2048VectorEnv(VectorEnv[_Observations, NDArray[np.int64], NDArray[Any]]):
    """Many games of `Game2048Env` stepped together; game i is bit for bit what it would be alone.

    It returns what a `gymnasium.vector.SyncVectorEnv` of single environments returns, in all three autoreset modes.

    Args:
        num_envs: number of games.
        max_episode_steps: moves after which an episode is truncated; None for no limit.
        autoreset_mode: the enum of Gymnasium or its value, such as ``"Disabled"``.
        size, target, max_ineffective, render_mode: see `Game2048Env`.

    Raises:
        ConfigError: an option is outside its range.
    """

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        size: int = 4,
        target: int = 512,
        max_ineffective: int = 10,
        render_mode: str | None = None,
    ) -> None:
        self._target_exponent = check_options(size, target, max_ineffective)
        check_render_mode(render_mode)
        for name, count in (("num_envs", num_envs), ("max_episode_steps", max_episode_steps)):
            if count is not None and count < 1:
                raise ConfigError(f"2048: {name} {count!r} is not a count: give a positive integer")
        try:
            self._mode = AutoresetMode(autoreset_mode)
        except ValueError:
            known = ", ".join(repr(mode.value) for mode in AutoresetMode)
            raise ConfigError(f"2048: autoreset_mode {autoreset_mode!r} does not exist: give one of {known}") from None
        self.num_envs = num_envs
        self.size = size
        self.render_mode = render_mode
        self.metadata = {**Game2048Env.metadata, "autoreset_mode": self._mode}
        single = Game2048Env(size, target, max_ineffective)
        self.single_observation_space = single.observation_space
        self.single_action_space = single.action_space
        self.observation_space = batch_space(single.observation_space, num_envs)
        self.action_space = batch_space(single.action_space, num_envs)
        self._max_ineffective = max_ineffective
        self._max_episode_steps = max_episode_steps
        self._all = np.arange(num_envs)
        self._boards: Boards | None = None
        self._ineffective = np.zeros(num_envs, dtype=np.int64)
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        # What draws the seeds of later games is made when it is first wanted: a sweep never wants it.
        self._seeds: list[int | None] = [None] * num_envs
        self._generators: list[np.random.Generator | None] = [None] * num_envs

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[_Observations, dict[str, Any]]:
        """Start new games, in all places or in those of a mask.

        Args:
            seed: s gives game i the seed s + i; a sequence gives each its own; games without one draw theirs.
            options: ``{"reset_mask": mask}``, a bool array of shape (num_envs,), leaves the other games as they are.

        Returns:
            The observations of all games, and the infos of those that started.

        Raises:
            TypeError: the mask is no bool array.
            ValueError: the number of seeds or the shape of the mask is wrong, or the mask is all False.
            gymnasium.error.Error: a seed is negative.
            gymnasium.error.ResetNeeded: a mask was given before any game had started.
        """
        if seed is None:
            seed = [None] * self.num_envs
        elif isinstance(seed, (int, np.integer)):
            seed = [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"2048: {len(seed)} seeds for {self.num_envs} games: give one for each")
        which = self._all
        if options is not None and "reset_mask" in options:
            which = np.flatnonzero(self._checked_mask(options["reset_mask"]))
            self._playing()
        for i in which.tolist():
            if (given := seed[i]) is None:
                continue
            if given < 0:
                raise gymnasium.error.Error(f"2048: seed {given} is negative: give integers from 0")
            self._seeds[i], self._generators[i] = int(given), None
        if self._boards is None:
            self._boards = Boards([0] * self.num_envs, self.size)
        self._start(which, [seed[i] for i in which.tolist()])
        started = np.zeros(self.num_envs, dtype=np.bool_)
        started[which] = True
        return self._boards.exponents(self._all), self._infos(started, self._boards.max_exponent(self._all))

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[_Observations, NDArray[np.float64], _Mask, _Mask, dict[str, Any]]:
        """Make one move in every game; in mode NEXT_STEP a game that had ended starts anew instead.

        Args:
            actions: shape (num_envs,), each 0 to 3.

        Returns:
            Observations, rewards (float64), terminated, truncated and infos of all games.

        Raises:
            gymnasium.error.ResetNeeded: there is no game yet, or one that has ended was not reset (mode DISABLED).
            gymnasium.error.InvalidAction: an action is not 0, 1, 2 or 3.
        """
        boards = self._playing()
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or not np.issubdtype(actions.dtype, np.integer):
            raise gymnasium.error.InvalidAction(f"2048: actions {actions!r}: give {self.num_envs} integers")
        which = self._all
        if self._mode is not AutoresetMode.SAME_STEP and self._ended.any():
            ended = np.flatnonzero(self._ended)
            if self._mode is AutoresetMode.DISABLED:
                raise gymnasium.error.ResetNeeded(
                    f"2048: games {ended.tolist()} have ended: reset them with options={{'reset_mask': mask}}"
                )
            which = np.flatnonzero(~self._ended)
            actions = actions[which]
            self._start(ended, [None] * len(ended))
        if np.any((actions < 0) | (actions > 3)):
            raise gymnasium.error.InvalidAction(f"2048: actions {actions!r} are not all moves: give 0, 1, 2 or 3")
        before = boards.scores.copy()
        changed = boards.move(which, actions)
        rewards = (boards.scores - before).astype(np.float64)
        self._elapsed[which] += 1
        self._ineffective[which] = np.where(changed, 0, self._ineffective[which] + 1)
        largest = boards.max_exponent(self._all)
        stuck = boards.over(self._all) | (self._ineffective >= self._max_ineffective)
        terminated = (largest >= self._target_exponent) | stuck
        limit = self._max_episode_steps
        truncated = np.zeros_like(terminated) if limit is None else self._elapsed >= limit
        self._ended = terminated | truncated
        infos: dict[str, Any] = {}
        if self._mode is AutoresetMode.SAME_STEP and self._ended.any():
            infos = self._finals(boards, largest)
            ended = np.flatnonzero(self._ended)
            self._start(ended, [None] * len(ended))
            largest = boards.max_exponent(self._all)
        infos |= self._infos(np.ones(self.num_envs, dtype=np.bool_), largest)
        return boards.exponents(self._all), rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """Every board as `Game2048Env.render` shows it, else None."""
        if self.render_mode is None:
            return None
        boards = self._playing()
        drawn = zip(boards.exponents(self._all), boards.scores.tolist(), strict=True)
        return tuple(draw_board(self.render_mode, board, score) for board, score in drawn)

    def _playing(self) -> Boards:
        if self._boards is None:
            raise gymnasium.error.ResetNeeded("2048: there are no games yet: call reset() first, without a mask")
        return self._boards

    def _checked_mask(self, mask: object) -> _Mask:
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"2048: reset_mask {mask!r} is no mask: give a numpy array of dtype bool")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(f"2048: reset_mask {mask!r} must have shape ({self.num_envs},) and a True value")
        return mask

    def _start(self, which: NDArray[np.intp], seeds: Sequence[int | None]) -> None:
        """Start a game in each place of ``which``; those without a seed draw theirs."""
        drawn = [self._draw_seed(i) if seed is None else seed for i, seed in zip(which.tolist(), seeds, strict=True)]
        self._playing().reset(which, drawn)
        self._ineffective[which] = 0
        self._elapsed[which] = 0
        self._ended[which] = False

    def _draw_seed(self, i: int) -> int:
        """The next seed of place i, from a generator such as a single environment's ``np_random`` would be."""
        generator = self._generators[i]
        if generator is None:
            generator = self._generators[i] = seeding.np_random(self._seeds[i])[0]
        return int(generator.integers(2**63))

    def _infos(self, told: _Mask, largest: NDArray[np.uint8]) -> dict[str, Any]:
        """The infos of the games of a mask as Gymnasium stacks them: zero and unmarked for the others."""
        boards = self._playing()
        values: dict[str, NDArray[Any]] = {
            "score": boards.scores,
            "max_tile": np.left_shift(1, largest.astype(np.int64)),
            "is_success": largest >= self._target_exponent,
            "ineffective": self._ineffective,
            "spawns": boards.spawns,
        }
        infos: dict[str, Any] = {}
        for name, value in values.items():
            infos[name] = value * told
            infos[f"_{name}"] = told.copy()
        return infos

    def _finals(self, boards: Boards, largest: NDArray[np.uint8]) -> dict[str, Any]:
        """What mode SAME_STEP reports of the games that have just ended."""
        observations = np.full(self.num_envs, None, dtype=object)
        ended = np.flatnonzero(self._ended)
        for i, observation in zip(ended.tolist(), boards.exponents(ended), strict=True):
            observations[i] = observation.copy()
        return {
            "final_obs": observations,
            "_final_obs": self._ended.copy(),
            "final_info": self._infos(self._ended, largest),
            "_final_info": self._ended.copy(),
        }
