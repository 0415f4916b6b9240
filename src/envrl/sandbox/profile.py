"""A profile: what one zygote warms up and lends to every program that it runs."""

from __future__ import annotations

import msgspec

__all__ = ["LANGUAGE_IMPORTS", "Profile"]

LANGUAGE_IMPORTS = (
    "abc",
    "bisect",
    "collections",
    "collections.abc",
    "copy",
    "dataclasses",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "string",
    "typing",
)
"""Modules of the standard library that a program of pure computation may ask for."""

_RAW_PAYLOAD = """
def arguments(payload):
    return (payload,)
"""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one zygote warms up and lends to every program that it runs. All sources are ours, never a model's."""

    entry_point: str
    """Name of the function that a program must define."""
    imports: tuple[str, ...] = LANGUAGE_IMPORTS
    """Modules lent as facades; any other import is a violation."""
    tables: str = ""
    """Source run once in the zygote; seen by the toolkit alone."""
    toolkit: str = ""
    """Source of helper functions, run anew for each game; names that begin with "_" are not lent."""
    adapter: str = _RAW_PAYLOAD
    """Source that defines ``arguments(payload: bytes) -> tuple``: from an observation as sent to a call's arguments."""
