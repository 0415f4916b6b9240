"""Recorded episodes, played again: exact where nothing was changed, and told where something was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.envs import find_task
from envrl.errors import EnvrlError, RunError
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import SweepHeader, SweepProgram
from envrl.limits import Limits
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers
from envrl.seeding import block_salt, episode_seeds
from envrl.workflow.recorded import Record, choose, moment_of_step, name_of, step_of
from envrl.workflow.replay import play_again

OPTIONS = {"target": 32, "horizon": 60}
LIMITS = Limits(load_cpu=0.4, call_cpu=0.2, game_cpu=1.0, grace_cpu=0.1, memory=48 * 2**20)
SOURCES = {
    "greedy": "def strategy(board):\n    return max(legal(board), key=lambda m: score_of(board, m))\n",
    "chance": "def strategy(board):\n    return choice(legal(board))\n",
    "slow": "def strategy(board):\n    while maxtile(board) >= 8:\n        pass\n    return legal(board)[0]\n",
    "greedy for memory": (
        "def strategy(board):\n    if maxtile(board) >= 8:\n        return [0] * 10**9\n    return legal(board)[0]\n"
    ),
    "raises": "def strategy(board):\n    raise ValueError('\x1b[31mred')\n",
    "cheat": "import os\ndef strategy(board):\n    return 'W'\n",
    "slow from the start": "while True:\n    pass\ndef strategy(board):\n    return 'W'\n",
}
GREEDY, CHANCE, SLOW, MEMORY, RAISES, CHEAT, STUCK = range(7)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of strategies that fail in several ways, played on three seeds."""
    folder = tmp_path_factory.mktemp("sweeps") / "s"
    task = find_task("2048", OPTIONS)
    indices = (16, 17, 18)
    seeds = tuple(episode_seeds(block_salt("test", task.id, task.version), "test", indices))
    players = LocalPlayers(task, LIMITS)
    try:
        cards = players.play([Assignment(source, indices, seeds) for source in SOURCES.values()])
    finally:
        players.close()
    header = SweepHeader(
        kind="strategies", subject="s", task=task.id, task_version=task.version, options=task.options,
        environment={"id": "2048", "options": OPTIONS, "toolkit": "full"}, success=task.success, toolkit="full",
        contract=None, prompt_sha256=None, block="test", seeds="16:19", limits=msgspec.to_builtins(LIMITS),
        layers=(), sampling={}, versions={}, command="envrl eval", created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    with SweepLog.create(folder, header, header) as log:
        for index, (label, card) in enumerate(zip(SOURCES, cards, strict=True)):
            log.add(
                SweepProgram(
                    index=index,
                    label=label,
                    completion=None,
                    source=card.source,
                    outcome=card.outcome,
                    detail=card.detail,
                    program_hash=card.program_hash,
                )
            )
            for episode in card.episodes:
                log.record(index, episode)
        log.finish(header)
    return folder


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (GREEDY, None),
        (CHANCE, None),
        (SLOW, Outcome.TIMEOUT),
        (MEMORY, Outcome.MEMORY),
        (RAISES, Outcome.EXCEPTION),
        (STUCK, Outcome.TIMEOUT),
    ],
)
def test_what_was_recorded_is_played_again_to_the_bit(sweep, number, outcome):
    record = Record(sweep)
    program = record.programs("sweep")[number]
    episode = program.episode(17)
    assert outcome is None or episode.outcome is outcome
    replayed = play_again(record.conditions("sweep"), program, episode)
    assert replayed.exact, replayed.differences
    assert len(replayed.recording.moves) == episode.steps
    assert replayed.put_back == (outcome in (Outcome.TIMEOUT, Outcome.MEMORY))


def test_a_timeout_is_put_back_where_it_fell_however_fast_this_machine_is(sweep):
    record = Record(sweep)
    program = record.programs("sweep")[GREEDY]
    slow = msgspec.structs.replace(program.episode(17), outcome=Outcome.TIMEOUT, call=5, steps=5)
    replayed = play_again(record.conditions("sweep"), program, slow)
    assert replayed.put_back
    assert (replayed.recording.episode.outcome, replayed.recording.episode.steps) == (Outcome.TIMEOUT, 5)
    assert not [told for told in replayed.differences if told.startswith(("outcome", "steps", "call"))]


def test_a_timeout_that_cannot_come_to_pass_is_told(sweep):
    record = Record(sweep)
    program = record.programs("sweep")[RAISES]
    slow = msgspec.structs.replace(program.episode(17), outcome=Outcome.TIMEOUT, call=5)
    replayed = play_again(record.conditions("sweep"), program, slow)
    assert not replayed.put_back
    assert "outcome: recorded timeout, now exception" in replayed.differences
    assert "call: recorded 5, now 0" in replayed.differences


def test_what_was_never_played_is_not_played_now(sweep):
    record = Record(sweep)
    with pytest.raises(RunError, match=r"program 5 has no episode \(violation: "):
        record.programs("sweep")[CHEAT].episode()
    program = record.programs("sweep")[GREEDY]
    skipped = msgspec.structs.replace(program.episode(), outcome=Outcome.SKIPPED)
    with pytest.raises(RunError, match="never played"):
        play_again(record.conditions("sweep"), program, skipped)


def test_a_program_is_named_by_number_label_hash_or_as_the_best(sweep):
    programs = Record(sweep).programs("sweep")
    greedy = programs[GREEDY]
    for wanted in ("0", "#0", "greedy", greedy.program_hash, greedy.program_hash[:6].upper()):
        assert choose(programs, wanted) is greedy, wanted
    best = choose(programs, "best")
    assert best.wins == max(program.wins for program in programs)
    for wanted in ("7", "-1", "ab", "", "zzzz"):
        with pytest.raises(RunError, match="give a number from 0 to 6"):
            choose(programs, wanted)
    with pytest.raises(RunError, match="no best one"):
        choose([programs[CHEAT]], "best")
    with pytest.raises(RunError, match="did not play seed 3: it played 16 … 18"):
        greedy.episode(3)


def test_moments_have_names():
    assert moment_of_step(17) == "step-000017"
    assert step_of("step-000017") == 17
    for other in ("after", "step-", "step-x", "step-0", "step-²", "step-" + 20 * "9"):
        assert step_of(other) is None, other
    assert [name_of(m) for m in ("before", "step-000017", "sweep")] == ["before training", "training step 17", "sweep"]


def replay(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["replay", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_says_that_a_replay_is_exact(sweep):
    code, said = replay(sweep, "--program", "greedy", "--seed", 17, "--delay", 0)
    assert code == 0
    assert "seed 17 of block test" in said
    assert "\nmove 1: '" in said
    assert "exact: outcome, steps, score, progress, metrics and call are as recorded" in said


def test_the_command_says_that_a_timeout_was_put_back_and_escapes_what_a_program_said(sweep):
    assert "timeout put back at call " in replay(sweep, "--program", SLOW, "--quiet")[1]
    said = replay(sweep, "--program", RAISES)[1]
    assert "\x1b[31mred" not in said
    assert "\\x1b[31mred" in said


def test_the_command_says_what_differs_and_ends_with_1(sweep, tmp_path):
    copy = tmp_path / "s"
    shutil.copytree(sweep, copy)
    lines = [json.loads(line) for line in (copy / "episodes.jsonl").read_text().splitlines()]
    lines[1]["score"] += 4
    (copy / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"program": 0, "ind')
    code, said = replay(copy, "--program", 0, "--seed", 17, "--quiet")
    assert code == 1
    assert "NOT exact" in said
    assert f"score: recorded {lines[1]['score']}, now {lines[1]['score'] - 4}" in said


def test_the_command_writes_a_picture_that_moves(sweep, tmp_path):
    path = tmp_path / "out.gif"
    code, said = replay(sweep, "--program", "best", "--video", path)
    assert code == 0
    assert f"wrote {path}" in said
    assert path.read_bytes().startswith(b"GIF8")


def test_a_run_s_programs_are_exact_before_after_and_in_training(finished):
    path = finished[0].run.path
    record = Record(path)
    moments = record.moments()
    assert moments[0] == "before"
    assert moments[-1] == "after"
    assert step_of(moments[1]) == 1
    for moment in ("before", "after", moments[1]):
        program = choose(record.programs(moment), "best")
        conditions = record.conditions(moment)
        assert conditions.block == ("train" if step_of(moment) else "test")
        replayed = play_again(conditions, program, program.episodes[-1])
        assert replayed.exact, (moment, replayed.differences)


def test_the_command_finds_a_training_step(finished):
    code, said = replay(finished[0].run.path, "--step", 1, "--quiet")
    assert code == 0
    assert "), training step 1; seed " in said
    assert "of block train" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--step", 9], "no completions of step 9 (step-000009.jsonl is missing); it has before … after"),
        (["--program", 99], "no program '99'"),
        (["--seed", 99], "did not play seed 99"),
    ],
)
def test_what_a_run_does_not_have_is_refused(finished, arguments, told):
    with pytest.raises(EnvrlError) as error:
        replay(finished[0].run.path, *arguments)
    assert told in str(error.value)


def test_what_makes_no_sense_is_refused(sweep, tmp_path):
    assert "two moments" in replay(sweep, "--step", 1, "--label", "after")[1]
    assert "measured once" in replay(sweep, "--label", "after")[1]
    assert "give seconds" in replay(sweep, "--delay", -1)[1]
    with pytest.raises(RunError, match="neither a run nor a sweep"):
        replay(tmp_path)


def test_another_version_of_the_task_is_refused(sweep, finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished[0].run.path, run)
    lock = json.loads((run / "lock.json").read_text())
    lock["task"]["version"] += 1
    (run / "lock.json").write_text(json.dumps(lock))
    with pytest.raises(RunError, match="version"):
        Record(run).conditions("after")
    del lock["task"]
    (run / "lock.json").write_text(json.dumps(lock))
    with pytest.raises(RunError, match="plays nothing"):
        Record(run).conditions("after")


def test_broken_files_are_told(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished[0].run.path, run)
    (run / "eval" / "after.json").write_text("[1]")
    with pytest.raises(RunError, match="not what a run writes"):
        Record(run).programs("after")
    (run / "completions" / "step-000001.jsonl").write_text('{"completion": 1}\n')
    with pytest.raises(RunError, match="not what a run writes"):
        Record(run).programs("step-000001")
