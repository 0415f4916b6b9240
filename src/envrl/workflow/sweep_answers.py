"""The course of a sweep of answers: question by question, they are written, judged, and kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import msgspec
import numpy as np

from envrl.evaluation.answers import Text, examine, mean_rewards
from envrl.evaluation.headline import headline_of
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import Sweep, SweepHeader, SweepProgram
from envrl.rewards.answers import AnswerScorer
from envrl.workflow.sweep_course import check_identity
from envrl.workflow.sweep_plan import SweepPlan
from envrl.workflow.watching import Watcher

__all__ = ["AnswerCourse"]

_PAUSE = 1.0  # seconds between two looks at all that is there, and two waits for the disk


@dataclass
class AnswerCourse:
    """One sweep of answers, new or resumed: what is there already is left as it is.

    Attributes:
        plan: what is measured.
        header: under which conditions.
        log: what has been measured so far.
        watcher: told how it goes.
    """

    plan: SweepPlan
    header: SweepHeader
    log: SweepLog
    watcher: Watcher
    _due: float = field(default=0.0, init=False, repr=False)

    def run(self) -> Sweep:
        """Has every question answered, judges the answers, and closes the books.

        Raises:
            EnvrlError: the model cannot be had, or is another one than that which began.
        """
        plan, log = self.plan, self.log
        samples, total = plan.samples, plan.samples * len(plan.seeds)
        if plan.served is not None:
            plan.served.keep_in(log.directory)
        for index in range(len(log.programs), samples):
            log.add(SweepProgram(index=index, label=f"#{index}", completion=None, source=None))
        first = sum(map(len, log.rows))
        if first < total:
            check_identity(plan.subject, self.header, self.watcher)
            self.watcher.phase("answering", total)
            self.watcher.advance(first)
            self._answer(first, total)
        for index in range(samples):
            log.amend(index, rewards=mean_rewards(log.answers[index]))
        usage = {} if plan.served is None else plan.served.usage
        return log.finish(msgspec.structs.replace(self.header, usage=usage))

    def _answer(self, first: int, total: int) -> None:
        scorer, samples, texts = self.plan.scorer, self.plan.samples, list[Text]()
        for number, one in enumerate(self.plan.subject.write(first, total - first, self.watcher), first):
            texts.append(Text(one.completion or "", one.tokens, one.clipped, one.seconds))
            if (number + 1) % samples == 0:
                self._settle(scorer, number // samples, texts)
                texts = []

    def _settle(self, scorer: AnswerScorer, place: int, texts: list[Text]) -> None:
        """Keeps the last answers to a question: all of them, unless a kill came between the first and these."""
        begun = self.plan.samples - len(texts)
        for index, found in enumerate(examine(scorer, self.plan.seeds[place], texts), begun):
            self.log.record(index, found.episode, found.answer)
        now = time.monotonic()
        if now < self._due and place + 1 < len(self.plan.seeds):
            self.watcher.advance(len(texts))
            return
        self._due = now + _PAUSE
        self.log.flush()
        self.log.write_status("running")
        low, estimate, high = headline_of(self.log.wins(len(self.plan.seeds)), answers=True).interval
        shown = {} if np.isnan(estimate) else {"success": estimate, "interval": f"{low:.1%} to {high:.1%}"}
        self.watcher.advance(len(texts), **shown)
