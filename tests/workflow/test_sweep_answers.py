"""``envrl eval`` of an answer task: files of completions, models and servers; a stop in the middle; what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.envs import find_task
from envrl.errors import ConfigError, RunError
from envrl.evaluation.sweeps import EPISODES, read_sweep
from envrl.models import model_path
from envrl.outcomes import Outcome
from envrl.runs import read_lines
from envrl.seeding import block_salt
from envrl.workflow.eval_request import EvalRequest, Sampling, Served
from envrl.workflow.sweep import RunnerChoice, evaluate, resume

from ..serving import Answer, Request, Server, completion
from .conftest import Collected

AGES = {"id": "math-answer", "options": {"family": "ages"}}
TASK = find_task("math-answer", AGES["options"])


def problem(index: int):
    return TASK.problem("test", block_salt("test", TASK.id, TASK.version), index)


def lines(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def judged(completions: str, **changes):
    request = EvalRequest(**{"environment": AGES, "completions": completions, **changes})
    return evaluate(request, Collected(), None).sweep


def tiers(sweep):
    return [[episode.detail for episode in row] for row in sweep.episodes]


def test_completions_answer_the_tasks_own_questions(tmp_path):
    rows = [{"seed": index, "completion": f"<answer>{problem(index).truth}</answer>"} for index in (6, 5)]
    rows += [{"seed": 5, "completion": "none"}, {"seed": 6, "completion": "<answer>-1</answer>"}]
    sweep = judged(lines(tmp_path / "a.jsonl", *rows))
    assert sweep.header.seeds == "5:7"
    assert sweep.header.answers
    assert tiers(sweep) == [["exact", "exact"], ["missing", "wrong"]]
    assert [answer.question for answer in sweep.answers[0]] == [problem(5).question, problem(6).question]
    assert (sweep.header.layers, sweep.header.options) == ((), TASK.options)


@pytest.mark.parametrize("seeds", ["6:7", "0:7", "5:8"])
def test_answers_are_judged_by_their_own_questions_alone(tmp_path, seeds):
    rows = [{"seed": index, "completion": f"<answer>{problem(index).truth}</answer>"} for index in (5, 6)]
    with pytest.raises(ConfigError, match=rf"--seeds {seeds}: .*a.jsonl answers questions 5:7; leave --seeds out"):
        judged(lines(tmp_path / "a.jsonl", *rows), seeds=seeds)


def test_completions_may_bring_their_own_questions(tmp_path):
    rows = [
        {"completion": "<answer>1,000</answer>", "truth": 1000, "question": "How many?"},
        {"completion": "<answer>7</answer>", "truth": "7"},
        {"completion": "#### 1100", "truth": 1000, "question": "How many?"},
        {"completion": "no", "truth": "7"},
    ]
    with pytest.raises(RunError, match="question 1 has 1 answers, where question 0 has 2"):
        judged(lines(tmp_path / "a.jsonl", *rows))
    path = lines(tmp_path / "b.jsonl", *rows[:2])
    sweep = judged(path)
    assert tiers(sweep) == [["stripped", "exact"]]
    assert sweep.header.options["questions"] == path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"completion": "1"}], r'a.jsonl:1: no right answer: write it as a text or a number under "truth"'),
        ([{"completion": "1", "truth": True}], r"a.jsonl:1: no right answer.*is True"),
        ([{"completion": "1", "seed": 0}, {"completion": "1"}], r'a.jsonl:2: no question: "seed" is None'),
        ([{"completion": "1", "seed": -1}], r'a.jsonl:1: no question: "seed" is -1'),
        ([{"completion": "1", "seed": 0}, {"completion": "1", "seed": 2}], r"question 1 has 0 answers"),
        (
            [{"completion": "1", "truth": 1, "question": "?"}, {"completion": "1", "truth": 2, "question": "?"}],
            r"a.jsonl:2: the question of .*a.jsonl:1 again, with another truth \(2 where that has 1\)",
        ),
    ],
)
def test_lines_that_name_no_question_are_errors(tmp_path, rows, said):
    with pytest.raises(RunError, match=said):
        judged(lines(tmp_path / "a.jsonl", *rows))


def test_the_command_prints_and_keeps_how_near_answers_came(tmp_path):
    path = lines(tmp_path / "a.jsonl", {"completion": "<answer>7.5</answer>", "truth": 7, "question": "What is 3 + 4?"})
    output = tmp_path / "sweep"
    shown = CliRunner().invoke(
        cli,
        ["eval", "--env", "math-answer", "--completions", path, "--output", str(output), "--json", str(tmp_path / "j")],
    )
    assert shown.exit_code == 0, shown.output
    assert "right or within 10 %" in shown.output
    assert "What is 3 + 4?" in shown.output
    record = json.loads((tmp_path / "j").read_bytes())
    assert record["sides"][0]["answers"]["shares"]["within_10"] == 1.0
    assert record["task"] == "envrl/math-answer-v0"  # no family was asked
    assert "math answers" not in (output / "report.md").read_text()
    assert "How near answers come" in (output / "report.html").read_text()
    assert CliRunner().invoke(cli, ["report", str(output)]).exit_code == 0


class Stop(Collected):
    """Breaks off once so much has been answered."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def advance(self, count: int = 1, **figures: object) -> None:
        super().advance(count, **figures)
        if self.phases[-1][0] == "answering" and self.done["answering"] >= self.after:
            raise KeyboardInterrupt


def sampled(**changes) -> EvalRequest:
    """A model that never heard of math: what it writes is still the same for the same seed."""
    small = Sampling(max_completion_length=6, seed=3)
    given = {"environment": AGES, "model": model_path("tiny"), "samples": 3, "seeds": "4", "sampling": small}
    return EvalRequest(**{**given, "contract": "tiny", **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "whole"
    watcher = Collected()
    return evaluate(sampled(), watcher, path).sweep, watcher, path


def test_a_model_answers_each_question_several_times(whole):
    sweep, watcher, path = whole
    assert [len(row) for row in sweep.answers] == [4, 4, 4]
    assert watcher.done["answering"] == 12
    assert read_sweep(path) == sweep
    assert sweep.header.sampling["samples"] == 3
    assert all(answer.tokens for row in sweep.answers for answer in row)
    assert [row[2].question for row in sweep.answers] == [problem(2).question] * 3


@pytest.mark.parametrize("after", [6])
def test_a_stopped_sweep_goes_on_to_the_same(whole, tmp_path, after):
    with pytest.raises(KeyboardInterrupt):
        evaluate(sampled(), Stop(after), tmp_path / "s")
    file = tmp_path / "s" / EPISODES
    assert len(read_lines(file).records) == after
    kept = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(kept[: after - 1]) + kept[-1][:40])  # a kill within a question, and within a line
    found = resume(tmp_path / "s", Collected()).sweep
    assert found.answers == whole[0].answers
    assert found.episodes == whole[0].episodes
    assert found.programs == whole[0].programs


def test_a_served_model_gets_each_question(tmp_path):
    asked: list[str] = []

    def model(request: Request) -> Answer:
        if request.path.endswith("/models"):
            return Answer(200, {"data": []})
        question = json.loads(request.body)["messages"][0]["content"]
        asked.append(question)
        place = next(index for index in range(3) if question.startswith(problem(index).question))
        return completion(f"<answer>{problem(place).truth if place else 'who knows'}</answer>")

    with Server(model) as server:
        served = Served(model_name="m", retries=0)
        request = EvalRequest(environment=AGES, model=server.url, served=served, samples=2, seeds="3")
        sweep = evaluate(request, Collected(), tmp_path / "s").sweep
    assert len(asked) == 6
    assert tiers(sweep) == [["unparsable", "exact", "exact"]] * 2
    assert sweep.header.usage["completions"] == 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": None, "strategies": ("a.py",), "contract": None, "samples": None, "sampling": Sampling()},
         "is an answer task, which no strategy plays"),
        ({"until_width": 0.1}, "--until-width goes with programs, and envrl/math-answer-v0 is an answer task"),
        ({"require": ("seccomp",)}, "--require goes with programs"),
        ({"environment": {"id": "math-answer", "options": {"family": "ages", "style": "x"}}}, "style of answers"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_for_answers_is_refused(changes, said):
    with pytest.raises(Exception, match=said):
        evaluate(sampled(**changes), Collected(), None)


def test_a_cluster_and_seeds_beyond_the_data_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="--runner ray plays programs"):
        evaluate(sampled(), Collected(), None, RunnerChoice(name="ray"))
    rows = [{"question": f"{n}?", "answer": f"#### {n}"} for n in range(40)]
    data = {"id": "math-answer", "options": {"data": lines(tmp_path / "d.jsonl", *rows)}}
    with pytest.raises(ConfigError, match=r"--seeds 0:40: block 'test' has \d questions"):
        evaluate(sampled(environment=data, seeds="40"), Collected(), None)


def test_a_missing_answer_is_no_refused_program(tmp_path):
    rows = [{"seed": index, "completion": "none"} for index in range(3)]
    sweep = judged(lines(tmp_path / "a.jsonl", *rows))
    assert sweep.programs[0].outcome is None
    assert {episode.outcome for episode in sweep.episodes[0]} == {Outcome.NO_CODE}
    assert sweep.wins().tolist() == [[0.0, 0.0, 0.0]]
