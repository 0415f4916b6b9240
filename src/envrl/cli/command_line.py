"""What several commands read from the command line, and how a report repeats the one that was typed."""

from __future__ import annotations

import shlex
import sys

import click

__all__ = ["repeat_command", "setting"]


def repeat_command() -> str:
    """What a user types to do the same again."""
    return shlex.join(["envrl", *sys.argv[1:]])


def setting(text: str) -> tuple[str, int | float | bool | str]:
    """The option of an environment and its value that ``--set KEY=VALUE`` gives."""
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise click.UsageError(f"--set {text!r}: write KEY=VALUE, such as target=1024")
    if value in ("true", "false"):
        return key, value == "true"
    for kind in (int, float):
        try:
            return key, kind(value)
        except ValueError:
            continue
    return key, value
