"""The report's pictures, each drawn twice as SVG: for light pages and for dark ones."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envrl.errors import MissingExtraError
from envrl.evaluation import escape
from envrl.evaluation.report import words
from envrl.evaluation.report.record import CurvePoint, EvaluationSummary, RunReport, StepSeconds
from envrl.outcomes import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Chart", "charts"]


@dataclass(frozen=True)
class Chart:
    """One picture with its words."""

    title: str
    alt: str
    light: bytes
    dark: bytes


@dataclass(frozen=True)
class _Palette:
    """Colours that keep their contrast on one kind of page; the hues stay apart for colour-blind eyes."""

    ink: str
    grid: str
    before: str
    after: str
    third: str
    bad: str


_LIGHT = _Palette(ink="#24292f", grid="#d5dae0", before="#b45f06", after="#0b62b0", third="#5b6670", bad="#b3261e")
_DARK = _Palette(ink="#e4e8ec", grid="#3a424b", before="#f0a04b", after="#62b0f5", third="#9aa7b3", bad="#ff8a80")

_OUTCOME_COLOURS: dict[str, str] = {
    Outcome.SUCCESS: "#2a9d6f",
    Outcome.FAILURE: "#8a949e",
    Outcome.INVALID_ACTION: "#c9a227",
    Outcome.EXCEPTION: "#d9792b",
    Outcome.TIMEOUT: "#8e6bbf",
    Outcome.MEMORY: "#b07cc6",
    Outcome.CRASH: "#6d4c9f",
    Outcome.VIOLATION: "#d0392f",
    Outcome.OUTPUT_LIMIT: "#c27ba0",
    Outcome.SKIPPED: "#5f6a75",
    Outcome.NO_CODE: "#9c6b4a",
    Outcome.SYNTAX_ERROR: "#b98a5e",
    Outcome.NO_ENTRY_POINT: "#7a5638",
    Outcome.INFRASTRUCTURE_ERROR: "#e377c2",
}
_UNKNOWN_OUTCOME = "#777777"
_LEGEND_COLUMNS = 3
_MOST_POINTS = 240
"""More than a picture can show; a long run would otherwise fill megabytes."""


def charts(report: RunReport) -> list[Chart]:
    """Every picture that the record has numbers for.

    Raises:
        MissingExtraError: without matplotlib.
    """
    curve = _thinned(report.curve)
    found = [_comparison(report)]
    if any(point.reward is not None or point.success is not None for point in curve):
        found.append(_learning(curve))
    if report.before.outcome_shares or report.after.outcome_shares:
        found.append(_outcomes(report.before, report.after))
    if any(point.seconds is not None for point in curve):
        found.append(_step_time(curve))
    return found


def _draw(title: str, alt: str, height: float, paint: Callable[[Figure, _Palette], None]) -> Chart:
    """Paint a figure for either kind of page; ``height`` in inches."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError("report", "matplotlib", "drawing a report") from error

    images = []
    for palette in (_LIGHT, _DARK):
        style = {
            "svg.hashsalt": "envrl",  # the same report gives the same bytes
            "svg.fonttype": "path",
            "text.usetex": False,
            "text.parse_math": False,
            "font.family": ["DejaVu Sans"],
            "font.size": 10.5,
            "text.color": palette.ink,
            "axes.labelcolor": palette.ink,
            "axes.edgecolor": palette.grid,
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": False,
            "grid.color": palette.grid,
            "grid.linewidth": 0.7,
            "xtick.color": palette.ink,
            "ytick.color": palette.ink,
            "legend.frameon": False,
            "legend.labelcolor": palette.ink,
        }
        with matplotlib.rc_context(style):
            figure = Figure(figsize=(5.8, height), layout="constrained")
            paint(figure, palette)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator"), None))
        images.append(buffer.getvalue())
    return Chart(title, alt, *images)


def _comparison(report: RunReport) -> Chart:
    def paint(figure: Figure, palette: _Palette) -> None:
        top, bottom = figure.subplots(2, 1, height_ratios=(1, 1.7))
        sides = [(report.before, palette.before), (report.after, palette.after)]
        for place, (side, colour) in enumerate(sides):
            low, high = 100 * side.success.low, 100 * side.success.high
            top.plot([low, high], [place, place], color=colour, linewidth=7, solid_capstyle="butt", alpha=0.45)
            if side.success.estimate is not None:
                estimate = 100 * side.success.estimate
                top.plot(estimate, place, "o", color=colour, markersize=8)
                top.annotate(
                    words.percent(side.success.estimate),
                    (high if estimate < 70 else low, place),
                    xytext=(8 if estimate < 70 else -8, 0),
                    textcoords="offset points",
                    ha="left" if estimate < 70 else "right",
                    va="center",
                )
        top.set(xlim=(-1, 101), ylim=(1.6, -0.6), xlabel="episodes won, % (bar: 95 % interval)")
        top.set_yticks([0, 1], [_label(side.label) for side, _ in sides])
        top.grid(axis="x")
        _by_program(bottom, sides)

    before, after = report.before, report.after
    alt = f"Success before training {words.rate(before.success)}, after {words.rate(after.success)}."
    if report.difference is not None:
        alt += f" Difference {words.change(report.difference)}."
    return _draw("Before and after", f"{alt} Below, how many programs won how often.", 4.0, paint)


def _by_program(axes: Axes, sides: Sequence[tuple[EvaluationSummary, str]]) -> None:
    """Bars side by side: how many of a side's programs won so many of their games."""
    bins = 10
    width = 100 / bins
    for place, (side, colour) in enumerate(sides):
        rates = [value for value in side.success_by_program if value is not None]
        counts = [0] * bins
        for value in rates:
            counts[min(bins - 1, int(value * bins))] += 1
        shares = [100 * count / len(rates) if rates else 0.0 for count in counts]
        lefts = [width * (number + 0.1 + 0.4 * place) for number in range(bins)]
        axes.bar(lefts, shares, width=0.4 * width, align="edge", color=colour, label=_label(side.label))
    axes.set(xlim=(-1, 101), xlabel="won by a program, % of its games", ylabel="programs, %")
    axes.grid(axis="y")
    axes.legend()


def _learning(curve: Sequence[CurvePoint]) -> Chart:
    steps = [point.step for point in curve]

    def paint(figure: Figure, palette: _Palette) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True)
        reward, spread = _series(curve, "reward"), _series(curve, "reward_std")
        top.plot(steps, reward, color=palette.after, linewidth=1.8)
        top.fill_between(
            steps,
            [mean - std for mean, std in zip(reward, spread, strict=True)],
            [mean + std for mean, std in zip(reward, spread, strict=True)],
            color=palette.after,
            alpha=0.18,
            linewidth=0,
        )
        top.set(ylabel="reward (band: ± 1 s.d.)")
        top.grid()
        success = [100 * value for value in _series(curve, "success")]
        broken = [100 * value for value in _series(curve, "broken")]
        bottom.plot(steps, success, color=palette.after, linewidth=1.8, label="episodes won")
        bottom.plot(steps, broken, color=palette.bad, linewidth=1.5, linestyle="--", label="broken programs")
        bottom.set(xlabel="training step", ylabel="%", ylim=(-2, 102))
        bottom.grid()
        bottom.legend(loc="best")

    alt = f"Curves over training steps {steps[0]} to {steps[-1]}."
    for name, label in (("reward", "mean reward"), ("success", "share of episodes won"), ("broken", "broken programs")):
        known = [value for value in _series(curve, name) if not math.isnan(value)]
        if known:
            alt += f" {label.capitalize()} from {known[0]:.2f} to {known[-1]:.2f}."
    return _draw("Learning curve", alt, 4.4, paint)


def _outcomes(before: EvaluationSummary, after: EvaluationSummary) -> Chart:
    rows = words.outcome_rows(before, after)

    def paint(figure: Figure, palette: _Palette) -> None:
        axes = figure.subplots()
        start = [0.0, 0.0]
        for name, shares in rows:
            widths = [100 * share for share in shares]
            colour = _OUTCOME_COLOURS.get(name, _UNKNOWN_OUTCOME)
            axes.barh([0, 1], widths, left=start, height=0.62, color=colour, label=_label(words.outcome_name(name)))
            start = [left + width for left, width in zip(start, widths, strict=True)]
        axes.set(xlim=(0, 100.5), ylim=(1.5, -0.5), xlabel="share of all episodes, %")
        axes.set_yticks([0, 1], [_label(before.label), _label(after.label)])
        axes.grid(axis="x")
        figure.legend(
            loc="outside lower center", ncols=_LEGEND_COLUMNS, fontsize="small", columnspacing=1.2, handlelength=1.2
        )

    told = [
        f"{words.outcome_name(name)} {words.percent(old)} before, {words.percent(new)} after"
        for name, (old, new) in rows
    ]
    return _draw("How episodes ended", "; ".join(told) + ".", 2.5 + 0.2 * math.ceil(len(rows) / _LEGEND_COLUMNS), paint)


def _step_time(curve: Sequence[CurvePoint]) -> Chart:
    timed = [(point.step, point.seconds) for point in curve if point.seconds is not None]
    steps = [step for step, _ in timed]
    parts = {
        "generation": [seconds.generation for _, seconds in timed],
        "sandbox": [seconds.sandbox for _, seconds in timed],
        "update": [seconds.update for _, seconds in timed],
    }
    total = sum(map(sum, parts.values())) or 1.0

    def paint(figure: Figure, palette: _Palette) -> None:
        axes = figure.subplots()
        labels = [f"{name} ({100 * sum(values) / total:.0f} %)" for name, values in parts.items()]
        colours = [palette.after, palette.before, palette.third]
        axes.stackplot(steps, list(parts.values()), labels=labels, colors=colours, alpha=0.85, linewidth=0)
        axes.set(xlabel="training step", ylabel="seconds a step")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        figure.legend(loc="outside upper center", ncols=3, fontsize="small", handlelength=1.2)

    told = ", ".join(f"{name} {100 * sum(values) / total:.0f} %" for name, values in parts.items())
    return _draw("Where the time goes", f"Seconds a step, stacked; of the whole time: {told}.", 2.9, paint)


def _label(text: str) -> str:
    """Text that the picture's one font has letters for."""
    return escape.one_line(text, 24).replace("…", "...").encode("ascii", "backslashreplace").decode("ascii")


def _series(curve: Sequence[CurvePoint], name: str) -> list[float]:
    """One column of the curve, NaN (a gap in the line) where a step does not have it."""
    values: list[Any] = [getattr(point, name) for point in curve]
    return [math.nan if value is None else float(value) for value in values]


def _thinned(curve: Sequence[CurvePoint]) -> list[CurvePoint]:
    """A curve of at most `_MOST_POINTS` points, each the mean of the steps that it stands for."""
    size = max(1, math.ceil(len(curve) / _MOST_POINTS))
    if size == 1:
        return list(curve)
    thin = []
    for start in range(0, len(curve), size):
        steps = curve[start : start + size]
        seconds = [point.seconds for point in steps if point.seconds is not None]
        parts = {
            part: sum(getattr(spent, part) for spent in seconds) / max(1, len(seconds))
            for part in StepSeconds.__struct_fields__
        }
        thin.append(
            CurvePoint(
                step=steps[-1].step,
                reward=_mean(steps, "reward"),
                reward_std=_mean(steps, "reward_std"),
                success=_mean(steps, "success"),
                broken=_mean(steps, "broken"),
                seconds=StepSeconds(**parts) if seconds else None,
            )
        )
    return thin


def _mean(steps: Sequence[CurvePoint], name: str) -> float | None:
    known = [value for value in _series(steps, name) if not math.isnan(value)]
    return sum(known) / len(known) if known else None
