"""Losses: which a stage has, and which settings each of them uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from envrl.config.constraints.violation import Constraint, Violation
from envrl.config.groups.method import STAGE_LOSSES

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["CONSTRAINTS"]

_SMOOTHED = ("sigmoid", "robust", "exo_pair")


def _the_stage_has_the_loss(config: RunConfig) -> Iterator[Violation]:
    stage, loss = config.method.name, config.method.loss_type
    if loss is None or loss in STAGE_LOSSES[stage]:
        return
    homes = [name for name, losses in STAGE_LOSSES.items() if loss in losses]
    ways = [f"write {' or '.join(STAGE_LOSSES[stage])}" if STAGE_LOSSES[stage] else "remove it"]
    ways.append(f"set method.name to {' or '.join(homes)}")
    has = f"has no loss {loss!r}" if STAGE_LOSSES[stage] else f"has one loss only ({loss!r} met)"
    yield Violation(("method.loss_type", "method.name"), f"{stage} {has}; {', or '.join(ways)}")


def _smoothing_needs_a_loss_that_has_it(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    loss = method.effective_loss_type
    if method.name not in ("dpo", "simpo"):
        return
    if method.label_smoothing and loss not in _SMOOTHED:
        yield Violation(
            ("method.label_smoothing", "method.loss_type"),
            f"loss {loss} does not smooth labels ({method.label_smoothing:g} met); set it to 0, or set "
            "method.loss_type to sigmoid",
        )
    if loss == "exo_pair" and not method.label_smoothing:
        yield Violation(
            ("method.loss_type", "method.label_smoothing"),
            "loss exo_pair is only defined with smoothed labels; set method.label_smoothing, for example to 0.001",
        )


def _gamma_needs_the_loss_of_simpo(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    if method.name == "simpo" and method.gamma is not None and method.effective_loss_type != "simpo":
        yield Violation(
            ("method.gamma", "method.loss_type"),
            f"loss {method.loss_type} asks for no margin; remove it, or set method.loss_type to simpo",
        )


def _what_is_pressed_on_is_hidden(config: RunConfig) -> Iterator[Violation]:
    method = config.method
    if method.name == "grpo" and method.tail_coef and not method.cuts:
        yield Violation(
            ("method.tail_coef",),
            "presses on the tokens that sampling hides, and none is hidden; set tail_coef to 0, or method.min_p to "
            "0.02",
        )


CONSTRAINTS: tuple[Constraint, ...] = (
    _the_stage_has_the_loss,
    _smoothing_needs_a_loss_that_has_it,
    _gamma_needs_the_loss_of_simpo,
    _what_is_pressed_on_is_hidden,
)
