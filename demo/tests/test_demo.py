"""The environment keeps Gymnasium's rules and its seeds, and there is something to learn in it."""

import envrl
import gymnasium
import demo  # registers the environment
from gymnasium.utils.env_checker import check_env

ID = "demo/drone-v0"
FOLLOW = "def strategy(observation):\n    return 1 if observation[1] > observation[0] else 0\n"
RANDOM = "import random\n\n\ndef strategy(observation):\n    return random.randrange(2)\n"


def episode(seed: int) -> list[list[float]]:
    env = gymnasium.make(ID)
    observations = [env.reset(seed=seed)[0]]
    observations += [env.step(step % 2)[0] for step in range(30)]
    return [observation.tolist() for observation in observations]


def success(source: str) -> float:
    """The share of 50 games that a strategy wins, played as in training: confined, one fresh game a seed."""
    players = envrl.LocalPlayers(envrl.find_task("demo"))
    try:
        (card,) = players.play([envrl.Assignment(source, tuple(range(50)), tuple(range(50)))])
    finally:
        players.close()
    return card.success


def test_gymnasium_has_no_complaint() -> None:
    check_env(gymnasium.make(ID).unwrapped)


def test_an_episode_is_decided_by_its_seed() -> None:
    assert episode(7) == episode(7)
    assert episode(7) != episode(8)


def test_a_strategy_that_follows_the_boat_wins_more_than_random_play() -> None:
    assert success(FOLLOW) > 0.7
    assert success(RANDOM) < 0.3
