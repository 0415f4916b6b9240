"""From a sweep to the record: figures counted by hand, reference strategies, and the programs to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.envs import Task, find_task
from envrl.errors import SandboxError
from envrl.evaluation.report.beside import beside, gap
from envrl.evaluation.report.build import build_sweep_report, build_training_report
from envrl.evaluation.report.distributions import distributions
from envrl.evaluation.report.gallery import gallery, ranked, table
from envrl.evaluation.report.record import Constants, ProgramCard, Rate, Replay, SweepReport
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.report.svg import Plot, ticks
from envrl.evaluation.sweeps import Sweep, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode

TASK = find_task("2048")
WON, LOST = Outcome.SUCCESS, Outcome.FAILURE


def header(**changed: Any) -> SweepHeader:
    given = {
        "kind": "model",
        "subject": "tiny",
        "task": TASK.id,
        "task_version": TASK.version,
        "options": TASK.options,
        "environment": {"id": TASK.id},
        "success": TASK.success,
        "toolkit": "full",
        "contract": "tiny",
        "prompt_sha256": None,
        "block": "test",
        "seeds": "0:4",
        "limits": msgspec.to_builtins(TASK.limits),
        "layers": ("seccomp",),
        "sampling": {},
        "versions": {},
        "command": "envrl eval",
        "created": "2026-01-01T00:00:00+00:00",
    }
    return msgspec.convert(given | changed, SweepHeader)


def sweep(*rows: list[Outcome] | Outcome, finished: bool = True, **changed: Any) -> Sweep:
    """A program a row: the outcomes of its episodes, or how it failed before any."""
    programs, episodes = [], []
    for index, row in enumerate(rows):
        refused = row if isinstance(row, Outcome) else None
        programs.append(
            SweepProgram(
                index=index,
                label=f"#{index}",
                completion=f"text {index}",
                source=None if refused is Outcome.NO_CODE else f"source {index}",
                outcome=refused,
                detail="line 3: import of 'os'" if refused is Outcome.VIOLATION else "",
                program_hash=None if refused else "same" if index < 2 else f"{index}",
                tokens=10 * index,
            )
        )
        episodes.append(
            tuple(
                Episode(
                    index=place,
                    outcome=outcome,
                    steps=10,
                    score=100.0 * (outcome is WON) + index,
                    progress=float(outcome is WON),
                    metrics={"max_tile": 512.0 if outcome is WON else 256.0},
                    detail="made a system call" if outcome is Outcome.VIOLATION else "",
                    cpu=0.001,
                )
                for place, outcome in enumerate(row if isinstance(row, list) else [])
            )
        )
    return Sweep(header(**changed), tuple(programs), tuple(episodes), finished)


MIXED = sweep(
    [WON, WON, WON, LOST],
    [WON, LOST, LOST, LOST],
    [LOST, Outcome.VIOLATION, WON, Outcome.INFRASTRUCTURE_ERROR],
    Outcome.VIOLATION,
    Outcome.NO_CODE,
)


class Again:
    """Stands for the sandbox: remembers what it was asked to play."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self._error = error

    def replay(self, task: Task, header: SweepHeader, source: str, episode: Episode) -> Replay:
        if self._error:
            raise self._error
        self.asked.append((source, episode.index))
        return Replay(seed=episode.index, block=header.block, outcome="success", steps=1, score=1.0, exact=True)

    def constants(self, task: Task, sweep: Sweep) -> Constants | None:
        if self._error:
            raise self._error
        return Constants(constant=1, told=3, how="by looking")


# -- figures ----------------------------------------------------------------------------------------------------------


def test_what_is_missing_stands_apart_and_bounds_the_rate() -> None:
    side = summarize(MIXED, "after")
    assert side.success.estimate == pytest.approx(5 / 19)
    assert (side.missing, side.infrastructure_errors) == (1, 1)
    assert (side.if_lost, side.if_won) == pytest.approx((5 / 20, 6 / 20))
    assert side.success_by_program == pytest.approx((0.75, 0.25, 1 / 3, 0.0, 0.0))
    assert side.success_by_seed == pytest.approx((0.4, 0.2, 0.4, 0.0))


def test_shares_of_outcomes_are_of_all_episodes_that_were_measured() -> None:
    side = summarize(MIXED, "after")
    assert side.outcome_shares == pytest.approx(
        {"failure": 5 / 19, "no_code": 4 / 19, "success": 5 / 19, "violation": 5 / 19}
    )
    assert side.completion_outcomes == {"no_code": 1, "violation": 1}
    assert sum(side.outcome_shares.values()) == pytest.approx(1.0)


def test_programs_are_told_apart_by_their_trees() -> None:
    side = summarize(MIXED, "after")
    assert (side.samples, side.distinct_programs, side.largest_share) == (5, 4, 0.4)


def test_cheats_are_counted_by_kind() -> None:
    found = summarize(MIXED, "after").exploits
    assert found is not None
    assert (found.programs, found.refused, found.episodes, found.won, found.crashes) == (2, 1, 1, 1, 0)
    assert {(kind.reason, kind.programs, kind.episodes) for kind in found.kinds} == {
        ("import of 'os'", 1, 0),
        ("made a system call", 1, 1),
    }


def test_pass_at_k_is_told_of_sampled_programs_only() -> None:
    assert [point.k for point in summarize(MIXED, "x").pass_at] == [1, 2]
    assert summarize(MIXED, "x").pass_at[0].rate.estimate == pytest.approx(np.mean([2 / 5, 1 / 5, 2 / 5, 0.0]))
    assert summarize(sweep([WON, LOST], kind="strategies", seeds="0:2"), "x").pass_at == ()


def test_length_is_in_tokens_where_they_were_counted() -> None:
    side = summarize(MIXED, "x")
    assert (side.length_unit, side.length and side.length.largest) == ("tokens", 40.0)
    bare = replace(MIXED, programs=tuple(msgspec.structs.replace(p, tokens=None) for p in MIXED.programs))
    assert summarize(bare, "x").length_unit == "letters"
    assert side.latency is None


def test_one_program_has_the_interval_of_one_program() -> None:
    assert "Wilson" in summarize(sweep([WON, LOST, WON, WON]), "x").interval
    looked = summarize(sweep([WON, LOST, WON, WON], until_width=0.1), "x")
    assert "confidence sequence" in looked.interval
    assert looked.success.high - looked.success.low > 0.5


def test_the_same_sweep_gives_the_same_figures() -> None:
    assert summarize(MIXED, "x") == summarize(MIXED, "x")


@pytest.mark.parametrize("rows", [[], [Outcome.NO_CODE], [[Outcome.INFRASTRUCTURE_ERROR] * 4]])
def test_a_sweep_without_a_result_has_a_report(rows: list[Any]) -> None:
    report = build_sweep_report(sweep(*rows), task=TASK, place="x", lock_hash="y", rerun=Again())
    assert msgspec.json.decode(msgspec.json.encode(report), type=SweepReport) == report


# -- distributions ----------------------------------------------------------------------------------------------------


def test_few_values_have_a_bin_each_and_sides_share_them() -> None:
    other = sweep([LOST, LOST, LOST, LOST])
    tiles = next(figure for figure in distributions([other, MIXED]) if figure.name == "max_tile")
    assert [(bin.low, bin.high, bin.counts) for bin in tiles.bins] == [(256.0, 256.0, (4, 6)), (512.0, 512.0, (0, 5))]


def test_what_is_the_same_for_all_is_not_drawn() -> None:
    assert distributions([sweep([LOST] * 4)]) == ()


def test_a_figure_that_is_the_score_again_is_left_out() -> None:
    made = sweep([WON, LOST, LOST, WON])
    row = tuple(msgspec.structs.replace(e, metrics={"return": e.score}) for e in made.episodes[0])
    assert [figure.name for figure in distributions([replace(made, episodes=(row,))])] == ["score"]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60))
def test_every_score_lies_in_a_bin(scores: list[float]) -> None:
    made = sweep([LOST] * len(scores), seeds=f"0:{len(scores)}")
    row = tuple(msgspec.structs.replace(e, score=s) for e, s in zip(made.episodes[0], scores, strict=True))
    for figure in distributions([replace(made, episodes=(row,))]):
        assert sum(bin.counts[0] for bin in figure.bins) == len(scores)
        assert all(a.high <= b.low or a.high == b.low for a, b in zip(figure.bins, figure.bins[1:], strict=False))


# -- reference strategies ---------------------------------------------------------------------------------------------


def test_reference_strategies_stand_beside_what_fits() -> None:
    found = beside(header(), Rate(estimate=0.5, low=0.45, high=0.55), TASK)
    verdicts = {row.name: row.verdict for row in found.rows}
    assert verdicts["random"] == verdicts["greedy"] == "beaten"
    assert verdicts["expectimax"] == verdicts["one_ply"] == "better"
    unsure = beside(header(), Rate(estimate=0.06, low=0.02, high=0.15), TASK)
    assert {row.name: row.verdict for row in unsure.rows}["greedy"] == "not told apart"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"options": TASK.options | {"target": 256}}, "target 512 where this has 256"),
        ({"options": TASK.options | {"toolkit": "none"}}, "toolkit full where this has none"),
        ({"task_version": TASK.version + 1}, f"version {TASK.version + 1}"),
        ({"block": "final"}, "block “test”, this on “final”"),
    ],
)
def test_what_does_not_fit_is_not_shown_and_said(changed: dict[str, Any], told: str) -> None:
    found = beside(header(**changed), Rate(estimate=0.5, low=0.4, high=0.6), TASK)
    assert found.rows == ()
    assert told in found.note


def test_other_limits_are_pointed_out() -> None:
    limits = msgspec.to_builtins(TASK.limits) | {"call_cpu": 9.0}
    assert "limits" in beside(header(limits=limits), Rate(estimate=0.5, low=0.4, high=0.6), TASK).note


def test_an_environment_without_reference_strategies_says_so() -> None:
    task = find_task("FrozenLake-v1")
    found = beside(header(task=task.id, options=task.options), Rate(estimate=0.5, low=0.4, high=0.6), task)
    assert found.rows == ()
    assert "no reference strategies" in found.note


def test_the_gap_of_two_rates_agrees_with_a_published_example() -> None:
    # R. G. Newcombe (1998), table II: 56/70 against 48/80, Wilson intervals, without continuity correction.
    from envrl.evaluation.statistics import wilson

    found = gap(Rate.of(wilson(56, 70)), Rate.of(wilson(48, 80)))
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


# -- programs to look at ----------------------------------------------------------------------------------------------


def test_programs_are_ranked_by_wins() -> None:
    assert ranked(MIXED) == [0, 2, 1, 3, 4]


def test_best_middle_and_worst_are_shown_with_an_episode_from_the_middle() -> None:
    again = Again()
    best, middle, worst = gallery(MIXED, TASK, again)
    assert [best.source, middle.source, worst.source] == ["source 0", "source 1", "text 4"]
    assert "flatters" in best.note
    assert "no program" in worst.note
    assert worst.replay is None
    assert worst.no_replay
    assert again.asked == [("source 0", 1), ("source 1", 3)]


def test_an_episode_that_ended_hard_is_not_shown() -> None:
    again = Again()
    (card,) = gallery(sweep([Outcome.TIMEOUT, Outcome.SKIPPED, Outcome.CRASH, Outcome.MEMORY]), TASK, again)
    assert again.asked == []
    assert "None of its episodes" in card.no_replay


def test_without_a_sandbox_the_report_says_so_and_goes_on() -> None:
    broken = Again(SandboxError("no seccomp here"))
    report = build_sweep_report(MIXED, task=TASK, place="x", lock_hash="y", rerun=broken)
    assert "no seccomp here" in report.gallery[0].no_replay
    assert any("no seccomp here" in warning for warning in report.warnings)


def test_strategies_have_a_row_each_with_their_own_interval() -> None:
    made = sweep([WON, WON, LOST, LOST], Outcome.SYNTAX_ERROR, [WON] * 4, kind="strategies")
    rows = table(made)
    assert [row.label for row in rows] == ["#2", "#0", "#1"]
    assert rows[1].success.estimate == 0.5
    assert (rows[2].outcome, rows[2].outcome_shares) == ("syntax_error", {"syntax_error": 1.0})
    assert rows[1].outcome_shares == {"failure": 0.5, "success": 0.5}
    report = build_sweep_report(made, task=TASK, place="x", lock_hash="y")
    assert report.rows == rows
    assert report.baselines.subject == "#2"
    assert "picked by the same seeds" in report.baselines.note


# -- the whole --------------------------------------------------------------------------------------------------------


def test_a_sweep_that_goes_on_is_marked() -> None:
    made = sweep([WON, LOST], [WON], finished=False)
    report = build_sweep_report(made, task=TASK, place="x", lock_hash="y")
    assert "5 episodes of 2 programs × 4 seeds are left" in report.partial
    assert report.sides[0].missing == 5


def test_without_the_environment_there_is_a_report_that_says_so() -> None:
    report = build_sweep_report(MIXED, task=None, place="x", lock_hash="y", rerun=Again(), note="my.py is gone")
    assert "my.py is gone" in report.warnings
    assert report.baselines.note == "my.py is gone"
    assert report.sides[0].samples == 5


def test_wins_by_a_program_that_cheats_elsewhere_are_a_warning() -> None:
    report = build_sweep_report(MIXED, task=TASK, place="x", lock_hash="y")
    assert any("won by programs that tried something forbidden" in warning for warning in report.warnings)
    assert any("could not be measured" in warning for warning in report.warnings)


def _frame() -> SweepReport:
    report = build_sweep_report(MIXED, task=TASK, place="x", lock_hash="y")
    return msgspec.structs.replace(report, kind="training", sides=(), gallery=(), warnings=())


def test_a_run_has_two_sides_a_difference_and_the_best_program_first() -> None:
    before, after = sweep([LOST] * 4, [LOST] * 4), sweep([WON, WON, LOST, WON], [WON] * 4)
    best = ProgramCard(title="the best", source="source 1", chosen=Rate(estimate=1.0, low=0.9, high=1.0))
    again = Again()
    report = build_training_report([before, after], _frame(), task=TASK, best=best, rerun=again)
    assert [side.label for side in report.sides] == ["before", "after"]
    assert report.difference is not None
    assert report.difference.estimate == pytest.approx(7 / 8)
    assert report.gallery[0].chosen == best.chosen
    assert report.gallery[0].replay is not None
    assert len(report.gallery) == 4


def test_a_run_without_an_after_has_one_side_and_no_difference() -> None:
    report = build_training_report([MIXED], _frame(), task=TASK)
    assert len(report.sides) == 1
    assert report.difference is None
    assert build_training_report([], _frame(), task=TASK).sides == ()


def test_too_few_programs_have_no_difference() -> None:
    report = build_training_report([sweep([LOST] * 4), sweep([WON] * 4)], _frame(), task=TASK)
    assert report.difference is None


# -- pictures ---------------------------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 24))
def test_ticks_are_round_few_and_inside(low: float, span: float, most: int) -> None:
    found = ticks(low, low + span, most)
    assert len(found) <= most + 1
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in found)
    assert found == sorted(set(found))


def test_a_line_breaks_where_there_is_no_value() -> None:
    plot = Plot((0.0, 4.0), (0.0, 1.0))
    plot.line([(0, 0.0), (1, 1.0), (2, None), (3, 0.5), (4, 0.5)], "curve")
    (path,) = [part for part in plot.markup("t", "a").split("<") if part.startswith("path")]
    assert path.count("M") == 2
    assert path.count("L") == 2
