"""What counts as won."""

from __future__ import annotations

import pytest

from envrl.envs.generic.games import Scale
from envrl.envs.generic.success import EpisodeEnd, parse_success, success_of
from envrl.errors import ConfigError


def end(total: float = 0.0, steps: int = 1, **info: object) -> EpisodeEnd:
    return EpisodeEnd(total, steps, True, False, info)


@pytest.mark.parametrize(
    ("rule", "won", "lost"),
    [
        ("return >= 475", end(475), end(474.9)),
        ("return>-110", end(-109), end(-110)),
        ("steps < 100", end(steps=99), end(steps=100)),
        ("steps <= 100", end(steps=100), end(steps=101)),
        ("return >= -0.5", end(-0.5), end(-0.6)),
        ("is_success", end(is_success=True), end(is_success=False)),
        ("is_success", end(is_success=1), end()),
    ],
)
def test_a_rule_is_what_it_says(rule: str, won: EpisodeEnd, lost: EpisodeEnd) -> None:
    success = parse_success(rule)
    assert success.won(won)
    assert not success.won(lost)


@pytest.mark.parametrize("rule", ["", "win", "return = 3", "return >= x", "reward >= 1", "return >= 1; import os", "1"])
def test_a_rule_that_is_none_is_told_with_what_to_write(rule: str) -> None:
    with pytest.raises(ConfigError, match=r"return >= X"):
        parse_success(rule)


def test_what_the_environment_tells_comes_first_then_its_threshold_then_what_is_known() -> None:
    assert success_of("CartPole-v1", 475.0, tells=True).words == "the environment says is_success"
    assert success_of("CartPole-v1", 475.0, tells=False).threshold == 475.0
    assert success_of("Blackjack-v1", None, tells=False).words == "return > 0"
    with pytest.raises(ConfigError, match=r"Own-v0 does not say what success is.*--success"):
        success_of("Own-v0", None, tells=False)


def test_progress_goes_from_random_play_to_the_threshold() -> None:
    scale = Scale(20.0, 120.0)
    assert [scale(end(total)) for total in (0, 20, 70, 120, 500)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert Scale(20.0, None)(end(100)) == 0.0
    assert Scale(20.0, 10.0)(end(15)) == 0.0
