"""Protocol: lying to the host over the worker's own socket, and changing those who speak there.

The host believes nothing that a worker says but plain answers, so that a program which speaks for itself can only
answer as it may by returning. None of these gains by it: they answer what their honest twin answers, or nonsense.
"""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "protocol-rubbish-everywhere",
        "writes rubbish to every descriptor that may be open",
        """\
import os

def $entry(*args):
    for descriptor in range(21):
        try:
            os.write(descriptor, b"$marker" * 100)
        except Exception:
            continue
    return $action
""",
    ),
    Specimen(
        "protocol-forged-success",
        "sends an answer which says that the game is won",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [None], [[0, "success", "won"]], [0.0]])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-forged-failure-of-host",
        "sends an answer which says that the host has failed, so that a lost game would not count",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [None], [[0, "infrastructure_error", "lost"]], [0.0]])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-exit-as-broken-host",
        "exits with the code by which a worker says that it could not be set up",
        """\
import os, sys

def $entry(*args):
    try:
        code = sys.modules["inside.agreed"].SETUP_FAILED
    except Exception:
        code = 77
    os._exit(code)
""",
    ),
    Specimen(
        "protocol-exit-by-detour",
        "reaches that exit from a text without forbidden words, by the class of classes and a lent decorator",
        """\
import copy, functools

def $entry(*args):
    found = []
    try:
        spy = type(int)("Spy", (), {"__setattr__": lambda self, name, value: found.append(value)})
        functools.wraps(copy.deepcopy, assigned=("__globals__",), updated=())(spy())
        load = found[0]["__builtins__"]["__import__"]
    except Exception:
        return $action
    load("os")._exit(77)
""",
    ),
    Specimen(
        "protocol-answer-twice",
        "answers by itself, and then once more by returning",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-too-many-answers",
        "answers a thousand calls that were not made",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action] * 1000, [], [0.0] * 1000])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-no-answers",
        "answers none of the calls that were made",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [], [], []])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-forged-times",
        "says of its calls that they took no number of seconds, and minus a million of them",
        """\
import msgspec, os

def $entry(*args):
    for seconds in (float("nan"), -1e6, float("inf")):
        body = msgspec.msgpack.encode(["played", [$action], [], [seconds]])
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "protocol-announced-frame",
        "announces a frame of four gigabytes and begins to send it",
        r"""
import os

def $entry(*args):
    try:
        os.write(3, b"\xff\xff\xff\xff" + bytes(2**16))
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-lying-length",
        "sends a small frame that speaks of a list of four thousand million items",
        r"""
import os

def $entry(*args):
    body = b"\x94\xa6played\xdd\xff\xff\xff\xff"
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-key-without-hash",
        "sends a value that no dictionary of the host's can hold: a map whose key is a map",
        r"""
import os

def $entry(*args):
    body = b"\x94\xa6played\x91\x81\x80\x01\x90\x91\x00"
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-deep-value",
        "sends a value nested about as deeply as the host can still read, and cannot print",
        r"""
import os, random

def $entry(*args):
    depth = random.randrange(900, 1000)
    body = b"\x94\xa6played\x91" + b"\x91" * depth + b"\xc0" + b"\x90\x91\x00"
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 2**16)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-foreign-types",
        "sends values of types that plain data does not have: a time, and an extension",
        r"""
import os

def $entry(*args):
    body = b"\x94\xa6played\x91\x92\xd6\xff\xff\xff\xff\xff\xd4\x05\x00\x90\x91\x00"
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 2**16)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-half-a-frame",
        "sends half a frame and then waits for the host, which waits for the rest",
        r"""
import os

def $entry(*args):
    try:
        os.write(3, b"\x20\x00")
        os.read(3, 1)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-slow-drip",
        "sends its answer byte by byte with long pauses, so that something always arrives",
        """\
import msgspec, os, threading

def $entry(*args):
    # A pause that no system call for sleeping is needed for.
    held = threading.Lock()
    held.acquire()
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    for byte in len(body).to_bytes(4, "little") + body:
        try:
            os.write(3, bytes([byte]))
            held.acquire(timeout=2)
        except Exception:
            pass
    return $action
""",
    ),
    Specimen(
        "protocol-flood-socket",
        "sends frames as fast as the host takes them",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    frames = (len(body).to_bytes(4, "little") + body) * 1000
    try:
        for _ in range(10**6):
            os.write(3, frames)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-flood-standard-streams",
        "floods the standard streams, in case somebody shows or keeps what is said there",
        """\
import os, sys

def $entry(*args):
    for descriptor in (1, 2):
        try:
            for _ in range(16):
                os.write(descriptor, b"$marker " * 2**12)
        except Exception:
            continue
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.write("$marker " * 2**12)
            stream.flush()
        except Exception:
            continue
    return $action
""",
    ),
    Specimen(
        "protocol-print-flood",
        "prints without end",
        """\
def $entry(*args):
    while True:
        print("$marker")
""",
    ),
    Specimen(
        "protocol-close-socket",
        "closes the socket on which its answer is awaited",
        """\
import os

def $entry(*args):
    try:
        os.close(3)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-shut-socket",
        "shuts the socket down on both sides while the host speaks on it",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    both_ways = 2
    libc.shutdown(3, both_ways)
    return $action
""",
    ),
    Specimen(
        "protocol-copied-socket",
        "puts copies of the socket where standard streams are, and closes the one that is known",
        """\
import os

def $entry(*args):
    for descriptor in (0, 1, 2, 20):
        try:
            os.dup2(3, descriptor)
        except Exception:
            continue
    try:
        os.fstat(20)
        os.close(3)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-passed-descriptors",
        "hands descriptors to the host together with its answer",
        """\
import array, msgspec, socket

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    try:
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=3)
        carried = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [3] * 250))
        end.sendmsg([len(body).to_bytes(4, "little") + body], [carried])
        end.detach()
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-swallowed-message",
        "answers ahead, and takes the next message out of the socket before the worker sees it",
        """\
import msgspec, os

def $entry(*args):
    body = msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    try:
        os.write(3, len(body).to_bytes(4, "little") + body)
        os.read(3, 2**16)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-own-conversation",
        "speaks to the host in the worker's place and never returns, so that its time is not counted",
        """\
import msgspec, os

def $entry(*args):
    waiting = 1
    while True:
        body = msgspec.msgpack.encode(["played", [$action] * waiting, [], [0.0] * waiting])
        try:
            os.write(3, len(body).to_bytes(4, "little") + body)
            message = os.read(3, 2**16)
        except Exception:
            return $action
        if not message:
            os._exit(0)
        waiting = len(msgspec.msgpack.decode(message[4:])[3])
""",
    ),
    Specimen(
        "protocol-patched-session",
        "finds the session among all objects, changes its budgets, clock and verdict, and outstays its time",
        """\
import gc, time

done = []

def $entry(*args):
    if done:
        return $action
    done.append(True)
    budget = 0.0
    for thing in gc.get_objects():
        if type(thing).__name__ == "Session":
            budget = thing._limits["call_cpu"]
            thing._limits.update(call_cpu=1e9, game_cpu=1e9, value=2**30, output=2**40)
            thing._clock._budget = 10**18
            thing._clock._longest = 1e6
            thing._clock.stop = lambda: 0.0
            thing._doomed = None
    end = time.thread_time() + 3 * budget
    while time.thread_time() < end:
        pass
    return $action
""",
    ),
    Specimen(
        "protocol-patched-modules",
        "replaces the worker's own functions: what checks its value, and what writes its answer",
        """\
import sys

def anything(*args):
    return None

def $entry(*args):
    session = sys.modules.get("inside.session")
    worker = sys.modules.get("inside.worker")
    if session is None or worker is None:
        return $action
    session.check_plain = anything
    worker._encode = lambda message: worker.msgspec.msgpack.encode(["played", [$action], [], [0.0]])
    return {"values that are not plain": bytes(2**20), "nor few": list(range(10**5))}
""",
    ),
    Specimen(
        "protocol-edited-neighbours",
        "climbs to the frame that gathers all answers, and writes into it",
        """\
import sys

def $entry(*args):
    frame = sys._getframe()
    while frame is not None:
        names = frame.f_locals
        if "faults" in names and "seconds" in names:
            names["seconds"].append(-1.0)
            names["faults"].append((0, "success", "won"))
            names["values"].append("$marker")
        frame = frame.f_back
    return $action
""",
    ),
    Specimen(
        "protocol-traced-worker",
        "has its own function called for each line that the worker runs",
        """\
import sys

def trace(frame, event, argument):
    return trace

def $entry(*args):
    sys.settrace(trace)
    sys.setprofile(trace)
    frame = sys._getframe()
    while frame is not None:
        frame.f_trace = trace
        frame = frame.f_back
    return $action
""",
    ),
    Specimen(
        "protocol-error-hook",
        "hangs an endless function on the hook for errors that cannot be raised, and makes one",
        """\
import sys

class Broken:
    def __del__(self):
        raise MemoryError

def endless(*args):
    while True:
        pass

def $entry(*args):
    sys.unraisablehook = sys.excepthook = endless
    Broken()
    return $action
""",
    ),
    Specimen(
        "protocol-timers-off",
        "switches the timers of its budget off and loops for ever",
        """\
import signal

def $entry(*args):
    try:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except Exception:
        pass
    while True:
        pass
""",
    ),
    Specimen(
        "protocol-signals-blocked",
        "blocks the signals of its timers and loops for ever",
        """\
import signal

def $entry(*args):
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    except Exception:
        pass
    while True:
        pass
""",
    ),
    Specimen(
        "protocol-half-a-character",
        "returns half of a character, which no frame can carry, inside of a list",
        r"""
def $entry(*args):
    return [$action, "\ud800", {"\udfff": b"\xff"}]
""",
    ),
    Specimen(
        "protocol-large-value",
        "returns a value that is small to hold and large to send",
        """\
def $entry(*args):
    value = [$action] * 100
    for _ in range(6):
        value = [value] * 100
    return value
""",
    ),
)
