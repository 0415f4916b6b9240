"""``envrl audit``: what it prints, what it writes, and its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

import envrl.audit
from envrl.audit import Audit, Finding, Row
from envrl.cli.main import main
from envrl.outcomes import Outcome

FINDING = Finding(
    kind="files",
    name="reads",
    what="reads a file",
    outcome=Outcome.INVALID_ACTION,
    outcomes={"invalid_action": 2},
    stopped_by="action check",
    reward=1.0,
    twin=1.0,
    gained=False,
    touched=(),
    detail="",
)
CLEAN = Audit(
    task="envrl/2048-v0",
    version=0,
    options={},
    preset="envrl",
    seeds=(0, 1),
    layers={"limits": "", "seccomp": "", "landlock": "not here"},
    findings=(FINDING,),
    benign=(),
    false_alarms=(),
    unattributed={},
    seconds=1.0,
)


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls ``envrl audit``."""

    def call(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["envrl", "audit", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the audit find something given."""

    def bound(**changes: Any) -> None:
        monkeypatch.setattr(envrl.audit, "audit", lambda task, **options: msgspec.structs.replace(CLEAN, **changes))

    return bound


def altered(**changes: Any) -> Finding:
    return msgspec.structs.replace(FINDING, **changes)


def test_it_plays_a_class_and_writes_every_finding(command: Any, tmp_path: Path) -> None:
    output = tmp_path / "audit.json"
    said = command("--class", "values", "--seeds", "1", "--json", output)
    written = json.loads(output.read_text())
    assert {finding["class"] for finding in written["findings"]} == {"values"}
    assert len(written["findings"]) == len(envrl.audit.CLASSES["values"])
    assert len(written["seeds"]) == 1
    assert written["unattributed"] == {}
    assert not [f for f in written["findings"] if f["gained"] or f["touched"] or f["reward"] is None]
    assert said.code == bool(written["false_alarms"]), said.err
    assert "values …" in said.out
    assert "action check" in said.out
    assert "layers in force: language, limits" in said.out
    assert f"{len(written['findings'])} hostile programs on envrl/2048-v0, 1 seeds each" in said.out


def test_a_clean_audit_ends_with_one_sentence_and_code_0(command: Any, finds: Any) -> None:
    finds()
    said = command()
    assert said.code == 0
    assert said.out.rstrip().endswith(
        "1 hostile programs on envrl/2048-v0, 2 seeds each: none gained, none touched anything, "
        "and none of 0 harmless programs was stopped (1 s)."
    )
    assert "not in force: landlock (not here)" in said.out


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"findings": (altered(gained=True, reward=2.0),)}, "reward 2 (twin 1), GAINED"),
        ({"findings": (altered(touched=("its neighbours",)),)}, "TOUCHED: its neighbours"),
        ({"findings": (altered(reward=None),)}, "1 could not be judged"),
        ({"false_alarms": (altered(kind="benign", name="mild"),)}, "false alarm: benign/mild: reads a file"),
        ({"unattributed": {"files": ("a thing",)}}, "touched by class files, by none of its programs alone: a thing"),
    ],
)
def test_whatever_was_found_is_shown_with_code_1(command: Any, finds: Any, changes: Any, shown: str) -> None:
    finds(**changes)
    said = command()
    assert said.code == 1
    assert shown in said.out


def test_the_words_of_programs_do_nothing_to_the_terminal(command: Any, finds: Any) -> None:
    hostile = "\x1b[2J\u202e[bold red]\n"
    finds(findings=(altered(gained=True, detail=hostile, touched=(f"left {hostile} in the open folder",)),))
    said = command()
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    assert said.out.count("\\x1b[2J\\u202e[bold red]\\n") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--class", "valus"), "unknown class of the zoo 'valus': did you mean values?"),
        (("--env", "2047"), "unknown environment '2047': did you mean 2048?"),
        (("--json", "/no/such/folder/x.json"), "/no/such/folder/x.json: its folder does not exist"),
        (("--seeds", "0"), "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_used_is_refused_with_code_2(command: Any, arguments: tuple[str, ...], message: str) -> None:
    said = command(*arguments)
    assert said.code == 2
    assert message in said.err


def test_by_layer_prints_a_table_and_its_markdown(
    command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    touched = msgspec.structs.replace(CLEAN, findings=(altered(touched=("x",)), FINDING))
    rows = [
        Row("all layers", ("limits",), CLEAN),
        Row("seccomp", ("seccomp",), touched),
        Row("namespaces", (), None, "refused"),
    ]
    monkeypatch.setattr(envrl.audit, "audit_by_layer", lambda task, begin, **options: rows)
    output = tmp_path / "rows.json"
    said = command("--by-layer", "--json", output)
    assert said.code == 0, "only what gets through all layers is a failure"
    assert "| all layers | 1 | 0 | 0 | none | 0 | 0 |" in said.out
    assert "| seccomp | 2 | 0 | 1 | files | 0 | 0 |" in said.out
    assert "| namespaces | not run |  |  | refused |  |  |" in said.out
    assert [row["name"] for row in json.loads(output.read_text())] == ["all layers", "seccomp", "namespaces"]
