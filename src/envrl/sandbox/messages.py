"""What the host says to a worker, and what it believes of the answers: exactly checked frames, capped in size.

A worker may send anything. Whatever is not exactly a reply to what was asked is `BadFrame`, a crash of that program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from envrl.outcomes import Outcome
from envrl.sandbox.inside.plain import NotPlain, check_plain

__all__ = [
    "BadFrame",
    "Fault",
    "Frames",
    "Loaded",
    "Played",
    "load_frame",
    "parse_loaded",
    "parse_played",
    "play_frame",
]

_HEADER = 4
_DETAIL = 300
_AGES = 1e6
_PER_CALL = 512 + 4 * _DETAIL  # bytes of a reply beyond the value itself: position, outcome, detail, seconds

_encode = msgspec.msgpack.Encoder().encode
_SMALL = 2**16  # bytes of a reply; decoded, each may become some sixty
_Faults = list[tuple[int, str, str]]
_decode_played = msgspec.msgpack.Decoder(tuple[str, list[Any], _Faults, list[float]]).decode
_decode_large = msgspec.msgpack.Decoder(tuple[str, list[msgspec.Raw], _Faults, list[float]]).decode
_decode_value = msgspec.msgpack.Decoder().decode
_decode_words = msgspec.msgpack.Decoder(list[str]).decode

_OF_LOADING = frozenset(
    {
        Outcome.SYNTAX_ERROR,
        Outcome.NO_ENTRY_POINT,
        Outcome.VIOLATION,
        Outcome.MEMORY,
        Outcome.TIMEOUT,
        Outcome.EXCEPTION,
    }
)
_OF_PLAYING = frozenset(
    {
        Outcome.INVALID_ACTION,
        Outcome.EXCEPTION,
        Outcome.TIMEOUT,
        Outcome.MEMORY,
        Outcome.VIOLATION,
        Outcome.OUTPUT_LIMIT,
    }
)


# A date in the year 10000 is a plain ValueError.
_UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


class BadFrame(Exception):
    """A worker sent what is not a reply to what it was asked."""


class Fault(msgspec.Struct, frozen=True):
    """How a program or one of its games failed: a value, never an exception of the host's."""

    outcome: Outcome
    detail: str

    @classmethod
    def told(cls, outcome: Outcome, detail: str) -> Fault:
        """One with no more of a detail than a record holds: it may repeat a whole value."""
        return cls(outcome, detail[:_DETAIL])


class Loaded(msgspec.Struct, frozen=True):
    """The program compiled and keeps the policy."""

    program_hash: str
    """Hash of its syntax tree, as the worker says it."""
    alone: bool = False
    """Whether each of its games wants a worker of its own: it might carry something from one to the next."""


class Played(msgspec.Struct, frozen=True):
    """The answers to one message's calls, in their order; calls after a timeout are not made and have no answer."""

    values: list[Any]
    """A returned value, plain data, or the `Fault` that ended the game."""
    seconds: list[float]
    """CPU of each call, as the worker says it: for reports, never for a verdict."""


def load_frame(source: bytes) -> bytes:
    """The message that loads a program."""
    return _framed(["load", source])


def play_frame(opened: Sequence[tuple[int, int]], closed: Sequence[int], calls: Sequence[tuple[int, bytes]]) -> bytes:
    """The message of one step: games to open (slot, seed), slots to close, calls to make (slot, payload)."""
    return _framed(["play", opened, closed, calls])


def _framed(message: list[Any]) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(_HEADER, "little") + body


def _length(frame: bytes | bytearray) -> int:
    return int.from_bytes(frame[:_HEADER], "little")


class Frames:
    """Cuts what arrives from a worker into frames; holds no more than one frame of the allowed size."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.limit = 0

    def expect(self, calls: int, value: int) -> None:
        """Sets the largest reply: to ``calls`` calls whose values are capped at ``value`` bytes each."""
        self.limit = _PER_CALL + calls * (2 * value + _PER_CALL)

    def feed(self, data: bytes) -> bytes | None:
        """Takes what was received; gives the body of the reply once it is whole.

        Raises:
            BadFrame: the frame is longer than allowed, or something follows it.
        """
        held = self._data
        if not held and len(data) == _HEADER + _length(data) <= _HEADER + self.limit:
            return data[_HEADER:]  # nearly always it comes as a whole
        # In place: a worker may send a large reply byte by byte, and copying it all each time would hold up the host.
        held += data
        if len(held) < _HEADER:
            return None
        length = _length(held)
        if length > self.limit:
            raise BadFrame(f"a frame of {length} bytes, where {self.limit} are allowed")
        if len(held) > _HEADER + length:
            raise BadFrame("more than one frame")
        if len(held) < _HEADER + length:
            return None
        self._data = bytearray()
        return bytes(memoryview(held)[_HEADER:])


def parse_loaded(body: bytes) -> Loaded | Fault:
    """Reads the reply to a load.

    Raises:
        BadFrame: it is none.
    """
    try:
        words = _decode_words(body)
    except _UNREADABLE as error:
        raise BadFrame(str(error)) from None
    if len(words) == 3 and words[0] == "loaded" and len(words[1]) == 32 and words[2] in ("together", "alone"):
        return Loaded(words[1], words[2] == "alone")
    if len(words) == 3 and words[0] == "refused":
        return _fault(words[1], words[2], _OF_LOADING)
    raise BadFrame("not a reply to a load")


def parse_played(body: bytes, calls: int, value: int) -> Played:
    """Reads the reply to a step of ``calls`` calls, whose values are capped at ``value`` bytes each.

    Raises:
        BadFrame: it is none.
    """
    values: list[Any]
    try:
        if len(body) <= _SMALL:
            kind, values, faults, seconds = _decode_played(body)
        else:  # one value may not take the room of all
            kind, parts, faults, seconds = _decode_large(body)
            values = [_plain(part, value) for part in parts]
    except _UNREADABLE as error:
        raise BadFrame(str(error)) from None
    if kind != "played" or not 0 < len(values) <= calls or len(seconds) != len(values):
        raise BadFrame("not a reply to a step")
    if not (min(seconds) >= 0.0 and sum(seconds) < _AGES):  # so that one that is no number fails, too
        raise BadFrame("a time that is none")
    for position, outcome, detail in faults:
        if not 0 <= position < len(values):
            raise BadFrame("a fault of no call")
        values[position] = _fault(outcome, detail, _OF_PLAYING)
    return Played(values, seconds)


def _plain(part: msgspec.Raw, size: int) -> Any:
    if len(memoryview(part)) > 2 * size + _PER_CALL:
        raise BadFrame(f"a value larger than {size} bytes")
    value = _decode_value(part)
    try:
        check_plain(value, size)  # as an honest worker has done
    except NotPlain as error:
        raise BadFrame(str(error)) from None
    return value


def _fault(outcome: str, detail: str, allowed: frozenset[Outcome]) -> Fault:
    if outcome not in allowed:
        raise BadFrame("an outcome of no fault")
    return Fault.told(Outcome(outcome), detail)
