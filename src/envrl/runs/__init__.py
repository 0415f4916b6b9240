"""The run directory: atomic files, an exclusive lock, checkpoints that count, and what a run depends on."""

from __future__ import annotations

from envrl.runs.checkpoints import find_damage, is_complete, latest_complete, mark_complete, quarantine_incomplete
from envrl.runs.directory import RunDirectory, default_name
from envrl.runs.files import JsonLines, Lines, cache_folder, read_json, read_lines, write_atomic, write_json
from envrl.runs.lock import build_lock, differences, file_hash
from envrl.runs.status import State, Status

__all__ = [
    "JsonLines",
    "Lines",
    "RunDirectory",
    "State",
    "Status",
    "build_lock",
    "cache_folder",
    "default_name",
    "differences",
    "file_hash",
    "find_damage",
    "is_complete",
    "latest_complete",
    "mark_complete",
    "quarantine_incomplete",
    "read_json",
    "read_lines",
    "write_atomic",
    "write_json",
]
