"""JSON schemas of the files that other programs read and write: an editor's YAML support, a reader of reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from envrl.errors import UnknownNameError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport

__all__ = ["schema_text"]


_DRAFT = "https://json-schema.org/draft/2020-12/schema"  # the one that msgspec writes


def _config() -> dict[str, Any]:
    from envrl.config import json_schema

    return json_schema()


def _record(record: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$schema": _DRAFT, **msgspec.json.schema(record)}


_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "config": _config,
    "report": partial(_record, SweepReport),
    "data-report": partial(_record, FinetuneReport),
}


def schema_text(name: str) -> str:
    """A schema as indented JSON.

    Args:
        name: ``config``; ``report`` of a sweep or of a run that plays; ``data-report`` of a run that trains on data.

    Raises:
        UnknownNameError: there is no such schema.
    """
    if name not in _SCHEMAS:
        raise UnknownNameError("schema", name, _SCHEMAS)
    return json.dumps(_SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
