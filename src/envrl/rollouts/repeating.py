"""What a game did among others, before its worker ended or was nearly full, which it must do again alone.

By the law of the solo run it does. A program that plays by what the law does not cover, such as the addresses of its
objects, need not: it could end its worker whenever its games go badly, tell by those addresses that it is alone now,
and get a second draw. So the second play stands only where it repeats the first, as far as that came. A game that felt
what its neighbours took of the memory pays for that, too.
"""

from __future__ import annotations

from typing import NamedTuple

from envrl.envs import Ending
from envrl.outcomes import Outcome
from envrl.sandbox import Fault

__all__ = ["Trace"]


class Trace(NamedTuple):
    """What one game had done when its worker ended.

    Attributes:
        call: number of the last call that it was asked, from 0.
        observation: of that call. The environment depends on seed and actions alone: where it is the same, they were.
        ending: how the environment had ended the game; None where it had not.
        lost: how the worker ended.
    """

    call: int
    observation: bytes
    ending: Ending | None
    lost: Fault

    def at_call(self, call: int, observation: bytes) -> Fault | None:
        """The fault of a second play that is about to be asked its ``call``, or None where it repeats the first."""
        went_on = call > self.call and self.ending is not None
        return self._fault() if went_on or (call == self.call and observation != self.observation) else None

    def at_end(self, call: int, ending: Ending) -> Fault | None:
        """The fault of a second play whose last call was ``call``, or None where it repeats the first."""
        if ending.outcome is Outcome.INFRASTRUCTURE_ERROR:
            return None
        otherwise = self.ending is not None and _result(ending) != _result(self.ending)
        return self._fault() if call < self.call or otherwise else None

    def _fault(self) -> Fault:
        return Fault(self.lost.outcome, f"played otherwise alone than beside its other games ({self.lost.detail})")


def _result(ending: Ending) -> tuple[Outcome, int, float, float]:
    return ending.outcome, ending.steps, ending.score, ending.progress
