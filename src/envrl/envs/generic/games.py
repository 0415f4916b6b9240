"""Any Gymnasium environment behind the `Games` protocol: an instance a game, stepped singly.

An environment's own vector form may compute differently, and an instance that has played may remember it; so each
game has a fresh one. What an environment itself does wrong ends its game as ``infrastructure_error``, never as the
strategy's.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium

from envrl.envs.games import Ending
from envrl.envs.generic.success import EpisodeEnd, Success
from envrl.outcomes import Outcome

__all__ = ["EnvGames", "Scale"]

Encode = Callable[[Any], bytes]
Make = Callable[[], "gymnasium.Env[Any, Any]"]


class Scale:
    """Progress by return, in [0, 1]: 0 where random play ends in the mean, 1 at the threshold.

    Args:
        random: mean return of random play.
        threshold: the return that success asks for; None where success asks for no return.
    """

    def __init__(self, random: float, threshold: float | None) -> None:
        self.random, self.threshold = random, threshold

    def __call__(self, end: EpisodeEnd) -> float:
        if self.threshold is None or self.threshold <= self.random:
            return 0.0
        return min(1.0, max(0.0, (end.total - self.random) / (self.threshold - self.random)))


class _Game:
    """One game: an environment of its own."""

    def __init__(self, make: Make, encode: Encode, seed: int, horizon: int) -> None:
        self._make, self._encode, self._seed, self._horizon = make, encode, seed, horizon
        self._env: gymnasium.Env[Any, Any] | None = None
        self._observation: bytes = b""
        self.total = 0.0
        self.steps = 0
        self.error = ""

    def observe(self) -> bytes:
        if self._env is None and not self.error:
            self._guarded(self._begin)
        return self._observation

    def _begin(self) -> None:
        self._env = self._make()
        observation, _ = self._env.reset(seed=self._seed)
        self._observation = self._encode(observation)

    def act(self, action: Any) -> EpisodeEnd | None:
        """Takes one step; gives the end where it was the last."""
        end: list[EpisodeEnd] = []

        def step() -> None:
            assert self._env is not None
            observation, reward, terminated, truncated, info = self._env.step(action)
            self.steps += 1
            if not math.isfinite(reward):
                raise ValueError(f"the reward is {reward!r}")
            self.total += float(reward)
            truncated = bool(truncated) or self.steps >= self._horizon
            if terminated or truncated:
                end.append(EpisodeEnd(self.total, self.steps, bool(terminated), truncated, dict(info)))
            else:
                self._observation = self._encode(observation)

        self._guarded(step)
        return end[0] if end else None

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # a third party's code: whatever it raises is told, and is nobody else's
            self.error = f"the environment raised {type(error).__name__}: {error}"
            self.close()

    def close(self) -> None:
        if self._env is not None:
            env, self._env = self._env, None
            with contextlib.suppress(Exception):  # the game is over, and what it was worth is known
                env.close()


class EnvGames:
    """The games of a batch.

    Args:
        seeds: one a game.
        make: makes one environment, not yet reset.
        encode: from an observation to what the task's adapter reads.
        success: what counts as won.
        progress: partial credit in [0, 1] of an episode that was not won; one that was has 1.
        horizon: steps after which a game is truncated.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        make: Make,
        encode: Encode,
        success: Success,
        progress: Callable[[EpisodeEnd], float],
        horizon: int,
    ) -> None:
        self._games = [_Game(make, encode, seed, horizon) for seed in seeds]
        self._success = success
        self._progress = progress

    def observe(self, which: Sequence[int]) -> list[bytes | Ending]:
        return [self._observe(self._games[i]) for i in which]

    def _observe(self, game: _Game) -> bytes | Ending:
        observation = game.observe()
        return self._broken(game) if game.error else observation

    def act(self, which: Sequence[int], actions: Sequence[Any]) -> list[Ending | None]:
        return [self._act(self._games[i], action) for i, action in zip(which, actions, strict=True)]

    def _act(self, game: _Game, action: Any) -> Ending | None:
        end = game.act(action)
        if game.error:
            return self._broken(game)
        if end is None:
            return None
        game.close()
        try:
            won = self._success.won(end)
            progress = 1.0 if won else self._progress(end)
            if not 0.0 <= progress <= 1.0:
                raise ValueError(f"progress is {progress!r}, outside [0, 1]")
        except Exception as error:  # a third party's code, too
            game.error = f"the rule of success or progress raised {type(error).__name__}: {error}"
            return self._broken(game)
        return self._ending(game, Outcome.SUCCESS if won else Outcome.FAILURE, progress)

    def standing(self, which: int) -> Ending:
        # No partial credit: where steps cost, a game that is broken off early has the better return.
        game = self._games[which]
        game.close()
        return self._ending(game, Outcome.FAILURE, 0.0)

    def close(self) -> None:
        for game in self._games:
            game.close()

    def _broken(self, game: _Game) -> Ending:
        return self._ending(game, Outcome.INFRASTRUCTURE_ERROR, 0.0, game.error)

    @staticmethod
    def _ending(game: _Game, outcome: Outcome, progress: float, detail: str = "") -> Ending:
        return Ending(outcome, game.steps, game.total, progress, {"return": game.total}, detail)
