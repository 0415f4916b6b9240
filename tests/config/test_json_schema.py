"""The schema for editors: it knows every field, takes what we take, and lies beside the recipes."""

import json
from pathlib import Path

import pytest
import yaml

from envrl.config import json_schema, leaf_fields
from envrl.config.document import plain, read_document
from envrl.config.fields import all_fields
from envrl.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = sorted(CONFIGS.rglob("*.yaml"))
NAMES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def fits(schema, value):
    """Whether a value fits a schema, for the words of JSON schema that ours uses."""
    if "anyOf" in schema:
        return any(fits(form, value) for form in schema["anyOf"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = any(
        (k == "number" and number) or (k == "integer" and number and value == int(value))
        or (k in NAMES and isinstance(value, NAMES[k]))
        for k in kinds
    )  # fmt: skip
    if kinds and not kind:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if number and not all(
        [
            value >= schema.get("minimum", value),
            value <= schema.get("maximum", value),
            value > schema.get("exclusiveMinimum", value - 1),
            value < schema.get("exclusiveMaximum", value + 1),
        ]
    ):
        return False
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), item) for item in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        if schema.get("additionalProperties") is False and not set(value) <= set(known):
            return False
        return set(schema.get("required", ())) <= set(value) and all(
            fits(known[key], item) for key, item in value.items() if key in known
        )
    return True


def properties(schema, prefix=""):
    for form in schema.get("anyOf", [schema]):
        for name, part in form.get("properties", {}).items():
            yield prefix + name, part
            yield from properties(part, f"{prefix}{name}.")


def test_every_field_is_in_it_with_its_meaning_and_default():
    found = dict(properties(json_schema()))
    assert set(found) == set(all_fields())
    for name, info in all_fields().items():
        assert found[name]["description"] == info.description
    for name, info in leaf_fields().items():
        if not info.is_required():
            assert found[name]["default"] == info.get_default(call_default_factory=True, validated_data={}), name


def test_it_has_no_references_and_is_plain_data():
    text = json.dumps(json_schema())
    assert "$ref" not in text
    assert "$defs" not in text


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_recipe_points_to_it_and_fits(path):
    first, _, _ = path.read_text().partition("\n")
    relative = "../" * (len(path.relative_to(CONFIGS).parts) - 1)
    assert first == f"# yaml-language-server: $schema={relative}schema.json"
    assert fits(json_schema(), plain(read_document(path)[0]))


def test_the_file_beside_the_recipes_is_this_schema():
    assert json.loads((CONFIGS / "schema.json").read_text()) == json_schema(), (
        "write it anew: envrl schema config > configs/schema.json"
    )


@pytest.mark.parametrize(
    "text",
    [
        "env: 2048",
        "env: {id: 2048, options: {target: 512, dense: true}}",
        "dataset: rows.jsonl",
        "dataset: [a, b]",
        "method: rloo",
        "model: {lora: {r: 8, alpha: 16, target_modules: all-linear}}",
        "model: {lora: {r: 8, alpha: 16, target_modules: [q_proj]}}",
        "output: {resume: true, name: x}",
        "output: {resume: runs/x, name: 7}",
        "train: {warmup_steps: 0.1, epochs: null}",
        "eval: {seeds: 32}",
    ],
)
def test_it_takes_what_we_take(read, text):
    overrides = ["method.name=grpo", "train.learning_rate=1e-5"] if "rloo" not in text else []
    read(text, *overrides)
    assert fits(json_schema(), yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        "tain: {}",
        "train: {max_step: 3}",
        "train: {max_steps: 0}",
        "train: {max_steps: many}",
        "train: {learning_rate: 0}",
        "method: {name: grpoo}",
        "model: {lora: {alpha: 3}}",
        "model: {lora: 3}",
        "sandbox: {require: [seccompp]}",
        "dataset: {path: [{a: 1}]}",
    ],
)
def test_it_refuses_what_we_refuse(read, text):
    with pytest.raises(ConfigError):
        read(text)
    assert not fits(json_schema(), yaml.safe_load(text))
