"""A bound on how far one update may move the policy.

Most updates change next to nothing of what the model writes; once in a while one of the same length turns a token that
was certain into another (measured: 0.0003 nats per token at most, and then 0.17). Clipping, whether of ratios or of
gradients, does not see it: what it did shows in the next batch only, and if that is broken as a whole, no reward leads
back. So each update is looked at once it is made, and halved until it keeps within the bound: the backtracking of
trust-region policy optimisation (Schulman et al. 2015, arXiv 1502.05477, appendix C), along the optimiser's direction.
"""

from __future__ import annotations

from typing import Any

__all__ = ["within_trust_region"]

_ROWS = 8  # completions that an update is judged by; one that breaks something breaks it in most of them
_HALVINGS = 10  # then the update is undone
_ASKED = ("batch_size", "compute_entropy", "compute_aux_loss")  # of TRL's pass; whatever else it is given are pictures


def within_trust_region(kind: type[Any], max_kl: float) -> type[Any]:
    """A trainer like ``kind`` whose updates diverge by at most ``max_kl``.

    That is KL(before || after) in nats per token, estimated on at most eight completions of the last micro-batch that
    has any token left in its loss (Schulman's estimator k3). Among the figures of a step are ``update_kl``, of the
    update as it stays, and ``halvings``: 11 where it was undone. In 16 bits a pass is uncertain by 0.00005 nats itself.

    Args:
        kind: TRL's ``GRPOTrainer`` or ``RLOOTrainer``, or a subclass.
    """
    import torch
    from transformers import TrainerCallback

    class Trainer(kind):  # type: ignore[misc]
        _judged: tuple[Any, ...] | None = None  # what the model is asked to tell the probabilities of

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.add_callback(_Backtracking(self))

        def _get_per_token_logps_and_entropies(
            self, model: Any, input_ids: Any, attention_mask: Any, logits_to_keep: int, *size: int, **options: Any
        ) -> Any:
            if options.get("compute_entropy"):  # the pass of the loss
                pictures = {name: value for name, value in options.items() if name not in _ASKED and value is not None}
                # Others were cut off, and masked.
                whole = attention_mask[:, -logits_to_keep:].any(1).nonzero().flatten()
                rows = slice(None) if pictures else whole[:_ROWS]  # pictures are not split by rows
                if len(whole):
                    self._judged = (input_ids[rows], attention_mask[rows], logits_to_keep), pictures
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, *size, **options
            )

        def logps(self) -> Any:
            """Log-probabilities of the tokens by which updates are judged, without dropout; empty if there are none."""
            if self._judged is None:
                return torch.zeros(0, device=self.accelerator.device)
            (input_ids, attention_mask, logits_to_keep), pictures = self._judged
            was_training = self.model.training
            self.model.eval()
            with torch.no_grad():
                logps, *_ = super()._get_per_token_logps_and_entropies(
                    self.model, input_ids, attention_mask, logits_to_keep, **pictures
                )
            self.model.train(was_training)
            return logps[attention_mask[:, -logits_to_keep:].bool()]

    class _Backtracking(TrainerCallback):  # type: ignore[misc]
        def __init__(self, trainer: Trainer) -> None:
            self._trainer = trainer

        def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
            parameters = [p for p in self._trainer.model.parameters() if p.requires_grad]
            self._before = [(p, p.detach().clone()) for p in parameters]
            self._logps = self._trainer.logps()

        def on_optimizer_step(self, *_: Any, **__: Any) -> None:
            halvings = 0
            while not (kl := self._divergence()) <= max_kl and halvings < _HALVINGS:  # NaN is too far, too
                halvings += 1
                with torch.no_grad():
                    for parameter, before in self._before:
                        parameter.lerp_(before, 0.5)
            if not kl <= max_kl:
                halvings, kl = halvings + 1, 0.0
                with torch.no_grad():
                    for parameter, before in self._before:
                        parameter.copy_(before)
            figures = self._trainer._metrics["train"]
            figures["update_kl"].append(kl)
            figures["halvings"].append(halvings)
            self._before, self._trainer._judged = [], None

        def _divergence(self) -> float:
            change = self._trainer.logps() - self._logps
            kl = (change.expm1() - change).sum() / max(change.numel(), 1)
            return float(self._trainer.accelerator.gather(kl).max())  # all processes go back by the same way

    return Trainer
