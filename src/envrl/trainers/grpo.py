"""GRPO: how a configuration becomes TRL's ``GRPOTrainer``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.rewards import Scorer
from envrl.trainers.arguments import make_arguments
from envrl.trainers.play import PlayWatcher, PromptRow, play_options, train_by_play
from envrl.trainers.truncation import aware_of_truncation

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
    """Trains a model by GRPO.

    Source: Shao et al. 2024, arXiv 2402.03300. Arguments, result and errors are those of
    `envrl.trainers.play.train_by_play`.
    """
    from trl import GRPOTrainer

    method = config.method
    return train_by_play(
        aware_of_truncation(GRPOTrainer, method.tail_coef) if method.heeds_cuts else GRPOTrainer,
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
