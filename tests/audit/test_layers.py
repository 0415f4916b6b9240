"""The audit under several sets of layers."""

from __future__ import annotations

from typing import Any

import pytest

from envrl.audit import SETUPS, Specimen, audit_by_layer, layers
from envrl.envs import Task
from envrl.errors import SandboxError
from envrl.sandbox import LAYERS


def test_no_set_goes_without_limits_and_an_ordinary_user() -> None:
    for name, put_on in SETUPS.items():
        assert {"limits", "user"} <= set(put_on) <= set(LAYERS), name
        assert set(put_on) & {"language", "seccomp", "landlock", "namespaces"}, name
    assert next(iter(SETUPS)) == "all layers"
    assert SETUPS["all layers"] == LAYERS


def test_each_set_is_played_with_its_layers_and_one_that_is_missing_is_not_run(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[tuple[str, ...], Any] = {}

    def played(task: Task, *, layers: tuple[str, ...], require: Any, seeds: int) -> str:
        asked[layers] = require
        if layers == SETUPS["namespaces"]:
            raise SandboxError("lacks namespaces")
        return f"{seeds} seeds"

    monkeypatch.setattr(layers, "audit", played)
    begun: list[str] = []
    rows = audit_by_layer(task, begun.append, seeds=3)
    assert begun == [row.name for row in rows] == list(SETUPS)
    assert list(asked) == list(SETUPS.values())
    assert [row.reason for row in rows if row.audit is None] == ["lacks namespaces"]
    assert {row.audit for row in rows} == {"3 seeds", None}
    assert asked[LAYERS] is None, "the least that any machine must have"
    assert asked[SETUPS["seccomp"]] == SETUPS["seccomp"]


def test_where_the_least_is_missing_nothing_is_run(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: Any, **options: Any) -> None:
        raise SandboxError("lacks seccomp")

    monkeypatch.setattr(layers, "audit", refused)
    with pytest.raises(SandboxError, match="lacks seccomp"):
        audit_by_layer(task)


def test_a_wall_that_is_missing_shows(task: Task) -> None:
    lists = Specimen(
        "asks",
        "asks for a file's size",
        'import os\ndef $entry(*args):\n    return "$breach" if os.stat("$secret").st_size else $action\n',
    )
    found = {
        name: layers.audit(task, layers=SETUPS[name], zoo={"files": [lists]}, benign=(), seeds=1)
        for name in ("seccomp", "landlock")
    }
    assert {name: bool(audit.touched) for name, audit in found.items()} == {"seccomp": False, "landlock": True}
