"""What a gate lets through, and what it does not."""

from __future__ import annotations

import math

import pytest

from envrl.evaluation.statistics import crossed_rate, wilson
from envrl.evaluation.sweeps import Kind, Sweep, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode
from envrl.workflow.gate import Verdict, check_gates, parse_gate


def sweep(*rows: list[float | Outcome] | None, progress: float = 0.5, kind: Kind = "completions") -> Sweep:
    """Of the scores of its episodes, or the outcome of an episode without one; None is a program without code."""
    seeds = max(len(row or ()) for row in rows)
    header = SweepHeader(
        kind=kind, subject="x", task="t", task_version=0, options={}, success="won", toolkit="full", contract="chat",
        prompt_sha256="0", block="test", seeds=f"0:{seeds}", limits={}, layers=(), sampling={}, versions={}, command="",
        created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    programs, episodes = [], []
    for number, row in enumerate(rows):
        outcome = Outcome.NO_CODE if row is None else None
        programs.append(SweepProgram(index=number, label=f"{number}.py", completion="", source="", outcome=outcome))
        episodes.append(tuple(_episode(seed, what, progress) for seed, what in enumerate(row or ())))
    return Sweep(header, tuple(programs), tuple(episodes))


def _episode(seed: int, what: float | Outcome, progress: float) -> Episode:
    if isinstance(what, Outcome):
        return Episode(index=seed, outcome=what)
    return Episode(index=seed, outcome=Outcome.FAILURE, steps=9, score=what, progress=progress)


def verdict(swept: Sweep, gate: str) -> Verdict:
    (found,) = check_gates(swept, [parse_gate(gate)])
    return found


LOW = [-500.0 - 5.0 * seed for seed in range(8)]


def test_completions_without_code_have_the_lowest_score_and_not_the_best() -> None:
    found = verdict(sweep(LOW, *[None] * 6), "score=-300")
    assert found.interval.estimate == pytest.approx((sum(LOW) + 48 * min(LOW)) / 56)
    assert not found.passed
    assert found.unscored == 48
    assert "48 episodes without a score counted as the lowest" in found.sentence
    assert verdict(sweep(LOW, *[None] * 6), "score=-600").passed


@pytest.mark.parametrize("lost", [Outcome.SKIPPED, Outcome.EXCEPTION, Outcome.INFRASTRUCTURE_ERROR])
def test_an_episode_without_a_move_has_the_lowest_score(lost: Outcome) -> None:
    found = verdict(sweep(LOW, [lost] * 8), "score=-500")
    assert (found.interval.estimate, found.unscored, found.passed) == (
        pytest.approx((sum(LOW) + 8 * min(LOW)) / 16),
        8,
        False,
    )


@pytest.mark.parametrize("rows", [[[Outcome.INFRASTRUCTURE_ERROR] * 3] * 2, [None, [Outcome.SKIPPED] * 3]])
def test_without_any_score_a_gate_fails_and_says_so(rows: list) -> None:
    found = verdict(sweep(*rows), "score=-300")
    assert not found.passed
    assert math.isnan(found.interval.estimate)
    assert found.sentence == "score of x fails -300: not a single episode has a score"


def test_two_episodes_are_no_evidence_of_progress() -> None:
    one = sweep([1.0, 2.0], progress=1.0, kind="strategies")
    found = verdict(one, "progress=0.99")
    assert (found.interval, found.method, found.passed) == (wilson(2, 2), "Wilson", False)
    several = sweep([1.0, 2.0], [1.0, 2.0], None, progress=1.0)
    assert verdict(several, "progress=0.1").interval == crossed_rate([[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    assert verdict(sweep([1.0] * 400, progress=1.0, kind="strategies"), "progress=0.99").passed


def test_scores_without_any_spread_pass_no_gate() -> None:
    found = verdict(sweep([7.0, 7.0]), "score=1")
    assert not found.passed
    assert "every episode has the score 7" in found.sentence
    assert "--fail-under success=" in found.sentence
