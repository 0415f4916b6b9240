"""All template families, by name."""

from __future__ import annotations

from envrl.envs.math.families import algebra, arithmetic, combinatorics, geometry, number_theory, words
from envrl.envs.math.family import Family
from envrl.errors import UnknownNameError

__all__ = ["FAMILIES", "families_table", "find_families"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for area in (arithmetic, number_theory, algebra, geometry, combinatorics, words)
    for family in area.FAMILIES
}


def find_families(choice: str) -> tuple[str, ...]:
    """The names of the families that a choice stands for.

    Args:
        choice: a family's name, an area (``number theory`` or ``number_theory``), or ``all``.

    Raises:
        UnknownNameError: nothing answers to it; the message lists the nearest names.
    """
    if choice in FAMILIES:
        return (choice,)
    names = tuple(f.name for f in FAMILIES.values() if choice in ("all", f.area, f.area.replace(" ", "_")))
    if not names:
        raise UnknownNameError("family of problems", choice, ["all", *{f.area for f in FAMILIES.values()}, *FAMILIES])
    return names


def families_table() -> str:
    """The families as a Markdown table, for the docs."""
    lines = ["| family | area | call | returns | levels 1, 2, 3 |", "|---|---|---|---|---|"]
    for family in FAMILIES.values():
        lines.append(f"| `{family.name}` | {family.area} | `{family.signature}` | {family.asks} | {family.grading} |")
    return "\n".join(lines) + "\n"
