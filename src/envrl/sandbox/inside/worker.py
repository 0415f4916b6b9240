"""A worker's life: it speaks frames on one descriptor and runs one program. Everything it says may be a lie.

A frame is four bytes of length, little-endian, and a msgpack body.

====================================================  ================================================================
host → worker                                         worker → host
====================================================  ================================================================
``["load", source]``                                  ``["loaded", hash, "together"]``, or "alone" where each of its
                                                      games wants a worker of its own; or
                                                      ``["refused", outcome, detail]``
``["play", [[slot, seed]…], [slot…],                  ``["played", values, [[position, outcome, detail]…], [seconds…]]``
[[slot, payload]…]]``: games to open, to close,       in the order of the calls; a faulted call has value None; after
calls to make                                         a timeout the calls that follow it are not made
====================================================  ================================================================
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from .budget import Stopwatch
from .session import Fault, Lent, Session

__all__ = ["prepare", "serve"]

_CHUNK = 2**16
_LOST = object()
_NO_MEMORY = ("memory", "met its memory limit")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def prepare(lent: Lent, entry_point: str, limits: dict[str, Any], language: bool) -> tuple[Session, Stopwatch]:
    """A session and its running timers; made before the walls go up, which forbid new signal handlers."""
    stopwatch = Stopwatch(limits["grace_cpu"], lambda: session.expire())
    session: Session = Session(lent, entry_point, limits, stopwatch, language)
    sys.unraisablehook = lambda lost: session.lose(lost.exc_type, lost.exc_value)
    stopwatch.arm(limits["load_cpu"])
    return session, stopwatch


def serve(descriptor: int, session: Session, stopwatch: Stopwatch, call_cpu: float) -> None:
    """Serves one program on ``descriptor`` until its end of file."""
    while (frame := _read_frame(descriptor)) is not None:
        message = _decode(frame)
        if message[0] == "play":
            _, opened, closed, calls = message
            for slot in closed:
                session.close(slot)
            for slot, seed in opened:
                session.open(slot, seed)
            stopwatch.mark()  # here: what a game left, when it is freed, is no time of the next one's
            values: list[Any] = []
            faults: list[tuple[int, str, str]] = []
            seconds: list[float] = []
            for slot, payload in calls:
                try:
                    value, used = session.call(slot, payload)
                except Fault as fault:
                    faults.append((len(values), fault.outcome, fault.detail))
                    value, used = None, 0.0
                except MemoryError:  # in a frame of our own, to which the program left nothing
                    value, used = _LOST, 0.0
                if value is _LOST:  # the error is gone, and with it what its traceback held
                    session.close(slot)
                    faults.append((len(values), *_NO_MEMORY))
                    value = None
                    stopwatch.mark()
                elif faults and faults[-1][0] == len(values):
                    session.close(slot)  # its memory is wanted for the answer: msgspec crashes without
                    stopwatch.mark()
                values.append(_sent(value))
                seconds.append(used)
                if faults and faults[-1][1] == "timeout":
                    break  # the host may not want the rest: endless loops come in herds
            reply: list[Any] = ["played", values, faults, seconds]
        else:
            stopwatch.mark()
            try:
                reply = ["loaded", session.load(message[1]), "alone" if session.alone else "together"]
            except Fault as fault:
                reply = ["refused", fault.outcome, fault.detail]
            stopwatch.reach(call_cpu)
        _write_all(descriptor, _frame(reply))


_WHOLE = frozenset({type(None), bool, int, float, bytes})


def _sent(value: Any) -> Any:
    """A value as it goes out: packed now where it has parts, which a later call might change; it has been checked."""
    if type(value) in _WHOLE or (type(value) is str and value.isascii()):
        return value
    try:
        return msgspec.Raw(_encode(value))
    except UnicodeEncodeError:  # a lone surrogate in a string
        return "?"


def _frame(message: list[Any]) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(4, "little") + body


def _read_frame(descriptor: int) -> bytes | None:
    # The host sends one frame and waits for its answer, so that a frame mostly comes whole with the first read.
    data = os.read(descriptor, _CHUNK)
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "little"):
        more = os.read(descriptor, _CHUNK)
        if not more:
            return None
        data += more
    return data[4:]


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
