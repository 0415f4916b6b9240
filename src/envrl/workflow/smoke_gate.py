"""The gate behind a few steps of training: what they already tell of a run that would learn nothing, and the mend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from envrl.outcomes import Outcome

__all__ = ["FIRST_STEPS", "Check", "judge_steps"]

FIRST_STEPS = 10
"""Steps of a full run that are judged where no trial came first."""

_FLAT_GROUPS = 0.8
_PARSED_LEAST = 0.1
_PARSED_WELL = 0.9
_CLIPPED_MOST = 0.5
_TIMEOUTS_MOST = 0.25
_DROWNING = 0.95
_FORMAT = ("format", "safety")
"""Components that tell how a completion is written, not what it is worth."""

_Row = Mapping[str, Any]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        verdict: ``fail`` stops the run, ``warn`` is shown.
        seen: the figure that was met, in words.
        mend: the known remedy; empty where nothing is wrong.
    """

    name: str
    verdict: Literal["pass", "warn", "fail"]
    seen: str
    mend: str = ""


def judge_steps(rows: Sequence[_Row], weights: Mapping[str, float]) -> list[Check]:
    """Judges the first steps of a run by their lines of metrics.

    Args:
        rows: as they stand in ``metrics.jsonl``. Steps that use an earlier batch again tell of no rewards.
        weights: of the reward components; empty for a stage that trains on data, whose numbers alone are looked at.

    Returns:
        One `Check` for each thing that the rows tell of.
    """
    checks = [_numbers(rows)]
    played = [row for row in rows if row.get("reward") is not None]
    if weights and played:
        looks: tuple[Callable[[Sequence[_Row], Mapping[str, float]], Iterator[Check]], ...] = (
            _spread,
            _flat_groups,
            _parsed,
            _clipped,
            _timeouts,
            _drowning,
            _answers,
        )
        checks += [check for look in looks for check in look(played, weights)]
    return checks


def _numbers(rows: Sequence[_Row]) -> Check:
    broken = [
        (row["step"], name)
        for row in rows
        for name in ("loss", "grad_norm")
        # A file of metrics holds null for what is no finite number.
        if name in row and not _is_finite(row[name])
    ]
    if not broken:
        return Check(name="numbers", verdict="pass", seen=f"loss and gradient are finite in {len(rows)} lines")
    step, name = broken[0]
    return Check(
        name="numbers",
        verdict="fail",
        seen=f"{name} is no finite number at step {step}",
        mend="lower train.learning_rate and train.max_grad_norm, and use bf16 (or neither) in place of fp16",
    )


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _spread(rows: Sequence[_Row], _: Mapping[str, float]) -> Iterator[Check]:
    spread = _mean(rows, "reward_std")
    if spread is None:
        return
    flat = spread <= 1e-6 * max(1.0, abs(_mean(rows, "reward") or 0.0))
    yield _judged(
        "reward spread",
        flat,
        seen=f"standard deviation of the reward {spread:.3g}",
        mend="all completions earn the same, so that nothing is learnt: look at them with 'envrl reward test', raise "
        "method.temperature or env.episodes, give partial credit (reward.weights.progress), or set an easier target",
    )


def _flat_groups(rows: Sequence[_Row], _: Mapping[str, float]) -> Iterator[Check]:
    share = _mean(rows, "frac_reward_zero_std")
    if share is None:
        return
    bad = share > _FLAT_GROUPS
    yield _judged(
        "groups without spread",
        bad,
        seen=f"{share:.0%} of the groups",
        mend="such groups have no gradient: raise method.num_generations, method.temperature or env.episodes, or set a "
        "target that is sometimes met",
    )


def _parsed(rows: Sequence[_Row], _: Mapping[str, float]) -> Iterator[Check]:
    broken = _mean(_last(rows), "broken")
    if broken is None:
        return
    bad = 1 - broken < _PARSED_LEAST
    yield _judged(
        "parse rate",
        bad,
        seen=f"{1 - broken:.0%} of the completions hold a program that can be played",
        mend="the format is not known: check model.contract and the chat template (dataset.template), raise "
        "method.max_completion_length, or teach it first with method.pre_sft",
    )


def _clipped(rows: Sequence[_Row], _: Mapping[str, float]) -> Iterator[Check]:
    share = _mean(_last(rows), "completions/clipped_ratio")
    if share is None:
        return
    bad = share > _CLIPPED_MOST
    yield _judged(
        "clipped completions",
        bad,
        seen=f"{share:.0%} ran into method.max_completion_length",
        mend="a cut program earns nothing: raise method.max_completion_length, and check that the model ends its turns "
        "(end-of-sequence token, chat template)",
    )


def _timeouts(rows: Sequence[_Row], _: Mapping[str, float]) -> Iterator[Check]:
    shares = [row["outcomes"].get(Outcome.TIMEOUT, 0.0) for row in rows if row.get("outcomes")]
    if not shares:
        return
    share = sum(shares) / len(shares)
    bad = share > _TIMEOUTS_MOST
    yield _judged(
        "timeouts",
        bad,
        seen=f"{share:.0%} of the episodes",
        mend="raise sandbox.limits.call_cpu or game_cpu where honest programs need it; else say in the prompt that "
        "slow programs lose",
    )


def _drowning(rows: Sequence[_Row], weights: Mapping[str, float]) -> Iterator[Check]:
    spreads = {name: (_mean(rows, f"rewards/{name}/std") or 0.0) * abs(weight) for name, weight in weights.items()}
    moving = {name: spread for name, spread in spreads.items() if spread > 0}
    if len(moving) < 2:  # what never varies is not drowned
        return
    name, largest = max(moving.items(), key=lambda item: item[1])
    share = largest / sum(moving.values())
    bad = share > _DROWNING
    yield _judged(
        "scale of components",
        bad,
        seen=f"{name} makes {share:.0%} of the weighted spread",
        mend=f"the other components hardly count: lower reward.weights.{name}, or bring the components to one scale",
    )


def _answers(rows: Sequence[_Row], weights: Mapping[str, float]) -> Iterator[Check]:
    broken, success = _mean(_last(rows), "broken"), _mean(rows, "success")
    if broken is None or success is None:
        return
    if 1 - broken < _PARSED_WELL or success > 0:
        yield Check(name="answers", verdict="pass", seen=f"{success:.1%} of the episodes are won")
        return
    credit = [name for name in weights if name not in _FORMAT and (_mean(rows, f"rewards/{name}/std") or 0.0) > 0]
    if credit:
        seen, verdict = f"none is won, though {' and '.join(credit)} tell programs apart", "warn"
    else:
        seen, verdict = "the format is learnt, and no answer is right or nearly so", "fail"
    yield Check(
        name="answers",
        verdict=verdict,  # type: ignore[arg-type]
        seen=seen,
        mend="set an easier target (env.options, env.success), give partial credit (reward.weights.progress), or begin "
        "with a model that wins now and then (method.pre_sft on programs that win)",
    )


def _judged(name: str, bad: bool, *, seen: str, mend: str) -> Check:
    return Check(name=name, verdict="fail" if bad else "pass", seen=seen, mend=mend if bad else "")


def _last(rows: Sequence[_Row]) -> Sequence[_Row]:
    """The last third: what is learnt within the first steps counts."""
    return rows[-max(1, len(rows) // 3) :]


def _mean(rows: Sequence[_Row], name: str) -> float | None:
    values = [float(row[name]) for row in rows if row.get(name) is not None]
    return sum(values) / len(values) if values else None
