"""Completions to scorecards and rewards: one pass through the sandbox, whatever the number of components."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from envrl.outcomes import Outcome
from envrl.rewards.presets import Preset
from envrl.rollouts import Assignment, Scorecard, extract
from envrl.seeding import Block, episode_seeds

__all__ = ["Players", "Scored", "Scorer"]


class Players(Protocol):
    """Whatever plays strategies: this process, a local pool, a cluster."""

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order."""


class Scored(msgspec.Struct, frozen=True):
    """One completion, scored.

    Attributes:
        completion: the text.
        card: what is known of it.
        rewards: its components; all None where envrl itself failed.
        total: their weighted sum.
    """

    completion: str
    card: Scorecard
    rewards: dict[str, float | None]
    total: float | None


class Scorer:
    """Scores completions on seeds of one block.

    Args:
        players: what plays the strategies.
        contract: how a strategy is taken out of a completion.
        preset: the reward components.
        block: of the seeds.
        salt: of the block.
    """

    def __init__(self, players: Players, contract: str, preset: Preset, block: Block, salt: str) -> None:
        self._players = players
        self._contract = contract
        self.preset = preset
        self._block = block
        self._salt = salt

    def score(
        self,
        completions: Sequence[str],
        indices: Sequence[Sequence[int]],
        progress: Callable[[int], None] | None = None,
    ) -> list[Scored]:
        """Scores each completion on its own seed indices.

        Args:
            completions: texts, as the model wrote them.
            indices: of the seeds, for each completion.
            progress: called with the number of programs that have just been played.

        Returns:
            One `Scored` a completion, in their order.
        """
        cards: dict[int, Scorecard] = {}
        played: list[int] = []
        assignments: list[Assignment] = []
        for i, (completion, own) in enumerate(zip(completions, indices, strict=True)):
            extracted = extract(completion, self._contract)
            if extracted.source is None:
                cards[i] = Scorecard(source=None, outcome=Outcome.NO_CODE, detail=extracted.reason)
                continue
            seeds = tuple(episode_seeds(self._salt, self._block, own))
            assignments.append(Assignment(extracted.source, tuple(own), seeds))
            played.append(i)
        cards.update(zip(played, self._players.play(assignments, progress), strict=True))
        scored = []
        for i, completion in enumerate(completions):
            rewards = self.preset.rewards(cards[i])
            scored.append(Scored(completion, cards[i], rewards, self.preset.total(rewards)))
        return scored
