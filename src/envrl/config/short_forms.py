"""Short forms of groups, and names that fields had before: ``env: 2048`` is ``env: {id: 2048}``."""

from __future__ import annotations

from collections.abc import Mapping

from envrl.config.document import Node
from envrl.config.problems import Problem
from envrl.config.tree import find, put

__all__ = ["FORMER_NAMES", "SHORT_FORMS", "spell_out"]

SHORT_FORMS: Mapping[str, str] = {
    "model": "path",
    "env": "id",
    "dataset": "path",
    "reward": "preset",
    "method": "name",
}
"""Groups that may be given as the value of one key."""

FORMER_NAMES: Mapping[str, str] = {
    "train.warmup_ratio": "train.warmup_steps",
    "train.overwrite_output_dir": "output.overwrite",
    "output.overwrite_output_dir": "output.overwrite",
}
"""Fields that transformers has dropped, under the names that people know."""


def spell_out(root: Node) -> list[Problem]:
    """Write the short forms and former names of a file out, in the tree itself; what is wrong with them."""
    assert isinstance(root.value, dict)
    for group, key in SHORT_FORMS.items():
        node = root.value.get(group)
        if node is None or node.value is None or isinstance(node.value, dict):
            continue
        if group == "dataset" and not isinstance(node.value, list):
            node = Node([node], node.place, node.key)
        root.value[group] = Node({key: node}, node.place, node.key)
    problems = []
    for old, new in FORMER_NAMES.items():
        group, _, key = old.partition(".")
        found, node = find(root, (group, key))
        if len(found) < 2:
            continue
        holder = root.value[group].value
        assert isinstance(holder, dict)
        del holder[key]
        if node.value is None:
            continue
        there, other = find(root, new.split("."))
        if len(there) == 2:
            problems.append(Problem(node.key, old, f"given twice: {new} stands at {other.place}; keep one of them"))
        else:
            put(root, new, node)
    return problems
