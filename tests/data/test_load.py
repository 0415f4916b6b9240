"""Rows of a stage: shaped, mixed, split, counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from envrl.config import DatasetConfig
from envrl.data import Rows, Stream, load_rows
from envrl.errors import ConfigError, UnknownNameError


def _file(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _load(path: str, stage: str, **options: Any) -> Rows:
    return load_rows(DatasetConfig(path=[path], **options), stage)


_Q, _A, _B = (
    [{"role": role, "content": text}] for role, text in (("user", "q"), ("assistant", "a"), ("assistant", "b"))
)
_PAIR = {"prompt": "q", "chosen": "a", "rejected": "b"}


@pytest.mark.parametrize(
    ("row", "stage", "wanted"),
    [
        ({"text": "t"}, "pt", [{"text": "t"}]),
        ({"instruction": "t"}, "pt", [{"text": "t"}]),
        ({"instruction": "q", "output": "a"}, "sft", [{"prompt": _Q, "completion": _A}]),
        (_PAIR, "dpo", [{"prompt": _Q, "chosen": _A, "rejected": _B}]),
        (_PAIR, "orpo", [{"prompt": _Q, "chosen": _A, "rejected": _B}]),
        (_PAIR, "simpo", [{"prompt": _Q, "chosen": _A, "rejected": _B}]),
        (_PAIR, "reward", [{"prompt": _Q, "chosen": _A, "rejected": _B}]),
        (
            _PAIR,
            "kto",
            [{"prompt": _Q, "completion": _A, "label": True}, {"prompt": _Q, "completion": _B, "label": False}],
        ),
        (
            {"prompt": "q", "completion": "a", "label": False},
            "kto",
            [{"prompt": _Q, "completion": _A, "label": False}],
        ),
    ],
)
def test_every_stage_gets_its_shape(tmp_path: Path, row: dict[str, Any], stage: str, wanted: list[Any]) -> None:
    assert _load(_file(tmp_path, "rows.jsonl", [row]), stage).train == wanted


def test_conversations_of_several_answers_stay_whole_wherever_they_stand(tmp_path: Path) -> None:
    long, short = {"messages": [*_Q, *_A, *_Q, *_B]}, {"messages": [*_Q, *_A]}
    rows = _load(_file(tmp_path, "rows.jsonl", [short] * 300 + [long]), "sft")
    made = {"prompt": _Q, "completion": _A}
    assert rows.train == [made] * 300 + [long], "the answers of the last row are all trained on"
    both = _file(tmp_path, "both.jsonl", rows.train[-2:])
    assert _load(both, "sft").train == [made, long], "as 'envrl data prepare' writes them, they are read back"
    held = _load(both, "sft", eval_path=[_file(tmp_path, "held.jsonl", [short])]).eval
    assert held == [made]


def test_tools_travel_as_json_text(tmp_path: Path) -> None:
    row = {"messages": [*_Q, *_A], "tools": [{"name": "f"}]}
    (made,) = _load(_file(tmp_path, "rows.jsonl", [row]), "sft").train
    assert json.loads(made["tools"]) == [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("stage", ["orpo", "simpo"])
def test_tools_that_a_trainer_would_leave_out_are_refused(tmp_path: Path, stage: str) -> None:
    path = _file(tmp_path, "rows.jsonl", [{**_PAIR, "tools": [{"name": "f"}]}])
    with pytest.raises(ConfigError, match=rf"rows.jsonl:1: this row has tools, which .* stage {stage} leaves out"):
        _load(path, stage)
    assert "tools" in next(iter(_load(path, "dpo").train))


def test_what_is_left_out_is_counted_and_named_with_its_line(tmp_path: Path) -> None:
    bad = {"prompt": "q", "chosen": "a", "rejected": "a"}
    path = _file(tmp_path, "rows.jsonl", [_PAIR, bad, {"prompt": "", "chosen": "a", "rejected": "b"}, bad])
    rows = _load(path, "dpo")
    assert len(rows.train) == 1
    assert rows.dropped.counts == {"chosen and rejected are equal": 2, "empty prompt": 1}
    assert [row.place for row in rows.dropped.examples["chosen and rejected are equal"]] == [f"{path}:2", f"{path}:4"]
    assert rows.places == (f"{path}:1",)


def test_no_row_left_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"prompt": "q", "chosen": "a", "rejected": "a"}])
    with pytest.raises(ConfigError, match=r"no row can be used \(1 chosen and rejected are equal\)"):
        _load(path, "dpo")
    with pytest.raises(ConfigError, match=r"holds no rows"):
        _load(_file(tmp_path, "empty.jsonl", []), "dpo")


def test_columns_that_do_not_fit_name_both_sides(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"instruction": "q", "output": "a"}])
    with pytest.raises(ConfigError) as error:
        _load(path, "dpo")
    for part in (path, "instruction, output", "answers to prompts", "stage dpo", "chosen and rejected", "sft"):
        assert part in str(error.value)


def test_several_files_are_mixed_and_each_gives_at_most_so_many(tmp_path: Path) -> None:
    paths = [_file(tmp_path, f"{name}.jsonl", [{"text": f"{name}{i}"} for i in range(4)]) for name in "ab"]
    config = DatasetConfig(path=paths, max_samples=2, mix_strategy="interleave_under")
    assert [row["text"] for row in load_rows(config, "pt").train] == ["a0", "b0", "a1", "b1"]


@pytest.mark.parametrize(("val_size", "held"), [(3, 3), (0.2, 2), (0.01, 1)])
def test_held_out_rows_are_drawn_by_the_seed_and_stay_in_order(tmp_path: Path, val_size: float, held: int) -> None:
    config = DatasetConfig(
        path=[_file(tmp_path, "rows.jsonl", [{"text": f"{i:02}"} for i in range(10)])], val_size=val_size
    )
    rows = load_rows(config, "pt", seed=1)
    assert len(rows.eval) == held
    texts = [[row["text"] for row in part] for part in (rows.train, rows.eval)]
    assert all(part == sorted(part) for part in texts)
    assert sorted(texts[0] + texts[1]) == [f"{i:02}" for i in range(10)]
    assert load_rows(config, "pt", seed=1) == rows
    assert any(load_rows(config, "pt", seed=seed).eval != rows.eval for seed in range(2, 9))


def test_rows_that_are_mixed_in_again_stay_on_their_side_of_the_split(tmp_path: Path) -> None:
    paths = [_file(tmp_path, f"{size}.jsonl", [{"text": f"{size}-{i}"} for i in range(size)]) for size in (3, 9)]
    rows = load_rows(DatasetConfig(path=paths, mix_strategy="interleave_over", val_size=5), "pt")
    sides = [{row["text"] for row in part} for part in (rows.train, rows.eval)]
    assert not sides[0] & sides[1]
    assert len(sides[1]) == 5


def test_a_split_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"text": "x"}] * 3)
    with pytest.raises(ConfigError, match=r"3 rows are to be held out of 3"):
        _load(path, "pt", val_size=3)
    with pytest.raises(ConfigError, match=r"exclude each other"):
        _load(path, "pt", val_size=1, eval_path=[path])


def test_held_out_rows_of_a_file_of_their_own(tmp_path: Path) -> None:
    paths = [_file(tmp_path, f"{name}.jsonl", [{"text": name}]) for name in "ab"]
    rows = load_rows(DatasetConfig(path=paths[:1], eval_path=paths[1:]), "pt")
    assert (rows.train, rows.eval) == ([{"text": "a"}], [{"text": "b"}])


def test_a_stream_is_the_same_rows_read_as_often_as_wanted(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"text": str(i)} for i in range(5)] + [{"text": ""}])
    rows = _load(path, "pt", streaming=True, val_size=2)
    assert isinstance(rows.train, Stream)
    for _ in range(2):
        assert [row["text"] for row in rows.train] == ["2", "3", "4"]
    assert [row["text"] for row in rows.eval] == ["0", "1"]
    assert rows.dropped.counts == {"empty text": 1}  # once, though it was read twice


def test_a_stream_reads_no_more_than_is_asked_for(tmp_path: Path) -> None:
    path = Path(_file(tmp_path, "rows.jsonl", [{"text": str(i)} for i in range(1000)]))
    path.write_bytes(path.read_bytes() + b"broken\n")
    rows = _load(str(path), "pt", streaming=True)
    assert next(iter(rows.train)) == {"text": "0"}
    with pytest.raises(ConfigError, match=r"rows.jsonl:1001: broken JSON"):
        list(rows.train)
    with pytest.raises(ConfigError, match=r"a share of a stream is not known"):
        _load(str(path), "pt", streaming=True, val_size=0.5)


def test_text_that_has_a_template_is_not_given_another(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"prompt": "<|user|>\nq\n", "completion": "a"}])
    with pytest.raises(
        ConfigError, match=r"rows.jsonl:1: column 'prompt' holds '<\|user\|>'.*dataset.template to none"
    ):
        _load(path, "sft")
    assert _load(path, "sft", template="none").train == [{"prompt": "<|user|>\nq\n", "completion": "a"}]


def test_plain_text_is_for_plain_columns(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [{"instruction": "q", "output": "a"}])
    with pytest.raises(ConfigError, match=r"dataset.template none wants plain text"):
        _load(path, "sft", template="none")


def test_nothing_to_read_and_no_such_stage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset.path: stage dpo trains on data"):
        load_rows(DatasetConfig(), "dpo")
    with pytest.raises(UnknownNameError, match=r"did you mean dpo"):
        _load(_file(tmp_path, "rows.jsonl", [_PAIR]), "dop")


def test_plain_files_are_read_without_torch(tmp_path: Path) -> None:
    path = _file(tmp_path, "rows.jsonl", [_PAIR])
    script = (
        "import sys\nfrom envrl.config import DatasetConfig\nfrom envrl.data import load_rows\n"
        f"load_rows(DatasetConfig(path=[{path!r}]), 'dpo')\n"
        "print([name for name in ('torch', 'transformers', 'datasets', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rows_that_a_template_was_put_to_are_left_out_wherever_they_stand(tmp_path: Path) -> None:
    marked = {"prompt": "<|im_start|>user\nq", "chosen": "a", "rejected": "b"}
    rows = _load(_file(tmp_path, "rows.jsonl", [_PAIR, marked, _PAIR]), "dpo")
    assert len(rows.train) == 2  # type: ignore[arg-type]
    assert rows.dropped.counts == {"text that a chat template was put to already": 1}
