"""``envrl eval`` from start to end: every kind of subject, a kill in the middle, stopping by width, what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envrl.envs import find_task
from envrl.errors import ConfigError, EnvError, ModelError, RunError, SeedError, StrategyError
from envrl.evaluation.missing import lost_or_won
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import crossed_rate, wilson
from envrl.evaluation.sweeps import EPISODES, HEADER, PROGRAMS, Sweep, read_sweep
from envrl.outcomes import Outcome
from envrl.rollouts import Episode, Scorecard
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.workflow import model_subject
from envrl.workflow import sweep as workflow
from envrl.workflow.eval_request import EvalRequest, Sampling, read_request
from envrl.workflow.evaluate import evaluate_strategy
from envrl.workflow.gate import check_gates, parse_gate
from envrl.workflow.results import open_sweep, task_of_sweep
from envrl.workflow.sweep import RunnerChoice, evaluate, resume

from .conftest import Collected

ROOT = Path(__file__).parents[2]
GREEDY = str(ROOT / "examples" / "greedy.py")
EASY = {"id": "2048", "options": {"target": 64, "horizon": 46}}
TWO = RunnerChoice(2)
FIRST = "def strategy(board):\n    return legal(board)[0]\n"
SLOW = "def strategy(board):\n    for _ in range(150_000):\n        pass\n    return legal(board)[0]\n"


def strategies(folder: Path, **sources: str) -> tuple[str, ...]:
    folder.mkdir(exist_ok=True)
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return tuple(str(folder / f"{name}.py") for name in sources)


def facts(sweep: Sweep) -> list[object]:
    """All that a sweep has measured, but for how much CPU it took."""
    rows = [[(e.index, e.outcome, e.steps, e.score, e.progress, e.metrics, e.call) for e in r] for r in sweep.episodes]
    return [sweep.programs, rows, sweep.finished]


def lines(path: Path) -> list[dict]:
    """A file of lines without the fields that the machine's speed decides."""
    return [
        {key: value for key, value in record.items() if key not in ("cpu", "strained")}
        for record in read_lines(path).records
    ]


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "one"
    watcher = Collected()
    request = EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="70", command="envrl eval …")
    return evaluate(request, watcher, path, TWO), watcher, path


def test_a_strategy_is_swept_and_kept(one):
    evaluation, watcher, path = one
    won = int(evaluation.sweep.wins().sum())
    assert 5 < won < 70
    assert evaluation.success.interval == wilson(won, 70)
    assert evaluation.directory == path
    assert read_sweep(path) == evaluation.sweep
    header = evaluation.sweep.header
    assert (header.kind, header.task, header.block, header.seeds) == ("strategies", "envrl/2048-v0", "test", "0:70")
    assert (header.contract, header.prompt_sha256, header.sampling) == (None, None, {})
    assert header.options["target"] == 64
    assert header.command == "envrl eval …"
    assert {"python", "envrl", "numpy"} <= set(header.versions)
    assert {"limits", "seccomp"} <= set(header.layers)
    assert watcher.done["playing"] == 70
    assert watcher.figures[-1]["success"] == won / 70
    low, _, high = wilson(won, 70)
    assert watcher.figures[-1]["interval"] == f"{low:.1%} to {high:.1%}"


def test_a_sweep_and_evaluate_strategy_measure_the_same(one):
    task = find_task("2048", EASY["options"])
    evaluated = evaluate_strategy(task, GREEDY, "60:70", workers=1)
    fields = [(e.index, e.outcome, e.steps, e.score) for e in evaluated.episodes]
    assert fields == [(e.index, e.outcome, e.steps, e.score) for e in one[0].sweep.episodes[0][60:]]


def test_the_task_can_be_made_again_from_the_header(one):
    task = task_of_sweep(one[0].sweep.header)
    assert (task.id, task.options) == ("envrl/2048-v0", one[0].sweep.header.options)


def test_a_finished_sweep_has_nothing_left_to_play(one):
    before = (one[2] / EPISODES).read_bytes()
    watcher = Collected()
    assert facts(resume(one[2], watcher).sweep) == facts(one[0].sweep)
    assert "nothing is left to play" in watcher.said[0]
    assert (one[2] / EPISODES).read_bytes() == before


def test_a_folder_of_strategies_is_swept_together(tmp_path):
    strategies(tmp_path / "s", b="def strategy(board):\n    return 7\n", a=FIRST, c="def strategy(b:\n")
    (tmp_path / "s" / "notes.txt").write_text("no strategy")
    watcher = Collected()
    evaluation = evaluate(
        EvalRequest(environment=EASY, strategies=(str(tmp_path / "s"),), seeds="5"), watcher, None, TWO
    )
    sweep = evaluation.sweep
    assert evaluation.directory is None
    assert [Path(p.label).name for p in sweep.programs] == ["a.py", "b.py", "c.py"]
    assert [p.outcome for p in sweep.programs] == [None, None, Outcome.SYNTAX_ERROR]
    assert [len(row) for row in sweep.episodes] == [5, 5, 0]
    assert evaluation.success.interval == crossed_rate(sweep.wins())
    assert any("1 of 3 strategies could not be played" in line for line in watcher.said)
    assert list(tmp_path.iterdir()) == [tmp_path / "s"]


# completions


def completions(path: Path, *rows: object) -> EvalRequest:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return EvalRequest(environment=EASY, completions=str(path), seeds="4")


def test_completions_from_anywhere(tmp_path):
    text = f"Here it is:\n```python\n{FIRST}```\nGood luck"
    spoken = [{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]
    request = completions(
        tmp_path / "c.jsonl", {"completion": text, "label": "mine"}, {"messages": spoken}, {"completion": spoken[1:]},
        {"completion": "I cannot."},
    )  # fmt: skip
    sweep = evaluate(request, Collected(), tmp_path / "out", TWO).sweep
    assert [p.label for p in sweep.programs] == ["mine", "#1", "#2", "#3"]
    assert [p.source for p in sweep.programs] == [FIRST, FIRST, FIRST, None]
    assert sweep.programs[3].outcome is Outcome.NO_CODE
    assert sweep.header.contract == "chat"
    first = [(e.index, e.outcome, e.steps) for e in sweep.episodes[0]]
    assert [[(e.index, e.outcome, e.steps) for e in row] for row in sweep.episodes] == [first, first, first, []]
    assert sweep.programs[0].rewards["format"] == 1.0
    assert sweep.programs[3].rewards["format"] == 0.0


def test_a_last_line_without_its_end_counts_if_it_is_whole(tmp_path):
    path = tmp_path / "c.jsonl"
    row = {"completion": f"```python\n{FIRST}```"}
    path.write_text(f"{json.dumps(row)}\n{json.dumps(row)}")
    request = EvalRequest(environment=EASY, completions=str(path), seeds="2")
    assert len(evaluate(request, Collected(), None, TWO).sweep.programs) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no completion"),
        (b'{"completion": "x"}\n{"compl', "its last line is torn"),
        (b'{"text": "x"}\n', r":1: no completion here: .* it has 'text'"),
        (b'{"completion": 7}\n', ":1: no completion here"),
        (b'{"completion": "x"}\n{"messages": [{"role": "user", "content": "x"}]}\n', ":2: no completion here"),
        (b"[]\n", ":1: broken line"),
        (b"{}\n{\n", ":2: broken line"),
    ],
)
def test_completions_that_are_none_are_refused_before_anything_starts(tmp_path, content, words):
    path = tmp_path / "c.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError, match=words) as caught:
        evaluate(EvalRequest(environment=EASY, completions=str(path)), Collected(), tmp_path / "out")
    assert str(path) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_no_completion_with_a_program_is_said_and_nothing_is_lost(tmp_path):
    request = completions(tmp_path / "c.jsonl", {"completion": FIRST}, {"completion": "no"})
    with pytest.raises(
        RunError, match=r"none of 2 completions holds a program as the contract 'chat' wants it"
    ) as caught:
        evaluate(request, Collected(), tmp_path / "out", TWO)
    assert f"they are kept in {tmp_path / 'out'}" in str(caught.value)
    assert [p.completion for p in read_sweep(tmp_path / "out").programs] == [FIRST, "no"]


# models and runs


def test_the_tiny_model_is_sampled_the_same_whatever_was_kept_of_it(tmp_path):
    request = EvalRequest(
        environment=EASY, model="tiny", samples=5, seeds="3", sampling=Sampling(temperature=0.9, seed=5, batch=3)
    )
    whole = evaluate(request, Collected(), tmp_path / "whole", TWO)
    header = whole.sweep.header
    assert (header.kind, header.contract, header.sampling["seed"], header.sampling["samples"]) == (
        "model",
        "tiny",
        5,
        5,
    )
    assert header.sampling["temperature"] == 0.9
    assert header.sampling["min_p"] == 0.02, "as the recipe of the tiny model samples"
    assert header.prompt_sha256
    assert len(header.versions["model"]) == 16
    assert all(p.tokens and p.clipped is not None for p in whole.sweep.programs)
    assert set(whole.sweep.programs[0].rewards) == {"format", "safety", "success", "progress"}

    class Stopped(Collected):
        def advance(self, count: int = 1, **figures) -> None:
            super().advance(count, **figures)
            if self.phases[-1][0] == "writing" and self.done["writing"] == 4:
                raise KeyboardInterrupt

    stopped = Stopped()
    with pytest.raises(KeyboardInterrupt):
        evaluate(request, stopped, tmp_path / "stopped", TWO)
    assert f"go on with: envrl eval --resume {tmp_path / 'stopped'}" in stopped.said[-1]
    assert len(read_sweep(tmp_path / "stopped").programs) == 4
    path = tmp_path / "stopped" / HEADER
    kept = path.read_text()
    path.write_text(kept.replace(header.versions["model"], "0" * 16))
    with pytest.raises(RunError, match="the model is not the one that the sweep began with"):
        resume(tmp_path / "stopped", Collected(), TWO)
    path.write_text(kept)
    resumed = resume(tmp_path / "stopped", Collected(), TWO)
    assert facts(resumed.sweep) == facts(whole.sweep)
    assert lines(tmp_path / "stopped" / PROGRAMS) == lines(tmp_path / "whole" / PROGRAMS)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # of peft's call
def test_a_path_and_an_adapter_on_it_are_models_too(tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from envrl.models import model_path

    folder = model_path("tiny")
    fresh = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), LoraConfig(r=2, task_type="CAUSAL_LM"))
    fresh.save_pretrained(tmp_path / "idle")  # as an adapter begins, it changes nothing
    for name, weights in fresh.named_parameters():
        if "lora_B" in name:
            weights.data.normal_(0.0, 2.0)
    fresh.save_pretrained(tmp_path / "other")

    def texts(model: str, adapter: str | None = None) -> list[str | None]:
        request = EvalRequest(
            environment=EASY, model=model, adapter=adapter, samples=3, seeds="1", contract="tiny",
            sampling=Sampling(max_completion_length=60, seed=1),
        )  # fmt: skip
        path = tmp_path / "out" / f"{Path(model).name}-{Path(adapter or 'none').name}"
        with contextlib.suppress(RunError):  # none of them may hold a program
            evaluate(request, Collected(), path, RunnerChoice(1))
        sweep = read_sweep(path)
        assert sweep.header.contract == "tiny"
        assert ("adapter" in sweep.header.versions) == (adapter is not None)
        assert sweep.header.subject == (f"{model} with {adapter}" if adapter else model)
        return [program.completion for program in sweep.programs]

    plain = texts(folder)
    assert len(plain) == 3
    assert texts(folder, str(tmp_path / "idle")) == plain
    assert texts(folder, str(tmp_path / "other")) != plain


def test_weights_are_named_by_what_they_hold_however_large_they_are(tmp_path, monkeypatch):
    def middle(path: Path) -> str:  # the whole hash takes seconds
        with open(path, "rb") as file:
            file.seek(2**29)
            return file.read(1).hex()

    monkeypatch.setattr(model_subject, "file_hash", middle)
    names = []
    for content in (b"a", b"b"):
        with open(tmp_path / "model.safetensors", "wb") as file:
            file.truncate(2**30)  # a hole, which takes no room
            file.seek(2**29)
            file.write(content)
        watcher = Collected()
        names.append(model_subject._weights_hash(tmp_path, watcher))
        assert watcher.done["hashing the weights"] == 1
    assert names[0] != names[1]


def test_a_run_is_measured_as_it_measured_itself(finished, tmp_path):
    run = finished[0].run
    for moment in ("before", "after", "2"):
        request = EvalRequest(run=str(run.path), checkpoint=moment)
        sweep = evaluate(request, Collected(), None, RunnerChoice(1)).sweep
        assert sweep.header.kind == "run"
        if moment == "2":
            assert sweep.header.subject.endswith("at step 2")
            continue
        own = open_sweep(run.path, moment)
        # The CPU of an episode differs, and with it whether it was strained.
        assert [p.completion for p in sweep.programs] == [p.completion for p in own.programs]
        assert facts(sweep)[1] == facts(own)[1]
        assert [p.rewards for p in sweep.programs] == [p.rewards for p in own.programs]
        same = (
            "task task_version options environment success toolkit contract prompt_sha256 block limits layers".split()
        )
        assert {n: getattr(sweep.header, n) for n in same} == {n: getattr(own.header, n) for n in same}


@pytest.mark.parametrize(
    ("checkpoint", "words"),
    [
        ("7", "no checkpoint at step 7: it has 2, 3"),
        ("last", "write before, after, or the step"),
        ("²", "write before"),
    ],
)
def test_a_checkpoint_that_is_not_there(finished, checkpoint, words):
    with pytest.raises(RunError, match=words):
        evaluate(EvalRequest(run=str(finished[0].run.path), checkpoint=checkpoint), Collected(), None)


def test_a_run_that_is_still_going_has_no_after(finished, tmp_path):
    import shutil

    shutil.copytree(finished[0].run.path, tmp_path / "going")
    with RunDirectory.open(tmp_path / "going") as run:
        run.update_status(state="running")
    with pytest.raises(RunError, match=r"is running, not finished: name a --checkpoint \(it has 2, 3\)"):
        evaluate(EvalRequest(run=str(tmp_path / "going")), Collected(), None)
    (tmp_path / "going" / "checkpoints" / "checkpoint-2" / "COMPLETE.json").unlink()
    with pytest.raises(RunError, match="not whole"):
        evaluate(EvalRequest(run=str(tmp_path / "going"), checkpoint="2"), Collected(), None)


def test_seeds_that_a_run_trained_on_are_refused(finished):
    for request in (
        EvalRequest(run=str(finished[0].run.path), block="train"),
        EvalRequest(environment=EASY, strategies=(GREEDY,), block="train"),
    ):
        with pytest.raises(SeedError, match="would overlap training"):
            evaluate(request, Collected(), None)


def test_a_model_and_an_adapter_that_are_not_there(tmp_path):
    for words, request in (
        ("no such folder", EvalRequest(environment=EASY, model="./no/model", samples=2)),
        ("not an adapter", EvalRequest(environment=EASY, model="tiny", adapter=str(tmp_path), samples=2)),
    ):
        with pytest.raises(ModelError, match=words):
            evaluate(request, Collected(), tmp_path / "out", TWO)
        assert not (tmp_path / "out").exists()


# until it is narrow enough


def test_a_strategy_is_played_until_its_confidence_sequence_is_narrow(tmp_path):
    request = EvalRequest(environment=EASY, strategies=(GREEDY,), until_width=0.35, max_seeds=500)
    watcher = Collected()
    evaluation = evaluate(request, watcher, tmp_path / "s", TWO)
    played = len(evaluation.sweep.episodes[0])
    assert played % 64 == 0
    assert played < 500
    low, _, high = evaluation.success.interval
    assert high - low <= 0.35
    won = int(evaluation.sweep.wins().sum())
    assert evaluation.success.interval == confidence_sequence(won, played)
    assert evaluation.success.method == "confidence sequence"
    assert any(f"narrow enough after {played} seeds" in line for line in watcher.said)
    assert read_sweep(tmp_path / "s").header.seeds == f"0:{played}"
    earlier = [e.won for e in evaluation.sweep.episodes[0][:-64]]
    width = confidence_sequence(sum(earlier), len(earlier))
    assert not earlier or width.high - width.low > 0.35


def test_a_width_that_is_not_reached_says_how_many_seeds_it_needs(tmp_path):
    request = EvalRequest(environment=EASY, strategies=(GREEDY,), until_width=0.05, max_seeds=70)
    watcher = Collected()
    sweep = evaluate(request, watcher, tmp_path / "s", TWO).sweep
    assert len(sweep.episodes[0]) == 70
    assert any("still 0." in line and "raise --max-seeds" in line for line in watcher.said)


def test_a_model_gets_fresh_programs_until_its_interval_is_narrow(tmp_path):
    def request(width: float) -> EvalRequest:
        return EvalRequest(
            environment=EASY, model="tiny", samples=6, max_samples=18, seeds="3", until_width=width,
            sampling=Sampling(batch=6),
        )  # fmt: skip

    class Stopped(Collected):
        """Its user presses Ctrl-C in the third round, before anything of it is played."""

        def phase(self, name: str, total: int) -> None:
            super().phase(name, total)
            if (name, total) == ("playing", 54):
                raise KeyboardInterrupt

    stopped, watcher = Stopped(), Collected()
    with pytest.raises(KeyboardInterrupt):
        evaluate(request(0.01), stopped, tmp_path / "s", TWO)
    assert [phase for phase in stopped.phases if phase[0] == "writing"] == [
        ("writing", 6),
        ("writing", 12),
        ("writing", 18),
    ]
    sweep = resume(tmp_path / "s", watcher, TWO).sweep
    assert len(sweep.programs) == 18
    assert sweep.header.sampling["samples"] == 18
    assert len({p.completion for p in sweep.programs}) > 9, "each batch has a seed of its own"
    assert any("18 programs are the most that were allowed" in line for line in watcher.said)

    watcher = Collected()
    few = evaluate(request(0.99), watcher, None, TWO).sweep
    assert [p.completion for p in few.programs] == [p.completion for p in sweep.programs[:6]]
    assert any("narrow enough" in line for line in watcher.said)


# a kill


def test_a_killed_sweep_goes_on_to_the_result_of_an_unbroken_one(tmp_path):
    paths = strategies(tmp_path / "s", slow=SLOW, first=FIRST, broken="def strategy(b:\n")
    arguments = [
        *(word for path in paths for word in ("--strategy", path)),
        *("--seeds", "24", "--set", "target=64", "--set", "horizon=40", "--workers", "1"),
    ]
    killed = subprocess.Popen(
        [sys.executable, "-m", "envrl", "eval", *arguments, "--output", str(tmp_path / "killed")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
    )
    file = tmp_path / "killed" / EPISODES
    deadline = time.monotonic() + 100
    while not (file.exists() and file.read_bytes().count(b"\n") >= 4):
        assert killed.poll() is None, "it came to its end before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    kept = lines(file)
    assert 4 <= len(kept) < 48
    assert not read_sweep(tmp_path / "killed").finished
    assert json.loads((tmp_path / "killed" / "status.json").read_text())["state"] == "running"
    with open(file, "ab") as torn:
        torn.write(b'{"program": 0, "ind')

    watcher = Collected()
    resumed = resume(tmp_path / "killed", watcher, TWO)
    assert f"after {len(kept)} episodes" in watcher.said[0]
    options = {"target": 64, "horizon": 40}
    request = EvalRequest(environment={"id": "2048", "options": options}, strategies=paths, seeds="24")
    whole = evaluate(request, Collected(), tmp_path / "whole", TWO)
    assert facts(resumed.sweep) == facts(whole.sweep)
    assert resumed.success == whole.success
    for name in (EPISODES, PROGRAMS):
        assert lines(tmp_path / "killed" / name) == lines(tmp_path / "whole" / name)
    assert lines(file)[: len(kept)] == kept
    headers = [read_json(tmp_path / name / HEADER) for name in ("killed", "whole")]
    for header in headers:
        del header["created"], header["command"]
    assert headers[0] == headers[1]


def test_a_sweep_does_not_go_on_under_other_conditions(one, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(one[2], tmp_path / "s")
    status = tmp_path / "s" / "status.json"
    status.write_text(status.read_text().replace("finished", "running"))
    header = read_json(tmp_path / "s" / HEADER)
    (tmp_path / "s" / HEADER).write_text(json.dumps(header | {"task_version": 9}))
    with pytest.raises(RunError, match="version of the task was 9 and is 0 now"):
        resume(tmp_path / "s", Collected(), TWO)
    (tmp_path / "s" / "request.json").write_text('{"strategy": 1}')
    with pytest.raises(RunError, match="not what this envrl wrote"):
        read_request(tmp_path / "s")
    with pytest.raises(RunError, match="not a sweep"):
        resume(tmp_path, Collected())


def test_a_sweep_that_goes_on_with_other_versions_says_so_and_keeps_it(one, tmp_path):
    import shutil

    shutil.copytree(one[2], tmp_path / "s")
    status = tmp_path / "s" / "status.json"
    header = read_json(tmp_path / "s" / HEADER)
    today = header["versions"]["numpy"]
    (tmp_path / "s" / HEADER).write_text(json.dumps(header | {"versions": header["versions"] | {"numpy": "0.1"}}))
    for told in (True, False):  # the second time the same versions go on
        status.write_text(status.read_text().replace("finished", "running"))
        watcher = Collected()
        found = resume(tmp_path / "s", watcher, TWO).sweep.header
        assert found.versions == header["versions"] | {"numpy": f"0.1, then {today}"}
        assert read_sweep(tmp_path / "s").header == found
        assert any(f"numpy 0.1, then {today}" in line for line in watcher.said) is told


class Broken:
    """Referees that fail in every episode, or in those of some seeds."""

    workers = 1

    def __init__(self, *seeds: int) -> None:
        self._seeds = seeds

    def ready(self) -> dict[str, str]:
        return {"limits": ""}

    def play(self, assignments, progress=None):
        def episode(index: int) -> Episode:
            lost = not self._seeds or index in self._seeds
            return Episode(
                index=index,
                outcome=Outcome.INFRASTRUCTURE_ERROR if lost else Outcome.SUCCESS,
                detail="the referee is gone" if lost else "",
            )

        return [Scorecard(source=a.source, episodes=tuple(map(episode, a.indices))) for a in assignments]

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None: ...


def test_a_sweep_of_which_nothing_could_be_measured_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "open_arena", lambda *_, **__: Broken())
    with pytest.raises(EnvError, match=r"nothing could be measured: the referee is gone"):
        evaluate(EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="4"), Collected(), tmp_path / "s")
    assert json.loads((tmp_path / "s" / "status.json").read_text())["state"] == "failed"


def test_a_model_of_which_too_little_was_measured_for_an_interval_gets_more_programs(monkeypatch):
    monkeypatch.setattr(workflow, "open_arena", lambda *_, **__: Broken(1, 2))
    request = EvalRequest(
        environment=EASY, model="tiny", samples=2, max_samples=4, seeds="3", until_width=0.1,
        sampling=Sampling(batch=2, seed=1),
    )  # fmt: skip
    watcher = Collected()
    sweep = evaluate(request, watcher, None).sweep
    assert len(sweep.programs) == 4
    assert all(program.outcome is None for program in sweep.programs), "the test wants programs that can be played"
    assert any("needs two programs and two seeds of which something was measured" in line for line in watcher.said)


@pytest.mark.parametrize("workers", [1, 7])
def test_batches_are_as_large_as_the_arena_has_workers_whatever_runs_it(workers, monkeypatch):
    calls: list[int] = []

    class Many(Broken):
        def play(self, assignments, progress=None):
            calls.append(len(assignments))
            return super().play(assignments)

    Many.workers = workers
    monkeypatch.setattr(workflow, "open_arena", lambda *_, **__: Many(1))
    request = EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="200")
    evaluate(request, Collected(), None, RunnerChoice(name="ray"))
    assert calls[0] == workers


def test_what_could_not_be_measured_stands_apart_and_fails_a_gate(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "open_arena", lambda *_, **__: Broken(3, 7))
    evaluation = evaluate(EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="20"), Collected(), tmp_path / "s")
    assert (evaluation.success.interval, evaluation.success.missing) == (wilson(18, 18), 2)
    assert lost_or_won(evaluation.sweep.wins()) == (0.9, 1.0)
    (verdict,) = check_gates(evaluation.sweep, [parse_gate("success=0.75")])
    assert verdict.interval == wilson(18, 20)
    assert not verdict.passed
    assert wilson(18, 18).low > 0.75
    assert "its lower end does not reach 0.75" in verdict.sentence


# what does not fit together


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (EvalRequest(), "exactly one thing to measure, not nothing"),
        (EvalRequest(strategies=("a.py",), model="tiny"), "not --strategy and --model"),
        (EvalRequest(strategies=("a.py",), adapter="x"), "--adapter does not go with --strategy"),
        (EvalRequest(strategies=("a.py",), samples=3), "--samples does not go with --strategy"),
        (EvalRequest(strategies=("a.py",), contract="chat"), "--contract does not go with --strategy"),
        (EvalRequest(model="tiny", checkpoint="3"), "--checkpoint does not go with --model"),
        (EvalRequest(model="tiny", max_seeds=3, until_width=0.1), "--max-seeds bounds how many seeds"),
        (EvalRequest(model="tiny", max_samples=3), "--max-samples bounds how many completions"),
        (EvalRequest(completions="c.jsonl", until_width=0.1), "a file of completions has no more of either"),
        (EvalRequest(completions="c.jsonl", sampling=Sampling(top_p=0.5)), "sampling settings does not go with"),
        (EvalRequest(strategies=("a.py",), until_width=1.0), "--until-width 1: a width lies between 0.0001 and 1"),
        (EvalRequest(run="r", environment={"id": "2048"}), "leave --env, --set, --success, --toolkit out"),
        (EvalRequest(model="tiny", samples=1, until_width=0.1), "needs two --samples and two --seeds"),
    ],
)
def test_what_does_not_fit_together_is_said(request_, words):
    with pytest.raises(ConfigError, match=words):
        evaluate(request_, Collected(), None)


def test_seeds_and_folders_that_are_none(tmp_path):
    for seeds in ("0", "5:5", "many"):
        with pytest.raises(SeedError, match=repr(seeds)):
            evaluate(EvalRequest(strategies=(GREEDY,), seeds=seeds), Collected(), tmp_path / "out")
    with pytest.raises(StrategyError, match="holds no strategy"):
        evaluate(EvalRequest(strategies=(str(tmp_path),)), Collected(), tmp_path / "out")
    with pytest.raises(StrategyError, match="cannot be read"):
        evaluate(EvalRequest(strategies=("no.py",)), Collected(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_strategy_that_cannot_be_played_leaves_nothing_behind(tmp_path):
    (path,) = strategies(tmp_path / "s", a="def play(board):\n    return 'W'\n")
    with pytest.raises(StrategyError, match="defines no function strategy"):
        evaluate(EvalRequest(environment=EASY, strategies=(path,), seeds="2"), Collected(), tmp_path / "out" / "x", TWO)
    assert not (tmp_path / "out").exists()


def test_a_directory_that_is_taken_is_refused_before_anything_starts(one, monkeypatch):
    monkeypatch.setattr(workflow, "_arena", None)
    with pytest.raises(RunError, match="already holds a sweep; go on with --resume"):
        evaluate(EvalRequest(environment=EASY, strategies=(GREEDY,), seeds="2"), Collected(), one[2])
