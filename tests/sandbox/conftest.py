"""A sandbox for the whole session, and a way to run several programs in it side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from envrl.limits import Limits
from envrl.sandbox import Fault, Loaded, Played, Profile, Program, Sandbox

LIMITS = Limits(load_cpu=1.0, call_cpu=0.05, game_cpu=0.5, grace_cpu=0.1, memory=32 * 2**20, output=1000, value=4096)

Result = Fault | list[list[Any]]
"""The fault that ended a program, or for each of its games what its calls gave, a fault last."""
Play = Callable[..., dict[str, Result]]


def drive(
    sandbox: Sandbox,
    sources: Mapping[str, str | bytes],
    payloads: tuple[bytes, ...] = (b"0", b"1"),
    rounds: int = 3,
    limits: Limits = LIMITS,
) -> dict[str, Result]:
    """Runs programs side by side: for each one game a payload, each called ``rounds`` times with its payload."""
    programs: dict[Program, str] = {}
    for name, source in sources.items():
        text = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
        programs[sandbox.load(text, limits, len(payloads))] = name
    results: dict[str, Result] = {}
    games: dict[str, list[list[Any]]] = {name: [[] for _ in payloads] for name in sources}
    asked: dict[str, list[int]] = {}
    while len(results) < len(sources):
        for program, reply in sandbox.collect(60):
            name = programs[program]
            if isinstance(reply, Fault):
                results[name] = reply
                continue
            opened: list[tuple[int, int]] = []
            if isinstance(reply, Played):
                for slot, value in zip(asked[name], reply.values, strict=False):
                    games[name][slot].append(value)
            else:
                assert isinstance(reply, Loaded)
                opened = [(slot, 1000 + slot) for slot in range(len(payloads))]
            asked[name] = [
                slot
                for slot, values in enumerate(games[name])
                if len(values) < rounds and not (values and isinstance(values[-1], Fault))
            ]
            if asked[name]:
                program.play([(slot, payloads[slot]) for slot in asked[name]], opened)
            else:
                results[name] = games[name]
                program.close()
    return results


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Programs define ``f``; it gets the payload as it is."""
    with Sandbox(Profile(entry_point="f")) as made:
        yield made


@pytest.fixture(scope="session")
def play(sandbox: Sandbox) -> Play:
    """`drive` in the session's sandbox."""

    def bound(sources: Mapping[str, str | bytes], **options: Any) -> dict[str, Result]:
        return drive(sandbox, sources, **options)

    return bound


@pytest.fixture(scope="session")
def value_of(play: Play) -> Callable[..., Any]:
    """What a program's first call gives, or the fault that came instead."""

    def bound(source: str | bytes, payload: bytes = b"0", **options: Any) -> Any:
        result = play({"it": source}, payloads=(payload,), rounds=1, **options)["it"]
        return result if isinstance(result, Fault) else result[0][0]

    return bound


@pytest.fixture(scope="session")
def limits() -> Limits:
    """Small budgets, for quick faults."""
    return LIMITS
