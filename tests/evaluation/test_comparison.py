"""Who is better than whom, who cannot be compared, and how it is said."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console

from envrl.errors import ComparisonError
from envrl.evaluation.comparison import Comparison, Contender, compare, contenders_of, mismatches
from envrl.evaluation.paired import holm, mcnemar_exact, paired_difference
from envrl.evaluation.report.comparison import render_comparison_markdown, render_comparison_terminal
from envrl.evaluation.statistics import crossed_difference, wilson
from envrl.evaluation.sweeps import Sweep, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode
from envrl.seeding import parse_indices

STRATEGY: dict[str, Any] = {
    "kind": "strategies",
    "subject": "one.py",
    "task": "envrl/2048-v0",
    "task_version": 0,
    "options": {"size": 4, "target": 512},
    "success": "tile 512",
    "toolkit": "full",
    "contract": None,
    "prompt_sha256": None,
    "block": "test",
    "seeds": "0:40",
    "limits": {"call_cpu": 0.25, "memory": 1000},
    "layers": ("limits", "seccomp"),
    "sampling": {},
    "versions": {"python": "3.11.7", "numpy": "2.1.0"},
    "command": "envrl eval",
    "created": "2026-11-21T00:00:00+00:00",
}
MODEL = STRATEGY | {
    "kind": "model",
    "contract": "tiny",
    "prompt_sha256": "aaaa",
    "sampling": {"temperature": 1.0, "seed": 1},
    "versions": {"python": "3.11.7", "numpy": "2.1.0", "model": "hash"},
}
RNG = np.random.default_rng(0)


def _contender(name: str, wins: np.ndarray, **changes: Any) -> Contender:
    header = SweepHeader(**((STRATEGY if len(wins) == 1 else MODEL) | changes))
    return Contender(name, header, wins, parse_indices(header.seeds))


def _program(rate: float, **changes: Any) -> Contender:
    return _contender(f"program {rate}", (RNG.random((1, 40)) < rate).astype(float), **changes)


def _model(rate: float, **changes: Any) -> Contender:
    return _contender(f"model {rate}", (RNG.random((12, 40)) < rate).astype(float), **changes)


def test_program_against_program_is_mcnemar() -> None:
    one, two = _program(0.2), _program(0.9)
    (pair,) = compare([one, two]).pairs
    test = mcnemar_exact(one.wins[0], two.wins[0])
    assert pair.method == "exact McNemar"
    assert (pair.only_first, pair.only_second) == (test.b, test.c)
    assert pair.difference.p_value == pair.p_holm == test.p_value
    low, estimate, high = paired_difference(one.wins[0], two.wins[0])
    assert (pair.difference.low, pair.difference.estimate, pair.difference.high) == (low, estimate, high)
    assert estimate > 0.4


def test_models_are_compared_as_samples_of_programs() -> None:
    one, two = _model(0.2), _model(0.6)
    (pair,) = compare([one, two]).pairs
    interval, p_value = crossed_difference(one.wins, two.wins)
    assert pair.method == "crossed difference"
    assert pair.only_first is None
    assert (pair.difference.estimate, pair.difference.p_value) == (interval.estimate, p_value)


def test_a_program_against_a_model_stands_for_itself() -> None:
    one, two = _program(0.2), _model(0.6)
    (pair,) = compare([one, two]).pairs
    assert pair.method == "crossed difference from one program"
    assert pair.difference.p_value == crossed_difference(one.wins, two.wins).p_value


def test_several_comparisons_are_counted() -> None:
    found = compare([_program(0.5), _program(0.6), _model(0.7), _program(0.9)])
    assert [pair.p_holm for pair in found.pairs] == holm([pair.difference.p_value for pair in found.pairs])
    assert {pair.first for pair in found.pairs} == {"program 0.5"}


def test_each_row_says_what_was_not_measured() -> None:
    one = _program(0.5)
    one.wins[0, :4] = np.nan
    row = compare([one, _program(0.5)]).contenders[0]
    won = np.nansum(one.wins)
    assert row.missing == 4
    assert row.success.estimate == wilson(won, 36).estimate
    assert (row.lowest, row.highest) == (won / 40, (won + 4) / 40)


def test_only_common_seeds_count() -> None:
    one, two = _program(0.5, seeds="0:40"), _program(0.5, seeds="10:50")
    found = compare([one, two])
    assert found.seeds == "10:40"
    test = mcnemar_exact(one.wins[0, 10:], two.wins[0, :30])
    assert (found.pairs[0].only_first, found.pairs[0].only_second) == (test.b, test.c)
    assert found.contenders[0].success.estimate == one.wins[0, 10:].mean()
    assert sum("only 10:40 are compared" in warning for warning in found.warnings) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "envrl/sudoku-v0", "options": {}}, "task: envrl/2048-v0 and envrl/sudoku-v0"),
        ({"task_version": 1}, "version of the task: 0 and 1"),
        ({"options": {"size": 4, "target": 2048}}, "options.target: 512 and 2048"),
        ({"options": {"size": 4}}, "options.target: 512 and nothing"),
        ({"success": "return >= 5"}, "rule of success: tile 512 and return >= 5"),
        ({"toolkit": "none"}, "toolkit: full and none"),
        ({"limits": {"call_cpu": 1.0, "memory": 1000}}, "limits.call_cpu: 0.25 and 1.0"),
        ({"block": "final"}, "block: test and final"),
    ],
)
def test_refuses_what_was_measured_under_other_conditions(changes: dict[str, Any], said: str) -> None:
    for one, two in ((_program(0.5), _program(0.6, **changes)), (_model(0.5), _model(0.6, **changes))):
        with pytest.raises(ComparisonError) as refused:
            compare([one, two])
        lines = str(refused.value).splitlines()
        assert lines[1:-1] == [f"  {said}"]
        assert one.name in lines[0]
        assert two.name in lines[0]


def test_refuses_models_that_saw_other_prompts_and_names_all_that_differs() -> None:
    other = _model(0.5, prompt_sha256="bbbb", contract="chat", block="final")
    with pytest.raises(ComparisonError) as refused:
        compare([_model(0.5), other])
    for said in ("prompt (SHA-256): aaaa and bbbb", "contract: tiny and chat", "block: test and final"):
        assert f"  {said}\n" in str(refused.value)


def test_a_program_saw_no_prompt() -> None:
    assert mismatches(_program(0.5).header, _model(0.5).header) == []


def test_refuses_seeds_that_are_not_common() -> None:
    with pytest.raises(ComparisonError, match=r"no seeds in common(.|\n)*program 0.5: test 0:40(.|\n)*test 40:80"):
        compare([_program(0.5), _program(0.6, seeds="40:80")])


def test_refuses_where_too_little_was_measured_for_both() -> None:
    one, two = _program(0.5), _program(0.5)
    one.wins[0, :20] = two.wins[0, 21:] = np.nan
    with pytest.raises(ComparisonError, match="1 of their 40 common seeds were measured"):
        compare([one, two])


def test_refuses_to_compare_one() -> None:
    with pytest.raises(ComparisonError, match="two or more"):
        compare([_program(0.5)])


def test_says_what_might_make_the_difference() -> None:
    other = _model(
        0.5, sampling={"temperature": 0.7, "seed": 2}, layers=("limits",), versions={"python": "3.12.0", "model": "b"}
    )
    warnings = " | ".join(compare([_model(0.5), other]).warnings)
    assert "sampling.temperature: 1.0 and 0.7" in warnings
    assert "sandbox layers: limits, seccomp and limits" in warnings
    assert "versions.python: 3.11.7 and 3.12.0" in warnings
    assert "seed" not in warnings
    assert "versions.model" not in warnings
    assert compare([_model(0.5), _program(0.5)]).warnings == ()


def _sweep(kind: str, programs: int, **changes: Any) -> Sweep:
    header = SweepHeader(**(MODEL | {"kind": kind, "seeds": "0:3"} | changes))
    made = tuple(SweepProgram(index=i, label=f"p{i}.py", completion=None, source="") for i in range(programs))
    rows = tuple(
        tuple(Episode(index=seed, outcome=Outcome.SUCCESS if seed < row else Outcome.FAILURE) for seed in range(3))
        for row in range(programs)
    )
    return Sweep(header, made, rows)


def test_strategies_compete_each_for_itself_and_a_model_as_one() -> None:
    each = contenders_of("sweeps/x", _sweep("strategies", 3))
    assert [contender.name for contender in each] == [f"sweeps/x: p{i}.py" for i in range(3)]
    assert [contender.wins.tolist() for contender in each] == [[[0, 0, 0]], [[1, 0, 0]], [[1, 1, 0]]]
    (model,) = contenders_of("sweeps/x", _sweep("model", 3))
    assert (model.name, model.wins.shape, model.is_program) == ("sweeps/x", (3, 3), False)
    (program,) = contenders_of("sweeps/x", _sweep("strategies", 1))
    assert program.name == "sweeps/x"
    with pytest.raises(ComparisonError, match="nothing was measured yet"):
        contenders_of("sweeps/x", _sweep("model", 0))


def test_an_unfinished_sweep_is_said_to_be_so() -> None:
    one = _program(0.5)
    cut = Contender("cut", one.header, one.wins, one.seeds, finished=False)
    assert "cut is not finished" in compare([one, cut]).warnings[0]


# how it is said


def _terminal(comparison: Comparison) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    console.print(render_comparison_terminal(comparison))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def three() -> Comparison:
    base = _contender("runs/<first>|*x*", np.zeros((1, 40)))
    better, same = _contender("better\x1b[31m", np.ones((1, 40))), _contender("same", np.zeros((1, 40)))
    return compare([base, better, same], [(), ("reward.weights", "train.learning_rate"), ("train.max_steps",)])


def test_terminal_and_markdown_say_the_same(three: Comparison) -> None:
    for text in (_terminal(three), render_comparison_markdown(three)):
        assert "B is better than A. Changed: reward.weights and train.learning" in text.replace("\\", "")
        assert "No clear difference between C and A. Changed: train.max" in text
        assert "2 comparisons were made" in text
        assert "A and B differ in 2 variables at once: their difference has no single cause" in text
        assert "A and C differ" not in text
        assert "100.0 points" in text
        assert "B 40, A 0" in text
        assert "tile 512" in text
        assert "\x1b" not in text
        assert "better\\x1b" in text.replace("\\\\", "\\")


def test_markdown_escapes_what_is_markup(three: Comparison) -> None:
    text = render_comparison_markdown(three)
    assert r"runs/\<first\>\|\*x\*" in text
    rows = [line for line in text.splitlines() if line.startswith("| B")]
    assert len(rows) == 2


def test_one_pair_of_models_needs_no_columns_for_more() -> None:
    text = render_comparison_markdown(compare([_model(0.5), _model(0.5)]))
    assert "p for all" not in text
    assert "alone" not in text
    assert "Holm" not in text


def test_missing_episodes_show_with_their_bounds() -> None:
    one = _contender("one", np.ones((1, 40)))
    one.wins[0, :4] = np.nan
    assert "4 (90.0 % if lost, 100.0 % if won)" in _terminal(compare([one, _program(0.5)]))


def test_it_reads_back_from_json(three: Comparison) -> None:
    assert msgspec.json.decode(msgspec.json.encode(three), type=Comparison) == three
