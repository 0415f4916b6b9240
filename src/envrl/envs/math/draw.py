"""Random choices that depend on a seed and some words alone, on every version of Python."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Draw"]

_Item = TypeVar("_Item")
_MASK_63 = 2**63 - 1


class Draw:
    """A stream of random choices.

    Only ``random.Random.random`` is used: it is what Python promises to keep from version to version.

    Args:
        seed: its low 63 bits count.
        words: tell the streams of one seed apart.
    """

    def __init__(self, seed: int, *words: object) -> None:
        low = (seed & _MASK_63).to_bytes(8, "little")
        digest = hashlib.blake2b(low + repr(words).encode(), digest_size=16, person=b"envrl.math").digest()
        self._next = random.Random(int.from_bytes(digest, "little")).random

    def integer(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included; the range may hold 2**40 of them."""
        return low + int(self._next() * (high - low + 1))

    def nonzero(self, size: int) -> int:
        """An integer from ``-size`` to ``size``, without 0."""
        return self.integer(1, size) * self.choice((-1, 1))

    def integers(self, low: int, high: int, count: int) -> list[int]:
        """Several integers, each drawn by itself."""
        return [self.integer(low, high) for _ in range(count)]

    def choice(self, items: Sequence[_Item]) -> _Item:
        """One of the items."""
        return items[self.integer(0, len(items) - 1)]
