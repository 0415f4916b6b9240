"""Reports rebuilt from files: of a sweep that was really played, of a run, and of what has not come to its end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from envrl.cli.main import cli
from envrl.envs import Task, find_task
from envrl.errors import RunError, UnknownNameError
from envrl.evaluation.report.record import SweepReport, read_report
from envrl.evaluation.sweeps import EPISODES, HEADER, PROGRAMS, STATUS, SweepHeader, SweepProgram
from envrl.rollouts import Assignment, LocalPlayers
from envrl.runs.status import State, Status, write_status
from envrl.seeding import block_salt, episode_seeds
from envrl.workflow.rebuilding import rebuild
from envrl.workflow.replays import Again, frame_of
from envrl.workflow.reporting import write_report
from envrl.workflow.schemas import schema_text

OPTIONS = {"target": 32, "horizon": 40}
SOURCES = {
    "greedy.py": "def strategy(board):\n    return max(legal(board), key=lambda m: score_of(board, m))\n",
    "constant.py": "def strategy(board):\n    return 'W'\n",
    "cheat.py": "import os\ndef strategy(board):\n    return 'W'\n",
    "slow.py": "def strategy(board):\n    while True:\n        pass\n",
    "hostile.py": "def strategy(board):\n    # </script><img onerror=x>\u202e\n    return legal(board)[0]\n",
}
SEEDS = range(4)


def write_sweep(folder: Path, task: Task, sources: dict[str, str], environment: dict[str, Any]) -> None:
    """Plays strategies and writes what a sweep's directory holds."""
    salt = block_salt("test", task.id, task.version)
    seeds = tuple(episode_seeds(salt, "test", SEEDS))
    players = LocalPlayers(task)
    try:
        cards = players.play([Assignment(source, tuple(SEEDS), seeds) for source in sources.values()])
    finally:
        players.close()
    header = SweepHeader(
        kind="strategies",
        subject="strategies/",
        task=task.id,
        task_version=task.version,
        options=task.options,
        environment=environment,
        success=task.success,
        toolkit="full",
        contract=None,
        prompt_sha256=None,
        block="test",
        seeds="0:4",
        limits=msgspec.to_builtins(task.limits),
        layers=("seccomp",),
        sampling={},
        versions={"python": "3"},
        command="envrl eval --strategy strategies/",
        created="2026-01-01T00:00:00+00:00",
    )
    folder.mkdir()
    (folder / HEADER).write_bytes(msgspec.json.encode(header))
    programs, episodes = [], []
    for index, (label, card) in enumerate(zip(sources, cards, strict=True)):
        program = SweepProgram(
            index=index,
            label=label,
            completion=None,
            source=sources[label],
            outcome=card.outcome,
            detail=card.detail,
            program_hash=card.program_hash,
        )
        programs.append(msgspec.json.encode(program) + b"\n")
        for episode in card.episodes:
            episodes.append(msgspec.json.encode({"program": index, **msgspec.to_builtins(episode)}) + b"\n")
    (folder / PROGRAMS).write_bytes(b"".join(programs))
    (folder / EPISODES).write_bytes(b"".join(episodes))
    set_state(folder, "finished")


def set_state(folder: Path, state: State) -> None:
    write_status(
        folder / STATUS, Status(state=state, step=20, pid=1, boot_id=None, updated="2026-01-01T00:00:00+00:00")
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps") / "one"
    write_sweep(folder, find_task("2048", OPTIONS), SOURCES, {"id": "2048", "options": OPTIONS})
    return folder


@pytest.fixture(scope="module")
def rebuilt(played: Path) -> SweepReport:
    return rebuild(played)


@pytest.fixture
def copied(played: Path, tmp_path: Path) -> Path:
    return shutil.copytree(played, tmp_path / "sweep")


# -- a sweep ----------------------------------------------------------------------------------------------------------


def test_replays_go_as_they_were_measured(rebuilt: SweepReport) -> None:
    cards = {card.title: card for card in rebuilt.gallery}
    best, middle = (next(card for title, card in cards.items() if word in title) for word in ("best", "middle"))
    for card in (best, middle):
        assert card.replay is not None, card.no_replay
        assert card.replay.exact
        assert len(card.replay.frames) == card.replay.steps + 1
        assert card.replay.frames[0].text.startswith("score 0")
    assert best.replay is not None
    assert best.replay.frames[-1].text.startswith(f"score {best.replay.score:.0f}")


def test_programs_that_do_not_react_are_found(rebuilt: SweepReport) -> None:
    found = rebuilt.sides[0].exploits
    assert found is not None
    assert (found.refused, found.kinds[0].reason) == (1, "import of 'os'")
    assert found.constants is not None
    # cheat.py cannot be played, slow.py ran into its budget; of the other three one is constant.
    assert (found.constants.constant, found.constants.told) == (1, 3)


def test_a_report_is_the_same_each_time_it_is_rebuilt(played: Path, rebuilt: SweepReport) -> None:
    assert rebuild(played) == rebuilt


def test_other_options_have_no_reference_strategies(rebuilt: SweepReport) -> None:
    assert rebuilt.baselines.rows == ()
    assert "target 512 where this has 32" in rebuilt.baselines.note


def test_all_forms_are_written_and_hold_the_same(copied: Path, rebuilt: SweepReport) -> None:
    page = write_report(copied, rebuilt)
    assert page == copied / "report.html"
    assert read_report(copied / "report.json") == rebuilt
    for form in (page.read_text(), (copied / "report.md").read_text()):
        assert "greedy.py" in form
        assert rebuilt.command in form
        assert "\u202e" not in form
    assert "<img" not in page.read_text()


def test_a_replay_that_went_otherwise_is_marked(played: Path) -> None:
    from envrl.evaluation.sweeps import read_sweep

    sweep = read_sweep(played)
    other = msgspec.structs.replace(sweep.episodes[0][0], score=-1.0)
    with Again() as again:
        task = find_task("2048", OPTIONS)
        assert not again.replay(task, sweep.header, SOURCES["greedy.py"], other).exact


def test_an_environment_that_is_gone_leaves_a_report_without_replays(copied: Path) -> None:
    header = json.loads((copied / HEADER).read_text())
    header["environment"] = {"id": "nobody/knows-v0"}
    (copied / HEADER).write_text(json.dumps(header))
    report = rebuild(copied)
    assert any("nobody/knows-v0" in warning for warning in report.warnings)
    assert all(card.replay is None for card in report.gallery)
    assert report.sides[0].samples == len(SOURCES)


def test_another_environment_is_replayed_by_what_it_shows(tmp_path: Path) -> None:
    task = find_task("FrozenLake-v1")
    source = f"def {task.entry_point}(*observation):\n    return 2\n"
    write_sweep(tmp_path / "s", task, {"right.py": source}, {"id": "FrozenLake-v1"})
    (card,) = rebuild(tmp_path / "s").gallery
    assert card.replay is not None, card.no_replay
    assert card.replay.exact
    start = card.replay.frames[0]
    assert "SFFF" in start.text
    assert [start.text[low:high] for low, high in start.marks] == ["S"]


# -- frames -----------------------------------------------------------------------------------------------------------


def test_frames_are_safe_and_keep_what_stands_out() -> None:
    frame = frame_of("c", "\x1b[41mS\x1b[0mF\u202e\x9d\n\x1b[7m\u200b\x1b[0m")
    assert frame.text == "SF\\u202e\\x9d\n\\u200b"
    assert [frame.text[low:high] for low, high in frame.marks] == ["S", "\\u200b"]


def test_a_frame_is_cut() -> None:
    assert len(frame_of("c", "x" * 100_000).text) == 4000


def test_long_replays_are_thinned_but_keep_start_and_end(monkeypatch: pytest.MonkeyPatch, played: Path) -> None:
    from envrl.evaluation.sweeps import read_sweep
    from envrl.workflow import replays

    monkeypatch.setattr(replays, "_MOST_BYTES", 1500)
    sweep = read_sweep(played)
    with Again() as again:
        episode = sweep.episodes[0][0]
        replay = again.replay(find_task("2048", OPTIONS), sweep.header, SOURCES["greedy.py"], episode)
    assert replay.every > 1
    captions = [frame.caption for frame in replay.frames]
    assert captions[0] == "start"
    assert captions[1].startswith(f"move {replay.every}:")
    assert captions[-1].startswith(f"move {replay.steps}:")
    assert len(captions) == len(set(captions))


# -- what has not come to its end, and what is no such thing ----------------------------------------------------------


def test_a_sweep_that_goes_on_is_refused_or_marked(copied: Path) -> None:
    set_state(copied, "running")
    lines = (copied / EPISODES).read_bytes().splitlines(keepends=True)
    (copied / EPISODES).write_bytes(b"".join(lines[:-2]))
    with pytest.raises(RunError, match="--partial"):
        rebuild(copied)
    report = rebuild(copied, partial=True)
    assert "2 episodes" in report.partial
    assert report.sides[0].missing == 2


def _empty(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "told"),
    [(lambda path: None, "no such directory"), (_empty, "holds neither a run nor a sweep")],
)
def test_what_is_neither_is_refused(make: Callable[[Path], None], told: str, tmp_path: Path) -> None:
    make(tmp_path / "x")
    with pytest.raises(RunError, match=told):
        rebuild(tmp_path / "x")


# -- a run ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run_copy(finished: Any, tmp_path: Path) -> Path:
    trained, _ = finished
    return shutil.copytree(trained.run.path, tmp_path / "run")


def test_a_run_is_rebuilt_as_it_was_written(finished: Any) -> None:
    trained, _ = finished
    report = rebuild(trained.run.path)
    assert report == trained.report == read_report(trained.run.path / "report.json")
    assert report.kind == "training"
    assert [side.model for side in report.sides] == ["tiny", "tiny after 3 steps"]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("running", "was killed at step 3"),
        ("interrupted", "is interrupted at step 3"),
        ("failed", "is failed at step 3"),
    ],
)
def test_a_run_that_has_not_come_to_its_end_is_refused(run_copy: Path, state: State, told: str) -> None:
    set_state(run_copy, state)
    with pytest.raises(RunError, match=told):
        rebuild(run_copy)


def test_a_part_of_a_run_shows_the_curve_so_far(run_copy: Path) -> None:
    set_state(run_copy, "interrupted")
    (run_copy / "eval" / "after.json").unlink()
    (run_copy / "eval" / "best.json").unlink()
    report = rebuild(run_copy, partial=True)
    assert [side.label for side in report.sides] == ["before"]
    assert [point.step for point in report.curve] == [1, 2, 3]
    assert "after training is not there yet" in report.partial
    (run_copy / "eval" / "before.json").unlink()
    (run_copy / "metrics.jsonl").unlink()
    bare = rebuild(run_copy, partial=True)
    assert bare.sides == ()
    write_report(run_copy, bare)
    assert "Not finished" in (run_copy / "report.html").read_text()


# -- the commands -----------------------------------------------------------------------------------------------------


def test_the_command_writes_where_it_is_told_and_prints(copied: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["report", str(copied), "--output", str(tmp_path / "new" / "place")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "new" / "place").iterdir()} == {"report.html", "report.json", "report.md"}
    assert not (copied / "report.html").exists()
    assert "strongest of 5 strategies" in done.output


def test_schemas_are_of_what_is_written(rebuilt: SweepReport) -> None:
    schema = json.loads(schema_text("report"))
    fields = schema["$defs"]["SweepReport"]["properties"]
    assert set(fields) == set(json.loads(msgspec.json.encode(rebuilt)))
    assert fields["schema"]["default"] == 1
    assert json.loads(schema_text("config"))["properties"]["train"]
    with pytest.raises(UnknownNameError, match="report"):
        schema_text("reprot")
