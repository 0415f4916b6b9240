"""2048 as a single Gymnasium environment."""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envrl.envs.game2048 import LEFT, Board, Game2048Env, board_text
from envrl.errors import ConfigError

ID = "test_env/Game2048-v0"


@pytest.fixture
def registered() -> Iterator[str]:
    gymnasium.register(ID, entry_point=Game2048Env, max_episode_steps=5)
    yield ID
    del gymnasium.registry[ID]


@pytest.mark.parametrize("options", [{}, {"size": 3, "target": 64}, {"size": 8, "render_mode": "ansi"}])
def test_gymnasiums_checker_has_nothing_to_say(registered: str, options: dict[str, Any]) -> None:
    check_env(gymnasium.make(registered, **options).unwrapped)


def test_an_episode_of_a_made_one_is_truncated_at_its_horizon(registered: str) -> None:
    env = gymnasium.make(registered, render_mode="ansi")
    env.reset(seed=1)
    truncated, steps = False, 0
    while not truncated:
        _, _, terminated, truncated, _ = env.step(steps % 4)
        steps += 1
        assert not terminated
    assert steps == 5
    env.close()


def test_it_plays_the_game_of_its_seed_and_rewards_what_a_move_gains() -> None:
    env, board = Game2048Env(), Board(2**63 - 3)
    observation, info = env.reset(seed=2**63 - 3)
    total = 0.0
    rng = np.random.default_rng(0)
    terminated = False
    while not terminated:
        assert (observation == board.exponents()).all()
        assert observation in env.observation_space
        assert info["score"] == board.score == total
        assert info["max_tile"] == 2**board.max_exponent
        assert info["spawns"] == board.spawns
        assert set(info) == {"score", "max_tile", "is_success", "ineffective", "spawns"}
        action = rng.integers(4)
        changed = board.move(int(action))
        observation, reward, terminated, truncated, info = env.step(action)
        assert not truncated
        assert (info["ineffective"] == 0) == changed
        total += reward
    assert board.over
    assert not info["is_success"]


def test_high_bits_of_a_seed_do_not_count() -> None:
    env = Game2048Env()
    assert (env.reset(seed=4)[0] == env.reset(seed=4 + 2**63)[0]).all()


def test_an_ineffective_move_leaves_the_board_and_too_many_in_a_row_end_the_episode() -> None:
    env, board = Game2048Env(max_ineffective=3), Board(0)
    before, _ = env.reset(seed=0)
    while all(board.legal()):
        board.move(LEFT)
        before, *_ = env.step(LEFT)
    for count in (1, 2, 3):
        after, reward, terminated, _, info = env.step(board.legal().index(False))
        assert (after == before).all()
        assert reward == 0
        assert info["ineffective"] == count
        assert terminated == (count == 3)
    assert not info["is_success"]


def test_reaching_the_target_is_success_and_the_end() -> None:
    env = Game2048Env(target=8)
    _, info = env.reset(seed=5)
    terminated = False
    moves = 0
    while not terminated:
        assert not info["is_success"]
        _, _, terminated, _, info = env.step(moves % 4)
        moves += 1
    assert info["is_success"] is True
    assert info["max_tile"] == 8


def test_without_a_seed_games_follow_from_the_last_seed() -> None:
    one, two = Game2048Env(), Game2048Env()
    one.reset(seed=3)
    two.reset(seed=3)
    later = [one.reset()[0] for _ in range(5)]
    assert all((a == two.reset()[0]).all() for a in later)
    assert len({a.tobytes() for a in later}) > 1
    assert Game2048Env().reset()[0].astype(bool).sum() == 2


def test_render() -> None:
    env = Game2048Env(render_mode="ansi")
    env.reset(seed=1)
    text = env.render()
    assert isinstance(text, str)
    assert len(text.splitlines()) == 5
    assert Game2048Env().render() is None
    assert board_text(np.array([[0, 1, 2], [17, 0, 0], [0, 0, 11]], dtype=np.uint8), 12) == (
        "score 12\n"
        "      .      2      4\n"
        " 131072      .      .\n"
        "      .      .   2048"
    )  # fmt: skip


def test_misuse_is_told() -> None:
    env = Game2048Env(render_mode="ansi")
    for call in (lambda: env.step(0), env.render):
        with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
            call()
    env.reset(seed=0)
    for action in (4, -1, 1.5):
        with pytest.raises(gymnasium.error.InvalidAction, match="give 0, 1, 2 or 3"):
            env.step(action)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="target 100"):
        Game2048Env(target=100)
