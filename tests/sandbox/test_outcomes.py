# ruff: noqa: E501 (programs, one a line)
"""What becomes of single programs, hostile and broken ones, while a neighbour gets exactly what it gets alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.sandbox import Fault, Profile, Sandbox

NEIGHBOUR = """
import random
from collections import Counter
seen = Counter()
def f(payload):
    seen[payload] += 1
    return [random.randint(0, 10**6), seen[payload], random.choice("WASD"), payload]
"""

ENDLESS = {
    "loop": "def f(x):\n    while True: pass",
    "top level": "def f(x): pass\nwhile True: pass",
    "except BaseException": (
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass"
    ),
    "bare except": "def f(x):\n    while True:\n        try:\n            while True: pass\n        except: continue",
    "except, return": "def f(x):\n    try:\n        while True: pass\n    except BaseException: return 'W'",
    "finally continue": "def f(x):\n    while True:\n        try: pass\n        finally: continue",
    "finally return": "def f(x):\n    try:\n        while True: pass\n    finally: return 'W'",
    "exit returns True": (
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, *what): return True\n"
        "def f(x):\n    while True:\n        with C():\n            while True: pass"
    ),
    "generator close": (
        "def g():\n    while True:\n        try: yield\n        except GeneratorExit: pass\n"
        "def f(x):\n    while True:\n        i = g(); next(i)\n"
        "        try: i.close()\n        except RuntimeError: pass"
    ),
    "generator that will not end": (
        "def g():\n    try: yield\n    finally:\n        while True: pass\ndef f(x):\n    i = g(); next(i); del i\n    return 'W'"
    ),
    "sum in C": "def f(x): return sum(range(10**12))",
    "deque in C": "from collections import deque\nfrom itertools import repeat\ndef f(x): return deque(repeat(0), maxlen=0)",
    "in a comparison": "class C:\n    def __eq__(self, o):\n        while True: pass\ndef f(x): return C() in [1]",
    "large power": "def f(x): return (10**10**8) % 7",
    "large power folded": "def f(x): return 10**10**8",
}

PROGRAMS: dict[str, tuple[str | bytes, set[Outcome]]] = {
    # source texts that are no program, or hardly one
    "20,000 terms": ("def f(x): return " + "+".join(["1"] * 20_000), {Outcome.SYNTAX_ERROR}),
    "20,000 minuses": ("def f(x): return " + "-" * 20_000 + "1", {Outcome.SYNTAX_ERROR}),
    "100,000 parentheses": ("def f(x): return " + "(" * 100_000 + ")" * 100_000, {Outcome.SYNTAX_ERROR}),
    "null byte": ("def f(x): return 1\0", {Outcome.SYNTAX_ERROR}),
    "invalid UTF-8": (b"def f(x): return '\xff'", {Outcome.SYNTAX_ERROR}),
    "invalid UTF-8 by declaration": (b"# coding: latin-1\ndef f(x): return '\xe9'", {Outcome.SYNTAX_ERROR}),
    "surrogate in the source": ("def f(x): return '\ud800'", {Outcome.SYNTAX_ERROR}),
    "not Python": ("def f(x) return 1", {Outcome.SYNTAX_ERROR}),
    "return outside": ("def f(x): pass\nreturn 1", {Outcome.SYNTAX_ERROR}),
    "empty": ("", {Outcome.NO_ENTRY_POINT}),
    "another name": ("def g(x): return 1", {Outcome.NO_ENTRY_POINT}),
    "nested entry": ("def g():\n    def f(x): return 1", {Outcome.NO_ENTRY_POINT}),
    # what cannot be swallowed
    **{name: (source, {Outcome.TIMEOUT}) for name, source in ENDLESS.items()},
    # memory
    "bomb": ("def f(x): return len([0] * 10**9)", {Outcome.MEMORY}),
    "bomb by pieces": ("keep = []\ndef f(x):\n    while True: keep.append(bytes(10**5))", {Outcome.MEMORY}),
    "bomb by crumbs": (
        "keep = []\ndef f(x):\n    while True: keep.append(bytes(40))",
        {Outcome.MEMORY, Outcome.TIMEOUT},
    ),
    "bomb caught": (
        "keep = []\ndef f(x):\n    try:\n        while True: keep.append(bytes(10**5))\n"
        "    except MemoryError: return 'W'",
        {Outcome.MEMORY},
    ),
    "bomb caught by a class": (
        "class C:\n    def __enter__(self): pass\n    def __exit__(self, *what): return True\n"
        "def f(x):\n    with C(): [0] * 10**9\n    return 'W'",
        {Outcome.MEMORY},
    ),
    "bomb lost in a generator": (
        "def g():\n    try: yield\n    finally: [0] * 10**9\ndef f(x):\n    i = g(); next(i); del i\n    return 'W'",
        {Outcome.MEMORY},
    ),
    "bomb at the top": ("x = [0] * 10**9\ndef f(x): return 1", {Outcome.MEMORY}),
    "bomb folded at compile time": ("def f(x): return ((1,) * 200,) * 200 * 10**9", {Outcome.MEMORY}),
    "wide string": ("def f(x): return 'x' * 10**9", {Outcome.MEMORY}),
    # depth
    "recursion": ("def f(x): return f(x)", {Outcome.EXCEPTION}),
    "nested filters": (
        "def f(x):\n    for _ in range(10**6): x = filter(None, x)\n    return list(x)",
        {Outcome.CRASH, Outcome.TIMEOUT, Outcome.MEMORY},
    ),
    # output
    "print flood": ("def f(x):\n    while True: print('flood')", {Outcome.OUTPUT_LIMIT}),
    "one long print": ("def f(x): print('x' * 2000)", {Outcome.OUTPUT_LIMIT}),
    "long separator": ("def f(x): print(1, 2, sep='x' * 2000)", {Outcome.OUTPUT_LIMIT}),
    # returned values
    "str subclass": ("class S(str): pass\ndef f(x): return S('W')", {Outcome.INVALID_ACTION}),
    "int subclass": ("class I(int): pass\ndef f(x): return [I(1)]", {Outcome.INVALID_ACTION}),
    "huge int": ("def f(x): return 2**63", {Outcome.INVALID_ACTION}),
    "huge int within": ("def f(x): return [-2**63 - 1]", {Outcome.INVALID_ACTION}),
    "deep list": ("def f(x):\n    a = []\n    for _ in range(99): a = [a]\n    return a", {Outcome.INVALID_ACTION}),
    "list in itself": ("def f(x):\n    a = []\n    a.append(a)\n    return a", {Outcome.INVALID_ACTION}),
    "wide list": ("def f(x): return [0] * 10**5", {Outcome.INVALID_ACTION}),
    "widening list": ("def f(x):\n    a = [0] * 20\n    a = [a] * 20\n    return [a] * 20", {Outcome.INVALID_ACTION}),
    "long string": ("def f(x): return 'x' * 5000", {Outcome.INVALID_ACTION}),
    "long bytes": ("def f(x): return bytes(5000)", {Outcome.INVALID_ACTION}),
    "string of four bytes a character": ("def f(x): return '\U00020000' * 4000", {Outcome.INVALID_ACTION}),
    "list of such strings": ("def f(x): return ['\U00020000' * 900] * 4", {Outcome.INVALID_ACTION}),
    "a set": ("def f(x): return {1}", {Outcome.INVALID_ACTION}),
    "a function": ("def f(x): return f", {Outcome.INVALID_ACTION}),
    "a class": ("def f(x): return int", {Outcome.INVALID_ACTION}),
    "a complex number": ("def f(x): return 1j", {Outcome.INVALID_ACTION}),
    "a generator": ("def f(x): yield 1", {Outcome.INVALID_ACTION}),
    # exceptions, and what their words can do to a frame
    "raises": ("def f(x): raise ValueError('no')", {Outcome.EXCEPTION}),
    "raises at the top": ("def f(x): pass\n1 / 0", {Outcome.EXCEPTION}),
    "raises BaseException": ("def f(x): raise BaseException", {Outcome.EXCEPTION}),
    "raises StopIteration": ("def f(x): raise StopIteration(10)", {Outcome.EXCEPTION}),
    "raises GeneratorExit": ("def f(x): raise GeneratorExit", {Outcome.EXCEPTION}),
    "exits": ("def f(x): raise SystemExit", {Outcome.EXCEPTION}),
    "surrogate in an exception": ("def f(x): raise ValueError('\\ud800')", {Outcome.EXCEPTION}),
    "surrogate in a name": ("def f(x): return getattr(x, '\\ud800')", {Outcome.EXCEPTION}),
    "long integer in an exception": ("def f(x): raise ValueError(10**5000)", {Outcome.EXCEPTION}),
    "long exception": ("def f(x): raise ValueError('\U00020000' * 10**4)", {Outcome.EXCEPTION}),
    "exception with a hostile text": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\ndef f(x): raise E(E())",
        {Outcome.EXCEPTION},
    ),
    "entry point deleted": ("def f(x): pass\ndel f", {Outcome.EXCEPTION}),
    "entry point no function": ("f = 3", {Outcome.EXCEPTION}),
    "wrong number of arguments": ("def f(): pass", {Outcome.EXCEPTION}),
}

NAMES = sorted(PROGRAMS)
GROUPS = [NAMES[start : start + 6] for start in range(0, len(NAMES), 6)]


def ends(result: Any) -> list[Outcome | None]:
    """How each game ended."""
    if isinstance(result, Fault):
        return [result.outcome]
    return [game[-1].outcome if isinstance(game[-1], Fault) else None for game in result]


@pytest.fixture(scope="session")
def alone(play: Callable[..., Any]) -> Any:
    """What the neighbour gets alone."""
    return play({"neighbour": NEIGHBOUR})["neighbour"]


@pytest.mark.parametrize("names", GROUPS, ids=[f"{group[0]} … {group[-1]}" for group in GROUPS])
def test_each_program_gets_its_outcome_and_its_neighbour_what_it_gets_alone(
    play: Callable[..., Any], alone: Any, names: list[str]
) -> None:
    results = play({"neighbour": NEIGHBOUR} | {name: PROGRAMS[name][0] for name in names})
    assert results.pop("neighbour") == alone
    got = {name: set(ends(result)) for name, result in results.items()}
    assert {name: outcomes - PROGRAMS[name][1] for name, outcomes in got.items() if outcomes - PROGRAMS[name][1]} == {}


@pytest.mark.parametrize(
    ("returns", "value"),
    [
        ("None", None),
        ("True", True),
        ("2**63 - 1", 2**63 - 1),
        ("-2**63", -(2**63)),
        ("float('inf')", float("inf")),
        ("-0.0", -0.0),
        ("'W'", "W"),
        ("'é\\N{SNOWMAN}\U00020000'", "é☃\U00020000"),
        ("b'\\xff'", b"\xff"),
        ("[1, [2.5, None], ('a', b'b')]", [1, [2.5, None], ["a", b"b"]]),
        ("{'k': [1], 2: None, 't': 3.5, b'x': {}}", {"k": [1], 2: None, "t": 3.5, b"x": {}}),
        ("[]", []),
    ],
)
def test_plain_values_cross_as_they_are(value_of: Callable[..., Any], returns: str, value: object) -> None:
    got = value_of(f"def f(x): return {returns}")
    assert got == value
    assert type(got) is type(value)


def test_nan_crosses(value_of: Callable[..., Any]) -> None:
    got = value_of("def f(x): return float('nan')")
    assert type(got) is float
    assert got != got


@pytest.mark.parametrize("returns", ["'\\ud800'", "['a', '\\udfff']", "{'\\ud800': 1}"])
def test_a_lone_surrogate_in_a_value_harms_no_other_value(play: Callable[..., Any], returns: str) -> None:
    source = f"def f(x): return {returns} if x == b'0' else [x]"
    bad, good = play({"it": source})["it"]
    assert good == [[b"1"]] * 3
    assert all(msgspec.msgpack.encode(value) for value in bad)


def test_an_encoding_declaration_means_nothing(value_of: Callable[..., Any]) -> None:
    assert value_of("# coding: latin-1\ndef f(x): return 'é'") == "é"


def test_names_beyond_ascii_are_allowed(value_of: Callable[..., Any]) -> None:
    assert value_of("größe = 3\ndef f(x): return größe") == 3


def test_warnings_of_the_compiler_are_no_matter(value_of: Callable[..., Any]) -> None:
    assert value_of("def f(x): return '\\d' if x is 'a' else assert_ \nassert_ = (1, 'x')") == [1, "x"]


def test_a_fault_ends_its_game_and_no_other_of_the_same_program(play: Callable[..., Any]) -> None:
    source = NEIGHBOUR.replace("    seen[", "    if payload == b'bad': 1 / 0\n    seen[")
    bad, *good = play({"it": source}, payloads=(b"bad", b"0", b"1"))["it"]
    assert [fault.outcome for fault in bad] == [Outcome.EXCEPTION]
    assert [game[0][1] for game in good] == [1, 1]
    assert [len(game) for game in good] == [3, 3]


def test_a_timeout_ends_its_game_and_no_other_of_the_same_program(play: Callable[..., Any]) -> None:
    source = "n = 0\ndef f(p):\n    global n\n    n += 1\n    while p == b'bad' and n == 2: pass\n    return n"
    games = play({"it": source}, payloads=(b"0", b"bad", b"1"))["it"]
    assert games[0] == games[2] == [1, 2, 3]
    assert games[1][0] == 1
    assert games[1][1].outcome is Outcome.TIMEOUT


def test_a_fault_names_the_line(value_of: Callable[..., Any]) -> None:
    assert value_of("def f(x):\n    y = 1\n    return y / 0").detail == "line 3: ZeroDivisionError: division by zero"


def test_a_games_budget_covers_all_its_calls(value_of: Callable[..., Any], play: Callable[..., Any]) -> None:
    # No call outstays its own budget of 0.5 s.
    limits = Limits(load_cpu=1.0, call_cpu=0.5, game_cpu=0.15, grace_cpu=0.1)
    (game,) = play(
        {"it": "def f(x): return sum(i for i in range(300_000)) and 1"}, payloads=(b"0",), rounds=200, limits=limits
    )["it"]
    assert game[-1].outcome is Outcome.TIMEOUT
    assert game[:-1] == [1] * (len(game) - 1)


def test_output_is_counted_over_a_game_and_for_each_game_alone(play: Callable[..., Any]) -> None:
    source = "def f(x):\n    print('x' * 600 if x == b'much' else 'x' * 300)\n    return 1"
    much, little = play({"it": source}, payloads=(b"much", b"little"))["it"]
    assert [much[0], much[1].outcome] == [1, Outcome.OUTPUT_LIMIT]
    assert little == [1, 1, 1]


def test_what_sleeps_is_ended_by_the_wall_clock() -> None:
    limits = Limits(load_cpu=1.0, call_cpu=0.05, grace_cpu=0.05, wall_factor=0.1, wall_floor=0.3)
    # No program can sleep, and seccomp would refuse it; a toolkit without seccomp may.
    profile = Profile(entry_point="f", tables="from time import sleep", toolkit="def rest(): sleep(600)")
    with Sandbox(profile, layers=(), require=()) as sandbox:
        program = sandbox.load(b"def f(x): rest()", limits)
        sandbox.collect(60)
        program.play([(0, b"")], [(0, 1)])
        ((_, fault),) = sandbox.collect(60)
    assert fault == Fault(Outcome.TIMEOUT, "outstayed the wall clock")


def test_what_sleeps_a_little_in_each_call_is_ended_by_the_wall_clock_too() -> None:
    # No call sleeps for longer than it may.
    limits = Limits(load_cpu=1.0, call_cpu=0.05, grace_cpu=0.05, wall_factor=0.1, wall_floor=1.5)
    profile = Profile(entry_point="f", tables="from time import sleep", toolkit="def rest(): sleep(1.2)")
    with Sandbox(profile, layers=(), require=()) as sandbox:
        program = sandbox.load(b"def f(x): rest()", limits)
        ((_, reply),) = sandbox.collect(60)
        calls = 0
        while not isinstance(reply, Fault) and calls < 6:
            program.play([(0, b"")], [] if calls else [(0, 1)])
            ((_, reply),) = sandbox.collect(60)
            calls += 1
    assert reply == Fault(Outcome.TIMEOUT, "outstayed the wall clock")


def test_what_sleeps_behind_questions_that_it_does_not_read_is_ended_too() -> None:
    limits = Limits(load_cpu=1.0, call_cpu=0.05, grace_cpu=0.05, wall_factor=0.1, wall_floor=1.5)
    body = msgspec.msgpack.encode(["played", [1], [], [0.0]])
    tables = f"import os\nfrom time import sleep\nANSWER = {len(body).to_bytes(4, 'little') + body!r}"
    # The host's questions fill the socket, and then what it has to write waits.
    toolkit = """
def rest():
    for call in range(20):
        sleep(0.05 if call < 10 else 1.2)
        os.write(3, ANSWER)
"""
    profile = Profile(entry_point="f", tables=tables, toolkit=toolkit)
    with Sandbox(profile, layers=(), require=()) as sandbox:
        program = sandbox.load(b"def f(x): rest()", limits)
        ((_, reply),) = sandbox.collect(60)
        calls = 0
        while not isinstance(reply, Fault) and calls < 18:
            program.play([(0, bytes(2**16))], [] if calls else [(0, 1)])
            ((_, reply),) = sandbox.collect(60)
            calls += 1
    assert reply == Fault(Outcome.TIMEOUT, "outstayed the wall clock")
    assert calls > 10  # it was no crash, and its short naps were none


def test_a_crowd_that_computes_for_ever_is_timed_out_and_no_error_of_ours() -> None:
    # None of them gets the CPU of its budget soon, as others compute too.
    limits = Limits(load_cpu=1.0, call_cpu=0.1, grace_cpu=0.1, wall_factor=0.1, wall_floor=0.1)
    profile = Profile(
        entry_point="f",
        tables="from signal import setitimer, ITIMER_PROF, ITIMER_VIRTUAL",
        toolkit="def free():\n    setitimer(ITIMER_PROF, 0)\n    setitimer(ITIMER_VIRTUAL, 0)",
    )
    with Sandbox(profile, layers=(), require=()) as sandbox:
        crowd = {sandbox.load(b"def f(x):\n    free()\n    while True: pass", limits) for _ in range(5)}
        found: list[Fault] = []
        while len(found) < len(crowd):
            for program, reply in sandbox.collect(60):
                if isinstance(reply, Fault):
                    found.append(reply)
                else:
                    program.play([(0, b"")], [(0, 1)])
    assert found == [Fault(Outcome.TIMEOUT, "outstayed the wall clock")] * len(crowd)
