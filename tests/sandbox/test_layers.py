"""Each of the kernel's layers alone: the forbidden thing is tried inside a worker, and once more without the layer.

The attacks come in as tables, which are ours and may do anything: what a program would do that has broken out of the
language and of the interpreter.
"""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import LAYERS, Fault, Loaded, Played, Profile, Sandbox, active_layers
from envrl.sandbox.inside.layers import seccomp
from envrl.sandbox.inside.layers.kernel import MACHINE

ATTACKS = r"""
import ctypes, mmap, os, resource, signal, socket, sys, time
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace, LIBC.mount, LIBC.unshare, LIBC.shmget, LIBC.syscall, LIBC.madvise
PARENT, FUTEX = os.getpid(), {"x86_64": 202, "aarch64": 98}[os.uname().machine]  # this is run by the zygote

def call(name, *args):
    result = getattr(LIBC, name)(*args)
    return result if result >= 0 else -ctypes.get_errno()

def child():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "done"

def connect(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.settimeout(1)
        s.connect((host, port))

def send(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", (host, port))

def bind():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))

def spend():
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    while True:
        pass

def open_many():
    return [os.open("/", os.O_RDONLY) for _ in range(8)] and "done"

def executable():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)

class Span(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]

PAGE = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

def futex(operation):
    word = ctypes.c_int.from_buffer(PAGE)
    return call("syscall", FUTEX, ctypes.byref(word), operation, 0, ctypes.byref(Span(0, 1000)), None, 0)

def advise(advice):
    return call("madvise", ctypes.byref(ctypes.c_char.from_buffer(PAGE)), ctypes.c_size_t(4096), advice)

TRIES = {
    "clock of another": lambda: time.clock_gettime(~PARENT << 3 | 2),
    "clock of its own": lambda: time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) > 0,
    "shared futex": lambda: futex(0),
    "futex with a swap": lambda: futex(128 | 4),
    "private futex": lambda: futex(128 | 1),
    "memory paged out": lambda: advise(21),
    "memory given back": lambda: advise(4),
    "shared mapping": lambda: mmap.mmap(-1, 4096, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS).close(),
    "private mapping": lambda: mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close(),
    "huge page": lambda: mmap.mmap(-1, 2**21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000).close(),
    "yield": lambda: os.sched_yield(),
    "nothing": lambda: "done",
    "open": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
    "list": lambda: os.listdir("/"),
    "directory": lambda: os.getcwd(),
    "make in root": lambda: os.mkdir("/envrl-attack") or os.rmdir("/envrl-attack"),
    "make": lambda: os.mkdir("/tmp/envrl-attack-%d" % os.getpid()) or os.rmdir("/tmp/envrl-attack-%d" % os.getpid()),
    "environment": lambda: sorted(k for k in os.environ),
    "uid": lambda: [os.getuid(), os.geteuid(), os.getgid(), os.getegid(), len(os.getgroups())],
    "setuid": lambda: os.setuid(0),
    "pid": lambda: os.getpid(),
    "interfaces": lambda: len(socket.if_nameindex()),
    "connect": lambda: connect("127.0.0.1", 9),
    "send": lambda: send("192.0.2.1", 9),
    "bind": bind,
    "fork": child,
    "execve": lambda: os.execv("/bin/true", ["true"]),
    "socket": lambda: socket.socket().close(),
    "socketpair": lambda: [s.close() for s in socket.socketpair()] and None,
    "kill": lambda: os.kill(os.getppid(), 0),
    "abort": lambda: os.abort(),
    "ptrace": lambda: call("ptrace", 16, os.getppid(), 0, 0),
    "unshare": lambda: call("unshare", 0x10000000),
    "shmget": lambda: call("shmget", 0, 4096, 0o600),
    "io_uring": lambda: call("syscall", 425, 1, 0),
    "memfd": lambda: os.close(os.memfd_create("x")),
    "sleep": lambda: time.sleep(0.001),
    "executable memory": executable,
    "raise limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    "memory": lambda: len(bytearray(2**28)),
    "shared memory": lambda: mmap.mmap(-1, 2**28, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS).close(),
    "descriptors": open_many,
    "spend": spend,
    "dumpable": lambda: call("prctl", 3, 0, 0, 0, 0),
    "no_new_privs": lambda: call("prctl", 39, 0, 0, 0, 0),
    "inherited descriptors": lambda: os.listdir("/proc/self/fd"),
}

def TRY(name):
    try:
        return TRIES[name]()
    except OSError as error:
        return -(error.errno or 0)
    except MemoryError:
        return "no memory"
"""

LIMITS = Limits(load_cpu=1.0, call_cpu=2.0, game_cpu=2.0, grace_cpu=0.1, memory=32 * 2**20)
Try = Callable[..., Any]


@pytest.fixture(scope="module")
def attempt() -> Iterator[Try]:
    """Tries something in a worker under the layers that are named: gives what came of it, or the worker's fault."""
    sandboxes: dict[tuple[str, ...], Sandbox] = {}

    def bound(what: str, *layers: str) -> Any:
        if layers not in sandboxes:
            profile = Profile(entry_point="f", tables=ATTACKS, toolkit="def attempt(name): return TRY(name)")
            sandboxes[layers] = Sandbox(profile, layers=layers, require=())
        sandbox = sandboxes[layers]
        missing = {layer: sandbox.layers[layer] for layer in layers if sandbox.layers[layer]}
        if missing:
            pytest.skip(f"this machine lacks {missing}")
        program = sandbox.load(b"def f(x): return [attempt(str(x)[2:-1])]", LIMITS)
        ((_, reply),) = sandbox.collect(60)
        assert isinstance(reply, Loaded), reply
        program.play([(0, what.encode())], [(0, 1)])
        ((_, reply),) = sandbox.collect(60)
        program.close()
        if isinstance(reply, Played):
            (value,) = reply.values
            return value if isinstance(value, Fault) else value[0]
        return reply

    yield bound
    for sandbox in sandboxes.values():
        sandbox.close()


SECCOMP = ("no_new_privs", "seccomp")
LANDLOCK = ("no_new_privs", "landlock")

KILLED = ["execve", "socket", "socketpair", "fork", "kill", "ptrace", "unshare", "shmget", "io_uring", "memfd",
          "executable memory", "raise limits", "setuid"]  # fmt: skip


@pytest.mark.parametrize("what", KILLED)
def test_seccomp_alone_ends_the_worker_that_makes_an_attackers_call(attempt: Try, what: str) -> None:
    fault = attempt(what, *SECCOMP)
    assert isinstance(fault, Fault), fault
    assert fault.outcome is Outcome.VIOLATION
    assert "seccomp" in fault.detail


@pytest.mark.parametrize("what", ["open", "list", "make", "sleep", "dumpable", "no_new_privs"])
def test_seccomp_alone_refuses_what_is_not_on_its_list(attempt: Try, what: str) -> None:
    assert attempt(what, *SECCOMP) == -errno.EPERM


REACHING_FURTHER = [
    "clock of another", "shared futex", "futex with a swap", "memory paged out", "shared mapping", "huge page", "yield",
]  # fmt: skip


@pytest.mark.parametrize("what", REACHING_FURTHER)
def test_seccomp_alone_refuses_arguments_that_reach_further(attempt: Try, what: str) -> None:
    assert attempt(what, *SECCOMP) == -errno.EPERM


@pytest.mark.parametrize(
    ("what", "value"),
    [("clock of its own", True), ("private futex", 0), ("memory given back", 0), ("private mapping", None)],
)
def test_seccomp_alone_allows_the_same_calls_to_the_interpreter(attempt: Try, what: str, value: object) -> None:
    assert attempt(what, *SECCOMP) == value


def test_another_process_has_a_clock_that_only_seccomp_hides(attempt: Try) -> None:
    assert type(attempt("clock of another", *LANDLOCK)) is float


def test_seccomp_alone_leaves_an_abort_a_crash(attempt: Try) -> None:
    assert attempt("abort", *SECCOMP).outcome is Outcome.CRASH


@pytest.mark.parametrize("what", ["open", "list", "make"])
def test_landlock_alone_closes_the_file_system(attempt: Try, what: str) -> None:
    assert attempt(what, *LANDLOCK) == -errno.EACCES


@pytest.mark.parametrize(("what", "abi"), [("connect", 4), ("bind", 4), ("kill", 6)])
def test_landlock_alone_refuses_tcp_and_signals(attempt: Try, what: str, abi: int) -> None:
    from envrl.sandbox.inside.layers import landlock

    attempt("nothing", *LANDLOCK)
    if landlock.abi() < abi:
        pytest.skip(f"Landlock {landlock.abi()} covers less")
    assert attempt(what, *LANDLOCK) in (-errno.EACCES, -errno.EPERM)


def test_limits_alone_bound_memory(attempt: Try) -> None:
    assert attempt("memory", "limits") == "no memory"


def test_limits_alone_bound_shared_mappings_too(attempt: Try) -> None:
    assert attempt("shared memory", "limits") == -errno.ENOMEM


def test_limits_alone_let_no_descriptor_be_opened(attempt: Try) -> None:
    assert attempt("open", "limits") == -errno.EMFILE


def test_limits_and_an_ordinary_user_let_no_process_be_made(attempt: Try) -> None:
    assert attempt("fork", "limits", "user") == -errno.EAGAIN


def test_limits_alone_end_a_worker_that_switched_its_timers_off(attempt: Try) -> None:
    fault = attempt("spend", "limits")
    assert (fault.outcome, fault.detail) == (Outcome.TIMEOUT, "used up the CPU budget of its worker")


@pytest.mark.skipif(os.geteuid() != 0, reason="who is no root stays who they are")
def test_the_user_layer_alone_makes_root_nobody(attempt: Try) -> None:
    assert attempt("uid", "user") == [65534] * 4 + [0]


@pytest.mark.skipif(os.geteuid() != 0, reason="who is no root stays who they are")
def test_the_user_layer_alone_gives_no_way_back(attempt: Try) -> None:
    assert attempt("setuid", "user") == -errno.EPERM


def test_no_new_privs_alone_is_set(attempt: Try) -> None:
    assert attempt("no_new_privs", "no_new_privs") == 1


def test_namespaces_alone_leave_no_network(attempt: Try) -> None:
    assert attempt("send", "namespaces") == -errno.ENETUNREACH


def test_namespaces_alone_number_processes_anew(attempt: Try) -> None:
    # Workers die and are born all the time, but not so many here.
    assert attempt("pid", "namespaces") < 100


def test_the_root_layer_leaves_an_empty_file_system(attempt: Try) -> None:
    assert attempt("list", "namespaces", "root") == []
    assert attempt("open", "namespaces", "root") == -errno.ENOENT
    assert attempt("directory", "namespaces", "root") == "/"
    assert attempt("make in root", "namespaces", "root") == -errno.EROFS


def test_the_root_layer_wants_namespaces() -> None:
    with Sandbox(Profile(entry_point="f"), layers=["root"], require=()) as sandbox:
        assert sandbox.layers["root"] == "needs the layer namespaces"


@pytest.mark.parametrize(
    ("what", "result"),
    [("open", None), ("fork", "done"), ("socket", None), ("kill", None), ("memory", 2**28), ("descriptors", "done"),
     ("executable memory", None), ("shared memory", None), ("memfd", None)],
)  # fmt: skip
def test_without_any_layer_the_attacks_would_work(attempt: Try, what: str, result: object) -> None:
    assert attempt(what) == result


def test_workers_are_not_dumpable_whatever_the_layers(attempt: Try) -> None:
    assert attempt("dumpable") == 0


def test_workers_inherit_nothing_but_their_socket(attempt: Try) -> None:
    # 3 is the socket; one more is that of the listing itself.
    assert len(attempt("inherited descriptors")) <= 2


def test_workers_know_nothing_of_the_hosts_environment(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(attempt("environment")) <= {"PYTHONHASHSEED", "LC_ALL", "OPENBLAS_NUM_THREADS", "LC_CTYPE"}


@pytest.mark.parametrize("what", [*KILLED, "open", "list", "make", "memory", "shared memory", "descriptors", "sleep"])
def test_under_all_layers_no_attack_works(attempt: Try, what: str) -> None:
    # A control group forbids none of these, and few machines let us make one.
    result = attempt(what, *(layer for layer in LAYERS if layer != "cgroup"))
    refused = result == "no memory" or (isinstance(result, int) and result < 0)
    assert refused or (isinstance(result, Fault) and result.outcome is Outcome.VIOLATION)


def test_layers_that_were_not_asked_for_are_reported_as_missing() -> None:
    with Sandbox(Profile(entry_point="f"), layers=("limits",), require=()) as sandbox:
        missing = {layer: reason for layer, reason in sandbox.layers.items() if reason}
    assert missing == dict.fromkeys(set(LAYERS) - {"limits"}, "switched off")


def test_layers_in_force_are_told_in_their_order() -> None:
    assert active_layers({"seccomp": "", "limits": "", "landlock": "ENOSYS"}) == ("limits", "seccomp")
    assert active_layers({}) == ()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_filter_is_whole_instructions_and_ends_in_a_verdict(machine: str) -> None:
    program = seccomp.build(machine)
    assert len(program) % 8 == 0
    assert program[-8:-6] == b"\x06\x00"  # BPF_RET


def test_a_machine_without_a_table_is_named() -> None:
    with pytest.raises(OSError, match=re.escape("m68k")):
        seccomp.build("m68k")


def test_this_machine_has_a_table() -> None:
    assert seccomp.build(MACHINE)


def test_the_signal_of_seccomp_is_that_of_a_violation() -> None:
    from envrl.sandbox.host import _fault_of_signal

    assert _fault_of_signal(signal.SIGSYS).outcome is Outcome.VIOLATION


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    from envrl.sandbox.host import _fault_of_signal

    number = signal.SIGRTMIN + 1
    assert _fault_of_signal(number) == Fault(Outcome.CRASH, f"the worker was ended by signal {number}")
