"""The model that dpo and kto hold the trained one to."""

from __future__ import annotations

from typing import Any

from envrl.config import ModelConfig, RunConfig
from envrl.models import LoadedModel, load_model
from envrl.trainers.agreement import require_same_tokens

__all__ = ["reference_model"]


def reference_model(loaded: LoadedModel, config: RunConfig, device: str) -> Any:
    """The reference model that a configuration names, frozen; None for the model as it was before training.

    TRL makes that one itself: the base without its new adapters, a copy of trained adapters, or a second model.

    Raises:
        ModelError: there is no such model, or its tokens are not those of the trained one.
    """
    method, model = config.method, config.model
    if method.ref_model is None and method.ref_model_adapters is None:
        return None
    path = method.ref_model
    if path is None or path == model.path:
        path = loaded.path  # tiny may lie in a folder of its own
    other = load_model(
        ModelConfig(
            path=path,
            dtype=model.dtype,
            trust_remote_code=model.trust_remote_code,
            adapter=method.ref_model_adapters,
            load_in_4bit=method.ref_model_quantization_bit == 4,
            load_in_8bit=method.ref_model_quantization_bit == 8,
        ),
        device,
        config.train.seed,
        chat=False,
    )
    require_same_tokens(loaded.tokenizer, other.tokenizer, "method.ref_model", path)
    # TRL asks a reference for log-probabilities in a way that only a plain model answers.
    reference = other.model.merge_and_unload() if method.ref_model_adapters else other.model
    return reference.eval().requires_grad_(False)
