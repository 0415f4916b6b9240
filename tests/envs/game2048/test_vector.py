"""2048 as a vector environment: what Gymnasium's own vector of single environments would return."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from envrl.envs.game2048 import Board, Game2048Env, Game2048VectorEnv
from envrl.errors import ConfigError

ID = "test_vector/Game2048-v0"


@pytest.fixture
def registered() -> Iterator[str]:
    gymnasium.register(ID, entry_point=Game2048Env, vector_entry_point=Game2048VectorEnv, max_episode_steps=40)
    yield ID
    del gymnasium.registry[ID]


def pair(count: int, mode: AutoresetMode, limit: int, **options: Any) -> tuple[SyncVectorEnv, Game2048VectorEnv]:
    """Gymnasium's vector of single environments, and ours."""
    singles = [lambda: TimeLimit(Game2048Env(**options), limit)] * count
    ours = Game2048VectorEnv(count, max_episode_steps=limit, autoreset_mode=mode, **options)
    return SyncVectorEnv(singles, autoreset_mode=mode), ours


def assert_same(theirs: Any, ours: Any) -> None:
    assert data_equivalence(theirs, ours, exact=True), f"theirs: {theirs}\nours:   {ours}"


# Targets and limits that end episodes in every way: success, truncation, stuck boards, ineffective moves.
@pytest.mark.parametrize(
    ("limit", "options"), [(30, {"size": 4, "target": 32}), (90, {"size": 3, "target": 1024, "max_ineffective": 4})]
)
@pytest.mark.parametrize("mode", AutoresetMode)
def test_it_returns_what_gymnasiums_vector_of_singles_returns(
    mode: AutoresetMode, limit: int, options: dict[str, Any]
) -> None:
    theirs, ours = pair(7, mode, limit, **options)
    assert theirs.observation_space == ours.observation_space
    assert theirs.action_space == ours.action_space
    assert theirs.metadata == ours.metadata
    assert_same(theirs.reset(seed=12), ours.reset(seed=12))
    rng = np.random.default_rng(5)
    wins, ends = 0, np.zeros(2, dtype=np.intp)
    for step in range(400):
        actions = rng.integers(0, 4, 7) if step % 100 > 15 else np.full(7, 2)
        result = ours.step(actions)
        assert_same(theirs.step(actions), result)
        assert result[0] in ours.observation_space
        ended = result[2] | result[3]
        ends += [result[2].sum(), result[3].sum()]
        wins += (result[1] >= options["target"]).sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            seeds = [step * 7 + i if i % 2 else None for i in range(7)]
            masks = [{"reset_mask": ended.copy()} for _ in range(2)]
            assert_same(theirs.reset(seed=seeds, options=masks[0]), ours.reset(seed=seeds, options=masks[1]))
    assert ends[0] > 5
    assert (ends[1] > 5 and wins > 5) or options["size"] == 3


def test_seeds_are_given_as_one_as_a_list_or_left_out() -> None:
    theirs, ours = pair(3, AutoresetMode.NEXT_STEP, 10)
    for seed in (5, [9, 7, 9], [1, None, 2], None, 0):
        assert_same(theirs.reset(seed=seed), ours.reset(seed=seed))
    assert_same(theirs.reset(seed=5), ours.reset(seed=np.int64(5)))
    unseeded = Game2048VectorEnv(64).reset()[0]
    assert len({board.tobytes() for board in unseeded}) > 32


def test_a_game_is_the_same_alone_and_in_a_batch_of_any_size_and_order() -> None:
    seeds = [3, 2**63 - 1, 44, 3, 5000, 6, 7]
    rng = np.random.default_rng(2)
    for order in ([0], [6, 2], list(range(7)), [4, 4, 1, 0, 3, 6, 5, 2]):
        games = [seeds[i] for i in order]
        env = Game2048VectorEnv(len(games), autoreset_mode="Disabled", target=2048, max_ineffective=1000)
        observations, _ = env.reset(seed=games)
        alone = [Board(seed) for seed in games]
        over = np.zeros(len(games), dtype=np.bool_)
        while not over.any():
            actions = rng.integers(0, 4, len(games))
            for board, action in zip(alone, actions.tolist(), strict=True):
                board.move(action)
            observations, _, over, _, infos = env.step(actions)
            assert observations.tolist() == [board.exponents().tolist() for board in alone]
            assert infos["score"].tolist() == [board.score for board in alone]


def test_what_it_returned_stays_as_it_was() -> None:
    env = Game2048VectorEnv(4, max_episode_steps=3, autoreset_mode="SameStep")
    returned = [env.reset(seed=0), *(env.step(np.array([0, 1, 2, 3])) for _ in range(2))]
    kept = [repr(result) for result in returned]
    for _ in range(8):
        env.step(np.array([3, 2, 1, 0]))
    assert [repr(result) for result in returned] == kept


def test_it_is_made_through_gymnasium(registered: str) -> None:
    make = partial(gymnasium.make_vec, registered, num_envs=3)
    env = make(vectorization_mode="vector_entry_point", autoreset_mode=AutoresetMode.DISABLED, size=5)
    assert isinstance(env, Game2048VectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    assert env.reset(seed=1)[0].shape == (3, 5, 5)
    made, sync = make(), make(vectorization_mode="sync")
    assert made.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert_same(sync.reset(seed=8), made.reset(seed=8))
    for step in range(100):
        actions = (np.arange(3) + step) % 4
        assert_same(sync.step(actions), made.step(actions))
    for each in (env, made, sync):
        each.close()


def test_gymnasiums_vector_wrappers_accept_it() -> None:
    env = DictInfoToList(RecordEpisodeStatistics(Game2048VectorEnv(2, max_episode_steps=4)))
    env.reset(seed=3)
    for step in range(4):
        *_, infos = env.step(np.array([step % 4, (step + 1) % 4]))
    assert [info["episode"]["l"] for info in infos] == [4, 4]


def test_render() -> None:
    env = Game2048VectorEnv(2, render_mode="ansi")
    env.reset(seed=6)
    single = Game2048Env(render_mode="ansi")
    single.reset(seed=7)
    frames = env.render()
    assert frames is not None
    assert frames[1] == single.render()
    assert Game2048VectorEnv(2).render() is None


def test_options_out_of_range_are_refused() -> None:
    for options in ({"num_envs": 0}, {"max_episode_steps": 0}, {"autoreset_mode": "Never"}, {"size": 1}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            Game2048VectorEnv(**{"num_envs": 2, **options})  # type: ignore[arg-type]


def test_misuse_is_told() -> None:
    env = Game2048VectorEnv(2, max_episode_steps=1, autoreset_mode="Disabled", render_mode="ansi")
    mask = np.array([True, False])
    for call in (env.render, lambda: env.step(np.array([0, 1])), lambda: env.reset(options={"reset_mask": mask})):
        with pytest.raises(gymnasium.error.ResetNeeded):
            call()
    env.reset(seed=0)
    for actions in ([0], [0, 4], [-1, 0], [0.0, 1.0]):
        with pytest.raises(gymnasium.error.InvalidAction):
            env.step(np.array(actions))
    env.step(np.array([0, 1]))
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset_mask"):
        env.step(np.array([0, 1]))
    for wrong in ([True, False], np.array([1, 0])):
        with pytest.raises(TypeError, match="bool"):
            env.reset(options={"reset_mask": wrong})
    for wrong in (np.array([True]), np.array([False, False])):
        with pytest.raises(ValueError, match="reset_mask"):
            env.reset(options={"reset_mask": wrong})
    with pytest.raises(ValueError, match="3 seeds for 2 games"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(gymnasium.error.Error, match="negative"):
        env.reset(seed=-1)
