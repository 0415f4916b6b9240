"""What a pool of referees is asked to play: what waits, what is being played, and what came of it.

Equal assignments are played once, and a chunk that was lost is played again: by the law of the solo run either gives
the same results.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from envrl.outcomes import Outcome
from envrl.rollouts.player import Assignment
from envrl.rollouts.scorecard import Episode, Scorecard

__all__ = ["Ledger"]

_MOST_GAMES = 1024  # in a chunk, so that its loss does not hurt


class Ledger:
    """Assignments on their way to scorecards.

    Args:
        workers: referees among which they are divided.
        tries: how often a chunk is given to a referee before its loss is ours to own.
    """

    def __init__(self, workers: int, tries: int) -> None:
        self._workers = workers
        self._tries = tries
        self._waiting: deque[Assignment] = deque()
        self._share = 1  # games in a chunk
        self._playing: set[Assignment] = set()
        self._losses: Counter[Assignment] = Counter()
        self._cards: dict[Assignment, Scorecard] = {}

    @property
    def open(self) -> bool:
        """Whether anything waits or is being played."""
        return bool(self._waiting or self._playing)

    def ask(self, assignments: Iterable[Assignment]) -> int:
        """Has assignments wait that were not asked for before; gives how many of the different ones are played already.

        Those that are being played, or wait, are neither.
        """
        waiting = set(self._waiting)
        played = 0
        for assignment in dict.fromkeys(assignments):
            if assignment in self._cards:
                played += 1
            elif assignment not in self._playing and assignment not in waiting:
                self._waiting.append(assignment)
        # A referee that is busy already gets so much less of what waits.
        games = sum(len(assignment.seeds) for assignment in (*self._waiting, *self._playing))
        self._share = max(1, min(-(-games // self._workers), _MOST_GAMES))
        return played

    def next(self) -> list[Assignment]:
        """A chunk for a referee that is idle, in the order in which it was asked for; empty if nothing waits.

        What was lost before comes alone: whichever program its referee was lost to, the others do not pay for it again.

        Equal shares for all referees. Smaller ones towards the end would balance better, but cost more than that saves
        (a tenth): the last programs of each chunk play with few neighbours, and so with many messages for few games.
        """
        chunk: list[Assignment] = []
        size = 0
        while self._waiting and size < self._share:
            alone = self._losses[self._waiting[0]] > 0
            if alone and chunk:
                break
            chunk.append(self._waiting.popleft())
            size += self._share if alone else len(chunk[-1].seeds)
        self._playing.update(chunk)
        return chunk

    def bring(self, chunk: Sequence[Assignment], cards: Sequence[Scorecard]) -> None:
        """A chunk has been played."""
        self._playing.difference_update(chunk)
        self._cards.update(zip(chunk, cards, strict=True))

    def lose(self, chunk: Sequence[Assignment], why: str) -> int:
        """A chunk was lost with its referee; gives how many of its assignments will not be tried again.

        Args:
            why: for the cards of those.
        """
        self._playing.difference_update(chunk)
        self._losses.update(chunk)
        given_up = [assignment for assignment in chunk if self._losses[assignment] >= self._tries]
        self._cards.update((assignment, _lost(assignment, why)) for assignment in given_up)
        self._waiting.extendleft(a for a in reversed(chunk) if self._losses[a] < self._tries)
        return len(given_up)

    def take(self, assignments: Sequence[Assignment]) -> list[Scorecard]:
        """The scorecards of assignments that have been played, in this order; all cards are forgotten then."""
        cards = [self._cards[assignment] for assignment in assignments]
        self._cards.clear()
        self._losses.clear()
        return cards

    def drop(self) -> None:
        """Forgets all that waits or is being played."""
        self._waiting.clear()
        self._playing.clear()


def _lost(assignment: Assignment, why: str) -> Scorecard:
    """The card of games that envrl itself could not play."""
    episodes = tuple(
        Episode(index=index, outcome=Outcome.INFRASTRUCTURE_ERROR, detail=why) for index in assignment.indices
    )
    return Scorecard(source=assignment.source, episodes=episodes)
