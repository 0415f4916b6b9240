"""What ``envrl data`` does: reads a data set as a stage would, and writes it down or says what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import PLAY_METHODS, DatasetConfig, RunConfig, load_config
from envrl.data import STAGES, Rows, load_rows, set_template
from envrl.data.example import Kind
from envrl.data.files import ABOUT
from envrl.data.hygiene import Finding, check_rows
from envrl.data.layout import Layout
from envrl.data.load import layout_of
from envrl.data.sources import find_sources
from envrl.errors import ConfigError, RunError, UnknownNameError
from envrl.runs import write_atomic, write_json
from envrl.trainers.prompts import require_short_rows

__all__ = ["CheckedData", "OpenedData", "check_data", "open_data", "prepare_data", "read_rows"]

_USUAL: dict[Kind, str] = {"text": "pt", "answer": "sft", "preference": "dpo", "label": "kto"}


@dataclass(frozen=True)
class OpenedData:
    """A data set, read as a stage would read it.

    Attributes:
        config: group ``dataset``.
        rows: of the stage.
        layouts: of each source, by its name.
        measured: the model whose tokenizer measured the rows; None where none did.
    """

    config: DatasetConfig
    rows: Rows
    layouts: dict[str, Layout]
    measured: str | None


@dataclass(frozen=True)
class CheckedData:
    """A data set with what the checks say of it."""

    opened: OpenedData
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether a check failed."""
        return any(finding.verdict == "failed" for finding in self.findings)


def read_rows(config: RunConfig, stage: str, tokenizer: Any = None) -> Rows:
    """The rows of a run, as its training reads them.

    Args:
        stage: that they are for.
        tokenizer: of the model; its chat template is set. None measures nothing.

    Raises:
        EnvrlError: they cannot be read, do not fit the stage, none is left, or a prompt is longer than
            ``method.max_prompt_length``.
    """
    if stage == "pt":
        # Texts of pre-training have no turns and are never cut: they are put end to end.
        return load_rows(config.dataset, stage, seed=config.train.seed)
    if tokenizer is not None:
        set_template(tokenizer, config.dataset.template)
    rows = load_rows(config.dataset, stage, tokenizer=tokenizer, seed=config.train.seed)
    if tokenizer is not None and isinstance(rows.train, Sequence):
        require_short_rows(tokenizer, (*rows.train, *rows.eval), rows.places, config)
    return rows


def open_data(
    target: str, stage: str | None = None, overrides: Sequence[str] = (), model: str | None = None
) -> OpenedData:
    """Reads the data set of a configuration, or one that is named itself.

    Args:
        target: a YAML file of a run, or whatever ``dataset.path`` takes.
        stage: that the rows are for; the configuration's, or the one that the columns fit.
        overrides: ``dataset.key=value``, or of any other key that training reads (``train.seed``).
        model: whose tokenizer measures the rows; the configuration's, or none.

    Raises:
        EnvrlError: whatever a user can mend.
    """
    if stage is not None and stage not in STAGES:
        raise UnknownNameError("stage", stage, STAGES)
    if target.endswith((".yaml", ".yml")):
        config = load_config(target, overrides).config
        if stage is None and config.method.name in PLAY_METHODS:
            raise ConfigError(f"{target}: method.name {config.method.name} plays and reads no data; give --stage")
        stage = stage or config.method.name
        model = model or config.model.path
    else:
        path = msgspec.json.encode(target).decode()
        config = load_config(None, [f"dataset.path=[{path}]", *overrides]).config
    dataset = config.dataset
    layouts = {source.name: layout_of(source, dataset) for source in find_sources(dataset, dataset.path)}
    stage = stage or _USUAL[next(iter(layouts.values())).kind]
    tokenizer = None
    if model is not None:
        from envrl.models import load_tokenizer

        tokenizer = load_tokenizer(config.model.model_copy(update={"path": model}))
    return OpenedData(dataset, read_rows(config, stage, tokenizer), layouts, model)


def check_data(opened: OpenedData) -> CheckedData:
    """Looks the rows over for what a trainer would take without a word."""
    sources = find_sources(opened.config, opened.config.path)
    raw = (record.row for source in sources for record in source.records())
    played = [row for row in raw if "chosen_success" in row]
    return CheckedData(opened, check_rows(opened.rows, played))


def prepare_data(opened: OpenedData, output: Path, *, replace: bool = False) -> list[Path]:
    """Writes the rows in TRL's shape: ``train.jsonl``, and ``eval.jsonl`` where rows are held out.

    Args:
        output: a folder; made if it is missing.
        replace: whether files of these names may be replaced.

    Raises:
        RunError: a file exists and may not be replaced, or cannot be written.
    """
    parts = {"train": opened.rows.train, "eval": opened.rows.eval}
    paths = {name: output / f"{name}.jsonl" for name in parts}
    for path in paths.values():
        if path.exists() and not replace:
            raise RunError(f"{path}: exists already; choose another --output, or allow it with --replace")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{output}: cannot be made ({error.strerror}); choose another --output") from None
    counts = {}
    for name, rows in parts.items():
        lines = [msgspec.json.encode(row) + b"\n" for row in rows]
        counts[name] = len(lines)
        if lines:
            write_atomic(paths[name], b"".join(lines))
        else:
            paths[name].unlink(missing_ok=True)
    write_json(
        output / f"train{ABOUT}",
        {
            "stage": opened.rows.stage,
            "dataset": opened.config.model_dump(),
            "rows": counts,
            "left_out": dict(opened.rows.dropped.counts),
            "notes": opened.rows.notes,
        },
    )
    return [path for path in paths.values() if path.exists()]
