"""LaTeX answers are compared by math-verify, in a process that can be killed and replaced."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import weakref
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from envrl.errors import MissingExtraError, SandboxError

__all__ = ["Verifier"]

_LONGEST = 500  # characters of an expression
_START_SECONDS = 60.0
_WALL_FACTOR = 10.0
_WALL_FLOOR = 10.0
_REPLIES = {b"true": True, b"false": False, b"null": None}
_LONGEST_REPLY = 400


class Verifier:
    """Compares expressions in a worker that is started when first needed, kept warm, and replaced when it dies.

    For one thread at a time. A worker that nobody ends by `close` ends with its verifier.

    Args:
        seconds: CPU time of one comparison; then the worker is ended and the expressions count as not comparable. The
            wall-clock limit is ten times that, and at least ten seconds.

    Raises:
        MissingExtraError: math-verify is not installed.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        if find_spec("math_verify") is None:
            raise MissingExtraError("math", "math-verify", "judging answers in LaTeX")
        self._seconds = seconds
        self._worker: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], Verifier] | None = None

    def verify(self, truth: str, answer: str) -> bool | None:
        """Whether two LaTeX expressions are equal.

        Returns:
            None where one of them is no expression, is longer than 500 characters, or cost more than the time limit.

        Raises:
            SandboxError: the worker does not start.
        """
        if not (_is_harmless(truth) and _is_harmless(answer)):
            return None
        worker = self._worker if self._worker is not None and self._worker.poll() is None else self._start()
        request = json.dumps([truth, answer, self._seconds]).encode() + b"\n"
        reply = _exchange(worker, request, max(_WALL_FACTOR * self._seconds, _WALL_FLOOR))
        if reply not in _REPLIES:
            self.close()
            return None
        return _REPLIES[reply]

    def close(self) -> None:
        """Ends the worker; the next comparison starts another."""
        self._worker = None
        if self._end is not None:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self.close()
        self._worker = worker = subprocess.Popen(
            [sys.executable, "-s", "-P", str(Path(__file__).with_name("latex_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"},
            cwd="/",
        )
        self._end = weakref.finalize(self, _end, worker)
        reply = _exchange(worker, b"", _START_SECONDS)
        if reply != b"ready":
            self.close()
            why = "it ended or was silent" if reply is None else reply.decode(errors="replace")
            raise SandboxError(f"the worker that compares LaTeX did not start: {why}; does `import math_verify` work?")
        return worker


def _end(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        with contextlib.suppress(OSError):
            _opened(pipe).close()


def _is_harmless(text: str) -> bool:
    """Whether an expression may be handed over: LaTeX needs no more than printable ASCII, and no dunder names."""
    return len(text) <= _LONGEST and text.isascii() and text.isprintable() and "__" not in text


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # both are pipes
    return pipe


def _exchange(worker: subprocess.Popen[bytes], request: bytes, seconds: float) -> bytes | None:
    """Sends a request and gives the line that comes back; None if the worker ends, is silent, or says too much."""
    try:
        os.write(_opened(worker.stdin).fileno(), request)  # a request is shorter than a pipe
    except BrokenPipeError:
        return None
    source, reply = _opened(worker.stdout).fileno(), b""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    deadline = time.monotonic() + seconds
    while not reply.endswith(b"\n"):
        left = deadline - time.monotonic()
        data = os.read(source, _LONGEST_REPLY) if left > 0 and poll.poll(1000 * left) else b""
        if not data or len(reply) > _LONGEST_REPLY:
            return None
        reply += data
    return reply[:-1]
