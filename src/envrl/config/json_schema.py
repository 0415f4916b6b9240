"""The schema of a configuration for editors: names, meanings, choices, bounds and defaults while a user types."""

from __future__ import annotations

from typing import Any

from envrl.config.fields import all_fields, submodel
from envrl.config.schema import RunConfig
from envrl.config.short_forms import SHORT_FORMS

__all__ = ["json_schema"]

# The draft that YAML language servers know best; references are written out, since it ignores what stands beside them.
_DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 7) of a configuration file, without references, as plain data.

    It takes what `load_config` takes of a file with groups: short forms such as ``env: 2048``, and whole numbers where
    a name is wanted. What must hold between fields is not in it.
    """
    found = RunConfig.model_json_schema(by_alias=True)
    schema = _written_out({key: part for key, part in found.items() if key != "$defs"}, found.get("$defs", {}))
    _add_defaults(schema, "")
    for group, key in SHORT_FORMS.items():
        whole = schema["properties"][group]
        short = {k: v for k, v in whole["properties"][key].items() if k not in ("default", "description")}
        forms = [{k: v for k, v in whole.items() if k != "description"}, *_forms(short)]
        if short.get("type") == "array":
            forms.append(short["items"])
        schema["properties"][group] = {"description": whole["description"], "anyOf": forms}
    return {"$schema": _DRAFT, "title": "A run of envrl", **schema}


def _forms(schema: dict[str, Any]) -> list[dict[str, Any]]:
    forms: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return forms


def _written_out(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_written_out(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        target = definitions[part["$ref"].rpartition("/")[2]]
        return _written_out({**target, **{key: value for key, value in part.items() if key != "$ref"}}, definitions)
    # Titles are made from names and say nothing more; but "title" may be the name of a property.
    return {
        key: {name: _written_out(inner, definitions) for name, inner in value.items()}
        if key == "properties"
        else _written_out(value, definitions)
        for key, value in part.items()
        if key != "title"
    }


def _add_defaults(schema: dict[str, Any], prefix: str) -> None:
    """Add the defaults that pydantic makes anew for each configuration, such as empty lists."""
    for name, part in schema["properties"].items():
        info = all_fields()[prefix + name]
        if submodel(info) is None:
            if not info.is_required():
                part.setdefault("default", info.get_default(call_default_factory=True, validated_data={}))
            continue
        for form in _forms(part):
            if "properties" in form:
                _add_defaults(form, f"{prefix}{name}.")
