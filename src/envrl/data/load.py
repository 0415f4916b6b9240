"""The rows of a stage: read, converted, mixed, split; and an account of what was left out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from envrl.config import DatasetConfig
from envrl.data.chat_templates import APPLIED_MARKS, PLAIN
from envrl.data.convert import convert
from envrl.data.example import Example, Unfit
from envrl.data.files import Record
from envrl.data.layout import Layout, detect
from envrl.data.lengths import Lengths
from envrl.data.mixing import mix
from envrl.data.sources import Source, find_sources
from envrl.data.stages import WITHOUT_TOOLS, Stage, check_stage, rows_of
from envrl.errors import ConfigError

__all__ = ["Dropped", "DroppedRow", "Rows", "Stream", "layout_of", "load_rows"]

_SHOWN = 3  # rows shown of each reason
_EXCERPT = 200


class DroppedRow(NamedTuple):
    """A row that was left out, as it is shown: its place, and an excerpt of it (somebody's words: escape them)."""

    place: str
    detail: str
    excerpt: str


@dataclass
class Dropped:
    """Rows that were left out: how many by reason, and the first few of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[DroppedRow]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """How many rows were left out."""
        return self.counts.total()

    def add(self, record: Record, unfit: Unfit) -> None:
        """Counts a row, once however often it is read."""
        if record.place in self._seen:
            return
        self._seen.add(record.place)
        self.counts[unfit.reason] += 1
        shown = self.examples.setdefault(unfit.reason, [])
        if len(shown) < _SHOWN:
            shown.append(DroppedRow(record.place, unfit.detail, repr(record.row)[:_EXCERPT]))


@dataclass(frozen=True)
class Rows:
    """What a stage trains on, in TRL's shapes.

    Attributes:
        stage: that the rows are for.
        train: a list, or a `Stream` where the configuration asks for one.
        eval: rows that are held out; empty where none are.
        dropped: rows that were left out; of a stream, those met so far.
        notes: what else a person should know, a line each.
        places: where each row of ``train`` and then ``eval`` stands; empty for a stream.
    """

    stage: Stage
    train: Sequence[dict[str, Any]] | Stream
    eval: list[dict[str, Any]]
    dropped: Dropped
    notes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


class Stream:
    """Rows that are read as they are needed; every pass reads them again, in the same order."""

    def __init__(self, read: Callable[[], Iterator[_Placed]], skip: int = 0) -> None:
        self._read, self._skip = read, skip

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for placed in islice(self._read(), self._skip, None):
            yield placed.row


class _Placed(NamedTuple):
    row: dict[str, Any]
    place: str


def load_rows(config: DatasetConfig, stage: str, *, tokenizer: Any = None, seed: int = 0) -> Rows:
    """Reads the data sets of a configuration as rows of a stage.

    ==================================  ==============================================================================
    pt                                  ``text``
    sft                                 ``prompt`` and ``completion``; ``messages`` in the rows whose conversation has
                                        several answers, so that all of them can be trained on
    reward, dpo, orpo, simpo            ``prompt``, ``chosen``, ``rejected``
    kto                                 ``prompt``, ``completion``, ``label``
    ==================================  ==============================================================================

    All but ``text`` are turns (or plain text where ``dataset.template`` is ``none``). ``tools`` stands beside them, as
    JSON text, in the rows that have some. The same configuration gives the same rows in the same order.

    Args:
        config: group ``dataset`` of a run.
        stage: pt, sft, reward, dpo, orpo, simpo or kto.
        tokenizer: with its chat template set (`set_template`): rows are then measured, and those whose prompt alone
            fills ``max_length`` are left out and counted.
        seed: of the choice of held-out rows.

    Raises:
        ConfigError: the data cannot be read, do not fit the stage, or nothing is left of them.
        UnknownNameError: there is no such stage, or no data set of a name.
    """
    if not config.path:
        raise ConfigError(f"dataset.path: stage {stage} trains on data; give files, folders or Hugging Face ids")
    if config.eval_path and config.val_size:
        raise ConfigError("dataset.eval_path and dataset.val_size exclude each other; keep one of them")
    reading = _Reading(config, stage, tokenizer)
    held = _Reading(config, stage, tokenizer, reading.dropped).rows(config.eval_path) if config.eval_path else []
    if config.streaming:
        return _streamed(reading, held)
    placed = reading.rows(config.path)
    kept, out = _split(placed, config.val_size, seed)
    out += held
    return Rows(
        reading.stage,
        [one.row for one in kept],
        [one.row for one in out],
        reading.dropped,
        reading.notes(),
        tuple(one.place for one in [*kept, *out]),
    )


def _streamed(reading: _Reading, held: list[_Placed]) -> Rows:
    config = reading.config
    if isinstance(config.val_size, float) and config.val_size:
        raise ConfigError("dataset.val_size: a share of a stream is not known; give a number of rows")
    sources = find_sources(config, config.path)
    reading.prepare(sources)
    first = list(islice(reading.mixed(sources), int(config.val_size)))
    stream = Stream(lambda: reading.mixed(sources), skip=len(first))
    if next(iter(stream), None) is None:
        raise reading.nothing_left()
    return Rows(reading.stage, stream, [one.row for one in first + held], reading.dropped, reading.notes())


def _split(placed: list[_Placed], val_size: int | float, seed: int) -> tuple[list[_Placed], list[_Placed]]:
    """Training and held-out rows. What one row of the data gave (twice, where it was mixed in again) stays together."""
    places = list(dict.fromkeys(one.place for one in placed))
    count = round(val_size * len(places)) if isinstance(val_size, float) else val_size
    if isinstance(val_size, float) and val_size > 0:
        count = max(count, 1)
    if count >= len(places):
        raise ConfigError(
            f"dataset.val_size: {count} rows are to be held out of {len(places)}, which leaves none to train on; "
            "lower it, or give eval_path"
        )
    out = set(random.Random(seed).sample(places, count))
    return [one for one in placed if one.place not in out], [one for one in placed if one.place in out]


def layout_of(source: Source, config: DatasetConfig) -> Layout:
    """How a data set is laid out, told from its first row.

    Raises:
        ConfigError: it is empty, or its columns are of no format.
    """
    record = next(source.records(), None)
    if record is None:
        raise ConfigError(f"{source.name}: holds no rows; check dataset.path and dataset.split")
    layout = detect(record.row, record.place, source.format, source.columns, source.tags, source.ranking)
    if config.template == PLAIN:
        if layout.format != "trl":
            raise ConfigError(
                f"{source.name}: dataset.template none wants plain text (columns text, prompt, completion, chosen, "
                f"rejected), but the format is {layout.format}; name a template, or leave dataset.template out"
            )
        return replace(layout, plain=True)
    _refuse_applied(record, layout)
    return layout


def _refuse_applied(record: Record, layout: Layout) -> None:
    for column, mark in _applied(record, layout):
        raise ConfigError(
            f"{record.place}: column {column!r} holds {mark!r}: a chat template was put to this text already, and "
            "a second one would be put around it; set dataset.template to none to train on it as it stands"
        )


def _applied(record: Record, layout: Layout) -> Iterator[tuple[str, str]]:
    """Columns of text that a chat template was put to already, each with a mark that shows it."""
    if layout.format != "trl" or layout.kind == "text" or layout.plain:
        return
    for name, column in layout.columns.items():
        text = record.row.get(column)
        if isinstance(text, str) and name != "tools":
            yield from ((column, mark) for mark in APPLIED_MARKS if mark in text)


class _Reading:
    """Reads the sources of one configuration."""

    def __init__(self, config: DatasetConfig, stage: str, tokenizer: Any, dropped: Dropped | None = None) -> None:
        self.config = config
        self.dropped = dropped or Dropped()
        measured = tokenizer is not None
        self.lengths = Lengths(tokenizer, config.max_length, scored=stage == "reward") if measured else None
        self._wanted = stage
        self.stage: Stage
        self._layouts: dict[str, Layout] = {}
        self._said: list[str] = []

    def prepare(self, sources: Iterable[Source]) -> None:
        """Looks at the first rows of every source."""
        for source in sources:
            layout = layout_of(source, self.config)
            self.stage = check_stage(layout, self._wanted, source.name)
            self._layouts[source.name] = layout
            if self.stage == "kto" and layout.kind == "preference":
                self._said.append(f"{source.name}: each pair gives two rows, its chosen side with the label true")

    def rows(self, paths: list[str]) -> list[_Placed]:
        """All rows of some paths."""
        sources = find_sources(self.config, paths)
        self.prepare(sources)
        placed = list(self.mixed(sources))
        if not placed:
            raise self.nothing_left()
        return placed

    def mixed(self, sources: Sequence[Source]) -> Iterator[_Placed]:
        """Rows of all sources, as ``dataset.mix_strategy`` puts them together."""
        return mix([partial(self._of, source) for source in sources], self.config.mix_strategy)

    def _of(self, source: Source) -> Iterator[_Placed]:
        for example, record in self._examples(source):
            if example.tools and self.stage in WITHOUT_TOOLS:
                raise ConfigError(
                    f"{record.place}: this row has tools, which TRL's trainer of stage {self.stage} leaves out of the "
                    "prompt without a word; set method.name to dpo, or remove the column"
                )
            for row in rows_of(example, self.stage):
                if self.lengths is not None:
                    try:
                        self.lengths.measure(row, record.place)
                    except Unfit as unfit:
                        self.dropped.add(record, unfit)
                        continue
                yield _Placed(row, record.place)

    def _examples(self, source: Source) -> Iterator[tuple[Example, Record]]:
        kept = 0
        for record in source.records():
            if self.config.max_samples is not None and kept >= self.config.max_samples:
                return
            layout = self._layouts[source.name]
            try:
                for column, mark in _applied(record, layout):
                    raise Unfit("text that a chat template was put to already", f"{mark!r} in column {column!r}")
                example = convert(record.row, layout)
            except Unfit as unfit:
                self.dropped.add(record, unfit)
                continue
            kept += 1
            yield example, record

    def notes(self) -> tuple[str, ...]:
        """What a person should know of the rows."""
        return (*self._said, *(self.lengths.words() if self.lengths else ()))

    def nothing_left(self) -> ConfigError:
        """The error for data of which no row can be used."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.counts.most_common(3))
        first = next(iter(self.dropped.examples.values()), [])
        where = f"; the first: {first[0].place} {first[0].detail}".rstrip() if first else ""
        return ConfigError(
            f"{', '.join(self.config.path)}: no row can be used ({reasons or 'it holds none'}){where}; see "
            "'envrl data check', or set dataset.format and dataset.columns"
        )
