"""``envrl play``, as a user types it."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

import click
import pytest
from PIL import Image

from envrl.cli import play
from envrl.envs import find_task

STRATEGIES = Path(play.__file__).parents[1] / "envs" / "game2048" / "strategies"
SINGLES = STRATEGIES.parents[1] / "sudoku" / "strategies" / "naked_singles.py"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(play, "at_terminal", lambda: True)


def test_a_log_shows_every_board_and_the_end(envrl):
    said = envrl("play", "--strategy", STRATEGIES / "random.py", "--seed", 2)
    assert said.code == 0
    assert said.out.startswith("start\nscore 0\n")
    last = said.out.rstrip().splitlines()[-1]
    assert last.startswith("failure after ")
    moves = int(last.split()[2])
    assert said.out.count("\nscore ") == moves + 1
    assert f"move {moves}: '" in said.out
    assert said.out == envrl("play", "--strategy", STRATEGIES / "random.py", "--seed", 2).out


def test_a_video(envrl, tmp_path):
    path = tmp_path / "out.gif"
    said = envrl("play", "--env", "sudoku", "--strategy", SINGLES, "--video", path, "--delay", "0.1")
    assert said.code == 0
    assert said.out.splitlines()[0] == f"wrote {path}"
    moves = int(said.out.splitlines()[-1].split()[2])
    with Image.open(path) as image:
        assert image.n_frames == moves + 1
        assert image.info["duration"] == 100


def test_what_a_strategy_says_is_escaped(envrl, tmp_path):
    path = tmp_path / "strategy.py"
    path.write_text("def strategy(board):\n    raise ValueError('\\x1b[31mred')\n")
    said = envrl("play", "--strategy", path)
    assert "exception after 0 moves" in said.out
    assert "\x1b" not in said.out
    assert "\\x1b[31mred" in said.out


def test_keys_play_2048(envrl, monkeypatch, terminal):
    keys = iter("wasdx?\x1b")
    monkeypatch.setattr(click, "getchar", lambda: next(keys))
    said = envrl("play", "--seed", 1)
    assert said.code == 0
    assert said.out.rstrip().endswith("left")
    assert "keys A D S W, Escape to leave" in said.out
    assert "move 4: 'D'" in said.out


def test_typed_actions_play_anything_else(envrl, monkeypatch, terminal):
    monkeypatch.setattr(builtins, "input", _lines("nonsense", "(0, 0)"))
    said = envrl("play", "--env", "sudoku")
    assert said.code == 0
    assert said.out.count("returned") == 2
    assert "such as (0, 0, 1)" in said.out
    assert said.out.rstrip().endswith("left")


def test_an_answer_ends_the_episode(envrl, monkeypatch, terminal):
    monkeypatch.setattr(builtins, "input", _lines("a guess"))
    said = envrl("play", "--env", "math")
    assert said.out.rstrip().splitlines()[-1] == "failure after 1 moves: score 0"
    assert find_task("math").title in said.out


def _lines(*lines):
    left = iter(lines)

    def read(*_):
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    return read


def test_envs_shows_how_strong_strategies_are(envrl):
    said = envrl("envs", "2048")
    rows = said.out.partition("measured:")[2].splitlines()
    assert {row.split()[0] for row in rows if "test 0:" in row} == {path.stem for path in STRATEGIES.glob("*.py")}
    assert "measured:" not in envrl("envs", "FrozenLake-v1").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "to play yourself takes a terminal"),
        (("--video", "a.gif"), "name its file with --strategy"),
        (("--strategy", "none.py"), "error: none.py: cannot be read (No such file or directory)"),
        (("--env", "204", "--strategy", "none.py"), "error: unknown environment '204': did you mean 2048?"),
        (("--strategy", SINGLES, "--video", "a.webm"), "'.webm' is no format"),
        (("--strategy", SINGLES, "--video", "no/a.gif"), "its folder does not exist"),
        (("--strategy", SINGLES, "--delay", "nan"), "--delay nan: give seconds from 0 to 60"),
        (("--strategy", SINGLES, "--delay", "-1"), "--delay -1"),
        (("--strategy", SINGLES, "--seed", "-1"), "-1"),
        (("--strategy", SINGLES, "--block", "train"), "train"),
        (("--strategy", SINGLES, "--block", "tset"), "did you mean test"),
    ],
)
def test_what_is_refused(refused, arguments, words):
    assert words in refused("play", *arguments)


def test_a_package_that_is_missing(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    message = refused("play", "--strategy", STRATEGIES / "greedy.py", "--video", "a.mp4")
    assert 'pip install "envrl[video]"' in message
