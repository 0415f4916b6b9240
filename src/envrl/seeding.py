"""Seeds that anybody can repeat, and that nobody guesses from other seeds.

An episode's seed is derived from (salt, block, index) by BLAKE2b, so that no seed tells anything of another.
Users speak of *indices* in a named *block*; the blocks of one task are disjoint by construction. The salt of ``train``
is drawn afresh for each run and kept in its lock, so that no program in training knows its seeds; those of
``validation``, ``test`` and ``final`` are fixed by the version of the task, so that runs compare, and are no secret.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal, get_args

from envrl.errors import SeedError, UnknownNameError

__all__ = [
    "BLOCKS",
    "Block",
    "block_salt",
    "episode_seed",
    "episode_seeds",
    "new_salt",
    "parse_indices",
    "private_seed",
]

Block = Literal["train", "validation", "test", "final"]
BLOCKS: tuple[Block, ...] = get_args(Block)

_SEED_BITS = 63
_MAX_INDEX = 2**40


def _hash(person: bytes, *parts: bytes) -> int:
    # Lengths are hashed too: no two lists of parts collide by sliding a byte from one to the next.
    h = hashlib.blake2b(digest_size=8, person=person)
    for part in parts:
        h.update(len(part).to_bytes(8, "little") + part)
    return int.from_bytes(h.digest(), "little") >> (64 - _SEED_BITS)


def new_salt() -> str:
    """A fresh secret salt for the ``train`` block of one run, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def block_salt(block: Block, task: str, version: int, train_salt: str | None = None) -> str:
    """The salt of a block: fixed by task and version, except that of ``train``, which belongs to a run.

    Raises:
        UnknownNameError: there is no such block.
        SeedError: the block is ``train`` and no run lent its salt.
    """
    if block not in BLOCKS:
        raise UnknownNameError("seed block", block, BLOCKS)
    if block == "train":
        if train_salt is None:
            raise SeedError("the seeds of block 'train' belong to a run: give the run whose salt they use")
        return train_salt
    return f"envrl/{task}/{version}/{block}"


def episode_seed(salt: str, block: Block, index: int) -> int:
    """The 63-bit seed of episode ``index`` of a block (BLAKE2b of salt, block and index)."""
    if not 0 <= index < _MAX_INDEX:
        raise SeedError(f"seed index {index} lies outside 0 … 2**40 - 1")
    return _hash(b"envrl.episode", salt.encode(), block.encode(), index.to_bytes(8, "little"))


def episode_seeds(salt: str, block: Block, indices: Sequence[int]) -> list[int]:
    """The seeds of several episodes of one block, in the order of ``indices``."""
    return [episode_seed(salt, block, i) for i in indices]


def private_seed(seed: int, purpose: str) -> int:
    """A 63-bit seed derived one-way from an episode's seed: knowing it says nothing of the episode's own.

    The strategy's ``random`` module is seeded with ``private_seed(seed, "strategy")``.
    """
    return _hash(b"envrl.private", seed.to_bytes(8, "little"), purpose.encode())


def parse_indices(text: str | int) -> range:
    """Indices as a user writes them: ``"200"`` is 0 … 199, ``"100:300"`` is 100 … 299.

    Raises:
        SeedError: not of that form, empty, or outside the range of indices.
    """
    start, colon, stop = str(text).strip().partition(":")
    try:
        indices = range(int(start), int(stop)) if colon else range(int(start))
    except ValueError:
        raise SeedError(f"seeds {text!r}: write a count such as 200, or a range such as 0:1000") from None
    if indices.start >= indices.stop or indices.start < 0 or indices.stop > _MAX_INDEX:
        raise SeedError(f"seeds {text!r}: the range is empty or lies outside 0 … 2**40")
    return indices
