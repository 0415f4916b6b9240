"""Completions to scorecards and rewards: one pass through the sandbox, whatever the number of components."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from envrl.outcomes import Outcome
from envrl.rewards.presets import Preset, Weighted
from envrl.rollouts import Assignment, Scorecard, extract
from envrl.seeding import Block, episode_seeds

__all__ = ["Players", "Scored", "Scorer", "scored_of"]


class Players(Protocol):
    """Whatever plays strategies: this process, a local pool, a cluster."""

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order."""

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        """Begins what a later `play` will ask for, and returns at once."""


class Scored(msgspec.Struct, frozen=True):
    """One completion, scored.

    Attributes:
        completion: the text.
        card: what is known of it.
        rewards: its components; all None where envrl itself failed.
        total: their weighted sum.
        clipped: whether the text ran into the limit of its length; None where nobody knows.
    """

    completion: str
    card: Scorecard
    rewards: dict[str, float | None]
    total: float | None
    clipped: bool | None = None


class Scorer:
    """Scores completions on seeds of one block.

    Args:
        players: what plays the strategies.
        contract: how a strategy is taken out of a completion.
        preset: the reward components.
        block: of the seeds.
        salt: of the block.
        prompt: that completions answer, for the preset's functions.
    """

    def __init__(
        self, players: Players, contract: str, preset: Preset, block: Block, salt: str, prompt: str = ""
    ) -> None:
        self._players = players
        self._contract = contract
        self.preset: Weighted = preset
        self._preset = preset
        self._block = block
        self._salt = salt
        self._prompt = prompt

    def score(
        self,
        completions: Sequence[str],
        indices: Sequence[Sequence[int]],
        progress: Callable[[int], None] | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
    ) -> list[Scored]:
        """Scores each completion on its own seed indices.

        Args:
            completions: texts, as the model wrote them.
            indices: of the seeds, for each completion.
            progress: called with the number of programs that have just been played.
            columns: what else the preset's functions are told, a value for each completion.

        Returns:
            One `Scored` a completion, in their order.

        Raises:
            RewardFault: one of the preset's functions raised, or gave what is no reward.
        """
        cards: dict[int, Scorecard] = {}
        played: list[int] = []
        assignments: list[Assignment] = []
        for i, (completion, own) in enumerate(zip(completions, indices, strict=True)):
            extracted = extract(completion, self._contract)
            if extracted.source is None:
                cards[i] = Scorecard(source=None, outcome=Outcome.NO_CODE, detail=extracted.reason)
                continue
            assignments.append(self._assignment(extracted.source, own))
            played.append(i)
        cards.update(zip(played, self._players.play(assignments, progress), strict=True))
        ordered = [cards[i] for i in range(len(completions))]
        prompts = [[{"role": "user", "content": self._prompt}]] * len(completions)
        given: dict[str, Sequence[Any]] = {
            "prompts": prompts,
            "seeds": [list(own) for own in indices],
            "scorecards": ordered,
        }
        return scored_of(self._preset, completions, ordered, {**given, **(columns or {})})

    def play_ahead(self, completions: Sequence[str] = (), indices: Sequence[Sequence[int]] = ()) -> None:
        """Begins to play completions that a later `score` will be given, and returns at once.

        Called again, with none, it keeps the players busy.
        """
        sources = [extract(completion, self._contract).source for completion in completions]
        self._players.play_ahead(
            [self._assignment(s, own) for s, own in zip(sources, indices, strict=True) if s is not None]
        )

    def _assignment(self, source: str, indices: Sequence[int]) -> Assignment:
        return Assignment(source, tuple(indices), tuple(episode_seeds(self._salt, self._block, indices)))


def scored_of(
    preset: Preset, completions: Sequence[str], cards: Sequence[Scorecard], columns: Mapping[str, Sequence[Any]]
) -> list[Scored]:
    """Completions with their cards, and what components and functions make of them.

    Raises:
        RewardFault: one of the preset's functions raised, or gave what is no reward.
    """
    rewards = [preset.rewards(card) for card in cards]
    for function in preset.functions:
        for card, row, value in zip(cards, rewards, function(completions, columns), strict=True):
            row[function.name] = None if card.infrastructure_error else value
    return [
        Scored(completion, card, row, preset.total(row))
        for completion, card, row in zip(completions, cards, rewards, strict=True)
    ]
