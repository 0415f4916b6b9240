"""2048 as people see it: text, pictures, videos."""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envrl.envs.game2048 import Game2048Env, Game2048VectorEnv
from envrl.envs.game2048.render import RENDER_MODES, board_image
from envrl.errors import ConfigError, MissingExtraError

ID = "envrl:envrl/2048-v0"


@pytest.mark.parametrize("mode", [None, *RENDER_MODES])
def test_gymnasiums_checker_has_nothing_to_say(mode):
    check_env(gymnasium.make(ID, render_mode=mode).unwrapped)


@pytest.mark.parametrize("size", [3, 4, 8])
def test_a_picture_has_even_sides_and_is_fresh(size):
    env = Game2048Env(size, render_mode="rgb_array", target=64)
    env.reset(seed=1)
    one, two = env.render(), env.render()
    assert isinstance(one, np.ndarray)
    assert isinstance(two, np.ndarray)
    assert one.shape == (48 + 80 * size, 8 + 80 * size, 3)
    assert one.dtype == np.uint8
    assert (one == two).all()
    one[:] = 0
    assert (env.render() == two).all()


def test_every_tile_looks_different_and_stands_in_its_place():
    exponents = np.arange(16, dtype=np.uint8).reshape(4, 4)
    picture = board_image(exponents, 0)
    cells = [picture[48 + 80 * r : 120 + 80 * r, 8 + 80 * c : 80 + 80 * c] for r in range(4) for c in range(4)]
    assert len({cell.tobytes() for cell in cells}) == 16
    turned = board_image(exponents.T, 0)
    assert (turned[48:120, 88:160] == picture[128:200, 8:80]).all()
    assert (board_image(exponents, 0)[:40] != board_image(exponents, 4)[:40]).any()
    assert board_image(np.full((8, 8), 65, np.uint8), 2**70).shape == (688, 648, 3)


@pytest.mark.parametrize("mode", RENDER_MODES)
@pytest.mark.parametrize("vectorization", [None, "sync", "vector_entry_point"])
def test_many_games_are_drawn_as_each_alone(mode, vectorization):
    many = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=vectorization, render_mode=mode)
    many.reset(seed=5)
    many.step(np.array([0, 1]))
    frames = many.render()
    many.close()
    assert frames is not None
    for place, frame in enumerate(frames):
        alone = Game2048Env(render_mode=mode)
        alone.reset(seed=5 + place)
        alone.step(place)
        assert np.array_equal(frame, alone.render())


def test_a_render_mode_that_does_not_exist():
    for make in (Game2048Env, Game2048VectorEnv):
        with pytest.raises(ConfigError, match="render_mode 'human' does not exist: give None, 'ansi' or 'rgb_array'"):
            make(render_mode="human")


def test_a_picture_without_pillow_says_what_to_install(monkeypatch):
    env = Game2048Env(render_mode="rgb_array")
    env.reset(seed=0)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"needs pillow.*pip install \"envrl\[video\]\""):
        env.render()


def test_gymnasium_records_a_video(tmp_path: Path):
    pytest.importorskip("moviepy")
    env = gymnasium.wrappers.RecordVideo(gymnasium.make(ID, render_mode="rgb_array"), str(tmp_path / "videos"))
    env.reset(seed=0)
    for step in range(8):
        env.step(step % 4)
    env.close()
    assert [path.suffix for path in (tmp_path / "videos").iterdir() if path.stat().st_size] == [".mp4"]
