"""A run from start to end: what stands in its directory, and that the report says what was measured."""

from __future__ import annotations

import datetime
import json
import math
import re
import stat

import msgspec
import numpy as np
import pytest

from envrl.config import ModelConfig, load_config
from envrl.envs import find_task
from envrl.errors import ConfigError, MissingExtraError, ModelError, RunError, UnknownNameError
from envrl.evaluation.headline import headline_of
from envrl.evaluation.measure import Measurement, wins
from envrl.evaluation.statistics import crossed_difference, crossed_rate
from envrl.models import Written, load_model, write
from envrl.rewards import Scored
from envrl.runs import RunDirectory, is_complete, read_json, read_lines
from envrl.seeding import block_salt, episode_seed
from envrl.workflow.best_checkpoint import read_candidates
from envrl.workflow.course import EVAL_SEED
from envrl.workflow.model_subject import model_of_run
from envrl.workflow.rebuilding import rebuild
from envrl.workflow.reporting import build_report, read_measurement
from envrl.workflow.train import resume, train

from .conftest import RECIPE, Collected, short_config

FILES = """
.lock config.yaml lock.json status.json events.jsonl metrics.jsonl report.html report.md report.json
EXPERIMENT.md MODEL_CARD.md
eval/prompts.jsonl eval/before.json eval/after.json eval/best.json
completions/step-000001.jsonl completions/step-000002.jsonl completions/step-000003.jsonl
""".split()
STEP = """
step reward reward_std success progress broken outcomes frac_reward_zero_std distinct_programs largest_share entropy
loss learning_rate grad_norm seconds completions/mean_length completions/clipped_ratio
rewards/format/mean rewards/safety/mean rewards/success/mean rewards/progress/mean
""".split()


@pytest.fixture(scope="module")
def run(finished):
    return finished[0].run


@pytest.fixture(scope="module")
def report(finished):
    return finished[0].report


# the directory


def test_every_file_is_there_and_nothing_is_left_over(run):
    found = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
    assert {name for name in found if not name.startswith("checkpoints/")} == set(FILES)
    assert all((run.path / name).stat().st_size for name in FILES)


def test_every_file_of_json_is_json(run):
    for path in run.path.rglob("*.json"):
        json.loads(path.read_text())
    for path in run.path.rglob("*.jsonl"):
        lines = read_lines(path)
        assert lines.torn == 0
        assert lines.records, path


def test_the_run_says_that_it_is_finished(run):
    assert (run.status.state, run.status.step, run.status.reason) == ("finished", 3, None)
    assert not run.was_killed
    kinds = [event["event"] for event in read_lines(run.events_path).records]
    assert kinds == ["started", "measured", "saved", "saved", "measured", "finished"]


def test_the_configuration_is_resolved_and_reads_back(run, tmp_path):
    again = load_config(run.config_path)
    expected = short_config(run.path.parent, run.name)
    assert again.config == expected.config
    assert "# command line" in run.config_path.read_text()


def test_the_lock_holds_what_the_results_depend_on(run):
    lock = run.lock
    assert stat.S_IMODE(run.lock_path.stat().st_mode) == 0o600, "others could read the salt"
    assert re.fullmatch(r"[0-9a-f]{32}", lock["seeds"]["train_salt"])
    assert lock["command"] == "envrl train --env 2048"
    assert lock["task"]["id"] == "envrl/2048-v0"
    assert lock["task"]["options"]["target"] == 32
    assert lock["reward"]["preset"] == "envrl"
    assert {"model.safetensors", "tokenizer.json", "recipe.json"} <= set(lock["model"]["files"])
    assert lock["sandbox"]["layers"]["seccomp"] == ""
    assert lock["sandbox"]["limits"] == msgspec.to_builtins(find_task("2048").limits)
    assert all(lock["packages"][name] for name in ("envrl", "torch", "trl", "numpy"))
    assert set(lock["config_origins"]) == set(lock["config"])
    assert {"python", "platform", "hardware", "git"} <= set(lock)


def test_a_line_of_metrics_for_each_step(run):
    rows = read_lines(run.metrics_path).records
    assert [row["step"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert not [key for key in STEP if key not in row]
        assert all(math.isfinite(row[key]) for key in STEP if key not in ("outcomes", "seconds"))
        assert set(row["seconds"]) == {"generation", "sandbox", "update"}
        assert sum(row["outcomes"].values()) == pytest.approx(1)
        assert 1 <= row["distinct_programs"] <= 4
        assert 0 < row["completions/mean_length"] <= 96


def test_every_completion_of_training_is_kept_with_its_scorecard(run):
    for step, row in enumerate(read_lines(run.metrics_path).records, 1):
        kept = msgspec.convert(read_lines(run.completions_path(step)).records, list[Scored])
        assert len(kept) == 4
        assert row["reward"] == pytest.approx(sum(one.total for one in kept) / 4, abs=1e-5)
        assert row["success"] == pytest.approx(sum(one.card.success for one in kept) / 4)
        played = {tuple(e.index for e in one.card.episodes) for one in kept if one.card.episodes}
        assert played <= {((step - 1) * 2, (step - 1) * 2 + 1)}


def test_checkpoints_are_complete(run):
    names = sorted(p.name for p in run.checkpoints_dir.glob("checkpoint-*"))
    assert names == ["checkpoint-2", "checkpoint-3"]
    assert all(is_complete(run.checkpoints_dir / name) for name in names)


def test_before_and_after_are_measured_on_the_same_seeds_none_of_which_was_trained_on(run):
    before, after = (msgspec.convert(read_json(p), Measurement) for p in (run.before_path, run.after_path))
    assert (before.block, before.seeds) == (after.block, after.seeds) == ("test", "0:4")
    for measurement in (before, after):
        assert len(measurement.scored) == 5
        played = {tuple(e.index for e in s.card.episodes) for s in measurement.scored if s.card.episodes}
        assert played == {(0, 1, 2, 3)}
    trained = {episode_seed(run.lock["seeds"]["train_salt"], "train", i) for i in range(6)}
    measured = {
        episode_seed(block_salt(block, before.task, before.task_version), block, i)
        for block in ("test", "validation")
        for i in range(100)
    }
    assert not trained & measured


def test_the_prompt_is_kept_as_the_model_saw_it(run):
    (row,) = read_lines(run.prompts_path).records
    assert row == {"prompt": find_task("2048", {"target": 32, "horizon": 40}).prompt("tiny"), "contract": "tiny"}


# the report


@pytest.mark.parametrize("label", ["before", "after"])
def test_numbers_of_the_report_are_those_of_the_measurements(run, report, label):
    raw = read_json(run.before_path if label == "before" else run.after_path)
    shown = report.sides[label == "after"]
    cards = [one["card"] for one in raw["scored"]]
    matrix = np.array([[e["outcome"] == "success" for e in c["episodes"]] or [False] * 4 for c in cards], float)
    assert shown.success.estimate == pytest.approx(matrix.mean())
    low, _, high = crossed_rate(matrix)
    assert (shown.success.low, shown.success.high) == pytest.approx((low, high))
    counts: dict[str, int] = {}
    for c in cards:
        for outcome in [e["outcome"] for e in c["episodes"]] or [c["outcome"]] * 4:
            counts[outcome] = counts.get(outcome, 0) + 1
    assert shown.outcome_shares == pytest.approx({outcome: count / 20 for outcome, count in counts.items()})
    scores = [e["score"] for c in cards for e in c["episodes"]]
    assert shown.mean_score == pytest.approx(sum(scores) / len(scores))
    assert shown.samples == 5
    assert shown.success_by_program == pytest.approx(matrix.mean(axis=1))
    assert shown.success_by_seed == pytest.approx(matrix.mean(axis=0))


def test_the_difference_is_that_of_the_two_measurements(run, report):
    before, after = read_measurement(run, "before"), read_measurement(run, "after")
    interval, p_value = crossed_difference(wins(before), wins(after))
    shown = report.difference
    assert (shown.low, shown.estimate, shown.high, shown.p_value) == pytest.approx((*interval, p_value))
    assert shown.estimate == pytest.approx(wins(after).mean() - wins(before).mean())


def test_the_report_is_rebuilt_from_the_files_alone(run, report):
    assert build_report(run) == report
    assert [side.label for side in report.sides] == ["before", "after"]
    assert [point.step for point in report.curve] == [1, 2, 3]
    assert report.reward_weights == {"format": 0.5, "safety": 0.5, "success": 2.0, "progress": 0.5}
    assert {"limits", "seccomp"} <= set(report.layers)
    assert report.duration_seconds > 0
    rows = {row.key: row for row in report.config}
    assert (rows["train.max_steps"].value, rows["train.max_steps"].origin) == ("3", "command line")
    assert re.search(r"tiny-cpu\.yaml:\d+$", rows["train.learning_rate"].origin)
    assert rows["model.dtype"].origin == "default"


def test_the_best_program_is_chosen_and_judged_on_different_seeds(run, report):
    best = report.gallery[0]
    assert best.chosen_block == "validation 0:4"
    assert best.block == "test 0:100"
    texts = [s.completion for s in read_measurement(run, "after").scored]
    assert any(best.source in text for text in texts)


def test_the_html_report_needs_no_network(run):
    page = run.report_html_path.read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page), "it loads something from elsewhere"
    assert not re.search(r"@import|url\(\s*[\"']?https?:|<script[^>]*src", page)
    assert page.count("<svg") >= 2, "its pictures are part of it"


def test_both_forms_of_the_report_show_the_same_rates(run, report):
    percent = f"{report.sides[1].success.estimate * 100:.1f}"
    for path in (run.report_html_path, run.report_md_path):
        text = path.read_text()
        assert percent in text
        assert "envrl train --env 2048" in text


# the watcher


def test_the_watcher_hears_of_every_phase_to_its_end(finished):
    _, watcher = finished
    assert watcher.phases == [
        ("loading", 1),
        ("measuring before", 5),
        ("training", 3),
        ("measuring after", 5),
        ("choosing the best program", 5),
    ]
    for name, total in watcher.phases[:3]:
        assert watcher.done[name] <= total
    assert (watcher.done["loading"], watcher.done["training"]) == (1, 3)


def test_the_watcher_is_shown_reward_success_broken_programs_and_memory(finished):
    shown = [figures for figures in finished[1].figures if "reward" in figures]
    assert len(shown) == 3
    for figures in shown:
        assert set(figures) == {"reward", "success", "broken", "memory"}
        assert 10e6 < figures["memory"] < 10e9
        assert 0 <= figures["success"] <= 1


def test_no_process_survives_a_run(finished, run):
    import psutil

    # Sandboxes of other tests may be alive in this session: what counts is what began with the run or later.
    began = datetime.datetime.fromisoformat(read_lines(run.events_path).records[0]["time"]).timestamp() - 30
    mine = [p for p in psutil.Process().children(recursive=True) if p.create_time() >= began]
    # The tracker of shared memory is Python's own, one a process, and ends with it.
    commands = [" ".join(p.cmdline()) for p in mine if p.is_running()]
    assert not [line for line in commands if "multiprocess" in line and "resource_tracker" not in line]


# what cannot be started


def test_a_directory_that_holds_a_run_is_left_alone(run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != ".lock"}
    with pytest.raises(RunError, match="already holds a run; continue it with --resume"):
        train(short_config(run.path.parent, run.name), "", Collected())
    assert before == {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.name != ".lock"}


def test_a_directory_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("…")
    with pytest.raises(RunError, match=r"not empty and no run \(thesis.tex stands there\)"):
        train(short_config(tmp_path, "mine"), "", Collected())
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_folder_below_a_file_cannot_hold_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        train(short_config(tmp_path / "file" / "runs", "x"), "", Collected())


@pytest.mark.parametrize(
    ("override", "error", "words"),
    [
        ("env.id=204", UnknownNameError, "did you mean 2048"),
        ("env.options.targt=3", ConfigError, "did you mean target"),
        ("env.options.target=100", ConfigError, "power of two"),
        ("reward.preset=envl", UnknownNameError, "did you mean envrl"),
        ("reward.weights.sucess=1.0", ConfigError, "did you mean success"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_started(tmp_path, override, error, words):
    with pytest.raises(error, match=words):
        train(short_config(tmp_path, "x", override), "", Collected())
    assert not list(tmp_path.iterdir())


def test_tiny_is_not_used_for_what_it_was_not_warmed_up_for(tmp_path):
    with pytest.raises(ModelError, match="envrl/2048-v0 has no programs for a warm start"):
        train(short_config(tmp_path, "x", "env.toolkit=none"), "", Collected())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("module", "extra"), [("jinja2", "report"), ("trl", "train")])
def test_a_missing_extra_is_named_before_anything_is_started(tmp_path, monkeypatch, module, extra):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    with pytest.raises(MissingExtraError) as caught:
        train(short_config(tmp_path, "x"), "", Collected())
    assert f'pip install "envrl[{extra}]"' in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_finished_run_cannot_be_resumed(run):
    with pytest.raises(RunError, match=r"finished; its report is .*report\.html"):
        resume(run.path, Collected())
    assert run.status.state == "finished"


def test_nothing_cannot_be_resumed(tmp_path):
    with pytest.raises(RunError, match="no such run directory"):
        resume(tmp_path / "nothing", Collected())
    with pytest.raises(RunError, match="not a run"):
        resume(tmp_path, Collected())


def test_a_run_of_which_only_the_beginning_stands_has_no_report(run, tmp_path):
    with (
        RunDirectory.create(tmp_path, "new", run.config_path.read_text(), run.lock) as new,
        pytest.raises(RunError, match="no measurement before training yet"),
    ):
        build_report(new)


# the course


CHATS = RECIPE.parents[1] / "tiny" / "data" / "chats-train.jsonl"
COURSE = [
    "train.max_steps=2",
    "train.save_steps=1",
    "train.smoke_steps=1",
    "train.best_of_checkpoints=2",
    f"method.pre_sft={CHATS}",
    "method.pre_sft_steps=2",
    "eval.samples=2",
    "eval.best_of=2",
]


@pytest.mark.parametrize("lora", [(), ("model.lora.r=4", "model.lora.alpha=8")], ids=["whole", "lora"])
def test_every_part_of_the_course_follows_the_other(tmp_path, lora):
    from safetensors.torch import load_file

    watcher = Collected()
    run = train(short_config(tmp_path, "course", *COURSE, *lora), "", watcher).run
    assert [name for name, _ in watcher.phases] == [
        "loading", "measuring before", "pre-SFT", "smoke", "training", "choosing the checkpoint", "measuring after",
        "choosing the best program",
    ]  # fmt: skip
    assert re.fullmatch("[0-9a-f]{64}", run.lock["dataset"]["pre_sft"]["train_sha256"])
    assert is_complete(run.path / "pre-sft" / "checkpoint-2")
    weights = "adapter_model.safetensors" if lora else "model.safetensors"
    taught = load_file(run.path / "pre-sft" / "checkpoint-2" / weights)
    trained = load_file(run.checkpoints_dir / "checkpoint-1" / weights)
    assert taught.keys() == trained.keys(), "play goes on with what was fine-tuned"
    steps = {name: (trained[name] - taught[name]).abs().max().item() for name in taught}
    assert 0 < max(steps.values()) < 0.01, "one small step away from it"

    found = read_candidates(run)
    assert [one.step for one in found] == [1, 2]
    (chosen,) = (one for one in found if one.chosen)
    assert chosen.success.estimate == max(one.success.estimate for one in found)
    assert read_json(run.after_path)["model"] == f"tiny after {chosen.step} steps"


def test_the_chosen_checkpoint_is_the_model_that_is_measured(tmp_path, monkeypatch):
    from envrl.workflow import best_checkpoint

    rates = iter([0.9, 0.1])

    def first_is_best(matrix, **_):
        found = headline_of(matrix)
        return found._replace(interval=found.interval._replace(estimate=next(rates)))

    monkeypatch.setattr(best_checkpoint, "headline_of", first_is_best)
    settings = ["train.max_steps=2", "train.save_steps=1", "train.best_of_checkpoints=2", "train.learning_rate=0.01"]
    run = train(short_config(tmp_path, "chosen", *settings, "eval.samples=2", "eval.best_of=2"), "", Collected()).run
    assert [(one.step, one.chosen) for one in read_candidates(run)] == [(1, True), (2, False)]
    model = load_model(ModelConfig(path=str(run.checkpoints_dir / "checkpoint-1")), "cpu")
    prompt = read_lines(run.prompts_path).records[0]["prompt"]
    texts = [w.text for w in write(model, prompt, 2, load_config(run.config_path).config.method, EVAL_SEED)]
    assert [one["completion"] for one in read_json(run.after_path)["scored"]] == texts
    assert model_of_run(run.path, "after").folder == run.checkpoints_dir / "checkpoint-1"
    assert model_of_run(run.path, "2").folder == run.checkpoints_dir / "checkpoint-2"


def test_a_run_that_left_a_measurement_out_says_so_whenever_its_report_is_made(tmp_path):
    settings = ["train.max_steps=1", "train.save_steps=1", "eval.samples=2", "eval.best_of=2"]
    trained = train(short_config(tmp_path, "left", *settings), "", Collected(), skip=("before", "documents"))
    report = trained.report
    assert [side.label for side in report.sides] == ["after"]
    assert report.warnings[0] == "What the model does before training was not measured, as was asked for."
    assert not report.partial
    assert not any("before training" in card.title for card in report.gallery)
    assert any("after training" in card.title for card in report.gallery)
    again = rebuild(trained.run.path)
    assert again.sides == report.sides
    assert again.warnings == report.warnings
    trained.run.after_path.unlink()  # nobody asked for that
    with pytest.raises(RunError, match="no measurement after training yet"):
        rebuild(trained.run.path)


def test_a_machine_with_versions_that_are_known_to_fail_is_refused_unless_skipped(tmp_path, monkeypatch):
    from envrl.workflow import checkup
    from envrl.workflow.doctor import Problem

    monkeypatch.setattr(checkup, "find_problems", lambda *_: [Problem("A does not go with B", "pip install C")])
    with pytest.raises(RunError, match=r"(?s)A does not go with B\n +-> pip install C.*--skip doctor"):
        train(short_config(tmp_path, "x"), "", Collected())
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_answer_is_refused(monkeypatch):
    from envrl.workflow import checkup

    config = short_config(RECIPE.parent, "x").config
    monkeypatch.setattr(checkup, "write", lambda *_, **__: [Written("", 1, False)] * 4)
    with pytest.raises(ModelError, match="each of 4 answers ends before it begins"):
        checkup.require_answer(None, config, "a prompt")

    def broken(*_, **__):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")

    monkeypatch.setattr(checkup, "write", broken)
    with pytest.raises(ModelError, match=r"cannot write 8 tokens \(probability tensor contains"):
        checkup.require_answer(None, config, "a prompt")


def test_few_lines_of_metrics_make_a_report_without_a_curve(tmp_path):
    data = RECIPE.parents[1] / "tiny"
    resolved = load_config(
        data / "sft.yaml",
        [
            f"dataset.path=[{CHATS}]", "dataset.eval_path=[]", "dataset.max_samples=8", "train.epochs=null",
            "train.max_steps=2", "train.warmup_steps=0", "train.logging_steps=500", f"output.root={tmp_path}",
        ],
    )  # fmt: skip
    report = train(resolved, "", Collected()).report
    assert report.curve == ()
    assert any("train.logging_steps (500) is beyond the run's steps" in line for line in report.warnings)
