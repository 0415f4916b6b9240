"""Several processes that train one model: who they are, how they wait and share."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import ConfigError
from envrl.models.ranks import FOLDER, Ranks, here

MEETING = """
import json, os, pathlib, sys, time
from envrl.models.ranks import here

ranks = here()
ranks.connect("cpu", 1)  # seconds that training would wait; a measurement may take longer
folder = ranks.folder
if ranks.first:
    time.sleep(2)
ranks.wait()
with ranks.first_alone():
    found = (folder / "cache").exists()
    (folder / "cache").touch()
print(json.dumps({
    "found": found,
    "shared": ranks.share({"from": ranks.number}),
    "gathered": ranks.gather([(ranks.number, i) for i in range(ranks.number + 1)]),
    "none": ranks.gather([]),
}))
ranks.disconnect()
"""


@pytest.fixture(scope="module")
def met(tmp_path_factory):
    """What each of three processes saw."""
    folder = tmp_path_factory.mktemp("meeting")
    common = {FOLDER: str(folder), "WORLD_SIZE": "3", "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MEETING],
            env={"PATH": "", **common, "RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    try:
        said = [process.communicate(timeout=150) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0, 0], said
    return [json.loads(output) for output, _ in said]


def test_the_first_goes_ahead_and_the_others_find_what_it_left(met):
    assert [one["found"] for one in met] == [False, True, True]


def test_what_the_first_gives_reaches_every_process(met):
    assert [one["shared"] for one in met] == [{"from": 0}] * 3


def test_the_first_has_the_items_of_all_in_the_order_of_the_processes(met):
    every = [[0, 0], [1, 0], [1, 1], [2, 0], [2, 1], [2, 2]]
    assert [one["gathered"] for one in met] == [every, every[1:3], every[3:]]
    assert [one["none"] for one in met] == [[], [], []]


def test_a_process_that_works_alone_waits_for_nobody():
    alone = Ranks()
    assert alone.first
    alone.connect("cpu", None)
    alone.wait()
    with alone.first_alone():
        assert alone.share("x") == "x"
    assert alone.gather((1, 2)) == [1, 2]
    alone.disconnect()


@given(st.integers(1, 300), st.integers(1, 40))
def test_portions_make_the_whole_and_nobody_has_none(total, count):
    portions = [Ranks(number, count).portion(total) for number in range(count)]
    assert min(portions) >= 1
    assert max(portions) - min(portions) <= 1
    assert sum(portions) == max(total, count)


def test_processes_that_something_else_started_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    here.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"WORLD_SIZE is 4: .*envrl train --nproc 4"):
            here()
        monkeypatch.setenv("WORLD_SIZE", "1")
        assert here() == Ranks()
    finally:
        here.cache_clear()


def test_fewer_gpus_than_processes_are_refused(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"--nproc 3: each process needs a GPU of its own, and torch sees 2"):
        Ranks(0, 3, tmp_path).connect("cuda", None)
