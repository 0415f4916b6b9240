"""What random play is like: the mean return that progress starts from, and the observations that are usual."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from envrl.envs.generic.spaces import plain
from envrl.runs import cache_folder, write_atomic
from envrl.seeding import private_seed

__all__ = ["RandomPlay", "random_play"]

_EPISODES = 50
_OBSERVATIONS = 400  # at the most; for thresholds in warm-start programs
_VERSION = 1


class RandomPlay(NamedTuple):
    """Random play of an environment.

    Attributes:
        mean: mean return.
        longest: steps of the longest episode.
        tells: whether ``info`` holds ``is_success`` where an episode ends.
        observations: some of those met, as plain data.
    """

    mean: float
    longest: int
    tells: bool
    observations: list[Any]


def random_play(make: Callable[[], gymnasium.Env[Any, Any]], key: str | None, horizon: int) -> RandomPlay:
    """Plays an environment at random, `_EPISODES` times; measured once, then read from the cache.

    Args:
        make: makes one environment.
        key: all that the result depends on, for the cache in ``$ENVRL_CACHE`` (``~/.cache/envrl``); None where that
            is not known: then it is measured each time.
        horizon: steps after which an episode is broken off.
    """
    if key is None:
        return _play(make, horizon)
    name = hashlib.blake2b(f"{_VERSION}\0{key}\0{horizon}".encode(), digest_size=12).hexdigest()
    cached = cache_folder() / "random-play" / f"{name}.json"
    try:
        return RandomPlay(**json.loads(cached.read_text()))
    except (OSError, ValueError, TypeError):
        pass
    found = _play(make, horizon)
    cached.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(cached, json.dumps(found._asdict()).encode())
    return found


def _play(make: Callable[[], gymnasium.Env[Any, Any]], horizon: int) -> RandomPlay:
    env = make()
    returns: list[float] = []
    longest, tells = 0, False
    observations: list[Any] = []
    for episode in range(_EPISODES):
        seed = private_seed(episode, "random play")
        env.action_space.seed(seed % 2**32)
        observation, info = env.reset(seed=seed)
        total, steps, ended = 0.0, 0, False
        while not ended and steps < horizon:
            if len(observations) < _OBSERVATIONS:
                observations.append(plain(env.observation_space, observation))
            observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
            total, steps, ended = total + float(reward), steps + 1, bool(terminated or truncated)
        returns.append(total)
        longest = max(longest, steps)
        tells = tells or "is_success" in info
    with suppress(Exception):  # what counts has been seen
        env.close()
    return RandomPlay(float(np.mean(returns)), longest, tells, observations)
