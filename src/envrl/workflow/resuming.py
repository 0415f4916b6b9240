"""A run that goes on must be the run that began: what has changed since is named, and refused unless it is allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from envrl.config import Resolved
from envrl.errors import RunError
from envrl.runs import RunDirectory, differences, write_atomic, write_json

__all__ = ["accept_drift", "began_with", "find_drift"]

_COMPARED = ("config", "dataset", "model", "packages", "processes", "python", "reward", "sandbox", "seeds", "task")
_LEFT_OUT = ("config.output.", "config.train.report_to", "seeds.train_salt")
"""Where a run is written and who watches it change nothing; the salt goes on with the run."""
_NOTED = ("git", "hardware", "platform")
"""The machine and the code around: results may differ in the last bit, which is said and no reason to stop."""


def began_with(lock: Mapping[str, Any]) -> int:
    """How many processes trained a run when it began, by its lock; older ones do not tell, and had one."""
    return int(lock.get("processes", 1))


def find_drift(began: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What a run's results depend on and has changed since it began: what it was, and what it is.

    Args:
        began: the run's lock.
        now: a lock made now, for the same run.

    Returns:
        By dotted name; settings have the names that they have in a configuration.
    """
    began = {**began, "processes": began_with(began)}
    names = differences({k: began.get(k) for k in _COMPARED}, {k: now.get(k) for k in _COMPARED})
    return {
        name.removeprefix("config."): (_value(began, name), _value(now, name))
        for name in names
        if not name.startswith(_LEFT_OUT)
    }


def accept_drift(run: RunDirectory, resolved: Resolved, now: Mapping[str, Any], allowed: Collection[str]) -> list[str]:
    """Checks that nothing has changed but what is allowed to; writes down what has.

    Args:
        resolved: the configuration that the run goes on with.
        now: a lock made now.
        allowed: dotted names, or beginnings of names: ``packages`` allows every package.

    Returns:
        What a person should know, in lines.

    Raises:
        RunError: something else has changed; the message names it with both values.
    """
    began = run.lock
    drift = find_drift(began, now)
    refused = {name: values for name, values in drift.items() if not _is_allowed(name, allowed)}
    if refused:
        lines = "\n".join(
            f"  {name}: {_shown(was)} when it began, {_shown(new)} now" for name, (was, new) in refused.items()
        )
        raise RunError(
            f"{run.path}: what the run depends on has changed since it began:\n{lines}\n"
            "Put it back, start a new run, or go on with the change: "
            + " ".join(f"--allow-drift {name}" for name in refused)
        )
    notes = [f"since the run began, this has changed: {name}" for name in _NOTED if began.get(name) != now.get(name)]
    if drift:
        changes = {name: list(values) for name, values in drift.items()}
        seeds = {**now["seeds"], "train_salt": began["seeds"]["train_salt"]}
        # The settings first: killed between the two, the next resume finds the change again and asks for it again.
        write_atomic(run.config_path, resolved.to_yaml())
        write_json(run.lock_path, {**now, "command": began["command"], "seeds": seeds}, mode=0o600)
        run.event("drifted", changes=changes)
        notes += [
            f"allowed to change: {name}, {_shown(was)} before, {_shown(new)} now" for name, (was, new) in drift.items()
        ]
    return notes


def _is_allowed(name: str, allowed: Collection[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def _value(lock: Mapping[str, Any], name: str) -> Any:
    """The value under a dotted name; settings and files have dots in their own names."""
    if name in lock:
        return lock[name]
    head, _, rest = name.partition(".")
    below = lock.get(head)
    return _value(below, rest) if isinstance(below, Mapping) else None


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
