"""Data sets of problems: what is read, and what an error says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from envrl.envs.math.answers import Tier, judge
from envrl.envs.math.datasets import generated, load_problems
from envrl.errors import ConfigError, MissingExtraError, UnknownNameError

GSM8K = {"question": "How many?", "answer": "Two and\nthree.\n#### 1,005"}
MATH = {"problem": "What?", "level": "Level 5", "solution": "So $\\boxed{\\frac{1}{2}}$."}


def jsonl(path: Path, *records: Any) -> str:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return str(path)


def test_both_formats_are_told_by_their_fields(tmp_path: Path) -> None:
    source = jsonl(tmp_path / "a.jsonl", GSM8K, GSM8K)
    [first, second] = load_problems(source)
    assert (first.question, first.truth, first.where) == ("How many?", "1,005", f"{source}:1")
    assert second.where == f"{source}:2"
    assert len(load_problems(source, limit=1)) == 1
    [problem] = load_problems(jsonl(tmp_path / "b.jsonl", MATH))
    assert (problem.question, problem.truth) == ("What?", "\\frac{1}{2}")


def test_blank_lines_are_passed_over_and_lines_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"\n{json.dumps(GSM8K)}\n\n{json.dumps(GSM8K)}")
    assert [problem.where for problem in load_problems(str(path))] == [f"{path}:2", f"{path}:4"]


@pytest.mark.parametrize(
    ("records", "format", "words"),
    [
        ([GSM8K, {"question": "?"}], None, [":2", "'answer'", "missing"]),
        ([GSM8K, GSM8K | {"question": 5}], None, [":2", "'question'", "5"]),
        ([GSM8K | {"answer": " "}], None, [":1", "'answer'", "not empty"]),
        ([GSM8K | {"answer": "five"}], None, [":1", "'answer'", "####"]),
        ([MATH | {"solution": "\\boxed{5"}], None, [":1", "'solution'", "boxed"]),
        ([MATH], "gsm8k", [":1", "'question'", "gsm8k"]),
        ([{"text": "?"}], None, [":1", "text", "gsm8k (question, answer)", "math (problem, solution)"]),
        ([[1, 2]], None, [":1", "no JSON object"]),
        ([], None, ["no problems"]),
    ],
)
def test_an_error_names_file_line_and_field(
    tmp_path: Path, records: list[Any], format: str | None, words: list[str]
) -> None:
    source = jsonl(tmp_path / "a.jsonl", *records)
    with pytest.raises(ConfigError) as caught:
        load_problems(source, format=format)
    assert all(word in str(caught.value) for word in ["a.jsonl", *words]), str(caught.value)


@pytest.mark.parametrize("line", [b'{"question": ', b"\xff\xfe", b'"text"'])
def test_a_line_that_is_no_json_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(GSM8K).encode() + b"\n" + line)
    with pytest.raises(ConfigError, match=r"a\.jsonl:2: is no JSON object"):
        load_problems(str(path))


def test_files_that_are_not_there_or_not_readable_are_named(tmp_path: Path) -> None:
    for name in ("none.jsonl", "none.parquet"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_problems(str(tmp_path / name))
    (tmp_path / "a.csv").write_text("question,answer")
    with pytest.raises(ConfigError, match=r"a \.jsonl or a \.parquet"):
        load_problems(str(tmp_path / "a.csv"))
    with pytest.raises(UnknownNameError, match="did you mean gsm8k"):
        load_problems("a.jsonl", format="gsm")


def test_parquet_reads_as_json_lines_do(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([GSM8K, GSM8K | {"answer": "none"}]), path)
    [problem] = load_problems(str(path), limit=1)
    assert (problem.truth, problem.where) == ("1,005", f"{path}, row 1")
    with pytest.raises(ConfigError, match=r"a\.parquet, row 2: field 'answer'"):
        load_problems(str(path))
    path.write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match=r"a\.parquet: is no parquet file"):
        load_problems(str(path))


class Hub:
    """Stands in for the library ``datasets``."""

    def load_dataset(self, source: str, name: str | None, split: str) -> list[dict[str, Any]]:
        if source != "openai/gsm8k":
            raise FileNotFoundError(f"no {source}")
        assert (name, split) == ("main", "test")
        return [GSM8K, GSM8K]


def test_a_hugging_face_id_is_loaded_through_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", Hub())
    problems = load_problems("openai/gsm8k", name="main", split="test")
    assert [problem.where for problem in problems] == ["openai/gsm8k, test, row 1", "openai/gsm8k, test, row 2"]
    with pytest.raises(ConfigError, match="nobody/nothing, split train: no such file, and not to be had"):
        load_problems("nobody/nothing")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"envrl\[train\]"):
        load_problems("openai/gsm8k")


def test_our_own_families_make_problems_that_their_answers_solve() -> None:
    problems = generated("all", 2, range(100))
    assert len({problem.where.partition(":")[0] for problem in problems}) == 50
    assert problems == generated("all", 2, range(100))
    for problem in problems:
        assert judge(f"<answer>{problem.truth}</answer>", problem.truth).tier is Tier.EXACT
        assert judge(f"<answer> {problem.truth}.</answer>", problem.truth).tier is not Tier.EXACT
