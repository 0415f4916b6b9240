"""The audit under several sets of layers: which wall holds what, where another is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from envrl.audit.finding import Audit
from envrl.audit.run import audit
from envrl.envs import Task
from envrl.errors import SandboxError
from envrl.sandbox import LAYERS

__all__ = ["HEADER", "SETUPS", "Row", "audit_by_layer", "cells", "markdown"]

_MOST = tuple(layer for layer in LAYERS if layer != "language")
_CONTAINER = ("limits", "no_new_privs", "seccomp", "landlock", "user")

SETUPS: dict[str, tuple[str, ...]] = {
    "all layers": LAYERS,
    "all but the language policy": _MOST,
    "what an ordinary container permits, without the language policy": _CONTAINER,
    "seccomp": ("limits", "no_new_privs", "seccomp", "user"),
    "landlock": ("limits", "no_new_privs", "landlock", "user"),
    "namespaces": ("limits", "namespaces", "user"),
    "an empty root, in namespaces": ("limits", "namespaces", "root", "user"),
    "the language policy": ("language", "limits", "user"),
}
"""Sets of layers by name. All hold ``limits`` and ``user``: without them the zoo could harm the machine. A set named
for one wall holds besides it only what that wall needs."""

HEADER = ("layers", "programs", "gained", "touched", "classes that touched or gained", "not judged", "false alarms")


class Row(msgspec.Struct, frozen=True):
    """One set of layers, tried.

    Attributes:
        name: of the set.
        layers: in the set.
        audit: None where the machine does not permit them.
        reason: why it was not run.
    """

    name: str
    layers: tuple[str, ...]
    audit: Audit | None
    reason: str = ""


def audit_by_layer(task: Task, begin: Callable[[str], None] | None = None, **options: Any) -> list[Row]:
    """The audit under each of `SETUPS`.

    The first two are run with what the machine permits; the others are not run where one of their layers is missing.

    Args:
        begin: called with the name of each set before it is tried.
        options: of `envrl.audit.run.audit`, but for its layers.
    """
    rows = []
    for name, layers in SETUPS.items():
        if begin:
            begin(name)
        require = None if layers in (LAYERS, _MOST) else layers
        try:
            rows.append(Row(name, layers, audit(task, layers=layers, require=require, **options)))
        except SandboxError as error:
            if require is None:
                raise
            rows.append(Row(name, layers, None, str(error)))
    return rows


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table, under `HEADER`."""
    if row.audit is None:
        return row.name, "not run", "", "", row.reason, "", ""
    found = row.audit
    kinds = dict.fromkeys([f.kind for f in found.findings if f.touched or f.gained])
    return (
        row.name,
        str(len(found.findings)),
        str(len(found.gained)),
        str(len(found.touched)),
        ", ".join([*kinds, *(f"{kind} (no single program)" for kind in found.unattributed)]) or "none",
        str(len(found.unjudged)),
        str(len(found.false_alarms)),
    )


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown."""
    lines = [HEADER, tuple("---" for _ in HEADER), *(cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
