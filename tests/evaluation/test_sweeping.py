"""The engine of a sweep, with players that are told how each episode ends: order, batches, skipping, going on."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.errors import RunError
from envrl.evaluation import sweep_log
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeping import STRETCH, Field, play
from envrl.evaluation.sweeps import EPISODES, PROGRAMS, STATUS, SweepHeader, SweepProgram, read_sweep
from envrl.outcomes import HARD, Outcome
from envrl.rollouts import Assignment, Episode, Scorecard
from envrl.runs import read_lines
from envrl.seeding import episode_seeds

SALT = "tests"
REFUSED = "refused"


def outcome_of(source: str, index: int) -> Outcome:
    """What becomes of a program on a seed: nothing but the two decide it."""
    chosen = random.Random(f"{source} {index}")
    ends = [Outcome.SUCCESS, Outcome.FAILURE, Outcome.EXCEPTION]
    return chosen.choice([*ends, Outcome.TIMEOUT] if "slow" in source else ends)


class Players:
    """Plays as the law of the solo run wants it, and keeps what it was asked; ``dies`` after some calls."""

    def __init__(self, hard_failures: int = 2, dies: int | None = None) -> None:
        self.calls: list[list[Assignment]] = []
        self._hard_failures = hard_failures
        self._dies = dies

    def play(self, assignments: Sequence[Assignment], progress=None) -> list[Scorecard]:
        if len(self.calls) == self._dies:
            raise KeyboardInterrupt
        self.calls.append(list(assignments))
        return [self._card(assignment) for assignment in assignments]

    def _card(self, assignment: Assignment) -> Scorecard:
        assert list(assignment.seeds) == episode_seeds(SALT, "test", assignment.indices)
        if assignment.source == REFUSED:
            return Scorecard(source=REFUSED, outcome=Outcome.SYNTAX_ERROR, detail="line 1")
        episodes: list[Episode] = []
        failed = 0
        for index in assignment.indices:
            skipped = failed >= self._hard_failures
            outcome = Outcome.SKIPPED if skipped else outcome_of(assignment.source, index)
            episodes.append(Episode(index=index, outcome=outcome, score=float(index), steps=int(not skipped)))
            failed += outcome in HARD
        return Scorecard(source=assignment.source, program_hash=assignment.source[:4], episodes=tuple(episodes))


def header(seeds: range) -> SweepHeader:
    return SweepHeader(
        kind="strategies", subject="three", task="t", task_version=0, options={}, success="won", toolkit="full",
        contract=None, prompt_sha256=None, block="test", seeds=f"{seeds.start}:{seeds.stop}", limits={}, layers=(),
        sampling={}, versions={}, command="", created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def programs(*sources: str) -> list[SweepProgram]:
    return [
        SweepProgram(index=index, label=source, completion=None, source=source) for index, source in enumerate(sources)
    ]


def field(seeds: range, hard_failures: int = 2) -> Field:
    return Field("test", SALT, seeds, hard_failures)


def filled(*sources: str) -> SweepLog:
    log = SweepLog(None)
    for program in programs(*sources):
        log.add(program)
    return log


def expected(source: str, seeds: range, hard_failures: int = 2) -> list[Outcome]:
    """The rule of skipping, said once more and plainly."""
    found = []
    hard: dict[int, int] = {}
    for index in seeds:
        stretch = index // STRETCH
        outcome = Outcome.SKIPPED if hard.get(stretch, 0) >= hard_failures else outcome_of(source, index)
        hard[stretch] = hard.get(stretch, 0) + (outcome in HARD)
        found.append(outcome)
    return found


@pytest.mark.parametrize("workers", [1, 2, 7, 64])
@pytest.mark.parametrize("seeds", [range(1), range(63, 65), range(10, 200)])
def test_every_program_plays_every_seed_once(workers, seeds):
    log, players = filled("a", "slow b", REFUSED, "c"), Players()
    told: list[int] = []
    assert play(log, players, field(seeds), range(4), workers, progress=told.append) is False
    for number, source in enumerate(["a", "slow b", REFUSED, "c"]):
        row = log.rows[number]
        if source == REFUSED:
            assert row == []
            assert (log.programs[2].outcome, log.programs[2].detail) == (Outcome.SYNTAX_ERROR, "line 1")
        else:
            assert [e.index for e in row] == list(seeds)
            assert [e.outcome for e in row] == expected(source, seeds)
            assert log.programs[number].program_hash == source[:4]
    assert sum(told) == 4 * len(seeds)
    asked = [(a.source, i) for call in players.calls for a in call for i in a.indices if a.source in ("a", "c")]
    assert len(asked) == len(set(asked)), "an episode was played twice"


def test_all_workers_have_something_to_do_from_the_first_batch_on():
    players = Players()
    play(filled("a"), players, field(range(200)), range(1), 4)
    assert all(len(call) >= 4 for call in players.calls[:-1])


def test_a_program_that_fails_hard_now_and_then_is_skipped_in_a_stretch_only():
    log = filled("slow a")
    play(log, Players(), field(range(10 * STRETCH)), range(1), 2)
    outcomes = [e.outcome for e in log.rows[0]]
    assert Outcome.SKIPPED in outcomes
    begins = [outcomes[start] for start in range(0, len(outcomes), STRETCH)]
    assert Outcome.SKIPPED not in begins


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_games_that_share_a_worker_over_several_stretches_are_not_skipped_for_each_other(workers, monkeypatch):
    late = dict.fromkeys(range(100, 110), Outcome.TIMEOUT)
    monkeypatch.setattr(sys.modules[__name__], "outcome_of", lambda _, index: late.get(index, Outcome.SUCCESS))
    players, log = Players(), filled("a", "b")
    play(log, players, field(range(400)), range(2), workers)
    assert any(len(a.indices) > STRETCH for call in players.calls for a in call), "none of them shared one"
    for row in log.rows:
        assert [e.outcome for e in row] == expected("a", range(400))
        assert [e.index for e in row if e.outcome is Outcome.SKIPPED] == list(range(102, 128))
    risky = [a.indices for call in players.calls for a in call if a.indices[0] >= 128]
    assert len(risky) > 2, "what failed hard before is played stretch by stretch"


@given(start=st.integers(0, 130), first=st.integers(1, 90), more=st.integers(0, 90))
@settings(max_examples=30, deadline=None)
def test_an_episode_does_not_depend_on_how_many_seeds_were_asked_for_after_it(start, first, more):
    short, long = filled("slow a"), filled("slow a")
    play(short, Players(), field(range(start, start + first)), range(1), 2)
    play(long, Players(), field(range(start, start + first + more)), range(1), 3)
    assert long.rows[0][:first] == short.rows[0]


@pytest.mark.parametrize("workers", [1, 5])
def test_it_stops_at_the_end_of_a_stretch_whatever_the_batches_are(workers):
    log = filled("a", REFUSED, "b")
    asked: list[int] = []

    def enough(done: int) -> bool:
        asked.append(done)
        assert {len(row) for row in (log.rows[0], log.rows[2])} == {done}
        return done >= 98

    assert play(log, Players(), field(range(30, 1000)), range(3), workers, enough=enough)
    ends = [STRETCH - 30, 2 * STRETCH - 30]
    assert asked == ends
    assert [len(row) for row in log.rows] == [ends[-1], 0, ends[-1]]


def test_a_sweep_that_is_stopped_anywhere_goes_on_to_the_same_files(tmp_path):
    seeds = range(150)

    def run(path, dies: list[int | None]):
        for number, calls in enumerate(dies):
            if number == 0:
                log = SweepLog.create(path, header(seeds), header(seeds))
                for program in programs("a", "slow b", REFUSED, "c"):
                    log.add(program)
            else:
                log, _ = SweepLog.reopen(path)
            with log:
                try:
                    play(log, Players(dies=calls), field(seeds), range(4), 1 + number % 3)
                    log.finish(header(seeds))
                except KeyboardInterrupt:
                    assert calls is not None

    run(tmp_path / "whole", [None])
    run(tmp_path / "stopped", [1, 0, 2, 1, None])
    for name in (PROGRAMS, EPISODES):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    sweeps = [read_sweep(tmp_path / name) for name in ("whole", "stopped")]
    assert sweeps[0] == sweeps[1]
    assert sweeps[0].finished


@given(cut=st.integers(0, 20_000), cut_programs=st.integers(0, 1200))
@settings(max_examples=40, deadline=None)
def test_files_that_were_torn_at_any_byte_each_go_on_to_the_same_sweep(cut, cut_programs, tmp_path_factory):
    seeds, root = range(70), tmp_path_factory.mktemp("torn")
    given_ = programs("a", "slow b", REFUSED, "c")
    with SweepLog.create(root / "a", header(seeds), header(seeds)) as log:
        for program in given_:
            log.add(program)
        play(log, Players(), field(seeds), range(4), 2)
    before = read_sweep(root / "a")
    whole = (root / "a" / EPISODES).read_bytes()
    (root / "a" / EPISODES).write_bytes(whole[:cut])
    kept = (root / "a" / PROGRAMS).read_bytes()
    (root / "a" / PROGRAMS).write_bytes(kept[:cut_programs])
    read_sweep(root / "a")
    log, _ = SweepLog.reopen(root / "a")
    with log:
        for program in given_[len(log.programs) :]:
            log.add(program)
        play(log, Players(), field(seeds), range(4), 1)
    assert (root / "a" / EPISODES).read_bytes() == whole
    assert read_sweep(root / "a") == before


def test_programs_are_on_the_disk_before_any_of_their_episodes(tmp_path, monkeypatch):
    seeds, done = range(70), []

    def synced(path):
        done.append((path.name, len(read_lines(path).records) if path.is_file() else None))

    monkeypatch.setattr(sweep_log, "sync", synced)
    with SweepLog.create(tmp_path / "s", header(seeds), header(seeds)) as log:
        for program in programs("a", REFUSED, "c"):
            log.add(program)
        (tmp_path / "s" / "responses.jsonl").write_text("{}\n")

        class Looking(Players):
            def play(self, assignments, progress=None):
                assert {(PROGRAMS, 3), ("responses.jsonl", 1)} <= set(done), "the first batch plays what may be lost"
                return super().play(assignments)

        play(log, Looking(), field(seeds), range(3), 2)
        names = [name for name, _ in done]
        first = names.index(EPISODES)
        assert PROGRAMS in names[:first]
        assert (PROGRAMS, 6) in done, "a hash, or a refusal, was not synced"
        assert done[-1] == (EPISODES, 140)
        calls = [name for name in names if name == EPISODES]
        assert 1 < len(calls) < 20, "episodes are synced once a batch"


def test_a_program_that_is_refused_only_later_loses_what_is_left():
    class Fickle(Players):
        def _card(self, assignment):
            return super()._card(assignment if assignment.indices[0] < 4 else assignment_of(REFUSED, assignment))

    log = filled("a")
    play(log, Fickle(), field(range(16)), range(1), 1)
    outcomes = [e.outcome for e in log.rows[0]]
    assert outcomes == [*expected("a", range(4)), *[Outcome.SYNTAX_ERROR] * 12]
    assert log.programs[0].outcome is None


def assignment_of(source: str, like: Assignment) -> Assignment:
    return Assignment(source, like.indices, like.seeds)


# the log


def test_a_directory_that_is_taken_is_refused(tmp_path):
    path = tmp_path / "s"
    with SweepLog.create(path, header(range(3)), header(range(3))):
        with pytest.raises(RunError, match="already holds a sweep; go on with --resume"):
            SweepLog.create(path, header(range(3)), header(range(3)))
        with pytest.raises(RunError, match=r"process \d+ works in this sweep"):
            SweepLog.reopen(path)
    SweepLog.reopen(path)[0].close()
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("")
    with pytest.raises(RunError, match=r"not empty \(mine.txt stands there\)"):
        SweepLog.check_free(tmp_path / "x")
    with pytest.raises(RunError, match="is no folder"):
        SweepLog.check_free(tmp_path / "x" / "mine.txt")


def test_what_was_measured_nothing_of_can_be_discarded(tmp_path):
    log = SweepLog.create(tmp_path / "sweeps" / "s", header(range(3)), header(range(3)))
    log.add(programs("a")[0])
    log.discard()
    assert list(tmp_path.iterdir()) == []


def test_what_was_measured_is_not_discarded(tmp_path):
    log = SweepLog.create(tmp_path / "s", header(range(3)), header(range(3)))
    log.add(programs("a")[0])
    play(log, Players(), field(range(3)), range(1), 1)
    log.discard()
    assert len(read_sweep(tmp_path / "s").episodes[0]) == 3


def test_facts_that_are_known_are_not_written_again(tmp_path):
    with SweepLog.create(tmp_path / "s", header(range(3)), header(range(3))) as log:
        log.add(programs("a")[0])
        log.amend(0, program_hash="1234")
        log.amend(0, program_hash="1234")
        log.amend(0, rewards={"success": 0.5})
    lines = read_lines(tmp_path / "s" / PROGRAMS).records
    assert lines[1:] == [{"index": 0, "program_hash": "1234"}, {"index": 0, "rewards": {"success": 0.5}}]
    program = read_sweep(tmp_path / "s").programs[0]
    assert (program.program_hash, program.rewards) == ("1234", {"success": 0.5})


def test_the_status_says_how_it_stands(tmp_path):
    log = SweepLog.create(tmp_path / "s", header(range(3)), header(range(3)))
    log.add(programs("a")[0])
    play(log, Players(), field(range(3)), range(1), 1)
    log.write_status("interrupted", "stopped by its user")
    status = msgspec.json.decode((tmp_path / "s" / STATUS).read_bytes())
    assert (status["state"], status["step"], status["reason"]) == ("interrupted", 3, "stopped by its user")
    assert not read_sweep(tmp_path / "s").finished
    log.finish(header(range(3)))
    assert read_sweep(tmp_path / "s").finished
    log.close()
