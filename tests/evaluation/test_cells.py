"""The matrix of a sweep in the middle of its way: refused programs weigh what the others do, and have no score."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.evaluation.cells import cells, has_score, settled
from envrl.evaluation.comparison import compare, contenders_of
from envrl.evaluation.headline import headline
from envrl.evaluation.report.gallery import ranked, table
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import Kind, Sweep, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode


def header(seeds: int, kind: Kind = "model") -> SweepHeader:
    return SweepHeader(
        kind=kind, subject="tiny", task="t", task_version=0, options={}, success="won", toolkit="full", contract="chat",
        prompt_sha256="0", block="test", seeds=f"0:{seeds}", limits={}, layers=(), sampling={}, versions={}, command="",
        created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def episodes(count: int, outcome: Outcome = Outcome.SUCCESS, score: float = 1.0, steps: int = 1) -> list[Episode]:
    return [Episode(index=i, outcome=outcome, score=score, progress=1.0, steps=steps) for i in range(count)]


def sweep(seeds: int, *rows: list[Episode] | None, kind: Kind = "model") -> Sweep:
    """Of programs; None is one without code."""
    programs = tuple(
        SweepProgram(
            index=i, label=f"#{i}", completion=f"{i}", source=None if row is None else f"{i}",
            outcome=Outcome.NO_CODE if row is None else None,
        )
        for i, row in enumerate(rows)
    )  # fmt: skip
    return Sweep(header(seeds, kind), programs, tuple(tuple(row or ()) for row in rows), finished=False)


def test_a_refused_program_weighs_what_the_others_do_while_a_sweep_goes_on() -> None:
    half = sweep(200, *[None, episodes(4)] * 32)
    assert headline(half).interval.estimate == 0.5
    log = SweepLog(None)
    log.programs, log.rows = list(half.programs), list(map(list, half.episodes))
    np.testing.assert_array_equal(log.wins(200), half.wins())
    told = summarize(half, "x")
    assert told.success.estimate == 0.5
    assert told.outcome_shares == {"no_code": 0.5, "success": 0.5}
    assert told.missing == 32 * 196  # that are still to be played: a refused program has nothing to play
    assert told.if_won == 0.5
    other = sweep(200, *[episodes(200)] * 4)
    rows = compare([*contenders_of("a", half), *contenders_of("b", other)]).contenders
    assert (rows[0].success.estimate, rows[0].highest, rows[0].missing) == (0.5, 0.5, 32 * 196)


def test_a_refused_program_s_turn_comes_in_the_order_of_the_programs() -> None:
    # The first stretch: one program is through, one has begun, and the last has not had its turn.
    partial = sweep(200, None, episodes(64), None, episodes(3), None, [], None)
    assert settled(partial.programs, partial.episodes, 200) == [64, 64, 64, 3, 3, 0, 0]
    assert headline(partial).interval.estimate == pytest.approx(67 / 198)


def test_where_no_program_can_be_played_all_is_lost_from_the_beginning() -> None:
    assert headline(sweep(20, None, None)).interval.estimate == 0.0
    assert settled(sweep(20, None, None).programs, [[], []], 20) == [20, 20]


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 9))
def test_at_the_end_of_a_sweep_a_refused_program_has_lost_every_seed(plays: list[bool], seeds: int) -> None:
    whole = sweep(seeds, *(episodes(seeds) if one else None for one in plays))
    expected = np.array([[float(one)] * seeds for one in plays])
    np.testing.assert_array_equal(whole.wins(), expected)
    np.testing.assert_array_equal(whole.certain_wins(), expected)


def test_a_game_without_a_move_has_no_score() -> None:
    for outcome, steps, known in (
        (Outcome.SUCCESS, 0, True), (Outcome.FAILURE, 0, True), (Outcome.EXCEPTION, 3, True),
        (Outcome.TIMEOUT, 1, True),
        (Outcome.EXCEPTION, 0, False), (Outcome.SKIPPED, 0, False), (Outcome.SYNTAX_ERROR, 0, False),
        (Outcome.INFRASTRUCTURE_ERROR, 0, False),
    ):  # fmt: skip
        assert has_score(Episode(index=0, outcome=outcome, steps=steps)) is known, (outcome, steps)
    one = sweep(2, episodes(2, Outcome.FAILURE, -500.0), None, episodes(2, Outcome.SKIPPED, 0.0, steps=0))
    np.testing.assert_array_equal(one.scores(), [[-500.0] * 2, [math.nan] * 2, [math.nan] * 2])
    told = summarize(one, "x")
    assert (told.mean_score, told.unscored) == (-500.0, 4)


def test_a_program_without_a_score_is_not_ranked_before_one_with_a_negative_one() -> None:
    idle = [Episode(index=0, outcome=Outcome.SKIPPED), Episode(index=1, outcome=Outcome.SKIPPED)]
    played = [Episode(index=i, outcome=Outcome.FAILURE, score=-500.0, steps=9) for i in range(2)]
    both = sweep(2, idle, played, None, kind="strategies")
    assert ranked(both) == [1, 0, 2]
    assert [row.mean_score for row in table(both)] == [-500.0, None, None]


def test_cells_at_the_end() -> None:
    one = sweep(4, None, episodes(1))
    found = cells(one.programs, one.episodes, 4, lambda episode: episode.score, refused=-1.0, at_its_end=True)
    np.testing.assert_array_equal(found, [[-1.0] * 4, [1.0, *[math.nan] * 3]])
