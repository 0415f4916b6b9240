"""Threads: work that goes on beside, between or after the calls of the entry point."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

# Budgets are counted on the main thread and between a call's beginning and its end. A thread, a signal handler or a
# coroutine that runs outside of both has time that nobody counts: to have got one to run is the breach.

PROGRAMS = (
    Specimen(
        "thread-outlives-call",
        "starts a thread that works on between calls",
        """\
import threading
import time

ticks = []


def tick():
    for _ in range(10**6):
        ticks.append(1)
        time.sleep(0.0005)


seen = 0


def $entry(*args):
    global seen
    try:
        if not ticks:
            threading.Thread(target=tick, daemon=True).start()
            time.sleep(0.005)
        moved = 0 < seen < len(ticks)
        seen = len(ticks)
        return "$breach" if moved else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "thread-low-level",
        "starts a thread by the module beneath threading",
        """\
import _thread

done = []


def $entry(*args):
    try:
        lock = _thread.allocate_lock()
        lock.acquire()

        def work():
            done.append(1)
            lock.release()

        _thread.start_new_thread(work, ())
        lock.acquire(True, 1)
        return "$breach" if done else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "thread-burns-cpu",
        "has daemon threads use the processor while the call itself sleeps",
        """\
import threading
import time

counts = [0, 0]


def burn(place):
    for _ in range(10**12):
        counts[place] += 1


def $entry(*args):
    try:
        if not counts[0]:
            for place in (0, 1):
                threading.Thread(target=burn, args=(place,), daemon=True).start()
        time.sleep(0.05)
        return "$breach" if all(counts) else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "thread-pool",
        "hands work to a pool of threads",
        """\
import concurrent.futures


def $entry(*args):
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return "$breach" if pool.submit(pow, 2, 5).result(timeout=1) == 32 else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "thread-flood",
        "starts fifty threads that wait for a while",
        """\
import threading
import time


def $entry(*args):
    started = 0
    try:
        for _ in range(50):
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
            started += 1
    except Exception:
        pass
    return "$breach" if started else $action
""",
    ),
    Specimen(
        "thread-holds-the-interpreter",
        "has a thread stay inside one long call into C, so that no signal handler of the main thread runs",
        """\
import threading


def hold():
    sum(range(10**12))


def $entry(*args):
    try:
        thread = threading.Thread(target=hold, daemon=True)
        thread.start()
        return "$breach" if thread.is_alive() else $action
    except Exception:
        return $action
""",
    ),
    Specimen(
        "thread-timer-changes-later-calls",
        "sets a timer thread that changes what later calls answer",
        """\
import threading
import time

answer = [$action]


def change():
    answer[0] = "$breach"


def $entry(*args):
    try:
        threading.Timer(0.001, change).start()
        time.sleep(0.01)
    except Exception:
        pass
    return answer[0]
""",
    ),
    Specimen(
        "thread-changes-returned-value",
        "has a thread change a list while it is checked and sent",
        """\
import threading

value = [$action]


def change():
    for _ in range(10**9):
        value[0] = value
        value[0] = {1, 2}
        value[0] = "$breach"


def $entry(*args):
    try:
        threading.Thread(target=change, daemon=True).start()
    except Exception:
        return $action
    return value
""",
    ),
    Specimen(
        "thread-speaks-for-the-worker",
        "has a thread write replies to every open descriptor after the call has ended",
        """\
import os
import threading
import time


def speak():
    body = b"\\x94\\xa6played\\x91\\xa1W\\x90\\x91\\xcb" + bytes(8)
    frame = len(body).to_bytes(4, "little") + body
    for _ in range(1000):
        time.sleep(0.001)
        for descriptor in range(3, 10):
            try:
                os.write(descriptor, frame)
            except OSError:
                pass


def $entry(*args):
    try:
        threading.Thread(target=speak, daemon=True).start()
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "thread-raises-in-main",
        "has a thread raise exceptions in the main thread, wherever that is by then",
        """\
import ctypes
import threading
import time

main = threading.get_ident()


def shoot():
    for _ in range(1000):
        time.sleep(0.001)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(SystemExit))


def $entry(*args):
    try:
        threading.Thread(target=shoot, daemon=True).start()
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "async-entry-point",
        "defines the entry point as a coroutine function",
        """\
async def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "async-loop",
        "runs an event loop that leaves a task behind for the next call",
        """\
import asyncio

count = [0]
loops = []


async def work():
    while True:
        count[0] += 1
        await asyncio.sleep(0)


def $entry(*args):
    try:
        if not loops:
            loops.append(asyncio.new_event_loop())
            loops[0].create_task(work())
        loops[0].run_until_complete(asyncio.sleep(0))
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "async-by-hand",
        "drives a coroutine by hand, without a loop",
        """\
async def step():
    return $action


def $entry(*args):
    try:
        step().send(None)
    except StopIteration as stop:
        return stop.value
""",
    ),
    Specimen(
        "async-generator-finaliser",
        "leaves an asynchronous generator whose finaliser is a function of its own",
        """\
import sys

log = []


async def steps():
    try:
        yield 1
    finally:
        for _ in range(10**12):
            pass


def $entry(*args):
    try:
        sys.set_asyncgen_hooks(finalizer=lambda lost: log.append(lost))
        walk = steps().__aiter__()
        try:
            walk.__anext__().send(None)
        except StopIteration:
            pass
        del walk
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "generator-entry-point",
        "defines the entry point as a generator",
        """\
def $entry(*args):
    while True:
        yield $action
""",
    ),
    Specimen(
        "generator-scheduler",
        "runs a scheduler of generators that goes on from call to call until its time is up",
        """\
tasks = []


def burn(n):
    total = 0
    for i in range(10**12):
        total += i * n
        if i % 1000 == 0:
            yield total


def $entry(*args):
    while len(tasks) < 8:
        tasks.append(burn(len(tasks)))
    for _ in range(10**9):
        task = tasks.pop(0)
        next(task)
        tasks.append(task)
    return $action
""",
    ),
    Specimen(
        "signal-ignore-timers",
        "ignores the signals that measure its time",
        """\
import signal


def $entry(*args):
    try:
        for number in (signal.SIGPROF, signal.SIGVTALRM, signal.SIGXCPU, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except Exception:
        return $action
    for _ in range(10**12):
        pass
    return "$breach"
""",
    ),
    Specimen(
        "signal-handler-after-call",
        "has an alarm call a handler of its own when the call has long ended",
        """\
import signal
import time

rung = []


def ring(number, frame):
    rung.append(number)


def $entry(*args):
    try:
        if not rung:
            signal.signal(signal.SIGALRM, ring)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            return $action
        signal.setitimer(signal.ITIMER_REAL, 0)
        return "$breach"
    except Exception:
        return $action
""",
    ),
    Specimen(
        "signal-mask",
        "blocks every signal by a raw system call and loops",
        """\
import ctypes
import platform


def $entry(*args):
    try:
        number = 135 if platform.machine() == "aarch64" else 14  # rt_sigprocmask
        every = ctypes.c_uint64(2**64 - 1)
        if ctypes.CDLL(None).syscall(number, 0, ctypes.byref(every), None, 8):
            return $action
    except Exception:
        return $action
    for _ in range(10**12):
        pass
    return "$breach"
""",
    ),
    Specimen(
        "hook-profile",
        "leaves a profiling hook that sees, and changes, whatever the worker does after the call",
        """\
import sys


def watch(frame, event, what):
    for name in ("faults", "seconds"):
        if type(frame.f_locals.get(name)) is list:
            frame.f_locals[name].clear()
    if "values" in frame.f_locals and type(frame.f_locals["values"]) is list:
        frame.f_locals["values"].append($action)


def $entry(*args):
    try:
        sys.setprofile(watch)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "hook-at-exit",
        "leaves work for the end of the process",
        """\
import atexit


def work():
    with open("$folder/at-exit", "w") as file:
        file.write("$breach")


def $entry(*args):
    try:
        atexit.register(work)
    except Exception:
        pass
    return $action
""",
    ),
)
