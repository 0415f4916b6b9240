"""How fast a device multiplies matrices and reads memory: measured, in a fraction of a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Speed", "measure_speed"]

_SIDE = {"cpu": 768, "cuda": 8192}
_VALUES = {"cpu": 2**24, "cuda": 2**29}
_SECONDS = 0.1


class Speed(NamedTuple):
    """What was measured.

    Attributes:
        operations: floating-point operations a second, of a product of large matrices.
        bandwidth: bytes a second that are read.
    """

    operations: float
    bandwidth: float


def measure_speed(device: str, half: bool = False) -> Speed:
    """Measures this machine as it is now, with the threads that torch has.

    Args:
        device: ``cpu`` or ``cuda``.
        half: multiply in bfloat16.
    """
    import torch

    side, values = _SIDE[device], _VALUES[device]
    matrix = torch.ones(side, side, device=device, dtype=torch.bfloat16 if half else torch.float32)
    long = torch.ones(values, device=device, dtype=torch.float32)

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    product = _rate(lambda: matrix @ matrix, wait)
    reading = _rate(long.sum, wait)
    return Speed(2.0 * side**3 * product, 4.0 * values * reading)


def _rate(work: Callable[[], object], wait: Callable[[], None]) -> float:
    """How often a second ``work`` is done."""
    work()
    wait()
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < _SECONDS:
        work()
        wait()
        count += 1
    return count / spent
