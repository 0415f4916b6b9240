"""What would make a missing layer available here: told from the kernel's reason and from what this machine shows."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["Machine", "Mend", "look", "mend"]

_SWITCHES = {
    "kernel.unprivileged_userns_clone": ("0", "1"),
    "user.max_user_namespaces": ("0", "15000"),
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),
}
"""Kernel switches that forbid user namespaces to ordinary users: the value that does, and one that does not."""
_UNCONFINED = ("--security-opt seccomp=unconfined", "securityContext: {seccompProfile: {type: Unconfined}}")
_GVISOR_BUILD = "Sun Jan 10 15:06:54 PST 2016"  # every gVisor says so, whatever Linux it poses as


class Machine(NamedTuple):
    """What decides which layers a machine offers.

    Attributes:
        root: this process is root.
        container: "docker", "podman" or "kubernetes"; "" where none shows.
        gvisor: the kernel is gVisor.
        switches: values of those kernel switches that are there.
        modules: the security modules in use, comma-separated; "" where they do not show.
    """

    root: bool
    container: str
    gvisor: bool
    switches: Mapping[str, str]
    modules: str


class Mend(NamedTuple):
    """What would help; ``switched_off`` where the machine has the layer and a switch of its kernel forbids it."""

    text: str
    switched_off: bool = False


def look() -> Machine:
    """Looks at this machine."""
    values = {name: _read(f"/proc/sys/{name.replace('.', '/')}") for name in _SWITCHES}
    return Machine(
        root=os.geteuid() == 0,
        container=_container(),
        gvisor="gvisor" in platform.release() or _GVISOR_BUILD in platform.version(),
        switches={name: value for name, value in values.items() if value},
        modules=_read("/sys/kernel/security/lsm"),
    )


def mend(layer: str, reason: str, machine: Machine) -> Mend:
    """What would make ``layer`` available, which ``machine`` refuses for ``reason``."""
    return _MENDS[layer](reason, machine)


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _container() -> str:
    # A pod's container is Docker's or another's too: what Kubernetes permits is written elsewhere.
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    if Path("/run/.containerenv").exists():
        return "podman"
    return "docker" if Path("/.dockerenv").exists() else ""


def _container_set(machine: Machine, flags: str, manifest: str) -> str:
    """A container's settings: in the words of its kind, or of all kinds where that is unknown."""
    if machine.container == "kubernetes":
        return manifest
    if machine.container:
        return f"{machine.container} run {flags}"
    return f"in a container: docker (or podman) run {flags}; in Kubernetes: {manifest}"


def _is(reason: str, *codes: int) -> bool:
    return reason in map(os.strerror, codes)


def _always_there(reason: str, machine: Machine) -> Mend:
    return Mend("nothing outside envrl forbids this layer: report it, with the output of envrl doctor --sandbox")


def _no_new_privs(reason: str, machine: Machine) -> Mend:
    return Mend("needs Linux 3.5 or newer")


def _seccomp(reason: str, machine: Machine) -> Mend:
    if _is(reason, errno.EPERM, errno.EACCES):
        return Mend(_container_set(machine, *_UNCONFINED))
    return Mend("needs Linux on x86-64 or aarch64, built with CONFIG_SECCOMP_FILTER=y")


def _landlock(reason: str, machine: Machine) -> Mend:
    if machine.gvisor:
        return Mend("gVisor has no Landlock, and needs none to confine this container: do without it")
    if _is(reason, errno.EOPNOTSUPP):
        others = f",{machine.modules}" if machine.modules else ",<those in use now>"
        return Mend(f"boot the kernel with lsm=landlock{others} (it was built with Landlock and leaves it off)", True)
    if _is(reason, errno.EPERM, errno.EACCES):
        flags = _container_set(machine, *_UNCONFINED)
        return Mend(f"use Docker 23, Podman 4.2 or newer, whose profiles permit it; or {flags}")
    return Mend("needs Linux 5.13 or newer, built with CONFIG_SECURITY_LANDLOCK=y and landlock among CONFIG_LSM")


def _namespaces(reason: str, machine: Machine) -> Mend:
    if machine.root:
        flags = _container_set(machine, "--cap-add SYS_ADMIN", "securityContext: {capabilities: {add: [SYS_ADMIN]}}")
        return Mend(f"{flags}; or do without: seccomp, limits and Landlock carry the load")
    for name, (forbids, permits) in _SWITCHES.items():
        if machine.switches.get(name) == forbids:
            profile = "; or give this interpreter an AppArmor profile with the rule 'userns,'"
            return Mend(f"sudo sysctl -w {name}={permits}{profile if 'apparmor' in name else ''}", True)
    if _is(reason, errno.ENOSPC):
        return Mend("all user namespaces are taken: raise user.max_user_namespaces with sysctl")
    if _is(reason, errno.EINVAL, errno.ENOSYS):
        return Mend(
            "needs a kernel built with CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS, CONFIG_IPC_NS, CONFIG_UTS_NS"
        )
    flags = _container_set(machine, *_UNCONFINED)
    return Mend(f"{flags}; or do without: seccomp, limits and Landlock carry the load")


def _root(reason: str, machine: Machine) -> Mend:
    if not _is(reason, errno.EPERM, errno.EACCES):
        return Mend("stands on the layer namespaces: make that available")
    flags = _container_set(
        machine, "--security-opt apparmor=unconfined", "securityContext: {appArmorProfile: {type: Unconfined}}"
    )
    return Mend(f"namespaces are there, but AppArmor or SELinux forbids to mount: {flags}; or do without")


def _user(reason: str, machine: Machine) -> Mend:
    flags = _container_set(machine, "--user 1000:1000", "securityContext: {runAsNonRoot: true, runAsUser: 1000}")
    more = _container_set(
        machine, "--cap-add SETUID --cap-add SETGID", "securityContext: {capabilities: {add: [SETUID, SETGID]}}"
    )
    return Mend(f"run envrl as an ordinary user: {flags}; or let root become one: {more}")


def _cgroup(reason: str, machine: Machine) -> Mend:
    outside = f"systemd-run {'' if machine.root else '--user '}--scope -p MemoryMax=8G -p TasksMax=4096 envrl …"
    if machine.container:
        flags = "--memory 8g --pids-limit 4096"
        outside = _container_set(machine, flags, "resources: {limits: {memory: 8Gi}}")
    if "cgroup v2" in reason:
        return Mend(f"boot with systemd.unified_cgroup_hierarchy=1, for cgroup v2; or bound all of envrl: {outside}")
    return Mend(f"bound all of envrl from outside: {outside}; or do without: limits bound each worker")


_MENDS: dict[str, Callable[[str, Machine], Mend]] = {
    "language": _always_there,
    "limits": _always_there,
    "no_new_privs": _no_new_privs,
    "seccomp": _seccomp,
    "landlock": _landlock,
    "namespaces": _namespaces,
    "root": _root,
    "cgroup": _cgroup,
    "user": _user,
}
