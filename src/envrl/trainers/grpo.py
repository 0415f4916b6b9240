"""GRPO: how a configuration becomes TRL's ``GRPOTrainer``."""

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

__all__ = ["train_grpo"]


def _arguments(config: RunConfig, output: Path, device: str, weights: Sequence[float]) -> Any:
    from trl import GRPOConfig

    method = config.method
    options = play_options(config, output, device, weights)
    options["loss_type"] = method.effective_loss_type
    options["scale_rewards"] = method.scale_rewards
    if options["loss_type"] == "luspo":
        options["importance_sampling_level"] = "sequence"  # TRL's own condition for this loss
    if method.entropy_coef:  # an option that not every version of TRL has
        options["entropy_coef"] = method.entropy_coef
    return make_arguments(GRPOConfig, options)


def train_grpo(
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
    """Trains a model by GRPO; gives it back with its adapters, if any.

    Args:
        rows: the training set, played in this order.
        scorer: scores completions on seeds of the train block.
        watcher: told of scores, steps and checkpoints.
        output: folder of checkpoints.
        resume_from: a complete checkpoint to go on from.

    Raises:
        ConfigError: the installed TRL lacks something that the configuration asks for.
        ModelError: the reward model cannot be used.
        RewardFault: a reward function of the user's own failed; the completion is kept beside the checkpoints.
    """
    from trl import GRPOTrainer

    try_functions(loaded, config, rows[0], scorer)
    judge = Judge(scorer, watcher, end_tokens(loaded))
    rewards, weights = judge.rewards(reward_model(loaded, config, device))
    trainer = functools.partial(
        GRPOTrainer,
        args=_arguments(config, output, device, weights),
        peft_config=adapters(config),
        **rewards,
    )
    return train_by_play(trainer, loaded, rows, judge, watcher, output, resume_from)
