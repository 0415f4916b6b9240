"""An episode is recorded in the sandbox and shown by doing it again; or a person plays it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from envrl.envs import InvalidAction, find_task, generic_task
from envrl.errors import EnvError, SeedError, StrategyError, UnknownNameError
from envrl.evaluation.baselines import baselines
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers
from envrl.workflow.play import Recorder, Recording, Seat, difference, record, replay, seed_of, value_of
from envrl.workflow.scene import Scene

WALK = "envrl-tests/Walk-v0"


class Walk(gymnasium.Env[int, int]):
    """Three steps to the right win; which way is right may be decided by chance that no seed governs."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 7}  # noqa: RUF012
    made = 0

    def __init__(self, fickle: bool = False, broken: bool = False, render_mode: str | None = None) -> None:
        self.observation_space = spaces.Discrete(4)
        self.action_space = spaces.Discrete(2)
        self.render_mode = render_mode
        self.fickle, self.broken = fickle, broken
        Walk.made += 1
        self.worth = float(Walk.made)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.place = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.place = min(self.place + int(action), 3)
        return self.place, self.worth if self.fickle else float(action), self.place == 3, False, {}

    def render(self) -> Any:
        if self.broken:
            raise gymnasium.error.DependencyNotInstalled("no brush")
        return np.full((4, 4, 3), self.place, np.uint8)


@pytest.fixture
def walk() -> Iterator[Any]:
    gymnasium.register(WALK, entry_point=Walk, max_episode_steps=5)
    yield lambda **options: generic_task(WALK, options=options, success="return >= 3")
    del gymnasium.registry[WALK]


@pytest.fixture
def strategy(tmp_path: Path) -> Any:
    def write(source: str) -> Path:
        path = tmp_path / "strategy.py"
        path.write_text(source)
        return path

    return write


def last_frame(recording: Recording, pictures: bool = False) -> Any:
    with Scene(recording.task, recording.seed, pictures) as scene:
        shots = list(replay(recording, scene))
        assert len(shots) == len(recording.moves) + 1
        assert difference(recording, scene) == ""
        return shots[-1].frame


@pytest.mark.parametrize(
    ("name", "options", "played"),
    [
        ("2048", {"target": 64}, "greedy"),
        ("2048", {"size": 3, "horizon": 40}, "cycling"),
        ("sudoku", {}, "first_valid"),
    ],
)
def test_what_is_shown_is_the_episode_of_a_sweep(name, options, played, strategy):
    task = find_task(name, options)
    source = baselines(task)[played]
    recording = record(task, strategy(source), 3, block="validation")
    players = LocalPlayers(task)
    (card,) = players.play([Assignment(source, (3,), (seed_of(task, "validation", 3),))])
    players.close()
    (episode,) = card.episodes
    assert (episode.outcome, episode.steps, episode.score) == (
        recording.episode.outcome,
        recording.episode.steps,
        recording.episode.score,
    )
    assert len(recording.moves) == episode.steps
    text = last_frame(recording)
    if name == "2048":
        assert text.splitlines()[0] == f"score {episode.score:g}"
        assert str(int(episode.metrics["max_tile"])) in text.split()
        assert last_frame(recording, pictures=True).shape[2] == 3
    else:
        assert text.count(".") == task.options["blanks"] - episode.metrics["filled"]


def test_math_is_shown_and_answered(strategy):
    task = find_task("math")
    recording = record(task, strategy(baselines(task)["exact"]))
    assert recording.episode.outcome is Outcome.SUCCESS
    assert last_frame(recording)


def test_any_environment_is_shown(walk, strategy):
    recording = record(walk(), strategy("def strategy(observation):\n    return 1\n"))
    assert recording.episode.outcome is Outcome.SUCCESS
    assert [move.value for move in recording.moves] == [1, 1, 1]
    assert last_frame(recording) == "3"  # it draws no text, so that its observation is shown
    assert (last_frame(recording, pictures=True) == 3).all()
    with Scene(recording.task, recording.seed) as scene:
        assert scene.fps == 7
        assert not scene.drawn


def test_what_a_strategy_did_before_it_failed_is_shown(strategy):
    source = "keys = list('WASD')\ndef strategy(board):\n    return keys.pop() if len(keys) > 1 else 1 / 0\n"
    recording = record(find_task("2048"), strategy(source))
    assert recording.episode.outcome is Outcome.EXCEPTION
    assert recording.episode.call == len(recording.moves) == 3
    assert last_frame(recording)


def test_an_environment_that_does_not_repeat_is_told(walk, strategy):
    recording = record(walk(fickle=True), strategy("def strategy(observation):\n    return 1\n"))
    with Scene(recording.task, recording.seed) as scene:
        list(replay(recording, scene))
        assert "does not do the same again for the same seed" in difference(recording, scene)
        scene.act(1)  # nothing happens after the end
        assert scene.over


def test_an_environment_that_cannot_draw_is_told(walk):
    with Scene(walk(broken=True), 1, pictures=True) as scene, pytest.raises(EnvError, match=r"rendered: .*no brush"):
        scene.frame()


def test_an_episode_that_is_played_again_is_kept_once():
    recorder = Recorder(find_task("2048"))
    for _ in range(2):
        recorder.task.games([1])
        recorder.task.action("W")
        with pytest.raises(InvalidAction):
            recorder.task.action("X")
    assert [move.value for move in recorder.moves] == ["W"]


def test_strategies_that_cannot_be_played(strategy, tmp_path):
    task = find_task("2048")
    with pytest.raises(StrategyError, match="cannot be read"):
        record(task, tmp_path / "none.py")
    (tmp_path / "bytes.py").write_bytes(b"\xff")
    with pytest.raises(StrategyError, match="not UTF-8"):
        record(task, tmp_path / "bytes.py")
    with pytest.raises(StrategyError, match="defines no function strategy"):
        record(task, strategy("x = 1\n"))
    with pytest.raises(StrategyError, match="violation"):
        record(task, strategy("import os\ndef strategy(board):\n    return 'W'\n"))


def test_seeds_that_cannot_be_played():
    task = find_task("2048")
    with pytest.raises(SeedError, match="train"):
        seed_of(task, "train", 0)
    with pytest.raises(UnknownNameError, match="did you mean test"):
        seed_of(task, "tset", 0)
    with pytest.raises(SeedError, match="outside"):
        seed_of(task, "test", -1)


# a person plays


def test_a_person_plays_the_game_that_a_strategy_would(strategy):
    task = find_task("2048", {"target": 32})
    recording = record(task, strategy(baselines(task)["cycling"]), 2)
    seat = Seat(task, recording.seed)
    assert seat.keys == dict(zip("ADSW", "ADSW", strict=True))
    with seat.scene:
        for move in recording.moves:
            assert seat.look() is None
            ending = seat.move(move.value)
    assert ending is not None
    assert (ending.outcome, ending.steps, ending.score) == (
        recording.episode.outcome,
        recording.episode.steps,
        recording.episode.score,
    )


def test_what_is_no_action_changes_nothing(walk):
    seat = Seat(find_task("sudoku"), 1)
    assert seat.keys == {}
    with seat.scene:
        assert seat.look() is None
        before = seat.scene.frame()
        for typed in ("", "W", "(0, 0)", "(0, 0, 10)"):
            with pytest.raises(InvalidAction, match="returned"):
                seat.move(value_of(typed))
        assert seat.scene.frame() == before
    with Seat(walk(), 1).scene:
        assert Seat(walk(), 1).keys == {"0": 0, "1": 1}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("3", 3),
        ("(0, 2, 5)", (0, 2, 5)),
        ("W", "W"),
        ('"W"', "W"),
        ("", ""),
        ("1 +", "1 +"),
        ("f()", "f()"),
        ("-1.5", -1.5),
    ],
)
def test_what_a_person_types(typed, value):
    assert value_of(typed) == value
