"""What a run depends on, gathered and compared."""

import hashlib
import json
import subprocess

import pytest

from envrl.errors import RunError
from envrl.limits import Limits
from envrl.runs import build_lock, differences, file_hash


def test_the_lock_names_versions_and_hardware():
    lock = build_lock(["pydantic", "no-such-package"], salts={"train": "abc"}, limits=Limits(), layers=("seccomp",))
    assert lock["packages"]["pydantic"][0].isdigit()
    assert lock["packages"]["no-such-package"] is None
    assert lock["hardware"]["cpus"] >= 1
    assert lock["hardware"]["memory_bytes"] > 2**20
    assert lock["salts"] == {"train": "abc"}
    assert lock["limits"]["call_cpu"] == Limits().call_cpu
    assert differences(lock, json.loads(json.dumps(lock))) == []


def test_the_commit_is_recorded_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert build_lock([])["git"] is None
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *arguments], check=True)
    git = build_lock([])["git"]
    assert len(git["commit"]) >= 40
    assert git["changed"] is False
    (tmp_path / "new").write_text("")
    assert build_lock([])["git"]["changed"] is True


def test_a_machine_without_git_has_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert build_lock([])["git"] is None


def test_differences_are_dotted_names():
    first = {"a": 1, "b": {"c": 1, "d": [1, 2], "only": None}, "e": {"x": 1}}
    second = {"a": 1, "b": {"c": 2, "d": [1]}, "e": 3, "f": 1}
    assert differences(first, second) == ["b.c", "b.d", "b.only", "e", "f"]
    assert differences(first, first) == []


def test_a_file_hash_is_its_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(RunError, match=r"none: cannot be read"):
        file_hash(tmp_path / "none")
