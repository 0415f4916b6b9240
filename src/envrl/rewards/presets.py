"""Reward presets: named sets of components with their weights.

``envrl``         format, safety, success, progress: the house's own.
``unsloth-2048``  the numbers of the Unsloth 2048 notebooks, so that a user can reproduce them, and see them gamed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards import components as own
from envrl.rewards.custom import RewardFunction, load_functions
from envrl.rollouts import Scorecard

__all__ = ["PRESETS", "Preset", "Weighted", "find_preset"]


@dataclass(frozen=True)
class Weighted:
    """Components with their weights; the reward is the weighted sum.

    Attributes:
        name: of the preset.
        components: by name, in the order in which they are logged.
        weights: one for each component and each function.
        version: raised when a component's value would change.
        functions: a user's own, which judge completions beside the components.
    """

    name: str
    components: Mapping[str, Callable[..., float]]
    weights: Mapping[str, float]
    version: int = 1
    functions: tuple[RewardFunction, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that is logged and weighted: the components, then the user's functions."""
        return (*self.components, *(function.name for function in self.functions))

    def total(self, rewards: Mapping[str, float | None]) -> float | None:
        """The weighted sum, or None where there is no reward."""
        values = [(self.weights[name], value) for name, value in rewards.items() if value is not None]
        return sum(weight * value for weight, value in values) if values else None

    def changed(self, weights: Mapping[str, float] | None, functions: Sequence[str]) -> Self:
        """The same with functions of a user's own added and single weights changed.

        Args:
            weights: that differ; a function that is not named here weighs 1.
            functions: ``path/to/file.py:name`` or ``package.module:name`` each.

        Raises:
            ConfigError: a function that cannot be used, or a weight of a component that there is not.
        """
        own = load_functions(functions, tuple(self.components))
        known = {**self.weights, **{function.name: 1.0 for function in own}}
        for component in weights or {}:
            if component not in known:
                raise ConfigError(f"reward.weights: {UnknownNameError(f'component of {self.name}', component, known)}")
        return replace(self, weights={**known, **(weights or {})}, functions=own)


@dataclass(frozen=True)
class Preset(Weighted):
    """Components of how a completion played: each takes a `Scorecard`."""

    def rewards(self, card: Scorecard) -> dict[str, float | None]:
        """Every component of a scorecard; all None where envrl itself failed, which leaves it neutral in TRL."""
        if card.infrastructure_error:
            return dict.fromkeys(self.components)
        return {name: component(card) for name, component in self.components.items()}


def _function_works(card: Scorecard) -> float:
    if card.outcome in (Outcome.NO_CODE, Outcome.NO_ENTRY_POINT, Outcome.SYNTAX_ERROR):
        return -2.0
    return 1.0 if card.program_hash or card.outcome is Outcome.VIOLATION else -0.5


def _no_cheating(card: Scorecard) -> float:
    if card.outcome in (Outcome.NO_CODE, Outcome.NO_ENTRY_POINT, Outcome.SYNTAX_ERROR):
        return -1.0
    return -20.0 if card.outcome is Outcome.VIOLATION else 1.0


def _strategy_succeeds(card: Scorecard) -> float:
    if not card.episodes:
        return 0.0
    # The notebooks play a single game; where there are more, the first stands for it.
    outcome = card.episodes[0].outcome
    if outcome is Outcome.SUCCESS:
        return 20.0
    if outcome is Outcome.TIMEOUT:
        return -1.0
    # A move that is none loses the notebooks' game; it does not raise.
    return 2.0 if outcome in (Outcome.FAILURE, Outcome.INVALID_ACTION) else -3.0


PRESETS: dict[str, Preset] = {
    "envrl": Preset(
        "envrl",
        {"format": own.format_kept, "safety": own.safety, "success": own.success, "progress": own.progress},
        {"format": 0.5, "safety": 0.5, "success": 2.0, "progress": 0.5},
    ),
    "unsloth-2048": Preset(
        "unsloth-2048",
        {
            "function_works": _function_works,
            "no_cheating": _no_cheating,
            "strategy_succeeds": _strategy_succeeds,
        },
        {"function_works": 1.0, "no_cheating": 1.0, "strategy_succeeds": 1.0},
    ),
}


def find_preset(name: str, weights: Mapping[str, float] | None = None, functions: Sequence[str] = ()) -> Preset:
    """A preset, with functions of a user's own added and single weights changed; see `Weighted.changed`.

    Raises:
        UnknownNameError: there is no such preset.
        ConfigError: a function that cannot be used, or a weight of a component that there is not.
    """
    if name not in PRESETS:
        raise UnknownNameError("reward preset", name, PRESETS)
    return PRESETS[name].changed(weights, functions)
