"""Which of LLaMA-Factory's names there are, and where the value of each goes that needs no thought."""

from __future__ import annotations

from collections.abc import Mapping

from envrl.config.document import Node
from envrl.config.llamafactory.elsewhere import REFUSED, TOLD, refused_family, told_family

__all__ = [
    "CONVERTED",
    "MOVED",
    "STAGE_SETTINGS",
    "StageSetting",
    "home",
    "is_flat",
    "is_known",
    "known_names",
    "taken_over",
]

MOVED: Mapping[str, str] = {
    # model
    "model_name_or_path": "model.path",
    "trust_remote_code": "model.trust_remote_code",
    # data
    "template": "dataset.template",
    "dataset_dir": "dataset.info",
    "cutoff_len": "dataset.max_length",
    "max_samples": "dataset.max_samples",
    "val_size": "dataset.val_size",
    "streaming": "dataset.streaming",
    "mix_strategy": "dataset.mix_strategy",
    "preprocessing_num_workers": "dataset.preprocessing_num_workers",
    "dataloader_num_workers": "train.dataloader_num_workers",
    # output
    "overwrite_output_dir": "output.overwrite",
    "logging_steps": "train.logging_steps",
    "save_steps": "train.save_steps",
    # the course of the optimiser
    "learning_rate": "train.learning_rate",
    "lr_scheduler_type": "train.lr_scheduler_type",
    "weight_decay": "train.weight_decay",
    "max_grad_norm": "train.max_grad_norm",
    "adam_beta1": "train.adam_beta1",
    "adam_beta2": "train.adam_beta2",
    "adam_epsilon": "train.adam_epsilon",
    "optim": "train.optim",
    "seed": "train.seed",
    "bf16": "train.bf16",
    "fp16": "train.fp16",
    "gradient_checkpointing": "train.gradient_checkpointing",
    "ddp_timeout": "train.ddp_timeout",
    # sampling
    "temperature": "method.temperature",
    "top_p": "method.top_p",
    "max_new_tokens": "method.max_completion_length",
    "max_prompt_length": "method.max_prompt_length",
}
"""The same value under another name."""

CONVERTED = frozenset(
    "stage packing finetuning_type pref_loss lora_rank lora_alpha lora_dropout lora_target use_rslora use_dora "
    "pissa_init adapter_name_or_path quantization_bit use_unsloth pure_bf16 disable_gradient_checkpointing "
    "use_dft_loss dataset eval_dataset output_dir resume_from_checkpoint report_to per_device_train_batch_size "
    "gradient_accumulation_steps num_train_epochs max_steps warmup_ratio warmup_steps top_k use_cpu".split()
)
"""What `envrl.config.llamafactory.convert` has a method for."""


class StageSetting:
    """A setting that only some stages have.

    Args:
        field: where its value goes.
        default: what LLaMA-Factory takes where it is not written.
        stages: where it means something, or is a mistake that the schema's constraints explain.
    """

    def __init__(self, field: str, default: object, *stages: str) -> None:
        self.field, self.default, self.stages = field, default, stages


STAGE_SETTINGS: Mapping[str, StageSetting] = {
    "pref_beta": StageSetting("method.beta", 0.1, "dpo", "orpo", "simpo", "kto", "grpo", "rloo"),
    "pref_ftx": StageSetting("method.ftx", 0.0, "dpo", "orpo", "simpo", "kto"),
    "dpo_label_smoothing": StageSetting("method.label_smoothing", 0.0, "dpo", "orpo", "simpo"),
    "simpo_gamma": StageSetting("method.gamma", 0.5, "simpo"),
    "kto_chosen_weight": StageSetting("method.chosen_weight", 1.0, "kto"),
    "kto_rejected_weight": StageSetting("method.rejected_weight", 1.0, "kto"),
    "ref_model": StageSetting("method.ref_model", None, "dpo", "orpo", "simpo", "kto"),
    "ref_model_adapters": StageSetting("method.ref_model_adapters", None, "dpo", "orpo", "simpo", "kto"),
    "ref_model_quantization_bit": StageSetting(
        "method.ref_model_quantization_bit", None, "dpo", "orpo", "simpo", "kto"
    ),
    "reward_model": StageSetting("method.reward_model", None, "grpo", "rloo"),
    "reward_model_type": StageSetting("method.reward_model_type", "lora", "grpo", "rloo"),
}

_HOMES = {
    "stage": "method.name",
    "pref_loss": "method.loss_type",
    "use_dft_loss": "method.loss_type",
    "finetuning_type": "model.lora",
    "lora_rank": "model.lora.r",
    "lora_alpha": "model.lora.alpha",
    "lora_dropout": "model.lora.dropout",
    "lora_target": "model.lora.target_modules",
    "use_rslora": "model.lora.rslora",
    "use_dora": "model.lora.dora",
    "pissa_init": "model.lora.pissa",
    "adapter_name_or_path": "model.adapter",
    "quantization_bit": "model.load_in_4bit",
    "use_unsloth": "model.backend",
    "pure_bf16": "model.dtype",
    "disable_gradient_checkpointing": "train.gradient_checkpointing",
    "dataset": "dataset.path",
    "eval_dataset": "dataset.eval_path",
    "output_dir": "output.root",
    "resume_from_checkpoint": "output.resume",
    "num_train_epochs": "train.epochs",
    "warmup_ratio": "train.warmup_steps",
    "use_cpu": "train.device",
}

_TELL_TALE = ("stage", "model_name_or_path", "finetuning_type")


def is_flat(root: Node) -> bool:
    """Whether a file is one of LLaMA-Factory's: groups are comments there, and these keys stand in all of them."""
    return isinstance(root.value, dict) and any(name in root.value for name in _TELL_TALE)


def home(name: str) -> str | None:
    """The field of the schema in which a key of LLaMA-Factory ends up, where that is another name; else None."""
    setting = STAGE_SETTINGS.get(name)
    field = MOVED.get(name) or _HOMES.get(name) or (setting and setting.field)
    return field if field and field.rpartition(".")[2] != name else None


def taken_over(name: str) -> bool:
    """Whether envrl does what a key asks for."""
    return name in MOVED or name in CONVERTED or name in STAGE_SETTINGS


def is_known(name: str) -> bool:
    """Whether a key is one of LLaMA-Factory's, whatever becomes of it."""
    return name in known_names() or bool(refused_family(name) or told_family(name))


def known_names() -> list[str]:
    """All of LLaMA-Factory's names that are known here."""
    return [*MOVED, *sorted(CONVERTED), *STAGE_SETTINGS, *TOLD, *REFUSED]
