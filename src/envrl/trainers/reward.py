"""The reward stage: how a configuration becomes TRL's ``RewardTrainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.trainers.arguments import adapters, data_options, make_arguments

__all__ = ["reward_trainer"]


def _arguments(config: RunConfig, output: Path, device: str) -> Any:
    from trl import RewardConfig

    return make_arguments(RewardConfig, data_options(config, output, device))


def reward_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of a reward model: chosen completions are to score above rejected ones (Bradley and Terry 1952).

    Args:
        loaded: a model that scores (``load_model(…, scores=True)``).
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt``, ``chosen`` and ``rejected``.
        output: folder of checkpoints.
    """
    from trl import RewardTrainer

    return RewardTrainer(
        model=loaded.model,
        args=_arguments(config, output, device),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config, "SEQ_CLS"),
        **data,
    )
