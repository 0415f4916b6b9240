"""Plays a sweep: every program on every seed.

The order in which episodes count is fixed: stretch by stretch of the seeds, in each stretch program by program. The
batches in which they are played are not: their size follows the time that they take, so that all workers are busy and
a kill loses seconds. By the law of the solo run nothing of that shows in a result, and every beginning of the order is
a point from which a sweep can go on.

A strategy that fails hard (`envrl.outcomes.HARD`) on several seeds is not played on the rest of their stretch. So an
episode never depends on how many seeds were asked for, and a program that times out now and then still plays most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from envrl.evaluation.sweep_log import SweepLog
from envrl.outcomes import HARD, Outcome
from envrl.rewards import Players
from envrl.rollouts import Assignment, Episode, Scorecard
from envrl.seeding import Block, episode_seeds

__all__ = ["STRETCH", "Field", "play"]

STRETCH = 64
"""Seeds that count one after the other for a program before the next one's turn; aligned at its multiples."""

_BATCH_SECONDS = 3.0  # what a kill may lose, and how often progress moves
_GROWTH = 8.0  # the most that a batch is larger than the last: early ones measure little
_MOST_EPISODES = 2**16
_MOST_TOGETHER = 256  # seeds of one assignment, which share a worker


@dataclass(frozen=True)
class Field:
    """Where programs play.

    Attributes:
        block: of the seeds.
        salt: of the block.
        seeds: indices.
        hard_failures: after so many in a stretch, the rest of it is skipped.
    """

    block: Block
    salt: str
    seeds: range
    hard_failures: int


@dataclass
class _Played:
    """What a batch found out of one program."""

    episodes: dict[int, Episode] = field(default_factory=dict)  # by index
    refusal: Scorecard | None = None  # of its first seeds
    program_hash: str | None = None


class _Piece(NamedTuple):
    """Seeds of one stretch that one program has yet to play."""

    program: int
    indices: range

    @property
    def stretch(self) -> int:
        return self.indices.start // STRETCH


def play(
    log: SweepLog,
    players: Players,
    field: Field,
    programs: range,
    workers: int,
    *,
    progress: Callable[[int], None] | None = None,
    enough: Callable[[int], bool] | None = None,
) -> bool:
    """Plays what the programs have yet to play; each episode is recorded as soon as its batch is over.

    Args:
        log: has the programs, and what was played already.
        programs: their numbers.
        workers: that play at once.
        progress: called with the number of episodes that have just been settled.
        enough: asked after each stretch that all programs have played, with the number of seeds so far; stops at True.

    Returns:
        Whether it stopped because that was enough.
    """
    log.flush()
    size = 4 * workers
    while batch := _take(_left(log, field, programs), size):
        began = time.monotonic()
        played = _play(log, players, field, batch, most=min(_MOST_TOGETHER, -(-size // workers)))
        settled = 0
        for piece in batch:
            done = piece.indices.start - field.seeds.start
            if enough and _all_are_at(log, programs, piece, done) and enough(done):
                log.flush()
                return True
            found, whole = _settle(log, field, piece, played[piece.program])
            settled += found
            if not whole:
                break
        log.flush()
        if progress:
            progress(settled)
        seconds = max(time.monotonic() - began, 1e-3)
        size = max(1, min(_MOST_EPISODES, int(size * min(_GROWTH, _BATCH_SECONDS / seconds))))
    return False


def _left(log: SweepLog, field: Field, programs: range) -> Iterator[_Piece]:
    """What is left to play, in order."""
    seeds = field.seeds
    start = seeds.start
    while start < seeds.stop:
        stop = min(seeds.stop, (start // STRETCH + 1) * STRETCH)
        for program in programs:
            reached = max(start, seeds.start + len(log.rows[program]))
            if log.programs[program].outcome is None and reached < stop:
                yield _Piece(program, range(reached, stop))
        start = stop


def _take(pieces: Iterator[_Piece], count: int) -> list[_Piece]:
    """The first pieces that hold ``count`` episodes; the last of them may be cut."""
    taken: list[_Piece] = []
    for piece in pieces:
        taken.append(_Piece(piece.program, piece.indices[:count]))
        count -= len(taken[-1].indices)
        if count <= 0:
            break
    return taken


def _play(log: SweepLog, players: Players, field: Field, batch: Sequence[_Piece], most: int) -> dict[int, _Played]:
    """Plays a batch: what it found, by program. Assignments have at most ``most`` seeds, so that all workers have some.

    An assignment may reach over several stretches, since games that share a worker cost less; the player then counts
    hard failures over all of them, and skips games that would have been played. Those are left out of what is found.
    So a program that has failed hard before gets no assignment that reaches further than its stretch.
    """
    spans: dict[int, range] = {}
    for program, indices in batch:
        spans[program] = range(spans.get(program, indices).start, indices.stop)
    owners: list[int] = []
    assignments: list[Assignment] = []
    for program, span in spans.items():
        source = log.programs[program].source
        assert source is not None, "a program without a source has an outcome"
        risky = any(episode.outcome in HARD for episode in log.rows[program])
        for part in _parts(span, most, STRETCH if risky else None):
            assignments.append(Assignment(source, tuple(part), tuple(episode_seeds(field.salt, field.block, part))))
            owners.append(program)
    played = {program: _Played() for program in spans}
    for program, assignment, card in zip(owners, assignments, players.play(assignments), strict=True):
        found = played[program]
        if card.outcome is not None:
            if not found.episodes and found.refusal is None:
                found.refusal = card
            # Of a program that was played before, as only one that rolls dice can be: these seeds ended so.
            found.episodes |= {
                i: Episode(index=i, outcome=card.outcome, detail=card.detail) for i in assignment.indices
            }
        found.episodes |= {episode.index: episode for episode in card.episodes}
        found.program_hash = found.program_hash or card.program_hash
    return played


def _parts(span: range, most: int, boundary: int | None) -> Iterator[range]:
    """A span in parts of at most ``most`` seeds, none of which crosses a multiple of the boundary."""
    start = span.start
    while start < span.stop:
        stop = min(span.stop, start + most)
        if boundary:
            stop = min(stop, (start // boundary + 1) * boundary)
        yield range(start, stop)
        start = stop


def _settle(log: SweepLog, field: Field, piece: _Piece, played: _Played) -> tuple[int, bool]:
    """Records a piece.

    Returns:
        The number of episodes that nobody has to play any more, and whether that was all of the piece.
    """
    program, row = piece.program, log.rows[piece.program]
    if log.programs[program].outcome is not None:
        return 0, True  # refused in an earlier piece of this batch
    if played.refusal is not None and not row:
        log.amend(program, outcome=played.refusal.outcome, detail=played.refusal.detail)
        return len(field.seeds), True
    if played.program_hash is not None:
        log.amend(program, program_hash=played.program_hash)
    hard = sum(e.outcome in HARD for e in row if e.index // STRETCH == piece.stretch)
    for place, index in enumerate(piece.indices):
        episode = played.episodes[index]
        if hard >= field.hard_failures:
            episode = Episode(index=index, outcome=Outcome.SKIPPED)
        elif episode.outcome is Outcome.SKIPPED:
            return place, False
        log.record(program, episode)
        hard += episode.outcome in HARD
    return len(piece.indices), True


def _all_are_at(log: SweepLog, programs: range, piece: _Piece, done: int) -> bool:
    """Whether a stretch begins with this piece, and none of it is settled yet."""
    begins = done > 0 and piece.indices.start % STRETCH == 0
    return begins and all(len(log.rows[program]) <= done for program in programs)
