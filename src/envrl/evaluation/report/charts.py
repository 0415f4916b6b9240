"""The pictures of what was measured: what each shows, and the words for those who do not see it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from envrl.evaluation.report import words
from envrl.evaluation.report.answering import tier_name, tier_rows
from envrl.evaluation.report.curves import learning, step_time
from envrl.evaluation.report.record import Distribution, EvaluationSummary, ProgramRow, Rate, SweepReport
from envrl.evaluation.report.svg import Chart, Plot

__all__ = ["charts"]

_TENTHS = 10
_MOST_ROWS = 12
_QUESTIONS = "Questions, by how often they are answered right", "right answers to a question", "questions"
_TIERS = {
    "exact": "o-success",
    "stripped": "o-stripped",
    "within_10": "o-invalid-action",
    "within_20": "o-exception",
    "wrong": "o-failure",
    "unparsable": "o-syntax-error",
    "missing": "o-no-code",
}
"""The colours of answers by how near they come: those of outcomes, and one of their own."""


def charts(report: SweepReport) -> list[Chart]:
    """Every picture that the record has numbers for."""
    sides = report.sides
    found = [_rates(report)] if sides else []
    found += learning(report.curve, asks=any(side.answers for side in sides))
    asked = any(side.answers for side in sides)
    if asked:
        found.append(_nearness(sides))
    elif any(side.outcome_shares for side in sides):
        found.append(_outcomes(report.rows[:_MOST_ROWS] or sides))
    if any(len(side.success_by_program) > 1 for side in sides) and not asked:
        found.append(_shares("Programs, by what they win", "won by a program", "programs", sides, by_program=True))
    if report.trained:
        found.append(_before_after(*sides))
    elif sides and len(sides[0].success_by_seed) > 1 and sides[0].samples > 1:
        told = _QUESTIONS if asked else ("Seeds, by who wins them", "programs that win a seed", "seeds")
        found.append(_shares(*told, sides, by_program=False))
    if any(side.pass_at for side in sides):
        found.append(_pass_at(sides))
    found += [_distribution(figure, sides) for figure in report.distributions]
    found += step_time(report.curve)
    return found


def _colour(place: int, count: int) -> str:
    """Class name of a side's colour: what is about the end of a run looks the same as a sweep's one side."""
    return "after" if place == count - 1 else "before"


def _legend(sides: tuple[EvaluationSummary, ...]) -> tuple[tuple[str, str], ...]:
    if len(sides) < 2:
        return ()
    return tuple((_colour(place, len(sides)), side.label) for place, side in enumerate(sides))


def _rates(report: SweepReport) -> Chart:
    """Intervals of the sides, and of the reference strategies below them."""
    sides, others = report.sides, report.baselines.rows
    rows = [(side.label, side.success, _colour(place, len(sides))) for place, side in enumerate(sides)]
    if report.rows:
        rows = [(row.label, row.success, "after") for row in report.rows[:_MOST_ROWS]]
    rows += [(other.name, other.success, "other") for other in reversed(others)]
    plot = Plot.rows([_short(name) for name, _, _ in rows], (0.0, 100.0))
    plot.posts()
    for place, (_, rate, colour) in enumerate(rows):
        plot.box((100 * rate.low, 100 * rate.high), (place - 0.16, place + 0.16), f"{colour} band")
        if rate.estimate is not None:
            plot.dot(100 * rate.estimate, place, colour, told=words.rate(rate))
            _beside(plot, place, rate)
    asked = any(side.answers for side in sides)
    plot.bottom(f"{'answers right' if asked else 'episodes won'}, % (bar: 95 % interval)")
    alt = "; ".join(f"{name} {words.rate(rate)}" for name, rate, _ in rows) + "."
    if report.difference is not None:
        alt += f" Difference {words.change(report.difference)}."
    title = "Before, after, and reference strategies" if report.trained else "Success, and reference strategies"
    return Chart(title if others else "Before and after" if report.trained else "Success", alt, plot.markup(title, alt))


def _beside(plot: Plot, place: int, rate: Rate) -> None:
    """The number next to its bar: where there is more room."""
    if 100 * rate.high < 78:
        plot.right_of(100 * rate.high, place, words.percent(rate.estimate))
    else:
        plot.text(plot.across(100 * rate.low) - 8, plot.down(place) + 4, words.percent(rate.estimate), "end", "value")


def _outcomes(sides: Sequence[EvaluationSummary | ProgramRow]) -> Chart:
    rows = [(words.outcome_name(n), _outcome_class(n), shares) for n, shares in words.outcome_rows(*sides)]
    return _stacked("How episodes ended", "share of all episodes, %", [side.label for side in sides], rows)


def _nearness(sides: Sequence[EvaluationSummary]) -> Chart:
    rows = [(tier_name(tier), _TIERS[tier], shares) for tier, shares in tier_rows(*sides) if any(shares)]
    return _stacked("How near answers come", "share of all answers, %", [side.label for side in sides], rows)


def _stacked(title: str, below: str, sides: Sequence[str], rows: Sequence[tuple[str, str, list[float]]]) -> Chart:
    """A bar a side, of shares one behind the other.

    Args:
        rows: what it is in words, its class, and its share on each side.
    """
    plot = Plot.rows([_short(side) for side in sides], (0.0, 100.0), 42.0 if len(sides) < 3 else 30.0)
    plot.posts()
    for place, side in enumerate(sides):
        start = 0.0
        for name, colour, shares in rows:
            width = 100 * shares[place]
            if width > 0.0:
                told = f"{side}: {name} {words.percent(shares[place])}"
                plot.box((start, start + width), (place - 0.32, place + 0.32), colour, told)
            start += width
    plot.bottom(below)
    lines = [
        f"{name} " + ", ".join(f"{words.percent(share)} {side}" for share, side in zip(shares, sides, strict=True))
        for name, _, shares in rows
    ]
    alt = "; ".join(lines) + "."
    legend = tuple((colour, name) for name, colour, _ in rows)
    return Chart(title, alt, plot.markup(title, alt), legend)


def _outcome_class(name: str) -> str:
    """A class name; never a text from outside."""
    return f"o-{name.replace('_', '-')}" if name in words.OUTCOMES else "o-unknown"


def _shares(title: str, across: str, what: str, sides: tuple[EvaluationSummary, ...], *, by_program: bool) -> Chart:
    """Bars side by side: how many programs (seeds) have a share of wins within each tenth."""
    columns = []
    for side in sides:
        counts = [0] * _TENTHS
        for share in side.success_by_program if by_program else side.success_by_seed:
            if share is not None:
                counts[min(_TENTHS - 1, int(share * _TENTHS))] += 1
        total = sum(counts) or 1
        columns.append([100 * count / total for count in counts])
    plot = Plot((0.0, 100.0), (0.0, max(1.0, *map(max, columns))))
    plot.side(f"{what}, %")
    width = 100 / _TENTHS
    for place, column in enumerate(columns):
        thick = 0.84 * width / len(columns)
        for tenth, share in enumerate(column):
            left = width * (tenth + 0.08) + place * thick
            if share > 0.0:
                told = f"{sides[place].label}: {share:.1f} % of {what} at {10 * tenth} to {10 * tenth + 10} %"
                plot.box((left, left + thick), (0.0, share), _colour(place, len(sides)), told)
    plot.bottom(f"{across}, %")
    lines = [
        f"{side.label}: {column[0]:.0f} % of {what} at 0 to 10 %, {column[-1]:.0f} % at 90 to 100 %"
        for side, column in zip(sides, columns, strict=True)
    ]
    alt = "; ".join(lines) + "."
    return Chart(title, alt, plot.markup(title, alt), _legend(sides))


def _before_after(before: EvaluationSummary, after: EvaluationSummary) -> Chart:
    """A dot a seed (larger where several seeds fall together): programs that win it before, and after."""
    pairs = [(a, b) for a, b in zip(before.success_by_seed, after.success_by_seed, strict=False) if None not in (a, b)]
    dots = Counter((round(100 * (a or 0.0)), round(100 * (b or 0.0))) for a, b in pairs)
    most = 10.0 * math.ceil(max((max(dot) for dot in dots), default=100) / 10 + 0.01)
    plot = Plot((-0.02 * most, most), (-0.04 * most, most), 230.0)
    asked = after.answers is not None
    what, won = ("question", "answered right") if asked else ("seed", "won")
    plot.side(f"{'right' if asked else won} after, %")
    plot.posts()
    plot.line([(0.0, 0.0), (most, most)], "diagonal")
    for (x, y), count in sorted(dots.items()):
        told = f"{count} {what if count == 1 else f'{what}s'}: {x} % before, {y} % after"
        plot.dot(x, y, "after dot", min(14.0, 3.6 * math.sqrt(count)), told)
    plot.bottom("right answers to a question before, %" if asked else "programs that win a seed before, %")
    better, worse = sum((b or 0) > (a or 0) for a, b in pairs), sum((b or 0) < (a or 0) for a, b in pairs)
    title = f"Each {what}, before and after"
    alt = (
        f"A dot for each of {len(pairs)} {what}s; above the line it is {won} more often after training: {better} are, "
        f"{worse} less often."
    )
    return Chart(title, alt, plot.markup(title, alt))


def _pass_at(sides: tuple[EvaluationSummary, ...]) -> Chart:
    most = max(point.k for side in sides for point in side.pass_at)
    plot = Plot((0.0, max(1.0, math.log2(most))), (0.0, 100.0))
    asked = any(side.answers for side in sides)
    won, of = ("questions answered right", "answers") if asked else ("seeds won", "programs")
    plot.side(f"{won}, %")
    for place, side in enumerate(sides):
        colour = _colour(place, len(sides))
        across = [math.log2(point.k) for point in side.pass_at]
        low, high = ([100 * getattr(point.rate, end) for point in side.pass_at] for end in ("low", "high"))
        plot.area(across, low, high, f"{colour} band")
        means = [100 * (point.rate.estimate or 0.0) for point in side.pass_at]
        plot.line(zip(across, means, strict=True), f"{colour} curve")
        for x, mean, point in zip(across, means, side.pass_at, strict=True):
            told = f"{side.label}: {words.rate(point.rate)} of {won} by one of {point.k}"
            plot.dot(x, mean, colour, 3.5, told)
    plot.bottom(f"k {of} sampled (band: 95 % interval)", [(math.log2(p.k), str(p.k)) for p in sides[-1].pass_at])
    lines = [
        f"{side.label}: " + ", ".join(f"pass@{point.k} {words.rate(point.rate)}" for point in side.pass_at)
        for side in sides
    ]
    title = f"{'Right' if asked else 'Won'} by at least one of k {of} (pass@k)"
    alt = "; ".join(lines) + "."
    return Chart(title, alt, plot.markup(title, alt), _legend(sides))


def _distribution(figure: Distribution, sides: tuple[EvaluationSummary, ...]) -> Chart:
    """Bars side by side, a bin each, or a value each where there are few."""
    totals = [sum(bin.counts[place] for bin in figure.bins) or 1 for place in range(len(sides))]
    shares = [[100 * bin.counts[place] / totals[place] for bin in figure.bins] for place in range(len(sides))]
    plot = Plot((0.0, len(figure.bins)), (0.0, max(1.0, *map(max, shares))))
    plot.side("episodes, %")
    values = all(bin.low == bin.high for bin in figure.bins)
    for place, side in enumerate(sides):
        thick = 0.84 / len(sides)
        for number, share in enumerate(shares[place]):
            if share > 0.0:
                bin = figure.bins[number]
                range_ = f"{bin.low:g}" if values else f"{bin.low:g} to {bin.high:g}"
                left = number + 0.08 + place * thick
                told = f"{side.label}: {share:.1f} % at {range_}"
                plot.box((left, left + thick), (0.0, share), _colour(place, len(sides)), told)
    name = words.figure_name(figure.name)
    if values:
        step = math.ceil(len(figure.bins) / 10)
        marks = [(i + 0.5, f"{bin.low:g}") for i, bin in enumerate(figure.bins) if i % step == 0]
    else:
        step = math.ceil(len(figure.bins) / 5)
        marks = [(float(i), f"{bin.low:,.4g}") for i, bin in enumerate(figure.bins) if i % step == 0]
    plot.bottom(f"{name} of an episode", marks)
    shown = [f"{side.label}: most often {_most(figure, place, values)}" for place, side in enumerate(sides)]
    title, alt = f"{name.capitalize()} of episodes", "; ".join(shown) + "."
    return Chart(title, alt, plot.markup(title, alt), _legend(sides))


def _most(figure: Distribution, place: int, values: bool) -> str:
    top = max(figure.bins, key=lambda bin: bin.counts[place])
    share = top.counts[place] / (sum(bin.counts[place] for bin in figure.bins) or 1)
    where = f"{top.low:g}" if values else f"{top.low:g} to {top.high:g}"
    return f"{where} ({words.percent(share)})"


def _short(name: str) -> str:
    """The end of a long name: that of a path tells most."""
    return name if len(name) <= 20 else "…" + name[-19:]
