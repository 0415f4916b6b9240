"""A sweep's directory, read: what it holds, and what is not one."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest

from envrl.errors import RunError
from envrl.evaluation.headline import headline, headline_of
from envrl.evaluation.measure import Measurement
from envrl.evaluation.sequential import confidence_sequence
from envrl.evaluation.statistics import crossed_rate, wilson
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import EPISODES, HEADER, PROGRAMS, Sweep, SweepHeader, SweepProgram, is_sweep, read_sweep
from envrl.outcomes import Outcome
from envrl.rewards import Scored
from envrl.rollouts import Episode, Scorecard

HEAD = SweepHeader(
    kind="model", subject="tiny", task="envrl/2048-v0", task_version=0, options={"target": 64}, success="tile 64",
    toolkit="full", contract="tiny", prompt_sha256="0" * 64, block="test", seeds="4:7", limits={"memory": 1},
    layers=("seccomp",), sampling={"temperature": 1.0}, versions={"python": "3"}, command="envrl eval",
    created="2026-01-01T00:00:00+00:00",
)  # fmt: skip
OUTCOMES = [
    [Outcome.SUCCESS, Outcome.FAILURE, Outcome.SKIPPED],
    [Outcome.INFRASTRUCTURE_ERROR, Outcome.SUCCESS],  # one is not played yet
]


@pytest.fixture
def directory(tmp_path):
    """Two programs that played, one that could not, and one that envrl itself could not have written."""
    with SweepLog.create(tmp_path / "s", HEAD, HEAD) as log:
        for index, source in enumerate(["a", "b", "c", None]):
            log.add(SweepProgram(index=index, label=f"#{index}", completion="…", source=source, tokens=7))
        for index, row in enumerate(OUTCOMES):
            for place, outcome in enumerate(row):
                log.record(index, Episode(index=4 + place, outcome=outcome, score=10.0 * place, progress=0.5))
        log.amend(2, outcome=Outcome.SYNTAX_ERROR, detail="line 1")
        log.amend(3, outcome=Outcome.INFRASTRUCTURE_ERROR, detail="the server is gone")
    return tmp_path / "s"


def test_a_sweep_reads_as_it_was_written(directory):
    assert is_sweep(directory)
    sweep = read_sweep(directory)
    assert sweep.header == HEAD
    assert sweep.seeds == range(4, 7)
    assert [p.outcome for p in sweep.programs] == [None, None, Outcome.SYNTAX_ERROR, Outcome.INFRASTRUCTURE_ERROR]
    assert [[e.outcome for e in row] for row in sweep.episodes] == [*OUTCOMES, [], []]
    assert not sweep.finished
    nan = math.nan
    np.testing.assert_array_equal(sweep.wins(), [[1, 0, 0], [nan, 1, nan], [0, 0, nan], [nan, nan, nan]])
    np.testing.assert_array_equal(sweep.certain_wins(), [[1, 0, 0], [nan, 1, nan], [0, 0, 0], [nan, nan, nan]])
    np.testing.assert_array_equal(sweep.scores(), [[0, 10, nan], [nan, 10, nan], [nan, nan, nan], [nan, nan, nan]])
    np.testing.assert_array_equal(sweep.progress(), [[0.5, 0.5, 0.5], [nan, 0.5, nan], [0, 0, nan], [nan, nan, nan]])


def test_a_log_has_the_same_wins_as_the_sweep(directory):
    log, sweep = SweepLog.reopen(directory)
    with log:
        np.testing.assert_array_equal(log.wins(3), sweep.wins())


def test_a_run_s_measurement_is_a_sweep_too():
    card = Scorecard(source="a", program_hash="12", episodes=(Episode(index=4, outcome=Outcome.SUCCESS),))
    none = Scorecard(source=None, outcome=Outcome.NO_CODE, detail="no fenced blocks")
    measurement = Measurement(
        label="after", model="tiny", task="t", task_version=0, block="test", seeds="4:5",
        scored=[Scored("x", card, {"success": 1.0}, 2.0), Scored("y", none, {"success": 0.0}, 0.0)],
    )  # fmt: skip
    sweep = Sweep.of_measurement(measurement, msgspec.structs.replace(HEAD, seeds="4:5"))
    np.testing.assert_array_equal(sweep.wins(), [[1], [0]])
    assert [(p.label, p.completion, p.program_hash, p.outcome) for p in sweep.programs] == [
        ("#0", "x", "12", None),
        ("#1", "y", None, Outcome.NO_CODE),
    ]
    assert sweep.programs[0].rewards == {"success": 1.0}


def test_torn_last_lines_are_left_out(directory):
    whole = read_sweep(directory)
    for name in (EPISODES, PROGRAMS):
        with open(directory / name, "ab") as file:
            file.write(b'{"index": 2, "outco')
    assert read_sweep(directory) == whole


def test_a_directory_that_is_no_sweep(tmp_path):
    with pytest.raises(RunError, match=r"not a sweep \(no such directory\)"):
        read_sweep(tmp_path / "no")
    with pytest.raises(RunError, match=r"not a sweep \(sweep.json is missing\)"):
        read_sweep(tmp_path)
    assert not is_sweep(tmp_path)


@pytest.mark.parametrize("schema", [0, 2, None, "1"])
def test_another_version_of_the_format_is_named(directory, schema):
    content = json.loads((directory / HEADER).read_text()) | {"schema": schema}
    (directory / HEADER).write_text(json.dumps(content))
    with pytest.raises(RunError, match=f"schema {schema!r} where this envrl reads schema 1"):
        read_sweep(directory)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (HEADER, b"{", "broken JSON"),
        (HEADER, b'{"schema": 1}', "not a sweep's header"),
        (HEADER, b"[]", "schema None"),
        (PROGRAMS, b'{"index": 1}\n', ":1: program 1 comes out of order"),
        (PROGRAMS, b'{"label": "x"}\n', ":1: program None comes out of order"),
        (PROGRAMS, b'{"index": 0}\n', "not a sweep's programs"),
        (PROGRAMS, b"rubbish\n", ":1: broken line"),
        (EPISODES, b'{"program": -1, "index": 4, "outcome": "success"}\n', ":1: no program -1"),
        (EPISODES, b'{"program": 0, "index": 5, "outcome": "success"}\n', ":1: seed 5 of program 0 comes out of order"),
        (EPISODES, b'{"program": 0, "index": 4, "outcome": "triumph"}\n', ":1: not an episode"),
        (EPISODES, b'{"program": 0\n{"program"', ":1: broken line"),
    ],
)  # fmt: skip
def test_broken_files_are_named_with_their_line(directory, name, content, words):
    (directory / name).write_bytes(content)
    with pytest.raises(RunError, match=words) as caught:
        read_sweep(directory)
    assert str(directory / name) in str(caught.value)


def test_episodes_of_a_program_that_was_lost_are_an_error_of_a_finished_sweep_only(directory):
    with open(directory / EPISODES, "ab") as file:
        file.write(b'{"program": 9, "index": 4, "outcome": "success"}\n')
    assert [len(row) for row in read_sweep(directory).episodes] == [3, 2, 0, 0]
    status = directory / "status.json"
    status.write_text('{"state": "finished", "step": 5, "pid": 1, "boot_id": null, "updated": ""}')
    with pytest.raises(RunError, match=":6: no program 9"):
        read_sweep(directory)


# the headline


def test_one_program_has_wilson_s_interval_and_a_confidence_sequence_if_it_stopped_by_looking():
    wins = np.array([[1.0, 0.0, 1.0, math.nan]])
    assert headline_of(wins) == (wilson(2, 3), "Wilson", 1, 1)
    assert headline_of(wins, by_looking=True) == (confidence_sequence(2, 3), "confidence sequence", 1, 1)


def test_several_programs_have_the_crossed_interval():
    wins = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert headline_of(wins) == (crossed_rate(wins), "crossed", 3, 0)


def test_the_headline_of_a_sweep_knows_how_it_stopped(directory):
    sweep = read_sweep(directory)
    assert headline(sweep).missing == 5
    one = Sweep(msgspec.structs.replace(HEAD, until_width=0.1), sweep.programs[:1], sweep.episodes[:1])
    assert headline(one).method == "confidence sequence"
