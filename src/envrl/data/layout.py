"""How the rows of a data set are laid out: their format, and the names of columns, keys and roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from envrl.data.example import Kind
from envrl.errors import ConfigError, nearest

__all__ = ["COLUMNS", "Format", "Layout", "detect"]

Format = Literal["alpaca", "sharegpt", "openai", "trl"]

COLUMNS: dict[Format, dict[str, str]] = {
    "alpaca": {
        "prompt": "instruction",
        "query": "input",
        "response": "output",
        "history": "history",
        "system": "system",
        "tools": "tools",
        "chosen": "chosen",
        "rejected": "rejected",
        "kto_tag": "kto_tag",
    },
    "sharegpt": {
        "messages": "conversations",
        "system": "system",
        "tools": "tools",
        "chosen": "chosen",
        "rejected": "rejected",
        "kto_tag": "kto_tag",
    },
    "openai": {
        "messages": "messages",
        "tools": "tools",
        "input": "input",
        "preferred_output": "preferred_output",
        "non_preferred_output": "non_preferred_output",
    },
    "trl": {
        name: name for name in ("text", "messages", "prompt", "completion", "chosen", "rejected", "label", "tools")
    },
}
"""The columns that a format knows, each with its usual name in the data."""

_TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
_OPTIONAL = ("query", "history", "system", "tools")
"""Columns that a first row may lack, though others have them."""

_UNREAD = ("images", "videos", "audios")
_MOST, _LONGEST = 20, 40  # columns that an error names, and characters of each


@dataclass(frozen=True, slots=True)
class Layout:
    """A format, with the names that this data set uses.

    Attributes:
        format: of a row.
        kind: what the rows hold.
        columns: name in the data, by the format's own name for it; those that its first row has.
        tags: of ShareGPT: the keys of role and content, and the words for roles.
        plain: whether text is kept as it is, without turns.
    """

    format: Format
    kind: Kind
    columns: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=lambda: dict(_TAGS))
    plain: bool = False

    def get(self, row: Mapping[str, Any], name: str) -> Any:
        """What a row holds in a column, None where it has no such column (rows need not have all of them)."""
        return row.get(self.columns.get(name, COLUMNS[self.format][name]))


def detect(
    row: Mapping[str, Any],
    where: str,
    wanted: str = "auto",
    columns: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    ranking: bool | None = None,
) -> Layout:
    """The layout of a data set, told from its first row.

    Args:
        where: names the data set in an error.
        wanted: its format, or ``auto``.
        columns: names of columns that differ from the usual, by the format's own name.
        tags: likewise those of ShareGPT.
        ranking: whether rows are pairs, where somebody has said it.

    Raises:
        ConfigError: the columns are of no format, or one that was named is not there.
    """
    columns, names = dict(columns or {}), _list(row)
    for unread in _UNREAD:
        if columns.pop(unread, None) is not None:
            raise ConfigError(f"{where}: column {unread!r}: images, videos and sounds are not read; remove the column")
    chosen = _format(row, where, wanted, columns)
    known = COLUMNS[chosen]
    aliases = {usual: own for own, usual in known.items()}
    given: dict[str, str] = {}
    for name, column in columns.items():
        own = name if name in known else aliases.get(name)
        if own is None:
            close = " or ".join(nearest(name, known)) or ", ".join(known)
            raise ConfigError(f"dataset.columns: format {chosen} has no column {name!r}; did you mean {close}?")
        if column not in row and own not in _OPTIONAL:
            raise ConfigError(f"{where}: no column {column!r} (for {name!r}) among {names}; mend dataset.columns")
        given[own] = column
    found = {own: usual for own, usual in known.items() if usual in row} | given
    for name in tags or {}:
        if name not in _TAGS:
            raise ConfigError(f"{where}: unknown tag {name!r}; the tags are {', '.join(_TAGS)}")
    layout = Layout(chosen, "text", found, {**_TAGS, **(tags or {})})
    return replace(layout, kind=_kind(layout, where, names, ranking))


def _format(row: Mapping[str, Any], where: str, wanted: str, columns: Mapping[str, str]) -> Format:
    if wanted != "auto":
        for known in COLUMNS:
            if known == wanted:
                return known
        raise ConfigError(f"{where}: unknown format {wanted!r}; the formats are auto, {', '.join(COLUMNS)}")
    if "conversations" in row:
        return "sharegpt"
    if "preferred_output" in row:
        return "openai"
    if "instruction" in row:
        return "alpaca"
    if row.keys() & {"text", "messages", "completion", "chosen"} or set(columns) & {"text", "completion"}:
        return "trl"
    fits = [known for known, names in COLUMNS.items() if columns and set(columns) <= set(names)]
    if len(fits) == 1:
        return fits[0]
    raise ConfigError(
        f"{where}: the columns {_list(row)} are those of no format; set dataset.format (alpaca, sharegpt, openai, trl) "
        "and name the columns in dataset.columns"
    )


def _kind(layout: Layout, where: str, names: str, ranking: bool | None) -> Kind:
    there = layout.columns.keys()
    pair = {"chosen", "rejected"} <= there or {"preferred_output", "non_preferred_output"} <= there
    if ranking and not pair:
        raise ConfigError(f"{where}: said to hold pairs (ranking), but has no columns chosen and rejected: {names}")
    if ranking or (pair and ranking is None):
        return "preference"
    if "label" in there or "kto_tag" in there:
        return "label"
    if there & {"response", "completion", "messages"}:
        return "answer"
    if there & {"text", "prompt"}:
        return "text"
    raise ConfigError(
        f"{where}: format {layout.format} finds none of its columns ({', '.join(COLUMNS[layout.format].values())}) "
        f"among {names}; set dataset.format, or name the columns in dataset.columns"
    )


def _list(row: Mapping[str, Any]) -> str:
    """Names of columns, which are somebody's words: what could move a cursor is shown as escapes."""
    shown = [name[:_LONGEST] if name.isprintable() else repr(name[:_LONGEST]) for name in list(row)[:_MOST]]
    return ", ".join(shown) + (" …" if len(row) > _MOST else "") or "(none)"
