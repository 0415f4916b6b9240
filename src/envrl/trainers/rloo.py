"""RLOO: how a configuration becomes TRL's ``RLOOTrainer``. It plays as GRPO does; the advantage differs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.rewards import Scorer
from envrl.trainers.arguments import make_arguments
from envrl.trainers.play import PlayWatcher, PromptRow, play_options, train_by_play

__all__ = ["train_rloo"]


def _arguments(config: RunConfig, output: Path, device: str, weights: Sequence[float]) -> Any:
    from trl import RLOOConfig

    options = play_options(config, output, device, weights)
    # A reward less the mean of the others' is not divided by the group's deviation, only by the batch's.
    options["normalize_advantages"] = config.method.scale_rewards == "batch"
    return make_arguments(RLOOConfig, options)


def train_rloo(
    loaded: LoadedModel,
    config: RunConfig,
    rows: Sequence[PromptRow],
    scorer: Scorer,
    watcher: PlayWatcher,
    *,
    output: Path,
    device: str,
    resume_from: Path | None = None,
) -> LoadedModel:
    """Trains a model by REINFORCE, each completion's baseline being the mean of the others of its group.

    Source: Ahmadian et al. 2024, arXiv 2402.14740. Arguments, result and errors are those of
    `envrl.trainers.play.train_by_play`.
    """
    from trl import RLOOTrainer

    return train_by_play(
        RLOOTrainer,
        _arguments,
        loaded,
        config,
        rows,
        scorer,
        watcher,
        output=output,
        device=device,
        resume_from=resume_from,
    )
