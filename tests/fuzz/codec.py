"""Whatever a worker sends: the host reads a reply, or finds that it is none; it never does anything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from envrl.sandbox.messages import BadFrame, Fault, Frames, Loaded, Played, parse_loaded, parse_played

__all__ = ["any_bytes_are_a_reply_or_a_bad_frame", "anything_like_a_reply_is_a_reply_or_a_bad_frame"]

_PLAIN_TYPES = {type(None), bool, int, float, str, bytes, list, tuple, dict}
_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=4),
    max_leaves=20,
)
_OUTCOMES = st.sampled_from(["timeout", "memory", "exception", "violation", "success", "no_code", "Timeout", ""])
_FAULTS = st.lists(st.tuples(st.integers(-2, 5), _OUTCOMES | st.text(), st.text()), max_size=4)
_SECONDS = st.lists(st.floats() | st.integers(-2, 2), max_size=5)
_PLAYED = st.tuples(st.sampled_from(["played", "loaded", ""]), st.lists(_VALUES, max_size=5), _FAULTS, _SECONDS)
_LOADED = st.tuples(
    st.just("loaded"), st.text(max_size=40) | st.just("0" * 32), st.sampled_from(["alone", "together", ""])
) | st.tuples(st.just("refused"), _OUTCOMES, st.text())


def _is_plain(value: Any) -> bool:
    if type(value) is Fault:
        return True
    if type(value) not in _PLAIN_TYPES:
        return False
    parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
    return not isinstance(value, list | tuple | dict) or all(_is_plain(part) for part in parts)


def _read(data: bytes, cuts: list[int], calls: int) -> None:
    frames = Frames()
    frames.expect(calls, 1000)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    try:
        body = None
        for start, end in pairwise(edges):
            body = frames.feed(data[start:end])
            if body is not None:
                break
    except BadFrame:
        event("bad frame")
        return
    if body is None:
        event("not whole")
        return
    for parse in (parse_loaded, lambda body: parse_played(body, calls, 1000)):
        try:
            reply = parse(body)
        except BadFrame:
            event("bad body")
            continue
        event(type(reply).__name__)
        assert type(reply) in (Loaded, Played, Fault)
        if isinstance(reply, Played):
            assert 0 < len(reply.values) == len(reply.seconds) <= calls
            assert all(type(used) is float and math.isfinite(used) and used >= 0 for used in reply.seconds)
            assert all(_is_plain(value) for value in reply.values)


_CUTS = st.lists(st.integers(0, 4000), max_size=6)


def any_bytes_are_a_reply_or_a_bad_frame() -> Callable[[], None]:
    """The property for bytes from nowhere, in pieces."""

    @given(data=st.binary(max_size=3000), cuts=_CUTS, calls=st.integers(1, 5))
    def property(data: bytes, cuts: list[int], calls: int) -> None:
        _read(data, cuts, calls)
        _read(len(data).to_bytes(4, "little") + data, cuts, calls)

    return property


def anything_like_a_reply_is_a_reply_or_a_bad_frame() -> Callable[[], None]:
    """The property for replies with some part wrong, and some bytes changed."""

    @given(
        message=_PLAYED | _LOADED | _VALUES,
        flips=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=3),
        cuts=_CUTS,
        calls=st.integers(1, 5),
    )
    def property(message: object, flips: list[tuple[int, int]], cuts: list[int], calls: int) -> None:
        body = bytearray(msgspec.msgpack.encode(message))
        for place, byte in flips:
            body[place % len(body)] = byte
        _read(len(body).to_bytes(4, "little") + bytes(body), cuts, calls)

    return property
