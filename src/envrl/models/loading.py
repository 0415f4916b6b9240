"""Loads what writes completions: the shipped tiny model, or any Hugging Face id or path."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from envrl.config import ModelConfig
from envrl.errors import MissingExtraError, ModelError

__all__ = [
    "LoadedModel",
    "choose_device",
    "load_model",
    "load_tokenizer",
    "model_path",
    "prepare_backend",
    "require_training",
]

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


def load_model(
    config: ModelConfig,
    device: str,
    seed: int = 0,
    folder: Path | None = None,
    *,
    chat: bool = True,
    scores: bool = False,
) -> LoadedModel:
    """Loads a model and its tokenizer; new adapters of a LoRA are left to the trainer.

    Args:
        folder: where it lies, for a tiny model that was warm-started for a task of its own.
        chat: whether the tokenizer must have a chat template of its own.
        scores: load a model that gives a text one score; a head that is not there yet is drawn with ``seed``.

    Raises:
        ModelError: there is no such model or adapter, it has no chat template, or it cannot be loaded as asked.
        MissingExtraError: the backend is not installed.
    """
    path = str(folder) if folder else model_path(config.path)
    if os.sep in config.path and config.path.startswith((".", os.sep, "~")) and not Path(path).expanduser().is_dir():
        raise ModelError(f"model.path {config.path!r}: there is no such folder")
    if config.backend == "unsloth":
        prepare_backend(config)
        if scores or config.adapter:
            what = "a model that scores" if scores else "model.adapter"
            raise ModelError(f"model.backend 'unsloth' does not load {what}; set it to transformers")
        loaded = _load_unsloth(config, path, seed)
    else:
        tokenizer = load_tokenizer(config, folder)
        loaded = LoadedModel(_load_transformers(config, path, device, seed, scores), tokenizer, path)
    if chat and loaded.tokenizer.chat_template is None:
        raise ModelError(
            f"model {config.path!r} has no chat template: take its instruct version, or save its tokenizer with one"
        )
    if loaded.tokenizer.pad_token is None:
        loaded.tokenizer.pad_token = loaded.tokenizer.eos_token
    return loaded


def load_tokenizer(config: ModelConfig, folder: Path | None = None) -> Any:
    """A model's tokenizer alone, which is there in an instant; arguments and errors as of `load_model`."""
    from transformers import AutoTokenizer

    path = str(folder) if folder else model_path(config.path)
    try:
        return AutoTokenizer.from_pretrained(path, padding_side="left", trust_remote_code=config.trust_remote_code)
    except (OSError, ValueError) as error:
        raise _not_found(config, error) from None


def _not_found(config: ModelConfig, error: Exception) -> ModelError:
    first = str(error).strip().splitlines()[0]
    what = (
        "it cannot be loaded"
        if isinstance(error, ValueError)
        else "not 'tiny', not a folder with a model, not on the Hub"
    )
    return ModelError(f"model.path {config.path!r}: {what}: {first}")


def _load_transformers(config: ModelConfig, path: str, device: str, seed: int, scores: bool) -> Any:
    from transformers import AutoModelForSequenceClassification, set_seed

    options: dict[str, Any] = {"dtype": config.dtype, "trust_remote_code": config.trust_remote_code}
    quantized = config.load_in_4bit or config.load_in_8bit
    if quantized:
        if importlib.util.find_spec("bitsandbytes") is None:
            field = "load_in_4bit" if config.load_in_4bit else "load_in_8bit"
            mend = "pip install bitsandbytes, or set it to false"
            raise ModelError(f"model.{field}: bitsandbytes is not installed: {mend}")
        from transformers import BitsAndBytesConfig

        options["device_map"] = _device_map(device)  # a quantized model cannot be moved later
        options["quantization_config"] = (
            BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
            if config.load_in_4bit
            else BitsAndBytesConfig(load_in_8bit=True)
        )
    try:
        if scores:
            set_seed(seed)  # of the head
            model = AutoModelForSequenceClassification.from_pretrained(path, num_labels=1, **options)
        else:
            model = _writer(path, config).from_pretrained(path, **options)
    except (OSError, ValueError) as error:
        raise _not_found(config, error) from None
    if config.adapter is not None:
        model = _with_adapter(model, config)
    return model if quantized else model.to(device)


def _writer(path: str, config: ModelConfig) -> Any:
    """The class that loads what writes text: some models that also see are known by another one alone."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM, AutoModelForImageTextToText

    kind = _kind(path, config)
    return (
        AutoModelForImageTextToText if _sees(kind) and kind not in MODEL_FOR_CAUSAL_LM_MAPPING else AutoModelForCausalLM
    )


def _kind(path: str, config: ModelConfig) -> type:
    """The class of a model's own configuration, by which transformers tells models apart; that of None without one.

    An adapter alone has none. What is nowhere has none either, and whoever loads it says so.
    """
    from transformers import AutoConfig

    try:
        return type(AutoConfig.from_pretrained(path, trust_remote_code=config.trust_remote_code))
    except (OSError, ValueError):
        return type(None)


def _sees(kind: type) -> bool:
    """Whether models of a kind take images beside text."""
    from transformers import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    return kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING


def _device_map(device: str) -> dict[str, Any]:
    """The whole model on one device: of several GPUs this process's own, which accelerate wants by its number."""
    import torch

    return {"": torch.cuda.current_device() if device == "cuda" else device}


def _with_adapter(model: Any, config: ModelConfig) -> Any:
    """The model with a trained adapter, which goes on being trained."""
    from peft import PeftModel

    assert config.adapter is not None
    try:
        adapted = PeftModel.from_pretrained(model, config.adapter, is_trainable=True)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(f"model.adapter {config.adapter!r}: not an adapter of {config.path!r}: {first}") from None
    rank = getattr(adapted.peft_config["default"], "r", None)
    if config.lora is not None and rank != config.lora.r:
        raise ModelError(
            f"model.lora.r is {config.lora.r}, but the adapter {config.adapter!r} has rank {rank} and keeps it: "
            f"write {rank}"
        )
    return adapted


def prepare_backend(config: ModelConfig) -> None:
    """Imports Unsloth where it is asked for: it must come before TRL, whose trainers it patches.

    Raises:
        MissingExtraError: Unsloth is not installed.
        ModelError: TRL was imported before it in this process, or it refuses to be imported.
    """
    if config.backend != "unsloth" or "unsloth" in sys.modules:
        return
    if importlib.util.find_spec("unsloth") is None:
        raise MissingExtraError("unsloth", "unsloth", "'unsloth' in the configuration")
    if "trl" in sys.modules:
        raise ModelError(
            "model.backend 'unsloth' patches TRL, which was imported before it in this process: start a new one, or "
            "import unsloth first"
        )
    if config.generation == "vllm" and config.vllm.sleep_mode:
        os.environ["UNSLOTH_VLLM_STANDBY"] = "1"  # read when it is imported
    try:
        unsloth = importlib.import_module("unsloth")
    except (ImportError, NotImplementedError) as error:  # before 2026.10.9 it wants a GPU
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"model.backend 'unsloth': it cannot be imported here: {first} "
            "(without a GPU: take unsloth 2026.10.9 or later, or set it to transformers)"
        ) from None
    # An empty call since the patches are put on by the import itself; older versions need it, a CPU's has none.
    if patch := getattr(unsloth, "PatchDPOTrainer", None):
        patch()


def _load_unsloth(config: ModelConfig, path: str, seed: int) -> LoadedModel:
    import torch
    import unsloth

    lora = config.lora
    options: dict[str, Any] = {
        "model_name": path,
        "max_seq_length": config.max_seq_length,
        "dtype": None if config.dtype == "auto" else getattr(torch, config.dtype),
        "load_in_4bit": config.load_in_4bit,
        "load_in_8bit": config.load_in_8bit,
        "full_finetuning": lora is None,
        "trust_remote_code": config.trust_remote_code,
        "random_state": seed,
    }
    if config.load_in_fp8:
        options["load_in_fp8"] = True
    if config.generation == "vllm":
        options |= {"fast_inference": True, "gpu_memory_utilization": config.vllm.gpu_memory_utilization}
        if lora is not None:
            options["max_lora_rank"] = lora.r
    try:
        sees = _sees(_kind(path, config))
        loader = unsloth.FastVisionModel if sees else unsloth.FastLanguageModel
        model, tokenizer = loader.from_pretrained(**options)
    except NotImplementedError as error:  # of models that see, without a GPU
        raise ModelError(f"model.path {config.path!r}: {error} Set model.backend to transformers") from None
    except (OSError, ValueError) as error:
        raise _not_found(config, error) from None
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # a model that sees has a processor around it
    if lora is not None:
        adapted: dict[str, Any] = {
            "r": lora.r,
            "lora_alpha": lora.alpha,
            "lora_dropout": lora.dropout,
            "target_modules": lora.target_modules,
            "use_rslora": lora.rslora,
            "init_lora_weights": "pissa" if lora.pissa else True,
            "use_gradient_checkpointing": "unsloth",
            "random_state": seed,
            "max_seq_length": config.max_seq_length,
        }
        if lora.dora:
            adapted["use_dora"] = True
        if sees:  # nothing that it learns from has an image
            adapted["finetune_vision_layers"] = False
            if lora.target_modules == "all-linear":
                adapted["target_modules"] = None  # by that name Unsloth would take the vision layers all the same
        model = loader.get_peft_model(model, **adapted)
    return LoadedModel(model, tokenizer, path)
