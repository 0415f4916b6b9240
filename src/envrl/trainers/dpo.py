"""DPO: how a configuration becomes TRL's ``DPOTrainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.trainers.arguments import adapters, data_options, make_arguments
from envrl.trainers.reference import reference_model

__all__ = ["dpo_trainer"]


def _arguments(config: RunConfig, output: Path, device: str) -> Any:
    from trl import DPOConfig

    method = config.method
    options = data_options(config, output, device) | {
        "beta": method.effective_beta,
        "loss_type": [method.effective_loss_type],
        "label_smoothing": method.label_smoothing,
    }
    if method.ftx:
        options["loss_type"].append("sft")
        options["loss_weights"] = [1.0, method.ftx]
    return make_arguments(DPOConfig, options)


def dpo_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290), or one of its losses.

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt``, ``chosen`` and ``rejected``.
        output: folder of checkpoints.
    """
    from trl import DPOTrainer

    return DPOTrainer(
        model=loaded.model,
        ref_model=reference_model(loaded, config, device),
        args=_arguments(config, output, device),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config),
        **data,
    )
