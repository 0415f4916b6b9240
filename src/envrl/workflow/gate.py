"""The gate of a sweep, for CI: the lower end of its interval must reach what was asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from envrl.errors import ConfigError, UnknownNameError
from envrl.evaluation.escape import one_line
from envrl.evaluation.headline import headline_of
from envrl.evaluation.scores import mean_interval
from envrl.evaluation.statistics import Interval
from envrl.evaluation.sweeps import Sweep
from envrl.runs import write_atomic

__all__ = ["Gate", "Verdict", "check_gates", "parse_gate", "write_junit"]

_FIGURES = ("success", "progress", "score")


class Gate(NamedTuple):
    """The least that a figure may be: its lower end, that is."""

    figure: str
    least: float


class Verdict(NamedTuple):
    """What became of a gate.

    Attributes:
        gate: that was asked for.
        subject: that was held against it.
        interval: of the figure, with every missing episode counted as lost (as the lowest score that was met).
        method: how the interval was made.
        passed: whether its lower end reaches the gate.
        why: a gate fails whatever its interval; empty where the interval decides.
        unscored: episodes that count as the lowest score, since they have none.
    """

    gate: Gate
    subject: str
    interval: Interval
    method: str
    passed: bool
    why: str = ""
    unscored: int = 0

    @property
    def sentence(self) -> str:
        """Says it to a person."""
        if self.why:
            return f"{self.gate.figure} of {self.subject} fails {self.gate.least:g}: {self.why}"
        low, estimate, high = self.interval
        word = "reaches" if self.passed else "does not reach"
        lowest = f", {self.unscored:,} episodes without a score counted as the lowest" if self.unscored else ""
        return (
            f"{self.gate.figure} of {self.subject} is {estimate:.4g}, 95 % interval {low:.4g} to {high:.4g} "
            f"({self.method}{lowest}): its lower end {word} {self.gate.least:g}"
        )


def parse_gate(text: str) -> Gate:
    """A gate as a user writes it, such as ``success=0.4``.

    Raises:
        ConfigError: not of that form.
        UnknownNameError: there is no such figure.
    """
    figure, _, value = text.partition("=")
    try:
        least = float(value)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        raise ConfigError(f"--fail-under {text!r}: write FIGURE=NUMBER, such as success=0.4")
    if figure not in _FIGURES:
        raise UnknownNameError("figure of --fail-under", figure, _FIGURES)
    if figure != "score" and not 0.0 <= least <= 1.0:
        raise ConfigError(f"--fail-under {text!r}: {figure} lies between 0 and 1, such as {figure}=0.4")
    return Gate(figure, least)


def check_gates(sweep: Sweep, gates: Sequence[Gate]) -> list[Verdict]:
    """Holds a sweep against gates: a model by all of its programs together, each strategy file for itself."""
    whole = [(one_line(sweep.header.subject), slice(None))]
    if sweep.header.kind == "strategies":
        whole = [(one_line(program.label), slice(program.index, program.index + 1)) for program in sweep.programs]
    return [_verdict(sweep, gate, subject, rows) for gate in gates for subject, rows in whole]


def _verdict(sweep: Sweep, gate: Gate, subject: str, rows: slice) -> Verdict:
    if gate.figure == "score":
        return _verdict_of_scores(sweep.scores()[rows], gate, subject)
    # Both lie in [0, 1], where an interval knows without any spread how little few episodes say.
    values = (sweep.wins() if gate.figure == "success" else sweep.progress())[rows]
    values[np.isnan(values)] = 0.0
    found = headline_of(values, by_looking=sweep.header.until_width is not None, answers=sweep.header.answers)
    return Verdict(gate, subject, found.interval, str(found.method), found.interval.low >= gate.least)


def _verdict_of_scores(scores: NDArray[np.float64], gate: Gate, subject: str) -> Verdict:
    missing = np.isnan(scores)
    if missing.all():
        nothing = Interval(-math.inf, math.nan, math.inf)
        return Verdict(gate, subject, nothing, "bootstrap", False, "not a single episode has a score")
    scores[missing] = scores[~missing].min()
    interval = mean_interval(scores, rng=np.random.default_rng(0))
    unscored = int(missing.sum())
    if interval.low == interval.high:
        why = (
            f"every episode has the score {interval.estimate:g}, and without any spread nothing tells how far fresh "
            "ones may lie from it; gate a rate instead, such as --success 'return >= 475' with --fail-under success=0.9"
        )
        return Verdict(gate, subject, interval, "bootstrap", False, why, unscored)
    return Verdict(gate, subject, interval, "bootstrap", interval.low >= gate.least, "", unscored)


def write_junit(path: Path, sweep: Sweep, verdicts: Sequence[Verdict], seconds: float) -> None:
    """Writes a JUnit file: a test case for each gate, or a single one that passed where there is none.

    Raises:
        RunError: the file cannot be written.
    """
    name = f"envrl eval {one_line(sweep.header.subject)}"
    failed = sum(not verdict.passed for verdict in verdicts)
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(max(1, len(verdicts))),
        failures=str(failed),
        errors="0",
        time=f"{seconds:.3f}",
        timestamp=sweep.header.created,
    )
    for verdict in verdicts:
        case = _case(suite, sweep, f"{verdict.gate.figure} of {verdict.subject} >= {verdict.gate.least:g}")
        ElementTree.SubElement(case, "system-out").text = verdict.sentence
        if not verdict.passed:
            ElementTree.SubElement(case, "failure", message=verdict.sentence)
    if not verdicts:
        _case(suite, sweep, "measured")
    tree = ElementTree.Element("testsuites")
    tree.append(suite)
    ElementTree.indent(tree)
    write_atomic(path, ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True) + b"\n")


def _case(suite: ElementTree.Element, sweep: Sweep, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"envrl.{sweep.header.task}", name=name)
