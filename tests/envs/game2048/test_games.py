"""A batch of games is the same whether numpy plays it or plain Python, and however many of them step together."""

from __future__ import annotations

import random

import pytest

from envrl.envs.game2048.games import Lockstep
from envrl.envs.games import Ending
from envrl.outcomes import Outcome

SEEDS = range(64)


def played(options: dict[str, int], together: int) -> list[tuple[list[bytes], Ending]]:
    """Each game's observations and its ending, where so many of them step together."""
    seen: list[list[bytes]] = [[] for _ in SEEDS]
    endings: dict[int, Ending] = {}
    games = Lockstep(SEEDS, **options)
    choices = [random.Random(seed) for seed in SEEDS]
    alive = list(SEEDS)
    while alive:
        turn, alive = alive[:together], alive[together:]
        for game, observation in zip(turn, games.observe(turn), strict=True):
            seen[game].append(observation)
        actions = [choices[game].choice((0, 3, 0, 3, 0, 3, 2, 1)) for game in turn]
        for game, ending in zip(turn, games.act(turn, actions), strict=True):
            if ending is None:
                assert games.standing(game).steps == len(seen[game])
                alive.append(game)
            else:
                endings[game] = ending
    return [(seen[game], endings[game]) for game in SEEDS]


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        ({"size": 4, "target": 128, "max_ineffective": 4, "horizon": 500}, ("success", "failure", "invalid_action")),
        ({"size": 4, "target": 2048, "max_ineffective": 10, "horizon": 60}, ("failure",)),
        ({"size": 3, "target": 64, "max_ineffective": 9, "horizon": 500}, ("success", "failure")),
        ({"size": 6, "target": 128, "max_ineffective": 4, "horizon": 150}, ("success", "failure", "invalid_action")),
    ],
)
def test_one_by_one_or_together(options, outcomes):
    one_by_one, together = played(options, 3), played(options, len(SEEDS))
    assert one_by_one == together
    assert {Outcome(outcome) for outcome in outcomes} <= {ending.outcome for _, ending in together}


def test_a_game_that_nobody_looked_at_stands_at_its_beginning():
    games = Lockstep(SEEDS, size=4, target=64, max_ineffective=3, horizon=500)
    standing = games.standing(7)
    games.observe(SEEDS)
    assert games.standing(7) == standing
    assert (standing.steps, standing.score, standing.outcome) == (0, 0.0, Outcome.FAILURE)
