"""Rows come back with their place, whatever the file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.data.files import data_files, read_records
from envrl.errors import ConfigError

_JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=4)
_ROWS = st.lists(st.dictionaries(st.text(max_size=5), _JSON, max_size=3), max_size=5)


@given(rows=_ROWS, indent=st.none() | st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_json_arrays_name_the_line_where_a_row_begins(tmp_path_factory: pytest.TempPathFactory, rows, indent) -> None:
    path = tmp_path_factory.mktemp("json") / "rows.json"
    path.write_text(json.dumps(rows, indent=indent), "utf-8")
    records = list(read_records(path))
    assert [record.row for record in records] == rows
    lines = path.read_text("utf-8").split("\n")
    assert len({record.place for record in records}) == len(rows)
    begins = [int(record.place.removeprefix(f"{path}:").partition(":")[0]) for record in records]
    for begin in begins:
        line = lines[begin - 1]
        assert "{" in line
    if indent:  # each row then begins a line of its own, and no other line begins with so few spaces and a brace
        starts = [number for number, line in enumerate(lines, 1) if line.startswith(" " * indent + "{")]
        assert begins == starts


def test_json_lines_pass_over_empty_lines_but_count_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2}')
    assert [(record.row["a"], record.place) for record in read_records(path)] == [(1, f"{path}:1"), (2, f"{path}:3")]


def test_csv_rows_are_named_by_the_line_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["prompt", "completion"], ["two\nlines", "x"], ["y", "z"]])
    assert [record.place for record in read_records(path)] == [f"{path}:2", f"{path}:4"]
    assert next(read_records(path)).row == {"prompt": "two\nlines", "completion": "x"}


def test_parquet_rows_are_numbered(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path = tmp_path / "rows.parquet"
    turns = [[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]]
    pq.write_table(pa.table({"messages": turns}), path)
    records = list(read_records(path))
    assert [record.row["messages"] for record in records] == turns
    assert records[1].place == f"{path}:row 2"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a"', "a.jsonl:2: broken JSON"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', "a.jsonl:2: list where a row"),
        ("a.jsonl", b'{"a": "\xff"}\n', "a.jsonl:1: broken JSON"),
        ("a.json", b'[{"a": 1},\n {"a"]', "not a JSON list of rows"),
        ("a.json", b'[{"a": 1},\n 7]', "a.json:2: int where a row"),
        ("a.json", b'{"a":\n 1}', "holds one JSON object"),
        ("a.csv", b"a,b\n1,2\n3\n", "a.csv:3: another number of cells"),
        ("a.csv", b'a,b\n1,"2\n', "broken CSV"),
        ("a.csv", b"a\n\xff\n", "not UTF-8 text"),
        ("a.parquet", b"nothing", "not a parquet file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError) as error:
        list(read_records(tmp_path / name))
    assert said in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_json_file_that_holds_lines_is_read_as_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}\n{"a": 2}\n')
    assert [record.row["a"] for record in read_records(tmp_path / "a.json")] == [1, 2]


def test_files_of_other_splits_in_a_folder_are_left_out(tmp_path: Path) -> None:
    for name in ("train-00000.jsonl", "train-00001.jsonl", "test.jsonl", "dataset_info.json", "train.about.json"):
        (tmp_path / name).write_text("{}\n")
    assert [file.name for file in data_files(tmp_path, "train")] == ["train-00000.jsonl", "train-00001.jsonl"]
    assert [file.name for file in data_files(tmp_path, "test")] == ["test.jsonl"]
    with pytest.raises(ConfigError, match=r"no file of split 'validation'"):
        data_files(tmp_path, "validation")


def test_a_folder_without_splits_gives_all_its_files(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", "readme.md"):
        (tmp_path / name).write_text("x\n")
    assert [file.name for file in data_files(tmp_path, "train")] == ["a.csv", "b.jsonl"]


def test_a_folder_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no data file in this folder"):
        data_files(tmp_path, "train")


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_rows_nested_too_deeply_are_an_error_with_their_line(tmp_path: Path, name: str) -> None:
    row = '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path = tmp_path / name
    path.write_text(f"[{row}]" if name == "a.json" else row + "\n")
    with pytest.raises(ConfigError, match=r"a\.jsonl?"):
        list(read_records(path))
