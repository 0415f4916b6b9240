"""A second play stands where it repeats the first, which ended with its worker; else the first one's end stands."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envrl.envs import Ending, Task
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Player, profile_of
from envrl.rollouts.repeating import Trace
from envrl.sandbox import Fault, Program, Sandbox

LOST = Fault(Outcome.CRASH, "the worker was ended by SIGSEGV")
WENT_ON = Trace(5, b"seen", None, LOST)
FAILED = Ending(Outcome.FAILURE, 6, 12.0, 0.5, {})
ENDED = WENT_ON._replace(ending=FAILED)


def test_the_same_observation_at_the_last_call_repeats_the_game() -> None:
    assert WENT_ON.at_call(5, b"seen") is None


def test_another_observation_at_the_last_call_does_not() -> None:
    fault = WENT_ON.at_call(5, b"unseen")
    assert fault is not None
    assert fault.outcome is Outcome.CRASH
    assert "SIGSEGV" in fault.detail


def test_other_calls_than_the_last_are_not_compared() -> None:
    assert WENT_ON.at_call(4, b"unseen") is None
    assert WENT_ON.at_call(6, b"unseen") is None


def test_a_game_that_went_on_may_come_to_any_end_later() -> None:
    assert WENT_ON.at_end(5, FAILED) is None
    assert WENT_ON.at_end(9, replace(FAILED, steps=10)) is None


def test_a_game_that_ends_before_its_last_call_is_another_game() -> None:
    assert WENT_ON.at_end(4, FAILED) is not None


def test_a_game_that_had_ended_has_to_end_alike() -> None:
    assert ENDED.at_end(5, FAILED) is None
    assert ENDED.at_end(5, replace(FAILED, outcome=Outcome.SUCCESS)) is not None
    assert ENDED.at_end(5, replace(FAILED, score=16.0)) is not None


def test_a_game_that_had_ended_must_not_go_on() -> None:
    assert ENDED.at_call(6, b"more") is not None
    assert ENDED.at_call(5, b"seen") is None


def test_an_environment_that_failed_is_no_fault_of_the_program() -> None:
    assert ENDED.at_end(2, replace(FAILED, outcome=Outcome.INFRASTRUCTURE_ERROR)) is None


CRASH = "    chain = iter(())\n    for _ in range(200000): chain = map(abs, chain)\n    next(chain, None)\n"
FILL = "    kept = [bytes(10**6) * 1 for _ in range(200)]\n"
SPIN = "    sum(range(10**12))\n"
TAKE = "    bytes({nearly})\n"  # nearly all of its memory, without meeting the limit
BESIDE = (
    "n = 0\ndef strategy(board):\n    global n\n    n += 1\n    if n == 9: die()\n    return legal(board)[0]\n"
    "def die():\n"
)
ALIKE = "def strategy(board): return legal(board)[0]\n"
OTHERWISE = "def strategy(board): return legal(board)[-1]\n"


class TwoFaced(Sandbox):
    """Runs one program where it has several games, and another where it has one."""

    def __init__(self, task: Task, beside: str, alone: str) -> None:
        self.beside, self.alone = beside.encode(), alone.encode()
        super().__init__(profile_of(task))

    def load(self, source: bytes, limits: Limits, games: int = 1) -> Program:
        return super().load(self.beside if games > 1 else self.alone, limits, games)


def outcomes(task: Task, limits: Limits, beside: str, alone: str) -> list[Outcome]:
    beside = beside.replace("{nearly}", str(limits.memory * 8 // 10))
    with TwoFaced(task, beside, alone) as sandbox:
        (card,) = Player(task, sandbox, limits).play([Assignment("x", (0, 1, 2), (7, 8, 9))])
    return [episode.outcome for episode in card.episodes]


@pytest.mark.parametrize(
    ("die", "outcome"),
    [(CRASH, Outcome.CRASH), (FILL, Outcome.MEMORY), (SPIN, Outcome.TIMEOUT), (TAKE, Outcome.MEMORY)],
    ids=["crash", "memory", "timeout", "nearly full"],
)
def test_who_ends_its_worker_and_plays_otherwise_alone_has_lost(
    task: Task, limits: Limits, die: str, outcome: Outcome
) -> None:
    limits = replace(limits, hard_failures=9)
    assert outcomes(task, limits, BESIDE + die, OTHERWISE) == [outcome] * 3


@pytest.mark.parametrize("die", [CRASH, FILL, SPIN, TAKE], ids=["crash", "memory", "timeout", "nearly full"])
def test_who_plays_alike_alone_keeps_what_it_gets(task: Task, limits: Limits, player: Player, die: str) -> None:
    (expected,) = player.play([Assignment(ALIKE, (0, 1, 2), (7, 8, 9))])
    assert outcomes(task, limits, BESIDE + die, ALIKE) == [episode.outcome for episode in expected.episodes]
    assert not {episode.outcome for episode in expected.episodes} & {Outcome.CRASH, Outcome.MEMORY, Outcome.TIMEOUT}
