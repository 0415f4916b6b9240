"""Stages that TRL keeps in ``trl.experimental``, where they may go any day."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

from envrl.errors import ConfigError

__all__ = ["experimental"]


def experimental(stage: str, module: str, *names: str) -> list[Any]:
    """Classes of ``trl.experimental.<module>``.

    Args:
        stage: what they are wanted for, as ``method.name`` has it.

    Raises:
        ConfigError: the installed TRL does not have them.
    """
    import trl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they are experimental: docs/stages.md says so
        try:
            found = importlib.import_module(f"trl.experimental.{module}")
            return [getattr(found, name) for name in names]
        except (ImportError, AttributeError):
            raise ConfigError(
                f"method.name {stage!r}: TRL {trl.__version__} has no trl.experimental.{module} with "
                f"{' and '.join(names)}; use TRL 1.16, or another stage such as dpo"
            ) from None
