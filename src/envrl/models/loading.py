"""Loads what writes completions: the shipped tiny model, or any Hugging Face id or path."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from envrl.config import ModelConfig
from envrl.errors import MissingExtraError, ModelError

__all__ = ["LoadedModel", "choose_device", "load_model", "model_path", "require_training"]

_TRAINING = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


@dataclass(frozen=True)
class LoadedModel:
    """A model with its tokenizer.

    Attributes:
        model: a transformers or Unsloth model.
        tokenizer: its tokenizer, with a chat template.
        path: where it came from, an id or a folder.
    """

    model: Any
    tokenizer: Any
    path: str


def require_training(backend: str = "transformers", generation: str = "transformers") -> None:
    """Checks that what training needs is installed, without importing it.

    Raises:
        MissingExtraError: naming the extra.
    """
    for module in _TRAINING:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("train", module, "training")
    for wanted, module in ((backend, "unsloth"), (generation, "vllm")):
        if wanted == module and importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, module, f"'{module}' in the configuration")


def choose_device(wanted: str) -> str:
    """The device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ModelError: CUDA is asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise ModelError("train.device is 'cuda', but torch sees no CUDA device: see 'envrl doctor', or use 'cpu'")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def model_path(path: str) -> str:
    """Where a model of this name lies: ``tiny`` is shipped with envrl, anything else is taken as it stands."""
    return str(files("envrl.models.tiny") / "weights") if path == "tiny" else path


def load_model(config: ModelConfig, device: str, seed: int = 0, folder: Path | None = None) -> LoadedModel:
    """Loads a model and its tokenizer; adapters of a LoRA are left to the trainer.

    Args:
        folder: where it lies, for a tiny model that was warm-started for a task of its own.

    Raises:
        ModelError: there is no such model, or it has no chat template.
        MissingExtraError: the backend is not installed.
    """
    path = str(folder) if folder else model_path(config.path)
    if os.sep in config.path and config.path.startswith((".", os.sep, "~")) and not Path(path).expanduser().is_dir():
        raise ModelError(f"model.path {config.path!r}: there is no such folder")
    if config.backend == "unsloth":
        loaded = _load_unsloth(config, path, seed)
    else:
        loaded = _load_transformers(config, path, device)
    if loaded.tokenizer.chat_template is None:
        raise ModelError(
            f"model {config.path!r} has no chat template: take its instruct version, or save its tokenizer with one"
        )
    if loaded.tokenizer.pad_token is None:
        loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    return loaded


def _load_transformers(config: ModelConfig, path: str, device: str) -> LoadedModel:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"dtype": config.dtype, "trust_remote_code": config.trust_remote_code}
    if config.load_in_4bit:
        from transformers import BitsAndBytesConfig

        options["quantization_config"] = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, padding_side="left", trust_remote_code=config.trust_remote_code)
        model = AutoModelForCausalLM.from_pretrained(path, **options)
    except (OSError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"model.path {config.path!r}: not 'tiny', not a folder with a model, not on the Hub: {first}"
        ) from None
    return LoadedModel(model.to(device), tokenizer, path)


def _load_unsloth(config: ModelConfig, path: str, seed: int) -> LoadedModel:
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=path,
        max_seq_length=config.max_seq_length,
        load_in_4bit=config.load_in_4bit,
        fast_inference=config.generation == "vllm",
        trust_remote_code=config.trust_remote_code,
    )
    if config.lora is not None:
        model = FastLanguageModel.get_peft_model(
            model,
            r=config.lora.r,
            lora_alpha=config.lora.alpha,
            lora_dropout=config.lora.dropout,
            target_modules=config.lora.target_modules,
            use_gradient_checkpointing="unsloth",
            random_state=seed,
        )
    return LoadedModel(model, tokenizer, path)
