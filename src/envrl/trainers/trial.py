"""Reward functions of a user's own are tried on completions of the very model before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envrl.config import RunConfig
from envrl.models import LoadedModel, write
from envrl.rewards import Scorer

if TYPE_CHECKING:
    from envrl.trainers.play import PromptRow

__all__ = ["try_functions"]

_COMPLETIONS = 4


def try_functions(loaded: LoadedModel, config: RunConfig, row: PromptRow, scorer: Scorer) -> None:
    """Scores a few fresh completions, where a function has not judged any yet (as the measurement before training).

    Raises:
        RewardFault: a function raised, or gave what is no reward.
    """
    if all(function.tried for function in scorer.preset.functions):
        return
    written = write(loaded, row.prompt, _COMPLETIONS, config.method, config.train.seed)
    scorer.score([one.text for one in written], [row.seeds] * len(written))
