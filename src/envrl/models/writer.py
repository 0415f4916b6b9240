"""A model writes completions: sampled in batches, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from envrl.config import MethodConfig
from envrl.models.loading import LoadedModel

__all__ = ["Written", "conversation", "write"]


class Written(NamedTuple):
    """A completion.

    Attributes:
        text: without special tokens.
        tokens: its length, the end included.
        clipped: whether it ran into the limit.
    """

    text: str
    tokens: int
    clipped: bool


def conversation(prompt: str | Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A prompt as chat messages; messages stay as they are."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)


def write(
    loaded: LoadedModel,
    prompt: str | Sequence[Mapping[str, Any]],
    count: int,
    method: MethodConfig,
    seed: int,
    batch_size: int = 64,
    progress: Callable[[int], None] | None = None,
    *,
    plain: bool = False,
) -> list[Written]:
    """Samples ``count`` completions of one prompt, with the sampling settings that training uses.

    Greedy decoding would misjudge a policy that is trained by its samples.

    Args:
        prompt: text of a user, or chat messages.
        progress: called with the number of completions that have just been written.
        plain: go on from the prompt as it stands, without a chat template.
    """
    import torch

    model, tokenizer = loaded.model, loaded.tokenizer
    inputs = (
        tokenizer(prompt, return_tensors="pt")
        if plain
        else tokenizer.apply_chat_template(
            conversation(prompt), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
    ).to(model.device)
    length = inputs["input_ids"].shape[1]
    options: dict[str, Any] = {
        "do_sample": True,
        "temperature": method.temperature,
        "top_p": method.top_p,
        "top_k": method.top_k or 0,
        "min_p": method.min_p,
        "max_new_tokens": method.max_completion_length,
        "pad_token_id": tokenizer.pad_token_id,
    }
    written: list[Written] = []
    was_training = model.training
    model.eval()
    torch.manual_seed(seed)
    try:
        while len(written) < count:
            size = min(batch_size, count - len(written))
            with torch.no_grad():
                output = model.generate(**inputs, num_return_sequences=size, **options)[:, length:]
            ends = output == tokenizer.eos_token_id
            for tokens, end in zip(output, ends, strict=True):
                finished = bool(end.any())
                used = int(end.int().argmax()) + 1 if finished else len(tokens)
                written.append(Written(tokenizer.decode(tokens[:used], skip_special_tokens=True), used, not finished))
            if progress:
                progress(size)
    finally:
        model.train(was_training)
    return written
