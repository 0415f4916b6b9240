"""What a report says in sentences: its headline, the five questions, and the small print; the same in every form."""

from __future__ import annotations

from envrl.evaluation.report.answering import tier_name, tier_rows
from envrl.evaluation.report.record import EvaluationSummary, ProgramCard, Replay, SweepReport
from envrl.evaluation.report.words import amount, change, duration, outcome_name, outcome_rows, percent, rate, weights
from envrl.outcomes import Outcome

__all__ = [
    "FIGURES",
    "ROWS",
    "answers",
    "facts",
    "figures",
    "headline",
    "how_told",
    "meaning",
    "measured",
    "missing",
    "plays",
    "replayed",
]

FIGURES = (
    "IQM is the mean of the middle half of the scores. pass@k is the share of seeds that at least one of k sampled "
    "programs wins, were somebody there to pick it. Lengths are told by their median, and from the tenth to the "
    "ninetieth percentile."
)
"""What the figures of the table are."""

_ANSWER_FIGURES = (
    "An answer is right where it is the same text as the right one, or the same value in another writing; percents are "
    "of the right number. Each rate counts those that come nearer, too. pass@k is the share of questions that at least "
    "one of k answers gets right, were somebody there to pick it. Lengths are told by their median, and from the tenth "
    "to the ninetieth percentile."
)

ROWS = (
    "Each interval is Wilson's at 95 %, a claim about that strategy on fresh seeds. That one stands above another does "
    "not yet tell them apart, and the one on top looks better than it is where many were tried; envrl compare tests "
    "pairs."
)
"""What a table of strategies does not say."""


def plays(report: SweepReport) -> bool:
    """Whether programs played; else questions were answered."""
    return not any(side.answers for side in report.sides)


def figures(report: SweepReport) -> str:
    """What the figures of the table are."""
    return FIGURES if plays(report) else _ANSWER_FIGURES


def headline(report: SweepReport) -> str:
    """The report in a sentence: what was found, and whether one can be sure."""
    last = report.last
    if last is None:
        return f"Not finished: {report.title}."
    now = percent(last.success.estimate)
    if report.partial:
        return f"Not finished: {now} of {_won(last)} on {report.task} so far, {last.label}."
    if report.trained:
        before = percent(report.sides[0].success.estimate)
        if report.difference is None:
            return f"Success on {report.task}: {before} before training, {now} after."
        if report.difference.low > 0.0:
            return f"Training raised success on {report.task} from {before} to {now}."
        if report.difference.high < 0.0:
            return f"Training lowered success on {report.task} from {before} to {now}."
        return f"No clear change: success on {report.task} was {before} before training and {now} after."
    if report.rows:
        best = report.rows[0]
        won = percent(best.success.estimate)
        return f"The strongest of {len(report.rows)} strategies, {best.label}, wins {won} of episodes on {report.task}."
    if last.answers is not None:
        return f"{last.model} answers {now} right on {report.task}."
    return f"{last.model} wins {now} of episodes on {report.task}."


def answers(report: SweepReport) -> list[tuple[str, str]]:
    """The five questions that a report has to answer, each with its answer in a sentence or two."""
    last = report.last
    if last is None:
        return []
    return [
        ("How good is it?", _good(report, last)),
        ("How sure is that?", _sure(report, last)),
        ("Better than what?", _better(report)),
        ("How does it fail?", _failures(last)),
        ("How do I repeat it?", f"Run the command below; the lock {report.lock_hash} names all that went into it."),
    ]


def _won(side: EvaluationSummary) -> str:
    """What a rate is the share of."""
    return "episodes won" if side.answers is None else "answers right"


def _good(report: SweepReport, side: EvaluationSummary) -> str:
    told = f"{percent(side.success.estimate)} of {_won(side)}."
    if side.answers is not None:
        near = side.answers.rates
        told = (
            f"{told} {percent(near['exact'].estimate)} are the same text, {percent(near['within_10'].estimate)} right "
            f"or within 10 %, {percent(near['within_20'].estimate)} right or within 20 %."
        )
    if report.rows:
        best = report.rows[0]
        told = f"{best.label} won {percent(best.success.estimate)} of its episodes, all together {told}"
    return f"{told} A win: {report.target}."


def _sure(report: SweepReport, side: EvaluationSummary) -> str:
    programs = "1 program" if side.samples == 1 else f"{side.samples} programs"
    if side.answers is not None:
        each = "one answer" if side.samples == 1 else f"{side.samples} answers"
        programs = f"{each} to each of {side.answers.questions:,} questions,"
    success, whose = (report.rows[0].success, f" of {report.rows[0].label}") if report.rows else (side.success, "")
    told = (
        f"The 95 % interval{whose} runs from {percent(success.low)} to {percent(success.high)}: "
        f"{programs} on seeds {side.seeds} of block “{side.block}”."
    )
    if side.missing:
        told += f" {missing(side)}"
    return told


def missing(side: EvaluationSummary) -> str:
    """What the episodes without a result could change at most."""
    what, lost, won = ("episodes", "lost", "won") if side.answers is None else ("answers", "wrong", "right")
    return (
        f"{side.missing:,} {what} have no result ({side.infrastructure_errors:,} of them by an error of ours): had "
        f"all been {lost} the rate were {percent(side.if_lost)}, had all been {won} {percent(side.if_won)}."
    )


def _better(report: SweepReport) -> str:
    told = []
    if report.trained:
        before = rate(report.sides[0].success)
        told.append(
            f"The same model before training won {before} on the same seeds."
            if plays(report)
            else f"The same model before training answered {before} right, of the same questions."
        )
    if report.difference is not None:
        told.append(f"The difference is {change(report.difference)}.")
    subject = report.baselines.subject
    subject = "It" if subject == "it" else subject
    names: dict[str, list[str]] = {}
    for row in report.baselines.rows:
        names.setdefault(row.verdict, []).append(row.name)
    if beaten := names.get("beaten"):
        told.append(f"{subject} beats {_and(beaten)}.")
    if alike := names.get("not told apart"):
        told.append(f"{subject} cannot be told apart from {_and(alike)}.")
    if better := names.get("better"):
        told.append(f"{_and(better)} {'is' if len(better) == 1 else 'are'} better.")
    return " ".join(told) or report.baselines.note or "It was compared with nothing."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _failures(side: EvaluationSummary) -> str:
    if side.answers is not None:
        off = [(share[0], tier_name(tier)) for tier, share in tier_rows(side)[_RIGHT_TIERS:] if share[0] > 0.0]
        told = ", ".join(f"{name.partition(':')[0]} {percent(share)}" for share, name in sorted(off, reverse=True))
        return f"Of all answers: {told}." if told else "No answer was wrong."
    lost = [(share[0], name) for name, share in outcome_rows(side) if name != Outcome.SUCCESS]
    if not lost:
        return "No episode was lost."
    lost.sort(reverse=True)
    told = ", ".join(f"{outcome_name(name)} {percent(share)}" for share, name in lost[:4])
    cheats = side.outcome_shares.get(Outcome.VIOLATION, 0.0)
    cheating = f"{percent(cheats)} were stopped as cheats." if cheats else "None was stopped as a cheat."
    return f"Of all episodes: {told}. {cheating}"


_RIGHT_TIERS = 2  # exact, stripped


def meaning(report: SweepReport) -> str:
    """What the intervals claim, for the small print."""
    told = "Intervals are nominal 95 %. " + " ".join(dict.fromkeys(side.interval for side in report.sides))
    if report.difference is not None:
        told += (
            " The difference pairs the seeds and treats the programs as independent."
            if plays(report)
            else " The difference pairs the questions."
        )
    return told.strip()


def how_told(*sides: EvaluationSummary) -> str:
    """How the figures about cheating were come by."""
    told = (
        "To cheat is to try what the language policy or the confinement forbids: imports, attributes of the "
        "interpreter, files, processes. A program is refused by its text, an episode ended by what it does; either "
        "earns nothing."
    )
    looked = [side.exploits.constants.how for side in sides if side.exploits and side.exploits.constants]
    return " ".join([told, *dict.fromkeys(looked)])


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


def replayed(replay: Replay) -> str:
    """What an episode was, and whether it went the same again."""
    told = (
        f"seed {replay.seed} of block “{replay.block}”: {outcome_name(replay.outcome)} after {replay.steps} moves, "
        f"score {amount(replay.score)}"
    )
    if replay.every > 1:
        told += f"; every {replay.every}th move is shown"
    return told if replay.exact else f"{told}. It did not go as it was recorded: do not trust this replay"


def facts(report: SweepReport) -> list[tuple[str, str]]:
    """What it ran on, and what repeats it."""
    models = [(f"Model {side.label}" if report.trained else "Measured", side.model) for side in report.sides]
    written = f"{report.created}" + (
        f", after {duration(report.duration_seconds)}" if report.duration_seconds is not None else ""
    )
    found = [
        ("Task", f"{report.task} ({report.task_id}, version {report.task_version})"),
        ("Options", _pairs(report.options)),
        *models,
        ("Directory", report.place),
        ("Lock", report.lock_hash),
        ("Begun", written),
        ("Sampling", _pairs(report.sampling)),
        ("Usage", _pairs(report.usage)),
        ("Reward", weights(report.reward_weights)),
        ("Sandbox layers", (" · ".join(report.layers) or "none recorded") if plays(report) else ""),
        ("Limits", _pairs(report.limits) if plays(report) else ""),
    ]
    return [(name, told) for name, told in found if told]


def _pairs(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value is not None)
