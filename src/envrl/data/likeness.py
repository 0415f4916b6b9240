"""How much alike two texts are, without reading what they mean."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Likeness"]

_LENGTH = 5  # characters of a piece
_BUCKETS = 4096
_LONGEST = 20_000  # characters that are looked at


class Likeness:
    """Compares texts by the pieces of five characters that they are made of.

    The likeness of two texts is the number of pieces in both over the number in either (Jaccard), in [0, 1]. Pieces
    are counted by a hash of 4096 values, so that very long texts look a little more alike than they are. A scan of
    bounded length: texts of models are not parsed here.

    Args:
        texts: those that will be compared, by their place in this sequence.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._pieces = np.zeros((len(texts), _BUCKETS), dtype=np.float32)
        for row, text in zip(self._pieces, texts, strict=True):
            content = text[:_LONGEST].strip().encode("utf-8", "surrogatepass")
            for start in range(max(1, len(content) - _LENGTH + 1)):
                row[zlib.crc32(content[start : start + _LENGTH]) % _BUCKETS] = 1.0
        self._sizes = self._pieces.sum(axis=1)

    def to(self, place: int, others: Sequence[int] | NDArray[np.intp]) -> NDArray[np.float32]:
        """The likeness of one text to some of the others, in their order."""
        chosen = np.asarray(others, dtype=np.intp)
        common = self._pieces[chosen] @ self._pieces[place]
        return np.asarray(common / (self._sizes[chosen] + self._sizes[place] - common), dtype=np.float32)

    def first_of_each(self, most: float) -> list[int]:
        """Places of the texts that are at most so much alike to every text kept before them."""
        kept: list[int] = []
        for place in range(len(self._pieces)):
            if not kept or float(self.to(place, kept).max()) <= most:
                kept.append(place)
        return kept
