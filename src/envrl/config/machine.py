"""A configuration against the machine that it is to run on."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from envrl.config.schema import RunConfig
from envrl.errors import ConfigError

__all__ = ["check_machine", "cpu_flags"]

# Any of these computes with bfloat16: AVX-512 BF16 and AMX of x86 (and AVX-NE-CONVERT, which converts), BF16 of Arm.
_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16"})


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What the processor can do, as Linux names it; empty where it does not say."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    words = (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(words, ()))


def check_machine(config: RunConfig, device: str, flags: Collection[str] | None = None) -> None:
    """Refuse what this machine cannot do, or only so slowly that nobody can have meant it.

    Args:
        device: ``cpu`` or ``cuda``, where the model will live.
        flags: what the processor can do; None looks. Where nothing is known, nothing is refused.

    Raises:
        ConfigError: says what to set instead.
    """
    if device != "cpu":
        return
    if config.train.fp16:
        raise ConfigError(
            "train.fp16: float16 mixed precision needs a GPU (true met, the model is on the CPU); set it to false"
        )
    flags = cpu_flags() if flags is None else flags
    if config.train.bf16 and flags and not _BFLOAT16 & set(flags):
        raise ConfigError(
            "train.bf16: this CPU does not compute with bfloat16 (true met, the model is on the CPU) and would emulate "
            "it; set train.bf16 to false, or train.device to cuda"
        )
