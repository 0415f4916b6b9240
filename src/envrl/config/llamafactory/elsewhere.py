"""LLaMA-Factory's settings that envrl has none for.

What would change the result is refused, and says what to do; what only changes speed, logs or convenience is told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["REFUSED", "TOLD", "Setting", "refused_family", "told_family"]


class Setting(NamedTuple):
    """A setting that is not taken over.

    Attributes:
        text: what envrl does instead, or what to do.
        neutral: values that ask for nothing else than envrl does.
    """

    text: str
    neutral: tuple[object, ...] = (False,)


_OPTIMISERS = "envrl trains with the optimisers of transformers; remove it, and name one by optim"
_NOT_CAUSAL = "envrl trains the model as it is; remove it, or change the model first and give the result"
_TOKENS = "envrl takes the tokenizer as it is; remove it, or save a tokenizer that has what is wanted"
_MASKS = "envrl's loss is on the answers of all turns; remove it, or shape the rows so (prompt and completion)"
_LAUNCH = "envrl splits no model over devices; remove it"
_OTHER_ADAPTERS = "envrl knows LoRA; remove it, and use lora_rank, use_rslora, use_dora or pissa_init"
_ROWS = "rows are taken as they are; shape the data before"
_ANSWERS = "envrl train trains; measure with envrl eval"

REFUSED: Mapping[str, Setting] = {
    # stages and their losses
    "pref_bco_weight": Setting("TRL has no such term beside another loss; remove it", (0, 0.0)),
    "ld_alpha": Setting("envrl has no length-desensitised DPO; remove it", (None,)),
    "reward_model_adapters": Setting("give the adapter as reward_model, with reward_model_type: lora", ()),
    "reward_model_quantization_bit": Setting("a reward model is loaded whole; remove it", ()),
    "use_asft_loss": Setting("TRL has no such loss; remove it, or use use_dft_loss"),
    "use_eaft_loss": Setting("TRL has no such loss; remove it, or use use_dft_loss"),
    # what is trained
    "additional_target": Setting(_OTHER_ADAPTERS, ()),
    "create_new_adapter": Setting("a trained adapter is trained on; merge it into the model to start a new one"),
    "loraplus_lr_ratio": Setting(_OTHER_ADAPTERS, ()),
    "pissa_convert": Setting("adapters are saved as they were trained; remove it"),
    "use_llama_pro": Setting(_OTHER_ADAPTERS),
    "train_from_scratch": Setting("envrl trains a model that has weights; save one with random weights and give that"),
    "resize_vocab": Setting(_TOKENS),
    "add_tokens": Setting(_TOKENS, ()),
    "add_special_tokens": Setting(_TOKENS, ()),
    "new_special_tokens_config": Setting(_TOKENS, ()),
    "split_special_tokens": Setting(_TOKENS),
    "rope_scaling": Setting(_NOT_CAUSAL, ()),
    "shift_attn": Setting(_NOT_CAUSAL),
    "mixture_of_depths": Setting(_NOT_CAUSAL, ()),
    "moe_aux_loss_coef": Setting(_NOT_CAUSAL, ()),
    "adapter_folder": Setting("give the whole path as adapter_name_or_path", ()),
    "model_revision": Setting("download that revision and give its folder as model_name_or_path", ("main",)),
    "quantization_method": Setting("weights are quantized by bitsandbytes; write bnb, or remove it", ("bnb",)),
    "quantization_type": Setting("4-bit weights are nf4; write nf4, or remove it", ("nf4",)),
    "freeze_language_model": Setting(_NOT_CAUSAL),
    "freeze_vision_tower": Setting(_NOT_CAUSAL, (True,)),
    "freeze_multi_modal_projector": Setting(_NOT_CAUSAL, (True,)),
    # data
    "train_on_prompt": Setting(_MASKS),
    "mask_history": Setting(_MASKS),
    "neat_packing": Setting("each row is a sequence of its own (pt: pieces of the text); remove it"),
    "interleave_probs": Setting("data sets are interleaved evenly; remove it, or repeat rows in the data", ()),
    "tokenized_path": Setting("rows are prepared from text in each run; remove it and give dataset", ()),
    "tool_format": Setting("tools are written as the chat template does; give a template that has the format", ()),
    "default_system": Setting("write the system turn into the rows", ()),
    "enable_thinking": Setting(_ROWS, (True,)),
    "data_shared_file_system": Setting("each process prepares its rows; remove it"),
    # optimiser
    "use_galore": Setting(_OPTIMISERS),
    "use_apollo": Setting(_OPTIMISERS),
    "use_badam": Setting(_OPTIMISERS),
    "use_adam_mini": Setting(_OPTIMISERS),
    "use_muon": Setting(_OPTIMISERS),
    "optim_args": Setting(_OPTIMISERS, ()),
    "optim_target_modules": Setting(_OPTIMISERS, ()),
    "lr_scheduler_kwargs": Setting("schedules have their usual form; remove it", ()),
    "label_smoothing_factor": Setting("the loss of tokens is not smoothed; remove it", (0, 0.0)),
    "neftune_noise_alpha": Setting("no noise is added to embeddings; remove it", ()),
    "auto_find_batch_size": Setting("batches have the size that is written, so that runs repeat; set it yourself"),
    "early_stopping_steps": Setting("a run has its length; set max_steps or num_train_epochs", ()),
    "disable_shuffling": Setting("rows are shuffled by the seed; remove it"),
    "data_seed": Setting("one seed orders rows and draws all else; use seed", ()),
    "fp8": Setting("there is no training in fp8; use bf16"),
    # how it is started
    "deepspeed": Setting(_LAUNCH, ()),
    "fsdp": Setting(_LAUNCH, (False, "")),
    "use_kt": Setting("envrl trains with transformers or Unsloth; remove it"),
    "use_mca": Setting("envrl trains with transformers or Unsloth; remove it"),
    "do_train": Setting(_ANSWERS, (True,)),
    "do_predict": Setting(_ANSWERS),
    "predict_with_generate": Setting(_ANSWERS),
    "do_sample": Setting("completions are sampled; lower temperature instead", (True,)),
    "num_beams": Setting("completions are sampled, not searched; remove it", (1,)),
    "repetition_penalty": Setting("tokens are drawn as the model gives them; remove it", (1, 1.0)),
}
"""Settings without which the result would be another."""

_LOADER = "batches are loaded as transformers does by default"
_WATCHED = "the report of the run has the curves, and metrics.jsonl every figure"
_SAVED = "checkpoints come every save_steps and after the last step, each with what resuming needs"
_MEASURED = "held-out rows are evaluated before and after training"
_SPEED = "only speed would differ"
_HUB = "nothing is merged or uploaded by training"

TOLD: Mapping[str, Setting] = {
    "plot_loss": Setting("", (True, False)),  # the report has it
    "overwrite_cache": Setting("", (True, False)),  # there is no cache that could be old
    "do_eval": Setting("", (True, False)),  # it is evaluated where eval_dataset or val_size give rows
    "flash_attn": Setting(f"attention is chosen by transformers; {_SPEED}", ("auto",)),
    "enable_liger_kernel": Setting(f"Liger's kernels are not used; {_SPEED}"),
    "use_liger_kernel": Setting(f"Liger's kernels are not used; {_SPEED}"),
    "use_v1_kernels": Setting(f"these kernels are not used; {_SPEED}"),
    "use_unsloth_gc": Setting("activations are computed twice by torch; only memory would differ"),
    "use_reentrant_gc": Setting("activations are computed twice as transformers does by default", (True, False)),
    "double_quantization": Setting("the scales of 4-bit weights are not quantized again; only memory would differ"),
    "upcast_layernorm": Setting("norms are computed in the type of the weights"),
    "upcast_lmhead_output": Setting("the output layer is computed in the type of the weights"),
    "low_cpu_mem_usage": Setting("weights are loaded as transformers does by default", (True,)),
    "use_fast_tokenizer": Setting("tokenizers are the fast ones", (True,)),
    "print_param_status": Setting(_WATCHED),
    "cache_dir": Setting("downloads lie where Hugging Face's variables say (HF_HOME)", ()),
    "hf_hub_token": Setting("a token is taken from the environment (HF_TOKEN), never from a file", ()),
    "ms_hub_token": Setting("models come from Hugging Face or a folder", ()),
    "om_hub_token": Setting("models come from Hugging Face or a folder", ()),
    "media_dir": Setting("data is text", ()),
    "buffer_size": Setting("a stream is read in its order", ()),
    "preprocessing_batch_size": Setting("rows are prepared one by one", ()),
    "eval_num_beams": Setting(_ANSWERS, ()),
    "eval_on_each_dataset": Setting("held-out rows are evaluated together"),
    "ignore_pad_token_for_loss": Setting("padding has no loss", (True,)),
    "compute_accuracy": Setting(_WATCHED),
    "include_effective_tokens_per_second": Setting(_WATCHED),
    "include_num_input_tokens_seen": Setting(_WATCHED, (False, "no")),
    "use_swanlab": Setting("SwanLab is reached by report_to: swanlab"),
    "pissa_iter": Setting("principal components are computed exactly", ()),
    "loraplus_lr_embedding": Setting("one learning rate holds for all adapters", ()),
    "infer_backend": Setting("what samples in training is model.generation", ("huggingface",)),
    "infer_dtype": Setting("the type of the weights is model.dtype", ("auto",)),
    "offload_folder": Setting("weights are not offloaded", ()),
    "use_kv_cache": Setting("sampling keeps keys and values", (True,)),
    "cpu_infer": Setting("envrl has no KTransformers", ()),
    "chunk_size": Setting("envrl has no KTransformers", ()),
    "mode": Setting("envrl has no KTransformers", ()),
    "crop_to_patches": Setting("data is text"),
    "use_audio_in_video": Setting("data is text"),
    "save_only_model": Setting(_SAVED),
    "save_strategy": Setting(_SAVED, ("steps",)),
    "save_total_limit": Setting("all checkpoints are kept", (None,)),
    "save_safetensors": Setting(_SAVED, (True,)),
    "save_on_each_node": Setting(_SAVED),
    "load_best_model_at_end": Setting("the last step's model is measured and kept, and all checkpoints with it"),
    "metric_for_best_model": Setting("the last step's model is measured and kept", ()),
    "greater_is_better": Setting("the last step's model is measured and kept", ()),
    "eval_strategy": Setting(_MEASURED, ("no",)),
    "evaluation_strategy": Setting(_MEASURED, ("no",)),
    "eval_steps": Setting(_MEASURED, ()),
    "eval_delay": Setting(_MEASURED, (0,)),
    "eval_on_start": Setting(_MEASURED, (True, False)),
    "per_device_eval_batch_size": Setting("held-out rows come in batches as large as in training", ()),
    "eval_accumulation_steps": Setting(_MEASURED, ()),
    "batch_eval_metrics": Setting(_MEASURED),
    "prediction_loss_only": Setting(_MEASURED),
    "logging_strategy": Setting("metrics come every logging_steps", ("steps",)),
    "logging_first_step": Setting("metrics come every logging_steps"),
    "logging_dir": Setting("metrics lie in the run's folder", ()),
    "log_level": Setting("envrl shows its own progress", ()),
    "disable_tqdm": Setting("envrl shows its own progress", (True, False)),
    "run_name": Setting("trackers see the run under its folder's name", ()),
    "group_by_length": Setting("rows come in the order of the seed"),
    "length_column_name": Setting("rows come in the order of the seed", ()),
    "remove_unused_columns": Setting("columns are those of the stage", (True, False)),
    "label_names": Setting("columns are those of the stage", ()),
    "average_tokens_across_devices": Setting("as TRL does by default", (True, False)),
    "tf32": Setting("torch's own choice holds", ()),
    "torch_compile": Setting(f"models are not compiled; {_SPEED}"),
    "local_rank": Setting("processes are numbered by what starts them", (-1,)),
    "full_determinism": Setting("envrl repeats a run on the same machine by its seed", (True, False)),
    "push_to_hub": Setting(_HUB),
    "max_length": Setting("the length of completions is max_new_tokens", ()),
    "length_penalty": Setting("it belongs to beam search", (1, 1.0)),
    "skip_special_tokens": Setting("completions are read without special tokens", (True,)),
    "system_message": Setting("write the system turn into the rows", ()),
}
"""Settings that change speed, logs or convenience, and no result."""

_REFUSED_FAMILIES: Mapping[str, str] = {
    "ppo_": "PPO is gone from TRL; remove it, and use stage: grpo or stage: rloo, which need no model of values",
    "oft_": _OTHER_ADAPTERS,
    "fsdp_": _LAUNCH,
}
_TOLD_FAMILIES: Mapping[str, str] = {
    "galore_": "it belongs to GaLore, which envrl has not",
    "apollo_": "it belongs to APOLLO, which envrl has not",
    "badam_": "it belongs to BAdam, which envrl has not",
    "swanlab_": "SwanLab is reached by report_to: swanlab, and set up by its own variables",
    "freeze_": "it belongs to finetuning_type: freeze, which envrl has not",
    "module_": "it belongs to OFT, which envrl has not",
    "export_": _HUB,
    "hub_": _HUB,
    "vllm_": "what samples in training is model.generation",
    "sglang_": "what samples in training is model.generation",
    "kt_": "envrl has no KTransformers",
    "ray_": "envrl train runs here; remove it",
    "placement_": "envrl train runs here; remove it",
    "resources_": "envrl train runs here; remove it",
    "image_": "data is text",
    "video_": "data is text",
    "audio_": "data is text",
    "fp8_": "there is no training in fp8",
    "quantization_device": "weights are placed by the device of the run",
    "dataloader_": _LOADER,
    "ddp_": "processes talk as torch does by default",
    "generation_": _ANSWERS,
    "torch_compile_": f"models are not compiled; {_SPEED}",
    "trackio_": "trackers are set up by their own variables",
    "profil": "nothing is profiled",
}


def refused_family(name: str) -> str | None:
    """What to say of a name that belongs to a refused family, such as ``ppo_epochs``; else None."""
    return _family(name, _REFUSED_FAMILIES)


def told_family(name: str) -> str | None:
    """What to say of a name that belongs to a family that is told of, such as ``swanlab_mode``; else None."""
    return _family(name, _TOLD_FAMILIES)


def _family(name: str, families: Mapping[str, str]) -> str | None:
    return next((text for prefix, text in families.items() if name.startswith(prefix)), None)
