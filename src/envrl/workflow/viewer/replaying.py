"""Replays for a page: one at a time, each bounded by the budgets of its program and by the frames that it shows."""

from __future__ import annotations

import math
import threading

from envrl.evaluation.report.record import Frame, Replay
from envrl.workflow.play import difference, replay
from envrl.workflow.recorded import Conditions, Program
from envrl.workflow.replay import Replayed, play_again
from envrl.workflow.replays import frame_of
from envrl.workflow.scene import Scene

__all__ = ["Busy", "Shown", "shown_replay"]

_MOST_FRAMES = 1_000
_one = threading.Lock()


class Busy(Exception):
    """Another replay is under way; the page says so, and no user has anything to mend."""


class Shown:
    """A replay as a page shows it.

    Attributes:
        replay: with its frames.
        replayed: how it went against its record.
        warning: what else there is to know of it; empty for nothing.
    """

    def __init__(self, shown: Replay, replayed: Replayed, warning: str) -> None:
        self.replay, self.replayed, self.warning = shown, replayed, warning


def shown_replay(conditions: Conditions, program: Program, index: int) -> Shown:
    """Plays an episode again, for a page.

    Raises:
        Busy: another one is being played.
        RunError: that episode was not played.
        EnvrlError: the sandbox or the environment cannot be had here.
    """
    recorded = program.episode(index)
    if not _one.acquire(blocking=False):
        raise Busy("another replay is being played: try again when it has ended")
    try:
        replayed = play_again(conditions, program, recorded)
        recording = replayed.recording
        moves = len(recording.moves)
        every = max(1, math.ceil(moves / _MOST_FRAMES))
        frames: list[Frame] = []
        with Scene(conditions.task, recording.seed) as scene:
            for number, shot in enumerate(replay(recording, scene)):
                if number % every == 0 or number == moves:
                    frames.append(frame_of(shot.caption, shot.frame))
            warning = difference(recording, scene)
    finally:
        _one.release()
    shown = Replay(
        seed=index,
        block=conditions.block,
        outcome=recorded.outcome,
        steps=recorded.steps,
        score=recorded.score,
        exact=replayed.exact and not warning,
        every=every,
        frames=tuple(frames),
    )
    return Shown(shown, replayed, warning)
