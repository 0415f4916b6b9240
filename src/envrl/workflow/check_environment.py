"""Checks of an environment alone: its tuples, its spaces, its seeds."""

from __future__ import annotations

import copy
import random
import statistics
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from envrl.workflow.check_subject import SEEDS, STEPS, Check, Found, Objection, Step, Subject, Verdict, differ

__all__ = ["ENVIRONMENT_CHECKS"]

_MANY = 10  # seeds; of a few, all may by chance be alike
_SLOW = 0.005  # seconds of a step; 64 programs on 4 games of 100 steps then wait two minutes


def _made(subject: Subject) -> Found:
    env = subject.make()
    subject.action_space = env.action_space
    space = copy.deepcopy(env.action_space)
    space.seed(0)
    subject.actions = [space.sample() for _ in range(STEPS)]
    env.close()
    spaces = f"observation {_text(env.observation_space)}, action {_text(env.action_space)}"
    return Verdict.OK, f"{subject.env_id}: {spaces}", ""


def _text(space: gymnasium.Space[Any]) -> str:
    return " ".join(str(space).split())  # numpy aligns bounds in columns


def _episodes(subject: Subject) -> Found:
    raw = subject.make().unwrapped  # wrappers would stumble over a wrong tuple, and hide what it was
    reset = raw.reset(seed=0)
    if not (isinstance(reset, tuple) and len(reset) == 2 and isinstance(reset[1], dict)):
        raise Objection(f"reset returned {_kind(reset)}", "return (observation, info), info a dict")
    step: Any = raw.step(subject.actions[0])
    raw.close()
    if not (isinstance(step, tuple) and len(step) == 5 and isinstance(step[4], dict)):
        raise Objection(f"step returned {_kind(step)}", "return (observation, reward, terminated, truncated, info)")
    for flag, name in zip(step[2:4], ("terminated", "truncated"), strict=True):
        if not isinstance(flag, bool | np.bool_):
            raise Objection(f"{name} is {flag!r}, of type {type(flag).__name__}", "return a bool")
    subject.episodes = [_play(subject, seed) for seed in SEEDS]
    steps = sum(map(len, subject.episodes)) - len(SEEDS)
    return Verdict.OK, f"{len(SEEDS)} episodes, {steps} steps: nothing raised, tuples as they should be", ""


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}: ({', '.join(type(part).__name__ for part in value)})"
    return f"a value of type {type(value).__name__}"


def _play(subject: Subject, seed: int) -> list[Step]:
    """An episode of random play: the same actions for every seed."""
    env = subject.make()
    try:
        steps = [_step(env.reset(seed=seed))]
        for action in subject.actions:
            observation, reward, terminated, truncated, info = env.step(action)
            if not isfinite(float(reward)):
                raise Objection(f"step {len(steps)} of seed {seed} gave the reward {reward!r}", "return a finite float")
            steps.append(_step((observation, info), (float(reward), bool(terminated), bool(truncated))))
            if terminated or truncated:
                break
    finally:
        env.close()
    return steps


def _step(returned: tuple[Any, dict[str, Any]], then: tuple[float, bool, bool] = (0.0, False, False)) -> Step:
    return Step(returned, _frozen(returned), then)


def _frozen(value: Any) -> Any:
    """A value as it looks now, to be compared with how it looks later, or elsewhere."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_frozen(part) for part in value]
    return type(value), repr(value)


def _inside(subject: Subject) -> Found:
    env = subject.make()
    env.close()
    space = env.observation_space
    for seed, steps in zip(SEEDS, subject.episodes, strict=True):
        for number, step in enumerate(steps):
            if not space.contains(step.returned[0]):
                what = f"of type {type(step.returned[0]).__name__}: {step.returned[0]!r}"
                raise Objection(
                    f"step {number} of seed {seed} gave an observation outside {_text(space)}, {what}",
                    "declare a space that holds all observations, with their dtype and shape",
                )
    return Verdict.OK, f"all {sum(map(len, subject.episodes))} are in {_text(space)}", ""


def _fresh(subject: Subject) -> Found:
    for seed, steps in zip(SEEDS, subject.episodes, strict=True):
        for number, step in enumerate(steps):
            for part, then, what in zip(step.returned, step.frozen, ("observation", "info"), strict=True):
                if _frozen(part) != then:
                    raise Objection(
                        f"the {what} of step {number}, seed {seed}, was changed by later steps",
                        "return a copy, not the array or dict that the environment goes on to write into",
                    )
    return Verdict.OK, "what was returned stays as it was", ""


def _gymnasium(subject: Subject) -> Found:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env(subject.make().unwrapped, skip_render_check=True)
        except AssertionError as error:
            raise Objection(str(error), "see gymnasium.utils.env_checker.check_env, whose rule it is") from None
    said = {str(warning.message).removeprefix("\x1b[33mWARN: ").removesuffix("\x1b[0m"): None for warning in caught}
    if said:
        return Verdict.WARNING, " ".join(said), "a matter of taste to envrl, which plays it as it is"
    return Verdict.OK, "no complaint", ""


@contextmanager
def _global_random(seed: int) -> Iterator[None]:
    """The state of `random` and of numpy's old functions is as after this seed, and put back afterwards."""
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)


def _told(subject: Subject, seed: int, global_seed: int = 0) -> list[Any]:
    with _global_random(global_seed):
        return [step.told for step in _play(subject, seed)]


_OWN_CHANCE = "take all chance from self.np_random, after super().reset(seed=seed)"


def _seeded(subject: Subject) -> Found:
    episodes = [_told(subject, seed) for seed in range(_MANY)]
    for seed in SEEDS:
        part = differ(episodes[seed], _told(subject, seed))
        if part is not None:
            raise Objection(f"seed {seed} gave two different episodes: they part at step {part}", _OWN_CHANCE)
    if all(episode == episodes[0] for episode in episodes):
        seen = f"seeds 0 to {_MANY - 1} gave the same episode: the seed seems ignored"
        return Verdict.WARNING, seen, f"{_OWN_CHANCE}; a game without chance needs none, but is one game only"
    return Verdict.OK, "the same seed gives the same episode, another seed another", ""


def _global(subject: Subject) -> Found:
    for seed in SEEDS:
        episode = _told(subject, seed)
        if episode != _told(subject, seed):
            return Verdict.NOT_RUN, "until 'seeds' is mended: episodes differ by themselves", ""
        part = differ(episode, _told(subject, seed, global_seed=1))
        if part is not None:
            raise Objection(
                f"seed {seed} gave another episode after random.seed and np.random.seed: they part at step {part}",
                f"{_OWN_CHANCE}, none from random or np.random",
            )
    return Verdict.OK, "not used", ""


def _speed(subject: Subject) -> Found:
    env = subject.make()
    seconds: list[float] = []
    env.reset(seed=0)
    for action in subject.actions:
        began = time.perf_counter()
        _, _, terminated, truncated, _ = env.step(action)
        seconds.append(time.perf_counter() - began)
        if terminated or truncated:
            env.reset()
    env.close()
    middle = statistics.median(seconds)
    seen = f"{middle * 1e6:.0f} µs in the median of {len(seconds)}"
    return (Verdict.WARNING, seen, "a step of training plays thousands") if middle > _SLOW else (Verdict.OK, seen, "")


ENVIRONMENT_CHECKS = (
    Check("environment", _made, first=True),
    Check("episodes", _episodes, first=True),
    Check("observations", _inside),
    Check("fresh observations", _fresh),
    Check("Gymnasium's checker", _gymnasium),
    Check("seeds", _seeded),
    Check("global random state", _global),
    Check("time of a step", _speed),
)
