"""What several commands read from the command line, and how a report repeats the one that was typed."""

from __future__ import annotations

import shlex
import sys

import click

__all__ = ["repeat_command", "setting"]

_MASK = "[masked]"


def repeat_command() -> str:
    """What a user types to do the same again; tokens and keys are masked, since it is written to disk."""
    from envrl.config.overrides import is_secret

    words = ["envrl"]
    hidden = False  # whether this word is the value of the one before it
    for word in sys.argv[1:]:
        name, equals, _ = word.partition("=")
        secret = is_secret(name)
        words.append(_MASK if hidden else f"{name}={_MASK}" if secret and equals else word)
        hidden = secret and not equals and word.startswith("--")
    return shlex.join(words)


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
