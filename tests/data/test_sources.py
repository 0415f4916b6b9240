"""Files, folders, names in a dataset_info.json, ids of the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envrl.config import DatasetConfig
from envrl.data import load_rows
from envrl.data.sources import find_sources
from envrl.errors import ConfigError, UnknownNameError


def _info(folder: Path, **table: Any) -> str:
    (folder / "dataset_info.json").write_text(json.dumps(table))
    return str(folder)


def _rows(folder: Path, name: str, *rows: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(rows))


def test_data_sets_of_llama_factory_are_read_as_they_are_described(tmp_path: Path) -> None:
    turns = [{"who": "u", "text": "q"}, {"who": "a", "text": "yes"}]
    _rows(tmp_path, "talk.json", {"talk": turns})
    _rows(tmp_path, "pairs.json", {"question": "q", "good": "a", "bad": "b"})
    _rows(tmp_path, "wiki.json", {"text": "t"})
    _rows(tmp_path, "kto.json", {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
                                 "label": False})  # fmt: skip
    tags = {"role_tag": "who", "content_tag": "text", "user_tag": "u", "assistant_tag": "a"}
    openai_tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    info = _info(
        tmp_path,
        talk={"file_name": "talk.json", "formatting": "sharegpt", "columns": {"messages": "talk"}, "tags": tags},
        pairs={
            "file_name": "pairs.json",
            "ranking": True,
            "columns": {"prompt": "question", "query": None, "chosen": "good", "rejected": "bad"},
        },
        wiki={"file_name": "wiki.json", "columns": {"prompt": "text"}},
        kto={
            "file_name": "kto.json",
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "kto_tag": "label"},
            "tags": openai_tags,
        },
    )

    def first(name: str, stage: str) -> dict[str, Any]:
        return next(iter(load_rows(DatasetConfig(path=[name], info=info), stage).train))

    assert first("talk", "sft")["completion"] == [{"role": "assistant", "content": "yes"}]
    assert first("pairs", "dpo")["rejected"] == [{"role": "assistant", "content": "b"}]
    assert first("wiki", "pt") == {"text": "t"}
    assert first("kto", "kto")["label"] is False


def test_what_they_call_openai_may_have_pairs_and_words_of_its_own(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "q"}]
    sides = {name: {"role": "bot", "content": name} for name in ("chosen", "rejected")}
    _rows(tmp_path, "a.json", {"messages": turns, **sides})
    info = _info(
        tmp_path, a={"file_name": "a.json", "formatting": "openai", "ranking": True, "tags": {"assistant_tag": "bot"},
                     "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected", "system": "sys"}},
    )  # fmt: skip
    (row,) = load_rows(DatasetConfig(path=["a"], info=info), "dpo").train
    assert row["chosen"] == [{"role": "assistant", "content": "chosen"}]


def test_so_many_samples_as_the_description_says(tmp_path: Path) -> None:
    _rows(tmp_path, "a.json", *({"instruction": str(i)} for i in range(5)))
    info = _info(tmp_path, a={"file_name": "a.json", "num_samples": 2})
    assert len(load_rows(DatasetConfig(path=["a"], info=info), "pt").train) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"file_name": "missing.json"}, r"a: no file .*missing.json"),
        ({"script_url": "x"}, "a: script_url is not read here"),
        ({"ms_hub_url": "x"}, "a: ms_hub_url is not read here"),
        ({"file": "x"}, "a: unknown key file"),
        ({}, "a: names no data"),
        ({"file_name": "x.json", "folder": "y"}, "a: folder is for a data set of the Hub"),
    ],
)
def test_descriptions_that_cannot_be_used(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_sources(DatasetConfig(info=_info(tmp_path, a=entry)), ["a"])


@pytest.mark.parametrize(
    ("content", "said"), [("{", "broken JSON"), ("[]", "not a table of data sets"), ('{"a": 1}', "not a table")]
)
def test_a_broken_description(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "dataset_info.json").write_text(content)
    with pytest.raises(ConfigError, match=said):
        find_sources(DatasetConfig(info=str(tmp_path)), ["a"])


def test_names_that_answer_to_nothing(tmp_path: Path) -> None:
    info = _info(tmp_path, alpaca_en={"file_name": "x.json"})
    with pytest.raises(UnknownNameError, match=r"did you mean alpaca_en"):
        find_sources(DatasetConfig(info=info), ["alpaca_ne"])
    with pytest.raises(ConfigError, match=r"no file here.jsonl; check the path"):
        find_sources(DatasetConfig(), ["here.jsonl"])
    with pytest.raises(ConfigError, match=r"neither a file or folder nor an id"):
        find_sources(DatasetConfig(), ["what is this"])
    with pytest.raises(ConfigError, match=r"no file .*dataset_info.json"):
        find_sources(DatasetConfig(info=str(tmp_path / "nowhere")), ["a"])


def test_ids_of_the_hub_go_to_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    calls = []

    def load_dataset(*arguments: Any, **options: Any) -> Any:
        calls.append((arguments, options))
        return iter([{"text": "t"}])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    rows = load_rows(DatasetConfig(path=["owner/name:part"], split="test", max_samples=1), "pt")
    assert rows.train == [{"text": "t"}]
    assert rows.places == ("owner/name:part[test]:row 1",)
    assert calls[0] == (("owner/name", "part"), {"data_dir": None, "split": "test", "streaming": False})


def test_what_datasets_cannot_load_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def load_dataset(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError("no such thing\nand much more")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(ConfigError, match=r"owner/name: neither a file here nor .*: no such thing$"):
        load_rows(DatasetConfig(path=["owner/name"]), "pt")


def test_data_that_datasets_saved(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_list([{"text": "t"}])
    data.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": data}).save_to_disk(tmp_path / "many")
    for name in ("one", "many"):
        assert load_rows(DatasetConfig(path=[str(tmp_path / name)]), "pt").train == [{"text": "t"}]
    with pytest.raises(ConfigError, match=r"no split 'test'; set dataset.split to train"):
        load_rows(DatasetConfig(path=[str(tmp_path / "many")], split="test"), "pt")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"file_name": 3}, "file_name: expected text"),
        ({"file_name": "a.jsonl", "columns": ["prompt"]}, "columns: expected a table"),
        ({"file_name": "a.jsonl", "columns": {"prompt": 3}}, "columns.prompt: expected text"),
        ({"file_name": "a.jsonl", "tags": "user"}, "tags: expected a table"),
        ({"file_name": "a.jsonl", "num_samples": "12"}, "num_samples: expected a number of rows"),
        ({"file_name": "a.jsonl", "num_samples": -1}, "num_samples: expected a number of rows"),
        ({"file_name": "a.jsonl", "ranking": "yes"}, "ranking: expected true or false"),
        ({"hf_hub_url": ["x"]}, "hf_hub_url: expected text"),
        ({"file_name": "a.jsonl", "formatting": {}}, "formatting: expected text"),
    ],
)
def test_an_entry_with_values_of_the_wrong_kind(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "t"}\n')
    (tmp_path / "dataset_info.json").write_text(json.dumps({"a": entry}))
    with pytest.raises(ConfigError, match=said) as error:
        load_rows(DatasetConfig(path=["a"], info=str(tmp_path)), "pt")
    assert "dataset_info.json" in str(error.value) or str(tmp_path) in str(error.value)
