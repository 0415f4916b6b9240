"""A checkpoint counts only once its mark is written and agrees with it."""

import json

import pytest

from envrl.errors import RunError
from envrl.runs import find_damage, is_complete, latest_complete, mark_complete, quarantine_incomplete


def checkpoint(folder, step, *, complete=True):
    path = folder / f"checkpoint-{step}"
    (path / "sub").mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "sub" / "rng.pth").write_bytes(b"state")
    if complete:
        mark_complete(path)
    return path


def test_the_mark_lists_every_file(tmp_path):
    path = checkpoint(tmp_path, 10)
    files = json.loads((path / "COMPLETE.json").read_text())["files"]
    assert files.keys() == {"model.safetensors", "sub/rng.pth"}
    assert files["sub/rng.pth"]["size"] == 5
    assert len(files["sub/rng.pth"]["sha256"]) == 64
    assert is_complete(path)
    assert find_damage(path, hashes=True) is None


def test_a_large_file_is_listed_by_size_alone(tmp_path):
    path = checkpoint(tmp_path, 10, complete=False)
    with open(path / "big", "wb") as file:
        file.truncate(64 * 2**20)
    mark_complete(path)
    assert json.loads((path / "COMPLETE.json").read_text())["files"]["big"] == {"size": 64 * 2**20}


def test_marking_again_takes_in_new_files(tmp_path):
    path = checkpoint(tmp_path, 10)
    (path / "later").write_text("x")
    assert is_complete(path)
    mark_complete(path)
    assert "COMPLETE.json" not in json.loads((path / "COMPLETE.json").read_text())["files"]
    (path / "later").unlink()
    assert find_damage(path) == "later is missing"


def test_damage_is_named(tmp_path):
    path = checkpoint(tmp_path, 10, complete=False)
    assert find_damage(path) == "COMPLETE.json is missing"
    (path / "COMPLETE.json").write_text("{")
    assert find_damage(path) == "COMPLETE.json is broken"
    mark_complete(path)
    (path / "model.safetensors").write_bytes(b"WEIGHTS")
    assert find_damage(path) is None
    assert find_damage(path, hashes=True) == "model.safetensors has changed"
    (path / "model.safetensors").write_bytes(b"weig")
    assert find_damage(path) == "model.safetensors has 4 bytes instead of 7"
    (path / "model.safetensors").unlink()
    assert find_damage(path) == "model.safetensors is missing"


def test_an_empty_checkpoint_cannot_be_complete(tmp_path):
    with pytest.raises(RunError, match="no file to mark"):
        mark_complete(tmp_path)


def test_the_latest_complete_checkpoint_is_that_of_the_highest_step(tmp_path):
    assert latest_complete(tmp_path / "none") is None
    for step in (9, 40, 100):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 120, complete=False)
    (tmp_path / "checkpoint-best").mkdir()
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-100"


def test_half_written_checkpoints_are_put_aside_and_named(tmp_path):
    checkpoint(tmp_path, 40)
    for _ in range(2):
        checkpoint(tmp_path, 80, complete=False)
        moved = quarantine_incomplete(tmp_path)
    assert moved == [tmp_path / "checkpoint-80.incomplete-2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "checkpoint-40",
        "checkpoint-80.incomplete",
        "checkpoint-80.incomplete-2",
    ]
    assert quarantine_incomplete(tmp_path) == []
    assert latest_complete(tmp_path) == tmp_path / "checkpoint-40"
