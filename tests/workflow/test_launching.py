"""Several processes start and end together, an error is told once, and nobody outlives the one that started them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import psutil
import pytest

from envrl.errors import EnvrlError, RunError
from envrl.runs import RunDirectory
from envrl.workflow.launching import launch

PATIENCE = 180.0  # seconds; what is imported may have to come from a slow disk

ACTING = '''
"""A process of a run that does what its number is told, in place of training."""

import os, signal, sys, time
from pathlib import Path

from envrl.errors import ConfigError
from envrl.models.ranks import here
from envrl.runs import RunDirectory
from envrl.workflow.launching import take_part


def work(job):
    ranks, folder = here(), Path(job["folder"])
    (folder / f"seen-{ranks.number}").write_text(
        f"{ranks.count} {sorted(os.sched_getaffinity(0))} {os.environ['OMP_NUM_THREADS']} {job['folder']}"
    )
    if job.get("run") and ranks.first:
        run = RunDirectory.create(folder, "run", "", {})
        run.update_status(state="running", step=3)
        ranks.announce(run.path)
    (folder / f"pid-{os.getpid()}").touch()
    act(job["acts"].get(ranks.number, "succeed"), folder)


def act(what, folder):
    if what == "refuse":
        raise ConfigError("train.device: no")
    if what == "fail":
        raise ZeroDivisionError("a bug")
    if what == "fail later":
        while len(list(folder.glob("pid-*"))) < here().count:  # the other may still be starting
            time.sleep(0.01)
        time.sleep(0.5)
        raise ConnectionError("another is gone")
    if what == "refuse later":
        time.sleep(0.5)
        raise ConfigError("train.device: no")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "end":
        print("cannot go on", file=sys.stderr, flush=True)
        os._exit(7)
    if what == "speak":
        print("heard", flush=True)
    if what == "fork and sleep":
        child = os.fork()
        if child:
            (folder / f"pid-{child}").touch()
        time.sleep(100)
    if what == "sleep":
        time.sleep(100)


take_part(work)
'''
STARTING = """
import signal, sys
from pathlib import Path
from envrl.workflow.launching import launch

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may have it ignored
folder, *acts = sys.argv[1:]
job = {"folder": folder, "run": True, "acts": dict(enumerate(acts))}
try:
    launch(job, 2, [sys.executable, f"{folder}/acting.py"])
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "acting.py"
    path.write_text(ACTING)
    return [sys.executable, str(path)]


@pytest.fixture
def do(program, tmp_path):
    def do(*acts, run=False):
        launch({"folder": str(tmp_path), "run": run, "acts": dict(enumerate(acts))}, 2, program)

    return do


def left(tmp_path: Path) -> list[int]:
    """Processes that are alive; those that were killed may take an instant to go."""
    pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    deadline = time.monotonic() + 20
    while alive := [p for p in pids if psutil.pid_exists(p) and psutil.Process(p).status() != psutil.STATUS_ZOMBIE]:
        if time.monotonic() > deadline:
            return alive
        time.sleep(0.02)
    return []


def test_each_is_told_the_job_its_number_and_its_part_of_the_cores(do, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    do()
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    parts = [cores[:half], cores[half:]] if half else [cores, cores]
    threads = max(1, len(cores) // 2)
    for number, part in enumerate(parts):
        assert (tmp_path / f"seen-{number}").read_text() == f"2 {part} {threads} {tmp_path}"


def test_what_a_user_can_mend_is_told_once_and_ends_the_others(do, tmp_path):
    with pytest.raises(EnvrlError, match=r"^train.device: no$"):
        do("sleep", "refuse")
    assert left(tmp_path) == []


def test_it_comes_before_what_the_others_meet_when_they_lose_one(do):
    with pytest.raises(EnvrlError, match=r"^train.device: no$"):
        do("fail", "refuse later")


def test_a_bug_keeps_its_traceback(do):
    with pytest.raises(RuntimeError, match=r"process 2 of 2 failed:\nTraceback[\s\S]*ZeroDivisionError: a bug"):
        do("fail later", "fail")


def test_a_process_that_was_killed_is_named_and_the_run_says_so(do, tmp_path):
    with pytest.raises(RunError, match=r"process 2 of 2 was killed by SIGKILL.*--resume .*/run$"):
        do("fail later", "die", run=True)
    run = RunDirectory.open(tmp_path / "run")
    assert (run.status.state, run.status.step) == ("failed", 3)
    assert run.status.reason.startswith("process 2 of 2 was killed by SIGKILL")
    assert left(tmp_path) == []


def test_a_process_that_ends_without_a_word_leaves_its_last(do):
    with pytest.raises(RunError, match=r"process 2 of 2 ended with code 7; its last words:\ncannot go on"):
        do("sleep", "end")


@pytest.fixture
def started(program, tmp_path, monkeypatch):
    """Something that starts two processes, of which the second forks another; given once they are there."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    process = subprocess.Popen([sys.executable, "-c", STARTING, str(tmp_path), "sleep", "fork and sleep"])
    deadline = time.monotonic() + PATIENCE
    while len(list(tmp_path.glob("pid-*"))) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield process
    process.kill()
    process.wait()


def test_the_first_speaks_on_a_terminal_whose_foreground_is_the_one_that_started_it(program, tmp_path):
    ours, theirs = os.openpty()
    modes = termios.tcgetattr(theirs)
    modes[3] |= termios.TOSTOP  # who writes from the background is stopped
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    process = subprocess.Popen(
        [sys.executable, "-c", STARTING, str(tmp_path), "speak", "succeed"],
        stdin=theirs,
        stdout=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        assert process.wait(PATIENCE) == 0
        assert b"heard" in os.read(ours, 1000)
    finally:
        process.kill()
        os.close(ours)


def test_ctrl_c_ends_all_and_the_run_says_so(started, tmp_path):
    started.send_signal(signal.SIGINT)
    assert started.wait(PATIENCE) == 130
    assert RunDirectory.open(tmp_path / "run").status.state == "interrupted"
    assert left(tmp_path) == []


def test_nothing_outlives_the_one_that_started_them(started, tmp_path):
    started.kill()
    assert left(tmp_path) == []
    assert RunDirectory.open(tmp_path / "run").was_killed
    assert list((tmp_path / "temporary").iterdir()) == []
