"""Answers in a sweep and its report: judged, kept, counted by nearness, and shown safely."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import pytest
from rich.console import Console

from envrl.envs.math.answer_task import task_math_answer
from envrl.evaluation.answers import TIERS, Text, examine, mean_rewards
from envrl.evaluation.clustered import clustered_difference, clustered_rate
from envrl.evaluation.comparison import compare, contenders_of
from envrl.evaluation.headline import headline
from envrl.evaluation.measure import measure_answers, wins
from envrl.evaluation.report.build import build_sweep_report, build_training_report
from envrl.evaluation.report.html import render_html
from envrl.evaluation.report.markdown import render_markdown
from envrl.evaluation.report.record import SweepReport
from envrl.evaluation.report.terminal import render_terminal
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import Sweep, SweepProgram, read_sweep
from envrl.outcomes import Outcome
from envrl.rewards.answers import AnswerScorer, find_answer_preset
from envrl.seeding import block_salt

from .test_report_build import header

TASK = task_math_answer(family="gcd", level=3)  # numbers so large that 4 % are no whole step
SCORER = AnswerScorer(
    TASK, find_answer_preset("envrl-answer"), "test", block_salt("test", TASK.id, TASK.version), "chat"
)
HOSTILE = "<script>alert(1)</script>\x1b[31m[bold]<answer>oops</answer>"
WRITTEN = {  # by tier, what answers so
    "exact": "<answer>{}</answer>",
    "stripped": "<answer> ${}.00 </answer>",
    "within_10": "<answer>{near}</answer>",
    "within_20": "<answer>{far}</answer>",
    "wrong": "<answer>-{}</answer>",
    "unparsable": HOSTILE,
    "missing": "I do not know.",
}


def answer(tier: str, index: int) -> str:
    truth = SCORER.problem(index).truth
    if "{" not in WRITTEN[tier]:
        return WRITTEN[tier]
    return WRITTEN[tier].format(truth, near=f"{int(truth)}.04", far=f"{int(truth) * 23}/20")


def measured(*passes: list[str], label: str = "after"):
    """What a model has answered: a tier a question, in every pass."""

    def write(number: int, prompt: str) -> list[Text]:
        assert prompt == SCORER.ask(number)
        return [Text(answer(row[number], number), tokens=9 + number, clipped=number == 0) for row in passes]

    return measure_answers(label, "m", (TASK.id, TASK.version), write, SCORER, "test", f"0:{len(passes[0])}")


def sweep_of(*passes: list[str]) -> Sweep:
    told = {"task": TASK.id, "task_version": TASK.version, "options": TASK.options, "seeds": f"0:{len(passes[0])}"}
    return Sweep.of_measurement(measured(*passes), header(**told))


EVERY = [tier.value for tier in TIERS]


def test_every_tier_is_met_and_told():
    sweep = sweep_of(EVERY)
    assert [episode.detail for episode in sweep.episodes[0]] == EVERY
    assert [episode.outcome for episode in sweep.episodes[0]] == [
        Outcome.SUCCESS, Outcome.SUCCESS, *[Outcome.FAILURE] * 3, Outcome.INVALID_ACTION, Outcome.NO_CODE,
    ]  # fmt: skip
    report = build_sweep_report(sweep, task=TASK, place="x", lock_hash="y")
    [side] = report.sides
    assert side.answers is not None
    assert side.answers.shares == {tier: pytest.approx(1 / 7) for tier in EVERY}
    estimates = {name: rate.estimate for name, rate in side.answers.rates.items()}
    assert estimates == {name: pytest.approx(count / 7) for name, count in
                         {"exact": 1, "right": 2, "within_10": 3, "within_20": 4}.items()}  # fmt: skip
    assert side.success.estimate == estimates["right"]
    assert (side.length_unit, side.clipped) == ("tokens", pytest.approx(1 / 7))
    assert side.exploits is None
    assert report.gallery[0].title == "An answer that is exact"
    assert len(report.gallery) == 7
    assert msgspec.json.decode(msgspec.json.encode(report), type=SweepReport) == report


def test_the_rate_has_the_interval_of_clusters():
    sweep = sweep_of(["exact", "exact", "wrong", "exact"], ["exact", "wrong", "wrong", "missing"])
    found = headline(sweep)
    assert found.method == "questions"
    assert found.interval == clustered_rate(np.array([[1, 1, 0, 1], [1, 0, 0, 0]], dtype=float))
    assert [p.rewards for p in sweep.programs] == [mean_rewards(row) for row in sweep.answers]


def test_before_and_after_pair_the_questions():
    before, after = sweep_of(["wrong"] * 6, ["exact"] + ["wrong"] * 5), sweep_of(["exact"] * 6, ["exact"] * 6)
    frame = build_sweep_report(after, task=TASK, place="x", lock_hash="y")
    report = build_training_report([before, after], frame, task=TASK)
    wanted = clustered_difference(before.wins(), after.wins())
    assert (report.difference.low, report.difference.p_value) == (wanted.interval.low, wanted.p_value)
    assert {card.title for card in report.gallery} == {"An answer that is exact, after training"}
    assert "The difference pairs the questions." in render_markdown(report)


def test_what_a_model_wrote_is_safe_in_every_form_of_the_report():
    report = build_sweep_report(sweep_of(EVERY, EVERY), task=TASK, place="x", lock_hash="y")
    page, document, screen = render_html(report), render_markdown(report), io.StringIO()
    Console(file=screen, width=120).print(render_terminal(report))
    for text in (page, document, screen.getvalue()):
        assert "right or within 20 %" in text
        assert "missing: no answer between the marks" in text
        assert "cheat" not in text
        assert "\x1b[31m" not in text
    assert "<script>alert(1)" not in page
    assert "[bold]" in screen.getvalue()
    assert "How near answers come" in page


def test_completions_that_hold_no_answer_are_warned_of():
    report = build_sweep_report(sweep_of(["missing"] * 3 + ["exact"]), task=TASK, place="x", lock_hash="y")
    assert any("75% of the completions hold no answer between the marks" in warning for warning in report.warnings)


def test_a_log_keeps_answers_with_their_episodes(tmp_path):
    told = header(task=TASK.id, seeds="0:7", answers=True)
    with SweepLog.create(tmp_path / "s", told, told) as log:
        log.add(SweepProgram(index=0, label="#0", completion=None, source=None))
        for index, tier in enumerate(EVERY):
            [found] = examine(SCORER, index, [Text(answer(tier, index))])
            log.record(0, found.episode, found.answer)
        sweep = log.finish(told)
    assert read_sweep(tmp_path / "s") == sweep
    assert [len(row) for row in sweep.answers] == [7]
    assert sweep.answers[0][5].completion == HOSTILE
    log, again = SweepLog.reopen(tmp_path / "s")
    with log:
        assert [tuple(row) for row in log.answers] == list(again.answers)


def test_wins_of_a_measurement_are_right_answers():
    assert wins(measured(EVERY, ["exact"] * 7)).tolist() == [[1, 1, 0, 0, 0, 0, 0], [1] * 7]


def test_models_that_answer_are_compared_by_their_questions():
    first, second = sweep_of(["wrong"] * 6, ["wrong"] * 6), sweep_of(["exact"] * 6, ["exact"] * 6)
    contenders = [one for name, sweep in (("a", first), ("b", second)) for one in contenders_of(name, sweep)]
    found = compare(contenders)
    assert [pair.method for pair in found.pairs] == ["paired questions"]
    assert found.pairs[0].difference.low == clustered_difference(first.wins(), second.wins()).interval.low
    assert [row.method for row in found.contenders] == ["questions", "questions"]
