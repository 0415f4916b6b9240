"""What every stage tells TRL in the same words: optimiser, precision, saving, device; and the adapters to train."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.errors import ConfigError, UnknownNameError

__all__ = ["adapters", "check_optimiser", "common_options", "data_options", "make_arguments"]


def common_options(config: RunConfig, output: Path, device: str) -> dict[str, Any]:
    """The options that all of TRL's configurations share.

    Args:
        output: folder of checkpoints.
        device: ``cpu`` or ``cuda``.
    """
    train = config.train
    schedule = train.lr_scheduler_type
    if schedule == "constant" and train.warmup_steps:
        schedule = "constant_with_warmup"  # transformers' "constant" passes over the warm-up
    options: dict[str, Any] = {
        # the course of the optimiser
        "output_dir": str(output),
        "max_steps": train.max_steps,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": schedule,
        "warmup_steps": train.warmup_steps,
        "max_grad_norm": train.max_grad_norm,
        "weight_decay": train.weight_decay,
        "optim": train.optim,
        "adam_beta1": train.adam_beta1,
        "adam_beta2": train.adam_beta2,
        "adam_epsilon": train.adam_epsilon,
        "per_device_train_batch_size": train.per_device_train_batch_size,
        "gradient_accumulation_steps": train.gradient_accumulation_steps,
        "seed": train.seed,
        "bf16": train.bf16,
        "fp16": train.fp16,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": device != "cpu",
        "dataloader_num_workers": train.dataloader_num_workers,
        "gradient_checkpointing": train.gradient_checkpointing,
        # what is shown and kept
        "logging_steps": train.logging_steps,
        "save_strategy": "steps",
        "save_steps": train.save_steps,
        "report_to": train.report_to or "none",
        "disable_tqdm": True,
    }
    if train.epochs is not None:
        options |= {"num_train_epochs": train.epochs, "max_steps": -1}
    if train.ddp_timeout is not None:
        options["ddp_timeout"] = train.ddp_timeout
    return options


def data_options(config: RunConfig, output: Path, device: str) -> dict[str, Any]:
    """The options that all stages share that train on data; arguments as in `common_options`."""
    return common_options(config, output, device) | {
        "per_device_eval_batch_size": config.train.per_device_train_batch_size,
        "max_length": config.dataset.max_length,
        "dataset_num_proc": config.dataset.preprocessing_num_workers,
    }


def check_optimiser(name: str) -> None:
    """Checks that there is an optimiser of a name, before anything is loaded.

    Raises:
        UnknownNameError: there is none.
    """
    from transformers.training_args import OptimizerNames

    if name not in (known := [one.value for one in OptimizerNames]):
        raise UnknownNameError("optimiser (train.optim)", name, known)


def make_arguments(kind: Any, options: dict[str, Any]) -> Any:
    """One of TRL's configurations, from options under the names of TRL 1.16.

    Args:
        kind: ``trl.GRPOConfig`` or one of its kin.

    Raises:
        ConfigError: the installed TRL has no such option.
    """
    known = {field.name for field in dataclasses.fields(kind)}
    if "activation_checkpointing" in known:  # the name since transformers 5.20
        options = dict(options)
        options["activation_checkpointing"] = options.pop("gradient_checkpointing")
    if missing := sorted(options.keys() - known):
        import trl

        raise ConfigError(
            f"method: {kind.__name__} of TRL {trl.__version__} has no {' and no '.join(missing)}; "
            "leave it at its default, or use TRL 1.16"
        )
    return kind(**options)


def adapters(config: RunConfig, task_type: str = "CAUSAL_LM") -> Any:
    """The ``peft.LoraConfig`` that a configuration asks for, or None where the whole model is trained.

    None, too, where the model already has adapters of its own: Unsloth's, or the trained ones of ``model.adapter``.

    Args:
        task_type: peft's; ``SEQ_CLS`` for a model that scores, whose head is then trained whole.
    """
    lora = config.model.lora
    if lora is None or config.model.backend == "unsloth" or config.model.adapter is not None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        init_lora_weights="pissa" if lora.pissa else True,
        task_type=task_type,
    )
