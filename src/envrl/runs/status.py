"""How far a run has come, as its ``status.json`` says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from envrl.errors import RunError
from envrl.runs.files import write_json

__all__ = ["State", "Status", "boot_id", "read_status", "write_status"]

State = Literal["created", "running", "finished", "failed", "interrupted"]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The content of ``status.json``."""

    state: State
    step: int
    """Training steps that are done."""
    pid: int
    boot_id: str | None
    """Names the boot of the host on which ``pid`` ran; None where the system has no such name."""
    updated: str
    """UTC time of this status, ISO 8601."""
    reason: str | None = None
    """Why a run failed or was interrupted."""


def boot_id() -> str | None:
    """The name that Linux gives to this boot of the machine, else None."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return None


def read_status(path: Path) -> Status:
    """The status that a run last wrote.

    Raises:
        RunError: the file is missing or broken.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror})") from error
    except msgspec.DecodeError as error:
        raise RunError(f"{path}: no status of a run ({error}); start a new run") from error


def write_status(path: Path, status: Status) -> None:
    """Write a status atomically.

    Raises:
        RunError: the file cannot be written.
    """
    write_json(path, status)
