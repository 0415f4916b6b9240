"""How a report says its numbers: the same words in every form."""

from __future__ import annotations

from collections.abc import Callable

from envrl.evaluation.report.answering import tier_name, tier_rows
from envrl.evaluation.report.record import (
    Baseline,
    Change,
    Constants,
    EvaluationSummary,
    Kind,
    ProgramRow,
    Rate,
    Spread,
)
from envrl.outcomes import Outcome

__all__ = [
    "OUTCOMES",
    "amount",
    "change",
    "duration",
    "ending_rows",
    "exploit_rows",
    "figure_name",
    "kind_rows",
    "outcome_name",
    "outcome_rows",
    "p_value",
    "percent",
    "rate",
    "score",
    "summary_rows",
    "verdict",
    "weights",
]

OUTCOMES = {outcome.value: place for place, outcome in enumerate(Outcome)}
"""The closed list, in its order."""

_NONE = "–"


# -- numbers ----------------------------------------------------------------------------------------------------------


def percent(share: float | None) -> str:
    """``"53.1 %"``, or a dash where nothing was measured; small shares that are not zero never read as zero."""
    if share is None:
        return _NONE
    if 0.0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def rate(value: Rate) -> str:
    """``"53.1 % (46.0 to 60.1)"``."""
    return f"{percent(value.estimate)} ({100 * value.low:.1f} to {100 * value.high:.1f})"


def score(value: Rate | None) -> str:
    """``"1,311 (1,190 to 1,431)"``, or a dash."""
    if value is None or value.estimate is None:
        return _NONE
    return f"{amount(value.estimate)} ({amount(value.low)} to {amount(value.high)})"


def amount(value: float | None) -> str:
    """A number of any size, or a dash."""
    if value is None:
        return _NONE
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def change(value: Change) -> str:
    """``"+48.9 points (+41.0 to +56.8), p < 0.001"``."""
    low, high = 100 * value.low, 100 * value.high
    return f"{100 * value.estimate:+.1f} points ({low:+.1f} to {high:+.1f}), {p_value(value.p_value)}"


def p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def duration(seconds: float) -> str:
    """``"4 min 12 s"``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        hours, minutes = divmod(minutes, 60)
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _spread(value: Spread | None, unit: str) -> str:
    if value is None:
        return _NONE
    median, low, high, largest = (
        f"{figure:,.0f}" if figure >= 10 else f"{figure:.2g}"
        for figure in (value.median, value.low, value.high, value.largest)
    )
    return f"{median} {unit} ({low} to {high}, most {largest})"


def outcome_name(outcome: str) -> str:
    return outcome.replace("_", " ")


def figure_name(name: str) -> str:
    """``"max tile"`` of ``max_tile``."""
    return name.replace("_", " ")


def weights(values: dict[str, float]) -> str:
    """``"1 × success + 0.5 × progress"``."""
    return " + ".join(f"{weight:g} × {name}" for name, weight in values.items())


# -- tables -----------------------------------------------------------------------------------------------------------


def outcome_rows(*sides: EvaluationSummary | ProgramRow) -> list[tuple[str, list[float]]]:
    """By outcome, in the order of the closed list, its share on each side, without those that never occur."""
    names = {name for side in sides for name, share in side.outcome_shares.items() if share > 0.0}
    ordered = sorted(names, key=lambda name: (OUTCOMES.get(name, len(OUTCOMES)), name))
    return [(name, [side.outcome_shares.get(name, 0.0) for side in sides]) for name in ordered]


def summary_rows(*sides: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """What is told of each side beside its outcomes: a label, and its value for each of them."""
    if any(side.answers for side in sides):
        return _answer_rows(*sides)
    rows: list[tuple[str, Callable[[EvaluationSummary], str]]] = [
        ("episodes won", lambda side: rate(side.success)),
        ("mean score", lambda side: score(side.score) if side.score else amount(side.mean_score)),
        ("IQM of scores", lambda side: score(side.iqm)),
        ("lost without a score", lambda side: f"{side.unscored:,}" if side.unscored else _NONE),
        ("mean progress", lambda side: percent(side.mean_progress)),
        *((f"pass@{k}", _pass_row(k)) for k in _ks(sides)),
        ("programs", lambda side: str(side.samples)),
        ("distinct programs", lambda side: str(side.distinct_programs) if side.samples > 1 else _NONE),
        ("most frequent program", lambda side: percent(side.largest_share) if side.samples > 1 else _NONE),
        ("not playable", lambda side: str(sum(side.completion_outcomes.values()))),
        ("length of a completion", lambda side: _spread(side.length, side.length_unit)),
        ("cut off at the limit", lambda side: percent(side.clipped)),
        ("time to write one", lambda side: _spread(side.latency, "s") if side.latency else _unknown(side)),
        ("CPU a move", lambda side: _NONE if side.cpu_per_step is None else f"{1e6 * side.cpu_per_step:,.0f} µs"),
        ("over half of a CPU budget", lambda side: percent(side.over_half_budget)),
        ("our own errors", lambda side: str(side.infrastructure_errors)),
        ("without a result", lambda side: f"{side.missing:,}" if side.missing else _NONE),
        ("rate if those were lost, or won", _bounds),
        ("seeds", lambda side: f"{side.block} {side.seeds}"),
    ]
    told = [(label, [tell(side) for side in sides]) for label, tell in rows]
    return [row for row in told if set(row[1]) != {_NONE} or row[0] == "mean score"]


def _answer_rows(*sides: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """The same of answers to questions."""
    rows: list[tuple[str, Callable[[EvaluationSummary], str]]] = [
        ("right answers", lambda side: rate(side.success)),
        ("exact: the same text", _near("exact")),
        ("right or within 10 %", _near("within_10")),
        ("right or within 20 %", _near("within_20")),
        *((f"pass@{k}", _pass_row(k)) for k in _ks(sides)),
        ("questions", lambda side: f"{side.answers.questions:,}" if side.answers else _NONE),
        ("answers to each", lambda side: str(side.samples)),
        ("length of a completion", lambda side: _spread(side.length, side.length_unit)),
        ("cut off at the limit", lambda side: percent(side.clipped)),
        ("time to write one", lambda side: _spread(side.latency, "s")),
        ("our own errors", lambda side: str(side.infrastructure_errors)),
        ("without a result", lambda side: f"{side.missing:,}" if side.missing else _NONE),
        ("rate if those were wrong, or right", _bounds),
        ("seeds", lambda side: f"{side.block} {side.seeds}"),
    ]
    told = [(label, [tell(side) for side in sides]) for label, tell in rows]
    return [row for row in told if set(row[1]) != {_NONE}]


def _near(name: str) -> Callable[[EvaluationSummary], str]:
    return lambda side: rate(side.answers.rates[name]) if side.answers else _NONE


def ending_rows(*sides: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """How episodes ended, or how near answers came: what it was, in words, and its share on each side."""
    if any(side.answers for side in sides):
        found = [(tier_name(tier), shares) for tier, shares in tier_rows(*sides)]
    else:
        found = [(outcome_name(outcome), shares) for outcome, shares in outcome_rows(*sides)]
    return [(name, list(map(percent, shares))) for name, shares in found]


def _unknown(side: EvaluationSummary) -> str:
    """Of what only completions have: a strategy file has none."""
    return "not recorded" if side.length else _NONE


def _bounds(side: EvaluationSummary) -> str:
    return f"{percent(side.if_lost)} to {percent(side.if_won)}" if side.missing else _NONE


def _ks(sides: tuple[EvaluationSummary, ...]) -> list[int]:
    """The first few of pass@k, for the table; the picture has all."""
    known = sorted({point.k for side in sides for point in side.pass_at if point.k > 1})
    return [k for k in known if k <= 8]


def _pass_row(k: int) -> Callable[[EvaluationSummary], str]:
    def tell(side: EvaluationSummary) -> str:
        known = next((point.rate for point in side.pass_at if point.k == k), None)
        return _NONE if known is None else rate(known)

    return tell


def exploit_rows(*sides: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """What the programs tried beside playing."""

    def constant(side: EvaluationSummary) -> str:
        told = side.exploits.constants if side.exploits else None
        return "not told" if told is None else f"{told.constant} of {told.told} ({percent(_part(told))})"

    def count(name: str) -> Callable[[EvaluationSummary], str]:
        return lambda side: _NONE if side.exploits is None else f"{getattr(side.exploits, name):,}"

    rows: list[tuple[str, Callable[[EvaluationSummary], str]]] = [
        ("programs that tried to cheat", count("programs")),
        ("… refused before any episode", count("refused")),
        ("episodes ended for it", count("episodes")),
        ("episodes that these won", count("won")),
        ("episodes whose worker died", count("crashes")),
        ("programs of one move", constant),
    ]
    return [(label, [tell(side) for side in sides]) for label, tell in rows]


def _part(told: Constants) -> float | None:
    return told.constant / told.told if told.told else None


def kind_rows(*sides: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """Each way of cheating that was stopped, with its programs and episodes on each side."""
    kinds = [{kind.reason: kind for kind in side.exploits.kinds} if side.exploits else {} for side in sides]
    reasons = list(dict.fromkeys(reason for side in kinds for reason in side))

    def tell(kind: Kind | None) -> str:
        if kind is None:
            return "0"
        programs = _count(kind.programs, "program")
        return f"{programs}, {_count(kind.episodes, 'episode')}" if kind.episodes else programs

    return [(reason, [tell(side.get(reason)) for side in kinds]) for reason in reasons]


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def verdict(row: Baseline) -> str:
    """``"it is beaten: +41.5 points (+36.0 to +47.0)"``."""
    points = row.difference
    gap = f"{100 * (points.estimate or 0.0):+.1f} points ({100 * points.low:+.1f} to {100 * points.high:+.1f})"
    told = {"beaten": "it is beaten", "better": "it is better"}.get(row.verdict, row.verdict)
    return f"{told}: {gap}"
