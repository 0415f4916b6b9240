"""Models that are trained against one another must cut text into the same tokens."""

from __future__ import annotations

from typing import Any

from envrl.errors import ModelError

__all__ = ["require_same_tokens"]


def require_same_tokens(policy: Any, other: Any, field: str, path: str) -> None:
    """Checks that two tokenizers give every text the same numbers, as far as their vocabularies tell.

    Args:
        policy: tokenizer of the model that is trained.
        other: tokenizer of the model that it is compared with.
        field: where the configuration names that model, such as ``method.ref_model``.
        path: what it names there.

    Raises:
        ModelError: naming a token that differs.
    """
    ours, theirs = policy.get_vocab(), other.get_vocab()
    mend = "take a model of the same family, whose tokenizer is the same"
    if differing := [token for token in sorted(ours.keys() | theirs.keys()) if ours.get(token) != theirs.get(token)]:
        token = differing[0]
        raise ModelError(
            f"{field} {path!r}: its tokenizer disagrees with the trained model's on {len(differing)} tokens "
            f"({token!r} is {theirs.get(token, 'unknown')} there, {ours.get(token, 'unknown')} here); {mend}"
        )
    if policy.eos_token_id != other.eos_token_id:
        raise ModelError(
            f"{field} {path!r}: its texts end with token {other.eos_token!r}, the trained model's with "
            f"{policy.eos_token!r}; {mend}"
        )
