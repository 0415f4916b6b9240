"""What a strategy may use: CPU, memory, output, and the size of what it sends."""

from __future__ import annotations

import msgspec

__all__ = ["Limits"]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Budgets of one strategy; part of the identity of an episode's result.

    CPU budgets count the worker's own CPU time, so a busy machine changes nothing; wall-clock limits are a generous
    backstop for what sleeps or blocks. Times are seconds, sizes bytes.
    """

    load_cpu: float = 2.0
    """CPU to parse, check and compile the program, and to run its top level once."""
    call_cpu: float = 1.0
    """CPU of one call of the entry point (the first call of a game also runs the program's top level)."""
    game_cpu: float = 10.0
    """CPU of all calls of one game together."""
    grace_cpu: float = 0.5
    """CPU after a soft fault, or inside one uninterruptible call, before the worker is killed."""
    wall_factor: float = 10.0
    """The wall-clock backstop of a message is this many times its CPU budget …"""
    wall_floor: float = 10.0
    """… and never less than this."""
    memory: int = 128 * 2**20
    """Address space that the strategy may add to that of an idle worker."""
    source: int = 64 * 2**10
    """Length of the program's source in UTF-8."""
    output: int = 64 * 2**10
    """What one game may print."""
    value: int = 16 * 2**10
    """Encoded size of one returned value."""
    recursion: int = 400
    """Depth of Python calls below the entry point."""
    hard_failures: int = 3
    """After this many games that cost a worker, the remaining games of the strategy are skipped."""
