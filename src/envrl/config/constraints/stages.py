"""Stages: which of them use which settings, and what each needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from envrl.config.constraints.violation import Constraint, Violation

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]


class _Use(NamedTuple):
    """Who uses a field of ``method``."""

    stages: tuple[str, ...]
    why_not: str = ""


_COMPARED = "grpo", "rloo", "dpo", "orpo", "simpo", "kto"
_REFERENCE = _Use(("dpo", "kto"), "orpo and simpo have no reference model, and that of grpo and rloo is the start")
_USES = {
    "beta": _Use(_COMPARED),
    "label_smoothing": _Use(("dpo", "simpo")),
    "ftx": _Use(("dpo", "simpo"), "orpo has such a term of its own"),
    "gamma": _Use(("simpo",)),
    "chosen_weight": _Use(("kto",)),
    "rejected_weight": _Use(("kto",)),
    "ref_model": _REFERENCE,
    "ref_model_adapters": _REFERENCE,
    "ref_model_quantization_bit": _REFERENCE,
    "reward_model": _Use(("grpo", "rloo")),
    "reward_model_type": _Use(("grpo", "rloo")),
    "pre_sft": _Use(("grpo", "rloo"), "a stage that trains on data follows another by model.path"),
    "entropy_coef": _Use(("grpo",), "TRL has an entropy bonus for grpo alone"),
    "tail_coef": _Use(("grpo",)),
    "max_kl": _Use(("grpo", "rloo")),
}


def _settings_belong_to_the_stage(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    for name, use in _USES.items():
        value = getattr(method, name)
        if method.name in use.stages or value == type(method).model_fields[name].default:
            continue
        why = f"; {use.why_not}" if use.why_not else ""
        yield Violation(
            (f"method.{name}", "method.name"),
            f"{method.name} does not use it (only {' and '.join(use.stages)} do{'es' * (len(use.stages) == 1)}{why}); "
            f"remove it, or set method.name to {' or '.join(use.stages)}",
        )


def _stages_that_do_not_play_have_data(config: RunConfig) -> Iterator[Violation]:
    if not config.method.plays and not config.dataset.path:
        yield Violation(
            ("dataset.path", "method.name"),
            f"{config.method.name} trains on data and is given none; name a file, a folder or a Hugging Face id, "
            "such as dataset.path: [rows.jsonl]",
        )


def _stages_that_play_count_steps(config: RunConfig) -> Iterator[Violation]:
    if config.method.plays and config.train.epochs is not None:
        yield Violation(
            ("train.epochs", "method.name"),
            f"{config.method.name} plays, and passes over no data; remove it and set train.max_steps",
        )


def _reward_model_is_named(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    if method.reward_model is None and method.reward_model_type != "full" and method.plays:
        yield Violation(
            ("method.reward_model_type", "method.reward_model"),
            f"says how a reward model is loaded ({method.reward_model_type} met), and none is named; "
            "set method.reward_model, or remove it",
        )


def _reward_adapters_sit_on_the_base(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    if method.reward_model is not None and method.reward_model_type == "lora" and config.model.lora is None:
        yield Violation(
            ("method.reward_model_type", "model.lora"),
            "a reward model that is an adapter shares its base with a model that trains adapters; add model.lora, for "
            "example {r: 8, alpha: 16}, or give a whole reward model and reward_model_type: full",
        )


CONSTRAINTS: tuple[Constraint, ...] = (
    _settings_belong_to_the_stage,
    _stages_that_do_not_play_have_data,
    _stages_that_play_count_steps,
    _reward_model_is_named,
    _reward_adapters_sit_on_the_base,
)
