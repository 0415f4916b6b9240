"""ORPO: how a configuration becomes TRL's ``ORPOTrainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.trainers.arguments import adapters, data_options, make_arguments
from envrl.trainers.experimental import experimental

__all__ = ["orpo_trainer"]


def _arguments(config: RunConfig, output: Path, device: str) -> Any:
    (kind,) = experimental("orpo", "orpo", "ORPOConfig")
    options = data_options(config, output, device) | {
        "beta": config.method.effective_beta,
        "remove_unused_columns": False,
    }
    return make_arguments(kind, options)


def orpo_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of odds ratio preference optimisation (Hong et al. 2024, arXiv 2403.07691).

    Its loss is that of fine-tuning on chosen completions plus ``beta`` times the odds ratio: no reference model.

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt``, ``chosen`` and ``rejected``.
        output: folder of checkpoints.

    Raises:
        ConfigError: the installed TRL has no ORPO.
    """
    (kind,) = experimental("orpo", "orpo", "ORPOTrainer")
    return kind(
        model=loaded.model,
        args=_arguments(config, output, device),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config),
        **data,
    )
