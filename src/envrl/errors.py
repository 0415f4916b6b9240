"""Every error that envrl raises for a reason its user can mend.

::

    EnvrlError
    ├── ConfigError            a configuration key or value that cannot be used
    ├── UnknownNameError       a name (environment, preset, block …) that nothing answers to
    ├── EnvError               a Gymnasium environment that envrl cannot use, or that breaks its own rules
    ├── StrategyError          a strategy file that cannot be played at all
    ├── SeedError              seeds that overlap, lie outside a block, or were trained on
    ├── RunError               a run directory that cannot be used as asked
    │   └── RewardFault        a reward function of the user's own that failed, and the completion that caused it
    ├── SmokeError             the first steps of a run, which show that it would learn nothing
    ├── ComparisonError        measurements that were not made under the same conditions
    ├── MissingExtraError      an optional part of envrl that is not installed
    ├── ModelError             a model that cannot be found or loaded
    └── SandboxError           the sandbox cannot be set up, or not as strongly as required
        └── ZygoteLost         the process that makes workers ended while it served

What a *strategy* does wrong is never an exception in the host: it is an outcome (`envrl.outcomes`).
The command line prints an `EnvrlError` as one message and exits with code 2; anything else is a bug of ours and
keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ComparisonError",
    "ConfigError",
    "EnvError",
    "EnvrlError",
    "MissingExtraError",
    "ModelError",
    "RewardFault",
    "RunError",
    "SandboxError",
    "SeedError",
    "SmokeError",
    "StrategyError",
    "UnknownNameError",
    "ZygoteLost",
    "nearest",
]


class EnvrlError(Exception):
    """Base of all errors that a user can mend; the message says what, where, the value met, and what to do."""


class ConfigError(EnvrlError):
    """A configuration key or value that cannot be used."""


class UnknownNameError(EnvrlError):
    """A name that nothing answers to; the message lists the nearest names.

    Args:
        kind: what was looked up, for example ``"environment"``.
        name: the name that was not found.
        known: all names that would have been found.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(set(known))
        close = nearest(name, known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        super().__init__(f"unknown {kind} {name!r}: {hint}")
        self.kind, self.name, self.known = kind, name, known


class EnvError(EnvrlError):
    """A Gymnasium environment that envrl cannot use, or that breaks its own rules."""


class StrategyError(EnvrlError):
    """A strategy file that cannot be played at all."""


class SeedError(EnvrlError):
    """Seeds that overlap, lie outside a block, or were trained on."""


class RunError(EnvrlError):
    """A run directory that cannot be used as asked."""


class SmokeError(EnvrlError):
    """The first steps of a run show that it would learn nothing."""


class RewardFault(RunError):
    """A reward function of the user's own raised, or gave what is no reward.

    Args:
        function: where it stands, as the configuration names it.
        reason: what it did.
        completion: that caused it; None where no single one did.
        index: of that completion in its batch.
        rest: what else is to be said.
    """

    def __init__(self, function: str, reason: str, completion: str | None, index: int | None, rest: str = "") -> None:
        cause = "every completion alone passes, only the whole batch fails"
        if completion is not None:
            shown = ascii(completion[:200])  # a model's words: nothing that a terminal would obey
            cause = f"completion {index} of the batch caused it: {shown}{'…' if len(completion) > 200 else ''}"
        super().__init__(f"reward function {function}: {reason}; {cause}{rest}")
        self.function, self.reason, self.completion, self.index = function, reason, completion, index


class ComparisonError(EnvrlError):
    """Measurements that cannot be compared, since they were not made under the same conditions."""


class MissingExtraError(EnvrlError):
    """An optional part of envrl that is not installed.

    Args:
        extra: name of the extra in ``pip install "envrl[<extra>]"``.
        module: the import that failed.
        purpose: what it was wanted for.
    """

    def __init__(self, extra: str, module: str, purpose: str) -> None:
        super().__init__(f'{purpose} needs {module}, which is not installed: pip install "envrl[{extra}]"')
        self.extra, self.module = extra, module


class ModelError(EnvrlError):
    """A model that cannot be found or loaded."""


class SandboxError(EnvrlError):
    """The sandbox cannot be set up, or not as strongly as required."""


class ZygoteLost(SandboxError):
    """The process that makes workers ended while it served; `envrl.sandbox.Sandbox.restart` makes a new one."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names that a misspelt one most likely meant, best first; at most ``count``, maybe none."""
    lowered = {k.lower(): k for k in known}
    return [lowered[k] for k in difflib.get_close_matches(name.lower(), lowered, n=count, cutoff=0.6)]
