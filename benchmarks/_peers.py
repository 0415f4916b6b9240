"""Other ways to run a program that a model wrote, each in a small host process of its own.

A host is this very file, run by an interpreter that has the peer installed and nothing else loaded (so that a peer that
forks forks a small process, to its advantage). It is asked over a pipe, a line of JSON a question, and times itself:
what the pipe costs is nobody's.

    python _peers.py NAME          then questions on standard input
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Sequence
from typing import Any

from _packages import LANGUAGES, PACKAGES, SECONDS, Act, Load, said, script

__all__ = ["LANGUAGES", "PACKAGES", "PLAIN", "Host", "Missing"]

# An `Act` runs a source, calls its entry with arguments that JSON can hold, and gives what that returned; a `Load` runs
# a source and gives something that calls its entry as often as one likes.


LIMITS = {
    resource.RLIMIT_AS: 2 * 2**30,
    resource.RLIMIT_CPU: 10,
    resource.RLIMIT_NPROC: 512,
    resource.RLIMIT_FSIZE: 2**24,
    resource.RLIMIT_CORE: 0,
}
"""Of a process that meets a hostile program, and of each that it starts."""


LONGEST_VALUE, LONGEST = 10_000, 2**17
"""Characters of a value, and bytes of an answer, beyond which neither is listened to."""


class Missing(Exception):
    """The peer is not installed; the message says what to install."""


# -- without any package ------------------------------------------------------------------------------------------


def exec_load(source: str, entry: str) -> Callable[..., Any]:
    module = types.ModuleType("strategy")
    sys.modules["strategy"] = module  # dataclasses look there
    space = vars(module)
    exec(compile(source, "<strategy>", "exec"), space)
    call: Callable[..., Any] = space[entry]
    return call


def _ring(signum: int, frame: object) -> None:
    raise TimeoutError


def in_process(source: str, entry: str, arguments: list[Any]) -> Any:
    signal.signal(signal.SIGPROF, _ring)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return exec_load(source, entry)(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def forked(source: str, entry: str, arguments: list[Any]) -> Any:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(theirs, json.dumps(exec_load(source, entry)(*arguments)).encode())
        os._exit(0)
    os.close(theirs)
    value = json.loads(os.read(ours, 2**16))
    os.close(ours)
    _reap.append(lambda: os.waitpid(pid, 0))
    return value


def _run(command: list[str], source: str, entry: str, arguments: list[Any]) -> Any:
    done = subprocess.run([*command, script(source, entry, arguments)], capture_output=True, text=True, timeout=SECONDS)
    return said(done.stdout, done.stderr)


def isolated(source: str, entry: str, arguments: list[Any]) -> Any:
    return _run([sys.executable, "-I", "-S", "-c"], source, entry, arguments)


def subprocess_run(source: str, entry: str, arguments: list[Any]) -> Any:
    return _run([sys.executable, "-c"], source, entry, arguments)


_BOUND = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")


def bubblewrap(source: str, entry: str, arguments: list[Any]) -> Any:
    paths = dict.fromkeys(path for path in (*_BOUND, sys.base_prefix, sys.prefix) if os.path.exists(path))
    binds = [word for path in paths for word in ("--ro-bind", path, path)]
    command = ["bwrap", *binds, "--dev", "/dev", "--unshare-all", "--die-with-parent", "--clearenv"]
    return _run([*command, sys.executable, "-I", "-S", "-c"], source, entry, arguments)


def _child(connection: Any, source: str, entry: str, arguments: list[Any]) -> None:
    connection.send(exec_load(source, entry)(*arguments))


def multiprocessing_with(method: str) -> Act:
    import multiprocessing

    context: Any = multiprocessing.get_context(method)

    def act(source: str, entry: str, arguments: list[Any]) -> Any:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(theirs, source, entry, arguments))
        process.start()
        theirs.close()
        value = ours.recv()
        _reap.append(process.join)
        return value

    return act


_reap: list[Callable[[], object]] = []
"""What is left to do once the action is here; not timed."""


def _bwrap_there() -> Act:
    if shutil.which("bwrap") is None:
        raise Missing("bubblewrap is not installed")
    bubblewrap("def f(): return 1", "f", [])
    return bubblewrap


def _large_fork() -> Act:
    global _ballast
    _ballast = bytearray(2**30)
    for place in range(0, len(_ballast), 4096):
        _ballast[place] = 1
    return forked


PLAIN: dict[str, Callable[[], Act]] = {
    "in-process exec + signal timer": lambda: in_process,
    "os.fork + exec": lambda: forked,
    "os.fork + exec, host of 1 GiB": _large_fork,
    "multiprocessing fork": lambda: multiprocessing_with("fork"),
    "multiprocessing forkserver": lambda: multiprocessing_with("forkserver"),
    "multiprocessing spawn": lambda: multiprocessing_with("spawn"),
    "python -I -S -c": lambda: isolated,
    "bubblewrap, python -I -S -c": _bwrap_there,
    "subprocess.run([python, -c])": lambda: subprocess_run,
}
"""Ways that need nothing but Python, and bubblewrap."""


# -- the host process -----------------------------------------------------------------------------------------------


def _answer(question: dict[str, Any], act: Act, load: Load | None) -> dict[str, Any]:
    if "pin" in question:
        os.sched_setaffinity(0, question["pin"])
    source, entry, arguments = question["source"], question["entry"], question["arguments"]
    seconds, value = [], None
    if question.get("calls"):  # the calls alone, of a program that is there already
        if load is None:
            return {"error": "keeps no program for a second call"}
        call = load(source, entry)
        for _ in range(question["count"]):
            start = time.perf_counter()
            value = call(*arguments)
            seconds.append(time.perf_counter() - start)
    else:
        for _ in range(question["count"]):
            start = time.perf_counter()
            value = act(source, entry, arguments)
            seconds.append(time.perf_counter() - start)
            while _reap:
                _reap.pop()()
    plain = value is None or type(value) in (int, float, bool)
    if not plain:
        value = (value if type(value) is str else repr(value))[:LONGEST_VALUE]
    return {"value": value, "seconds": seconds}


def _guarded(question: dict[str, Any], act: Act, load: Load | None) -> dict[str, Any]:
    try:
        return _answer(question, act, load)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def _thrown_away(question: dict[str, Any], act: Act) -> dict[str, Any]:
    """The answer of a child that is limited, watched, and killed with all that it started: for hostile programs."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for kind, value in LIMITS.items():
                resource.setrlimit(kind, (value, value))
            answer = json.dumps(_guarded(question, act, None)).encode()
            while answer:
                answer = answer[os.write(theirs, answer) :]
        finally:
            os._exit(0)
    os.close(theirs)
    end = time.monotonic() + question["throw_away"]
    said = b""
    while (left := end - time.monotonic()) > 0 and len(said) < LONGEST and select.select([ours], [], [], left)[0]:
        more = os.read(ours, 2**16)
        if not more:
            break
        said += more
        if said.endswith(b"}"):
            break
    os.close(ours)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    usage = os.wait4(pid, 0)[2]
    cpu = usage.ru_utime + usage.ru_stime
    try:
        answer = json.loads(said)
    except ValueError:
        late = time.monotonic() >= end
        return {"error": "the host was held up" if late else "the host ended", "ended": True, "late": late, "cpu": cpu}
    return answer if isinstance(answer, dict) else {"error": "the host wrote rubbish", "ended": True}


def _serve(name: str) -> None:
    # What a program prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    sys.stdout = io.StringIO()

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        act = (PLAIN | PACKAGES)[name]()
    except (ImportError, Missing) as error:
        say({"missing": str(error)})
        return
    say({"ready": True})
    load = exec_load if name in PLAIN else LANGUAGES.get(name)
    for line in sys.stdin:
        question = json.loads(line)
        say(_thrown_away(question, act) if "throw_away" in question else _guarded(question, act, load))


class Host:
    """A peer in a process of its own.

    Args:
        name: of one in `PLAIN` or `PACKAGES`.
        python: an interpreter that has the peer installed.
        user: whom it runs as; None for whoever runs this.
        seconds: the time limit that the peer is told to keep, if it keeps any.

    Raises:
        Missing: it cannot be had.
    """

    def __init__(self, name: str, python: str = sys.executable, user: int | None = None, seconds: float = 30) -> None:
        self._folder = tempfile.mkdtemp(prefix="envrl-peer-")
        os.chmod(self._folder, 0o777)
        home = {"HOME": self._folder, "TMPDIR": self._folder, "ENVRL_PEER_SECONDS": str(seconds)}
        path = f"{os.path.dirname(python)}:{os.environ.get('PATH', os.defpath)}"  # some peers run plain "python"
        try:
            self._process = subprocess.Popen(
                [python, "-B", __file__, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=self._folder,
                env={**os.environ, **home, "PATH": path},
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        except OSError as error:
            shutil.rmtree(self._folder)
            raise Missing(f"{python} cannot be run: {error.strerror}") from None
        try:
            said = self._hear()
        except RuntimeError:
            said = {"missing": "it does not start"}
        if "missing" in said:
            self.close()
            raise Missing(said["missing"])

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer's process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, source: str, entry: str, arguments: Sequence[Any], count: int = 1, **more: Any) -> dict[str, Any]:
        """Runs a program ``count`` times; gives ``value`` and ``seconds``, or ``error``, and ``ended`` if that was all.

        Args:
            more: ``pin``, a list of cores for it and its children; ``calls``, to time only calls of a loaded program;
                ``throw_away``, seconds after which a child that alone met the program is killed.
        """
        assert self._process.stdin is not None
        question = {"source": source, "entry": entry, "arguments": list(arguments), "count": count, **more}
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            return self._hear()
        except (RuntimeError, OSError, ValueError) as error:
            return {"error": str(error), "ended": True, "gone": True}

    def close(self) -> None:
        """Ends the process and waits for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
