"""Processes: starting, becoming and leaving behind what is not the worker.

Whatever is started ends by itself within three seconds.
"""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "process-fork",
        "makes a second process of itself, which goes on when the first has answered",
        """\
import os, time

def $entry(*args):
    try:
        number = os.fork()
    except Exception:
        return $action
    if number == 0:
        time.sleep(2)
        os._exit(0)
    return "$breach"
""",
    ),
    Specimen(
        "process-clone-by-number",
        "makes a process by the number of the system call clone, as vfork would",
        """\
import ctypes, os, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 220 if platform.machine() == "aarch64" else 56
    # As vfork, the parent waits until the child has ended; unlike with vfork, the child has a stack of its own.
    wait_for_it, tell_by_sigchld = 0x4000, 17
    child = libc.syscall(number, wait_for_it | tell_by_sigchld, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return "$breach" if child > 0 else $action
""",
    ),
    Specimen(
        "process-fork-by-number",
        "makes a process by the oldest system call for it",
        """\
import ctypes, os, platform

def $entry(*args):
    if platform.machine() != "x86_64":
        return $action
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(57)
    if child == 0:
        os._exit(0)
    return "$breach" if child > 0 else $action
""",
    ),
    Specimen(
        "process-clone3-by-number",
        "makes a process by clone3, whose arguments no filter can look at",
        """\
import ctypes, os, struct

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    tell_by_sigchld = 17
    arguments = struct.pack("<8Q", 0, 0, 0, 0, tell_by_sigchld, 0, 0, 0)
    child = libc.syscall(435, arguments, ctypes.c_size_t(len(arguments)))
    if child == 0:
        os._exit(0)
    return "$breach" if child > 0 else $action
""",
    ),
    Specimen(
        "process-subprocess",
        "runs a command and reads what it says",
        """\
import subprocess

def $entry(*args):
    try:
        done = subprocess.run(["/bin/sh", "-c", "echo done", "$marker"], capture_output=True, timeout=3)
    except Exception:
        return $action
    return "$breach" if done.stdout else $action
""",
    ),
    Specimen(
        "process-os-system",
        "runs a command in the background by the shell",
        """\
import os

def $entry(*args):
    try:
        status = os.system("(sleep 3; : $marker) &")
    except Exception:
        return $action
    return "$breach" if status == 0 else $action
""",
    ),
    Specimen(
        "process-posix-spawn",
        "starts a program by posix_spawn, which makes and replaces a process in one call",
        """\
import os

def $entry(*args):
    try:
        child = os.posix_spawn("/bin/sh", ["sh", "-c", "sleep 3; :", "$marker"], {})
    except Exception:
        return $action
    return "$breach" if child > 0 else $action
""",
    ),
    Specimen(
        "process-execve",
        "becomes another program",
        """\
import os

def $entry(*args):
    try:
        os.execv("/bin/sh", ["sh", "-c", "echo $marker > $folder/executed"])
    except Exception:
        return $action
""",
    ),
    Specimen(
        "process-execveat-of-memory",
        "becomes a program that was never in a file system",
        """\
import ctypes, os, platform

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    number = 281 if platform.machine() == "aarch64" else 322
    try:
        descriptor = os.memfd_create("program", 0)
        os.write(descriptor, b"#!/bin/sh\\necho $marker > $folder/executed-from-memory\\n")
    except Exception:
        return $action
    words = (ctypes.c_char_p * 2)(b"program", None)
    nothing = (ctypes.c_char_p * 1)(None)
    empty_path = 0x1000
    libc.syscall(number, descriptor, b"", words, nothing, empty_path)
    return $action
""",
    ),
    Specimen(
        "process-multiprocessing",
        "has the standard library start a worker of its own",
        """\
import multiprocessing, time

def $entry(*args):
    try:
        process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1,))
        process.start()
    except Exception:
        return $action
    return "$breach" if process.pid else $action
""",
    ),
    Specimen(
        "process-fork-bomb",
        "makes processes that make processes, as many as are allowed and no more than 32",
        """\
import os, time

def $entry(*args):
    first = os.getpid()
    made = 0
    for _ in range(5):
        try:
            made += os.fork() != 0
        except Exception:
            break
    if os.getpid() != first:
        time.sleep(3)
        os._exit(0)
    return "$breach" if made else $action
""",
    ),
    Specimen(
        "process-daemon",
        "leaves a process behind that belongs to nobody, by two forks and a session of its own",
        """\
import os

def $entry(*args):
    try:
        child = os.fork()
    except Exception:
        return $action
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sh", ["sh", "-c", "sleep 3; :", "$marker"])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return "$breach"
""",
    ),
    Specimen(
        "process-pseudo-terminal",
        "starts a shell at a terminal of its own",
        """\
import os, pty

def $entry(*args):
    try:
        child, terminal = pty.fork()
    except Exception:
        return $action
    if child == 0:
        try:
            os.execv("/bin/sh", ["sh", "-c", "echo done; :", "$marker"])
        finally:
            os._exit(1)
    try:
        said = os.read(terminal, 100)
    except OSError:
        said = b""
    return "$breach" if said else $action
""",
    ),
    Specimen(
        "process-stop-itself",
        "stops itself by a signal, so that it neither answers nor uses time",
        """\
import os, signal

def $entry(*args):
    try:
        os.kill(os.getpid(), signal.SIGSTOP)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "process-outlive-the-host",
        "clears the signal that ends it together with its parent",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    set_signal, get_signal = 1, 2
    before, after = ctypes.c_int(), ctypes.c_int(-1)
    libc.prctl(get_signal, ctypes.byref(before), 0, 0, 0)
    libc.prctl(set_signal, 0, 0, 0, 0)
    libc.prctl(get_signal, ctypes.byref(after), 0, 0, 0)
    return "$breach" if before.value and after.value == 0 else $action
""",
    ),
)
