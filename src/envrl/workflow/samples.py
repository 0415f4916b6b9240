"""A few held-out rows, and what the model makes of them: the same rows before and after."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from envrl.config import RunConfig
from envrl.evaluation.report.finetune import Sample
from envrl.models import LoadedModel, write
from envrl.workflow.course import EVAL_SEED

__all__ = ["samples_of"]

_COUNT = 4
_PREFIX_TOKENS = 32  # of a text of pre-training, from which the model goes on


def samples_of(loaded: LoadedModel, rows: Sequence[Mapping[str, Any]], config: RunConfig) -> list[Sample]:
    """Completions of the first rows' prompts, sampled as in training; of a reward model, scores of their pairs.

    Args:
        rows: in TRL's shapes.
    """
    spread = rows[:: max(1, len(rows) // _COUNT)][:_COUNT]
    seeds = range(EVAL_SEED + config.train.seed, EVAL_SEED + config.train.seed + len(spread))
    return [one for row, seed in zip(spread, seeds, strict=True) for one in _sample(loaded, row, config, seed)]


def _sample(loaded: LoadedModel, row: Mapping[str, Any], config: RunConfig, seed: int) -> Iterator[Sample]:
    if "text" in row:
        start, rest = _halves(loaded.tokenizer, row["text"])
        yield Sample(prompt=start, written=_said(loaded, start, config, seed), expected=rest)
        return
    if "messages" in row:
        last = max((p for p, m in enumerate(row["messages"]) if m["role"] == "assistant"), default=0)
        prompt, expected = row["messages"][:last], row["messages"][last : last + 1]
        if not prompt:
            return
    else:
        prompt, expected = row["prompt"], row.get("chosen", row.get("completion"))
    rejected = row.get("rejected")
    scores = config.method.name == "reward"
    yield Sample(
        prompt=_text(prompt),
        written="" if scores else _said(loaded, prompt, config, seed),
        expected=_text(expected),
        rejected=_text(rejected) if rejected else "",
        scores=tuple(_score(loaded, prompt, answer) for answer in (expected, rejected)) if scores else (),
    )


def _said(loaded: LoadedModel, prompt: Any, config: RunConfig, seed: int) -> str:
    if not _is_finite(loaded):
        return ""  # a model that diverged has no distribution to sample from
    return write(loaded, prompt, 1, config.method, seed, plain=isinstance(prompt, str))[0].text


def _is_finite(loaded: LoadedModel) -> bool:
    return all(bool(weight.isfinite().all()) for weight in loaded.model.parameters() if weight.is_floating_point())


def _halves(tokenizer: Any, text: str) -> tuple[str, str]:
    """The beginning of a text, at most half of it, and the rest."""
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    start = tokenizer.decode(tokens[: min(len(tokens) // 2, _PREFIX_TOKENS)])
    return start, text.removeprefix(start)


def _score(loaded: LoadedModel, prompt: Any, answer: Any) -> float | None:
    import torch

    model, tokenizer = loaded.model, loaded.tokenizer
    whole = prompt + answer
    text = whole if isinstance(whole, str) else tokenizer.apply_chat_template(whole, tokenize=False)
    inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt").to(model.device)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        score = float(model(**inputs).logits[0, 0])
    model.train(was_training)
    return score if math.isfinite(score) else None


def _text(turns: Any) -> str:
    """Turns as a person reads them; plain text stays as it is."""
    if isinstance(turns, str):
        return turns
    if len(turns) == 1:
        return str(turns[0].get("content") or "")
    return "\n\n".join(f"{turn['role']}: {turn.get('content') or ''}" for turn in turns)
