"""A report with numbers in every field."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envrl.evaluation.report.record import (
    Change,
    ConfigRow,
    CurvePoint,
    EvaluationSummary,
    ProgramCard,
    Rate,
    RunReport,
    StepSeconds,
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
        mean_score=2310.4,
        mean_progress=0.81,
        outcome_shares=shares,
        completion_outcomes={"no_code": 1, "syntax_error": 2},
        distinct_programs=57,
        largest_share=0.047,
        infrastructure_errors=0,
        over_half_budget=0.002,
        success_by_seed=tuple(wins.mean(axis=0).tolist()),
        success_by_program=tuple(wins.mean(axis=1).tolist()),
    )


@pytest.fixture
def report() -> RunReport:
    return build_report()


def build_report() -> RunReport:
    rng = np.random.default_rng(5)
    before = (rng.random((64, 32)) < rng.beta(0.1, 2.2, (64, 1))).astype(float)
    after = (rng.random((64, 32)) < rng.beta(0.8, 0.7, (64, 1))).astype(float)
    won = float(before.mean()), float(after.mean())
    rising = [1 / (1 + math.exp(-(step - 35) / 12)) for step in range(80)]
    noise = rng.normal(0, 0.04, 80).tolist()
    return RunReport(
        title="runs/2048-tiny",
        task="2048 (tile 512 within 500 moves)",
        target="tile 512 within 500 moves",
        command="envrl train --env 2048 --seed 1",
        run_dir="/home/someone/envrl/runs/2048-tiny",
        lock_hash="sha256:4f1c90d2a7",
        created="2026-11-21T08:30:00+00:00",
        duration_seconds=252.3,
        before=_summary(
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
        after=_summary(
            "after", after, {"success": won[1], "failure": 0.97 - won[1], "invalid_action": 0.02, "exception": 0.01}
        ),
        difference=Change.of(crossed_difference(before, after)),
        programs=(
            ProgramCard(title="A typical program before", source=SOURCE, success=Rate.of(wilson(1, 32)), block="test"),
            ProgramCard(title="A typical program after", source=SOURCE, success=Rate.of(wilson(17, 32)), block="test"),
        ),
        best=ProgramCard(
            title="The best program",
            source=SOURCE,
            success=Rate.of(wilson(182, 200)),
            block="final",
            chosen=Rate.of(wilson(31, 32)),
            chosen_block="validation",
        ),
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
