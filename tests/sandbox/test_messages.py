"""Frames and replies: what a worker sends is exactly what was asked for, or it is `BadFrame` and nothing else."""

from __future__ import annotations

import contextlib
import datetime
import math
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.outcomes import Outcome
from envrl.sandbox.inside.plain import NotPlain, check_plain
from envrl.sandbox.messages import (
    BadFrame,
    Fault,
    Frames,
    Loaded,
    Played,
    load_frame,
    parse_loaded,
    parse_played,
    play_frame,
)

encode = msgspec.msgpack.encode
HASH = "0" * 32
VALUE = 2000  # bytes

SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary()
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(SCALARS, inner, max_size=4),
    max_leaves=12,
)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


def fed(data: bytes, cuts: list[int], calls: int = 1, value: int = 1000) -> bytes | None:
    """What `Frames` gives for ``data`` in pieces; the last answer."""
    frames = Frames()
    frames.expect(calls, value)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    answers = [frames.feed(data[start:end]) for start, end in pairwise(edges)]
    assert all(answer is None for answer in answers[:-1])
    return answers[-1]


@given(body=st.binary(max_size=600), cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_any_cutting_gives_the_same_frame(body: bytes, cuts: list[int]) -> None:
    assert fed(framed(body), cuts) == body


@given(
    body=st.binary(max_size=60), more=st.binary(min_size=1, max_size=60), cuts=st.lists(st.integers(0, 200), max_size=4)
)
def test_nothing_may_follow_a_frame(body: bytes, more: bytes, cuts: list[int]) -> None:
    whole = framed(body)
    with pytest.raises(BadFrame, match="more than one frame"):
        fed(whole + more, [cut for cut in cuts if cut % (len(whole + more) + 1) < len(whole)])


@given(excess=st.integers(1, 2**31))
def test_a_frame_over_the_limit_is_refused_by_its_header(excess: int) -> None:
    frames = Frames()
    frames.expect(1, 1000)
    with pytest.raises(BadFrame, match="are allowed"):
        frames.feed(min(frames.limit + excess, 2**32 - 1).to_bytes(4, "little"))


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    frames = Frames()
    frames.expect(1, 1000)
    assert frames.feed(framed(bytes(frames.limit))) == bytes(frames.limit)


def test_a_frame_that_is_not_whole_is_waited_for() -> None:
    assert fed(framed(b"abc")[:-1], []) is None


def test_frames_follow_each_other_after_an_answer() -> None:
    frames = Frames()
    frames.expect(1, 1000)
    assert [frames.feed(framed(b"a")), frames.feed(framed(b"b"))] == [b"a", b"b"]


@pytest.mark.parametrize(("seconds", "nanoseconds"), [(253402300800, 0), (253402300799, 999_999_999)])
def test_a_moment_beyond_all_calendars_is_a_bad_frame(seconds: int, nanoseconds: int) -> None:
    moment = b"\xc7\x0c\xff" + nanoseconds.to_bytes(4, "big") + seconds.to_bytes(8, "big")  # msgpack's timestamp 96
    with pytest.raises(BadFrame):
        parse_played(b"\x94\xa6played\x91" + moment + b"\x90\x91\xcb" + bytes(8), 1, VALUE)
    with pytest.raises(BadFrame):
        parse_loaded(b"\x91" + moment)


@given(st.binary(max_size=200))
def test_rubbish_for_a_load_is_a_bad_frame_and_no_other_error(body: bytes) -> None:
    with pytest.raises(BadFrame):
        parse_loaded(body)


@given(st.binary(max_size=200), st.integers(0, 5))
def test_rubbish_for_a_step_is_a_bad_frame_and_no_other_error(body: bytes, calls: int) -> None:
    with pytest.raises(BadFrame):
        parse_played(body, calls, VALUE)


# Well-formed msgpack, often nearly a reply: where a checker's own errors would hide.
FAULTS = st.tuples(st.integers(-2, 3) | PLAIN, st.sampled_from(list(Outcome)) | PLAIN, st.text() | PLAIN)
NEARLY = st.tuples(
    st.sampled_from(["played", "loaded", "refused", ""]) | PLAIN,
    st.lists(PLAIN, max_size=3) | PLAIN,
    st.lists(FAULTS, max_size=2) | PLAIN,
    st.lists(st.floats() | PLAIN, max_size=3) | PLAIN,
)


@given(NEARLY | PLAIN, st.integers(0, 3))
def test_a_message_that_is_nearly_a_reply_is_one_or_a_bad_frame(message: Any, calls: int) -> None:
    body = encode(message)
    for parse in (parse_loaded, lambda b: parse_played(b, calls, VALUE)):
        try:
            reply = parse(body)
        except BadFrame:
            continue
        assert isinstance(reply, Loaded | Played | Fault)


@pytest.mark.parametrize("body", [b"\x91" * 10**5, b"\x81\x81\x81" * 1000, b"\x94\xa6played" + b"\x91" * 10**5])
def test_deep_nesting_is_a_bad_frame(body: bytes) -> None:
    with pytest.raises(BadFrame):
        parse_loaded(body)
    with pytest.raises(BadFrame):
        parse_played(body, 1, VALUE)


@pytest.mark.parametrize(
    "body",
    [
        b"\xdd\xff\xff\xff\xff",  # an array of 2**32 - 1 items
        b"\x94\xa6played\xdd\xff\xff\xff\xff",
        b"\x94\xa6played\x91\xdf\xff\xff\xff\xff",
        b"\x94\xa6played\x91\xc6\xff\xff\xff\xff",
    ],
)
def test_a_length_that_lies_is_a_bad_frame(body: bytes) -> None:
    with pytest.raises(BadFrame):
        parse_loaded(body)
    with pytest.raises(BadFrame):
        parse_played(body, 1, VALUE)


@pytest.mark.parametrize(
    "body",
    [
        b"\x94\xa6played\x91\x81\x80\x01\x90\x91\x00",  # a map for a key
        b"\x94\xa6played\x91\x81\x91\x90\x01\x90\x91\x00",  # a list for a key
        b"\x94\xa6played\x91\x81\x91\x80\x01\x90\x91\x00",  # a list of a map for a key
        b"\x94\xa6played\x91\xd6\xff\xff\xff\xff\xff\x90\x91\x00",  # a time
        b"\x94\xa6played\x91\xc7\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x90\x91\x00",  # no time
        b"\x94\xa6played\x91\xd4\x05\x00\x90\x91\x00",  # an extension
    ],
)
def test_values_that_no_worker_of_ours_sends_raise_nothing_but_bad_frame(body: bytes) -> None:
    with contextlib.suppress(BadFrame):
        assert isinstance(parse_played(body, 1, VALUE), Played)


@pytest.mark.parametrize(
    "message",
    [
        ["played", [], [], []],
        ["played", [1, 2], [], [0.1, 0.2]],
        ["played", [1], [], []],
        ["played", [1], [], [0.1, 0.1]],
        ["played", [1], [[1, "timeout", ""]], [0.1]],
        ["played", [1], [[-1, "timeout", ""]], [0.1]],
        ["played", [1], [[0, "success", ""]], [0.1]],
        ["played", [1], [[0, "skipped", ""]], [0.1]],
        ["played", [1], [[0, "crash", ""]], [0.1]],
        ["played", [1], [[0, "infrastructure_error", ""]], [0.1]],
        ["played", [1], [[0, "syntax_error", ""]], [0.1]],
        ["played", [1], [[0, "nothing", ""]], [0.1]],
        ["played", [1], [[0, "timeout"]], [0.1]],
        ["played", [1], [[0, "timeout", 1]], [0.1]],
        ["played", [1], [], ["0.1"]],
        ["played", [1], []],
        ["loaded", HASH, "alone"],
        ["played", [1, 1], [], [0.1, math.nan]],
        ["played", [1, 1], [], [math.nan, 0.1]],
        ["played", [1, 1], [], [0.1, math.inf]],
        ["played", [1, 1], [], [9.0, -0.1]],
        ["Played", [1], [], [0.1]],
        [["played"], [1], [], [0.1]],
    ],
)
def test_a_wrong_reply_to_a_step_is_a_bad_frame(message: Any) -> None:
    with pytest.raises(BadFrame):
        parse_played(encode(message), 1, VALUE)


@pytest.mark.parametrize(
    "message",
    [
        ["loaded"],
        ["loaded", "short"],
        ["loaded", HASH],
        ["loaded", HASH, HASH],
        ["loaded", "short", "alone"],
        ["refused", "syntax_error"],
        ["refused", "success", ""],
        ["refused", "crash", ""],
        ["refused", "infrastructure_error", ""],
        ["refused", "output_limit", ""],
        ["refused", "no_code", ""],
        ["played", [1], [], [0.1]],
        [],
        None,
    ],
)
def test_a_wrong_reply_to_a_load_is_a_bad_frame(message: Any) -> None:
    with pytest.raises(BadFrame):
        parse_loaded(encode(message))


def test_an_honest_reply_to_a_step_is_read() -> None:
    played = parse_played(encode(["played", ["W", None], [[1, "timeout", "slow"]], [0.5, 0.0]]), 3, VALUE)
    assert played == Played(["W", Fault(Outcome.TIMEOUT, "slow")], [0.5, 0.0])


def test_a_large_reply_is_read_as_a_small_one_is() -> None:
    values = ["W", None, [1, 2.5, True], {"a": b"bc"}] * 5000
    played = parse_played(encode(["played", values, [[1, "timeout", "slow"]], [0.0] * 20_000]), 20_000, VALUE)
    assert [played.values[0], *played.values[2:]] == [values[0], *values[2:]]
    assert played.values[1] == Fault(Outcome.TIMEOUT, "slow")


@pytest.mark.parametrize("value", [[[]] * 60_000, [[[]] * 2000] * 30, "x" * 70_000, dict.fromkeys(range(20000), 0)])
def test_one_value_does_not_take_the_room_of_all(value: Any) -> None:
    calls = 1000
    body = encode(["played", [value] + [None] * (calls - 1), [], [0.0] * calls])
    frames = Frames()
    frames.expect(calls, VALUE)
    assert frames.feed(framed(body)) == body
    with pytest.raises(BadFrame, match="larger than 2000 bytes"):
        parse_played(body, calls, VALUE)


@given(st.binary(max_size=200), st.integers(0, 4))
def test_rubbish_in_a_large_reply_is_a_bad_frame_and_no_other_error(rubbish: bytes, more: int) -> None:
    values = encode("x" * 1000) * 70
    body = b"\x94\xa6played\xdc" + (70 + more).to_bytes(2, "big") + values + rubbish
    for reply in (body, body + b"\x90" + encode([0.0] * (70 + more))):
        with contextlib.suppress(BadFrame):
            played = parse_played(reply, 100, VALUE)
            assert isinstance(played, Played)
            assert len(played.values) == 70 + more


def test_a_large_reply_holds_plain_values_alone() -> None:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with pytest.raises(BadFrame, match="type datetime"):
        parse_played(encode(["played", ["x" * 1000] * 100 + [moment], [], [0.0] * 101]), 101, VALUE)


def test_a_detail_is_cut_short() -> None:
    fault = parse_loaded(encode(["refused", "syntax_error", "x" * 10**4]))
    assert isinstance(fault, Fault)
    assert len(fault.detail) == 300


@given(PLAIN, st.integers(0, 2000))
def test_whatever_passes_as_plain_fits_the_frame_that_the_host_expects(value: Any, size: int) -> None:
    try:
        check_plain(value, size)
    except NotPlain:
        return
    try:
        body = encode(["played", [value], [], [0.0]])
    except UnicodeEncodeError:
        return
    assert fed(framed(body), [], 1, size) == body


@pytest.mark.parametrize("value", [{(1, 2): "W"}, [{(): 0}], {"a": {("b",): 1}}])
def test_a_tuple_is_no_key_since_its_hash_can_be_chosen(value: Any) -> None:
    with pytest.raises(NotPlain, match="tuple among its keys"):
        check_plain(value, 2000)


@given(PLAIN)
def test_plain_values_survive_the_journey(value: Any) -> None:
    (got,) = parse_played(encode(["played", [value], [], [0.0]]), 1, VALUE).values
    assert same(got, value)


def same(got: Any, sent: Any) -> bool:
    """Equality where nan is itself, and a sequence is a list."""
    if isinstance(sent, float):
        return type(got) is float and (got == sent or (math.isnan(got) and math.isnan(sent)))
    if isinstance(sent, list | tuple):
        return isinstance(got, list | tuple) and len(got) == len(sent) and all(map(same, got, sent))
    if isinstance(sent, dict):
        return type(got) is dict and len(got) == len(sent) and all(map(same, got.values(), sent.values()))
    return type(got) is type(sent) and bool(got == sent)


@given(st.binary(max_size=300))
def test_a_program_travels_as_bytes_whatever_they_are(source: bytes) -> None:
    frame = load_frame(source)
    assert int.from_bytes(frame[:4], "little") == len(frame) - 4
    assert msgspec.msgpack.decode(frame[4:]) == ["load", source]


def test_a_step_travels_with_its_games() -> None:
    frame = play_frame([(1, 2**63 - 1)], [0], [(1, b"x")])
    assert msgspec.msgpack.decode(frame[4:]) == ["play", [[1, 2**63 - 1]], [0], [[1, b"x"]]]
