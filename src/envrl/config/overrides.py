"""Overrides as a user types them: ``train.seed=3``, ``learning_rate=1e-6``, ``--learning_rate 1e-6``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from envrl.config.document import Node, parse_value, read_scalar
from envrl.config.fields import all_fields, children, leaf_fields
from envrl.config.llamafactory import CONVERTED, is_known, taken_over
from envrl.config.problems import COMMAND_LINE, Problem, raise_all
from envrl.config.short_forms import FORMER_NAMES, SHORT_FORMS
from envrl.config.validate import unknown_key
from envrl.errors import ConfigError, nearest

__all__ = ["Override", "command_arguments", "is_secret", "override_arguments", "parse_override"]

_FLAGS = frozenset("true false yes no on off".split())


@dataclass(frozen=True, slots=True)
class Override:
    """A value from the command line, under its dotted name or a flat key of LLaMA-Factory."""

    name: str
    node: Node
    flat: bool = False


def parse_override(text: str, *, flat_file: bool) -> tuple[Override | None, list[Problem]]:
    """Read ``key=value``, and find out which key is meant.

    Args:
        flat_file: whether it goes over a file of LLaMA-Factory, whose names then come first.
    """
    name, equals, value = text.partition("=")
    name = FORMER_NAMES.get(name.strip(), name.strip())
    if is_secret(name):
        what = "is a secret, and what is typed here is kept with the run; set it in the environment, such as HF_TOKEN"
        return None, [Problem(COMMAND_LINE, name, what)]
    if not equals or not name:
        what = f"expected key=value ({text!r} met); write for example train.max_steps=80"
        return None, [Problem(COMMAND_LINE, "", what)]
    try:
        node, problems = parse_value(value, COMMAND_LINE.source, name)
    except ConfigError as error:
        return None, [Problem(COMMAND_LINE, "", str(error).removeprefix(f"{COMMAND_LINE}: "))]
    override, wrong = _meant(name, node, flat_file)
    return override, problems + wrong


def is_secret(name: str) -> bool:
    """Whether a name on the command line is that of a token or a key, whose value nothing may repeat.

    Names below a field with free keys are their owner's: ``env.options.door_key``.
    """
    group, _, last = name.lower().removeprefix("--").replace("-", "_").rpartition(".")
    return last.endswith(("_token", "_key")) and group not in leaf_fields()


def _meant(name: str, node: Node, flat_file: bool) -> tuple[Override | None, list[Problem]]:
    if "." in name:
        return Override(name, node), []
    if name in children(""):
        if isinstance(node.value, dict) or name not in SHORT_FORMS:
            return Override(name, node), []
        if name == "dataset":
            return Override(name, node, flat=True), []
        return Override(f"{name}.{SHORT_FORMS[name]}", node), []
    homes = _homes(name)
    if name in CONVERTED or (flat_file and taken_over(name)):
        return Override(name, node, flat=True), []
    if len(homes) == 1:
        return Override(homes[0], node), []
    if is_known(name):
        return Override(name, node, flat=True), []
    if homes:
        choices = " or ".join(f"{home}=…" for home in homes)
        return None, [Problem(COMMAND_LINE, name, f"several groups have this key; write {choices}")]
    return None, [Problem(COMMAND_LINE, name, unknown_key(name, node))]


def _homes(name: str) -> list[str]:
    return [leaf for leaf in leaf_fields() if leaf.rpartition(".")[2] == name]


def command_arguments(tokens: Sequence[str], options: Iterable[str] = ()) -> tuple[Path | None, list[str]]:
    """The configuration file among a command's arguments, if there is one, and the overrides; see `override_arguments`.

    Raises:
        ConfigError: as there.
    """
    overrides = override_arguments(tokens, options)
    for number, text in enumerate(overrides):
        if "=" not in text or (text in tokens and Path(text).is_file()):
            return Path(text), overrides[:number] + overrides[number + 1 :]
    return None, overrides


def override_arguments(tokens: Sequence[str], options: Iterable[str] = ()) -> list[str]:
    """Turn ``--key value``, ``--key=value`` and ``--flag`` into ``key=value``; all else stays as it is.

    Args:
        tokens: what was typed and is no option of the command itself.
        options: the command's own options, such as ``--env``, for hints.

    Raises:
        ConfigError: lists the options that no configuration has, each with the nearest name, and those without a value.
    """
    done: list[str] = []
    problems: list[Problem] = []
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        if not token.startswith("-") or token == "-" or _is_number(token):
            done.append(token)
            continue
        typed, equals, value = token.partition("=")
        name = typed.removeprefix("--").replace("-", "_")
        if not typed.startswith("--") or not _is_name(name):
            problems.append(Problem(COMMAND_LINE, typed, _no_such_option(name, options)))
            if not equals and rest and not rest[0].startswith("-") and "=" not in rest[0]:
                rest.pop(0)
        elif equals:
            done.append(f"{name}={value}")
        elif rest and _is_value(rest[0], name):
            done.append(f"{name}={rest.pop(0)}")
        elif _is_flag(name):
            done.append(f"{name}=true")
        else:
            problems.append(Problem(COMMAND_LINE, typed, f"has no value; write {typed} VALUE, or {name}=VALUE"))
    if problems:
        raise_all(problems)
    return done


def _is_name(name: str) -> bool:
    """Whether an override of this name means something, or is explained by `parse_override` why it does not."""
    if "." in name:
        group = name
        while "." in group and group not in all_fields():  # below a field with free keys, such as env.options
            group = group.rpartition(".")[0]
        return "." in group
    return name in children("") or bool(_homes(name)) or is_known(name)


def _is_flag(name: str) -> bool:
    homes = [name] if name in leaf_fields() else _homes(name)
    kinds = {kind for home in homes for kind in _kinds(home)}
    return bool in kinds or (is_known(name) and not homes)


def _kinds(dotted: str) -> Iterable[object]:
    annotation = leaf_fields()[dotted].annotation
    yield annotation
    for kind in get_args(annotation):
        yield from (kind, *get_args(kind))


def _is_value(token: str, name: str) -> bool:
    if token.startswith("-"):
        return _is_number(token)
    # A flag takes the next word only if it can be meant for it: another may be the path of a file.
    return not _is_flag(name) or token.lower() in _FLAGS or _takes_text(name)


def _takes_text(name: str) -> bool:
    homes = [name] if name in leaf_fields() else _homes(name)
    return not homes or any(kind is not bool and kind is not type(None) for home in homes for kind in _kinds(home))


def _is_number(token: str) -> bool:
    return isinstance(read_scalar(token), int | float)


def _no_such_option(name: str, options: Iterable[str]) -> str:
    own = {option.lstrip("-"): option for option in options}
    fields = {leaf.rpartition(".")[2]: leaf.rpartition(".")[2] for leaf in leaf_fields()}
    known = own | {leaf: f"--{leaf}" for leaf in [*fields, *leaf_fields()] if leaf not in own}
    close = nearest(name.replace("_", "-"), known) or nearest(name, known)
    if close:
        return f"no such option; did you mean {' or '.join(known[key] for key in close)}?"
    return "no such option; 'envrl train --help' lists the options, docs/configuration.md every key"
