"""What a run writes for people: the experiment's notes and the model's card."""

from __future__ import annotations

import re

import msgspec
import pytest

from envrl.evaluation.report import words
from envrl.evaluation.report.record import Rate
from envrl.runs import RunDirectory, write_json
from envrl.workflow.best_checkpoint import Candidate
from envrl.workflow.documents import write_documents
from envrl.workflow.smoke import Judged
from envrl.workflow.smoke_gate import Check


@pytest.fixture
def again(finished, tmp_path):
    """Another run with the same configuration and report, of which nothing but that is there."""
    run = finished[0].run
    with RunDirectory.create(tmp_path, "again", run.config_path.read_text(), run.lock) as new:
        yield new


def section(text, name):
    return re.search(rf"(?ms)^## {name}\n(.*?)(?=^## |\Z)", text)[1]


def test_the_experiment_says_what_was_done_and_leaves_the_decision_open(finished):
    run, report = finished[0].run, finished[0].report
    text = run.experiment_path.read_text()
    assert text.startswith("# Experiment short\n")
    headings = re.findall(r"(?m)^## (.*)$", text)
    assert headings == [
        "What was asked", "Baseline", "Data set", "Rewards", "Configuration", "Steps", "Before and after",
        "Failure modes", "Decision for the next round",
    ]  # fmt: skip
    assert words.rate(report.sides[0].success) in section(text, "Baseline")
    assert "0.5 × format + 0.5 × safety + 2 × success + 0.5 × progress" in section(text, "Rewards")
    assert "| `train.max_steps` | `3` | command line |" in section(text, "Configuration")
    assert "`model.dtype`" not in text, "it is a default"
    assert "envrl train --env 2048" in section(text, "Configuration")
    assert "3 steps of grpo" in section(text, "Steps")
    assert words.change(report.difference) in section(text, "Before and after")
    lost = {name for side in report.sides for name in side.outcome_shares} - {"success"}
    assert lost
    assert all(f"| {name} |" in section(text, "Failure modes") for name in lost)
    assert "To fill in" in section(text, "Decision for the next round")


def test_the_card_has_metadata_evaluation_and_the_way_to_repeat_it(finished):
    run, report = finished[0].run, finished[0].report
    text = run.model_card_path.read_text()
    _, metadata, body = text.split("---\n", 2)
    assert metadata == "library_name: transformers\ntags: [envrl, trl, grpo]\n", "tiny is no model of the Hub"
    assert words.rate(report.sides[1].success) in section(body, "Evaluation")
    assert "envrl train --env 2048" in section(body, "Repeat it")
    assert report.lock_hash in body
    assert "sandbox" in section(body, "Intended use")


def test_notes_that_a_person_wrote_stay(again, finished):
    again.experiment_path.write_text("mine")
    write_documents(again, finished[0].report)
    assert again.experiment_path.read_text() == "mine"
    assert again.model_card_path.read_text().startswith("---\n")


def test_smoke_and_checkpoints_are_told_where_there_are_any(again, finished):
    check = Check(name="parse rate", verdict="warn", seen="12% of them", mend="this")
    write_json(again.path / "smoke.json", Judged(steps=7, thrown_away=True, checks=(check,)))
    rate = Rate(estimate=0.25, low=0.1, high=0.4)
    write_json(again.eval_dir / "checkpoints.json", [Candidate(step=2, success=rate, chosen=True)])
    write_documents(again, finished[0].report)
    steps = section(again.experiment_path.read_text(), "Steps")
    assert "smoke, 7 steps (a trial, thrown away)" in steps
    assert "parse rate: warn (12% of them)" in steps
    assert "step 2: 25.0 % (10.0 to 40.0) won (the result)" in steps


def test_what_a_title_holds_cannot_break_out_of_its_line(again, finished):
    report = msgspec.structs.replace(finished[0].report, task="a\n# b\x1b[31m", warnings=("c\n# d",))
    write_documents(again, report)
    for path in (again.experiment_path, again.model_card_path):
        text = path.read_text()
        assert "\x1b" not in text
        assert "\n# b" not in text
        assert "\n# d" not in text
