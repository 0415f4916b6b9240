"""A run on data from start to end: its directory, its report, and that a kill leaves no trace in what it learns."""

from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from safetensors.torch import load_file

from envrl.config import load_config
from envrl.errors import ConfigError, RunError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.runs import RunDirectory, is_complete, read_json, read_lines, write_json
from envrl.workflow.finetune_report import build_finetune_report
from envrl.workflow.train import resume, train

from .conftest import Collected
from .test_killed import KILLED

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "configs" / "tiny"
DATA = RECIPES / "data"
SHORT = [
    "train.epochs=null", "train.max_steps=4", "train.save_steps=2", "train.per_device_train_batch_size=4",
    "dataset.max_samples=8", "method.max_completion_length=16",
]  # fmt: skip
FILES = """
.lock config.yaml lock.json status.json events.jsonl metrics.jsonl report.html report.md report.json
EXPERIMENT.md MODEL_CARD.md
eval/data-before.json eval/data-after.json
""".split()


def settings(root, name, kind="pairs", *overrides):
    paths = [f"dataset.path=[{DATA / f'{kind}-train.jsonl'}]", f"dataset.eval_path=[{DATA / f'{kind}-eval.jsonl'}]"]
    return [*paths, *SHORT, f"output.root={root}", f"output.name={name}", *overrides]


def short(root, name, *overrides, stage="dpo", kind="pairs"):
    return load_config(RECIPES / f"{stage}.yaml", settings(root, name, kind, *overrides))


def weights(run):
    return load_file(sorted(run.checkpoints_dir.glob("checkpoint-*"))[-1] / "model.safetensors")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    watcher = Collected()
    root = tmp_path_factory.mktemp("finetune")
    return train(short(root, "dpo"), "envrl train configs/tiny/dpo.yaml", watcher), watcher


@pytest.fixture(scope="module")
def run(finished):
    return finished[0].run


def test_every_file_is_there_and_nothing_is_left_over(run):
    found = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
    assert {name for name in found if not name.startswith("checkpoints/")} == set(FILES)
    names = sorted(p.name for p in run.checkpoints_dir.glob("checkpoint-*"))
    assert names == ["checkpoint-2", "checkpoint-4"]
    assert all(is_complete(run.checkpoints_dir / name) for name in names)


def test_the_run_tells_what_happened(finished):
    run, watcher = finished[0].run, finished[1]
    assert (run.status.state, run.status.step) == ("finished", 4)
    kinds = [event["event"] for event in read_lines(run.events_path).records]
    assert kinds == ["started", "evaluated", "saved", "saved", "evaluated", "finished"]
    rows = read_lines(run.metrics_path).records
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(row["loss"] > 0 and row["seconds"]["update"] > 0 for row in rows)
    assert watcher.phases == [("loading", 1), ("evaluating before", 1), ("training", 4), ("evaluating after", 1)]
    assert [figures.keys() for figures in watcher.figures if "accuracy" in figures] == [{"loss", "accuracy"}] * 4


def test_the_lock_knows_the_rows(run):
    dataset = run.lock["dataset"]
    assert (dataset["train_rows"], dataset["eval_rows"], dataset["dropped"]) == (8, 8, {})
    assert re.fullmatch("[0-9a-f]{64}", dataset["train_sha256"])
    assert dataset["train_sha256"] != dataset["eval_sha256"]
    assert {"model.safetensors", "tokenizer.json"} <= set(run.lock["model"]["files"])
    assert not {"task", "sandbox", "reward"} & run.lock.keys(), "nothing is played"


def test_the_report_is_rebuilt_from_the_files_alone(finished):
    run, report = finished[0].run, finished[0].report
    assert build_finetune_report(run) == report
    assert msgspec.convert(read_json(run.path / "report.json"), FinetuneReport) == report
    assert [point.step for point in report.curve] == [1, 2, 3, 4]
    assert [point.loss for point in report.curve] == [row["loss"] for row in read_lines(run.metrics_path).records]
    assert report.before.figures["loss"] == pytest.approx(0.6931, abs=1e-3), "the model equals its reference"
    assert report.after.figures["loss"] != report.before.figures["loss"]
    assert (report.stage, report.rows, report.after.rows) == ("dpo", 8, 8)
    assert [s.prompt for s in report.before.samples] == [s.prompt for s in report.after.samples]
    assert all(s.written and s.expected and s.rejected for s in report.after.samples)
    assert len(report.after.samples) == 4


def test_both_forms_of_the_report_and_the_terminal_show_the_same(finished):
    from rich.console import Console

    run, report = finished[0].run, finished[0].report
    page, text = run.report_html_path.read_text(), run.report_md_path.read_text()
    console = Console(width=160, file=io.StringIO())
    console.print(finished[0].terminal())
    shown = console.file.getvalue()
    for form in (page, text, shown):
        assert f"{report.after.figures['loss']:.3f}" in form
        assert "equals its reference" in form
        assert "envrl train configs/tiny/dpo.yaml" in form.replace("\\", "")
    assert "<svg" in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//|<script", page)


def test_a_killed_run_goes_on_and_ends_bit_for_bit_as_the_unbroken_one(run, tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED)  # it ends itself in the third step's report
    done = subprocess.run(
        [sys.executable, str(script), str(RECIPES / "dpo.yaml"), *settings(tmp_path, "killed")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    killed = RunDirectory.open(tmp_path / "killed")
    assert killed.was_killed
    before = (killed.eval_dir / "data-before.json").read_bytes()
    watcher = Collected()
    resume(killed.path, watcher)
    assert any("after step 2" in line for line in watcher.said)
    assert ("evaluating before", 1) not in watcher.phases, "it has been measured already"
    assert watcher.done["training"] == 4
    assert (killed.eval_dir / "data-before.json").read_bytes() == before
    first, second = weights(run), weights(killed)
    assert all((first[name] == second[name]).all() for name in first)
    after = [read_json(one.eval_dir / "data-after.json") for one in (run, killed)]
    assert after[0] == after[1]
    metrics = [read_lines(one.metrics_path).records for one in (run, killed)]
    for one, other in zip(*metrics, strict=True):
        assert (one["step"], one["loss"], one["grad_norm"]) == (other["step"], other["loss"], other["grad_norm"])


class Stopped(Collected):
    """Its user presses Ctrl-C when training begins."""

    def phase(self, name, total):
        super().phase(name, total)
        if name == "training":
            raise KeyboardInterrupt


def test_a_run_whose_data_have_changed_is_not_resumed(tmp_path):
    data = tmp_path / "pairs.jsonl"
    lines = (DATA / "pairs-train.jsonl").read_text().splitlines(keepends=True)[:8]
    data.write_text("".join(lines))
    resolved = short(tmp_path, "stopped", f"dataset.path=[{data}]", "dataset.eval_path=[]", "dataset.val_size=2")
    with pytest.raises(KeyboardInterrupt):
        train(resolved, "", Stopped())
    run = RunDirectory.open(tmp_path / "stopped")
    assert run.lock["dataset"]["train_rows"] == 6
    data.write_text("".join(lines[:7]))
    with pytest.raises(RunError, match=r"rows to train on .* are not those .* \(6 and 2 rows then, 5 and 2 now\)"):
        resume(run.path, Collected())
    data.write_text("".join(lines))
    resume(run.path, Collected())
    assert run.status.state == "finished"


def test_a_run_on_data_is_measured_by_play_where_that_is_asked_for(tmp_path):
    done = train(
        short(tmp_path, "played", "train.max_steps=1", "eval.play=true", "eval.samples=3", "eval.seeds=0:2",
              "eval.validation_seeds=0:2", "sandbox.workers=1", "env.options.target=32", "env.options.horizon=40",
              "method.max_completion_length=96", stage="sft", kind="chats"),
        "", Collected(),
    )  # fmt: skip
    run, report = done.run, done.report
    assert run.before_path.exists()
    assert run.after_path.exists()
    assert run.best_path.exists()
    assert {"task", "sandbox", "reward", "dataset"} <= run.lock.keys()
    assert [side.samples for side in report.play.sides] == [3, 3]
    assert "episodes won" in run.report_md_path.read_text()
    assert (run.path / "play" / "report.html").stat().st_size > 0


def test_rows_that_are_not_held_out_measure_nothing_and_the_report_says_so(tmp_path):
    watcher = Collected()
    done = train(
        short(tmp_path, "blind", "train.max_steps=1", "dataset.eval_path=[]", "dataset.max_length=80",
              stage="sft", kind="chats"),
        "", watcher,
    )  # fmt: skip
    assert done.report.after.figures == {}
    assert any("No row was held out" in warning for warning in done.report.warnings)
    assert "none was held out" in done.run.report_html_path.read_text()
    assert any("longer than dataset.max_length 80" in line for line in watcher.said), "what is cut is told"
    assert any("save_steps (2) is beyond the run's 1 steps" in line for line in watcher.said)


def test_scores_of_a_reward_model_stand_side_by_side(tmp_path):
    done = train(short(tmp_path, "reward", "train.max_steps=2", stage="reward"), "", Collected())
    before, after = done.report.before, done.report.after
    assert all(len(sample.scores) == 2 and not sample.written for sample in after.samples)
    assert [s.scores for s in before.samples] != [s.scores for s in after.samples]
    assert 0 <= after.figures["accuracy"] <= 1
    chosen, rejected = after.samples[0].scores
    assert f"chosen {chosen:.3f}, rejected {rejected:.3f}" in done.run.report_md_path.read_text()


@pytest.mark.parametrize(
    ("stage", "kind", "override", "words"),
    [
        ("dpo", "chats", "train.max_steps=1", "stage dpo trains on pairs"),
        ("sft", "pairs", "train.max_steps=1", "stage sft trains on answers"),
        ("dpo", "pairs", "method.max_prompt_length=20", r"16 of 16 prompts \(100.0%\) have more than 20 tokens"),
        ("reward", "pairs", "eval.play=true", "a reward model scores texts and writes no programs"),
        ("dpo", "pairs", "dataset.path=[nowhere.jsonl]", "nowhere.jsonl"),
        ("dpo", "pairs", "dataset.template=chatml2", "did you mean chatml"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_started(tmp_path, stage, kind, override, words):
    with pytest.raises(ConfigError, match=words):
        train(short(tmp_path, "x", override, stage=stage, kind=kind), "", Collected())
    assert not [path for path in tmp_path.iterdir() if list(path.iterdir())]


def test_a_model_that_diverged_has_a_report_that_says_so(run, tmp_path):
    import shutil

    from envrl.evaluation.report.finetune_terminal import render_finetune_terminal
    from envrl.workflow.finetune_report import write_finetune_report

    diverged = RunDirectory(Path(shutil.copytree(run.path, tmp_path / "diverged")))
    rows = read_lines(run.metrics_path).records
    spoilt = [row if row["step"] < 3 else {**row, "loss": math.nan, "rewards/accuracies": math.nan} for row in rows]
    diverged.metrics_path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in spoilt))
    after = read_json(diverged.eval_dir / "data-after.json")
    after["figures"] |= dict.fromkeys(("loss", "accuracy"), math.nan)
    write_json(diverged.eval_dir / "data-after.json", after)
    report = build_finetune_report(diverged)
    assert [point.loss is None for point in report.curve] == [False, False, True, True]
    told = " ".join(report.warnings)
    assert "The loss was no number in 2 of 4 lines of metrics, first at step 3" in told
    assert "Measured after training, loss, accuracy on held-out rows is no number" in told
    write_finetune_report(diverged, report)
    render_finetune_terminal(report)
    for form in (diverged.report_md_path, diverged.report_html_path):
        text = form.read_text()
        assert "is no number after training" in text
        assert "over training steps 1 to 2" in text
    lost = msgspec.structs.replace(report, curve=report.curve[2:])
    write_finetune_report(diverged, lost)
    assert "The loss was no number in any training step" in diverged.report_md_path.read_text()


def test_a_model_that_diverged_writes_nothing_and_scores_nothing():
    import torch

    from envrl.models import load_model
    from envrl.workflow.samples import samples_of

    turn = [{"role": "user", "content": "q"}], [{"role": "assistant", "content": "a"}]
    pair = {"prompt": turn[0], "chosen": turn[1], "rejected": turn[1]}
    for stage in ("dpo", "reward"):
        config = load_config(None, [f"method.name={stage}", "dataset.path=[unused]"]).config
        loaded = load_model(config.model, "cpu", chat=False, scores=stage == "reward")
        with torch.no_grad():
            for weight in loaded.model.parameters():
                weight.fill_(math.nan)
        (sample,) = samples_of(loaded, [pair], config)
        assert (sample.written, sample.scores) == ("", (None, None) if stage == "reward" else ())


class Advanced:
    def __init__(self):
        self.counts = []

    def advance(self, count=1, **figures):
        self.counts.append(count)


def test_a_line_of_metrics_may_stand_for_several_steps():
    from types import SimpleNamespace

    from envrl.workflow.keeping import Keeper

    course = SimpleNamespace(
        run=SimpleNamespace(metrics=[], update_status=lambda **_: None), watcher=Advanced(), arena=None, done=5,
        config=load_config(None, []).config,
    )  # fmt: skip
    keeper = Keeper(course)
    for step in (10, 20, 25):
        keeper.stepped(step, {})
    assert course.watcher.counts == [5, 10, 5], "a bar of 25 steps that went on after 5 ends at its end"


def test_text_of_a_model_is_escaped_in_every_form(finished):
    from envrl.evaluation.report.finetune_html import render_finetune_html
    from envrl.evaluation.report.finetune_markdown import render_finetune_markdown

    evil = "</pre><script>alert(1)</script>\x1b[31m\u202e```"
    report = finished[0].report
    sample = msgspec.structs.replace(report.after.samples[0], written=evil, prompt=evil, expected=evil)
    side = msgspec.structs.replace(report.after, samples=(sample,), model=evil)
    report = msgspec.structs.replace(report, before=side, after=side, title=evil, warnings=(evil,))
    page, text = render_finetune_html(report), render_finetune_markdown(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for form in (page, text):
        assert "\x1b" not in form
        assert "\u202e" not in form
    assert "\n````\n" in text, "the fence is longer than what it holds"


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_tiny_recipe_is_valid_and_its_data_are_there(recipe):
    config = load_config(recipe).config
    assert config.method.name == recipe.stem
    for path in (*config.dataset.path, *config.dataset.eval_path):
        lines = (ROOT / path).read_text().splitlines()
        assert [json.loads(line) for line in lines]


def test_the_data_of_the_tiny_recipes_are_programs_of_the_grammar_that_no_warm_start_saw():
    from envrl.envs import find_task
    from envrl.models.tiny.recipe import Recipe
    from envrl.rollouts import fenced

    script = (DATA / "make_data.py").read_text()
    seed, programs = map(int, re.search(r"SEED, PROGRAMS, GAMES = (\d+), (\d+), \d+", script).groups())
    assert seed != Recipe().seed
    task = find_task("2048", {"target": 512, "horizon": 500})
    drawn = {fenced(example.source) for example in task.examples(programs, seed)}
    told = []
    for part in ("train", "eval"):
        for line in (DATA / f"pairs-{part}.jsonl").read_text().splitlines():
            row = json.loads(line)
            assert row["prompt"] == [{"role": "user", "content": task.prompt("tiny")}]
            told += [row["chosen"][0]["content"], row["rejected"][0]["content"]]
    assert set(told) <= drawn
    assert len(set(told)) == len(told), "no program is told twice, nor held out and trained on"
