"""The best of some programs: chosen on one block, measured on another, by rounds that cost little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from envrl.evaluation.measure import best_program
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode, Scorecard


class Fake:
    """Scores a completion by the strength that it names: seed i is won if i % 100 lies below it."""

    def __init__(self) -> None:
        self.rounds: list[tuple[int, int]] = []

    def score(
        self,
        completions: Sequence[str],
        indices: Sequence[Sequence[int]],
        progress: Callable[[int], None] | None = None,
    ) -> list[Scored]:
        self.rounds.append((len(completions), len(indices[0])))
        return [self._one(text, own) for text, own in zip(completions, indices, strict=True)]

    def _one(self, text: str, indices: Sequence[int]) -> Scored:
        if text == "broken":
            return Scored(text, Scorecard(source=None, outcome=Outcome.NO_CODE), {}, 0.0)
        won = [(37 * i) % 100 < int(text) for i in indices]
        outcomes = [Outcome.SUCCESS if w else Outcome.FAILURE for w in won]
        episodes = tuple(Episode(index=i, outcome=o) for i, o in zip(indices, outcomes, strict=True))
        return Scored(text, Scorecard(source=text, episodes=episodes), {}, 0.0)


def chosen(completions: list[str]) -> tuple[Any, Fake, Fake]:
    choose, judge = Fake(), Fake()
    card = best_program(completions, (choose, "validation", "0:96"), (judge, "test", "0:50"))  # type: ignore[arg-type]
    return card, choose, judge


def test_fewer_candidates_play_more_seeds() -> None:
    card, choose, judge = chosen([str(strength) for strength in range(64)] + ["63", "broken"])
    assert choose.rounds == [(65, 4), (48, 8), (20, 20), (6, 64)]
    assert judge.rounds == [(1, 50)]
    assert card.source == "63"
    assert card.note == "best of 65 distinct completions"
    assert card.block == "test 0:50"
    assert card.chosen_block == "validation 0:96"


def test_no_seed_is_played_twice_and_all_of_them_count() -> None:
    card, choose, _ = chosen([str(strength) for strength in range(40, 60)])
    assert [count for _, count in choose.rounds] == [4, 8, 20, 64]
    assert card.chosen.estimate == sum((37 * i) % 100 < 59 for i in range(96)) / 96


def test_few_seeds_are_all_played_in_the_first_round() -> None:
    choose = Fake()
    card = best_program(["50", "60"], (choose, "validation", "0:3"), (Fake(), "test", "0:9"))  # type: ignore[arg-type]
    assert card is not None
    assert choose.rounds == [(2, 3)]


def test_one_that_is_not_played_in_a_later_round_is_out() -> None:
    class Fickle(Fake):
        def _one(self, text: str, indices: Sequence[int]) -> Scored:
            return super()._one("broken" if text == "100" and indices[0] > 0 else text, indices)

        def score(self, completions: Any, indices: Any, progress: Any = None) -> list[Scored]:
            scored = super().score(completions, indices, progress)
            return [
                Scored(text, one.card, one.rewards, one.total) for text, one in zip(completions, scored, strict=True)
            ]

    card = best_program(["100", "50"], (Fickle(), "validation", "0:96"), (Fake(), "test", "0:9"))  # type: ignore[arg-type]
    assert card is not None
    assert card.source == "50"


def test_where_nothing_can_be_played_there_is_no_best() -> None:
    card, _, judge = chosen(["broken"])
    assert card is None
    assert not judge.rounds


def test_the_seeds_that_chose_a_program_never_measure_it() -> None:
    with pytest.raises(AssertionError):
        best_program(["1"], (Fake(), "test", "0:9"), (Fake(), "test", "9:20"))  # type: ignore[arg-type]
