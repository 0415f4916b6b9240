"""Programs of a sweep, played again in the sandbox for its report: episodes to look at, and whether programs react."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import msgspec
from rich.text import Text

from envrl.envs import Ending, Games, Task
from envrl.evaluation import escape
from envrl.evaluation.report.record import Constants, Frame, Replay
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.limits import Limits
from envrl.outcomes import HARD
from envrl.rollouts import Assignment, Episode, LocalPlayers
from envrl.sandbox import LEAST
from envrl.seeding import block_salt, episode_seeds
from envrl.workflow.play import Move, Recorder, Recording, difference, seed_of
from envrl.workflow.scene import Scene

__all__ = ["Again", "frame_of"]

_MOST_FRAMES = 400
_MOST_BYTES = 60_000
"""Of all frames of a replay together: a report holds a few, and weighs under a megabyte."""

_FRAME_LETTERS = 4_000
_GAMES, _MOVES, _LEAST = 3, 16, 3
_MOST_PROGRAMS = 256
_HOW = (
    f"A program of one move makes the same move always, in the first {_MOVES} moves of {_GAMES} games each on block "
    "“validation”, played for this report; it was not told of programs that cannot be played, ran into a budget when "
    "they were measured, or moved too little."
)


class Again:
    """Plays programs again under the limits that they were measured under; see `envrl.evaluation.report.gallery.Rerun`.

    Used in a ``with`` block, which ends what it started.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._players: LocalPlayers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._players is not None:
            self._players.close()

    def replay(self, task: Task, header: SweepHeader, source: str, episode: Episode) -> Replay:
        """One recorded episode, move by move, and whether it went the same.

        Raises:
            EnvrlError: the sandbox or the environment cannot be had here.
        """
        if self._recorder is None or self._players is None:
            self._recorder = Recorder(task)
            self._players = LocalPlayers(self._recorder.task, _limits(header), _require(header))
        seed = seed_of(task, header.block, episode.index)
        (card,) = self._players.play([Assignment(source, (episode.index,), (seed,))])
        again = card.episodes[0] if card.episodes else None
        moves = tuple(self._recorder.moves) if again else ()
        with Scene(task, seed) as scene:
            every, frames = _frames(scene, moves)
            exact = again is not None and _result(again) == _result(episode)
            if again is not None and difference(Recording(task, seed, moves, again), scene):
                exact = False
        return Replay(
            seed=episode.index,
            block=header.block,
            outcome=episode.outcome,
            steps=episode.steps,
            score=episode.score,
            exact=exact,
            every=every,
            frames=frames,
        )

    def constants(self, task: Task, sweep: Sweep) -> Constants | None:
        """How many programs make the same move always: those that see different games and do not react.

        Raises:
            EnvrlError: the sandbox cannot be had here.
        """
        copies: dict[str, int] = {}
        for program, row in zip(sweep.programs, sweep.episodes, strict=True):
            if program.source is not None and row and not any(episode.outcome in HARD for episode in row):
                copies[program.source] = copies.get(program.source, 0) + 1
        sources = list(copies)[:_MOST_PROGRAMS]
        if not sources:
            return None
        told = constant = 0
        for source, moves in zip(sources, _first_moves(task, sweep.header, sources), strict=True):
            if len(moves) >= _LEAST:
                told += copies[source]
                constant += copies[source] * (len(set(moves)) == 1)
        return Constants(constant=constant, told=told, how=_HOW)


def _limits(header: SweepHeader) -> Limits:
    return msgspec.convert(header.limits, Limits)


def _require(header: SweepHeader) -> tuple[str, ...]:
    """The least that a sandbox needs, where it had that when the sweep was measured: never weaker than then."""
    return tuple(layer for layer in LEAST if layer in header.layers)


def _result(episode: Episode) -> tuple[Any, ...]:
    """What an episode's result is, without the machine's part in it."""
    return episode.outcome, episode.steps, episode.score, episode.progress, episode.metrics


# -- frames -----------------------------------------------------------------------------------------------------------


def _frames(scene: Scene, moves: Sequence[Move]) -> tuple[int, tuple[Frame, ...]]:
    """What there is to see: the start, then after every so many moves, and the end; and how many that is."""
    every = max(1, math.ceil(len(moves) / _MOST_FRAMES))
    frames, end = [frame_of("start", scene.frame())], None
    for number, move in enumerate(moves, 1):
        scene.act(move.action)
        if number % every == 0 or number == len(moves):
            seen = frame_of(f"move {number}: {escape.one_line(repr(move.value), 60)}", scene.frame())
            if number % every == 0:
                frames.append(seen)
            else:
                end = seen
    while len(frames) > 1 and sum(map(_weight, frames)) > _MOST_BYTES:
        end = end or frames[-1]
        frames, every = frames[::2], 2 * every
    return every, (*frames, *((end,) if end and end is not frames[-1] else ()))


def _weight(frame: Frame) -> int:
    """Bytes that a frame takes in a page, about."""
    text = frame.caption + frame.text
    return len(text.encode()) + 5 * text.count("<") + 20


def frame_of(caption: str, seen: object) -> Frame:
    """What an environment renders as text, made safe, with the places that it paints in another colour."""
    text = Text.from_ansi(str(seen)[:_FRAME_LETTERS].strip("\n"))
    shown, marks = "", []
    for piece, marked in _pieces(text):
        start = len(shown)
        shown += escape.terminal(piece)
        if marked:
            marks.append((start, len(shown)))
    return Frame(caption=caption, text=shown, marks=tuple(marks))


def _pieces(text: Text) -> list[tuple[str, bool]]:
    """A text cut where its colour changes; whether a piece stands out."""
    plain = text.plain
    spans = [(span.start, span.end) for span in text.spans if _stands_out(span.style)]
    cuts = sorted({0, len(plain), *(end for span in spans for end in span)})
    return [
        (plain[start:end], any(low <= start and end <= high for low, high in spans)) for start, end in pairwise(cuts)
    ]


def _stands_out(style: Any) -> bool:
    from rich.style import Style

    return isinstance(style, Style) and bool(style.bgcolor or style.reverse)


# -- the first moves of programs --------------------------------------------------------------------------------------


class _Watched:
    """Games that end after a few moves, and whose moves are written down by their seed."""

    def __init__(self, games: Games, seeds: Sequence[int], moves: dict[int, list[str]]) -> None:
        self._games = games
        self._seeds = seeds
        self._moves = moves
        moves.update({seed: [] for seed in seeds})  # a game that is played again begins again

    def observe(self, which: Sequence[int]) -> Sequence[bytes | Ending]:
        return self._games.observe(which)

    def act(self, which: Sequence[int], actions: Sequence[Any]) -> list[Ending | None]:
        endings = self._games.act(which, actions)
        for place, (slot, action) in enumerate(zip(which, actions, strict=True)):
            made = self._moves[self._seeds[slot]]
            made.append(repr(action))
            if endings[place] is None and len(made) >= _MOVES:
                endings[place] = self._games.standing(slot)
        return endings

    def standing(self, which: int) -> Ending:
        return self._games.standing(which)

    def close(self) -> None:
        self._games.close()


def _first_moves(task: Task, header: SweepHeader, sources: Sequence[str]) -> list[list[str]]:
    """The first moves of each program in a few games of its own, all of them together."""
    moves: dict[int, list[str]] = {}

    def games(seeds: Sequence[int]) -> Games:
        return _Watched(task.games(seeds), seeds, moves)

    salt = block_salt("validation", task.id, task.version)
    assignments = []
    for number, source in enumerate(sources):
        indices = tuple(range(_GAMES * number, _GAMES * (number + 1)))
        assignments.append(Assignment(source, indices, tuple(episode_seeds(salt, "validation", indices))))
    players = LocalPlayers(replace(task, games=games), _limits(header), _require(header))
    try:
        players.play(assignments)
    finally:
        players.close()
    return [[move for seed in assignment.seeds for move in moves.get(seed, ())] for assignment in assignments]
