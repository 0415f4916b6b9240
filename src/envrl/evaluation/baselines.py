"""Reference strategies of the built-in tasks, and what was measured of them.

The strategies are ordinary strategy files beside their environments. Their strength is measured by
``benchmarks/baselines.py``, which writes ``strength.json`` next to them.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from envrl.envs import Task
from envrl.envs.math.strategies import exact
from envrl.evaluation.statistics import Interval
from envrl.seeding import Block

__all__ = ["Strength", "baselines", "source_hash", "strength_file", "strengths"]

_HOMES = {"2048": "game2048", "sudoku": "sudoku", "math": "math"}


class Strength(msgspec.Struct, frozen=True, kw_only=True):
    """What one reference strategy reached on one task.

    Attributes:
        task: id.
        version: of the task.
        strategy: name.
        source: `source_hash` of what was played.
        block: of the seeds.
        seeds: indices, as a user writes them.
        success: rate with its 95 % interval (Wilson).
        progress: mean, in [0, 1].
        score: mean of the environment's return.
        steps: mean number of moves.
        cpu: seconds of CPU a move.
    """

    task: str
    version: int
    strategy: str
    source: str
    block: Block
    seeds: str
    success: Interval
    progress: float
    score: float
    steps: float
    cpu: float


def baselines(task: Task) -> dict[str, str]:
    """The sources of a task's reference strategies by their names; none for a task that is not built in."""
    if task.short not in _HOMES:
        return {}
    found = {path.name[:-3]: path.read_text() for path in _folder(task).iterdir() if path.name[-3:] == ".py"}
    found.pop("__init__", None)
    if task.short == "math":
        found["exact"] = exact(task.options["family"])
    return dict(sorted(found.items()))


def source_hash(source: str) -> str:
    """A short name for a source text, so that a table tells when it is of another one (BLAKE2b, 16 digits)."""
    return hashlib.blake2b(source.encode(), digest_size=8).hexdigest()


def strength_file(task: Task) -> Traversable:
    """Where the measured strength of a built-in task's reference strategies stands."""
    return _folder(task) / "strength.json"


def strengths(task: Task) -> list[Strength]:
    """What was measured of a task's reference strategies, weakest first.

    Measurements of another version of the task, or of another text of a strategy, are left out.
    """
    if task.short not in _HOMES:
        return []
    known = {name: source_hash(source) for name, source in baselines(task).items()}
    measured = msgspec.json.decode(strength_file(task).read_bytes(), type=list[Strength])
    rows = [
        row
        for row in measured
        if (row.task, row.version) == (task.id, task.version) and known.get(row.strategy) == row.source
    ]
    return sorted(rows, key=lambda row: (row.success.estimate, row.progress))


def _folder(task: Task) -> Traversable:
    return files(f"envrl.envs.{_HOMES[task.short]}") / "strategies"
