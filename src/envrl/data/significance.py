"""Whether one completion plays better than another: an exact test over the seeds that both of them played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["TEST", "fewest_seeds", "signed_rank_p_value"]

TEST = "exact one-sided Wilcoxon signed-rank test over common seeds (for games won: McNemar's exact test)"


def signed_rank_p_value(better: Sequence[float], worse: Sequence[float]) -> float:
    """The chance of so large a lead, or a larger one, if neither side played better: one-sided, exact.

    Differences of zero are left out and ties share their mean rank; under "no difference" every sign is a coin's
    toss, so the distribution of the rank sum is counted out, whatever the number of seeds. Where the values are games
    won or lost all ranks are equal, and what is left is McNemar's exact test.

    Args:
        better: values of the side that is said to lead, one a seed.
        worse: of the other, on the same seeds in the same order.

    Raises:
        ValueError: the sides are not of one length.

    Source: F. Wilcoxon, Biometrics Bulletin 1 (1945); Q. McNemar, Psychometrika 12 (1947).
    """
    if len(better) != len(worse):
        raise ValueError(f"both sides need the same seeds, got {len(better)} and {len(worse)} values")
    differences = np.asarray(better, dtype=np.float64) - np.asarray(worse, dtype=np.float64)
    differences = differences[differences != 0.0]
    if not len(differences):
        return 1.0
    _, places, counts = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    # Twice the mean rank of a group of ties, so that all of them are whole numbers.
    doubled = (2 * np.cumsum(counts) - counts + 1)[places]
    observed = int(doubled[differences > 0].sum())
    chances = np.zeros(int(doubled.sum()) + 1)
    chances[0] = 1.0
    for rank in doubled.tolist():
        shifted = np.zeros_like(chances)
        shifted[rank:] = chances[:-rank]
        chances = 0.5 * (chances + shifted)
    return min(1.0, float(chances[observed:].sum()))


def fewest_seeds(confidence: float) -> int:
    """How many common seeds a pair needs at the least before the test can ever be this sure."""
    seeds = 1
    while 0.5**seeds > 1.0 - confidence:
        seeds += 1
    return seeds
