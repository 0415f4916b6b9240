"""The gate behind the first steps, and a trial that leaves no trace."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import SmokeError
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.workflow import smoke_gate
from envrl.workflow.smoke import Judged, read_judged
from envrl.workflow.smoke_gate import FIRST_STEPS, judge_steps
from envrl.workflow.train import resume, train

from .conftest import Collected, short_config

WEIGHTS = {"format": 0.5, "safety": 0.5, "success": 2.0, "progress": 0.5}


def row(step=1, **changed):
    healthy = {
        "step": step, "loss": 0.1, "grad_norm": 0.3, "reward": 1.2, "reward_std": 0.6, "frac_reward_zero_std": 0.1,
        "broken": 0.2, "success": 0.1, "completions/clipped_ratio": 0.1, "outcomes": {"success": 0.1, "failure": 0.9},
        **{f"rewards/{name}/std": 0.3 for name in WEIGHTS},
    }  # fmt: skip
    return {**healthy, **changed}


def verdicts(rows, weights=WEIGHTS):
    return {check.name: check.verdict for check in judge_steps(rows, weights)}


def test_a_healthy_run_passes_every_check():
    found = verdicts([row(step) for step in range(1, 11)])
    assert set(found.values()) == {"pass"}
    assert len(found) == 8


ILL = {
    "numbers": [{"loss": math.nan}, {"grad_norm": math.inf}, {"loss": None}],
    "reward spread": [{"reward_std": 0.0}],
    "groups without spread": [{"frac_reward_zero_std": 0.95}],
    "parse rate": [{"broken": 0.97}],
    "clipped completions": [{"completions/clipped_ratio": 0.8}],
    "timeouts": [{"outcomes": {"timeout": 0.5, "failure": 0.5}}],
    "scale of components": [{"rewards/success/std": 50.0}],
    "answers": [{"broken": 0.0, "success": 0.0, "rewards/success/std": 0.0, "rewards/progress/std": 0.0}],
}


@pytest.mark.parametrize(("name", "changed"), [(name, one) for name, many in ILL.items() for one in many])
def test_what_is_ill_fails_its_check_alone_and_names_a_remedy(name, changed):
    checks = {check.name: check for check in judge_steps([row(step, **changed) for step in range(1, 7)], WEIGHTS)}
    assert [check.name for check in checks.values() if check.verdict == "fail"] == [name]
    assert len(checks[name].mend) > 30
    assert checks[name].seen


def test_partial_credit_makes_no_wins_a_warning():
    checks = judge_steps([row(broken=0.0, success=0.0)], WEIGHTS)
    (answers,) = (check for check in checks if check.name == "answers")
    assert (answers.verdict, "progress" in answers.seen) == ("warn", True)


def test_a_format_that_is_learnt_within_the_steps_is_learnt():
    rows = [row(step, broken=1.0 if step < 7 else 0.3) for step in range(1, 10)]
    assert verdicts(rows)["parse rate"] == "pass"


def test_a_stage_on_data_is_judged_by_its_numbers_alone():
    assert verdicts([{"step": 1, "loss": 0.5, "grad_norm": 1.0}], {}) == {"numbers": "pass"}
    assert verdicts([{"step": 1, "loss": math.nan}], {}) == {"numbers": "fail"}


def test_a_component_that_never_varies_is_not_drowned():
    alone = {f"rewards/{name}/std": 0.0 for name in WEIGHTS} | {"rewards/success/std": 0.4}
    assert "scale of components" not in verdicts([row(**alone)])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"step": st.integers(1, 100)},
            optional={
                name: st.one_of(st.none(), st.floats())
                for name in ("loss", "grad_norm", "reward", "reward_std", "frac_reward_zero_std", "broken", "success")
            },
        ),
        max_size=5,
    )
)
def test_whatever_metrics_say_is_judged(rows):
    for check in judge_steps(rows, WEIGHTS):
        assert (check.mend != "") == (check.verdict != "pass")


# in a run


def tiny(root, name, *more):
    return short_config(root, name, "train.max_steps=1", "train.best_of_checkpoints=1", "eval.samples=2", *more)


def test_a_trial_is_judged_and_thrown_away(tmp_path):
    watcher = Collected()
    run = train(tiny(tmp_path, "tried", "train.smoke_steps=1"), "", watcher, skip=["before", "after"]).run
    assert ("smoke", 1) in watcher.phases
    assert not (run.path / "smoke").exists()
    judged = read_judged(run)
    assert (judged.steps, judged.thrown_away) == (1, True)
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1]
    assert msgspec.convert(read_json(run.path / "smoke.json"), Judged) == judged


def test_a_run_that_would_learn_nothing_is_stopped_before_it_begins_and_goes_on_when_forced(tmp_path):
    # No program of so few tokens is whole.
    ill = tiny(tmp_path, "ill", "train.smoke_steps=1", "method.max_completion_length=4")
    with pytest.raises(SmokeError, match=r"(?s)clipped completions: 100%.*-> .*max_completion_length.*--force"):
        train(ill, "", Collected(), skip=["before", "after"])
    run = RunDirectory.open(tmp_path / "ill")
    assert run.status.state == "failed"
    assert not run.metrics_path.exists()
    watcher = Collected()
    resume(run.path, watcher, force=True, skip=["before", "after"])
    assert run.status.state == "finished"
    assert any(line.startswith("clipped completions") for line in watcher.said)


def test_without_a_trial_the_first_steps_of_the_run_are_judged(tmp_path, monkeypatch):
    from envrl.workflow import keeping

    monkeypatch.setattr(keeping, "FIRST_STEPS", 1)
    ill = short_config(tmp_path, "first", "method.max_completion_length=4", "eval.samples=2")
    with pytest.raises(SmokeError, match="the first 1 steps show"):
        train(ill, "", Collected(), skip=["before"])
    run = RunDirectory.open(tmp_path / "first")
    assert [row["step"] for row in read_lines(run.metrics_path).records] == [1]
    assert read_judged(run).thrown_away is False
    assert smoke_gate.FIRST_STEPS == FIRST_STEPS == 10
