"""Math problems as a Gymnasium environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from envrl.envs.math import FAMILIES, MathProgramEnv
from envrl.errors import ConfigError, UnknownNameError

ID = "test_env/Math-v0"


@pytest.fixture
def registered() -> Iterator[str]:
    gymnasium.register(ID, entry_point=MathProgramEnv)
    yield ID
    del gymnasium.registry[ID]


@pytest.mark.parametrize(
    "options", [{}, {"family": "gcd", "level": 3}, {"family": "geometry", "view": "text", "render_mode": "ansi"}]
)
def test_gymnasiums_checker_has_nothing_to_say(registered: str, options: dict[str, Any]) -> None:
    check_env(gymnasium.make(registered, **options).unwrapped)


@pytest.mark.parametrize("view", ["parameters", "text"])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_right_answer_wins_and_any_other_does_not(level: int, view: str) -> None:
    env = MathProgramEnv(level=level, view=view, render_mode="ansi")
    drawn = set()
    for seed in range(150):
        observation, info = env.reset(seed=seed)
        assert observation in env.observation_space
        assert info == {"family": info["family"], "level": level, "is_success": False}
        family = FAMILIES[info["family"]]
        instance = family.instance(level, seed)
        drawn.add(family.name)
        if view == "text":
            assert observation == instance.text
        else:
            assert json.loads(observation) == {"family": family.name, "parameters": list(instance.parameters)}
        assert env.render() == instance.text
        right = seed % 2 == 0
        answer = str(instance.answer) if right else "no idea"
        assert answer in env.action_space
        assert env.step(answer) == (observation, float(right), True, False, info | {"is_success": right})
    assert len(drawn) > 35


def test_without_a_seed_problems_differ_and_follow_the_first_seed() -> None:
    first, second = MathProgramEnv("two_products"), MathProgramEnv("two_products")
    first.reset(seed=5)
    second.reset(seed=5)
    following = [first.reset()[0] for _ in range(5)]
    assert following == [second.reset()[0] for _ in range(5)]
    assert len(set(following)) == 5


def test_misuse_is_named() -> None:
    env = MathProgramEnv()
    for call in (lambda: env.step("1"), MathProgramEnv(render_mode="ansi").render):
        with pytest.raises(gymnasium.error.ResetNeeded, match="no problem yet"):
            call()
    env.reset(seed=1)
    with pytest.raises(gymnasium.error.InvalidAction, match="no text"):
        env.step(12)  # type: ignore[arg-type]
    env.step("12")
    with pytest.raises(gymnasium.error.ResetNeeded, match="has been answered"):
        env.step("12")
    assert env.render() is None
    with pytest.raises(ConfigError, match="level 4"):
        MathProgramEnv(level=4)
    with pytest.raises(UnknownNameError, match="did you mean totient"):
        MathProgramEnv("totien")
