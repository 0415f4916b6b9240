"""Where programs are played: on the real path, before the bait, and beside neighbours that must not notice anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from envrl.audit.bait import Bait
from envrl.audit.finding import Finding, outcomes_of, plays_alike, stopped_by, worst
from envrl.audit.zoo.specimen import Specimen
from envrl.envs import InvalidAction, Task
from envrl.errors import SandboxError
from envrl.outcomes import Outcome
from envrl.rewards import Preset
from envrl.rollouts import Arena, Assignment, Scorecard
from envrl.seeding import Block, block_salt, episode_seeds

__all__ = ["NEIGHBOURS", "REFEREES", "Listening", "Stage"]

REFEREES = 2
"""With one a core, a program would have no neighbours on a large machine."""

NEIGHBOURS = 4
"""Harmless programs that play beside each class."""

_BLOCK: Block = "validation"
_FIRST_INDEX = 2**39  # far from those that choose programs
_GAIN = 1e-9


class Listening:
    """A task's action check that hears the secret word in whatever a program returns."""

    def __init__(self, action: Callable[[Any], int], breach: str) -> None:
        self._action = action
        self._breach = breach

    def __call__(self, value: Any) -> int:
        if self._breach in repr(value):
            raise InvalidAction(f"returned the secret word {self._breach}")
        return self._action(value)


class Stage:
    """An arena, the bait, and the neighbours.

    Args:
        task: whose action check is `Listening`.
        arena: for the task.
        bait: laid.
        seeds: of each program.
        preset: the reward.

    Raises:
        SandboxError: the task's example action cannot be played.
    """

    def __init__(self, task: Task, arena: Arena, bait: Bait, seeds: int, preset: Preset) -> None:
        self._task = task
        self._arena = arena
        self._bait = bait
        self._preset = preset
        self.indices = tuple(range(_FIRST_INDEX, _FIRST_INDEX + seeds))
        salt = block_salt(_BLOCK, task.id, task.version)
        self._seeds = tuple(episode_seeds(salt, _BLOCK, self.indices))
        self._neighbours: list[tuple[Specimen, Scorecard]] = []
        self._twin = self.play([Specimen("twin", "", "def $entry(*args):\n    return $action\n")])[0]
        self._honest = preset.rewards(self._twin)
        total = preset.total(self._honest)
        if total is None:
            detail = self._twin.episodes[0].detail
            raise SandboxError(f"the audit of {task.id}: its example action cannot be played ({detail})")
        self._honest_total = total

    def play(self, specimens: Sequence[Specimen], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        """The programs' cards, in their order.

        Where envrl itself failed, as it may on a machine that is too busy for a batch of endless loops, a program is
        played once more, with one neighbour in another referee at the most.
        """
        task = self._task
        sources = [self._bait.fill(specimen.source, task.entry_point, task.example_action) for specimen in specimens]
        assignments = [Assignment(source, self.indices, self._seeds) for source in sources]
        cards = self._arena.play(assignments, progress)
        lost = [i for i, card in enumerate(cards) if card.infrastructure_error]
        for few in (lost[start : start + REFEREES] for start in range(0, len(lost), REFEREES)):
            for i, card in zip(few, self._arena.play([assignments[i] for i in few]), strict=True):
                cards[i] = card
        return cards

    def settle(self, candidates: Sequence[Specimen]) -> None:
        """Takes as neighbours the first few that play alike when they play alone twice.

        Without the language policy, what draws random numbers does not repeat.
        """
        for specimen in candidates:
            if len(self._neighbours) == NEIGHBOURS:
                return
            alone, again = self.play([specimen])[0], self.play([specimen])[0]
            if plays_alike(alone, again):
                self._neighbours.append((specimen, alone))

    def watch(
        self, specimens: Sequence[Specimen], progress: Callable[[int], None] | None = None
    ) -> tuple[list[Scorecard], tuple[str, ...]]:
        """Plays programs among the neighbours: their cards, and what was touched meanwhile."""
        # At both ends of the batch: its halves are played by different referees.
        half = len(self._neighbours) // 2
        neighbours = [specimen for specimen, _ in self._neighbours]
        cards = self.play([*neighbours[:half], *specimens, *neighbours[half:]], progress)
        ends = cards[:half] + cards[half + len(specimens) :]
        disturbed = any(not plays_alike(card, alone) for card, (_, alone) in zip(ends, self._neighbours, strict=True))
        touched = (*self._bait.touched(), *(["its neighbours"] if disturbed else []))
        return cards[half : half + len(specimens)], touched

    def finding(self, kind: str, specimen: Specimen, card: Scorecard, touched: Sequence[str]) -> Finding:
        """What is known of a program."""
        details = [card.detail, *(episode.detail for episode in card.episodes)]
        through = any(self._bait.breach in detail for detail in details)
        if through:
            touched = (*touched, "the secret word came back")
        rewards = self._preset.rewards(card)
        reward = self._preset.total(rewards)
        return Finding(
            kind=kind,
            name=specimen.name,
            what=specimen.what,
            outcome=worst(card),
            outcomes={str(outcome): count for outcome, count in outcomes_of(card).items()},
            stopped_by="nothing" if through else stopped_by(card, self._twin, self._task.limits.source),
            reward=reward,
            twin=self._honest_total,
            gained=_more(reward, self._honest_total) or _more(rewards.get("success"), self._honest.get("success")),
            touched=tuple(touched),
            detail=next((detail for detail in details if detail), ""),
        )

    def stopped(self, card: Scorecard) -> bool:
        """Whether a harmless program came to another end than its own."""
        honest = worst(card) in (Outcome.SUCCESS, Outcome.FAILURE)
        return not honest and not plays_alike(card, self._twin)


def _more(value: float | None, honest: float | None) -> bool:
    return value is not None and honest is not None and value > honest + _GAIN
