"""Every layer has a proof, the proofs tell the truth, and what is missing comes with its reason and its mend."""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from envrl.config import SandboxConfig
from envrl.errors import SandboxError
from envrl.outcomes import Outcome
from envrl.sandbox import LAYERS, Profile, Sandbox, mending, proof
from envrl.sandbox.mending import Machine, look, mend
from envrl.sandbox.proof import ALWAYS, Proof, State, prove

MACHINE = Machine(root=False, container="", gvisor=False, switches={}, modules="")
ROOT = MACHINE._replace(root=True)


@pytest.fixture(scope="module")
def proofs() -> dict[str, Proof]:
    """What this machine's layers come to, and what is always on."""
    return {found.layer: found for found in prove()}


def alone(layer: str) -> Proof:
    (found,) = prove([layer])
    return found


def test_every_layer_has_a_proof_and_a_mend() -> None:
    assert set(proof._TRIALS) == set(LAYERS)
    assert set(mending._MENDS) == set(LAYERS)
    assert not set(ALWAYS) & set(LAYERS)


def test_a_configuration_may_require_every_layer() -> None:
    assert SandboxConfig(require=list(LAYERS)).require == list(LAYERS)
    with pytest.raises(ValueError, match="sandboxing"):
        SandboxConfig.model_validate({"require": ["sandboxing"]})


def test_every_layer_and_every_part_is_reported_in_order(proofs: dict[str, Proof]) -> None:
    assert list(proofs) == [*LAYERS, *ALWAYS]


def test_the_proofs_agree_with_what_the_sandbox_says(proofs: dict[str, Proof]) -> None:
    with Sandbox(Profile(entry_point="f"), require=()) as sandbox:
        active = {layer for layer, reason in sandbox.layers.items() if not reason}
    assert {layer for layer in LAYERS if proofs[layer].state is State.ACTIVE} == active


def test_nothing_that_is_put_on_fails_to_hold(proofs: dict[str, Proof]) -> None:
    assert not [found for found in proofs.values() if found.state is State.BROKEN]


def test_an_active_layer_is_shown_with_its_control(proofs: dict[str, Proof]) -> None:
    for layer in LAYERS:
        found = proofs[layer]
        if found.state is State.ACTIVE:
            assert "; without it: " in found.seen
            assert not found.reason or found.reason.startswith("cannot be told apart: ")
        else:
            assert found.reason
            assert found.mend
            assert found.seen == ""


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("language", ["line 3: ", "without it: opened"]),
        ("limits", ["memory limit", "without it: got 256 MiB"]),
        ("no_new_privs", ["set; ", "without it: not set"]),
        ("seccomp", ["forbidden (seccomp)", "without it: got a socket"]),
        ("landlock", ["EACCES", "without it: opened"]),
        ("namespaces", ["ENETUNREACH", "interfaces: lo;", "without it: sent"]),
        ("root", ["EROFS", "0 names in /;", "names in /"]),
        ("cgroup", ["a bounded group of its own, pids.max ", "memory.max ", "without it: no bounded group"]),
    ],
)
def test_what_a_layer_forbids_is_refused_under_it_alone(proofs: dict[str, Proof], layer: str, words: list[str]) -> None:
    found = proofs[layer]
    if found.state is not State.ACTIVE or found.reason:
        pytest.skip(f"{layer} is {found.state} here: {found.reason}")
    assert all(word in found.seen for word in words), found.seen


@pytest.mark.skipif(os.geteuid() != 0, reason="who is no root stays who they are")
def test_a_worker_of_roots_becomes_somebody_else_for_good(proofs: dict[str, Proof]) -> None:
    if proofs["user"].state is not State.ACTIVE:
        pytest.skip(f"root may not become anybody here: {proofs['user'].reason}")
    assert proofs["user"].seen == "Operation not permitted (EPERM), uid 65534; without it: uid 0"
    assert proofs["user"].reason == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root becomes somebody else")
def test_an_ordinary_users_worker_is_no_root_either_way(proofs: dict[str, Proof]) -> None:
    assert proofs["user"].state is State.ACTIVE
    assert proofs["user"].seen.startswith(f"Operation not permitted (EPERM), uid {os.getuid()}; ")
    assert proofs["user"].reason == "cannot be told apart: envrl runs as an ordinary user already"


@pytest.mark.parametrize(
    ("part", "seen"),
    [
        ("not dumpable", "not dumpable"),
        ("descriptors", "open: 3"),
        ("environment", "of the host's: nothing"),
        ("directory", "/"),
    ],
)
def test_what_is_always_on_holds(proofs: dict[str, Proof], part: str, seen: str) -> None:
    assert proofs[part].state is State.ALWAYS
    assert proofs[part].seen == seen


@pytest.mark.parametrize(
    ("group", "pids", "memory", "told"),
    [
        ("user/envrl-1", "2048", "8589934592", "a bounded group of its own, pids.max 2048, memory.max 8589934592"),
        ("user/envrl-1", "2048", "max", "no bounded group of its own, pids.max 2048"),
        ("user", "2048", "8589934592", "no bounded group of its own, pids.max 2048, memory.max 8589934592"),
        ("elsewhere", "", "", "no bounded group of its own"),
    ],
)
def test_a_control_group_is_one_of_the_workers_own_with_bounds(
    tmp_path: Path, group: str, pids: str, memory: str, told: str
) -> None:
    for name, path in (("self", "user"), ("7", group)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup").write_text(f"4:memory:/x\n0::/{path}\n")
    if pids:
        (tmp_path / "mount" / group).mkdir(parents=True)
        (tmp_path / "mount" / group / "pids.max").write_text(f"{pids}\n")
        (tmp_path / "mount" / group / "memory.max").write_text(f"{memory}\n")
    assert str(proof._look_at_group(7, (str(tmp_path / "mount"),), str(tmp_path))) == told


# proofs that fail


def trial(monkeypatch: pytest.MonkeyPatch, layer: str, body: str, **changes: Any) -> Proof:
    """The proof of a layer whose attempt is another one."""
    program = f"import os\ndef attempt(seen):\n    {body}\n"
    monkeypatch.setitem(proof._TRIALS, layer, proof._TRIALS[layer]._replace(program=program, **changes))
    return alone(layer)


def test_a_layer_that_does_not_forbid_what_it_should_is_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trial(monkeypatch, "no_new_privs", "return 'did it'")
    assert found.state is State.BROKEN
    assert found.seen == "did it; without it: did it"
    assert "SECURITY.md" in found.mend


def test_a_try_that_fails_without_the_layer_too_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trial(monkeypatch, "limits", "raise PermissionError(13, 'no')", refusal=errno.EACCES)
    assert found.state is State.ACTIVE
    assert found.reason == "cannot be told apart: the same without it"


def test_a_try_that_fails_for_another_reason_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trial(monkeypatch, "limits", "raise FileNotFoundError(2, 'no')", refusal=errno.EACCES)
    assert found.state is State.ACTIVE
    assert found.seen == "No such file or directory (ENOENT); without it: No such file or directory (ENOENT)"
    assert found.reason == "cannot be told apart: the try fails for another reason"


def test_a_part_that_is_always_on_and_is_not_is_a_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(proof._ALWAYS_TRIALS, "directory", proof._ALWAYS_TRIALS["directory"]._replace(refusal="/tmp"))
    found = alone("directory")
    assert (found.state, found.seen) == (State.BROKEN, "/")
    assert found.reason


class Lacking(Sandbox):
    """A sandbox on a machine without Landlock."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.layers = {**self.layers, "landlock": os.strerror(errno.ENOSYS)}


def test_a_layer_that_the_kernel_refuses_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "Sandbox", Lacking)
    monkeypatch.setattr(proof, "look", lambda: MACHINE)
    found = alone("landlock")
    assert (found.state, found.seen) == (State.NOT_AVAILABLE, "")
    assert found.reason == "Function not implemented"
    assert "CONFIG_SECURITY_LANDLOCK" in found.mend


def test_a_layer_under_which_no_worker_starts_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = proof._Answer(Outcome.INFRASTRUCTURE_ERROR, 0, "the worker could not put on its confinement")
    monkeypatch.setattr(proof, "_try", lambda *_: fault)
    found = alone("seccomp")
    assert (found.state, found.reason) == (State.NOT_AVAILABLE, fault.text)
    assert found.mend


def test_a_layer_under_which_no_zygote_starts_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    def bare_only(profile: Profile, *, layers: tuple[str, ...], require: tuple[str, ...]) -> Sandbox:
        if layers:
            raise SandboxError("it ended")
        return Sandbox(profile, layers=layers, require=require)

    monkeypatch.setattr(proof, "Sandbox", bare_only)
    monkeypatch.setattr(proof, "look", lambda: MACHINE)
    found = alone("namespaces")
    assert (found.state, found.reason) == (State.NOT_AVAILABLE, "it ended")


def test_without_any_sandbox_there_is_nothing_to_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Sandbox:
        raise SandboxError("no processes left")

    monkeypatch.setattr(proof, "Sandbox", refuse)
    with pytest.raises(SandboxError, match="no processes left"):
        prove()


# mends


def told(layer: str, code: int | str, machine: Machine) -> mending.Mend:
    return mend(layer, code if isinstance(code, str) else os.strerror(code), machine)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_has_a_mend_of_one_line_whatever_the_reason(layer: str) -> None:
    reasons = ["", "it ended", *map(os.strerror, (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EINVAL))]
    containers = ["", "docker", "podman", "kubernetes"]
    for root, container, reason in itertools.product((False, True), containers, reasons):
        text = mend(layer, reason, MACHINE._replace(root=root, container=container)).text
        assert text
        assert "\n" not in text


def test_landlock_that_the_boot_parameter_leaves_off_is_switched_off() -> None:
    found = told("landlock", errno.EOPNOTSUPP, MACHINE._replace(modules="capability,yama"))
    assert found.switched_off
    assert "lsm=landlock,capability,yama " in found.text


@pytest.mark.parametrize(
    ("code", "machine", "words"),
    [
        (errno.ENOSYS, MACHINE, "CONFIG_SECURITY_LANDLOCK=y"),
        (errno.ENOSYS, MACHINE._replace(gvisor=True), "gVisor has no Landlock"),
        (errno.EPERM, MACHINE._replace(container="docker"), "docker run --security-opt seccomp=unconfined"),
        (errno.EPERM, MACHINE._replace(container="kubernetes"), "seccompProfile: {type: Unconfined}"),
    ],
)
def test_landlock_that_is_not_there(code: int, machine: Machine, words: str) -> None:
    found = told("landlock", code, machine)
    assert not found.switched_off
    assert words in found.text


@pytest.mark.parametrize(
    ("switch", "value", "mended"),
    [
        ("kernel.unprivileged_userns_clone", "0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user.max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=15000"),
        (
            "kernel.apparmor_restrict_unprivileged_userns",
            "1",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; or give this interpreter an AppArmor",
        ),
    ],
)
def test_a_switch_that_forbids_user_namespaces_is_named(switch: str, value: str, mended: str) -> None:
    found = told("namespaces", errno.EPERM, MACHINE._replace(switches={switch: value}))
    assert found.switched_off
    assert found.text.startswith(mended)
    # Root needs no user namespace.
    assert not told("namespaces", errno.EPERM, ROOT._replace(switches={switch: value})).switched_off


@pytest.mark.parametrize(
    ("layer", "machine", "words"),
    [
        ("namespaces", ROOT._replace(container="docker"), ["docker run --cap-add SYS_ADMIN"]),
        ("namespaces", ROOT._replace(container="podman"), ["podman run --cap-add SYS_ADMIN"]),
        ("namespaces", ROOT._replace(container="kubernetes"), ["securityContext: {capabilities: {add: [SYS_ADMIN]}}"]),
        ("namespaces", MACHINE._replace(container="docker"), ["docker run --security-opt seccomp=unconfined"]),
        ("namespaces", MACHINE, ["seccomp=unconfined", "seccompProfile: {type: Unconfined}", "do without"]),
        ("root", MACHINE._replace(container="docker"), ["docker run --security-opt apparmor=unconfined"]),
        ("user", ROOT._replace(container="docker"), ["--user 1000:1000", "--cap-add SETUID --cap-add SETGID"]),
        ("user", ROOT._replace(container="kubernetes"), ["runAsNonRoot: true", "add: [SETUID, SETGID]"]),
        ("seccomp", MACHINE, ["seccomp=unconfined"]),
        ("cgroup", ROOT._replace(container="docker"), ["docker run --memory 8g --pids-limit 4096"]),
        ("cgroup", ROOT._replace(container="kubernetes"), ["resources: {limits: {memory: 8Gi}}"]),
        ("cgroup", ROOT, ["systemd-run --scope -p MemoryMax=8G"]),
        ("cgroup", MACHINE, ["systemd-run --user --scope -p MemoryMax=8G"]),
    ],
)
def test_what_a_container_must_permit_is_said_in_its_own_words(layer: str, machine: Machine, words: list[str]) -> None:
    text = told(layer, errno.EPERM, machine).text
    assert all(word in text for word in words), text


def test_a_kernel_that_lacks_something_is_named() -> None:
    assert "CONFIG_SECCOMP_FILTER" in told("seccomp", "no system call table for m68k", MACHINE).text
    assert "CONFIG_USER_NS" in told("namespaces", errno.EINVAL, MACHINE).text
    assert "user.max_user_namespaces" in told("namespaces", errno.ENOSPC, MACHINE).text
    assert "unified_cgroup_hierarchy=1" in told("cgroup", "no cgroup v2 is mounted", MACHINE).text
    assert "layer namespaces" in told("root", "needs the layer namespaces", MACHINE).text


def test_this_machine_is_looked_at() -> None:
    machine = look()
    assert machine.root is (os.geteuid() == 0)
    assert machine.container in ("", "docker", "podman", "kubernetes")


@pytest.mark.parametrize(
    ("release", "version", "gvisor"),
    [
        ("4.4.0", "#1 SMP Sun Jan 10 15:06:54 PST 2016", True),
        ("4.19.0-gvisor", "#1 SMP", True),
        ("6.8.0-45-generic", "#45-Ubuntu SMP PREEMPT_DYNAMIC", False),
    ],
)
def test_gvisor_is_known_by_its_version(
    monkeypatch: pytest.MonkeyPatch, release: str, version: str, gvisor: bool
) -> None:
    monkeypatch.setattr(mending.platform, "release", lambda: release)
    monkeypatch.setattr(mending.platform, "version", lambda: version)
    assert look().gvisor is gvisor


def test_a_pod_is_known_before_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert look().container == "kubernetes"
