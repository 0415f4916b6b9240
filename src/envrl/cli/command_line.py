"""The command that was typed, as a report repeats it."""

from __future__ import annotations

import shlex
import sys

__all__ = ["repeat_command"]


def repeat_command() -> str:
    """What a user types to do the same again."""
    return shlex.join(["envrl", *sys.argv[1:]])
