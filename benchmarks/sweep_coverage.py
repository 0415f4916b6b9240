"""How often do the intervals of a sweep cover the truth, and how wide are they?

    python benchmarks/sweep_coverage.py [--repetitions 2000] [--seed 0] [--only PART …] [--json PATH]

Each row draws many samples, takes the nominal 95 % interval of each, and counts how many hold the truth. "over ideal"
is the mean width over that of an interval that knows the true spread of the estimate (2 x 1.96 standard deviations):
far above 1 means over-covering. The ways in which programs and seeds differ are named in ``_crossed_samples.py``.

The parts:

* rate: a model, 64 programs x 32 seeds (`crossed_rate`).
* change: two models, 64 programs each on the same 32 seeds (`crossed_difference`).
* against: a model of 64 programs against one program that wins as often, on the same 32 seeds (likewise).
* program: one program on 200 seeds (`wilson`), and two that win equally often (`paired_difference`).
* pass: a model, 64 programs x 32 seeds, for k of 1, 4 and 16 (`pass_at_k_interval`).
* looking: one program, its interval looked at after every 8 of 1024 seeds. "covers" counts samples in which *every* one
  of those intervals held the truth: `confidence_sequence`, and beside it `wilson`, which promises that for one look
  only. Widths are those at the end; ideal is that of Wilson's.
* stopping: a model, fresh programs by 64 on the same 32 seeds until its interval is at most 0.1 wide, 1024 at most.
* scores: 64 programs x 32 seeds of scores with mean 0 (`mean_interval`, `iqm_interval`, 200 resamples), by the standard
  deviations of the normal parts of programs, seeds and the rest; "skewed" has exponential rests.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from _crossed_samples import MODELS, Floats, Model, play

from envrl.evaluation.paired import paired_difference
from envrl.evaluation.sampling import pass_at_k_interval
from envrl.evaluation.scores import iqm_interval, mean_interval
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import Interval, crossed_difference, crossed_rate, wilson

PROGRAMS, SEEDS = 64, 32
RATES = (0.02, 0.1, 0.5, 0.9)
CHANGES = ((0.02, 0.02), (0.02, 0.1), (0.1, 0.5), (0.5, 0.5), (0.5, 0.9))
ONE_PROGRAM = 200
LOOKS = range(8, 1025, 8)
WIDTH, MOST_PROGRAMS = 0.1, 1024
RESAMPLES = 200
BLOCK = 100
"""Samples drawn at once, which bounds the memory used."""

Row = dict[str, str | float]
Part = Callable[[int, int], Iterator[Row]]


def _row(truth_text: str, what: str, truth: float, intervals: Floats, ideal: float | None = None) -> Row:
    """A row of the table from low, estimate and high of each repetition."""
    low, estimate, high = intervals.T
    width = float((high - low).mean())
    return {
        "truth": truth_text,
        "what": what,
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "too_low": float((high < truth).mean()),
        "too_high": float((low > truth).mean()),
        "width": width,
        "over_ideal": width / (2 * 1.96 * float(estimate.std()) if ideal is None else ideal),
    }


def _lucks(repetitions: int, rng: np.random.Generator) -> Iterator[Floats]:
    for start in range(0, repetitions, BLOCK):
        yield rng.standard_normal((min(BLOCK, repetitions - start), 1, SEEDS))


def rates(repetitions: int, seed: int) -> Iterator[Row]:
    for p in RATES:
        for number, (name, model) in enumerate(MODELS.items()):
            rng = np.random.default_rng([seed, 0, number, int(1000 * p)])
            samples = (play(model, p, PROGRAMS, luck, rng) for luck in _lucks(repetitions, rng))
            found = [crossed_rate(wins) for block in samples for wins in block]
            yield _row(f"{p:g}", name, p, np.array(found))


def changes(repetitions: int, seed: int) -> Iterator[Row]:
    for before, after in CHANGES:
        for number, (name, model) in enumerate(MODELS.items()):
            rng = np.random.default_rng([seed, 1, number, int(1000 * before), int(1000 * after)])
            found = []
            for luck in _lucks(repetitions, rng):
                sides = (play(model, p, PROGRAMS, luck, rng) for p in (before, after))
                found += [crossed_difference(*pair).interval for pair in zip(*sides, strict=True)]
            yield _row(f"{before:g} -> {after:g}", name, after - before, np.array(found))


def against(repetitions: int, seed: int) -> Iterator[Row]:
    single = MODELS["alike, seeds differ"]
    for p in RATES:
        for number, (name, model) in enumerate(MODELS.items()):
            rng = np.random.default_rng([seed, 2, number, int(1000 * p)])
            found = []
            for luck in _lucks(repetitions, rng):
                pairs = zip(play(single, p, 1, luck, rng), play(model, p, PROGRAMS, luck, rng), strict=True)
                found += [crossed_difference(*pair).interval for pair in pairs]
            yield _row(f"{p:g}", name, 0.0, np.array(found))


def programs(repetitions: int, seed: int) -> Iterator[Row]:
    for p in RATES:
        rng = np.random.default_rng([seed, 3, int(1000 * p)])
        won = rng.binomial(ONE_PROGRAM, p, repetitions)
        yield _row(f"{p:g}", "one program, Wilson", p, np.array([wilson(int(w), ONE_PROGRAM) for w in won]))
    for p in RATES:
        for name in ("alike", "seeds differ more"):
            rng = np.random.default_rng([seed, 4, int(1000 * p), len(name)])
            found = []
            for _ in range(repetitions):
                luck = rng.standard_normal((1, 1, ONE_PROGRAM))
                chance = MODELS[name](p, 1, luck, rng)[0, 0]
                found.append(paired_difference(*(rng.random((2, ONE_PROGRAM)) < chance)))
            yield _row(f"{p:g}", f"two equal programs, {name}", 0.0, np.array(found))


def passes(repetitions: int, seed: int) -> Iterator[Row]:
    for p in RATES[:3]:
        for k in (1, 4, 16):
            for number, name in enumerate(("alike", "seeds differ more", "beta", "beta, extreme")):
                rng = np.random.default_rng([seed, 8, number, int(1000 * p), k])
                samples = (play(MODELS[name], p, PROGRAMS, luck, rng) for luck in _lucks(repetitions, rng))
                found = [pass_at_k_interval(wins, k) for block in samples for wins in block]
                truth = _pass_at(MODELS[name], p, k)
                yield _row(f"{p:g}, k = {k}", f"{name}: {truth:.3f}", truth, np.array(found))


def _pass_at(model: Model, p: float, k: int) -> float:
    """The true chance, from quadrature over the luck of a seed and a large sample of programs where luck counts."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(51)
    chances = model(p, 20_000, nodes[None, None, :], np.random.default_rng(9))
    lost = 1.0 - chances.mean(axis=(0, 1)) if chances.shape[-1] > 1 else np.full(len(nodes), 1.0 - p)
    return float(1.0 - weights @ lost**k / weights.sum())


def looking(repetitions: int, seed: int) -> Iterator[Row]:
    for p in RATES:
        rng = np.random.default_rng([seed, 5, int(1000 * p)])
        won = np.cumsum(rng.random((repetitions, LOOKS[-1])) < p, axis=1)[:, np.array(LOOKS) - 1]
        end = [_width(wilson(int(w), LOOKS[-1])) for w in won[:, -1]]
        for name, interval_of in (("confidence sequence", confidence_sequence), ("Wilson at every look", wilson)):
            at = cache(interval_of)
            found = [_worst([at(int(w), n) for w, n in zip(path, LOOKS, strict=True)], p) for path in won]
            yield _row(f"{p:g}", name, p, np.array(found), ideal=float(np.mean(end)))


def _worst(intervals: list[Interval], truth: float) -> tuple[float, float, float]:
    """The first interval that misses, moved to have the width of the last; else the last."""
    last = intervals[-1]
    for low, _, high in intervals:
        if high < truth:
            return truth - 1e-9 - _width(last), truth, truth - 1e-9
        if low > truth:
            return truth + 1e-9, truth, truth + 1e-9 + _width(last)
    return last


def _width(interval: Interval) -> float:
    return interval.high - interval.low


def stopping(repetitions: int, seed: int) -> Iterator[Row]:
    for p in RATES[1:3]:
        for number, (name, model) in enumerate(MODELS.items()):
            rng = np.random.default_rng([seed, 6, number, int(1000 * p)])
            found = [_until_narrow(model, p, rng) for _ in range(repetitions)]
            yield _row(f"{p:g}", name, p, np.array(found))


def _until_narrow(model: Model, p: float, rng: np.random.Generator) -> Interval:
    luck = rng.standard_normal((1, 1, SEEDS))
    wins = np.empty((0, SEEDS))
    while True:
        wins = np.concatenate([wins, play(model, p, PROGRAMS, luck, rng)[0]])
        interval = crossed_rate(wins)
        if _width(interval) <= WIDTH or len(wins) >= MOST_PROGRAMS:
            return interval


def scores(repetitions: int, seed: int) -> Iterator[Row]:
    ways = {"alike": (0, 0, 1), "programs differ": (1, 0, 1), "both differ": (1, 1, 1), "skewed": (0.5, 0.5, None)}
    for name, (by_program, by_seed, rest) in ways.items():
        # The interquartile mean of symmetric parts is 0; that of skewed ones is found with a large sample.
        rng = np.random.default_rng([seed, 7, len(name)])
        big = _scores(by_program, by_seed, rest, (3000, 3000), rng).ravel()
        truths = {"mean": 0.0, "IQM": 0.0 if rest else float(np.sort(big)[big.size // 4 : -(big.size // 4)].mean())}
        samples = [_scores(by_program, by_seed, rest, (PROGRAMS, SEEDS), rng) for _ in range(repetitions)]
        for what, interval_of in (("mean", mean_interval), ("IQM", iqm_interval)):
            found = [interval_of(sample, rng=rng, resamples=RESAMPLES) for sample in samples]
            yield _row(f"{truths[what]:.2f}", f"{what}, {name}", truths[what], np.array(found))


def _scores(
    by_program: float, by_seed: float, rest: float | None, shape: tuple[int, int], rng: np.random.Generator
) -> Floats:
    residual = rng.exponential(1.0, shape) - 1.0 if rest is None else rest * rng.standard_normal(shape)
    return by_program * rng.standard_normal((shape[0], 1)) + by_seed * rng.standard_normal((1, shape[1])) + residual


PARTS: dict[str, Part] = {
    "rate": rates,
    "change": changes,
    "against": against,
    "program": programs,
    "pass": passes,
    "looking": looking,
    "stopping": stopping,
    "scores": scores,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="coverage of the intervals of a sweep")
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="50 repetitions, to see that it runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    arguments = parser.parse_args()
    repetitions = 50 if arguments.quick else arguments.repetitions

    print(f"{repetitions} repetitions, seed {arguments.seed}; nominal 95 %")
    report: dict[str, object] = {"repetitions": repetitions, "seed": arguments.seed, "confidence": 0.95, "parts": {}}
    for part in arguments.only:
        start, rows = time.perf_counter(), []
        print(f"\n{part:12s} {'':38s} {'covers':>7s} {'below':>6s} {'above':>6s} {'width':>7s} over ideal")
        for row in PARTS[part](repetitions, arguments.seed):
            rows.append(row)
            print(
                f"{row['truth']:12s} {row['what']:38s} {row['coverage']:7.1%} {row['too_low']:6.1%} "
                f"{row['too_high']:6.1%} {row['width']:7.4f} {row['over_ideal']:10.2f}",
                flush=True,
            )
        print(f"{time.perf_counter() - start:.0f} s")
        report["parts"][part] = rows  # type: ignore[index]
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
