"""Host: the kernel's doors to other processes, to the machine, and to more rights than the worker has."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "host-trace-victim",
        "becomes the debugger of another process",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    # Unlike PTRACE_ATTACH, this stops nothing, and ends with the worker.
    seize = 0x4206
    nothing = ctypes.c_void_p(0)
    return "$breach" if libc.ptrace(seize, $victim, nothing, nothing) == 0 else $action
""",
    ),
    Specimen(
        "host-traced-by-parent",
        "makes its parent its debugger, which stops the worker at each of its signals",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    trace_me = 0
    nothing = ctypes.c_void_p(0)
    return "$breach" if libc.ptrace(trace_me, 0, nothing, nothing) == 0 else $action
""",
    ),
    Specimen(
        "host-read-memory-of-parent",
        "reads its parent's memory, which is laid out like its own",
        """\
import ctypes, os

class Part(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.process_vm_readv.restype = ctypes.c_ssize_t
    buffer = ctypes.create_string_buffer(64)
    here, there = Part(ctypes.addressof(buffer), 64), Part(id(os.name), 64)
    one, flags = ctypes.c_ulong(1), ctypes.c_ulong(0)
    got = libc.process_vm_readv(os.getppid(), ctypes.byref(here), one, ctypes.byref(there), one, flags)
    return "$breach" if got > 0 else $action
""",
    ),
    Specimen(
        "host-write-memory-of-parent",
        "writes into its parent's memory (what stands there already)",
        """\
import ctypes, os

class Part(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.process_vm_writev.restype = ctypes.c_ssize_t
    # The letters of a constant, which parent and child have in common.
    letters = os.name.encode()
    buffer = ctypes.create_string_buffer(letters)
    end = id(os.name) + os.name.__sizeof__() - 1
    here, there = Part(ctypes.addressof(buffer), len(letters)), Part(end - len(letters), len(letters))
    if ctypes.string_at(there.start, there.size) != letters:
        return $action
    one, flags = ctypes.c_ulong(1), ctypes.c_ulong(0)
    got = libc.process_vm_writev(os.getppid(), ctypes.byref(here), one, ctypes.byref(there), one, flags)
    return "$breach" if got > 0 else $action
""",
    ),
    Specimen(
        "host-memory-file-of-parent",
        "opens its parent's memory as a file",
        """\
import os

def $entry(*args):
    try:
        with open("/proc/self/stat") as file:
            parent = file.read().rpartition(")")[2].split()[1]
        descriptor = os.open(f"/proc/{parent}/mem", os.O_RDONLY)
        got = os.pread(descriptor, 64, id(os.name))
    except Exception:
        return $action
    return "$breach" if got else $action
""",
    ),
    Specimen(
        "host-kill-victim",
        "kills another process of its user",
        """\
import os, signal

def $entry(*args):
    try:
        os.kill($victim, signal.SIGTERM)
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "host-kill-by-descriptor",
        "signals another process by a descriptor of it",
        """\
import os, signal

def $entry(*args):
    try:
        victim = os.pidfd_open($victim)
        signal.pidfd_send_signal(victim, signal.SIGTERM)
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "host-kill-by-queue",
        "signals another process by a queued signal",
        """\
import ctypes, signal

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    sent = libc.sigqueue($victim, int(signal.SIGTERM), ctypes.c_void_p(0))
    return "$breach" if sent == 0 else $action
""",
    ),
    Specimen(
        "host-kill-by-thread",
        "signals the thread of another process, by a call that is meant for its own",
        """\
import ctypes, platform, signal

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 131 if platform.machine() == "aarch64" else 234
    sent = libc.syscall(number, $victim, $victim, int(signal.SIGTERM))
    return "$breach" if sent == 0 else $action
""",
    ),
    Specimen(
        "host-signal-by-ownership",
        "has the kernel signal another process, as the owner of a pipe",
        """\
import fcntl, os, signal

def $entry(*args):
    try:
        out, into = os.pipe()
        fcntl.fcntl(out, fcntl.F_SETOWN, $victim)
        fcntl.fcntl(out, fcntl.F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(out, fcntl.F_SETFL, os.O_ASYNC)
        os.write(into, b"x")
    except Exception:
        pass
    # Where the signal is held back, nothing says so: the victim will show it.
    return $action
""",
    ),
    Specimen(
        "host-steal-descriptor",
        "takes a descriptor out of another process",
        """\
import ctypes, os

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        victim = os.pidfd_open($victim)
    except Exception:
        return $action
    return "$breach" if any(libc.syscall(438, victim, number, 0) >= 0 for number in range(3)) else $action
""",
    ),
    Specimen(
        "host-slow-victim",
        "takes the CPU from another process: lowest priority, and one core only",
        """\
import os

def $entry(*args):
    done = False
    try:
        os.setpriority(os.PRIO_PROCESS, $victim, 19)
        done = True
    except Exception:
        pass
    try:
        os.sched_setaffinity($victim, {min(os.sched_getaffinity($victim))})
        done = True
    except Exception:
        pass
    return "$breach" if done else $action
""",
    ),
    Specimen(
        "host-limit-victim",
        "sets a limit of another process",
        """\
import resource

def $entry(*args):
    try:
        soft, hard = resource.prlimit($victim, resource.RLIMIT_CORE)
        resource.prlimit($victim, resource.RLIMIT_CORE, (0, hard))
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "host-raise-limits",
        "raises its own limits",
        """\
import resource

def $entry(*args):
    endless = resource.RLIM_INFINITY
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_MEMLOCK):
        try:
            soft, hard = resource.getrlimit(kind)
            if hard != endless:
                resource.setrlimit(kind, (hard + 1, hard + 1))
                return "$breach"
        except Exception:
            continue
    return $action
""",
    ),
    Specimen(
        "host-raise-priority",
        "undoes its low place in the scheduler, so that it takes the core from its host",
        """\
import os

def $entry(*args):
    try:
        before = os.sched_getscheduler(0)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        after = os.sched_getscheduler(0)
    except Exception:
        return $action
    return "$breach" if before != after else $action
""",
    ),
    Specimen(
        "host-shared-memory",
        "leaves a segment of System V shared memory to others",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    create = 0o1000
    # Whether this reached the host, or only a namespace, is to be seen there.
    libc.shmget($shm, ctypes.c_size_t(4096), create | 0o666)
    return $action
""",
    ),
    Specimen(
        "host-semaphore",
        "leaves a System V semaphore to others",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    create = 0o1000
    libc.semget($shm, 1, create | 0o666)
    return $action
""",
    ),
    Specimen(
        "host-message-queue",
        "leaves a message in a System V queue to others",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    create = 0o1000
    queue = libc.msgget($shm, create | 0o666)
    message = ctypes.create_string_buffer((1).to_bytes(8, "little") + b"$marker")
    libc.msgsnd(queue, message, ctypes.c_size_t(len("$marker")), 0)
    return $action
""",
    ),
    Specimen(
        "host-posix-queue",
        "opens a POSIX message queue, which is no file and no socket",
        """\
import ctypes, os

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = ctypes.c_void_p(0)
    queue = libc.mq_open(b"/$marker", os.O_CREAT | os.O_RDWR, 0o600, nothing)
    if queue < 0:
        return $action
    libc.mq_unlink(b"/$marker")
    return "$breach"
""",
    ),
    Specimen(
        "host-keyring",
        "keeps a word in the kernel's keyring, where a later process may find it",
        """\
import ctypes, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 217 if platform.machine() == "aarch64" else 248
    of_process = ctypes.c_int(-2)
    key = libc.syscall(number, b"user", b"$marker", b"word", ctypes.c_size_t(4), of_process)
    return "$breach" if key > 0 else $action
""",
    ),
    Specimen(
        "host-page-faults",
        "asks to handle its own page faults, with which many holes in the kernel were used",
        """\
import ctypes, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 282 if platform.machine() == "aarch64" else 323
    of_user_only = 1
    return "$breach" if libc.syscall(number, of_user_only) >= 0 else $action
""",
    ),
    Specimen(
        "host-user-namespace",
        "becomes root of a user namespace of its own",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    new_user = 0x10000000
    return "$breach" if libc.unshare(new_user) == 0 else $action
""",
    ),
    Specimen(
        "host-host-namespace",
        "goes over to the network of the process that its host was started from",
        """\
import ctypes, os

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    above = ["self"]
    try:
        while above[-1] != "0":
            with open(f"/proc/{above[-1]}/stat") as file:
                above.append(file.read().rpartition(")")[2].split()[1])
    except Exception:
        pass
    # The host is the third or fourth; the nearer ones may share the worker's network.
    for number in above[:2:-1]:
        try:
            network = os.open(f"/proc/{number}/ns/net", os.O_RDONLY)
        except Exception:
            continue
        return "$breach" if libc.setns(network, 0) == 0 else $action
    return $action
""",
    ),
    Specimen(
        "host-kernel-program",
        "makes a table for programs that run in the kernel",
        """\
import ctypes, platform, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 280 if platform.machine() == "aarch64" else 321
    create, array = 0, 2
    wanted = struct.pack("<5I", array, 4, 4, 1, 0)
    return "$breach" if libc.syscall(number, create, wanted, len(wanted)) >= 0 else $action
""",
    ),
    Specimen(
        "host-performance-counter",
        "opens a counter of the processor, which measures what neighbours do",
        """\
import ctypes, platform, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 241 if platform.machine() == "aarch64" else 298
    software, size = 1, 64
    wanted = struct.pack("<II", software, size).ljust(size, bytes(1))
    nobody = ctypes.c_int(-1)
    return "$breach" if libc.syscall(number, wanted, 0, nobody, nobody, 0) >= 0 else $action
""",
    ),
    Specimen(
        "host-mount",
        "mounts a file system of its own over a folder",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"$folder", b"tmpfs", ctypes.c_ulong(0), None) != 0:
        return $action
    lazily = 2
    libc.umount2(b"$folder", lazily)
    return "$breach"
""",
    ),
    Specimen(
        "host-chroot",
        "makes a folder its root, the first step of a known way out of a jail",
        """\
import os

def $entry(*args):
    try:
        os.chroot("$folder")
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "host-become-root",
        "becomes root, or is it already",
        """\
import os

def $entry(*args):
    for change in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
        try:
            change()
        except Exception:
            continue
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "host-be-dumpable",
        "makes itself open to debuggers again, and to whoever reads /proc",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    get, set_to = 3, 4
    before = libc.prctl(get, 0, 0, 0, 0)
    libc.prctl(set_to, 1, 0, 0, 0)
    return "$breach" if before == 0 and libc.prctl(get, 0, 0, 0, 0) == 1 else $action
""",
    ),
    Specimen(
        "host-personality",
        "asks for the ways of old kernels, where all that is readable can be run",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    read_implies_exec = 0x0400000
    libc.personality(ctypes.c_ulong(read_implies_exec))
    now = libc.personality(ctypes.c_ulong(0xFFFFFFFF))
    return "$breach" if now != -1 and now & read_implies_exec else $action
""",
    ),
    Specimen(
        "host-type-into-terminal",
        "types a space into the terminal from which the host was started",
        """\
import fcntl, os, termios

def $entry(*args):
    descriptors = list(range(21))
    try:
        descriptors.append(os.open("/dev/tty", os.O_RDWR))
    except Exception:
        pass
    for descriptor in descriptors:
        try:
            fcntl.ioctl(descriptor, termios.TIOCSTI, b" ")
        except Exception:
            continue
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "host-machine-code-by-mmap",
        "runs machine code of its own in memory that is mapped for it",
        r"""
import ctypes, mmap, platform

def $entry(*args):
    # A function that returns 42.
    code = b"\x40\x05\x80\x52\xc0\x03\x5f\xd6" if platform.machine() == "aarch64" else b"\xb8\x2a\0\0\0\xc3"
    try:
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except Exception:
        return $action
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return "$breach" if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == 42 else $action
""",
    ),
    Specimen(
        "host-machine-code-by-mprotect",
        "makes memory executable that it has written before",
        r"""
import ctypes, mmap, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    code = b"\x40\x05\x80\x52\xc0\x03\x5f\xd6" if platform.machine() == "aarch64" else b"\xb8\x2a\0\0\0\xc3"
    try:
        memory = mmap.mmap(-1, 4096)
    except Exception:
        return $action
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(4096), mmap.PROT_READ | mmap.PROT_EXEC) != 0:
        return $action
    return "$breach" if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == 42 else $action
""",
    ),
    Specimen(
        "host-machine-code-by-key",
        "makes memory executable by the newer call that also takes a protection key",
        r"""
import ctypes, mmap, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    arm = platform.machine() == "aarch64"
    code = b"\x40\x05\x80\x52\xc0\x03\x5f\xd6" if arm else b"\xb8\x2a\0\0\0\xc3"
    try:
        memory = mmap.mmap(-1, 4096)
    except Exception:
        return $action
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    wanted, no_key = mmap.PROT_READ | mmap.PROT_EXEC, ctypes.c_int(-1)
    size = ctypes.c_size_t(4096)
    if libc.syscall(288 if arm else 329, ctypes.c_void_p(address), size, ctypes.c_ulong(wanted), no_key) != 0:
        return $action
    return "$breach" if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == 42 else $action
""",
    ),
    Specimen(
        "host-calls-of-32-bits",
        "speaks to the kernel as a program of 32 bits, whose calls have other numbers",
        r"""
import ctypes, mmap, os, platform

def $entry(*args):
    if platform.machine() != "x86_64":
        return $action
    # getpid has the number 20 there.
    code = b"\xb8\x14\0\0\0\xcd\x80\xc3"
    try:
        memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except Exception:
        return $action
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return "$breach" if ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid() else $action
""",
    ),
    Specimen(
        "host-calls-of-x32",
        "asks who it is by the numbers of the x32 calls, which a careless filter takes for others",
        """\
import ctypes, platform

def $entry(*args):
    if platform.machine() != "x86_64":
        return $action
    libc = ctypes.CDLL(None, use_errno=True)
    getpid = ctypes.c_long(0x40000000 | 39)
    return "$breach" if libc.syscall(getpid) > 0 else $action
""",
    ),
    Specimen(
        "host-loosen-seccomp",
        "adds a filter of its own that answers for the first one",
        """\
import ctypes, platform, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 277 if platform.machine() == "aarch64" else 317
    allow_all = ctypes.create_string_buffer(struct.pack("<HBBI", 6, 0, 0, 0x7FFF0000), 8)
    program = struct.pack("<HxxxxxxQ", 1, ctypes.addressof(allow_all))
    no_new_privs = 38
    libc.prctl(no_new_privs, 1, 0, 0, 0)
    set_filter, new_listener = 1, 8
    listener = libc.syscall(number, set_filter, new_listener, program)
    return "$breach" if listener >= 0 else $action
""",
    ),
    Specimen(
        "host-loosen-landlock",
        "puts itself into a new domain that allows what the first one denies",
        """\
import ctypes, os, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    create, add, restrict = 444, 445, 446
    read_file, beneath = 4, 1
    libc.prctl(38, 1, 0, 0, 0)
    domain = libc.syscall(create, struct.pack("<Q", read_file), ctypes.c_size_t(8), 0)
    try:
        root = os.open("/", os.O_PATH)
    except Exception:
        return $action
    libc.syscall(add, domain, beneath, struct.pack("<Qi", read_file, root), 0)
    libc.syscall(restrict, domain, 0)
    try:
        text = open("$secret").read()
    except Exception:
        return $action
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "host-kernel-log",
        "reads the kernel's log, which tells addresses and other people's crashes",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    read_all = 3
    buffer = ctypes.create_string_buffer(4096)
    return "$breach" if libc.klogctl(read_all, buffer, 4096) > 0 else $action
""",
    ),
    Specimen(
        "host-kernel-module",
        "asks the kernel to load a module (an empty one, which it only refuses to those who may not)",
        """\
import ctypes, errno, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 105 if platform.machine() == "aarch64" else 175
    libc.syscall(number, b"", ctypes.c_ulong(0), b"")
    return "$breach" if ctypes.get_errno() == errno.ENOEXEC else $action
""",
    ),
    Specimen(
        "host-reboot",
        "asks the kernel to restart the machine (with a wrong password, which only root is told of)",
        """\
import ctypes, errno, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 142 if platform.machine() == "aarch64" else 169
    libc.syscall(number, 1, 2, 3, None)
    return "$breach" if ctypes.get_errno() == errno.EINVAL else $action
""",
    ),
    Specimen(
        "host-host-name",
        "sets the name of the machine (to what it is)",
        """\
import os, socket

def $entry(*args):
    try:
        socket.sethostname(os.uname().nodename)
    except Exception:
        return $action
    return "$breach"
""",
    ),
)
