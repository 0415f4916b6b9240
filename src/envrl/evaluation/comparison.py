"""Is one program, or one model, better than another? Paired on the seeds that both have played.

The first contender is what the others are measured against. Program against program is decided by the seeds on which
they differ (exact McNemar), a model by `crossed_difference`, which knows that its programs differ, too, and a model
that answers each question several times by `clustered_difference`. Where there are several comparisons, each p-value
is also given as Holm raises it for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from envrl.config.emit import leaves
from envrl.errors import ComparisonError
from envrl.evaluation.clustered import clustered_difference
from envrl.evaluation.headline import headline_of
from envrl.evaluation.missing import lost_or_won
from envrl.evaluation.paired import holm, mcnemar_exact, paired_difference
from envrl.evaluation.report.record import Change, Rate
from envrl.evaluation.statistics import Difference, crossed_difference
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.seeding import parse_indices

__all__ = [
    "Comparison",
    "Contender",
    "ContenderRow",
    "Pair",
    "check_comparable",
    "compare",
    "contenders_of",
    "mismatches",
]

Method = Literal["exact McNemar", "crossed difference", "crossed difference from one program", "paired questions"]

_SAME = ("task_version", "options", "success", "toolkit", "limits", "block")
_SAME_IF_PROMPTED = ("contract", "prompt_sha256")
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "max_completion_length")
_PACKAGES = ("python", "envrl", "gymnasium", "numpy")
"""What an episode's result could depend on, besides the conditions that are checked."""
_WORDS = {"task_version": "version of the task", "success": "rule of success", "prompt_sha256": "prompt (SHA-256)"}


@dataclass(frozen=True)
class Contender:
    """One program, or one model by a sample of its programs.

    Attributes:
        name: as tables show it.
        header: under which conditions it was measured.
        wins: shape (programs, seeds); one row is a program that stands for itself.
        finished: whether all was played that was asked for.
        certain: the same as ``wins`` with all that a program which could not be played is going to lose; None where
            that is ``wins`` itself.
    """

    name: str
    header: SweepHeader
    wins: NDArray[np.float64]
    seeds: range
    finished: bool = True
    certain: NDArray[np.float64] | None = None

    @property
    def is_program(self) -> bool:
        """Whether it is a single program."""
        return len(self.wins) == 1

    def on(self, seeds: range) -> NDArray[np.float64]:
        """Its wins on some of its seeds."""
        return self._cut(self.wins, seeds)

    def certain_on(self, seeds: range) -> NDArray[np.float64]:
        """What is certain of them."""
        return self._cut(self.wins if self.certain is None else self.certain, seeds)

    def _cut(self, cells: NDArray[np.float64], seeds: range) -> NDArray[np.float64]:
        return cells[:, seeds.start - self.seeds.start : seeds.stop - self.seeds.start]


class ContenderRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison says of one contender, on the common seeds."""

    name: str
    programs: int
    success: Rate
    """With its 95 % interval for itself, which does not know of the pairing."""
    method: str
    """How that interval was made."""
    missing: int
    """Episodes that were not measured; no part of the rate."""
    lowest: float
    """The rate if all missing episodes had been lost."""
    highest: float
    """The rate if all missing episodes had been won."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One contender against the first."""

    first: str
    second: str
    method: Method
    difference: Change
    """The second's rate less the first's; its p-value is for this comparison alone."""
    p_holm: float
    """The p-value when all comparisons of this table are counted."""
    only_first: int | None = None
    """Seeds that only the first program won; None unless both are programs."""
    only_second: int | None = None
    changed: tuple[str, ...] = ()
    """Variables that the configurations of two runs differ in; empty for whatever is no run."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All that a comparison shows."""

    schema_version: int = 1
    task: str
    task_version: int
    success: str
    block: str
    seeds: str
    """The common seeds."""
    contenders: tuple[ContenderRow, ...]
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...] = ()


def contenders_of(name: str, sweep: Sweep) -> list[Contender]:
    """Who competes in a sweep: each of its strategy files by itself, or the one model that wrote the programs.

    Args:
        name: of the sweep, for people.

    Raises:
        ComparisonError: it holds no program yet.
    """
    wins, certain = sweep.wins(), sweep.certain_wins()
    if not len(wins):
        raise ComparisonError(f"{name}: nothing was measured yet; go on with: envrl eval --resume {name}")
    if sweep.header.kind != "strategies" or len(wins) == 1:
        return [Contender(name, sweep.header, wins, sweep.seeds, sweep.finished, certain)]
    return [
        Contender(f"{name}: {program.label}", sweep.header, row[None], sweep.seeds, sweep.finished, sure[None])
        for program, row, sure in zip(sweep.programs, wins, certain, strict=True)
    ]


def mismatches(first: SweepHeader, second: SweepHeader) -> list[tuple[str, object, object]]:
    """The conditions in which two measurements differ that must not: what, and both values.

    The prompt counts where both were prompted: a strategy file saw none. Where the task is another one, all else is
    bound to differ and is not told.
    """
    if first.task != second.task:
        return [("task", first.task, second.task)]
    names = list(_SAME)
    if first.prompt_sha256 is not None and second.prompt_sha256 is not None:
        names += _SAME_IF_PROMPTED
    return _differences(first, second, names)


def check_comparable(measured: Sequence[tuple[str, SweepHeader]]) -> range:
    """The seeds that measurements have in common, if they were all made under the conditions of the first.

    Args:
        measured: name and header of each.

    Raises:
        ComparisonError: fewer than two, made under other conditions, or without common seeds; names what differs.
    """
    if len(measured) < 2:
        raise ComparisonError("nothing to compare with: give two or more sweeps, runs or strategy files")
    (first, header), *others = measured
    for name, other in others:
        if found := mismatches(header, other):
            lines = [f"  {what}: {_shown(one)} and {_shown(two)}" for what, one, two in found]
            raise ComparisonError(
                "\n".join([f"{first} and {name} cannot be compared, since these differ:", *lines])
                + "\nmeasure both in the same way, with: envrl eval"
            )
    seeds = [parse_indices(other.seeds) for _, other in measured]
    common = range(max(each.start for each in seeds), min(each.stop for each in seeds))
    if not common:
        told = "\n".join(f"  {name}: {other.block} {other.seeds}" for name, other in measured)
        raise ComparisonError(
            f"these have no seeds in common, on which they could be compared:\n{told}\nmeasure one again on the seeds "
            "of the other, with: envrl eval --seeds …"
        )
    return common


def compare(contenders: Sequence[Contender], changed: Sequence[Sequence[str]] = ()) -> Comparison:
    """Compares each of the others with the first.

    Args:
        contenders: at least two.
        changed: for each contender the variables in which its configuration differs from the first's.

    Raises:
        ComparisonError: they were not measured under the same conditions, or share no seeds; names what differs.
    """
    seeds = check_comparable([(contender.name, contender.header) for contender in contenders])
    first = contenders[0]
    pairs = [_pair(first, other, seeds) for other in contenders[1:]]
    adjusted = holm([difference.p_value for _, difference, _ in pairs])
    return Comparison(
        task=first.header.task,
        task_version=first.header.task_version,
        success=first.header.success,
        block=first.header.block,
        seeds=f"{seeds.start}:{seeds.stop}",
        contenders=tuple(_row(contender, seeds) for contender in contenders),
        pairs=tuple(
            Pair(
                first=first.name,
                second=other.name,
                method=method,
                difference=Change.of(difference),
                p_holm=p_holm,
                only_first=counts[0] if counts else None,
                only_second=counts[1] if counts else None,
                changed=tuple(changed[place]) if changed else (),
            )
            for place, (other, (method, difference, counts), p_holm) in enumerate(
                zip(contenders[1:], pairs, adjusted, strict=True), 1
            )
        ),
        warnings=tuple(_warnings(contenders, seeds)),
    )


def _pair(first: Contender, other: Contender, seeds: range) -> tuple[Method, Difference, tuple[int, int] | None]:
    one, two = first.on(seeds), other.on(seeds)
    answers = first.header.answers and other.header.answers
    measured = int((~(np.isnan(one).all(axis=0) | np.isnan(two).all(axis=0))).sum())
    if measured < 2:
        raise ComparisonError(
            f"{first.name} and {other.name}: {measured} of their {len(seeds)} common seeds were measured for both; "
            "a comparison needs two at the least"
        )
    if answers and max(len(one), len(two)) > 1:
        return "paired questions", clustered_difference(one, two), None
    if first.is_program and other.is_program:
        test = mcnemar_exact(one[0], two[0])
        return "exact McNemar", Difference(paired_difference(one[0], two[0]), test.p_value), (test.b, test.c)
    alone = first.is_program or other.is_program
    method: Method = "crossed difference from one program" if alone else "crossed difference"
    return method, crossed_difference(one, two), None


def _row(contender: Contender, seeds: range) -> ContenderRow:
    wins, certain = contender.on(seeds), contender.certain_on(seeds)
    by_looking = contender.is_program and contender.header.until_width is not None
    found = headline_of(wins, by_looking=by_looking, answers=contender.header.answers)
    low, high = lost_or_won(certain)
    return ContenderRow(
        name=contender.name,
        programs=found.programs,
        success=Rate.of(found.interval),
        method=found.method,
        missing=int(np.isnan(certain).sum()),
        lowest=low,
        highest=high,
    )


def _warnings(contenders: Sequence[Contender], seeds: range) -> list[str]:
    found = []
    for contender in contenders:
        if not contender.finished:
            found.append(f"{contender.name} is not finished: what it has not played yet counts as not measured")
        if contender.seeds != seeds:
            found.append(
                f"{contender.name} has played seeds {contender.header.seeds}: only {seeds.start}:{seeds.stop} are "
                "compared, which all have in common"
            )
    first = contenders[0]
    for other in contenders[1:]:
        for what, one, two in _worth_saying(first.header, other.header):
            found.append(f"{first.name} and {other.name} differ in {what}: {_shown(one)} and {_shown(two)}")
    return found


def _worth_saying(first: SweepHeader, second: SweepHeader) -> list[tuple[str, object, object]]:
    """Differences that forbid no comparison: a model is compared as it is sampled, and an episode does not change with
    the layers that confine it. They are said, since they might be what makes the difference."""
    found: list[tuple[str, object, object]] = []
    if first.sampling and second.sampling:
        found += _apart("sampling", _only(first.sampling, _SAMPLING), _only(second.sampling, _SAMPLING))
    if set(first.layers) != set(second.layers):
        found.append(("sandbox layers", first.layers, second.layers))
    return found + _apart("versions", _only(first.versions, _PACKAGES), _only(second.versions, _PACKAGES))


def _only(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}


def _differences(first: SweepHeader, second: SweepHeader, names: Sequence[str]) -> list[tuple[str, object, object]]:
    found: list[tuple[str, object, object]] = []
    for name in names:
        one, two = getattr(first, name), getattr(second, name)
        if isinstance(one, dict) and isinstance(two, dict):
            found += _apart(name, dict(leaves(one)), dict(leaves(two)))
        elif one != two:
            found.append((_WORDS.get(name, name), one, two))
    return found


def _apart(prefix: str, one: dict[str, Any], two: dict[str, Any]) -> list[tuple[str, object, object]]:
    keys = sorted(one.keys() | two.keys())
    return [(f"{prefix}.{key}", one.get(key), two.get(key)) for key in keys if one.get(key) != two.get(key)]


def _shown(value: object) -> str:
    return "nothing" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
