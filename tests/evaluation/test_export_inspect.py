"""A sweep as Inspect's log: its shape, as the schema of inspect-ai 0.3.285 wants it, and its numbers."""

from __future__ import annotations

import json

import msgspec
import pytest

from envrl.evaluation.export_inspect import inspect_log
from envrl.evaluation.headline import headline
from envrl.evaluation.sweeps import Sweep, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode


def header(**changes: object) -> SweepHeader:
    fields = {
        "kind": "endpoint", "subject": "m at http://x/v1", "task": "envrl/2048-v0", "task_version": 3,
        "options": {"target": 64}, "success": "tile 64", "toolkit": "full", "contract": "chat", "prompt_sha256": "ab",
        "block": "test", "seeds": "0:2", "limits": {}, "layers": ("seccomp",),
        "sampling": {"temperature": 0.7, "top_p": 1.0, "max_completion_tokens": 99, "seed": 5, "samples": 3},
        "usage": {"completions": 3, "requests": 4, "prompt_tokens": 30, "completion_tokens": 12},
        "versions": {"envrl": "0.1"}, "command": "envrl eval", "created": "2026-11-21T18:00:00.000+00:00",
    }  # fmt: skip
    return SweepHeader(**(fields | changes))


def episode(index: int, outcome: Outcome) -> Episode:
    return Episode(index=index, outcome=outcome, steps=9, score=100.0 * (index + 1), progress=0.5)


def sweep(**changes: object) -> Sweep:
    programs = (
        SweepProgram(index=0, label="#0", completion="a", source="s", tokens=4, clipped=True, seconds=1.5),
        SweepProgram(index=1, label="#1", completion="\x1b no", source=None, outcome=Outcome.NO_CODE, detail="none"),
        SweepProgram(index=2, label="#2", completion="c", source="s"),
    )
    lost = (episode(0, Outcome.INFRASTRUCTURE_ERROR), episode(1, Outcome.INFRASTRUCTURE_ERROR))
    rows = ((episode(0, Outcome.SUCCESS), episode(1, Outcome.FAILURE)), (), lost)
    return Sweep(header(**changes), programs, rows)


def test_a_sample_is_a_program():
    log = inspect_log(sweep(), "Write a program.")
    first, none, lost = log["samples"]
    assert [sample["id"] for sample in log["samples"]] == log["eval"]["dataset"]["sample_ids"] == [0, 1, 2]
    assert first["input"] == first["messages"][0]["content"] == "Write a program."
    assert first["output"]["completion"] == first["messages"][1]["content"] == "a"
    assert first["output"]["choices"][0]["stop_reason"] == "max_tokens"
    assert first["output"]["time"] == 1.5
    assert {name: score["value"] for name, score in first["scores"].items()} == {
        "success": 0.5, "progress": 0.5, "score": 150.0,
    }  # fmt: skip
    assert first["scores"]["success"]["explanation"] == "failure 1, success 1"
    assert none["scores"]["success"]["value"] == 0.0
    assert none["scores"]["success"]["explanation"] == "no_code before any episode: none"
    assert lost["scores"] == {}
    assert lost["metadata"]["infrastructure_errors"] == 2


def test_the_rate_and_its_interval_are_the_sweeps_own():
    measured = sweep()
    results = inspect_log(measured)["results"]
    success = results["scores"][0]
    low, estimate, high = headline(measured).interval
    assert {name: metric["value"] for name, metric in success["metrics"].items()} == {
        "mean": pytest.approx(estimate), "low": pytest.approx(low), "high": pytest.approx(high),
    }  # fmt: skip
    assert (success["scored_samples"], success["unscored_samples"]) == (2, 1)
    assert (results["total_samples"], results["completed_samples"]) == (3, 2)


def test_what_inspect_needs_is_there_and_is_json():
    log = inspect_log(sweep())
    assert json.loads(msgspec.json.encode(log)) == json.loads(json.dumps(log, allow_nan=False))
    assert log["version"] == 2
    assert log["status"] == "success"
    assert {"created", "task", "dataset", "model", "config"} <= log["eval"].keys()
    assert log["stats"]["completed_at"] == log["stats"]["started_at"]
    assert inspect_log(sweep(), completed="2026-11-21T18:01:00.000+00:00")["stats"]["completed_at"][14:16] == "01"
    assert log["plan"]["config"] == {"temperature": 0.7, "top_p": 1.0, "max_tokens": 99, "seed": 5}
    (usage,) = log["stats"]["model_usage"].values()
    assert usage == {"input_tokens": 30, "output_tokens": 12, "total_tokens": 42}
    assert {"ab" in sample["input"] for sample in log["samples"]} == {True}  # the prompt is not known


def test_strategies_have_been_asked_by_nobody():
    programs = (SweepProgram(index=0, label="greedy.py", completion=None, source="def strategy(b): ..."),)
    given = header(kind="strategies", contract=None, prompt_sha256=None, sampling={}, usage={})
    log = inspect_log(Sweep(given, programs, ((episode(0, Outcome.SUCCESS), episode(1, Outcome.SUCCESS)),)))
    (sample,) = log["samples"]
    assert sample["id"] == "greedy.py"
    assert sample["output"]["completion"] == "def strategy(b): ..."
    assert "Nobody was asked" in sample["input"]
    assert log["stats"]["model_usage"] == {}


def test_a_sweep_without_any_measurement_has_no_metric():
    nothing = Sweep(header(), sweep().programs[2:], ((),), finished=False)
    log = inspect_log(nothing)
    assert log["status"] == "started"
    assert [score["metrics"] for score in log["results"]["scores"][1:]] == [{}, {}]
    json.dumps(log, allow_nan=False)
