"""KTO: how a configuration becomes TRL's ``KTOTrainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.trainers.arguments import adapters, data_options, make_arguments
from envrl.trainers.reference import reference_model

__all__ = ["kto_trainer"]


def _arguments(config: RunConfig, output: Path, device: str) -> Any:
    from trl import KTOConfig

    method = config.method
    options = data_options(config, output, device) | {
        "beta": method.effective_beta,
        "loss_type": method.effective_loss_type,
        "desirable_weight": method.chosen_weight,
        "undesirable_weight": method.rejected_weight,
    }
    return make_arguments(KTOConfig, options)


def kto_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of Kahneman-Tversky optimisation (Ethayarajh et al. 2024, arXiv 2402.01306).

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt``, ``completion`` and ``label``.
        output: folder of checkpoints.
    """
    from trl import KTOTrainer

    # TRL takes the rows in their order, and good ones often stand before bad ones.
    mixed = data["train_dataset"].shuffle(seed=config.train.seed)
    return KTOTrainer(
        model=loaded.model,
        ref_model=reference_model(loaded, config, device),
        args=_arguments(config, output, device),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config),
        **data | {"train_dataset": mixed},
    )
