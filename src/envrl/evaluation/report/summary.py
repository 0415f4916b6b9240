"""What a report says of one side: some programs on one block of seeds, in figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envrl.evaluation.answers import Answer
from envrl.evaluation.cells import is_refused, settled
from envrl.evaluation.headline import headline
from envrl.evaluation.missing import lost_or_won
from envrl.evaluation.report.answering import answering
from envrl.evaluation.report.record import Constants, EvaluationSummary, Exploits, Kind, PassAt, Rate, Spread
from envrl.evaluation.sampling import pass_at_k_interval
from envrl.evaluation.scores import iqm_interval, mean_interval
from envrl.evaluation.statistics import Interval
from envrl.evaluation.sweeps import Sweep, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode

__all__ = ["means", "score_interval", "summarize"]

_RESAMPLES = 1000
_SEED = 0  # of the bootstrap: the same sweep gives the same report
_MOST_KINDS = 8
_KINDS_OF_INTERVAL = {
    "Wilson": "That of the rate is Wilson's: a claim about this one program on fresh seeds.",
    "confidence sequence": "That of the rate is a confidence sequence: the sweep stopped by looking at it, and it "
    "allows for that.",
    "questions": "That of the rate is a claim about fresh questions of the same kind: it knows that answers to one "
    "question share its difficulty.",
    "crossed": "That of the rate is a claim about fresh programs on fresh seeds: it knows that programs share seeds, "
    "and that each program plays many of them.",
}

_Matrix = NDArray[np.float64]


def summarize(sweep: Sweep, label: str, constants: Constants | None = None) -> EvaluationSummary:
    """What a report says of a sweep.

    Args:
        label: ``before``, ``after``, or a name.
        constants: the share of programs that always make the same move, where somebody has looked.
    """
    wins, scores = sweep.wins(), sweep.scores()
    best = headline(sweep)
    bounds = lost_or_won(sweep.certain_wins())
    honest = [e for row in sweep.episodes for e in row if e.outcome is not Outcome.INFRASTRUCTURE_ERROR]
    outcomes, unplayed = _outcomes(sweep, honest)
    total = outcomes.total() or 1
    programs = Counter(_identity(program) for program in sweep.programs)
    texts: Sequence[SweepProgram | Answer] = [answer for row in sweep.answers for answer in row] or sweep.programs
    plays = not sweep.header.answers
    sampled = sweep.header.kind != "strategies"
    length, unit = _length(texts)
    moves = sum(e.steps for e in honest)
    return EvaluationSummary(
        label=label,
        model=sweep.header.subject,
        block=sweep.header.block,
        seeds=sweep.header.seeds,
        samples=len(sweep.programs),
        success=Rate.of(best.interval),
        interval=_KINDS_OF_INTERVAL[best.method],
        missing=best.missing,
        if_lost=bounds.low,
        if_won=bounds.high,
        mean_score=_mean(scores) if plays else None,
        score=score_interval(scores) if plays else None,
        unscored=int((np.isnan(scores) & ~np.isnan(wins)).sum()) if plays else 0,
        iqm=_figure(iqm_interval(scores, rng=np.random.default_rng(_SEED), resamples=_RESAMPLES)) if plays else None,
        mean_progress=_mean(sweep.progress()),
        pass_at=_pass_at(wins) if sampled else (),
        outcome_shares={outcome: count / total for outcome, count in sorted(outcomes.items())},
        completion_outcomes={str(outcome): count for outcome, count in sorted(unplayed.items())},
        distinct_programs=len(programs),
        largest_share=max(programs.values(), default=0) / max(len(sweep.programs), 1),
        infrastructure_errors=sum(len(row) for row in sweep.episodes) - len(honest),
        over_half_budget=sum(e.strained for e in honest) / len(honest) if honest and plays else None,
        success_by_seed=means(wins, 0),
        success_by_program=means(wins, 1),
        exploits=_exploits(sweep, constants) if plays else None,
        length=length,
        length_unit=unit,
        clipped=_share([text.clipped for text in texts]),
        latency=_spread([text.seconds for text in texts]),
        cpu_per_step=sum(e.cpu for e in honest) / moves if moves else None,
        answers=answering(sweep),
    )


def means(matrix: _Matrix, axis: int) -> tuple[float | None, ...]:
    """Means along an axis, None where every cell is missing."""
    present = ~np.isnan(matrix)
    sums, counts = np.where(present, matrix, 0.0).sum(axis), present.sum(axis)
    return tuple(float(s / c) if c else None for s, c in zip(sums, counts, strict=True))


def score_interval(scores: _Matrix) -> Rate | None:
    """The mean score with its interval, or None where too little was measured for one."""
    return _figure(mean_interval(scores, rng=np.random.default_rng(_SEED), resamples=_RESAMPLES))


def _figure(interval: Interval) -> Rate | None:
    return Rate.of(interval) if math.isfinite(interval.low) else None


def _mean(matrix: _Matrix) -> float | None:
    known = matrix[~np.isnan(matrix)]
    return float(known.mean()) if known.size else None


def _outcomes(sweep: Sweep, honest: Sequence[Episode]) -> tuple[Counter[str], Counter[str]]:
    """Episodes by outcome, those of a program that was never played under its own; and such programs."""
    unplayed = Counter(str(program.outcome) for program in sweep.programs if program.outcome is not None)
    outcomes = Counter(str(episode.outcome) for episode in honest)
    for program, lost in zip(sweep.programs, settled(sweep.programs, sweep.episodes, len(sweep.seeds)), strict=True):
        if is_refused(program):
            outcomes[str(program.outcome)] += lost
    return outcomes, unplayed


def _identity(program: SweepProgram) -> str:
    """What makes two programs the same: their syntax tree, or their text where there is none."""
    return program.program_hash or program.completion or program.source or ""


def _pass_at(wins: _Matrix) -> tuple[PassAt, ...]:
    most = int((~np.isnan(wins)).sum(axis=0).max(initial=0)) if wins.size else 0
    ks = [2**power for power in range(most.bit_length()) if 2 * 2**power <= most]  # of more, few choices are known
    return tuple(PassAt(k=k, rate=Rate.of(pass_at_k_interval(wins, k))) for k in ks) if len(ks) > 1 else ()


# -- what they tried beside playing ------------------------------------------------------------------------------------


def _exploits(sweep: Sweep, constants: Constants | None) -> Exploits:
    reasons: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    refused = episodes = won = tried = 0
    for program, row in zip(sweep.programs, sweep.episodes, strict=True):
        own = Counter(_reason(e.detail) for e in row if e.outcome is Outcome.VIOLATION)
        episodes += own.total()
        ended.update(own)
        reasons.update(own.keys())
        if program.outcome is Outcome.VIOLATION:
            refused += 1
            reasons[_reason(program.detail)] += 1
        if own or program.outcome is Outcome.VIOLATION:
            tried += 1
            won += sum(e.won for e in row)
    return Exploits(
        programs=tried,
        refused=refused,
        episodes=episodes,
        won=won,
        crashes=sum(e.outcome is Outcome.CRASH for row in sweep.episodes for e in row),
        kinds=tuple(
            Kind(reason=reason, programs=count, episodes=ended[reason])
            for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_KINDS]
        ),
        constants=constants,
    )


def _reason(detail: str) -> str:
    """Why a program was stopped, without the line at which: ``import of 'os'``."""
    if detail.startswith("line "):
        return detail.partition(": ")[2] or detail
    return detail or "not said"


# -- completions ------------------------------------------------------------------------------------------------------


def _length(texts: Sequence[SweepProgram | Answer]) -> tuple[Spread | None, str]:
    """Lengths in tokens where they were recorded, else in letters; of completions only."""
    tokens = [text.tokens for text in texts]
    if any(count is not None for count in tokens):
        return _spread(tokens), "tokens"
    letters = [len(text.completion) for text in texts if text.completion is not None]
    return _spread(letters), "letters"


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, median, high = np.quantile(known, (0.1, 0.5, 0.9))
    return Spread(median=float(median), low=float(low), high=float(high), largest=float(max(known)))


def _share(values: Sequence[bool | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
