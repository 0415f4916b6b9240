"""From a tree of YAML nodes to a `RunConfig`, or to all that is wrong with it at once."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from envrl.config.document import Node, plain
from envrl.config.emit import emit_value
from envrl.config.fields import all_fields, children, leaf_fields, submodel
from envrl.config.llamafactory import home
from envrl.config.problems import Problem
from envrl.config.schema import RunConfig
from envrl.config.tree import Path, find, place_of
from envrl.errors import nearest

__all__ = ["unknown_key", "validate"]

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a group of keys",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a group of keys",
    "string_type": "text",
}
_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_LONGEST_MET = 60
# Words that people bring along, and what they come to here.
_MEANT = {
    "method.name": {
        "ppo": "PPO is gone from TRL: use grpo or rloo, which need no model of values",
        "rm": "it is called reward here",
        "cpo": "write simpo, and loss_type: sigmoid",
    },
    "method.loss_type": {
        "kto_pair": "kto is a stage of its own: set method.name to kto, and give rows with a label",
        "orpo": "it is a stage of its own: set method.name to orpo",
    },
}


def validate(root: Node) -> tuple[RunConfig | None, list[Problem]]:
    """The configuration that a tree of nodes describes, or None with all its problems."""
    data: Any = plain(root)
    for group in children(""):
        # A group whose keys are all commented out is read as null by YAML.
        if data.get(group, 0) is None:
            del data[group]
    config, errors = _try(data)
    if config is not None:
        return config, []
    by_path: dict[Path, list[ErrorDetails]] = {}
    spoiled: set[str] = set()
    problems = []
    while errors:
        wrong = [error for error in errors if error["type"] != "constraint"]
        if not wrong:
            problems = _constraint_problems(root, errors, spoiled)
            break
        # Constraints are only looked at once every field is sound: without the bad ones, the rest can be.
        for error in wrong:
            path, _ = find(root, error["loc"])
            if not spoiled:
                key = (*path, error["loc"][-1]) if error["type"] == "missing" else path
                by_path.setdefault(key, []).append(error)
        spoiled |= {_prune(data, find(root, error["loc"])[0]) for error in wrong}
        _, errors = _try(data)
    return None, [_field_problem(root, path, errors) for path, errors in by_path.items()] + problems


def _try(data: object) -> tuple[RunConfig | None, list[ErrorDetails]]:
    try:
        return RunConfig.model_validate(data), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _prune(data: Any, path: Path) -> str:
    """Take the value at a path out of the data (a list goes as a whole); its dotted name.

    Where it is out already, since a group cannot be without it, the group goes too.
    """
    keys = [part for part in path if isinstance(part, str)]
    while True:
        *groups, last = keys
        holder = data
        for key in groups:
            holder = holder.get(key, {})
        if last in holder or not groups:
            holder.pop(last, None)
            return ".".join(keys)
        keys = groups


def _constraint_problems(root: Node, errors: list[ErrorDetails], spoiled: set[str]) -> list[Problem]:
    problems = []
    for violation in (v for error in errors for v in error["ctx"]["violations"]):
        if any((field + ".").startswith(bad + ".") for field in violation.fields for bad in spoiled):
            continue
        field, place = place_of(root, violation.fields)
        problems.append(Problem(place, field, violation.text))
    return problems


def _field_problem(root: Node, path: Path, errors: list[ErrorDetails]) -> Problem:
    dotted = ".".join(map(str, path))
    _, node = find(root, path)
    kinds = {error["type"] for error in errors}
    if "extra_forbidden" in kinds:
        return Problem(node.key, dotted, unknown_key(dotted, node))
    if "missing" in kinds:
        return Problem(node.place, dotted, f"is missing; meaning: {all_fields()[dotted].description}")
    if any(error["loc"][-1] == "[key]" for error in errors):
        return Problem(node.key, dotted, "a key must be a plain name (letters, digits and _); rename it")
    return Problem(node.place, dotted, f"{_what(errors)} ({_met(node)} met); {_mend(dotted, node, errors)}")


def _what(errors: list[ErrorDetails]) -> str:
    """What was expected, over all kinds that the field would have taken."""
    expected, others = [], []
    for error in errors:
        kind, context = error["type"], error.get("ctx", {})
        if kind in _EXPECTED:
            expected.append(_EXPECTED[kind])
        elif kind in _BOUNDS:
            others.append(f"must be {_BOUNDS[kind].format(**context)}")
        elif kind == "literal_error":
            expected.append(f"one of {context['expected']}")
        elif kind in ("string_too_short", "too_short"):
            others.append("must not be empty")
        elif kind == "string_pattern_mismatch":
            others.append("must be a plain name of letters, digits, '_', '-' and '.'")
        else:
            others.append(error["msg"].removeprefix("Value error, "))
    kinds = list(dict.fromkeys(expected))
    if kinds:
        others.insert(0, "expected " + " or ".join(kinds))
    return ", ".join(dict.fromkeys(others))


def _met(node: Node) -> str:
    if isinstance(node.value, dict):
        return "a group of keys"
    if isinstance(node.value, list):
        return "a list"
    if node.value is None:
        return "nothing"
    shown = repr(node.value) if isinstance(node.value, str) else emit_value(node.value)
    return shown if len(shown) <= _LONGEST_MET else shown[:_LONGEST_MET] + "…"


def _mend(dotted: str, node: Node, errors: list[ErrorDetails]) -> str:
    choices = [
        c for e in errors if e["type"] == "literal_error" for c in re.findall(r"'([^']*)'", e["ctx"]["expected"])
    ]
    if meant := _MEANT.get(dotted, {}).get(str(node.value)):
        return meant
    if choices:
        close = nearest(str(node.value), choices, count=1)
        return f"did you mean {close[0]}?" if close else f"write one of {', '.join(choices)}"
    # The elements of a list and the free keys of a dict are described by the field that holds them.
    while dotted not in all_fields():
        dotted = dotted.rpartition(".")[0]
    info, name = all_fields()[dotted], dotted.rpartition(".")[2]
    if submodel(info):
        first = children(dotted)[0]
        value = emit_value(node.value) if isinstance(node.value, str | int | float) else "…"
        return f"write {name}: {{{first}: {value}}}"
    if any(error["type"] == "list_type" for error in errors) and isinstance(node.value, str):
        return f"write {name}: [{emit_value(node.value)}]"
    if any(error["type"] in _EXPECTED for error in errors):
        example = None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})
        if example is not None:
            return f"write for example {name}: {emit_value(example)}"
    return f"meaning: {info.description}"


def unknown_key(dotted: str, node: Node) -> str:
    """What to say of a key that the schema does not have: the nearest siblings, or the group that has it."""
    group, _, name = dotted.rpartition(".")
    what = f"unknown key ({_met(node)} met)"
    homes = [leaf for leaf in leaf_fields() if leaf.rpartition(".")[2] == name]
    if homes:
        return f"{what}; {' or '.join(map(_belongs, homes))}"
    if elsewhere := home(name):
        return f"{what}; here it is {elsewhere}"
    if close := nearest(name, children(group)):
        return f"{what}; did you mean {' or '.join(close)}?"
    by_name = {leaf.rpartition(".")[2]: leaf for leaf in leaf_fields()}
    if close := nearest(name, by_name):
        return f"{what}; did you mean {' or '.join(by_name[key] for key in close)}?"
    place = f"group {group} knows" if group else "the groups are"
    return f"{what}; remove it ({place} {', '.join(children(group))})"


def _belongs(leaf: str) -> str:
    group, _, name = leaf.rpartition(".")
    return f"{name} belongs in group {group}"
