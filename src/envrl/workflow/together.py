"""What a run must be like that several processes do together."""

from __future__ import annotations

from collections.abc import Collection

from envrl.config import RunConfig
from envrl.errors import ConfigError

__all__ = ["require_together"]


def require_together(config: RunConfig, skip: Collection[str], count: int) -> None:
    """Checks that several processes can do a run, before any is started.

    That a batch holds whole groups is checked for each process alone (`envrl.config`): no group is split between two,
    so that what a reward function sees does not depend on their number.

    Args:
        skip: parts of the run that are left out.
        count: of processes.

    Raises:
        ConfigError: they cannot; the message says what to set instead.
    """
    model, method = config.model, config.method
    if config.sandbox.runner != "local":
        raise ConfigError(
            f"sandbox.runner: each of {count} processes plays its own completions on this machine "
            f"({config.sandbox.runner} met); set it to local, or leave --nproc out"
        )
    if method.plays and method.pre_sft is not None and "pre-sft" not in skip:
        raise ConfigError(
            f"method.pre_sft: is done by one process ({count} met); do it as a run of its own (method.name: sft with "
            "this data set), then give its checkpoint as model.path and leave method.pre_sft out"
        )
    spread = model.vllm.tensor_parallel_size
    if method.plays and model.generation == "vllm" and model.vllm.mode == "colocate" and count % spread:
        raise ConfigError(
            f"model.vllm.tensor_parallel_size: {count} processes do not divide into engines of {spread}; set it to a "
            f"divisor of {count}, or --nproc to a multiple of {spread}"
        )
