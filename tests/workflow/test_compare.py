"""Sweeps, runs and strategy files side by side, and the commands that show it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.config import load_config
from envrl.envs import find_task
from envrl.errors import ComparisonError, EnvrlError, RunError
from envrl.evaluation.measure import Measurement
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode, Scorecard
from envrl.runs import RunDirectory, write_json
from envrl.sandbox import LEAST
from envrl.workflow import compare
from envrl.workflow.compare import Conditions, compare_subjects
from envrl.workflow.eval_request import EvalRequest
from envrl.workflow.sweep import evaluate
from envrl.workflow.watching import Silent

EXAMPLES = Path(__file__).parents[2] / "examples"
GREEDY, TIDY = str(EXAMPLES / "greedy.py"), str(EXAMPLES / "tidy.py")
EASY = {"id": "2048", "options": {"target": 128, "horizon": 80}}


@pytest.fixture(scope="module")
def greedy(tmp_path_factory) -> str:
    """A sweep of greedy.py on the seeds 0:12."""
    folder = tmp_path_factory.mktemp("sweeps") / "greedy"
    evaluate(EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="12"), Silent(), folder)
    return str(folder)


def _run(root: Path, name: str, won: int, *overrides: str) -> str:
    """A run that has measured four programs on four seeds, of which the first ``won`` always win."""
    settings = ["env.id=2048", "env.options.target=128", "env.options.horizon=80", "eval.seeds=0:4", *overrides]
    resolved = load_config(None, [f"output.root={root}", f"output.name={name}", *settings])
    task = find_task("2048", {"target": 128, "horizon": 80})
    lock = {
        "python": "3.11.7",
        "packages": {},
        "command": "envrl train",
        "task": {"options": task.options},
        "sandbox": {"limits": {}, "layers": dict.fromkeys(LEAST, "on")},
    }
    with RunDirectory.create(root, name, resolved.to_yaml(), lock) as run:
        run.event("started")
        scored = []
        for program in range(4):
            outcome = Outcome.SUCCESS if program < won else Outcome.FAILURE
            episodes = tuple(Episode(index=seed, outcome=outcome) for seed in range(4))
            card = Scorecard(source="def strategy(board): ...", episodes=episodes)
            scored.append(Scored(completion="…", card=card, rewards={}, total=0.0))
        measurement = Measurement(
            label="after",
            model="tiny",
            task=task.id,
            task_version=task.version,
            block="test",
            seeds="0:4",
            scored=scored,
        )
        write_json(run.after_path, measurement)
    return str(root / name)


def test_strategy_files_play_on_the_spot():
    found = compare_subjects([GREEDY, TIDY], Conditions(EASY, "12", "validation", 1), Silent())
    assert (found.seeds, found.block, found.task) == ("0:12", "validation", "envrl/2048-v0")
    (pair,) = found.pairs
    assert pair.method == "exact McNemar"
    one, two = (row.success.estimate for row in found.contenders)
    assert pair.difference.estimate == pytest.approx(two - one)
    assert pair.only_second - pair.only_first == pytest.approx(12 * (two - one))
    assert pair.only_first + pair.only_second > 0


def test_a_strategy_file_plays_what_the_sweep_did(greedy):
    found = compare_subjects([TIDY, greedy, GREEDY], Conditions(workers=1), Silent())
    assert found.seeds == "0:12"
    assert "tile 128 " in found.success
    _, sweep, again = found.contenders
    assert sweep.success == again.success  # the same program on the same seeds


def test_runs_are_compared_by_what_they_measured_after_training(tmp_path):
    one = _run(tmp_path, "one", 1)
    two = _run(tmp_path, "two", 3, "train.learning_rate=0.001", "reward.weights.success=3")
    same = _run(tmp_path, "same", 1, "train.seed=5")
    found = compare_subjects([one, two, same], Conditions(), Silent())
    assert [row.success.estimate for row in found.contenders] == [0.25, 0.75, 0.25]
    assert [pair.changed for pair in found.pairs] == [("reward.weights", "train.learning_rate"), ()]
    assert {pair.method for pair in found.pairs} == {"crossed difference"}


@pytest.mark.parametrize(
    ("subjects", "error", "said"),
    [
        ([TIDY], ComparisonError, "two or more"),
        ([TIDY, GREEDY], ComparisonError, r"greedy|tidy.*say on what, with --env"),
        ([TIDY, "nothing"], RunError, "nothing: no such file or directory"),
        ([TIDY, str(EXAMPLES)], RunError, "holds neither a sweep nor a run"),
        ([TIDY, str(EXAMPLES.parent / "README.md")], RunError, "neither a strategy file"),
    ],
)
def test_refuses_what_cannot_be_compared(subjects, error, said):
    with pytest.raises(error, match=said):
        compare_subjects(subjects, Conditions(), Silent())


def test_refuses_a_run_that_has_measured_nothing_yet(tmp_path):
    one = _run(tmp_path, "one", 1)
    two = _run(tmp_path, "two", 1)
    (Path(two) / "eval" / "after.json").unlink()
    with pytest.raises(RunError, match="no measurement after training yet"):
        compare_subjects([one, two], Conditions(), Silent())


# the commands


def _call(*arguments: object) -> str:
    """What a command prints; whatever it refuses is raised here."""
    return CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False).output


def test_compare_prints_and_writes_it(greedy, tmp_path):
    written, marked = tmp_path / "c.json", tmp_path / "c.md"
    said = _call("compare", greedy, TIDY, "--workers", 1, "--json", written, "--markdown", marked)
    assert "B less A" in said
    record = json.loads(written.read_text())
    assert record["schema_version"] == 1
    assert [row["name"] for row in record["contenders"]] == [greedy, TIDY]
    assert marked.read_text().startswith("# Comparison\n")


def test_a_strategy_file_plays_under_the_limits_of_the_sweep(tmp_path):
    limits = msgspec.to_builtins(find_task("2048", EASY["options"]).limits) | {"call_cpu": 0.7}
    request = EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="2", limits=limits)
    sweep = evaluate(request, Silent(), tmp_path / "s").sweep
    assert sweep.header.limits["call_cpu"] == 0.7
    found = compare_subjects([str(tmp_path / "s"), TIDY], Conditions(workers=1), Silent())
    assert found.seeds == "0:2"


def test_compare_looks_where_it_is_to_write_before_it_plays(greedy, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "evaluate", None)
    for option in ("--json", "--markdown"):
        with pytest.raises(RunError, match=rf"{option} .*nowhere/x: there is no folder"):
            _call("compare", greedy, TIDY, option, tmp_path / "nowhere" / "x")


def test_compare_names_what_differs(greedy):
    refused = pytest.raises(EnvrlError, match=r"options\.target: 128 and 256")
    with refused as error:
        _call("compare", greedy, TIDY, "--env", 2048, "--set", "target=256", "--set", "horizon=80", "--seeds", 2)
    assert f"{greedy} and {TIDY} cannot be compared" in str(error.value)
    with pytest.raises(EnvrlError, match=r"no seeds in common(.|\n)*test 12:14"):
        _call("compare", greedy, TIDY, "--seeds", "12:14")


def test_compare_wants_an_environment_for_its_options():
    said = CliRunner().invoke(cli, ["compare", GREEDY, TIDY, "--set", "target=256"])
    assert said.exit_code == 2
    assert "name it with --env" in said.output


def test_diff_points_out_more_than_one_variable(tmp_path):
    one, two = _run(tmp_path, "one", 1), _run(tmp_path, "two", 3, "train.learning_rate=0.001", "train.max_steps=7")
    said = _call("diff", one, two, "--json", tmp_path / "d.json")
    assert re.search(r"train\.max_steps +│ +100 +│ +7 ", said)
    assert "changed: train.learning_rate and train.max_steps" in said
    assert "no difference in what else the results depend on" in said
    assert json.loads((tmp_path / "d.json").read_text())["variables"] == ["train.learning_rate", "train.max_steps"]
