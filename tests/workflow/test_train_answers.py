"""``envrl train`` on an answer task: questions as rows, answers before and after; what is refused beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.envs import find_task
from envrl.errors import ConfigError, UnknownNameError
from envrl.models import model_path
from envrl.runs import read_lines
from envrl.seeding import block_salt
from envrl.workflow.eval_request import EvalRequest
from envrl.workflow.plan import dry_run
from envrl.workflow.recipes import recipe_for
from envrl.workflow.results import sweep_of_run
from envrl.workflow.sweep_plan import SweepPlan
from envrl.workflow.train import train

from .conftest import Collected

RECIPE = recipe_for("math-answer")
SHORT = [
    f"model.path={model_path('tiny')}",  # it never heard of math, and needs no warm start of its own
    "train.max_steps=2",
    "train.warmup_steps=0",
    "train.per_device_train_batch_size=8",
    "train.save_steps=1",
    "train.best_of_checkpoints=2",
    "method.num_generations=4",
    "method.max_completion_length=8",
    "eval.samples=2",
    "eval.seeds=0:3",
    "eval.validation_seeds=0:2",
]
LETTERS = (
    "def letters(prompts, completions, truth, **_):\n"
    "    return [len(c[0]['content']) / 100 + 10 * len({p[0]['content'] for p in prompts}) for c in completions]\n"
)


def config(*overrides: str):
    return load_config(RECIPE, [*SHORT, *overrides])


def jsonl(path: Path, count: int, question: str = "What is {} + 1?") -> str:
    rows = ({"question": question.format(n), "answer": f"#### {n + 1}"} for n in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    (folder / "own.py").write_text(LETTERS)
    watcher = Collected()
    resolved = config(f"output.root={folder}", "output.name=r", f"reward.functions=[{folder}/own.py:letters]")
    return train(resolved, "envrl train --env math-answer", watcher, skip=("gate",)), watcher


def test_a_run_asks_before_and_after(trained):
    done, watcher = trained
    assert watcher.done["measuring before"] == watcher.done["measuring after"] == 3
    report = done.report
    assert [side.label for side in report.sides] == ["before", "after"]
    assert all(side.answers.questions == 3 and side.samples == 2 for side in report.sides)
    assert report.difference is not None
    task = find_task("math-answer", report.options | {"latex": False})
    first = task.problem("test", block_salt("test", task.id, task.version), 0)
    for moment in ("before", "after"):
        sweep = sweep_of_run(done.run, moment)
        assert [len(row) for row in sweep.answers] == [3, 3]
        assert sweep.answers[1][0].question == first.question
    assert "Answers questions" in done.run.model_card_path.read_text()
    assert (done.run.path / "report.html").exists()


def test_each_group_answers_a_question_of_its_own(trained):
    done, _ = trained
    rows = read_lines(done.run.metrics_path).records
    assert len(rows) == 2
    assert all(row["rewards/letters/mean"] > 20 for row in rows)  # two groups, two prompts
    assert "rewards/exact/mean" in rows[0]
    assert done.run.lock["reward"]["preset"] == "envrl-answer"
    assert json.loads((done.run.eval_dir / "checkpoints.json").read_text())[0]["step"] == 1


def test_the_runs_model_can_be_measured_again(trained):
    done, _ = trained
    plan = SweepPlan(EvalRequest(run=str(done.run.path), seeds="2", samples=1))
    plan.check()
    assert plan.asked is not None
    assert plan.scorer.problem(1).question in plan.subject.ask(1)


@pytest.mark.parametrize(
    ("override", "error", "said"),
    [
        (
            "env.episodes=4",
            ConfigError,
            r"env.episodes: 4 met, but envrl/math-answer-v0 is an answer task.*set it to 1",
        ),
        ("reward.preset=envrl", UnknownNameError, "reward preset of answer tasks 'envrl'"),
        ("env.options.family=gdc", UnknownNameError, "gcd"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_starts(tmp_path, override, error, said):
    resolved = config(f"output.root={tmp_path}", override)
    for check in (lambda: dry_run(resolved), lambda: train(resolved, "", Collected())):
        with pytest.raises(error, match=said):
            check()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("preset", ["unsloth-qwen3-math", "unsloth-llama-math"])
def test_the_notebooks_rewards_are_there(preset):
    plan = dry_run(config(f"reward.preset={preset}", "reward.weights={}")).plan
    assert plan["rewards"].startswith(f"{preset}: ")
    assert plan["a batch"] == "8 completions in groups of 4, 2 questions"
    assert plan["measures"] == "2 answers to each of 3 test questions, before and after"


def test_a_prompt_beyond_the_limit_is_found_and_named(tmp_path):
    path = jsonl(tmp_path / "d.jsonl", 60)
    with open(path, "a") as file:
        for length in range(80, 85):  # most of which are for training
            file.write(json.dumps({"question": "What? " * length, "answer": "#### 1"}) + "\n")
    short = config(f"env.options={{data: {path}}}", "eval.seeds=0:1", "method.max_prompt_length=600")
    assert "the longest of" in dry_run(short).plan["prompt"]
    with pytest.raises(ConfigError, match=rf"\d of \d+ prompts .* than 60 tokens, for example {path}:6\d \("):
        dry_run(config(f"env.options={{data: {path}}}", "eval.seeds=0:1", "method.max_prompt_length=60"))
    with pytest.raises(ConfigError, match=r"prompts .* more than 5 tokens"):
        train(config(f"output.root={tmp_path / 'r'}", "method.max_prompt_length=5"), "", Collected(), skip=("doctor",))


def test_a_block_of_few_questions_is_said(tmp_path):
    path = jsonl(tmp_path / "d.jsonl", 60)
    with pytest.raises(ConfigError, match=r"eval.seeds 0:40: block 'test' has \d+ questions"):
        dry_run(config(f"env.options={{data: {path}}}", "eval.seeds=0:40"))


def test_the_recipe_passes_a_dry_run():
    found = dry_run(load_config(RECIPE, ["model.path=tiny"]))
    assert found.plan["asks"].startswith("envrl/math-answer-v0: math answers")
