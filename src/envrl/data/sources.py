"""Where rows come from: files, folders, names in a ``dataset_info.json``, and ids of the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envrl.config import DatasetConfig
from envrl.data.files import SUFFIXES, Record, data_files, read_records
from envrl.errors import ConfigError, MissingExtraError, RunError, UnknownNameError
from envrl.runs import read_json

__all__ = ["INFO", "Source", "find_sources"]

INFO = "dataset_info.json"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?(:[\w.-]+)?")
_KNOWN = {
    "file_name", "hf_hub_url", "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns", "tags",
}  # fmt: skip
_TYPES: dict[str, type] = {
    **dict.fromkeys(("file_name", "hf_hub_url", "formatting", "subset", "split", "folder"), str),
    **dict.fromkeys(("columns", "tags"), dict),
    "ranking": bool,
    "num_samples": int,
}
_SAID = {str: "text", dict: "a table {name: name}", bool: "true or false", int: "a number of rows"}
_OPENAI_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
}
_ELSEWHERE = ("ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")


@dataclass(frozen=True)
class Source:
    """One data set.

    Attributes:
        name: as a user wrote it.
        files: that hold it; empty for a data set of the Hub, or one that `datasets` saved.
        hub: id on the Hub, or folder of ``save_to_disk``.
        subset: of the Hub's data set.
        folder: of the Hub's data set in which its files lie.
        split: of either.
        format: alpaca, sharegpt, openai, trl or auto.
        columns: names that differ from the format's, by its own names.
        tags: likewise for ShareGPT.
        ranking: whether rows are pairs; None where nobody says it.
        most: rows to be read; None for all.
        streaming: whether rows of the Hub are read as they are needed.
    """

    name: str
    files: tuple[Path, ...] = ()
    hub: str | None = None
    subset: str | None = None
    folder: str | None = None
    split: str = "train"
    format: str = "auto"
    columns: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    ranking: bool | None = None
    most: int | None = None
    streaming: bool = False

    def records(self) -> Iterator[Record]:
        """Its rows, in their order, each with its place.

        Raises:
            ConfigError: it cannot be read.
            MissingExtraError: `datasets` is needed and not installed.
        """
        records = (record for file in self.files for record in read_records(file)) if self.files else self._loaded()
        for number, record in enumerate(records):
            if self.most is not None and number >= self.most:
                return
            yield record

    def _loaded(self) -> Iterator[Record]:
        assert self.hub is not None
        try:
            import datasets
        except ImportError:
            raise MissingExtraError("train", "datasets", f"data set {self.name!r}") from None
        try:
            if Path(self.hub).is_dir():
                data: Any = datasets.load_from_disk(self.hub)
                if isinstance(data, datasets.DatasetDict):
                    data = data[self.split]
            else:
                data = datasets.load_dataset(
                    self.hub, self.subset, data_dir=self.folder, split=self.split, streaming=self.streaming
                )
        except KeyError:
            raise ConfigError(f"{self.name}: no split {self.split!r}; set dataset.split to {', '.join(data)}") from None
        except (OSError, ValueError, RuntimeError) as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ConfigError(f"{self.name}: neither a file here nor a data set that can be loaded: {first}") from None
        for number, row in enumerate(data, 1):
            yield Record(dict(row), f"{self.name}[{self.split}]:row {number}")


def find_sources(config: DatasetConfig, paths: list[str]) -> list[Source]:
    """The data sets that a configuration names.

    Raises:
        ConfigError: one cannot be found, or is described in a way that cannot be used.
        UnknownNameError: a name that is neither a path nor in ``dataset_info.json``.
    """
    table, base = _info(config)
    return [_find(name, config, table, base) for name in paths]


def _info(config: DatasetConfig) -> tuple[dict[str, Any], Path]:
    if config.info is None:
        return {}, Path()
    path = Path(config.info).expanduser()
    path = path / INFO if path.is_dir() else path
    if not path.is_file():
        raise ConfigError(f"dataset.info: no file {path}; give a {INFO}, or the folder that has one")
    try:
        table = read_json(path)
    except RunError as error:
        raise ConfigError(str(error)) from None
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise ConfigError(f"{path}: not a table of data sets by name; write {{name: {{file_name: …}}}}")
    return table, path.parent


def _find(name: str, config: DatasetConfig, table: Mapping[str, Any], base: Path) -> Source:
    common: dict[str, Any] = {"streaming": config.streaming, "split": config.split}
    if name in table:
        return _described(name, table[name], base, config, common)
    common |= {"format": config.format, "columns": config.columns}
    path = Path(name).expanduser()
    if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
        return Source(name, hub=str(path), **common)
    if path.exists():
        return Source(name, tuple(data_files(path, config.split)), **common)
    if path.suffix in SUFFIXES or name.startswith((".", "/", "~")):
        raise ConfigError(f"dataset.path: no file {name}; check the path")
    if table and "/" not in name:
        raise UnknownNameError(f"data set (dataset.path; those of {config.info})", name, table)
    if not _HUB_ID.fullmatch(name):
        raise ConfigError(f"dataset.path: {name!r} is neither a file or folder nor an id of the Hub; check the path")
    hub, _, subset = name.partition(":")
    return Source(name, hub=hub, subset=subset or None, **common)


def _described(
    name: str, entry: Mapping[str, Any], base: Path, config: DatasetConfig, common: dict[str, Any]
) -> Source:
    """A data set as LLaMA-Factory's ``dataset_info.json`` describes it."""
    where = f"{config.info}: {name}"
    for key, kind in _TYPES.items():
        if (value := entry.get(key)) is not None and (
            type(value) is not kind or (isinstance(value, int) and value < 0)
        ):
            raise ConfigError(f"{where}: {key}: expected {_SAID[kind]} ({value!r:.60} met); mend this entry")
    for key in ("columns", "tags"):
        for name, value in (entry.get(key) or {}).items():
            if value is not None and not isinstance(value, str):
                raise ConfigError(f"{where}: {key}.{name}: expected text ({value!r:.60} met); mend this entry")
    for key in _ELSEWHERE:
        if key in entry and "file_name" not in entry and "hf_hub_url" not in entry:
            raise ConfigError(f"{where}: {key} is not read here; download the data and name it with file_name")
    if unknown := entry.keys() - _KNOWN - set(_ELSEWHERE):
        raise ConfigError(f"{where}: unknown key {', '.join(sorted(unknown))}; known: {', '.join(sorted(_KNOWN))}")
    if "folder" in entry and "file_name" in entry:
        raise ConfigError(f"{where}: folder is for a data set of the Hub; give the file's whole path in file_name")
    # Their default is alpaca, whatever the columns look like; a format set here comes first.
    format = (entry.get("formatting") or "alpaca") if config.format == "auto" else config.format
    columns = {key: column for key, column in (entry.get("columns") or {}).items() if column is not None}
    tags = {key: tag for key, tag in (entry.get("tags") or {}).items() if tag is not None}
    if format == "openai":  # to them the same as ShareGPT, with other words
        format, columns, tags = "sharegpt", {"messages": "messages", **columns}, {**_OPENAI_TAGS, **tags}
    common |= {
        "split": entry.get("split") or common["split"],
        "format": format,
        "columns": {**columns, **config.columns},
        "tags": tags,
        "ranking": bool(entry.get("ranking", False)),
        "most": entry.get("num_samples"),
    }
    if "file_name" in entry:
        path = base / entry["file_name"]
        if not path.exists():
            raise ConfigError(f"{where}: no file {path}; download it, or mend file_name")
        return Source(name, tuple(data_files(path, common["split"])), **common)
    if "hf_hub_url" not in entry:
        raise ConfigError(f"{where}: names no data; give file_name or hf_hub_url")
    return Source(name, hub=entry["hf_hub_url"], subset=entry.get("subset"), folder=entry.get("folder"), **common)
