"""Programs to look at: the best, the one in the middle, and the worst, each with an episode that is played again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from envrl.envs import Task
from envrl.errors import EnvrlError
from envrl.evaluation.cells import is_refused, settled
from envrl.evaluation.report.record import Constants, ProgramCard, ProgramRow, Rate, Replay
from envrl.evaluation.report.summary import means
from envrl.evaluation.statistics import wilson
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.outcomes import HARD, Outcome
from envrl.rollouts import Episode

__all__ = ["Rerun", "gallery", "ranked", "table", "training_gallery"]

_FLATTERED = "picked by the same seeds that it is measured on, which flatters it"
_UNSHOWN = HARD | {Outcome.SKIPPED, Outcome.INFRASTRUCTURE_ERROR}


class Rerun(Protocol):
    """Plays programs of a sweep again, in the sandbox."""

    def replay(self, task: Task, header: SweepHeader, source: str, episode: Episode) -> Replay:
        """One recorded episode, move by move.

        Raises:
            EnvrlError: it cannot be played here.
        """

    def constants(self, task: Task, sweep: Sweep) -> Constants | None:
        """How many programs make the same move always; None where none could be looked at."""


def ranked(sweep: Sweep) -> list[int]:
    """Numbers of the programs, the best first: by wins, then progress, then score; equal ones in their order."""
    columns = [means(matrix, 1) for matrix in (sweep.wins(), sweep.progress(), sweep.scores())]

    def strength(place: int) -> tuple[float, ...]:
        if sweep.programs[place].outcome is not None:
            return (-math.inf,)
        return tuple(-math.inf if column[place] is None else float(column[place] or 0.0) for column in columns)

    return sorted(range(len(sweep.programs)), key=strength, reverse=True)


def gallery(sweep: Sweep, task: Task | None, rerun: Rerun | None) -> tuple[ProgramCard, ...]:
    """The cards of a sweep; fewer where it has fewer than three programs."""
    order = ranked(sweep)
    if not order:
        return ()
    if len(order) == 1:
        return (_card(sweep, order[0], sweep.programs[order[0]].label, task, rerun),)
    best = _card(sweep, order[0], f"The best of {len(order)} programs", task, rerun, _FLATTERED)
    worst = _card(sweep, order[-1], "The worst program", task, rerun)
    if len(order) == 2:
        return best, worst
    return best, _card(sweep, order[len(order) // 2], "The program in the middle", task, rerun), worst


def training_gallery(
    sides: Mapping[str, Sweep], best: ProgramCard | None, task: Task | None, rerun: Rerun | None
) -> tuple[ProgramCard, ...]:
    """The cards of a run.

    Args:
        sides: ``before`` and ``after``, as far as they are there.
        best: chosen on other seeds than it was measured on.
    """
    cards = []
    after = sides.get("after")
    if best is not None:
        title = best.title[:1].upper() + best.title[1:]
        cards.append(_with_replay(msgspec.structs.replace(best, title=title), after, task, rerun))
    for label, sweep in sides.items():
        order = ranked(sweep)
        if order:
            title = f"A typical program {label} training: the one in the middle"
            cards.append(_card(sweep, order[len(order) // 2], title, task, rerun))
    if after is not None and len(after.programs) > 1:
        cards.append(_card(after, ranked(after)[-1], "The worst program after training", task, rerun))
    return tuple(cards)


def table(sweep: Sweep) -> tuple[ProgramRow, ...]:
    """Every program of a sweep of strategies, the strongest first."""
    scores, progress = means(sweep.scores(), 1), means(sweep.progress(), 1)
    rows = []
    for place in ranked(sweep):
        program = sweep.programs[place]
        rows.append(
            ProgramRow(
                label=program.label,
                success=_rate(sweep, place),
                mean_score=scores[place],
                mean_progress=progress[place],
                outcome=program.outcome,
                outcome_shares=_shares(sweep, place),
                note=program.detail,
            )
        )
    return tuple(rows)


def _card(sweep: Sweep, place: int, title: str, task: Task | None, rerun: Rerun | None, note: str = "") -> ProgramCard:
    program = sweep.programs[place]
    notes = [note] if note else []
    if program.outcome is not None:
        notes.append(f"{program.outcome}: {program.detail}")
    if program.source is None:
        notes.append("the completion holds no program: this is its text")
    card = ProgramCard(
        title=f"{title} ({program.label})" if program.label != title else title,
        source=program.source if program.source is not None else program.completion or "",
        success=_rate(sweep, place),
        block=f"{sweep.header.block} {sweep.header.seeds}",
        note="; ".join(notes),
    )
    if program.outcome is not None:
        return msgspec.structs.replace(card, no_replay="It was never played.")
    return _replayed(card, sweep, place, task, rerun)


def _with_replay(card: ProgramCard, sweep: Sweep | None, task: Task | None, rerun: Rerun | None) -> ProgramCard:
    """A card of a program that the sweep may have measured, too."""
    if sweep is not None:
        for place, program in enumerate(sweep.programs):
            if program.source == card.source:
                return _replayed(card, sweep, place, task, rerun)
    return msgspec.structs.replace(card, no_replay="None of its episodes is recorded.")


def _replayed(card: ProgramCard, sweep: Sweep, place: int, task: Task | None, rerun: Rerun | None) -> ProgramCard:
    episode = _middle(sweep.episodes[place])
    source = sweep.programs[place].source
    if task is None or rerun is None or source is None:
        return msgspec.structs.replace(card, no_replay="Nothing was played again for this report.")
    if episode is None:
        return msgspec.structs.replace(card, no_replay="None of its episodes came to an end that can be shown.")
    try:
        return msgspec.structs.replace(card, replay=rerun.replay(task, sweep.header, source, episode))
    except EnvrlError as error:
        return msgspec.structs.replace(card, no_replay=f"It could not be played again: {error}")


def _middle(episodes: Sequence[Episode]) -> Episode | None:
    """The episode in the middle by progress and score, of those that a replay can show."""
    shown = [episode for episode in episodes if episode.outcome not in _UNSHOWN]
    shown.sort(key=lambda episode: (episode.progress, episode.score, episode.index))
    return shown[len(shown) // 2] if shown else None


def _shares(sweep: Sweep, place: int) -> dict[str, float]:
    if (refused := sweep.programs[place].outcome) is not None:
        return {refused: 1.0}
    counts = Counter(str(e.outcome) for e in sweep.episodes[place] if e.outcome is not Outcome.INFRASTRUCTURE_ERROR)
    return {outcome: count / counts.total() for outcome, count in sorted(counts.items())}


def _rate(sweep: Sweep, place: int) -> Rate:
    if is_refused(sweep.programs[place]):
        return Rate.of(wilson(0, settled(sweep.programs, sweep.episodes, len(sweep.seeds))[place]))
    played = [e for e in sweep.episodes[place] if e.outcome is not Outcome.INFRASTRUCTURE_ERROR]
    return Rate.of(wilson(sum(e.won for e in played), len(played)))
