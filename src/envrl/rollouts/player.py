"""A strategy meets an environment: all games of a batch in lockstep, one message a step to each worker.

The law of the solo run holds here: an episode's result is what its strategy gets when it plays that seed alone in a
fresh worker. A batch is only faster. Whenever a worker dies or comes near its memory limit, each of its games is played
again, alone; it has to repeat what it had done until then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from envrl.envs import Ending, Games, InvalidAction, Task
from envrl.errors import ZygoteLost
from envrl.limits import Limits
from envrl.outcomes import BEFORE_PLAY, HARD, Outcome
from envrl.rollouts.repeating import Trace
from envrl.rollouts.scorecard import Episode, Scorecard
from envrl.sandbox import LANGUAGE_IMPORTS, Fault, Loaded, Played, Profile, Program, Reply, Sandbox
from envrl.seeding import private_seed

__all__ = ["Assignment", "Player", "profile_of"]

_WORKERS_AT_ONCE = 6  # with more, their memory outgrows the cache; with fewer, the environment steps too often
_MOST_PREPARED = 64  # workers forked ahead, of some three megabytes each
_PATIENCE = 0.0005  # seconds to wait for another reply before the environment steps with those that are here


@dataclass(frozen=True)
class Assignment:
    """A strategy and the games that it is to play.

    Attributes:
        source: the program.
        indices: of the seeds in their block.
        seeds: the 63-bit seeds, one for each index.
    """

    source: str
    indices: tuple[int, ...]
    seeds: tuple[int, ...]


def profile_of(task: Task) -> Profile:
    """What the sandbox must lend to strategies of a task."""
    lent = task.lent
    return Profile(
        entry_point=task.entry_point,
        imports=LANGUAGE_IMPORTS if lent.imports is None else lent.imports,
        tables=lent.tables,
        toolkit=lent.toolkit,
        adapter=lent.adapter,
    )


@dataclass
class _Record:
    """What becomes of one assignment."""

    assignment: Assignment
    refusal: Fault | None = None
    program_hash: str | None = None
    episodes: dict[int, Episode] = field(default_factory=dict)  # by position in the assignment
    hard: list[int] = field(default_factory=list)  # positions that cost a worker or a budget
    traces: dict[int, Trace] = field(default_factory=dict)  # by position, of games that are played again alone

    def lost_already(self, position: int, hard_failures: int) -> bool:
        """Whether enough earlier games failed hard that this one is not played."""
        return sum(p < position for p in self.hard) >= hard_failures

    def scorecard(self, hard_failures: int) -> Scorecard:
        """The card; it depends on the single results only, not on the order in which they came."""
        if self.refusal is not None and (self.refusal.outcome in BEFORE_PLAY | {Outcome.VIOLATION}):
            return Scorecard(source=self.assignment.source, outcome=self.refusal.outcome, detail=self.refusal.detail)
        episodes: list[Episode] = []
        failed = 0
        for position, index in enumerate(self.assignment.indices):
            if failed >= hard_failures:
                episodes.append(Episode(index=index, outcome=Outcome.SKIPPED))
                continue
            episodes.append(self.episodes[position])
            failed += episodes[-1].outcome in HARD
        return Scorecard(source=self.assignment.source, program_hash=self.program_hash, episodes=tuple(episodes))


class _Job:
    """One worker's share of a wave: a program and the games that it plays side by side."""

    def __init__(self, record: _Record, slots: dict[int, int]) -> None:
        self.record = record
        self.positions = slots  # slot: position in the assignment, for games that go on
        self.all = tuple(slots.values())
        self.program: Program | None = None
        self.asked: list[int] = []
        self.sent: list[tuple[int, bytes]] = []  # slots and observations of the last calls
        self.left: dict[int, tuple[int, bytes, Ending | None]] = {}  # by position: see `leave`
        self.calls: dict[int, int] = dict.fromkeys(slots, 0)
        self.cpu: dict[int, float] = dict.fromkeys(slots, 0.0)
        self.longest: dict[int, float] = dict.fromkeys(slots, 0.0)
        self.ended: list[int] = []  # slots that the worker may forget
        self.lost = False  # whether its games have to be played again

    @property
    def alone(self) -> bool:
        return len(self.calls) == 1

    def leave(self, slot: int, position: int, how: Ending | Fault | None) -> None:
        """Notes the last call of a game that is over, or whose worker is, and how the environment ended it."""
        place = bisect_left(self.sent, slot, key=lambda call: call[0])
        if place < len(self.sent) and self.sent[place][0] == slot:
            self.left[position] = self.calls[slot], self.sent[place][1], how if isinstance(how, Ending) else None


class Player:
    """Plays strategies of one task in one sandbox.

    Args:
        task: what is played.
        sandbox: made for `profile_of` the task.
        limits: budgets; the task's own unless given.
    """

    def __init__(self, task: Task, sandbox: Sandbox, limits: Limits | None = None) -> None:
        self._task = task
        self._sandbox = sandbox
        self._limits = limits or task.limits
        self._games = self._programs = 1

    def play(self, assignments: Sequence[Assignment]) -> list[Scorecard]:
        """Plays all games of all assignments; scorecards in their order.

        Whatever a lost zygote takes with it is played once more, by a new one.

        Raises:
            SandboxError: a new zygote does not start.
        """
        records = [_Record(assignment) for assignment in assignments]
        todo = []
        for record in records:
            size = len(record.assignment.source.encode("utf-8", "surrogatepass"))
            if size > self._limits.source:
                reason = f"the program has {size} bytes, where {self._limits.source} are allowed"
                record.refusal = Fault(Outcome.SYNTAX_ERROR, reason)
            else:
                todo.append((record, tuple(range(len(record.assignment.seeds)))))
        self._games = max((len(positions) for _, positions in todo), default=1)
        self._programs = min(len(todo), _MOST_PREPARED)
        again = self._wave(todo)
        alone = [(record, (position,)) for record, positions in again for position in positions]
        # Twice: some come alone because their program may leave marks, and have not been lost yet.
        for record, positions in self._wave(self._wave(alone)):
            for position in positions:
                fault = Fault(Outcome.INFRASTRUCTURE_ERROR, "the worker was lost again and again")
                record.episodes[position] = self._episode(record, position, fault)
        return [record.scorecard(self._limits.hard_failures) for record in records]

    def prepare(self) -> None:
        """Has workers forked for the next `play`, which is taken to be like the last; for a time when nothing runs."""
        try:
            self._sandbox.prepare(self._limits, self._games, self._programs)
        except ZygoteLost:
            self._sandbox.restart()

    # -- one wave: each job a fresh worker ------------------------------------------------------------------------

    def _wave(self, jobs: Iterable[tuple[_Record, tuple[int, ...]]]) -> list[tuple[_Record, tuple[int, ...]]]:
        """Plays the given games side by side; gives those that have to be played again alone."""
        waiting: deque[_Job] = deque()
        seeds: list[int] = []
        for record, positions in jobs:
            slots = {len(seeds) + i: position for i, position in enumerate(positions)}
            seeds += [record.assignment.seeds[position] for position in positions]
            if slots:
                waiting.append(_Job(record, slots))
        if not seeds:
            return []
        games = self._task.games(seeds)
        again: list[tuple[_Record, tuple[int, ...]]] = []
        playing: dict[Program, _Job] = {}
        try:
            self._play_on(games, waiting, playing, again)
        except ZygoteLost:
            self._sandbox.restart()
            for job in (*playing.values(), *waiting):
                again += self._again(job)
        finally:
            games.close()
        return again

    def _play_on(
        self,
        games: Games,
        waiting: deque[_Job],
        playing: dict[Program, _Job],
        again: list[tuple[_Record, tuple[int, ...]]],
    ) -> None:
        """Plays until no job is left; what has to be played again alone is added to ``again``."""
        while waiting or playing:
            while waiting and len(playing) < _WORKERS_AT_ONCE:
                job = waiting[0]  # it stays until it has a worker: the zygote may be lost on the way
                self._drop_lost(job)
                if job.positions:
                    source = job.record.assignment.source.encode("utf-8", "surrogatepass")
                    job.program = self._sandbox.load(source, self._limits, len(job.positions))
                    playing[job.program] = job
                waiting.popleft()
            steps: list[tuple[_Job, Played]] = []
            begun: list[_Job] = []
            for program, reply in self._replies(len(playing)):
                job = playing[program]
                if isinstance(reply, Played):
                    steps.append((job, reply))
                elif isinstance(reply, Loaded):
                    job.record.program_hash = reply.program_hash
                    if reply.alone and not job.alone:
                        again += self._again(job)
                    else:
                        begun.append(job)
                else:
                    again += self._bury(job, games, reply)
            again += self._step(games, steps)
            self._ask(games, [job for job, _ in steps], begun)
            for program in [program for program, job in playing.items() if not job.positions]:
                job = playing.pop(program)
                if program.open and not job.alone and not job.lost and program.was_full():
                    again += self._again(job, Fault(Outcome.MEMORY, "nearly filled its memory"))
                program.close()

    def _replies(self, playing: int) -> list[tuple[Program, Reply]]:
        """At least one reply; then as many as half of the workers give soon. The rest stay busy meanwhile."""
        replies = self._sandbox.collect() if playing else []
        while 2 * len(replies) < playing and (more := self._sandbox.collect(_PATIENCE)):
            replies += more
        return replies

    def _step(self, games: Games, steps: list[tuple[_Job, Played]]) -> list[tuple[_Record, tuple[int, ...]]]:
        """Takes the workers' answers, advances their games together, and asks again."""
        again: list[tuple[_Record, tuple[int, ...]]] = []
        moving: list[tuple[_Job, int]] = []
        actions: list[Any] = []
        for job, played in steps:
            for slot, value, seconds in zip(job.asked, played.values, played.seconds, strict=False):
                job.cpu[slot] += seconds
                job.longest[slot] = max(job.longest[slot], seconds)
                if isinstance(value, Fault):
                    if value.outcome is Outcome.MEMORY and not job.alone:
                        again += self._again(job, value)
                        break
                    self._end(job, slot, games, value)
                    continue
                try:
                    actions.append(self._task.to_action(value))
                except InvalidAction as error:
                    self._end(job, slot, games, Fault.told(Outcome.INVALID_ACTION, str(error)))
                else:
                    moving.append((job, slot))
        if again:  # games whose worker has to go do not move
            kept = [
                (pair, action) for pair, action in zip(moving, actions, strict=True) if pair[1] in pair[0].positions
            ]
            moving, actions = [pair for pair, _ in kept], [action for _, action in kept]
        if moving:
            endings = games.act([slot for _, slot in moving], actions)
            for (job, slot), ending in zip(moving, endings, strict=True):
                if ending is not None:
                    self._end(job, slot, games, ending)
                else:
                    job.calls[slot] += 1
        return again

    def _ask(self, games: Games, jobs: Iterable[_Job], begun: Sequence[_Job]) -> None:
        """Sends each job the observations of its games that go on; one that has just begun opens its games first."""
        jobs = [*jobs, *begun]
        for job in jobs:
            self._drop_lost(job)
        observations = iter(games.observe([slot for job in jobs for slot in job.positions]))
        for job in jobs:
            calls: list[tuple[int, bytes]] = []
            traces = job.record.traces
            for slot, position in list(job.positions.items()):
                observation = next(observations)
                if isinstance(observation, Ending):
                    self._end(job, slot, games, observation)
                elif position in traces and (fault := traces[position].at_call(job.calls[slot], observation)):
                    self._end(job, slot, games, fault)
                else:
                    calls.append((slot, observation))
            job.asked, job.sent = [slot for slot, _ in calls], calls
            if not calls:
                continue
            assert job.program is not None
            opened = []
            if job in begun:
                job.ended = []  # of games that never began
                seeds = job.record.assignment.seeds
                opened = [(slot, private_seed(seeds[position], "strategy")) for slot, position in job.positions.items()]
            job.program.play(calls, opened=opened, closed=job.ended)
            job.ended = []

    # -- endings --------------------------------------------------------------------------------------------------

    def _end(self, job: _Job, slot: int, games: Games, how: Ending | Fault) -> None:
        position = job.positions.pop(slot)
        job.ended.append(slot)
        if not job.alone:
            if how.outcome is not Outcome.INFRASTRUCTURE_ERROR:  # ours: a second play owes it nothing
                job.leave(slot, position, how)
        elif isinstance(how, Ending) and (trace := job.record.traces.get(position)):
            how = trace.at_end(job.calls[slot], how) or how
        cpu, longest = job.cpu[slot], job.longest[slot]
        limits = self._limits
        if how.outcome in HARD:
            job.record.hard.append(position)
        job.record.episodes[position] = self._episode(
            job.record,
            position,
            how,
            standing=games.standing(slot),
            call=job.calls[slot],
            cpu=cpu,
            strained=longest > limits.call_cpu / 2 or cpu > limits.game_cpu / 2,
        )

    def _episode(
        self,
        record: _Record,
        position: int,
        how: Ending | Fault,
        standing: Ending | None = None,
        call: int | None = None,
        cpu: float = 0.0,
        strained: bool = False,
    ) -> Episode:
        ending = how if isinstance(how, Ending) else standing
        faulted = isinstance(how, Fault)
        return Episode(
            index=record.assignment.indices[position],
            outcome=how.outcome,
            steps=ending.steps if ending else 0,
            score=ending.score if ending else 0.0,
            progress=ending.progress if ending else 0.0,
            metrics=ending.metrics if ending else {},
            detail=how.detail,
            call=call if faulted else None,
            cpu=cpu,
            strained=strained or how.outcome in (Outcome.TIMEOUT, Outcome.MEMORY),
        )

    def _bury(self, job: _Job, games: Games, fault: Fault) -> list[tuple[_Record, tuple[int, ...]]]:
        """A worker that refused its program, or is dead."""
        loaded = job.record.program_hash is not None
        if fault.outcome is not Outcome.INFRASTRUCTURE_ERROR and not loaded:
            job.record.refusal = fault
            for slot in list(job.positions):
                self._end(job, slot, games, fault)
            return []
        if job.alone and fault.outcome is not Outcome.INFRASTRUCTURE_ERROR:
            for slot in list(job.positions):
                self._end(job, slot, games, fault)
            return []
        return self._again(job, fault)

    def _again(self, job: _Job, fault: Fault | None = None) -> list[tuple[_Record, tuple[int, ...]]]:
        """The games of a job, to be played again alone; ``fault``, where its program may be to blame for that."""
        if not job.alone:  # those that have ended, too: who ends a worker must not choose which results stand
            for slot, position in job.positions.items():
                job.leave(slot, position, None)
            for position in job.all:
                job.record.episodes.pop(position, None)
                if position in job.left and fault is not None and fault.outcome is not Outcome.INFRASTRUCTURE_ERROR:
                    job.record.traces[position] = Trace(*job.left[position], fault)
            job.record.hard = [p for p in job.record.hard if p not in job.all]
        job.lost = True
        job.positions.clear()
        return [(job.record, job.all)]

    def _drop_lost(self, job: _Job) -> None:
        if len(job.record.hard) < self._limits.hard_failures:
            return
        for slot, position in list(job.positions.items()):
            if job.record.lost_already(position, self._limits.hard_failures):
                job.leave(slot, position, None)
                del job.positions[slot]
                job.ended.append(slot)
