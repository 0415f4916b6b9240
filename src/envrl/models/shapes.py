"""How large a model is, from its ``config.json`` alone: no weights are read, nothing is downloaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envrl.models.loading import model_path

__all__ = ["ModelShape", "find_shape", "read_shape"]


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """Sizes of a decoder-only transformer with gated feed-forward layers.

    Attributes:
        layers: how many.
        hidden: width of the residual stream.
        intermediate: width of a feed-forward layer (of one expert).
        heads: of queries.
        kv_heads: of keys and values.
        head_dim: width of a head.
        vocabulary: tokens.
        tied: whether input and output embeddings are one matrix.
        experts: feed-forward layers beside one another, 1 where there is no choice among them.
        active_experts: how many of them a token passes through.
        extra: parameters beside all that, such as those of an encoder of images.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    experts: int = 1
    active_experts: int = 1
    extra: int = 0

    @property
    def linear_layers(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of the matrices of one layer (of one expert), by the names that peft knows."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden, queries),
            "k_proj": (self.hidden, keys),
            "v_proj": (self.hidden, keys),
            "o_proj": (queries, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    @property
    def attention(self) -> int:
        """Parameters of one layer's attention."""
        return sum(a * b for name, (a, b) in self.linear_layers.items() if name[0] in "qkvo")

    @property
    def matrices(self) -> int:
        """Parameters of all matrices in the layers: what a quantization makes smaller."""
        return self.layers * (self.attention + self.experts * 3 * self.hidden * self.intermediate)

    @property
    def embeddings(self) -> int:
        """Parameters of input and output embeddings."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All parameters but those of norms and biases, less than a thousandth."""
        return self.matrices + self.embeddings + self.extra

    @property
    def active(self) -> int:
        """Parameters that a token meets: the matrices of its experts, and the output embeddings."""
        feed_forward = self.active_experts * 3 * self.hidden * self.intermediate
        return self.layers * (self.attention + feed_forward) + self.vocabulary * self.hidden

    @property
    def cache_values(self) -> int:
        """Keys and values that a token leaves behind for those after it."""
        return 2 * self.layers * self.kv_heads * self.head_dim

    def adapter_parameters(self, rank: int, targets: list[str] | str) -> int:
        """Parameters of low-rank adapters: rank × (inputs + outputs) of every matrix that gets one.

        Experts get none: they are no linear layers of their own in transformers, and peft passes over them.
        """
        names = self.linear_layers if targets == "all-linear" else targets
        if self.experts > 1:
            names = [name for name in names if name[0] in "qkvo"]
        return self.layers * rank * sum(sum(self.linear_layers[name]) for name in names if name in self.linear_layers)


_LLAMA_8B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head_dim=128, vocabulary=128256, tied=False
)
_MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head_dim=128, vocabulary=32000, tied=False
)
_QWEN3_4B = ModelShape(
    layers=36, hidden=2560, intermediate=9728, heads=32, kv_heads=8, head_dim=128, vocabulary=151936, tied=True
)
_GPT_OSS_20B = ModelShape(
    layers=24, hidden=2880, intermediate=2880, heads=64, kv_heads=8, head_dim=64, vocabulary=201088, tied=False,
    experts=32, active_experts=4,
)  # fmt: skip

# The models of envrl's recipes, as their config.json has them; any other is read from its folder or the Hub's cache.
_KNOWN: Mapping[str, ModelShape] = {
    "unsloth/zephyr-sft-bnb-4bit": _MISTRAL_7B,
    "unsloth/llama-3-8b-bnb-4bit": _LLAMA_8B,
    "meta-llama/Meta-Llama-3.1-8B-Instruct": _LLAMA_8B,
    "meta-llama/Llama-3.2-3B-Instruct": ModelShape(
        layers=28, hidden=3072, intermediate=8192, heads=24, kv_heads=8, head_dim=128, vocabulary=128256, tied=True
    ),
    "Qwen/Qwen3-0.6B": ModelShape(
        layers=28, hidden=1024, intermediate=3072, heads=16, kv_heads=8, head_dim=128, vocabulary=151936, tied=True
    ),
    "unsloth/Qwen3-4B-Base": _QWEN3_4B,
    "unsloth/Qwen3-8B": ModelShape(
        layers=36, hidden=4096, intermediate=12288, heads=32, kv_heads=8, head_dim=128, vocabulary=151936, tied=False
    ),
    "unsloth/gpt-oss-20b": _GPT_OSS_20B,
    "unsloth/Ministral-3-3B-Instruct-2512": ModelShape(
        layers=26, hidden=3072, intermediate=9216, heads=32, kv_heads=8, head_dim=128, vocabulary=131072, tied=True,
        extra=420_000_000,  # what encodes images
    ),
    # Of its 5.1e9 parameters 2.3e9 are embeddings of each layer's own; later layers are twice as wide.
    "unsloth/gemma-4-E2B-it": ModelShape(
        layers=35, hidden=1536, intermediate=6144, heads=8, kv_heads=1, head_dim=256, vocabulary=262144, tied=True,
        extra=3_460_000_000,
    ),
}  # fmt: skip


def read_shape(config: Mapping[str, Any]) -> ModelShape | None:
    """The shape that a ``config.json`` tells; None for one of another kind of model."""
    text = config.get("text_config", config)
    try:
        hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
        return ModelShape(
            layers=int(text["num_hidden_layers"]),
            hidden=hidden,
            intermediate=int(text["intermediate_size"]),
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            vocabulary=int(text["vocab_size"]),
            tied=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
            experts=int(text.get("num_local_experts") or text.get("num_experts") or 1),
            active_experts=int(text.get("num_experts_per_tok") or 1),
        )
    except (KeyError, TypeError, ValueError):
        return None


def find_shape(path: str) -> ModelShape | None:
    """The shape of a model: from its folder, from the Hub's cache on this machine, or of a recipe's model.

    Returns:
        None where none of them knows it.
    """
    file = Path(model_path(path)).expanduser() / "config.json"
    if not file.is_file():
        cached = _cached(path)
        if cached is None:
            return _KNOWN.get(path)
        file = cached
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read_shape(config) if isinstance(config, dict) else None


def _cached(path: str) -> Path | None:
    """The ``config.json`` of a model that was downloaded before."""
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    try:
        found = try_to_load_from_cache(path, "config.json")
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None
