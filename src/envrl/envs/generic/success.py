"""When an episode of any environment counts as won, and how far one came that was not."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from envrl.errors import ConfigError

__all__ = ["EpisodeEnd", "Success", "parse_success", "success_of"]


@dataclass(frozen=True)
class EpisodeEnd:
    """The end of an episode, as the environment told it.

    Attributes:
        total: sum of the rewards, undiscounted.
        steps: actions taken.
        terminated, truncated: as `gymnasium.Env.step` gave them last.
        info: as `gymnasium.Env.step` gave it last.
    """

    total: float
    steps: int
    terminated: bool
    truncated: bool
    info: Mapping[str, Any]


@dataclass(frozen=True)
class Success:
    """What counts as success.

    Attributes:
        words: in a clause, for prompts and reports.
        won: decides it at an episode's end.
        threshold: the return that it asks for, where it is one on the return.
    """

    words: str
    won: Callable[[EpisodeEnd], bool]
    threshold: float | None = None


_RULE = re.compile(r"(return|steps) *(>=|<=|>|<) *(-?[0-9]+(?:\.[0-9]+)?)")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}
_TOLD = "is_success"

# Environments of Gymnasium that neither tell of success nor name a threshold.
_KNOWN = {
    "Blackjack-v1": "return > 0",
    "CliffWalking-v1": "return >= -13",
    "CliffWalkingSlippery-v1": "return >= -60",
    "Pendulum-v1": "return >= -200",
}


def parse_success(text: str) -> Success:
    """A rule as a user writes it: ``return >= 475``, ``steps < 100``, or ``is_success`` for what ``info`` says.

    Raises:
        ConfigError: it is none of these.
    """
    text = text.strip()
    if text == _TOLD:
        return Success("the environment says is_success", lambda end: bool(end.info.get(_TOLD)))
    match = _RULE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"success {text!r}: write 'return >= X' or 'steps < X' (with >=, <=, > or <), or 'is_success' "
            "for environments that tell it in info"
        )
    measure, sign, bound = match[1], match[2], float(match[3])
    compare = _COMPARE[sign]
    if measure == "steps":
        return Success(f"steps {sign} {bound:g}", lambda end: compare(end.steps, bound))
    threshold = bound if sign.startswith(">") else None
    return Success(f"return {sign} {bound:g}", lambda end: compare(end.total, bound), threshold)


def success_of(env_id: str, reward_threshold: float | None, tells: bool) -> Success:
    """The rule of an environment for which its user gave none.

    Args:
        reward_threshold: of its spec.
        tells: whether its ``info`` holds ``is_success`` at the end of an episode.

    Raises:
        ConfigError: nothing says what success is.
    """
    if tells:
        return parse_success(_TOLD)
    if reward_threshold is not None:
        return parse_success(f"return >= {reward_threshold:g}")
    if env_id in _KNOWN:
        return parse_success(_KNOWN[env_id])
    raise ConfigError(
        f"{env_id} does not say what success is: its info has no 'is_success', its spec no reward_threshold; "
        "say it with --success 'return >= X' (env.success in a configuration)"
    )
