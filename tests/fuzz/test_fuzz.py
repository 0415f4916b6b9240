"""The fuzzing harnesses for a short time, and whether they would notice."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from tests.fuzz.codec import any_bytes_are_a_reply_or_a_bad_frame, anything_like_a_reply_is_a_reply_or_a_bad_frame
from tests.fuzz.policy import LOOK, accepted_programs_reach_nothing, instrumented, program, reached

from envrl.sandbox import Profile, Sandbox

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def test_any_bytes() -> None:
    QUICK(any_bytes_are_a_reply_or_a_bad_frame())()


def test_anything_like_a_reply() -> None:
    QUICK(anything_like_a_reply_is_a_reply_or_a_bad_frame())()


def test_programs() -> None:
    with instrumented() as sandbox:
        QUICK(accepted_programs_reach_nothing(sandbox))()


def test_the_look_of_an_ordinary_program_finds_nothing() -> None:
    with instrumented() as sandbox:
        lines = ["v0 = [print, len, random.choice, C, C(), D(1), g(), math, typing.Any, functools.partial(h)]"]
        assert reached(sandbox, program(lines)) == ("played", [])


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("v0 = [(lambda: 0).__code__]", "code"),
        ("v1 = {1: (2, (i for i in ()).gi_frame)}", "frame"),
        ("import os as v2", "module"),
        ("v0 = open", "builtin open"),
        ("v0 = seen.__globals__['__builtins__']['eval']", "builtin eval"),
    ],
)
def test_the_look_would_notice(line: str, what: str) -> None:
    with instrumented() as sandbox:
        assert reached(sandbox, program([line]))[0] == "refused"
    profile = Profile(entry_point="f", tables=LOOK, toolkit="def look(v): return LOOK(v)")
    with Sandbox(profile, layers=("limits", "no_new_privs", "seccomp")) as sandbox:
        how, found = reached(sandbox, program([line]))
    assert how == "played"
    assert what in found
