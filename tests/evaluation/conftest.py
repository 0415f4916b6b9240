"""Reports with numbers in every field."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envrl.evaluation.report.record import (
    Baseline,
    Baselines,
    Bin,
    Change,
    ConfigRow,
    Constants,
    CurvePoint,
    Distribution,
    EvaluationSummary,
    Exploits,
    Frame,
    Kind,
    PassAt,
    ProgramCard,
    ProgramRow,
    Rate,
    Replay,
    Spread,
    StepSeconds,
    SweepReport,
)
from envrl.evaluation.statistics import crossed_difference, crossed_rate, wilson

SOURCE = '''def strategy(board):
    """Keep the largest tile in a corner."""
    best, move = -1.0, "left"
    for action in legal(board):  # at most four
        after = slide(board, action)
        value = 2.7 * empties(after) + corner(after) + 0x10
        if value > best:
            best, move = value, action
    return move
'''


def _summary(label: str, wins: np.ndarray, shares: dict[str, float]) -> EvaluationSummary:
    return EvaluationSummary(
        label=label,
        model="tiny (0.85 M parameters), warm start" if label == "before" else "tiny (0.85 M parameters), step 80",
        block="test",
        seeds="0:32",
        samples=64,
        success=Rate.of(crossed_rate(wins)),
        interval="That of the rate is a claim about fresh programs on fresh seeds.",
        missing=3,
        if_lost=0.41,
        if_won=0.43,
        mean_score=2310.4,
        score=Rate(estimate=2310.4, low=2200.0, high=2401.5),
        iqm=Rate(estimate=2280.0, low=2100.0, high=2400.0),
        mean_progress=0.81,
        pass_at=(
            PassAt(k=1, rate=Rate(estimate=0.4, low=0.3, high=0.9)),
            PassAt(k=2, rate=Rate(estimate=0.6, low=0.3, high=0.9)),
            PassAt(k=4, rate=Rate(estimate=0.8, low=0.3, high=0.9)),
        ),
        outcome_shares=shares,
        completion_outcomes={"no_code": 1, "syntax_error": 2},
        distinct_programs=57,
        largest_share=0.047,
        infrastructure_errors=2,
        over_half_budget=0.002,
        success_by_seed=tuple(wins.mean(axis=0).tolist()),
        success_by_program=tuple(wins.mean(axis=1).tolist()),
        exploits=Exploits(
            programs=4,
            refused=3,
            episodes=5,
            won=1,
            crashes=6,
            kinds=(
                Kind(reason="import of 'os'", programs=3, episodes=0),
                Kind(reason="seccomp", programs=1, episodes=5),
            ),
            constants=Constants(constant=7, told=60, how="Told from the first 16 moves."),
        ),
        length=Spread(median=80.0, low=60.0, high=101.0, largest=112.0),
        length_unit="tokens",
        clipped=0.03,
        latency=Spread(median=0.31, low=0.2, high=0.62, largest=0.93),
        cpu_per_step=25e-6,
    )


def _replay() -> Replay:
    frames = tuple(
        Frame(caption=f"move {number}: 'left'", text=f"score {number}\n  2  .\n  .  4", marks=((0, 5),))
        for number in range(4)
    )
    return Replay(seed=3, block="test", outcome="success", steps=3, score=44.0, exact=True, frames=frames)


@pytest.fixture
def report() -> SweepReport:
    return build_report()


@pytest.fixture
def sweep_report(report: SweepReport) -> SweepReport:
    """Of several strategies: one side, and a table."""
    return SweepReport(
        kind="strategies",
        title="strategies/ on 2048",
        task=report.task,
        task_id=report.task_id,
        task_version=0,
        target=report.target,
        command="envrl eval --strategy strategies/",
        place="sweeps/x",
        lock_hash="4f1c90d2a7",
        created=report.created,
        sides=report.sides[1:],
        baselines=Baselines(note="The reference strategies were measured on another block: not shown."),
        rows=(
            ProgramRow(
                label="greedy.py",
                success=Rate.of(wilson(20, 32)),
                mean_score=2000.0,
                mean_progress=0.9,
                outcome_shares={"success": 0.6, "failure": 0.4},
            ),
            ProgramRow(
                label="broken.py",
                success=Rate.of(wilson(0, 32)),
                outcome="syntax_error",
                note="line 1: no",
                outcome_shares={"syntax_error": 1.0},
            ),
        ),
        gallery=report.gallery[1:],
        warnings=("no Landlock on this kernel",),
    )


def build_report() -> SweepReport:
    rng = np.random.default_rng(5)
    before = (rng.random((64, 32)) < rng.beta(0.1, 2.2, (64, 1))).astype(float)
    after = (rng.random((64, 32)) < rng.beta(0.8, 0.7, (64, 1))).astype(float)
    won = float(before.mean()), float(after.mean())
    rising = [1 / (1 + math.exp(-(step - 35) / 12)) for step in range(80)]
    noise = rng.normal(0, 0.04, 80).tolist()
    return SweepReport(
        kind="training",
        title="runs/2048-tiny",
        task="2048 (tile 512 within 500 moves)",
        target="tile 512 within 500 moves",
        command="envrl train --env 2048 --seed 1",
        place="/home/someone/envrl/runs/2048-tiny",
        task_id="envrl/2048-v0",
        task_version=0,
        options={"size": 4, "target": 512},
        lock_hash="sha256:4f1c90d2a7",
        created="2026-11-21T08:30:00+00:00",
        duration_seconds=252.3,
        sides=(
            _summary(
                "before",
                before,
                {
                    "success": won[0],
                    "failure": 0.87 - won[0],
                    "invalid_action": 0.05,
                    "exception": 0.03,
                    "timeout": 0.004,
                    "violation": 0.004,
                    "no_code": 0.014,
                    "syntax_error": 0.028,
                },
            ),
            _summary(
                "after", after, {"success": won[1], "failure": 0.97 - won[1], "invalid_action": 0.02, "exception": 0.01}
            ),
        ),
        difference=Change.of(crossed_difference(before, after)),
        baselines=Baselines(
            rows=(
                Baseline(
                    name="random",
                    seeds="test 0:200",
                    success=Rate.of(wilson(0, 200)),
                    mean_score=1063.1,
                    difference=Rate(estimate=0.5, low=0.4, high=0.6),
                    verdict="beaten",
                ),
                Baseline(
                    name="greedy",
                    seeds="test 0:200",
                    success=Rate.of(wilson(90, 200)),
                    mean_score=2500.0,
                    difference=Rate(estimate=0.05, low=-0.05, high=0.15),
                    verdict="not told apart",
                ),
                Baseline(
                    name="expectimax",
                    seeds="test 0:50",
                    success=Rate.of(wilson(50, 50)),
                    mean_score=4267.0,
                    difference=Rate(estimate=-0.5, low=-0.6, high=-0.4),
                    verdict="better",
                ),
            ),
            note="Measured earlier.",
        ),
        distributions=(
            Distribution(
                name="score", bins=tuple(Bin(low=500.0 * i, high=500.0 * i + 500, counts=(9 - i, i)) for i in range(9))
            ),
            Distribution(
                name="max_tile", bins=tuple(Bin(low=2.0**i, high=2.0**i, counts=(i, 1)) for i in range(1, 10))
            ),
        ),
        gallery=(
            ProgramCard(
                title="The best program",
                source=SOURCE,
                success=Rate.of(wilson(182, 200)),
                block="final",
                chosen=Rate.of(wilson(31, 32)),
                chosen_block="validation",
                replay=_replay(),
            ),
            ProgramCard(title="A typical program before", source=SOURCE, success=Rate.of(wilson(1, 32)), block="test"),
            ProgramCard(
                title="A typical program after",
                source=SOURCE,
                success=Rate.of(wilson(17, 32)),
                block="test",
                no_replay="It was never played.",
            ),
        ),
        sampling={"temperature": 1.0},
        limits={"call_cpu": 0.25},
        hashes={"prompt": "49194dbec0ceb02c"},
        curve=tuple(
            CurvePoint(
                step=step + 1,
                reward=-0.2 + 1.1 * up + luck,
                reward_std=0.45,
                success=max(0.0, 0.04 + 0.5 * up + luck),
                broken=max(0.0, 0.2 - 0.17 * up - luck / 2),
                entropy=1.1 - 0.5 * up,
                distinct_programs=60,
                completion_length=80.0,
                seconds=StepSeconds(generation=1.3 + luck, sandbox=0.5 + luck, update=0.6),
            )
            for step, (up, luck) in enumerate(zip(rising, noise, strict=True))
        ),
        reward_weights={"format": 1.0, "success": 1.0, "progress": 0.5},
        config=(
            ConfigRow(key="train.learning_rate", value="0.0005", origin="configs/2048/tiny-cpu.yaml:14"),
            ConfigRow(key="train.seed", value="1", origin="command line"),
        ),
        layers=("resource limits", "no new privileges", "seccomp"),
        versions={"envrl": "0.1.0", "torch": "2.9.1", "python": "3.11.9"},
        warnings=("no Landlock on this kernel",),
    )
