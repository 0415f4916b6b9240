"""Experiment trackers (``train.report_to``): checked before a run starts, and told our own figures beside TRL's.

``metrics.jsonl`` is written whatever the trackers are.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envrl.errors import ConfigError, UnknownNameError

__all__ = ["TRACKERS", "add_trackers", "check_trackers", "tracked"]

TRACKERS = ("tensorboard", "wandb", "trackio", "mlflow", "swanlab")
"""Trackers that transformers knows how to feed; each is the name of its package, too."""


def check_trackers(names: Sequence[str]) -> None:
    """Whether all trackers can be used.

    Args:
        names: of `TRACKERS`; none of them, or ``none`` alone, is no tracker.

    Raises:
        UnknownNameError: there is no such tracker.
        ConfigError: a tracker is not installed, or ``none`` stands beside another.
    """
    if "none" in names and len(names) > 1:
        others = ", ".join(name for name in names if name != "none")
        raise ConfigError(f"train.report_to: 'none' stands beside {others}; take one or the other out")
    for name in names:
        if name not in ("none", *TRACKERS):
            raise UnknownNameError("tracker in train.report_to", name, ("none", *TRACKERS))
        if name != "none" and importlib.util.find_spec(name) is None:
            raise ConfigError(f"train.report_to: {name} is not installed: pip install {name}, or take it out")


def tracked(figures: Mapping[str, Any]) -> dict[str, float]:
    """Figures as trackers take them: groups become ``group/name``, what could not be measured is left out."""
    flat: dict[str, float] = {}
    for name, value in figures.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}/{key}": number for key, number in tracked(value).items()}
        elif isinstance(value, int | float):
            flat[name] = float(value)
    return flat


def add_trackers(trainer: Any, run: Path, resume_from: Path | None = None) -> None:
    """Has trackers come after all other callbacks of a trainer, so that they see what those add to its logs.

    Args:
        trainer: of transformers or TRL; its ``args.report_to`` names the trackers.
        run: the run's folder; TensorBoard's events go to ``tensorboard`` in it.
        resume_from: the checkpoint that training goes on from; TensorBoard hides what came after it.
    """
    from transformers.integrations import TensorBoardCallback
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    for kind in get_reporting_integration_callbacks(trainer.args.report_to):
        callback = trainer.pop_callback(kind)
        if kind is TensorBoardCallback:
            from torch.utils.tensorboard import SummaryWriter

            first = int(resume_from.name.rpartition("-")[2]) + 1 if resume_from else None
            callback = TensorBoardCallback(SummaryWriter(str(run / "tensorboard"), purge_step=first))
        trainer.add_callback(callback)
