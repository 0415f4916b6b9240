"""How often do the intervals for crossed samples cover the truth, and how wide are they?

    python benchmarks/sweep_coverage.py [--repetitions 2000] [--seed 0] [--json PATH]

Each row draws many samples of 64 programs x 32 seeds from one model of how programs and seeds differ, takes the
nominal 95 % interval of each, and counts how many hold the true rate. "over ideal" is the mean width over that of an
interval that knows the true spread of the estimate (2 x 1.96 standard deviations): far above 1 means over-covering.

The models, p being the true rate on fresh programs and fresh seeds:

* alike: every episode is won with probability p.
* alike, seeds differ: logit of the chance = m + N(0, 1) by seed.
* logit-normal: logit of the chance = m + N(0, 2) by program (N takes a standard deviation).
* logit-normal, seeds differ: logit of the chance = m + N(0, 2) by program + N(0, 1) by seed.
* seeds differ more: logit of the chance = m + N(0, 1) by program + N(0, 2) by seed.
* beta: a program's chance is Beta(a p, a (1 - p)) with a = 1.
* beta, extreme: the same with a = 0.3; nearly every program always wins or always loses.
* few winners: a program's chance is 0.95 with probability p / 0.95, else 0.

(m is such that the mean chance is p.) The differences compare two such sets of programs on the same seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from envrl.evaluation.statistics import crossed_difference, crossed_rate

PROGRAMS, SEEDS = 64, 32
RATES = (0.02, 0.1, 0.5, 0.9)
CHANGES = ((0.02, 0.02), (0.02, 0.1), (0.1, 0.5), (0.5, 0.5), (0.5, 0.9))
BLOCK = 100
"""Samples drawn at once, which bounds the memory used."""

Floats = NDArray[np.float64]
Model = Callable[[float, Floats, np.random.Generator], Floats]
"""From the true rate and the luck of the seeds, shape (samples, 1, seeds), to chances that broadcast to a sample."""


def _logit_normal(p: float, luck: Floats, rng: np.random.Generator, by_program: float, by_seed: float) -> Floats:
    skill = by_program * rng.standard_normal((len(luck), PROGRAMS, 1))
    return expit(_centre(p, math.hypot(by_program, by_seed)) + skill + by_seed * luck)


def _beta(p: float, luck: Floats, rng: np.random.Generator, a: float) -> Floats:
    return rng.beta(a * p, a * (1 - p), (len(luck), PROGRAMS, 1))


def _few_winners(p: float, luck: Floats, rng: np.random.Generator) -> Floats:
    return np.where(rng.random((len(luck), PROGRAMS, 1)) < p / 0.95, 0.95, 0.0)


@cache
def _centre(p: float, spread: float) -> float:
    """The m for which the mean of expit(m + N(0, spread)) is p, by Gauss-Hermite quadrature."""
    if spread == 0.0:
        return float(logit(p))
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    return float(brentq(lambda m: weights @ expit(m + spread * nodes) / weights.sum() - p, -60, 60))


MODELS: dict[str, Model] = {
    "alike": partial(_logit_normal, by_program=0.0, by_seed=0.0),
    "alike, seeds differ": partial(_logit_normal, by_program=0.0, by_seed=1.0),
    "logit-normal": partial(_logit_normal, by_program=2.0, by_seed=0.0),
    "logit-normal, seeds differ": partial(_logit_normal, by_program=2.0, by_seed=1.0),
    "seeds differ more": partial(_logit_normal, by_program=1.0, by_seed=2.0),
    "beta": partial(_beta, a=1.0),
    "beta, extreme": partial(_beta, a=0.3),
    "few winners": _few_winners,
}


def _play(model: Model, p: float, luck: Floats, rng: np.random.Generator) -> Floats:
    return (rng.random((len(luck), PROGRAMS, SEEDS)) < model(p, luck, rng)).astype(np.float64)


def _intervals(model: Model, rates: tuple[float, ...], repetitions: int, rng: np.random.Generator) -> Floats:
    """Low, estimate and high of each repetition: of a rate, or of a change where two rates are given."""
    rows: list[tuple[float, float, float]] = []
    while len(rows) < repetitions:
        luck = rng.standard_normal((min(BLOCK, repetitions - len(rows)), 1, SEEDS))
        samples = [_play(model, p, luck, rng) for p in rates]
        if len(samples) == 1:
            rows += [crossed_rate(wins) for wins in samples[0]]
        else:
            rows += [crossed_difference(*pair).interval for pair in zip(*samples, strict=True)]
    return np.array(rows)


def measure(repetitions: int, seed: int) -> list[dict[str, str | float]]:
    """One row for each model and rate, then for each model and change."""
    rows: list[dict[str, str | float]] = []
    for rates in [(p,) for p in RATES] + list(CHANGES):
        for name, model in MODELS.items():
            found = _intervals(model, rates, repetitions, np.random.default_rng([seed, len(rows)]))
            truth = rates[-1] - rates[0] if len(rates) == 2 else rates[0]
            low, high = found[:, 0], found[:, 2]
            width, ideal = float((high - low).mean()), 2 * 1.96 * float(found[:, 1].std())
            rows.append(
                {
                    "rates": " -> ".join(f"{p:g}" for p in rates),
                    "model": name,
                    "coverage": float(((low <= truth) & (truth <= high)).mean()),
                    "too_low": float((high < truth).mean()),
                    "too_high": float((low > truth).mean()),
                    "width": width,
                    "over_ideal": width / ideal,
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="coverage of the intervals for crossed samples")
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="100 repetitions, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.repetitions = 100

    start = time.perf_counter()
    rows = measure(arguments.repetitions, arguments.seed)
    print(
        f"{PROGRAMS} programs x {SEEDS} seeds, {arguments.repetitions} repetitions, seed {arguments.seed}; nominal 95 %"
    )
    print(f"{'p':12s} {'programs and seeds':28s} {'covers':>7s} {'below':>6s} {'above':>6s} {'width':>7s} over ideal")
    for row in rows:
        print(
            f"{row['rates']:12s} {row['model']:28s} {row['coverage']:7.1%} {row['too_low']:6.1%} "
            f"{row['too_high']:6.1%} {row['width']:7.4f} {row['over_ideal']:10.2f}"
        )
    print(f"{time.perf_counter() - start:.0f} s")
    if arguments.json is not None:
        report = {"repetitions": arguments.repetitions, "seed": arguments.seed, "confidence": 0.95, "rows": rows}
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
