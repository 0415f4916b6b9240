"""Ways in which programs and seeds may differ, as models that draw samples of wins.

p is the true rate on fresh programs and fresh seeds:

* alike: every episode is won with probability p.
* alike, seeds differ: logit of the chance = m + N(0, 1) by seed.
* logit-normal: logit of the chance = m + N(0, 2) by program (N takes a standard deviation).
* logit-normal, seeds differ: logit of the chance = m + N(0, 2) by program + N(0, 1) by seed.
* seeds differ more: logit of the chance = m + N(0, 1) by program + N(0, 2) by seed.
* beta: a program's chance is Beta(a p, a (1 - p)) with a = 1.
* beta, extreme: the same with a = 0.3; nearly every program always wins or always loses.
* few winners: a program's chance is 0.95 with probability p / 0.95, else 0.

(m is such that the mean chance is p.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Model = Callable[[float, int, Floats, np.random.Generator], Floats]
"""From the true rate, the number of programs and the luck of the seeds, shape (samples, 1, seeds), to chances."""


def _logit_normal(
    p: float, programs: int, luck: Floats, rng: np.random.Generator, by_program: float, by_seed: float
) -> Floats:
    skill = by_program * rng.standard_normal((len(luck), programs, 1))
    return expit(_centre(p, math.hypot(by_program, by_seed)) + skill + by_seed * luck)


def _beta(p: float, programs: int, luck: Floats, rng: np.random.Generator, a: float) -> Floats:
    return rng.beta(a * p, a * (1 - p), (len(luck), programs, 1))


def _few_winners(p: float, programs: int, luck: Floats, rng: np.random.Generator) -> Floats:
    return np.where(rng.random((len(luck), programs, 1)) < p / 0.95, 0.95, 0.0)


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


def play(model: Model, p: float, programs: int, luck: Floats, rng: np.random.Generator) -> Floats:
    """Wins of fresh programs on seeds of this luck, shape (samples, programs, seeds)."""
    shape = (len(luck), programs, luck.shape[-1])
    return (rng.random(shape) < model(p, programs, luck, rng)).astype(np.float64)
