"""The recipe of the tiny model's warm start: every number that its result depends on, and their hash."""

from __future__ import annotations

import hashlib

import msgspec

__all__ = ["Recipe"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Architecture, corpus and course of the warm start."""

    # architecture: Qwen3
    hidden_size: int = 128
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 32
    intermediate_size: int = 384
    vocab_size: int = 512
    """At the most: the corpus decides how many tokens there are to learn."""
    max_position_embeddings: int = 512
    # corpus
    examples: int = 3600
    most_wins: float = 0.40
    """No program of the corpus may win more than this share of the filter's games."""
    filter_episodes: int = 16
    filter_again_above: float = 0.10
    filter_again_episodes: int = 64
    # supervised fine-tuning
    max_steps: int = 600
    batch_size: int = 16
    learning_rate: float = 3e-3
    seed: int = 0
    version: int = 2

    @property
    def hash(self) -> str:
        """Names this recipe: 16 hexadecimal digits."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=8).hexdigest()
