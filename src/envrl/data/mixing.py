"""Several data sets put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

__all__ = ["mix"]

Item = TypeVar("Item")


def mix(
    parts: Sequence[Callable[[], Iterator[Item]]],
    strategy: Literal["concat", "interleave_under", "interleave_over"],
) -> Iterator[Item]:
    """One after the other, or one item of each in turn.

    Args:
        parts: each begins its data set anew when it is called.
        strategy: ``interleave_under`` ends with the shortest, ``interleave_over`` begins the shorter ones again until
            the longest has ended. A data set without items ends the first and is left out of the second.
    """
    if strategy == "concat":
        for part in parts:
            yield from part()
        return
    over = strategy == "interleave_over"
    running = [part() for part in parts]
    ended = [False] * len(parts)
    while parts:
        turn = []
        for number, part in enumerate(parts):
            try:
                turn.append(next(running[number]))
            except StopIteration:
                ended[number] = True
                if not over or all(ended):
                    return
                running[number] = part()
                turn.extend(item for item in [next(running[number], None)] if item is not None)
        yield from turn
