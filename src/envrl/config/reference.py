"""Every field as a table for the documentation: ``python -m envrl.config.reference docs/configuration.md``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from envrl.config.emit import emit_value
from envrl.config.fields import all_fields, children, submodel
from envrl.config.json_schema import json_schema

__all__ = ["refreshed", "tables"]

_BEGIN = "<!-- fields: made by python -m envrl.config.reference docs/configuration.md -->"
_END = "<!-- end of fields -->"
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
}


def tables() -> str:
    """A heading and a table for each group, in Markdown."""
    schema = json_schema()
    parts = []
    for group in children(""):
        part = next(form for form in _forms(schema["properties"][group]) if "properties" in form)
        rows = "\n".join(_rows(part, group, ""))
        parts.append(
            f"### {group}\n\n{_sentence(schema['properties'][group]['description'])}\n\n"
            f"| key | default | values | meaning |\n|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def refreshed(page: str) -> str:
    """A page with the tables between its marks made anew.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page has no {_BEGIN} … {_END}")
    return f"{before}{begin}\n\n{tables()}\n{end}{after}"


def _rows(schema: dict[str, Any], group: str, prefix: str) -> list[str]:
    rows = []
    for name, part in schema["properties"].items():
        info = all_fields()[f"{group}.{prefix}{name}"]
        if submodel(info) is not None:
            inner = next(form for form in _forms(part) if "properties" in form)
            default = "null" if info.default is None else ""
            rows.append(f"| `{prefix}{name}` | {default} | a group | {_cell(info.description)} |")
            rows += _rows(inner, group, f"{prefix}{name}.")
            continue
        default = "" if info.is_required() else f"`{emit_value(part['default'])}`"
        rows.append(f"| `{prefix}{name}` | {default} | {_cell(_values(part))} | {_cell(info.description)} |")
    return rows


def _forms(part: dict[str, Any]) -> list[dict[str, Any]]:
    forms: list[dict[str, Any]] = part.get("anyOf", [part])
    return forms


def _values(part: dict[str, Any]) -> str:
    """What may be written, in words."""
    return " or ".join(dict.fromkeys(_value(form) for form in _forms(part)))


def _value(form: dict[str, Any]) -> str:
    if "const" in form:
        return f"`{emit_value(form['const'])}`"
    if "enum" in form:
        return ", ".join(f"`{emit_value(value)}`" for value in form["enum"])
    bounds = " and ".join(text.format(f"{form[key]:g}") for key, text in _BOUNDS.items() if key in form)
    kind = form.get("type", "any")
    names = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true`, `false`"}
    if isinstance(kind, list):  # a name that may look like a number
        return "text"
    if kind == "null":
        return "`null`"
    if kind == "array":
        return f"list of {_values(form['items'])}"
    if kind == "object":
        return f"names with {_values(form['additionalProperties'])}" if "additionalProperties" in form else "names"
    return f"{names.get(kind, kind)} {bounds}".strip()


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(refreshed(page.read_text(encoding="utf-8")), encoding="utf-8")
