"""``envrl eval`` of a served model: against a real server that is slow, refuses, and is not paid twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.envs import find_task
from envrl.errors import ConfigError, EnvrlError, ModelError, RunError
from envrl.evaluation.sweeps import Sweep, read_sweep
from envrl.outcomes import Outcome
from envrl.runs import read_lines
from envrl.workflow.endpoint_subject import RESPONSES
from envrl.workflow.eval_request import EvalRequest, Sampling, Served
from envrl.workflow.sweep import RunnerChoice, evaluate, resume

from ..serving import Answer, Cut, Request, Server, completion
from .conftest import Collected

EASY = {"id": "2048", "options": {"target": 64, "horizon": 46}}
ONE = RunnerChoice(1)
COOL = Sampling(temperature=0.7, max_completion_length=99)
KEY = "sk-0123456789-very-secret"
PROGRAMS = [f"Here:\n```python\ndef strategy(board):\n    return legal(board)[{n}]\n```" for n in (0, -1)] + ["No."]


def model(request: Request) -> Answer:
    """A model that honours its seed."""
    seed = json.loads(request.body)["seed"]
    return completion(PROGRAMS[seed % 3], prompt=100, written=10 + seed % 3)


def listing(answer):
    """Answers the first look at the models, which every sweep takes; the rest as told."""
    return lambda request: Answer(200, {"data": []}) if request.path.endswith("/models") else answer(request)


def asked(server: Server) -> list[dict]:
    return [json.loads(request.body) for request in server.requests if request.path.endswith("/chat/completions")]


def request_of(server: Server, **changes: object) -> EvalRequest:
    served = Served(**{"model_name": "m", "retries": 0, **changes.pop("served", {})})
    return EvalRequest(
        **{"environment": EASY, "model": server.url, "served": served, "samples": 7, "seeds": "2", **changes}
    )


def texts(sweep: Sweep) -> list[str | None]:
    return [program.completion for program in sweep.programs]


def facts(sweep: Sweep) -> list[object]:
    """What does not depend on the clock."""
    programs = [(p.index, p.completion, p.source, p.outcome, p.tokens, p.clipped, p.rewards) for p in sweep.programs]
    return [programs, [[(e.index, e.outcome, e.steps, e.score) for e in row] for row in sweep.episodes]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep without any trouble."""
    path = tmp_path_factory.mktemp("sweeps") / "whole"
    with Server(listing(model)) as server:
        request = request_of(server, sampling=COOL, served={"price_in": 2, "price_out": 30})
        watcher = Collected()
        return evaluate(request, watcher, path, ONE).sweep, asked(server), path, watcher, server.url


def test_a_served_model_is_asked_and_played(whole):
    sweep, bodies, path, watcher, url = whole
    assert len(bodies) == 7
    prompt = find_task("2048", EASY["options"]).prompt("chat")
    for body in bodies:
        seed = body.pop("seed")
        assert 0 <= seed < 2**31
        assert body == {
            "model": "m", "messages": [{"role": "user", "content": prompt}], "temperature": 0.7, "top_p": 1.0,
            "max_tokens": 99,
        }  # fmt: skip
    assert sweep.header.kind == "endpoint"
    assert sweep.header.subject == f"m at {url}"
    assert sweep.header.sampling["temperature"] == 0.7
    assert sweep.header.sampling["samples"] == 7
    assert [len(row) for row in sweep.episodes] == [0 if p.outcome else 2 for p in sweep.programs]
    assert {p.outcome for p in sweep.programs} == {None, Outcome.NO_CODE}
    assert all(p.seconds is not None and p.tokens in (10, 11, 12) and p.clipped is False for p in sweep.programs)
    assert watcher.done["writing"] == 7
    assert read_sweep(path) == sweep


def test_tokens_and_cost_are_counted(whole):
    sweep = whole[0]
    written = sum(program.tokens for program in sweep.programs)
    assert sweep.header.usage == {
        "completions": 7, "requests": 7, "prompt_tokens": 700, "completion_tokens": written,
        "cost": pytest.approx((700 * 2 + written * 30) / 1e6),
    }  # fmt: skip


def test_a_completion_depends_on_its_number_alone(whole):
    for concurrency, samples in ((1, 7), (5, 3)):
        with Server(listing(model)) as server:
            request = request_of(server, samples=samples, served={"concurrency": concurrency})
            assert texts(evaluate(request, Collected(), None, ONE).sweep) == texts(whole[0])[:samples]


def test_a_server_that_counts_nothing_costs_nobody_knows_what(tmp_path):
    answer = Answer(200, {"choices": [{"message": {"content": PROGRAMS[0]}}]})
    with Server(listing(lambda request: answer)) as server:
        watcher = Collected()
        request = request_of(server, samples=2, served={"price_in": 1, "price_out": 1})
        sweep = evaluate(request, watcher, None, ONE).sweep
    assert sweep.header.usage == {"completions": 2, "requests": 2, "completions_without_count": 2}
    assert [(p.tokens, p.clipped) for p in sweep.programs] == [(None, None)] * 2
    assert any("does not sample" in said for said in watcher.said)


# trouble


def test_nothing_is_paid_twice_after_a_failure(tmp_path, whole):
    """One request fails for good: what was answered is kept, in whatever order it came."""
    failing = []

    def answer(request):
        if request.path.endswith("/models"):
            return Answer(200, {})
        if len(asked(server)) == 4 and not failing:
            failing.append(json.loads(request.body)["seed"])
            return Answer(400, {"error": {"message": "over\x1b[2Jloaded"}})
        return model(request)

    with Server(answer) as server:
        request = request_of(server, sampling=COOL, served={"concurrency": 2})
        with pytest.raises(ModelError, match="answers 400") as caught:
            evaluate(request, Collected(), tmp_path / "s", ONE)
        message = str(caught.value)
        assert "over\\x1b[2Jloaded" in message
        kept = read_lines(tmp_path / "s" / RESPONSES).records
        assert f"{len(kept)} completions are kept" in message
        assert f"envrl eval --resume {tmp_path / 's'}" in message
        assert 3 <= len(kept) <= 5
        sweep = resume(tmp_path / "s", Collected(), ONE).sweep
        seeds = [body["seed"] for body in asked(server)]
    assert facts(sweep) == facts(whole[0])
    assert len(seeds) == 8  # seven, and the one that failed
    assert {seed for seed in seeds if seeds.count(seed) > 1} == set(failing)
    assert sweep.header.usage["requests"] == 7


def test_nothing_is_paid_twice_after_a_kill(tmp_path, whole):
    def slow(request):
        time.sleep(0.15)
        return model(request)

    with Server(listing(slow)) as server:
        options = [
            "eval", "--env", "2048", "--set", "target=64", "--set", "horizon=46", "--model", server.url, "--model-name",
            "m", "--samples", "7", "--seeds", "2", "--concurrency", "2", "--temperature", "0.7", "--max-tokens", "99",
            "--api-key-env", "A_KEY", "--workers", "1", "--output", str(tmp_path / "s"),
        ]  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-c", "from envrl.cli.main import main; main()", *options],
            env={**os.environ, "A_KEY": KEY},
            cwd=tmp_path,
        ) as process:
            responses = tmp_path / "s" / RESPONSES
            deadline = time.monotonic() + 60
            while not (responses.exists() and responses.read_bytes().count(b"\n") >= 2):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.kill()
        kept = read_lines(responses).records
        with pytest.raises(ConfigError, match="--api-key-env"):
            resume(tmp_path / "s", Collected(), ONE)
        os.environ["A_KEY"] = KEY
        try:
            sweep = resume(tmp_path / "s", Collected(), ONE).sweep
        finally:
            del os.environ["A_KEY"]
        assert {request.headers["Authorization"] for request in server.requests} == {f"Bearer {KEY}"}
        bodies = asked(server)
    assert 2 <= len(kept) < 7
    assert facts(sweep) == facts(whole[0])
    assert len(bodies) <= 7 + 2  # at most those that were on their way are asked for again
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_half_an_answer_is_asked_for_again_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("envrl.models.endpoint._FIRST_PAUSE", 0.001)
    first = iter([Cut(), Answer(500, b"")])
    with Server(listing(lambda request: next(first, None) or model(request))) as server:
        sweep = evaluate(request_of(server, served={"retries": 2, "concurrency": 1}), Collected(), None, ONE).sweep
    assert sweep.header.usage["requests"] == 9


def test_a_server_that_wants_nothing_of_it_leaves_nothing_behind(tmp_path):
    with (
        Server(listing(lambda request: Answer(404, {"error": "no model m"}))) as server,
        pytest.raises(ModelError, match=r"answers 404 Not Found: no model m$"),
    ):
        evaluate(request_of(server), Collected(), tmp_path / "sweeps" / "s", ONE)
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_said_before_anything_is_made(tmp_path):
    with Server(model) as server:
        request = request_of(server)
    with pytest.raises(ModelError, match="refuses the connection"):
        evaluate(request, Collected(), tmp_path / "s", ONE)
    assert list(tmp_path.iterdir()) == []


def test_answers_that_were_changed_are_refused(tmp_path):
    def answer(request):
        return Answer(400, {}) if len(asked(server)) > 2 else model(request)

    with Server(listing(answer)) as server:
        with pytest.raises(ModelError):
            evaluate(request_of(server, served={"concurrency": 1}), Collected(), tmp_path / "s", ONE)
        path = tmp_path / "s" / RESPONSES
        path.write_text(path.read_text() + '{"text": "of nobody"}\n')
        with pytest.raises(RunError, match=f"{RESPONSES}:3: not an answer"):
            resume(tmp_path / "s", Collected(), ONE)


# what is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"served": Served()}, "--model-name"),
        ({"served": Served(model_name="m", price_in=1)}, "both --price-in and --price-out"),
        ({"served": Served(model_name="m", timeout=float("nan"))}, "--timeout nan"),
        ({"served": Served(model_name="m", api_key_env="NO_SUCH_KEY")}, "no environment variable"),
        ({"model": "http://me:pw@x/v1"}, "written to disk"),
        ({"model": "tiny"}, "go with a --model that is the address"),
        ({"adapter": "a"}, "--adapter"),
        ({"device": "cpu"}, "--device"),
        ({"contract": "nope"}, "output contract"),
    ],
)
def test_what_does_not_fit_together(tmp_path, changes, words):
    request = EvalRequest(
        **{"environment": EASY, "model": "http://127.0.0.1:9/v1", "served": Served(model_name="m"), **changes}
    )
    with pytest.raises(EnvrlError, match=words):
        evaluate(request, Collected(), tmp_path / "s", ONE)
    assert list(tmp_path.iterdir()) == []


def test_the_command_shows_usage_and_writes_for_inspect(tmp_path):
    with Server(listing(model)) as server:
        options = [
            "eval", "--env", "2048", "--set", "target=64", "--set", "horizon=46", "--model", server.url,
            "--model-name", "m", "--samples", "3", "--seeds", "2", "--workers", "1", "--price-in", "1",
            "--price-out", "1", "--output", str(tmp_path / "s"), "--export", "inspect", str(tmp_path / "logs"),
        ]  # fmt: skip
        result = CliRunner().invoke(cli, options, catch_exceptions=False)
    assert result.exit_code == 0
    (log,) = (tmp_path / "logs").iterdir()
    assert f"written for Inspect: {log}" in result.output
    content = json.loads(log.read_text())
    prompt = find_task("2048", EASY["options"]).prompt("chat")
    assert [sample["input"] for sample in content["samples"]] == [prompt] * 3
    assert "cost" in json.loads((tmp_path / "s" / "report.json").read_text())["usage"]
    assert Path(tmp_path / "s" / "report.md").read_text().count("Usage") == 1
