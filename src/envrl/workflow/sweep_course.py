"""The course of a sweep: programs are written, played, rewarded; until so many, or until it is narrow enough."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from envrl.errors import EnvError, RunError
from envrl.evaluation.components import matrix
from envrl.evaluation.escape import one_line
from envrl.evaluation.headline import headline_of
from envrl.evaluation.planning import outlook, seeds_needed_looking
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeping import Field, play
from envrl.evaluation.sweeps import Sweep, SweepHeader
from envrl.outcomes import Outcome
from envrl.rewards import Players
from envrl.seeding import block_salt
from envrl.workflow.planning import outlook_text
from envrl.workflow.strategy_file import check_playable
from envrl.workflow.subjects import Subject
from envrl.workflow.sweep_plan import SweepPlan
from envrl.workflow.watching import Watcher

__all__ = ["SweepCourse", "check_identity", "prompt_hash"]


def prompt_hash(prompt: str) -> str:
    """Names a prompt in a header (SHA-256)."""
    return hashlib.sha256(prompt.encode()).hexdigest()


def check_identity(subject: Subject, header: SweepHeader, watcher: Watcher) -> None:
    """Refuses to have the rest written by something else than what wrote the first.

    Raises:
        RunError: naming what has changed.
    """
    identity = subject.identity(watcher)
    if subject.prompt is not None:
        identity |= {"prompt": prompt_hash(subject.prompt)}
    known = header.versions | {"prompt": header.prompt_sha256 or ""}
    for name, value in identity.items():
        if known.get(name) != value:
            raise RunError(f"the {name} is not the one that the sweep began with: measure again")


@dataclass
class SweepCourse:
    """One sweep, new or resumed: what is there already is left as it is.

    Attributes:
        plan: what is measured.
        header: under which conditions.
        log: what has been measured so far.
        players: what plays.
        workers: that play at once.
        watcher: told how it goes.
    """

    plan: SweepPlan
    header: SweepHeader
    log: SweepLog
    players: Players
    workers: int
    watcher: Watcher

    def run(self) -> Sweep:
        """Writes what is to be written, plays what is to be played, and closes the books.

        Raises:
            EnvrlError: no completion holds a program, the strategy cannot be played, or nothing could be measured.
        """
        plan, log, seeds = self.plan, self.log, self.plan.seeds
        width = plan.request.until_width
        if plan.served is not None:
            plan.served.keep_in(log.directory)
        if width is None:
            self._write(plan.samples)
            self._play(plan.samples)
        elif plan.kind == "strategies":
            self._write(plan.samples)
            seeds = seeds[: self._play_until(width)]
        else:
            self._sample_until(width)
        self._reward()
        sampling = self.header.sampling | ({"samples": len(log.programs)} if self.header.sampling else {})
        usage = {} if plan.served is None else plan.served.usage
        played = f"{seeds.start}:{seeds.stop}"
        sweep = log.finish(msgspec.structs.replace(self.header, seeds=played, sampling=sampling, usage=usage))
        self._look_for_errors(sweep)
        return sweep

    # -- programs -------------------------------------------------------------------------------------------------

    def _write(self, total: int) -> None:
        """Has programs written until there are ``total``."""
        first = len(self.log.programs)
        if first < total:
            subject = self.plan.subject
            check_identity(subject, self.header, self.watcher)
            if subject.prompt is not None:
                self.watcher.phase("writing", total)
                self.watcher.advance(first)
            for program in subject.write(first, total - first, self.watcher):
                self.log.add(program)
                if subject.prompt is not None:
                    self.watcher.advance()
        programs = self.log.programs
        if all(program.outcome is Outcome.NO_CODE for program in programs):
            kept = f"; they are kept in {self.log.directory}" if self.log.directory else ""
            raise RunError(
                f"none of {len(programs)} completions holds a program as the contract {self.header.contract!r} wants "
                f"it (the first: {programs[0].detail}): try another --contract{kept}"
            )

    # -- play -----------------------------------------------------------------------------------------------------

    def _play(self, total: int, width: float | None = None) -> bool:
        """Plays what is left; says whether it stopped since all intervals are as narrow as the width."""
        programs = range(total)
        log, plan, seeds = self.log, self.plan, self.plan.seeds
        salt = block_salt(plan.block, plan.task.id, plan.task.version)
        field = Field(plan.block, salt, seeds, plan.limits.hard_failures)
        refused = sum(log.programs[p].outcome is not None for p in programs)
        self.watcher.phase("playing", len(programs) * len(seeds))
        self._advance(refused * len(seeds) + sum(len(log.rows[p]) for p in programs))
        enough = None if width is None else lambda done: self._widest(done) <= width
        reached = play(log, self.players, field, programs, self.workers, progress=self._advance, enough=enough)
        if len(log.programs) == 1 and plan.kind == "strategies":
            check_playable(Path(log.programs[0].label), plan.task, log.card(0))
        return reached

    def _advance(self, episodes: int) -> None:
        self.log.write_status("running")
        rate = headline_of(self.log.wins(len(self.plan.seeds)), by_looking=self.header.until_width is not None)
        low, estimate, high = rate.interval
        if np.isnan(estimate):
            self.watcher.advance(episodes)
        else:
            self.watcher.advance(episodes, success=estimate, interval=f"{low:.1%} to {high:.1%}")

    def _widest(self, seeds: int) -> float:
        """The width of the widest program's interval over the first seeds."""
        wins = self.log.wins(len(self.plan.seeds))[:, :seeds]
        intervals = [headline_of(row[None], by_looking=True).interval for row in wins]
        return max(high - low for low, _, high in intervals)

    def _play_until(self, width: float) -> int:
        """Plays strategies until their intervals are narrow enough; the number of seeds that were played."""
        reached = self._play(self.plan.samples, width)
        done = max(map(len, self.log.rows)) if reached else len(self.plan.seeds)
        found = self._widest(done)
        if found <= width:
            self.watcher.say(f"narrow enough after {done} seeds: {found:.3f} from end to end")
        else:
            rate = float(np.nanmean(self.log.wins(done)))
            needed = seeds_needed_looking(width, rate)
            self.watcher.say(
                f"still {found:.3f} from end to end after {done} seeds, the most that were allowed; a width of "
                f"{width:g} needs about {needed}: raise --max-seeds"
            )
        return done

    def _sample_until(self, width: float) -> None:
        """Samples and plays fresh programs until the model's interval is narrow enough."""
        total, most, seeds = self.plan.samples, self.plan.most_samples, len(self.plan.seeds)
        told = False
        while True:
            self._write(total)
            self._play(total)
            wins = self.log.wins(seeds)[:total]  # a resumed sweep may have more already
            if min(matrix(wins).shape) < 2:
                if total >= most:
                    self.watcher.say(
                        f"an interval needs two programs and two seeds of which something was measured, and {total} "
                        "programs, the most that were allowed, have fewer: raise --max-samples"
                    )
                    return
                total = min(most, total + self.plan.batch)
                continue
            view = outlook(wins, width)
            if view.reached or total >= most:
                self.watcher.say(outlook_text(view, total, seeds))
                if not view.reached:
                    self.watcher.say(f"{total} programs are the most that were allowed: raise --max-samples")
                return
            if not (told or (view.seeds_help and view.programs_help)):
                told = True
                self.watcher.say(outlook_text(view, total, seeds))
            total = min(most, total + self.plan.batch)

    # -- the end --------------------------------------------------------------------------------------------------

    def _reward(self) -> None:
        preset = self.plan.preset
        if preset is not None:
            for index in range(len(self.log.programs)):
                self.log.amend(index, rewards=preset.rewards(self.log.card(index)))

    def _look_for_errors(self, sweep: Sweep) -> None:
        lost = [e for row in sweep.episodes for e in row if e.outcome is Outcome.INFRASTRUCTURE_ERROR]
        if lost and np.isnan(sweep.wins()).all():
            raise EnvError(f"{sweep.header.task}: nothing could be measured: {one_line(lost[0].detail)}")
        refused = [p for p in sweep.programs if p.outcome is not None]
        if refused and sweep.header.kind == "strategies":
            self.watcher.say(
                f"{len(refused)} of {len(sweep.programs)} strategies could not be played and count as lost, such as "
                f"{refused[0].label} ({refused[0].outcome})"
            )
