"""The control group, on a file tree that looks like cgroup v2: what is written where, and every reason why not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envrl.sandbox import Profile, Sandbox
from envrl.sandbox.inside.layers import cgroup


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    group = tmp_path / "mount" / "user.slice"
    group.mkdir(parents=True)
    (tmp_path / "mount" / "cgroup.controllers").write_text("cpu memory pids\n")
    (group / "cgroup.controllers").write_text("cpu memory pids\n")
    (group / "cgroup.subtree_control").write_text("cpu\n")
    (tmp_path / "own").write_text("4:memory:/v1\n0::/user.slice\n")
    return tmp_path


def enter(tree: Path) -> Path:
    return Path(cgroup.enter((str(tree / "nothing"), str(tree / "mount")), str(tree / "own")))


def test_a_group_is_made_below_ones_own_and_entered(tree: Path) -> None:
    group = enter(tree)
    assert group.parent == tree / "mount" / "user.slice"
    assert group.name.startswith(f"envrl-{os.getpid()}-")
    assert (group / "cgroup.procs").read_text() == "0"
    assert (group / "pids.max").read_text() == "2048"
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0.5 * physical < int((group / "memory.max").read_text()) < 0.9 * physical
    assert (group.parent / "cgroup.subtree_control").read_text() == "+memory +pids"


def test_controllers_that_are_on_are_left_alone(tree: Path) -> None:
    control = tree / "mount" / "user.slice" / "cgroup.subtree_control"
    control.write_text("cpu memory pids\n")
    enter(tree)
    assert control.read_text() == "cpu memory pids\n"


def test_empty_groups_of_the_dead_are_removed_and_used_ones_stay(tree: Path) -> None:
    parent = tree / "mount" / "user.slice"
    (parent / "envrl-99999999-dead").mkdir()
    (parent / "envrl-99999998-used").mkdir()
    (parent / "envrl-99999998-used" / "cgroup.procs").write_text("2")
    (parent / f"envrl-{os.getpid()}-begins").mkdir()
    (parent / "other").mkdir()
    group = enter(tree)
    assert {entry.name for entry in parent.iterdir() if entry.is_dir()} == {
        group.name, f"envrl-{os.getpid()}-begins", "envrl-99999998-used", "other",
    }  # fmt: skip


def test_a_machine_with_the_old_hierarchy_alone_is_told(tree: Path) -> None:
    (tree / "own").write_text("4:memory:/v1\n")
    with pytest.raises(OSError, match="no cgroup v2"):
        enter(tree)
    (tree / "own").write_text("0::/\n")
    (tree / "mount" / "cgroup.controllers").unlink()
    with pytest.raises(OSError, match="no cgroup v2"):
        enter(tree)


def test_a_missing_controller_is_named(tree: Path) -> None:
    (tree / "mount" / "user.slice" / "cgroup.controllers").write_text("cpu hugetlb\n")
    with pytest.raises(OSError, match="memory and pids"):
        enter(tree)


def test_a_sandbox_says_whether_it_has_a_group_and_leaves_none_behind() -> None:
    with Sandbox(Profile(entry_point="f")) as sandbox:
        reason = sandbox.layers["cgroup"]
        group = sandbox._zygote._group
        assert bool(reason) is not bool(group)
        assert not group or Path(group, "pids.max").read_text().strip() == "2048"
    assert not group or not os.path.exists(group)
