"""GRPO with what sampling hides in mind.

``min_p``, ``top_p`` and ``top_k`` cut the tail off before a token is drawn, and no reward holds down what nobody sees.
Two forces lift it all the same: TRL's entropy bonus, which is over the whole vocabulary, and Adam, which scales the
tiny gradients of rare tokens up to full steps. One day a hidden token passes the cut, and then it stands in every
program of a batch at once. Here the bonus is over what the cut leaves, and a term of the loss presses on what it hides.
"""

from __future__ import annotations

from typing import Any

__all__ = ["aware_of_truncation"]

_COUNTS = ("num_images", "num_tiles")  # how TRL splits pictures among rows; a batch that stays whole needs none


def aware_of_truncation(kind: type[Any], tail_coef: float) -> type[Any]:
    """A trainer like ``kind`` whose entropies are those of the distribution that completions are drawn from.

    With p the policy, q what the cuts leave of it, and Z the probability that they leave, the loss has one more term:
    KL(q || p) = -log Z, the mean over all tokens, times ``tail_coef``. Among the figures of a step, ``hidden`` is the
    mean of 1 - Z.

    The logits of a micro-batch stand in memory whole (completions x tokens x vocabulary), unlike in TRL's fused head.

    Args:
        kind: TRL's ``GRPOTrainer`` or a subclass.
    """
    import torch

    class Trainer(kind):  # type: ignore[misc]
        _log_z: Any = None  # of the tokens of the last pass for the loss, with its gradient

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
                    model, input_ids, attention_mask, logits_to_keep, batch_size=batch_size, **asked, **inputs
                )
            given = {name: value for name, value in inputs.items() if value is not None and name not in _COUNTS}
            if compute_aux_loss:
                given["output_router_logits"] = True
            given["use_cache"] = False
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
            log_p = logits.log_softmax(-1)
            log_q, self._log_z = _renormalised(log_p, cuts(labels, logits.detach()).isneginf())
            logps = torch.zeros(told.shape, dtype=logits.dtype, device=logits.device)
            entropies = torch.zeros_like(logps)
            logps[told] = log_p.gather(-1, labels).squeeze(-1)
            entropies[told] = -(log_q.exp() * log_q).sum(-1)
            return logps, entropies, output.aux_loss if compute_aux_loss else None

        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            loss = super()._compute_loss(model, inputs)
            log_z, self._log_z = self._log_z, None
            if log_z is None:
                return loss
            count = max(log_z.numel(), 1)  # none where all completions were cut off, and masked
            self._metrics["train"]["hidden"].append(-log_z.detach().expm1().sum().item() / count)
            return loss - tail_coef * log_z.sum() / count / self.current_gradient_accumulation_steps

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


def _renormalised(log_p: Any, hidden: Any) -> tuple[Any, Any]:
    """What is left of a distribution along the last axis, and the logarithm of its mass.

    Hidden tokens come as the logarithm of 1e-30, not of 0: they count nothing in a sum, and leave no NaN in a gradient.
    """
    log_z = log_p.masked_fill(hidden, -float("inf")).logsumexp(-1)
    return (log_p - log_z.unsqueeze(-1)).masked_fill(hidden, -69.0), log_z
