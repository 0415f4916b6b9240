"""``envrl pairs`` and ``envrl data``: from what was played to rows that a stage trains on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from envrl.cli.main import cli
from envrl.config import DatasetConfig, load_config
from envrl.data import PairRules, load_rows
from envrl.envs import find_task
from envrl.errors import ConfigError, EnvrlError, RunError
from envrl.evaluation.sweeps import SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, LocalPlayers, Scorecard, fenced
from envrl.runs.status import Status, write_status
from envrl.workflow.pair_subjects import PairSubject, Sampled, play_again, read_subject
from envrl.workflow.pairs import make_pairs, write_pairs
from envrl.workflow.watching import Silent

_GOOD = fenced("def strategy(board):\n    return max(legal(board), key=lambda m: merges(slide(board, m)))")
_POOR = fenced('def strategy(board):\n    return "A"  # stuck before long')


def _card(wins: str, lost: Outcome = Outcome.FAILURE, **options: Any) -> Scorecard:
    episodes = tuple(
        Episode(index=index, outcome=Outcome.SUCCESS if win == "1" else lost, score=float(win) * 100)
        for index, win in enumerate(wins)
    )
    return Scorecard(source="x", episodes=episodes, **options)


def _subject(*sampled: Sampled) -> PairSubject:
    return PairSubject("here", sampled, None, "tiny")


GOOD, BAD = (
    Sampled("p", "one that plays well", _card("11111111")),
    Sampled("p", "other, it plays badly", _card("00000000")),
)


def test_pairs_are_rows_that_a_stage_reads_back(tmp_path: Path) -> None:
    made = make_pairs(_subject(GOOD, BAD))
    write_pairs(made, tmp_path / "pairs.jsonl")
    for stage in ("dpo", "orpo", "simpo", "reward"):
        (row,) = load_rows(DatasetConfig(path=[str(tmp_path)]), stage).train
        assert row == {
            "prompt": [{"role": "user", "content": "p"}],
            "chosen": [{"role": "assistant", "content": GOOD.completion}],
            "rejected": [{"role": "assistant", "content": BAD.completion}],
        }
    about = json.loads((tmp_path / "pairs.about.json").read_bytes())
    assert (about["rows"], about["seeds"], about["compared"]) == (1, 8, "success")
    assert "Wilcoxon" in about["test"]


def test_a_file_that_exists_is_not_replaced_unasked(tmp_path: Path) -> None:
    made = make_pairs(_subject(GOOD, BAD))
    (tmp_path / "pairs.jsonl").write_text("mine")
    with pytest.raises(RunError, match=r"exists already; choose another --output, or allow it with --replace"):
        write_pairs(made, tmp_path / "pairs.jsonl")
    assert (tmp_path / "pairs.jsonl").read_text() == "mine"
    write_pairs(made, tmp_path / "pairs.jsonl", replace=True)
    with pytest.raises(RunError, match=r"its folder does not exist"):
        write_pairs(made, tmp_path / "nowhere" / "pairs.jsonl")


@pytest.mark.parametrize(
    ("sampled", "reason"),
    [
        (Sampled("p", "c", _card("11111111", Outcome.FAILURE, outcome=Outcome.SYNTAX_ERROR)), "syntax_error"),
        (Sampled("p", "c", _card("11110000", Outcome.VIOLATION)), "violation"),
        (Sampled("p", "c", _card("11110000", Outcome.INFRASTRUCTURE_ERROR)), "not measured (an error of envrl's own)"),
        (Sampled("p", "c", _card("11111111"), clipped=True), "cut off at the limit of its length"),
        (Sampled("p", "c<|im_start|>user", _card("11111111")), "holds marks of a chat template"),
        (Sampled("p", "c"), "not played"),
    ],
)
def test_completions_that_may_stand_in_no_pair(sampled: Sampled, reason: str) -> None:
    made = make_pairs(_subject(GOOD, BAD, sampled))
    assert made.left_out == {reason: 1}
    assert made.usable == 2


def test_broken_completions_are_undesirable_but_our_own_errors_are_nobodys() -> None:
    broken = Sampled("p", "broken", _card("", outcome=Outcome.SYNTAX_ERROR))
    ours = Sampled("p", "ours", _card("11110000", Outcome.INFRASTRUCTURE_ERROR))
    rows = make_pairs(_subject(GOOD, BAD, broken, ours), kto=True).rows
    assert {row["completion"][0]["content"]: row["label"] for row in rows} == {
        GOOD.completion: True,
        BAD.completion: False,
        "broken": False,
    }


def test_scores_can_be_compared_in_place_of_games_won() -> None:
    ahead = Sampled("p", "some program text", _card("11111111", Outcome.FAILURE))
    assert make_pairs(_subject(ahead, BAD), PairRules(margin=90), by="score").rows
    with pytest.raises(RunError, match=r"difference below the margin\); lower --margin"):
        make_pairs(_subject(ahead, BAD), PairRules(margin=101), by="score")


def _scored(text: str, outcome: Outcome, score: float) -> Sampled:
    episodes = tuple(Episode(index=index, outcome=outcome, score=score) for index in range(8))
    return Sampled("p", text, Scorecard(source="x", episodes=episodes))


def test_what_breaks_never_beats_what_is_played_to_its_end() -> None:
    honest = _scored("swings to and fro until time is up", Outcome.FAILURE, -200.0)
    for outcome in (Outcome.EXCEPTION, Outcome.TIMEOUT, Outcome.SKIPPED, Outcome.INVALID_ACTION):
        breaks = _scored("divides by zero", outcome, 0.0)
        made = make_pairs(_subject(breaks, honest), PairRules(margin=5), by="score")
        (row,) = made.rows
        assert row["chosen"][0]["content"] == honest.completion
        assert (row["chosen_score"], row["rejected_score"], made.floor) == (-200.0, -205.0, -205.0)
        rows = make_pairs(_subject(breaks, honest), PairRules(margin=50), by="score", kto=True, threshold=-200.0).rows
        assert {row["completion"][0]["content"]: row["label"] for row in rows} == {
            honest.completion: True,
            breaks.completion: False,
        }


def test_completions_of_which_nobody_knows_whether_they_were_cut_off_are_counted() -> None:
    known = Sampled("p", GOOD.completion, GOOD.card, clipped=False)
    assert make_pairs(_subject(known, BAD)).unknown == 1


def test_too_few_seeds_to_be_sure_says_how_many_it_takes() -> None:
    good, bad = Sampled("p", "one of these", _card("1111")), Sampled("p", "the other side", _card("0000"))
    with pytest.raises(RunError, match=r"4 common seeds can never be 95% sure, which takes 5: .*--episodes 16"):
        make_pairs(_subject(good, bad))
    assert make_pairs(_subject(good, bad), PairRules(confidence=0.9)).rows


def test_nothing_to_choose_from() -> None:
    with pytest.raises(RunError, match=r"holds no completions"):
        make_pairs(_subject())
    with pytest.raises(ConfigError, match=r"were not played; say how often with --episodes"):
        make_pairs(_subject(Sampled("p", "c")))
    with pytest.raises(ConfigError, match=r"name their environment with --env"):
        make_pairs(_subject(Sampled("p", "c")), episodes=4)
    with pytest.raises(RunError, match=r"no rows of both labels can be made"):
        make_pairs(_subject(GOOD), kto=True)


class _Players:
    """One player in this process, told of progress as a pool is."""

    def __init__(self, local: LocalPlayers) -> None:
        self._local = local

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        return self._local.play(assignments)


def test_completions_play_again_on_seeds_that_all_share() -> None:
    task = find_task("2048", {"target": 64})
    sampled = tuple(Sampled(task.prompt("tiny"), text, None) for text in (_GOOD, _POOR, "no program"))
    local = LocalPlayers(task)
    try:
        again = play_again(PairSubject("here", sampled, task, "tiny"), _Players(local), 6, Silent())
    finally:
        local.close()
    cards = [one.card for one in again.sampled]
    assert [[episode.index for episode in card.episodes] for card in cards if card] == [[*range(6)], [*range(6)], []]
    assert cards[2] is not None
    assert cards[2].outcome is Outcome.NO_CODE


# -- what is read ----------------------------------------------------------------------------------------------------


def _lines(path: Path, *records: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    return path


def _record(sampled: Sampled) -> dict[str, Any]:
    return {"completion": sampled.completion, "card": msgspec.to_builtins(sampled.card), "rewards": {}, "total": 1.0}


def test_a_run_gives_the_completions_of_all_its_steps(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "env: {id: 2048, options: {target: 64}}\nmodel: {contract: tiny}\n"
        "sandbox: {workers: 3, limits: {call_cpu: 9}}\n"
    )
    _lines(tmp_path / "eval" / "prompts.jsonl", {"prompt": "p", "contract": "tiny"})
    _lines(tmp_path / "completions" / "step-000001.jsonl", _record(GOOD))
    _lines(tmp_path / "completions" / "step-000002.jsonl", _record(BAD))
    subject = read_subject(tmp_path)
    assert subject.sampled == (GOOD, BAD)
    assert (subject.task.options["target"] if subject.task else None, subject.contract) == (64, "tiny")
    assert (subject.sandbox.workers, subject.sandbox.limits.call_cpu) == (3, 9)


def test_completions_play_again_in_the_sandbox_of_their_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened(Exception):
        pass

    def opened(task: Any, **options: Any) -> Any:
        raise Opened(options)

    monkeypatch.setattr("envrl.workflow.pairs.open_arena", opened)
    sandbox = load_config(
        None, ["sandbox.workers=3", "sandbox.limits.call_cpu=9", "sandbox.require=[limits, seccomp]"]
    ).config.sandbox
    subject = PairSubject("here", (Sampled("p", "c"),), find_task("2048"), "tiny", sandbox)
    with pytest.raises(Opened) as met:
        make_pairs(subject, episodes=4, require=["landlock"])
    (options,) = met.value.args
    assert (options["runner"], options["workers"], options["limits"].call_cpu) == ("local", 3, 9)
    assert options["require"] == ("limits", "seccomp", "landlock")


def _sweep(folder: Path, task_id: str, contract: str | None, prompt: str | None) -> Path:
    header = SweepHeader(
        kind="model",
        subject="tiny",
        task=task_id,
        task_version=0,
        options={"target": 64},
        environment={"id": "2048", "options": {"target": 64}},
        success="",
        toolkit="full",
        contract=contract,
        prompt_sha256=hashlib.sha256(prompt.encode()).hexdigest() if prompt is not None else None,
        block="test",
        seeds="0:2",
        limits={},
        layers=(),
        sampling={},
        versions={},
        command="",
        created="",
    )
    folder.mkdir()
    (folder / "sweep.json").write_bytes(msgspec.json.encode(header))
    programs = [
        SweepProgram(index=i, label=f"#{i}", completion=f"text {i}", source="x", clipped=i == 1) for i in (0, 1)
    ]
    _lines(folder / "programs.jsonl", *map(msgspec.to_builtins, programs))
    episodes = [Episode(index=i, outcome=Outcome.SUCCESS) for i in (0, 1)]
    _lines(
        folder / "episodes.jsonl",
        *({"program": program, **msgspec.to_builtins(one)} for program in (0, 1) for one in episodes),
    )
    write_status(folder / "status.json", Status(state="finished", step=0, pid=1, boot_id=None, updated=""))
    return folder


def test_a_sweep_gives_the_completions_of_its_programs(tmp_path: Path) -> None:
    task = find_task("2048", {"target": 64})
    subject = read_subject(_sweep(tmp_path / "sweep", task.id, "tiny", task.prompt("tiny")))
    assert [(one.completion, one.clipped) for one in subject.sampled] == [("text 0", False), ("text 1", True)]
    assert [episode.index for one in subject.sampled for episode in (one.card.episodes if one.card else ())] == [
        0,
        1,
    ] * 2
    with pytest.raises(RunError, match=r"answer another prompt than envrl/2048-v0 shows today"):
        read_subject(_sweep(tmp_path / "old", task.id, "tiny", "an older prompt"))
    with pytest.raises(RunError, match=r"a sweep of strategy files, which answer no prompt"):
        read_subject(_sweep(tmp_path / "files", task.id, None, None))


def test_a_file_says_its_prompt_or_the_environment_does(tmp_path: Path) -> None:
    task = find_task("2048", {"target": 64})
    path = _lines(tmp_path / "a.jsonl", {"completion": "c"}, {"completion": "d", "prompt": "own"})
    assert [one.prompt for one in read_subject(path, task, "tiny").sampled] == [task.prompt("tiny"), "own"]
    with pytest.raises(RunError, match=r"a.jsonl:1: no prompt; name the environment with --env"):
        read_subject(path)


def test_the_last_line_of_a_file_needs_no_end_but_must_be_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"completion": "c", "prompt": "p"}\n{"completion": "d", "prompt": "p"}')
    assert [one.completion for one in read_subject(path).sampled] == ["c", "d"]
    path.write_text('{"completion": "c", "prompt": "p"}\n{"completion": "d", "pro')
    with pytest.raises(RunError, match=r"a.jsonl:2: the last line is broken"):
        read_subject(path)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"text": "c"}, "no text under 'completion'"),
        ({"completion": "c", "prompt": "p", "card": {"episodes": 3}}, "not a scorecard under 'card'"),
    ],
)
def test_lines_that_are_no_completions(tmp_path: Path, record: dict[str, Any], said: str) -> None:
    with pytest.raises(RunError, match=said) as error:
        read_subject(_lines(tmp_path / "a.jsonl", record))
    assert "a.jsonl:1" in str(error.value)


def test_answers_to_different_questions_make_no_pairs(tmp_path: Path) -> None:
    path = _lines(tmp_path / "a.jsonl", {"completion": "<answer>16</answer>"})
    with pytest.raises(RunError, match=r"a\.jsonl: envrl/math-answer-v0 is an answer task"):
        read_subject(path, find_task("math-answer"))


def test_what_is_neither_run_nor_sweep_nor_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "no run and no sweep"), (tmp_path / "x.jsonl", "no run, no sweep and no file")):
        with pytest.raises(RunError, match=said):
            read_subject(path)
    (tmp_path / "config.yaml").write_text("env: {id: 2048}\n")
    with pytest.raises(RunError, match=r"keeps no completions"):
        read_subject(tmp_path)


# -- the commands ----------------------------------------------------------------------------------------------------


def _envrl(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_the_commands_from_completions_to_checked_pairs(tmp_path: Path) -> None:
    given = _lines(
        tmp_path / "given.jsonl",
        *({"prompt": "p", "completion": text} for text in (_GOOD, _POOR, "no program")),
    )
    pairs = tmp_path / "pairs.jsonl"
    options = ["--env", "2048", "--set", "target=64", "--contract", "tiny", "--episodes", "8", "--workers", "1"]
    done = _envrl("pairs", str(given), *options, "--output", str(pairs), "--margin", "0.1", "--confidence", "0.5")
    assert done.exit_code == 0, done.output
    assert "1 left out: no_code" in done.output
    assert "exact one-sided Wilcoxon" in done.output
    (row,) = map(json.loads, pairs.read_bytes().splitlines())
    assert row["chosen_success"] > row["rejected_success"]
    played = read_subject(tmp_path / "pairs.completions.jsonl").sampled
    assert [one.completion for one in played] == [_GOOD, _POOR, "no program"]
    assert all(one.card is not None for one in played)
    assert len(load_rows(DatasetConfig(path=[str(tmp_path / "pairs.jsonl")]), "dpo").train) == 1
    again = _envrl("pairs", str(given), *options, "--output", str(pairs))
    assert "pairs.jsonl: exists already" in str(again.exception)
    checked = _envrl("data", "check", str(pairs))
    assert checked.exit_code == 0, checked.output
    assert "stage dpo: 1 rows, 0 left out" in checked.output
    assert "both bad" in checked.output


def test_a_configuration_needs_samples_and_episodes(tmp_path: Path) -> None:
    for arguments, said in (
        (["config.yaml"], "give --samples and --episodes"),
        (["a.jsonl", "--samples", "4"], "--samples is for a CONFIG.yaml"),
        (["a.jsonl", "--env", "2048", "--set", "target"], "write KEY=VALUE"),
    ):
        done = _envrl("pairs", *arguments)
        assert done.exit_code == 2
        assert said in done.output


def test_outputs_and_options_are_checked_before_anything_is_played(tmp_path: Path, monkeypatch: Any) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("completions were read already")

    monkeypatch.setattr("envrl.workflow.pair_subjects.read_subject", never)
    given = _lines(tmp_path / "given.jsonl", {"prompt": "p", "completion": "c"})
    (tmp_path / "old.completions.jsonl").write_text("hours of play")
    for output, said in (("nowhere/x.jsonl", "folder does not exist"), ("old.jsonl", "old.completions.jsonl: exists")):
        done = _envrl("pairs", str(given), "--episodes", "4", "--output", str(tmp_path / output))
        assert isinstance(done.exception, RunError)
        assert said in str(done.exception)
    for arguments, said in (
        ((str(tmp_path), "--env", "2048"), "are for a file of completions"),
        ((str(tmp_path), "--contract", "chat"), "are for a file of completions"),
        ((str(given), "--set", "target=64"), "--set is an option of --env"),
    ):
        done = _envrl("pairs", *arguments)
        assert done.exit_code == 2
        assert said in done.output


def test_data_are_read_as_training_reads_them(tmp_path: Path) -> None:
    from envrl.workflow.data import open_data

    data = _lines(tmp_path / "a.jsonl", *({"prompt": f"q{i}", "completion": "a"} for i in range(20)))
    config = tmp_path / "run.yaml"
    config.write_text(f"method: {{name: sft}}\ndataset: {{path: [{data}], val_size: 5}}\ntrain: {{seed: 7}}\n")
    opened = open_data(str(config))
    assert opened.rows.eval == load_rows(opened.config, "sft", seed=7).eval
    assert opened.rows.eval != load_rows(opened.config, "sft", seed=0).eval
    text = _lines(tmp_path / "t.jsonl", {"text": "9 " * 400})
    config.write_text(f"method: {{name: pt}}\ndataset: {{path: [{text}], max_length: 8}}\n")
    assert open_data(str(config)).rows.notes == (), "texts of pre-training are never cut"


def test_prompts_of_every_turn_are_measured(tmp_path: Path) -> None:
    from envrl.workflow.data import open_data

    turns = [("user", "q"), ("assistant", "a"), ("user", "9" * 60), ("assistant", "b")]
    short = {"messages": [{"role": role, "content": text} for role, text in turns[:2]]}
    long = {"messages": [{"role": role, "content": text} for role, text in turns]}
    data = _lines(tmp_path / "a.jsonl", short, long)
    with pytest.raises(ConfigError, match=r"max_prompt_length: 1 of 3 prompts .* for example .*a.jsonl:2"):
        open_data(str(data), None, ["method.max_prompt_length=50"], "tiny")


def test_data_is_prepared_in_the_shape_of_its_stage(tmp_path: Path) -> None:
    source = tmp_path / "alpaca.json"
    source.write_text(json.dumps([{"instruction": f"q{i}", "output": "a"} for i in range(4)] + [{"instruction": ""}]))
    output = tmp_path / "prepared"
    done = _envrl("data", "prepare", str(source), "dataset.val_size=1", "--output", str(output))
    assert done.exit_code == 0, done.output
    assert f"{source}:1:row 5" in done.output  # the array stands on one line
    assert "left out, 1: empty prompt" in done.output
    assert len((output / "train.jsonl").read_bytes().splitlines()) == 3
    assert len(load_rows(DatasetConfig(path=[str(output)]), "sft").train) == 3
    again = _envrl("data", "prepare", str(source), "--output", str(output))
    assert isinstance(again.exception, EnvrlError)
    assert "exists already" in str(again.exception)


def test_a_configuration_is_checked_for_its_own_stage(tmp_path: Path) -> None:
    data = _lines(tmp_path / "a.jsonl", {"prompt": "q", "completion": "a", "label": True})
    config = tmp_path / "run.yaml"
    config.write_text(f"method: {{name: kto}}\ndataset: {{path: [{data}]}}\n")
    done = _envrl("data", "check", str(config))
    assert done.exit_code == 1  # one label alone
    assert "KTO learns from both" in done.output
    config.write_text("method: {name: grpo}\n")
    refused = _envrl("data", "check", str(config))
    assert isinstance(refused.exception, EnvrlError)
    assert "grpo plays and reads no data; give --stage" in str(refused.exception)


def test_a_recipe_s_model_writes_completions_that_its_seed_decides() -> None:
    pytest.importorskip("torch")
    from envrl.config import load_config
    from envrl.workflow.pair_subjects import sample_completions
    from envrl.workflow.recipes import recipes_folder

    config = load_config(recipes_folder() / "2048" / "dpo-from-play.yaml").config
    first, again = (sample_completions(config, 3, 1, Silent(), "tiny") for _ in range(2))
    assert first.task is not None
    assert {one.prompt for one in first.sampled} == {first.task.prompt("tiny")}
    assert [one.completion for one in first.sampled] == [one.completion for one in again.sampled]
    assert len({one.completion for one in first.sampled}) > 1
    assert all(one.clipped is False and one.card is None for one in first.sampled)
