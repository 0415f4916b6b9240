"""A strategy in a file: read, and refused where it cannot be played at all."""

from __future__ import annotations

from pathlib import Path

from envrl.envs import Task
from envrl.errors import StrategyError
from envrl.evaluation.escape import one_line
from envrl.outcomes import Outcome
from envrl.rollouts import Scorecard

__all__ = ["check_playable", "read_strategy"]


def read_strategy(path: Path) -> str:
    """The source in a file.

    Raises:
        StrategyError: the file cannot be read, or is no text.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise StrategyError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise StrategyError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None


def check_playable(path: Path, task: Task, card: Scorecard) -> None:
    """Refuses a strategy whose scorecard says that no episode could begin.

    Raises:
        StrategyError: with the reason.
    """
    if card.outcome is Outcome.NO_ENTRY_POINT:
        raise StrategyError(f"{path}: defines no function {task.entry_point}(…), which {task.id} calls")
    if card.outcome is not None:
        raise StrategyError(f"{path}: cannot be played ({card.outcome}): {one_line(card.detail)}")
