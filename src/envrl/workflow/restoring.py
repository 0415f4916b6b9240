"""The weights of a checkpoint, put into a model that is already there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from envrl.errors import RunError
from envrl.models import LoadedModel

__all__ = ["restore"]

_ADAPTER = "adapter_config.json"


def restore(loaded: LoadedModel, checkpoint: Path) -> LoadedModel:
    """Gives a model the weights, or the adapters, of a checkpoint of its own; it can be trained on.

    Raises:
        RunError: the checkpoint holds no weights.
    """
    if (checkpoint / _ADAPTER).is_file():
        return LoadedModel(_adapted(loaded.model, checkpoint), loaded.tokenizer, loaded.path)
    from safetensors.torch import load_model

    files = sorted(checkpoint.glob("*.safetensors"))
    if not files:
        raise RunError(f"{checkpoint}: holds no weights (no .safetensors file); delete it, and resume the run")
    for file in files:  # more than one where the weights are split
        load_model(loaded.model, file, strict=False, device=str(loaded.model.device))
    return loaded


def _adapted(model: Any, checkpoint: Path) -> Any:
    from peft import PeftModel, load_peft_weights, set_peft_model_state_dict

    if not hasattr(model, "peft_config"):
        return PeftModel.from_pretrained(model, str(checkpoint), is_trainable=True)
    set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device=str(model.device)))
    return model
