"""What must hold between the fields of a configuration; each violation says how to mend it.

Only what a configuration alone can tell: data, models and machines are checked where they are met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from envrl.config.constraints import batch, course, dataset, losses, stages, weights
from envrl.config.constraints.violation import Violation

if TYPE_CHECKING:
    from envrl.config.schema import RunConfig

__all__ = ["Violation", "violations"]

_CONSTRAINTS = (
    *stages.CONSTRAINTS,
    *losses.CONSTRAINTS,
    *weights.CONSTRAINTS,
    *dataset.CONSTRAINTS,
    *batch.CONSTRAINTS,
    *course.CONSTRAINTS,
)


def violations(config: RunConfig) -> list[Violation]:
    """All constraints that a configuration breaks, maybe none."""
    return [violation for constraint in _CONSTRAINTS for violation in constraint(config)]
