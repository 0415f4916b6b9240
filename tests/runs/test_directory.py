"""The run directory: made once, worked in by one process, honest about a kill."""

import datetime
import os
import re
import stat
import subprocess
import sys

import pytest

from envrl.errors import RunError
from envrl.runs import RunDirectory, Status, default_name, read_lines

LOCK = {"salts": {"train": "secret"}}


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path, "a", "train: {}\n", LOCK)
    yield run
    run.release()


def child(code, *arguments, **options):
    prelude = "import sys, os, time; from envrl.runs import RunDirectory\n"
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


HOLD = """
run = RunDirectory.create(sys.argv[1], sys.argv[2], "", {})
run.update_status(state="running", step=3)
os.write(1, b"ready\\n")
sys.stdin.read()
"""


def test_a_new_run_holds_what_the_design_names(run, tmp_path):
    assert run.path == tmp_path / "a"
    assert run.config_path.read_text() == "train: {}\n"
    assert run.lock == LOCK
    assert stat.S_IMODE(run.lock_path.stat().st_mode) == 0o600
    status = run.status
    assert isinstance(status, Status)
    assert (status.state, status.step, status.pid) == ("created", 0, os.getpid())
    assert datetime.datetime.fromisoformat(status.updated).tzinfo is datetime.UTC
    assert sorted(p.name for p in run.path.iterdir() if p.is_dir()) == ["checkpoints", "completions", "eval", "exports"]


def test_the_paths_are_those_of_the_design(run):
    paths = {
        "events.jsonl": run.events_path,
        "metrics.jsonl": run.metrics_path,
        "completions/step-000012.jsonl": run.completions_path(12),
        "eval/prompts.jsonl": run.prompts_path,
        "eval/before.json": run.before_path,
        "eval/after.json": run.after_path,
        "report.html": run.report_html_path,
        "report.md": run.report_md_path,
        "EXPERIMENT.md": run.experiment_path,
        "MODEL_CARD.md": run.model_card_path,
        "checkpoints": run.checkpoints_dir,
        "exports": run.exports_dir,
    }
    for name, path in paths.items():
        assert path == run.path / name


def test_status_keeps_what_is_not_given(run):
    run.update_status(state="running", step=7)
    assert run.update_status(step=8).state == "running"
    run.update_status(state="failed", reason="NaN")
    status = RunDirectory.open(run.path).status
    assert (status.state, status.step, status.reason) == ("failed", 8, "NaN")


def test_events_metrics_and_completions_are_lines(run):
    run.event("checkpoint", step=40)
    run.metrics.append({"step": 1})
    run.metrics.append({"step": 2})
    with run.completions(12) as lines:
        lines.append({"text": "x"})
    (event,) = read_lines(run.events_path).records
    assert event.keys() == {"time", "event", "step"}
    assert read_lines(run.metrics_path).records == [{"step": 1}, {"step": 2}]
    assert read_lines(run.path / "completions" / "step-000012.jsonl").records == [{"text": "x"}]


def test_a_directory_that_holds_a_run_is_refused_with_both_ways_out(run, tmp_path):
    run.release()
    with pytest.raises(
        RunError, match=r"a: already holds a run; continue it with --resume \(output.resume\), delete it first"
    ):
        RunDirectory.create(tmp_path, "a", "", {})
    assert run.config_path.read_text() == "train: {}\n"
    run.acquire()


def test_a_directory_with_other_files_is_refused_untouched(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "thesis.tex").write_text("")
    with pytest.raises(RunError, match=r"not empty and no run \(thesis\.tex stands there\); choose another --name"):
        RunDirectory.create(tmp_path, "a", "", {})
    assert os.listdir(tmp_path / "a") == ["thesis.tex"]


def test_a_creation_that_was_killed_half_way_can_be_made_anew(run, tmp_path):
    run.status_path.unlink()
    (run.path / ".config.yaml.0123abcd.tmp").write_text("half")
    run.release()
    with RunDirectory.create(tmp_path, "a", "new", {}) as again:
        assert again.config_path.read_text() == "new"
        assert not list(again.path.glob("*.tmp"))


def test_a_root_that_cannot_hold_runs_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot be made \(Not a directory\); choose another folder with output\.root"):
        RunDirectory.create(tmp_path / "file", "a", "", {})
    with pytest.raises(RunError, match=r"/proc/nowhere"):
        RunDirectory.create("/proc/nowhere", "a", "", {})


def test_opening_what_is_no_run_names_what_is_missing(run, tmp_path):
    with pytest.raises(RunError, match=r"none: no such run directory"):
        RunDirectory.open(tmp_path / "none")
    run.status_path.unlink()
    run.lock_path.unlink()
    with pytest.raises(RunError, match=r"a: not a run \(lock\.json, status\.json missing\)"):
        RunDirectory.open(run.path)


def test_a_broken_status_is_named(run):
    run.status_path.write_text('{"state": "odd"}')
    with pytest.raises(RunError, match=r"status\.json: no status of a run"):
        _ = run.status


def test_writing_needs_the_lock(run):
    reader = RunDirectory.open(run.path)
    for write in (
        lambda: reader.update_status(step=1),
        lambda: reader.event("x"),
        lambda: reader.metrics,
        lambda: reader.completions(1),
    ):
        with pytest.raises(RuntimeError, match="acquire"):
            write()


def test_one_process_at_a_time_works_in_a_run_and_a_kill_frees_it(tmp_path):
    with child(HOLD, tmp_path, "a") as holder:
        holder.stdout.readline()
        run = RunDirectory.open(tmp_path / "a")
        assert not run.was_killed
        busy = rf"a: process {holder.pid} works in this run; wait for it, end it, or choose another --name"
        with pytest.raises(RunError, match=busy):
            run.acquire()
        with pytest.raises(RunError, match=busy):
            RunDirectory.create(tmp_path, "a", "", {})
        holder.kill()
    assert run.was_killed
    with run:
        assert run.was_killed
        assert run.status.step == 3
        run.update_status(state="running")
        assert not run.was_killed
        run.update_status(state="finished")
    assert not run.was_killed


def test_a_kill_frees_the_run_though_a_forked_child_lives_on(tmp_path):
    fork = "if os.fork() == 0:\n    os.write(1, b'forked\\n')\n    sys.stdin.read()\n    os._exit(0)\n"
    code = HOLD.replace("os.write", fork + "os.write", 1)
    with child(code, tmp_path, "a") as holder:
        assert {holder.stdout.readline().strip() for _ in range(2)} == {"forked", "ready"}
        run = RunDirectory.open(tmp_path / "a")
        assert not run.was_killed
        holder.kill()
        holder.wait()
        assert run.was_killed


def test_of_two_creators_one_wins(tmp_path):
    code = """
from envrl.errors import RunError
sys.stdin.read()
try:
    run = RunDirectory.create(sys.argv[1], "a", "", {})
except RunError as error:
    print("refused", error)
else:
    print("made")
"""
    racers = [child(code, tmp_path) for _ in range(4)]
    for racer in racers:
        racer.stdin.close()
    said = []
    for racer in racers:
        said.append(racer.stdout.read())
        racer.stdout.close()
        assert racer.wait() == 0
    assert sorted(word.split()[0] for word in said) == ["made", "refused", "refused", "refused"]


def test_taking_over_a_killed_run_removes_its_temporaries(tmp_path):
    RunDirectory.create(tmp_path, "a", "", {}).release()
    leftovers = [tmp_path / "a" / ".status.json.00000000.tmp", tmp_path / "a" / "eval" / ".before.json.0.tmp"]
    for path in leftovers:
        path.write_text("half")
    with RunDirectory.open(tmp_path / "a") as run:
        assert not any(path.exists() for path in leftovers)
        assert run.was_killed


def test_default_names_sort_by_time():
    now = datetime.datetime(2026, 1, 31, 23, 59, 59)
    assert default_name("2048", now) == "2048-20260131-235959"
    assert re.fullmatch(r"[A-Za-z0-9.-]+", default_name("envrl/2048-v0 ü", now))
    assert default_name("///", now).startswith("run-")
