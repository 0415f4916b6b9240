"""Files that a kill leaves whole."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import RunError
from envrl.runs import JsonLines, read_json, read_lines, write_atomic, write_json
from envrl.runs.files import remove_temporaries


def test_a_whole_file_replaces_the_old_one_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.json"
    write_atomic(path, "old")
    write_json(path, {"x": [1, None, float("nan")]})
    assert read_json(path) == {"x": [1, None, None]}
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_mode_of_a_file_is_set_before_it_has_content(tmp_path):
    write_json(tmp_path / "secret", {}, mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_atomic(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"a: cannot be written \(No space left on device\)"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


def test_temporaries_of_killed_writers_are_removed(tmp_path):
    (tmp_path / ".a.json.0123abcd.tmp").write_text("half")
    (tmp_path / "a.json").write_text("{}")
    remove_temporaries(tmp_path)
    assert os.listdir(tmp_path) == ["a.json"]


def test_missing_and_broken_json_is_named(tmp_path):
    with pytest.raises(RunError, match=r"a\.json: cannot be read \(No such file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"x": ')
    with pytest.raises(RunError, match=r"a\.json: broken JSON"):
        read_json(tmp_path / "a.json")


def test_lines_come_back_in_order(tmp_path):
    path = tmp_path / "m.jsonl"
    with JsonLines(path) as lines:
        lines.append({"step": 1, "text": "a\nb"})
    with JsonLines(path) as lines:
        lines.append({"step": 2})
    assert read_lines(path) == ([{"step": 1, "text": "a\nb"}, {"step": 2}], 0)


def test_a_line_can_be_read_at_once(tmp_path):
    with JsonLines(tmp_path / "m.jsonl") as lines:
        lines.append({"step": 1})
        assert read_lines(tmp_path / "m.jsonl").records == [{"step": 1}]


@given(cut=st.integers(0, 40))
def test_a_file_cut_anywhere_is_read_and_repaired(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "m.jsonl"
    whole = b"".join(b'{"step":%d}\n' % step for step in range(4))
    path.write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    torn = len(whole[:cut]) - len(b'{"step":0}\n') * complete
    steps = [{"step": step} for step in range(complete)]
    assert read_lines(path) == (steps, torn)
    with JsonLines(path) as lines:
        lines.append({"step": 99})
    assert read_lines(path) == ([*steps, {"step": 99}], 0)


def test_a_torn_line_longer_than_a_block_is_cut(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"a":1}\n' + b"x" * 200_000)
    assert read_lines(path).torn == 200_000
    JsonLines(path).close()
    assert path.read_bytes() == b'{"a":1}\n'


@pytest.mark.parametrize("broken", [b'{"a": \n', b"\n", b"[1]\n", b"\xff\n"])
def test_a_broken_line_that_is_not_the_torn_tail_is_named(tmp_path, broken):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"a":1}\n' + broken + b'{"a":2}\n')
    with pytest.raises(RunError, match=r"m\.jsonl:2: broken line"):
        read_lines(path)


def test_a_full_disk_takes_no_part_of_a_line(tmp_path):
    path = tmp_path / "m.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with JsonLines(path) as lines:
            lines.append({"step": 1})
            resource.setrlimit(resource.RLIMIT_FSIZE, (15, before[1]))
            with pytest.raises(RunError, match=r"m\.jsonl: only 4 of 11 bytes could be written"):
                lines.append({"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert read_lines(path) == ([{"step": 1}], 0)


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none/m\.jsonl: cannot be opened"):
        JsonLines(tmp_path / "none" / "m.jsonl")
    with pytest.raises(RunError, match=r"m\.jsonl: cannot be read"):
        read_lines(tmp_path / "m.jsonl")


WRITER = """
import sys
from pathlib import Path
from envrl.runs import JsonLines, write_json
folder, start = Path(sys.argv[1]), int(sys.argv[2])
lines = JsonLines(folder / "m.jsonl")
print("ready", flush=True)
for step in range(start, 10**9):
    lines.append({"step": step, "text": "x" * (step * 997 % 5000)})
    write_json(folder / "status.json", {"step": step, "text": "x" * 20_000})
"""


def test_a_writer_that_is_killed_leaves_whole_files(tmp_path):
    done = 0
    for pause in (0.0, 0.01, 0.03, 0.05, 0.08):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(done)], stdout=subprocess.PIPE, text=True
        ) as process:
            process.stdout.readline()
            time.sleep(pause)
            process.kill()
        records = read_lines(tmp_path / "m.jsonl").records
        assert [record["step"] for record in records] == list(range(len(records)))
        if (tmp_path / "status.json").exists():
            status = json.loads((tmp_path / "status.json").read_text())
            # A line is never lost: the status of a step is written after its line.
            assert done - 1 <= status["step"] < len(records)
        done = len(records)
    assert done > 0
