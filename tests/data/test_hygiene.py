"""Each check finds what it is for, and is quiet on sound rows."""

from __future__ import annotations

from typing import Any

import pytest

from envrl.data.hygiene import Finding, check_rows
from envrl.data.load import Dropped, Rows


def _turn(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def _pair(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {
        "prompt": _turn("user", prompt),
        "chosen": _turn("assistant", chosen),
        "rejected": _turn("assistant", rejected),
    }


SOUND = [_pair(f"count to {i}", f"{i} it is" + "!" * (i % 3), f"none is{i}" + "!" * (i * 7 % 4)) for i in range(40)]


def _verdicts(
    train: list[dict[str, Any]], eval: list[dict[str, Any]] | None = None, raw: Any = ()
) -> dict[str, Finding]:
    rows = Rows("dpo", train, eval or [], Dropped())
    return {finding.check: finding for finding in check_rows(rows, raw)}


def test_sound_rows_pass() -> None:
    found = _verdicts(SOUND[:20], SOUND[20:], [{"chosen_success": 0.5, "rejected_success": 0.0}])
    assert {finding.verdict for finding in found.values()} == {"ok"}
    assert {"rows", "repeated rows", "prompt template", "ends and marks", "contradictions", "length", "both bad",
            "held-out rows", "same tasks"} == found.keys()  # fmt: skip
    assert not any(finding.mend for finding in found.values())


def _system(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "prompt": [{"role": "system", "content": "s"}, *row["prompt"]]}


@pytest.mark.parametrize(
    ("check", "verdict", "train", "seen"),
    [
        ("repeated rows", "warning", [*SOUND, *SOUND[:5]], "5 of 45"),
        ("prompt template", "warning", [*SOUND, _pair(" Count to  1", "a", "b")], "differ in white space or case"),
        ("prompt template", "warning", [*map(_system, SOUND[:30]), *SOUND[30:]], "30 of 40 (75.0%) have a system"),
        ("ends and marks", "failed", [*SOUND, _pair("q", "a<|im_start|>", "b")], "<|im_start|> in 1"),
        ("ends and marks", "warning", [_pair(f"{i}", f"a{i}\n", f"b{i}") for i in range(9)], "9 of 9"),
        ("contradictions", "failed", [*SOUND, _pair("q", "a", "b"), _pair("q", "b", "a")], "1 pairs"),
        ("length", "warning", [_pair(f"{i}", f"{i}" + "a" * 30, f"{i}") for i in range(30)], "30 of 30"),
        ("length", "warning", [_pair(f"{i}", f"{i}" + "a" * 30, f"{i}b" + "a" * 30) for i in range(30)], "0 of 30"),
    ],
)
def test_what_is_wrong_is_found(check: str, verdict: str, train: list[dict[str, Any]], seen: str) -> None:
    found = _verdicts(train)[check]
    assert found.verdict == verdict
    assert seen in found.seen
    assert found.mend


def test_pairs_of_which_both_are_bad() -> None:
    raw = [{"chosen_success": 0.0, "rejected_success": 0.0}] * 6 + [
        {"chosen_success": 0.5, "rejected_success": 0.0}
    ] * 4
    found = _verdicts(SOUND, raw=raw)["both bad"]
    assert (found.verdict, "6 of 10" in found.seen) == ("warning", True)
    assert "both bad" not in _verdicts(SOUND)  # nobody knows


@pytest.mark.parametrize(
    ("good", "verdict"), [(10, "ok"), (19, "warning"), (1, "warning"), (0, "failed"), (20, "failed")]
)
def test_labels_of_one_kind(good: int, verdict: str) -> None:
    train = [
        {"prompt": _turn("user", f"q{i}"), "completion": _turn("assistant", "a"), "label": i < good} for i in range(20)
    ]
    found = _verdicts(train)["labels"]
    assert found.verdict == verdict
    if good == 1:
        assert "method.chosen_weight 19.0, method.rejected_weight 1.0" in found.mend


def test_held_out_rows_that_are_trained_on_or_of_other_tasks() -> None:
    assert _verdicts(SOUND, SOUND[:2])["held-out rows"].verdict == "failed"
    other = [_pair(f"sing a song {i}", "a", "b") for i in range(20)]
    assert _verdicts(SOUND, other)["same tasks"].verdict == "warning"


def test_rows_that_were_left_out_are_told() -> None:
    from envrl.data.example import Unfit
    from envrl.data.files import Record

    dropped = Dropped()
    dropped.add(Record({}, "a:1"), Unfit("empty prompt"))
    found = check_rows(Rows("dpo", SOUND, [], dropped, ("a note",)))
    assert found[0].verdict == "warning"
    assert "1 empty prompt" in found[0].seen
    assert found[-1] == Finding("warning", "fits", "a note")
