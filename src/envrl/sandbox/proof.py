"""Proves each layer by trying, inside a worker under it alone, what it forbids; and once more without it.

The second try is the control: where it fails too, the first says nothing of the layer. What is always on (whatever the
layers) is tried once. The attempts are ours and run without the language policy: they stand for a program that has
broken out of it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from envrl.errors import SandboxError
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox.host import LAYERS, Sandbox
from envrl.sandbox.mending import look, mend
from envrl.sandbox.messages import Fault, Loaded, Played
from envrl.sandbox.profile import Profile

__all__ = ["ALWAYS", "Proof", "State", "prove"]


class State(StrEnum):
    """Whether a layer is in force."""

    ACTIVE = "active"
    """What it forbids was refused under it."""
    ALWAYS = "always"
    """Part of every worker, and it holds."""
    SWITCHED_OFF = "switched off"
    """This machine has it, and a switch of its kernel forbids it."""
    NOT_AVAILABLE = "not available"
    """This machine refuses it."""
    BROKEN = "does not hold"
    """It was put on, and what it forbids was done all the same: a hole."""


class Proof(NamedTuple):
    """What became of one layer, or of one part that is always on.

    Attributes:
        tried: the forbidden thing.
        seen: what came of it under the layer, and without it.
        reason: why the layer is not in force, in the kernel's words; of an active one, why the try proves nothing.
        mend: what would make it available.
    """

    layer: str
    state: State
    tried: str
    seen: str = ""
    reason: str = ""
    mend: str = ""


class _Answer(NamedTuple):
    """How a try ended: a fault of its worker, an error of the kernel's (0: it was done), words on it, and figures."""

    outcome: Outcome | None
    code: int
    text: str
    figures: str = ""

    def is_refusal(self, refusal: Outcome | int | str) -> bool:
        """Whether this is how the layer refuses: with an outcome, with an errno, or in words of the attempt's own."""
        return refusal in (self.outcome, self.code, self.text)

    @property
    def done(self) -> bool:
        """Nothing stopped the attempt."""
        return self.outcome is None and self.code == 0

    def __str__(self) -> str:
        error = f"{os.strerror(self.code)} ({errno.errorcode.get(self.code, self.code)})" if self.code else ""
        return ", ".join(part for part in (error, self.text, self.figures) if part)


class _Trial(NamedTuple):
    """One layer's proof.

    Attributes:
        tried: the forbidden thing, for people.
        program: defines ``attempt(seen)``, which gives words on what it has done; what it puts into ``seen`` is told
            with the kernel's error.
        refusal: what it meets under the layer: an outcome of the worker, an errno, or the words that it gives.
        needs: layers that this one stands on.
        alike: what it means when the try meets the same refusal without the layer.
        outside: looked at in the attempt's place: a process that is in the sandbox, by its number.
    """

    tried: str
    program: str
    refusal: Outcome | int | str
    needs: tuple[str, ...] = ()
    alike: str = "the same without it"
    outside: Callable[[int], _Answer] | None = None


_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
_BOUNDED = "a bounded group of its own"


def _look_at_group(pid: int, mounts: Sequence[str] = _GROUPS, proc: str = "/proc") -> _Answer:
    """Whether a process is in a control group of its own (cgroup v2) that has bounds; and these."""
    group, ours = (Path(f"{proc}/{name}/cgroup").read_text().rpartition("0::/")[2].strip() for name in (pid, "self"))
    found = []
    for name in ("pids.max", "memory.max"):
        values = [path.read_text().strip() for mount in mounts if (path := Path(mount, group, name)).exists()]
        found += [f"{name} {value}" for value in values if value != "max"]
    bounded = group != ours and len(found) == 2
    return _Answer(None, 0, _BOUNDED if bounded else "no bounded group of its own", ", ".join(found))


_MEMORY = 256 * 2**20
_ATTEMPT = """
def f(_):
    seen = []
    try:
        return [0, attempt(seen)]
    except OSError as error:
        return [error.errno, ", ".join(seen)]
"""
_TRIALS = {
    "language": _Trial(
        'a program that says open("/etc/passwd")',
        """
def attempt(seen):
    open("/etc/passwd").close()
    return "opened"
""",
        Outcome.VIOLATION,
    ),
    "limits": _Trial(
        "bytearray of 256 MiB",
        f"""
def attempt(seen):
    return f"got {{len(bytearray({_MEMORY})) >> 20}} MiB"
""",
        Outcome.MEMORY,
    ),
    "no_new_privs": _Trial(
        "prctl(PR_GET_NO_NEW_PRIVS)",
        """
import ctypes
def attempt(seen):
    return "set" if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 1 else "not set"
""",
        "set",
        alike="envrl itself was started with it",
    ),
    "seccomp": _Trial(
        "socket()",
        """
import socket
def attempt(seen):
    socket.socket().close()
    return "got a socket"
""",
        Outcome.VIOLATION,
        ("no_new_privs",),
    ),
    "landlock": _Trial(
        'os.open("/etc/passwd")',
        """
import os
def attempt(seen):
    os.close(os.open("/etc/passwd", os.O_RDONLY))
    return "opened"
""",
        errno.EACCES,
        ("no_new_privs",),
    ),
    "namespaces": _Trial(
        "a datagram to 127.0.0.1",
        """
import socket
def attempt(seen):
    seen.append("interfaces: " + ", ".join(name for _, name in socket.if_nameindex()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.sendto(b"", ("127.0.0.1", 9))
    return "sent, " + seen[0]
""",
        errno.ENETUNREACH,
        alike="this machine has no network either",
    ),
    "root": _Trial(
        'os.listdir("/"), os.mkdir("/envrl")',
        """
import os
def attempt(seen):
    seen.append(f"{len(os.listdir('/'))} names in /")
    if seen == ["0 names in /"]:
        os.mkdir("/envrl")
        os.rmdir("/envrl")
    return seen[0]
""",
        errno.EROFS,
        ("namespaces",),
    ),
    "cgroup": _Trial(
        "pids.max and memory.max of its group",
        "def attempt(seen): ...",
        _BOUNDED,
        outside=_look_at_group,
    ),
    "user": _Trial(
        "os.setuid(0)",
        """
import os
def attempt(seen):
    seen.append(f"uid {os.getuid()}")
    os.setuid(0)
    return f"uid {os.getuid()}"
""",
        errno.EPERM,
        alike="envrl runs as an ordinary user already",
    ),
}
_ALWAYS_TRIALS = {
    "not dumpable": _Trial(
        "prctl(PR_GET_DUMPABLE)",
        """
import ctypes
def attempt(seen):
    return "not dumpable" if ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0 else "dumpable"
""",
        "not dumpable",
    ),
    "descriptors": _Trial(
        "os.fstat of the numbers 0 to 4095",
        """
import os
def attempt(seen):
    for number in range(4096):
        try:
            os.fstat(number)
        except OSError:
            continue
        seen.append(str(number))
    return "open: " + ", ".join(seen)
""",
        "open: 3",
    ),
    "environment": _Trial(
        "os.environ",
        """
import os
def attempt(seen):
    ours = {"PYTHONHASHSEED", "LC_ALL", "LC_CTYPE", "OPENBLAS_NUM_THREADS"}
    return "of the host's: " + (", ".join(sorted(set(os.environ) - ours)) or "nothing")
""",
        "of the host's: nothing",
    ),
    "directory": _Trial(
        "os.getcwd()",
        """
import os
def attempt(seen):
    return os.getcwd()
""",
        "/",
    ),
}
ALWAYS = tuple(_ALWAYS_TRIALS)
"""Names of the parts that every worker has, whatever its layers."""

# What the attempts import has to be there before the walls go up.
_PROFILE = Profile(entry_point="f", tables="import ctypes, os, socket")
_LIMITS = Limits(load_cpu=1.0, call_cpu=2.0, game_cpu=2.0, memory=_MEMORY // 8)
_HOLE = "report it as SECURITY.md says, with this output"


def prove(names: Sequence[str] = (*LAYERS, *ALWAYS)) -> list[Proof]:
    """Proves layers, and parts that are always on, by trying what they forbid.

    Raises:
        SandboxError: no program can be run here at all.
    """
    with Sandbox(_PROFILE, layers=(), require=()) as bare:
        return [_prove_part(name, bare) if name in ALWAYS else _prove_layer(name, bare) for name in names]


def _prove_part(name: str, bare: Sandbox) -> Proof:
    trial = _ALWAYS_TRIALS[name]
    answer = _try(trial, bare)
    if answer.is_refusal(trial.refusal):
        return Proof(name, State.ALWAYS, trial.tried, str(answer))
    return Proof(name, State.BROKEN, trial.tried, str(answer), f"not {trial.refusal!r}", _HOLE)


def _prove_layer(layer: str, bare: Sandbox) -> Proof:
    trial = _TRIALS[layer]
    reason, answer = _try_under(layer, trial)
    if answer is None:
        help_ = mend(layer, reason, look())
        state = State.SWITCHED_OFF if help_.switched_off else State.NOT_AVAILABLE
        return Proof(layer, state, trial.tried, reason=reason, mend=help_.text)
    control = _try(trial, bare)
    seen = f"{answer}; without it: {control}"
    if answer.done and not answer.is_refusal(trial.refusal):
        return Proof(layer, State.BROKEN, trial.tried, seen, "it is put on, and does not forbid this", _HOLE)
    reason = ""
    if control.is_refusal(trial.refusal):
        reason = f"cannot be told apart: {trial.alike}"
    elif not (answer.is_refusal(trial.refusal) and control.done):
        reason = "cannot be told apart: the try fails for another reason"
    return Proof(layer, State.ACTIVE, trial.tried, seen, reason)


def _try_under(layer: str, trial: _Trial) -> tuple[str, _Answer | None]:
    """Why the layer cannot be put on, or what the attempt came to under it."""
    try:
        with Sandbox(_PROFILE, layers=(*trial.needs, layer), require=()) as sandbox:
            if reason := sandbox.layers[layer]:
                return reason, None
            answer = _try(trial, sandbox)
    except SandboxError as error:
        return str(error), None
    if answer.outcome is Outcome.INFRASTRUCTURE_ERROR:
        return answer.text, None
    return "", answer


def _try(trial: _Trial, sandbox: Sandbox) -> _Answer:
    program = sandbox.load((trial.program + _ATTEMPT).encode(), _LIMITS)
    try:
        ((_, reply),) = sandbox.collect()
        if isinstance(reply, Loaded):
            if trial.outside is not None:
                return trial.outside(sandbox.pids()[-1])
            program.play([(0, b"")], [(0, 0)])
            ((_, reply),) = sandbox.collect()
        value: Any = reply.values[0] if isinstance(reply, Played) else reply
    finally:
        program.close()
    if isinstance(value, Fault):
        return _Answer(value.outcome, 0, value.detail)
    code, text = value
    return _Answer(None, code, text)
