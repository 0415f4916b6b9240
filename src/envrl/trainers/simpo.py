"""SimPO, and CPO whose kin it is: how a configuration becomes TRL's ``CPOTrainer``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel
from envrl.trainers.arguments import adapters, data_options, make_arguments
from envrl.trainers.experimental import experimental

__all__ = ["simpo_trainer"]


def _arguments(config: RunConfig, output: Path, device: str) -> Any:
    (kind,) = experimental("simpo", "cpo", "CPOConfig")
    method = config.method
    options = data_options(config, output, device) | {
        "beta": method.effective_beta,
        "loss_type": method.effective_loss_type,
        "label_smoothing": method.label_smoothing,
        "simpo_gamma": method.effective_gamma,
        "cpo_alpha": method.ftx,
        "remove_unused_columns": False,
    }
    return make_arguments(kind, options)


def simpo_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of SimPO (Meng et al. 2024, arXiv 2405.14734); of CPO (arXiv 2401.08417) by ``loss_type: sigmoid``.

    The reward of a completion is ``beta`` times its mean log-probability (CPO: the sum): no reference model. ``ftx``
    weighs the term of fine-tuning on chosen completions, which CPO's paper has at 1.

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt``, ``chosen`` and ``rejected``.
        output: folder of checkpoints.

    Raises:
        ConfigError: the installed TRL has no CPO.
    """
    (kind,) = experimental("simpo", "cpo", "CPOTrainer")
    return kind(
        model=loaded.model,
        args=_arguments(config, output, device),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config),
        **data,
    )
