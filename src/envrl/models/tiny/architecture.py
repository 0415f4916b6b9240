"""The tiny model: a Qwen3 of less than a million parameters, which a laptop trains."""

from __future__ import annotations

from typing import Any

from envrl.models.tiny.recipe import Recipe

__all__ = ["make_model"]


def make_model(recipe: Recipe, tokenizer: Any) -> Any:
    """A freshly initialised model (seed it before with ``torch.manual_seed``).

    Returns:
        A ``transformers.Qwen3ForCausalLM`` with tied embeddings, in float32.
    """
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            intermediate_size=recipe.intermediate_size,
            num_hidden_layers=recipe.num_hidden_layers,
            num_attention_heads=recipe.num_attention_heads,
            num_key_value_heads=recipe.num_key_value_heads,
            head_dim=recipe.head_dim,
            max_position_embeddings=recipe.max_position_embeddings,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
