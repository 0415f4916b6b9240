"""The entropy bonus, over the tokens that are sampled.

TRL takes the entropy of the whole vocabulary. Where ``min_p``, ``top_p`` or ``top_k`` cut the tail off before a token
is drawn, that bonus lifts the very tokens that nobody ever sees: no reward holds them down, they rise until one passes
the cut, and then it stands in every program of a batch at once. Over what the cut leaves, the bonus keeps wide the
choice that the policy really has, and nothing lifts the tail.
"""

from __future__ import annotations

from typing import Any

__all__ = ["entropy_of_sampled"]

_COUNTS = ("num_images", "num_tiles")  # how TRL splits pictures among rows; a batch that stays whole needs none


def entropy_of_sampled(kind: type[Any]) -> type[Any]:
    """A trainer like ``kind`` whose entropies are those of the distribution that completions are drawn from.

    The logits of a micro-batch stand in memory whole (completions x tokens x vocabulary), unlike in TRL's fused head.

    Args:
        kind: TRL's ``GRPOTrainer`` or a subclass, of a version that has an entropy bonus.
    """
    import torch

    class Trainer(kind):  # type: ignore[misc]
        def _get_per_token_logps_and_entropies(
            self,
            model: Any,
            input_ids: Any,
            attention_mask: Any,
            logits_to_keep: int,
            batch_size: int | None = None,
            compute_entropy: bool = False,
            compute_aux_loss: bool = False,
            **inputs: Any,
        ) -> Any:
            cuts = _cuts(self.top_k, self.top_p, self.min_p)
            if not compute_entropy or not cuts:
                asked = {"compute_entropy": compute_entropy, "compute_aux_loss": compute_aux_loss}
                return super()._get_per_token_logps_and_entropies(
                    model, input_ids, attention_mask, logits_to_keep, batch_size, **asked, **inputs
                )
            given = {name: value for name, value in inputs.items() if value is not None and name not in _COUNTS}
            if compute_aux_loss:
                given["output_router_logits"] = True
            with self.accelerator.autocast():
                output = model(
                    input_ids=input_ids,
                    attention_mask=attention_mask,
                    logits_to_keep=logits_to_keep + 1,  # a token's logits stand at the one before it
                    **given,
                )
            told = attention_mask[:, -logits_to_keep:].bool()
            logits = output.logits[:, -logits_to_keep - 1 : -1][told].float() / self.temperature  # tokens x vocabulary
            labels = input_ids[:, -logits_to_keep:][told].unsqueeze(-1)
            logps = torch.zeros(told.shape, dtype=logits.dtype, device=logits.device)
            entropies = torch.zeros_like(logps)
            logps[told] = logits.gather(-1, labels).squeeze(-1) - logits.logsumexp(-1)
            entropies[told] = _entropy(cuts(labels, logits))
            return logps, entropies, output.aux_loss if compute_aux_loss else None

    return Trainer


def _cuts(top_k: int | None, top_p: float | None, min_p: float | None) -> Any:
    """What cuts the tail off, in the order of transformers' own sampling; empty where nothing does."""
    from transformers.generation import logits_process as warpers

    cuts = warpers.LogitsProcessorList()
    if top_k:
        cuts.append(warpers.TopKLogitsWarper(top_k))
    if top_p is not None and top_p < 1:
        cuts.append(warpers.TopPLogitsWarper(top_p))
    if min_p:
        cuts.append(warpers.MinPLogitsWarper(min_p))
    return cuts


def _entropy(cut: Any) -> Any:
    """Entropy in nats along the last axis of logits, of which -inf are no choice at all."""
    log_q = cut - cut.logsumexp(-1, keepdim=True)
    return -(log_q.exp() * log_q.masked_fill(cut.isneginf(), 0.0)).sum(-1)
