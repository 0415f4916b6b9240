"""What ``envrl replay`` does: a recorded episode is played again, and held against its record, bit by bit.

An episode is a function of its program, its task's version, its seed and the limits. Only two of its outcomes depend
on the machine, too: ``timeout`` and ``memory``. They are put back at the call at which they were recorded, and budgets
of time are wider than they were, so that a slower machine changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from envrl.envs import Ending, Games
from envrl.errors import RunError
from envrl.evaluation.escape import one_line
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, LocalPlayers
from envrl.sandbox import LEAST
from envrl.workflow.play import Recorder, Recording
from envrl.workflow.recorded import Conditions, Program

__all__ = ["COMPARED", "Replayed", "play_again"]

COMPARED = ("outcome", "steps", "score", "progress", "metrics", "call")
"""Fields of an `envrl.rollouts.Episode` that are held against the record."""

_PUT_BACK = frozenset({Outcome.TIMEOUT, Outcome.MEMORY})
_NEVER_PLAYED = frozenset({Outcome.SKIPPED, Outcome.INFRASTRUCTURE_ERROR})
_WIDER = 4  # times the budgets of CPU time that were in force


@dataclass(frozen=True)
class Replayed:
    """An episode that was played again.

    Attributes:
        recording: how it went now.
        recorded: how it went then.
        put_back: whether it was ended at the call where a budget ran out then.
        differences: what is not as it was recorded, a sentence each; none where the replay is exact.
    """

    recording: Recording
    recorded: Episode
    put_back: bool
    differences: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether everything that is compared is the same, floating point numbers to the bit."""
        return not self.differences


def play_again(
    conditions: Conditions, program: Program, recorded: Episode, *, require: Sequence[str] = LEAST
) -> Replayed:
    """Plays one recorded episode of a program again, in the sandbox.

    Args:
        require: sandbox layers without which nothing is played.

    Raises:
        RunError: that episode was never played, so that there is nothing to play again.
        SandboxError: the sandbox lacks a required layer.
    """
    if program.source is None or recorded.outcome in _NEVER_PLAYED:
        raise RunError(
            f"seed {recorded.index} of program {program.number} was never played ({recorded.outcome}): choose another "
            "seed or program"
        )
    task, seed = conditions.task, conditions.seed(recorded.index)
    ends: list[_Ends] = []

    def games(seeds: Sequence[int]) -> Games:
        ends.append(_Ends(task.games(seeds), recorded))
        return ends[-1]

    ending_there = recorded.outcome in _PUT_BACK and recorded.call is not None
    recorder = Recorder(replace(task, games=games) if ending_there else task)
    players = LocalPlayers(recorder.task, _wider(conditions.limits), require=require)
    try:
        (card,) = players.play([Assignment(program.source, (recorded.index,), (seed,))])
    finally:
        players.close()
    put_back = bool(ends) and ends[-1].reached
    if not card.episodes:
        now = Episode(index=recorded.index, outcome=card.outcome or Outcome.INFRASTRUCTURE_ERROR, detail=card.detail)
        differences: tuple[str, ...] = (
            f"it was played then, and is refused now before any episode ({now.outcome}: {one_line(now.detail)})",
        )
    else:
        now = card.episodes[0]
        if put_back:  # the call where it ended is the one that was recorded: nobody made it this time
            now = msgspec.structs.replace(now, call=recorded.call)
        differences = _differences(recorded, now)
    return Replayed(Recording(task, seed, tuple(recorder.moves), now), recorded, put_back, differences)


def _wider(limits: Limits) -> Limits:
    """The same limits with more CPU time; memory stays, since a program can see where it ends."""
    return msgspec.structs.replace(
        limits,
        load_cpu=_WIDER * limits.load_cpu,
        call_cpu=_WIDER * limits.call_cpu,
        game_cpu=_WIDER * limits.game_cpu,
    )


def _differences(recorded: Episode, now: Episode) -> tuple[str, ...]:
    pairs = [(name, getattr(recorded, name), getattr(now, name)) for name in COMPARED]
    return tuple(
        f"{name}: recorded {_shown(then)}, now {_shown(again)}" for name, then, again in pairs if then != again
    )


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, Outcome) else repr(value)


class _Ends:
    """The one game of a replay, which ends before the call at which a budget ran out when it was recorded.

    Attributes:
        reached: whether it came to that call.
    """

    def __init__(self, games: Games, recorded: Episode) -> None:
        self._games = games
        self._recorded = recorded
        self._calls = 0
        self.reached = False

    def observe(self, which: Sequence[int]) -> Sequence[bytes | Ending]:
        if not which or self._calls != self._recorded.call:
            return self._games.observe(which)
        self.reached = True
        outcome, detail = self._recorded.outcome, self._recorded.detail
        return [msgspec.structs.replace(self._games.standing(slot), outcome=outcome, detail=detail) for slot in which]

    def act(self, which: Sequence[int], actions: Sequence[Any]) -> list[Ending | None]:
        self._calls += len(which)
        return self._games.act(which, actions)

    def standing(self, which: int) -> Ending:
        return self._games.standing(which)

    def close(self) -> None:
        self._games.close()
