"""One pass through the sandbox scores a batch, in its order."""

from __future__ import annotations

import pytest

from envrl.errors import UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards import Scorer, find_preset
from envrl.rollouts import Episode, Scorecard, fenced
from envrl.seeding import episode_seeds

SALT = "s" * 32


class FakePlayers:
    """Wins as many games as the program says, and remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def play(self, assignments, progress=None):
        self.calls.append(list(assignments))
        cards = []
        for assignment in assignments:
            wins = int(assignment.source)
            episodes = tuple(
                Episode(index=index, outcome=Outcome.SUCCESS if place < wins else Outcome.FAILURE)
                for place, index in enumerate(assignment.indices)
            )
            cards.append(Scorecard(source=assignment.source, program_hash=assignment.source, episodes=episodes))
            if progress:
                progress(1)
        return cards


@pytest.fixture
def players():
    return FakePlayers()


@pytest.fixture
def scorer(players):
    return Scorer(players, "tiny", find_preset("envrl"), "train", SALT)


def test_completions_come_back_in_their_order_from_a_single_pass(scorer, players):
    completions = [fenced("1"), "no program", fenced("0"), fenced("2"), "```python\nunclosed", fenced("1")]
    seen = []
    scored = scorer.score(completions, [(7, 8)] * 6, seen.append)
    assert [one.completion for one in scored] == completions
    assert [one.card.success for one in scored] == [0.5, 0.0, 0.0, 1.0, 0.0, 0.5]
    assert [one.card.outcome for one in scored] == [None, Outcome.NO_CODE, None, None, Outcome.NO_CODE, None]
    assert len(players.calls) == 1
    assert [a.source.strip() for a in players.calls[0]] == ["1", "0", "2", "1"]
    assert sum(seen) == 4
    for one in scored:
        assert one.rewards == scorer.preset.rewards(one.card)
        assert one.total == scorer.preset.total(one.rewards)


def test_indices_become_the_seeds_of_the_block(scorer, players):
    scorer.score([fenced("1"), fenced("2")], [(0, 5), (9, 3)])
    assert [a.indices for a in players.calls[0]] == [(0, 5), (9, 3)]
    assert [a.seeds for a in players.calls[0]] == [
        tuple(episode_seeds(SALT, "train", (0, 5))),
        tuple(episode_seeds(SALT, "train", (9, 3))),
    ]


def test_a_completion_without_a_program_says_why_and_is_not_played(scorer, players):
    (one,) = scorer.score(["hello"], [(0,)])
    assert players.calls == [[]]
    assert one.card.outcome is Outcome.NO_CODE
    assert "fenced" in one.card.detail
    assert one.card.source is None
    assert one.total == 0.0


def test_nothing_is_scored_as_nothing(scorer):
    assert scorer.score([], []) == []


def test_completions_and_indices_must_pair(scorer):
    with pytest.raises(ValueError, match="zip"):
        scorer.score([fenced("1")], [])


def test_an_unknown_contract_is_named(players):
    with pytest.raises(UnknownNameError, match="output contract"):
        Scorer(players, "tinny", find_preset("envrl"), "train", SALT).score(["x"], [(0,)])


def test_a_card_of_ours_has_no_reward(scorer, players):
    lost = Scorecard(source="1", episodes=(Episode(index=0, outcome=Outcome.INFRASTRUCTURE_ERROR),))
    players.play = lambda assignments, progress=None: [lost]
    (one,) = scorer.score([fenced("1")], [(0,)])
    assert set(one.rewards.values()) == {None}
    assert one.total is None
