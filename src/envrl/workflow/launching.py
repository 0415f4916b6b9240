"""Several processes that train one model: started together, ended together, and one of them speaks.

As ``torchrun`` does: each process learns from its environment which of them it is. Unlike there, an error is told once,
whichever process met it; the run's record says how it ended; and no process outlives the one that started it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec

from envrl.errors import EnvrlError, RunError
from envrl.evaluation import escape
from envrl.models.ranks import FOLDER, Ranks, here
from envrl.runs import RunDirectory, read_json, write_json

__all__ = ["launch", "take_part"]

_POLL = 0.05
_OTHERS = 3.0  # seconds in which the others may say what they know of an end
_GOODBYE = 10.0  # seconds that Ctrl-C leaves them
_TAIL = 2000  # last bytes of what a process said that ended without a word


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a process ended that did not succeed.

    Attributes:
        user: whether a user can mend it; else the text is a traceback.
        reason: in one line, for the run's status.
        time: on the machine's monotonic clock.
    """

    user: bool
    text: str
    reason: str
    time: float


def launch(job: object, count: int, program: Sequence[str], threads: int | None = None) -> None:
    """Has several processes do a job; returns once all of them have.

    Args:
        job: what each is told; can be pickled.
        count: of processes.
        program: what each runs; it calls `take_part`. The first has this process's output.
        threads: of each process's arithmetic; None is its part of the cores.

    Raises:
        EnvrlError: what one of them met that a user can mend, or a process was killed.
        RuntimeError: a bug, with its traceback.
        KeyboardInterrupt: Ctrl-C; all of them have ended.
    """
    with TemporaryDirectory(prefix="envrl-ranks-") as name:
        folder = Path(name)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for number in range(count):
                processes.append(_start(program, number, count, folder, threads))
            for process in processes:
                _tell(process, job)
            ended = _await(processes, folder)
        except KeyboardInterrupt:
            _stop(processes, folder)
            _kill(processes)
            _write_down(folder, "interrupted", "stopped by its user")
            raise
        finally:
            _kill(processes)
        if any(ended.values()):
            error, reason = _cause(ended, count, folder)
            _write_down(folder, "failed", reason)
            raise error


def take_part(work: Callable[[Any], object]) -> None:
    """The life of one of the processes; a failure ends it here.

    Args:
        work: called with the job.
    """
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it may write to a terminal whose foreground is the one above
    job = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ranks = here()
    assert ranks.folder is not None
    _keep_to_own_cores(ranks)
    try:
        work(job)
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:
        user = isinstance(error, EnvrlError)
        text = str(error) if user else traceback.format_exc()
        reason = f"{type(error).__name__}: {error}"
        report = _Report(user=user, text=text, reason=reason, time=time.monotonic())
        write_json(_report_path(ranks.folder, ranks.number), report)
        code = 2 if user else 1
    else:
        ranks.disconnect()
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # torch would wait for the others, of which one may be gone


def _start(
    program: Sequence[str], number: int, count: int, folder: Path, threads: int | None
) -> subprocess.Popen[bytes]:
    """A process in a group of its own: Ctrl-C reaches this one, which ends the others in order."""
    cores = len(os.sched_getaffinity(0))
    environment = {
        **os.environ,
        FOLDER: str(folder),
        "RANK": str(number),
        "LOCAL_RANK": str(number),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads or max(1, cores // count))),
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"),  # whatever this machine's name resolves to
        "TORCH_CPP_LOG_LEVEL": os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"),  # warnings would tear the display
    }
    with contextlib.ExitStack() as stack:
        output: dict[str, Any] = {}
        if number:
            output["stdout"] = subprocess.DEVNULL
            output["stderr"] = stack.enter_context(open(_words_path(folder, number), "wb"))
        return subprocess.Popen(program, stdin=subprocess.PIPE, env=environment, process_group=0, **output)


def _tell(process: subprocess.Popen[bytes], job: object) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended, which is seen soon
        process.stdin.write(pickle.dumps(job))
        process.stdin.flush()  # and left open: its end is ours


def _end_with_parent() -> None:
    """Waits for the end of the process that started this one, and ends everything here."""
    while os.read(0, 1):
        pass
    folder = here().folder
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _keep_to_own_cores(ranks: Ranks) -> None:
    """Keeps this process, its referees and its threads to its part of the cores, where each has one at least."""
    cores = sorted(os.sched_getaffinity(0))
    first, last = (number * len(cores) // ranks.count for number in (ranks.number, ranks.number + 1))
    if len(cores) >= ranks.count:
        os.sched_setaffinity(0, cores[first:last])


def _await(processes: Sequence[subprocess.Popen[bytes]], folder: Path) -> dict[int, int]:
    """Waits until all have succeeded, or one has not and the cause is known; exit codes by number."""
    deadline = None
    while True:
        ended = {n: code for n, process in enumerate(processes) if (code := process.poll()) is not None}
        if len(ended) == len(processes) or (deadline is not None and time.monotonic() > deadline):
            return ended
        if deadline is None and any(ended.values()):
            mendable = any(report.user for report in _reports(folder, ended).values())
            deadline = time.monotonic() + (0 if mendable else _OTHERS)
        time.sleep(_POLL)


def _stop(processes: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Passes Ctrl-C on to the first, which writes down that it was stopped; a second Ctrl-C is not waited for."""
    if not processes or Ranks.announced(folder) is None:  # there is no run yet: it may still be importing
        return
    with contextlib.suppress(KeyboardInterrupt, ProcessLookupError, subprocess.TimeoutExpired):
        processes[0].send_signal(signal.SIGINT)
        processes[0].wait(_GOODBYE)


def _kill(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()


def _cause(ended: Mapping[int, int], count: int, folder: Path) -> tuple[Exception, str]:
    """Why it ended, and the same for the run's status.

    What a user can mend comes first, then a kill, then what was met first: a process that loses another fails, too, and
    its error says nothing.
    """
    reports = _reports(folder, ended)
    for report in reports.values():
        if report.user:
            return EnvrlError(report.text), report.reason
    run = Ranks.announced(folder)
    resume = f"; go on with envrl train --resume {run}" if run else ""
    killed = next(((n, -code) for n, code in ended.items() if code < 0), None)
    if killed is None and reports:
        number, first = min(reports.items(), key=lambda item: item[1].time)
        return RuntimeError(f"process {number + 1} of {count} failed:\n{first.text}"), first.reason
    if killed is None:
        number, code = next((n, code) for n, code in ended.items() if code)
        what = f"process {number + 1} of {count} ended with code {code}"
    else:
        number, name = killed[0], _name_of(killed[1])
        what = f"process {number + 1} of {count} was killed by {name}"
        if name == "SIGKILL":
            what += ", as the system does where memory is short"
    return RunError(f"{what}{resume}{_words(folder, number)}"), what


def _write_down(folder: Path, state: Literal["failed", "interrupted"], reason: str) -> None:
    """Sees to it that the run's status says how it ended: its process may not have come to it, or not have known."""
    path = Ranks.announced(folder)
    if path is None:
        return
    with contextlib.suppress(RunError), RunDirectory.open(path) as run:  # the cause is told, whatever its record says
        last = run.status
        if last.state == "finished" or (last.state, last.reason) == (state, reason):
            return
        run.update_status(state=state, reason=reason)
        if last.state != state:
            run.event(state, reason=reason)


def _reports(folder: Path, numbers: Iterable[int]) -> dict[int, _Report]:
    """What those said that failed, by number."""
    paths = ((number, _report_path(folder, number)) for number in numbers)
    return {number: msgspec.convert(read_json(path), _Report) for number, path in paths if path.exists()}


def _report_path(folder: Path, number: int) -> Path:
    return folder / f"report-{number}.json"


def _words_path(folder: Path, number: int) -> Path:
    return folder / f"words-{number}"


def _words(folder: Path, number: int) -> str:
    """The last that a process wrote; the first one's stand on the screen."""
    path = _words_path(folder, number)
    text = path.read_bytes()[-_TAIL:].decode("utf-8", "replace").strip() if path.exists() else ""
    return f"; its last words:\n{escape.terminal(text)}" if text else ""


def _name_of(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
