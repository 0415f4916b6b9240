"""What is made of a completion's episodes."""

from __future__ import annotations

import json

import msgspec
import pytest

from envrl.outcomes import Outcome
from envrl.rollouts import Episode, Scorecard


def card(*outcomes: Outcome, progress: float = 0.5) -> Scorecard:
    episodes = tuple(Episode(index=i, outcome=outcome, progress=progress) for i, outcome in enumerate(outcomes))
    return Scorecard(source="def f(): pass", episodes=episodes)


def test_success_is_the_share_of_the_seeds_won() -> None:
    assert card(Outcome.SUCCESS, Outcome.FAILURE, Outcome.SKIPPED, Outcome.SUCCESS).success == 0.5


def test_skipped_seeds_count_as_lost() -> None:
    assert card(Outcome.SUCCESS, Outcome.SKIPPED).success == 0.5


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.SUCCESS])
def test_nothing_but_success_wins(outcome: Outcome) -> None:
    assert card(outcome).success == 0.0


def test_progress_is_the_mean_over_the_seeds() -> None:
    episodes = tuple(
        Episode(index=i, outcome=Outcome.FAILURE, progress=p) for i, p in enumerate((0.0, 0.25, 1.0, 0.75))
    )
    assert Scorecard(source="", episodes=episodes).progress == 0.5


def test_a_completion_that_was_not_played_has_neither_success_nor_progress() -> None:
    refused = Scorecard(source=None, outcome=Outcome.NO_CODE)
    assert (refused.success, refused.progress) == (0.0, 0.0)


def test_one_infrastructure_error_makes_the_whole_card_one() -> None:
    assert card(Outcome.SUCCESS, Outcome.INFRASTRUCTURE_ERROR).infrastructure_error


def test_strategies_own_failures_are_no_infrastructure_error() -> None:
    others = [outcome for outcome in Outcome if outcome is not Outcome.INFRASTRUCTURE_ERROR]
    assert not card(*others).infrastructure_error


def test_an_infrastructure_error_before_play_is_one() -> None:
    assert Scorecard(source="", outcome=Outcome.INFRASTRUCTURE_ERROR).infrastructure_error


def test_a_row_is_json_and_comes_back_as_the_card() -> None:
    whole = card(Outcome.SUCCESS, Outcome.TIMEOUT)
    assert msgspec.convert(json.loads(json.dumps(whole.as_row())), Scorecard) == whole


def test_a_row_of_hostile_words_is_json() -> None:
    episode = Episode(index=0, outcome=Outcome.EXCEPTION, detail="\x1b[31m\u202e<script>")
    row = Scorecard(source="'\x00\ud800'", episodes=(episode,)).as_row()
    assert json.loads(json.dumps(row))["episodes"][0]["detail"] == episode.detail
