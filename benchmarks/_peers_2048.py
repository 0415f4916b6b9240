"""Other 2048s, each used as its own documentation says; those that this interpreter cannot import are left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["peer_sides"]

BLOCK = 128
Side = tuple[int, Callable[[], object]]


def _gymnasium_2048() -> dict[str, Side]:
    import gymnasium
    import gymnasium_2048  # noqa: F401 (registers)

    env = gymnasium.make("gymnasium_2048/TwentyFortyEight-v0")
    actions = np.random.default_rng(0).integers(0, 4, BLOCK).tolist()

    def block() -> None:
        env.reset(seed=1)
        for action in actions:
            if env.step(action)[2]:
                env.reset()

    return {"gymnasium-2048, one": (1, block)}


def _jitted(step: Callable[..., Any], states: Any, count: int) -> Side:
    """Steps of all games in a loop that is compiled with them: no Python between two moves."""
    import jax

    actions = jax.numpy.asarray(np.random.default_rng(0).integers(0, 4, (BLOCK, count)), "int32")
    play = jax.jit(lambda states: jax.lax.scan(lambda s, a: (step(s, a), None), states, actions)[0])

    def block() -> None:
        jax.block_until_ready(play(states))

    return count, block


def _pgx() -> dict[str, Side]:
    import jax
    import pgx

    env = pgx.make("2048")
    sides = {}
    for count in (256, 4096):
        keys = jax.random.split(jax.random.PRNGKey(0), count)
        states = jax.jit(jax.vmap(env.init))(keys)
        step = jax.vmap(lambda s, a, key=keys[0]: env.step(s, a, jax.random.fold_in(key, s._step_count)))
        sides[f"pgx on JAX, {count}"] = _jitted(step, states, count)
    return sides


def _jumanji() -> dict[str, Side]:
    import jax
    import jumanji

    env = jumanji.make("Game2048-v1")
    sides = {}
    for count in (256, 4096):
        states = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.PRNGKey(0), count))[0]
        step = jax.vmap(lambda state, action: env.step(state, action)[0])
        sides[f"jumanji on JAX, {count}"] = _jitted(step, states, count)
    return sides


def peer_sides() -> tuple[dict[str, Side], list[str]]:
    """The sides that can be measured here, and a line for each package that is not installed."""
    sides: dict[str, Side] = {}
    missing = []
    for name, make in (("gymnasium-2048", _gymnasium_2048), ("pgx", _pgx), ("jumanji", _jumanji)):
        try:
            sides |= make()
        except ImportError as error:
            missing.append(f"{name}: not measured: {error}")
    return sides, missing
