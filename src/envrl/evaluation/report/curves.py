"""The pictures of a training run: what it learnt by step, and where its time went."""

from __future__ import annotations

import math
from collections.abc import Sequence

from envrl.evaluation.report.record import CurvePoint, StepSeconds
from envrl.evaluation.report.svg import Chart, Plot

__all__ = ["learning", "step_time"]

_MOST_POINTS = 240
"""More than a picture can show; a long run would otherwise fill megabytes."""

_PARTS = {"generation": "one", "sandbox": "two", "update": "three"}


def learning(curve: Sequence[CurvePoint], *, asks: bool = False) -> list[Chart]:
    """Reward, and the share of episodes won, by training step: a picture each, where there are numbers.

    Args:
        asks: whether questions were answered in place of games.
    """
    curve = _thinned(curve)
    found = []
    if any(point.success is not None or point.broken is not None for point in curve):
        found.append(_shares(curve, asks))
    if any(point.reward is not None for point in curve):
        found.append(_reward(curve))
    return found


def _scale(curve: Sequence[CurvePoint]) -> tuple[float, float]:
    return float(curve[0].step), float(max(curve[-1].step, curve[0].step + 1))


def _shares(curve: Sequence[CurvePoint], asks: bool) -> Chart:
    won, games, broken, none = ("won", "games won", "broken programs", "programs that cannot be played")
    if asks:
        won, games, broken, none = ("right", "right answers", "without an answer", "completions without an answer")
    plot = Plot(_scale(curve), (0.0, 100.0))
    plot.side("%")
    told = []
    for name, label, colour in (("broken", broken, "bad curve dashed"), ("success", won, "after curve")):
        values = _known(curve, name)
        plot.line([(step, 100 * value) for step, value in values], colour)
        if values:
            told.append(f"{label} from {100 * values[0][1]:.0f} % to {100 * values[-1][1]:.0f} %")
    plot.bottom("training step")
    title = f"Learning: {games} in training"
    alt = f"Steps {curve[0].step} to {curve[-1].step}: " + "; ".join(told) + "."
    legend = (("after", games if asks else "episodes won"), ("bad", none))
    return Chart(title, alt, plot.markup(title, alt), legend)


def _reward(curve: Sequence[CurvePoint]) -> Chart:
    rows = [(point.step, point.reward, point.reward_std or 0.0) for point in curve if point.reward is not None]
    steps = [float(step) for step, _, _ in rows]
    low, high = [mean - std for _, mean, std in rows], [mean + std for _, mean, std in rows]
    bottom, top = min(low), max(high)
    room = 0.05 * (top - bottom) or 1.0
    plot = Plot(_scale(curve), (bottom - room, top + room))
    plot.side("reward")
    plot.area(steps, low, high, "after band")
    plot.line([(step, mean) for step, (_, mean, _) in zip(steps, rows, strict=True)], "after curve")
    plot.bottom("training step (band: ± 1 s.d.)")
    title = "Learning: mean reward"
    alt = f"Mean reward from {rows[0][1]:.2f} at step {rows[0][0]} to {rows[-1][1]:.2f} at step {rows[-1][0]}."
    return Chart(title, alt, plot.markup(title, alt))


def step_time(curve: Sequence[CurvePoint]) -> list[Chart]:
    """Where the time of the steps went, where that is known."""
    timed = [(float(point.step), point.seconds) for point in _thinned(curve) if point.seconds is not None]
    if len(timed) < 2:
        return []
    parts = {name: [float(getattr(seconds, name)) for _, seconds in timed] for name in _PARTS}
    total = sum(map(sum, parts.values())) or 1.0
    highest = max(map(sum, zip(*parts.values(), strict=True)))
    steps = [step for step, _ in timed]
    plot = Plot((steps[0], steps[-1]), (0.0, 1.05 * highest or 1.0))
    plot.side("seconds")
    floor = [0.0] * len(steps)
    for name, colour in _PARTS.items():
        top = [low + value for low, value in zip(floor, parts[name], strict=True)]
        plot.area(steps, floor, top, colour)
        floor = top
    plot.bottom("training step that samples")
    shares = {name: f"{name} {100 * sum(values) / total:.0f} %" for name, values in parts.items()}
    title = "Where the time of a step goes"
    alt = "Seconds a step, stacked; of the whole time: " + ", ".join(shares.values()) + "."
    return [Chart(title, alt, plot.markup(title, alt), tuple((_PARTS[name], told) for name, told in shares.items()))]


def _known(curve: Sequence[CurvePoint], name: str) -> list[tuple[int, float]]:
    """Steps that have a figure: those that only repeat an update have none."""
    return [(point.step, float(value)) for point in curve if (value := getattr(point, name)) is not None]


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
    known = [value for _, value in _known(steps, name)]
    return sum(known) / len(known) if known else None
