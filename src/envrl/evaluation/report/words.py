"""How a report says its numbers: the same words in every form."""

from __future__ import annotations

from collections.abc import Callable

from envrl.evaluation.report.record import Change, EvaluationSummary, ProgramCard, Rate, RunReport
from envrl.outcomes import Outcome

__all__ = [
    "MEANING",
    "answers",
    "change",
    "duration",
    "headline",
    "measured",
    "outcome_name",
    "outcome_rows",
    "p_value",
    "percent",
    "rate",
    "summary_rows",
    "weights",
]

MEANING = (
    "Intervals are nominal 95 % for fresh programs on fresh seeds: they know that programs share seeds and that each "
    "program plays many of them. The difference pairs the seeds and treats the programs as independent."
)
"""What the intervals claim, for the small print."""

_ORDER = {outcome.value: place for place, outcome in enumerate(Outcome)}


def percent(share: float | None) -> str:
    """``"53.1 %"``, or a dash where nothing was measured; small shares that are not zero never read as zero."""
    if share is None:
        return "–"
    if 0.0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def rate(value: Rate) -> str:
    """``"53.1 % (46.0 to 60.1)"``."""
    return f"{percent(value.estimate)} ({100 * value.low:.1f} to {100 * value.high:.1f})"


def change(value: Change) -> str:
    """``"+48.9 points (+41.0 to +56.8), p < 0.001"``."""
    low, high = 100 * value.low, 100 * value.high
    return f"{100 * value.estimate:+.1f} points ({low:+.1f} to {high:+.1f}), {p_value(value.p_value)}"


def p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def duration(seconds: float) -> str:
    """``"4 min 12 s"``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def headline(report: RunReport) -> str:
    """The report in a sentence: what changed and whether one can be sure."""
    before, after = percent(report.before.success.estimate), percent(report.after.success.estimate)
    if report.difference is None:
        return f"Success on {report.task}: {before} before training, {after} after."
    if report.difference.low > 0.0:
        verb = "Training raised"
    elif report.difference.high < 0.0:
        verb = "Training lowered"
    else:
        return f"No clear change: success on {report.task} was {before} before training and {after} after."
    return f"{verb} success on {report.task} from {before} to {after}."


def answers(report: RunReport) -> list[tuple[str, str]]:
    """The five questions that a report has to answer, each with its answer in a sentence or two."""
    before, after = report.before, report.after
    compared = f"The same model before training won {rate(before.success)} on the same seeds."
    if report.difference is not None:
        compared += f" The difference is {change(report.difference)}."
    return [
        ("How good is it?", f"{percent(after.success.estimate)} of episodes won. A win: {report.target}."),
        (
            "How sure is that?",
            f"The 95 % interval runs from {percent(after.success.low)} to {percent(after.success.high)}: "
            f"{after.samples} sampled programs on seeds {after.seeds} of block “{after.block}”.",
        ),
        ("Better than what?", compared),
        ("How does it fail?", _failures(after)),
        ("How do I repeat it?", f"Run the command below; the lock {report.lock_hash} names all that went into it."),
    ]


def outcome_name(outcome: str) -> str:
    return outcome.replace("_", " ")


def outcome_rows(*summaries: EvaluationSummary) -> list[tuple[str, list[float]]]:
    """By outcome, in the order of the closed list, its share in each evaluation, without those that never occur."""
    names = {name for summary in summaries for name, share in summary.outcome_shares.items() if share > 0.0}
    ordered = sorted(names, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
    return [(name, [summary.outcome_shares.get(name, 0.0) for summary in summaries]) for name in ordered]


def summary_rows(*summaries: EvaluationSummary) -> list[tuple[str, list[str]]]:
    """What is told of each evaluation beside its outcomes: a label, and its value for each of them."""
    rows: list[tuple[str, Callable[[EvaluationSummary], str]]] = [
        ("episodes won", lambda side: rate(side.success)),
        ("mean score", lambda side: _number(side.mean_score)),
        ("mean progress", lambda side: percent(side.mean_progress)),
        ("programs sampled", lambda side: str(side.samples)),
        ("distinct programs", lambda side: str(side.distinct_programs)),
        ("most frequent program", lambda side: percent(side.largest_share)),
        ("completions without a program", lambda side: str(sum(side.completion_outcomes.values()))),
        ("used over half of a CPU budget", lambda side: percent(side.over_half_budget)),
        ("not measured (our errors)", lambda side: str(side.infrastructure_errors)),
        ("seeds", lambda side: f"{side.block} {side.seeds}"),
    ]
    return [(label, [tell(side) for side in summaries]) for label, tell in rows]


def weights(values: dict[str, float]) -> str:
    """``"1 × success + 0.5 × progress"``."""
    return " + ".join(f"{weight:g} × {name}" for name, weight in values.items())


def measured(card: ProgramCard) -> str:
    """What is known of a program: where it was measured, and by which number it was chosen."""
    parts = []
    if card.success is not None:
        where = f" on block “{card.block}”" if card.block else ""
        parts.append(f"wins {rate(card.success)}{where}")
    if card.chosen is not None:
        parts.append(f"chosen by {percent(card.chosen.estimate)} on block “{card.chosen_block}”, which flatters it")
    if card.note:
        parts.append(card.note)
    return "; ".join(parts)


def _failures(summary: EvaluationSummary) -> str:
    lost = [(share[0], name) for name, share in outcome_rows(summary) if name != Outcome.SUCCESS]
    if not lost:
        return "No episode was lost."
    lost.sort(reverse=True)
    told = ", ".join(f"{outcome_name(name)} {percent(share)}" for share, name in lost[:4])
    cheats = summary.outcome_shares.get(Outcome.VIOLATION, 0.0)
    cheating = f"{percent(cheats)} were stopped as cheats." if cheats else "None was stopped as a cheat."
    return f"Of all episodes: {told}. {cheating}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"
