"""RLOO: how a configuration becomes TRL's ``RLOOTrainer``. It plays as GRPO does; the advantage differs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.rewards import Scorer
from envrl.trainers.arguments import adapters, make_arguments
from envrl.trainers.play import Judge, PlayWatcher, PromptRow, end_tokens, play_options, train_by_play
from envrl.trainers.reward_model import reward_model
from envrl.trainers.trial import try_functions

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

    Source: Ahmadian et al. 2024, arXiv 2402.14740. Arguments and result are those of `envrl.trainers.grpo.train_grpo`.

    Raises:
        ConfigError: the installed TRL lacks something that the configuration asks for.
        ModelError: the reward model cannot be used.
    """
    from trl import RLOOTrainer

    try_functions(loaded, config, rows[0], scorer)
    judge = Judge(scorer, watcher, end_tokens(loaded))
    rewards, weights = judge.rewards(reward_model(loaded, config, device))
    trainer = functools.partial(
        RLOOTrainer,
        args=_arguments(config, output, device, weights),
        peft_config=adapters(config),
        **rewards,
    )
    return train_by_play(trainer, loaded, rows, judge, watcher, output, resume_from)
