"""What ``envrl eval --plan`` says: how many seeds, and how many programs, an interval of a wished width needs."""

from __future__ import annotations

from envrl.errors import ConfigError
from envrl.evaluation.planning import (
    Outlook,
    clustered_width,
    programs_needed,
    seeds_needed,
    seeds_needed_each,
    seeds_needed_looking,
)

__all__ = ["outlook_text", "plan_text"]

_LIKENESS = (
    (0.0, "all equally good"),
    (0.1, "much alike"),
    (0.33, "every strength equally common"),
    (1.0, "each always wins or always loses"),
)
_SEEDS = (32, 200)
_MOST_PROGRAMS = 10**6


def plan_text(width: float, rate: float = 0.5, programs: int | None = None) -> str:
    """How large a sweep has to be, in lines for a terminal.

    Args:
        width: of the 95 % interval, from end to end.
        rate: that is expected; 0.5 needs the most.
        programs: that the model would write; None asks how many it needs.

    Raises:
        ConfigError: a width, rate or number of programs that nothing can be planned for.
    """
    if not 0.0 < width < 1.0:
        raise ConfigError(f"--width {width:g}: give the wished width of the interval as a fraction, such as 0.05")
    if not 0.0 <= rate <= 1.0:
        raise ConfigError(f"--rate {rate:g}: give the expected rate as a fraction from 0 to 1, such as 0.5")
    if programs is not None and not 1 <= programs <= _MOST_PROGRAMS:
        raise ConfigError(f"--samples {programs}: give a number of programs from 1 to {_MOST_PROGRAMS:,}")
    try:
        lines = _one_program(width, rate)
        if programs is None:
            lines += _model(width, rate)
        elif programs > 1:
            lines += _model_of(width, rate, programs)
    except ValueError as error:  # a width so small that nobody plays so many
        raise ConfigError(f"--width {width:g}: {error}") from None
    return "\n".join(lines)


def outlook_text(outlook: Outlook, programs: int, seeds: int) -> str:
    """What a sweep says of how its interval becomes narrower, in a sentence.

    Args:
        outlook: from `envrl.evaluation.planning.outlook`.
        programs, seeds: of the sweep so far.
    """
    now = f"{_points(outlook.width)} wide from {programs} programs on {seeds} seeds"
    if outlook.reached:
        return f"The interval is {now}: narrow enough."
    wish = f"{_points(outlook.wished)} as wished"
    if outlook.seeds is None and outlook.programs is None:
        return (
            f"The interval is {now}. Neither more seeds alone (down to {_points(outlook.by_seeds)}) nor more programs "
            f"alone (down to {_points(outlook.by_programs)}) lead to {wish}: it takes more of both."
        )
    if outlook.seeds is None:
        return (
            f"The interval is {now}. More seeds no longer help: with these {programs} programs it stays above "
            f"{_points(outlook.by_seeds)}, however many seeds they play. About {outlook.programs:,} programs lead to "
            f"{wish}."
        )
    if outlook.programs is None:
        return (
            f"The interval is {now}. More programs no longer help: on these {seeds} seeds it stays above "
            f"{_points(outlook.by_programs)}. About {outlook.seeds:,} seeds lead to {wish}."
        )
    return (
        f"The interval is {now}. About {outlook.seeds:,} seeds for the same programs, or {outlook.programs:,} programs "
        f"on the same seeds, lead to {wish}."
    )


def _one_program(width: float, rate: float) -> list[str]:
    fixed, looking = seeds_needed(width, rate), seeds_needed_looking(width, rate)
    return [
        f"A 95 % interval {_points(width)} wide from end to end, for a rate of about {100 * rate:g} %:",
        "",
        "One program over seeds",
        f"  {fixed:>9,} seeds, their number fixed beforehand (Wilson): --seeds {fixed}",
        f"  {looking:>9,} seeds, stopping when it is narrow enough (confidence sequence): --until-width {width:g}",
    ]


def _model(width: float, rate: float) -> list[str]:
    lines = [
        "",
        "A model: programs needed, by how unlike they are and by the seeds that each of them plays",
        "  likeness".ljust(46) + "".join(f"{f'{seeds} seeds':>12}" for seeds in _SEEDS),
    ]
    for likeness, meaning in _LIKENESS:
        counts = (programs_needed(width, seeds, rate, likeness) for seeds in _SEEDS)
        lines.append(
            f"  {likeness:<5g}{meaning}".ljust(46)
            + "".join(f"{'too many' if count is None else f'{count:,}':>12}" for count in counts)
        )
    return [*lines, *_MEANING]


def _model_of(width: float, rate: float, programs: int) -> list[str]:
    lines = [
        "",
        f"A model of which {programs:,} programs are played: seeds that each has to play, by how unlike they are",
        "  likeness".ljust(46) + f"{'seeds each':>12}{'never below':>14}",
    ]
    for likeness, meaning in _LIKENESS:
        count = seeds_needed_each(width, programs, rate, likeness)
        least = clustered_width(programs, float("inf"), rate, likeness)
        lines.append(
            f"  {likeness:<5g}{meaning}".ljust(46)
            + f"{'none is enough' if count is None else f'{count:,}':>12}{_points(least):>14}"
        )
    return [*lines, "  Where no number of seeds is enough, only more programs make the interval narrower.", *_MEANING]


_MEANING = [
    "  The likeness is the correlation of two episodes of one program. --until-width measures it by a first batch, and",
    "  says whether more seeds or more programs help.",
]


def _points(width: float) -> str:
    return f"{100 * width:.3g} points" if width > 5e-5 else "0 points"
