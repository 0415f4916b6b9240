"""The processes that train one model together: which of them this one is, how they wait for each other and share.

They were started by `envrl.workflow.launching`, with the environment that torch and accelerate read. The first of them
(rank 0) writes the run's record. A process that works alone is the first of one: here nothing waits.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from envrl.errors import ConfigError
from envrl.runs import write_atomic

__all__ = ["FOLDER", "Ranks", "here"]

T = TypeVar("T")

FOLDER = "ENVRL_RANKS"
"""Environment variable: the folder in which the processes of a run meet."""

_FOREVER = timedelta(days=365)
_RUN = "run"


@dataclass(frozen=True)
class Ranks:
    """One process among those that train together.

    Attributes:
        number: of this process, from 0.
        count: of all processes.
        folder: where they meet; None for a process that works alone.
    """

    number: int = 0
    count: int = 1
    folder: Path | None = None

    @property
    def first(self) -> bool:
        """Whether this process writes the run's record."""
        return self.number == 0

    def portion(self, total: int) -> int:
        """This process's part of something that all share, at least one."""
        return max(1, total // self.count + (self.number < total % self.count))

    def connect(self, device: str, timeout: int | None) -> None:
        """Lets the processes meet; has to come before the first that waits or shares.

        Args:
            device: ``cpu`` or ``cuda``, where the gradients are.
            timeout: seconds that training waits for another process; None is torch's choice.

        Raises:
            ConfigError: there are fewer GPUs than processes.
        """
        if self.count == 1:
            return
        import torch
        from torch import distributed

        if distributed.is_initialized():
            return
        if device == "cuda":
            if self.count > (gpus := torch.cuda.device_count()):
                raise ConfigError(
                    f"--nproc {self.count}: each process needs a GPU of its own, and torch sees {gpus}; ask for at "
                    f"most {gpus}, or set train.device to cpu"
                )
            torch.cuda.set_device(self.number)  # "cuda" is this one from now on
        else:
            # Accelerate's own choice is "cpu:0": transformers before 5.23 then loads no state of the optimiser.
            os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
        distributed.init_process_group(
            "nccl" if device == "cuda" else "gloo",
            init_method=f"file://{self.folder}/meeting",
            rank=self.number,
            world_size=self.count,
            timeout=None if timeout is None else timedelta(seconds=timeout),
        )
        _group()

    def disconnect(self) -> None:
        """Leaves the others, who need this process no more."""
        if self.count == 1:
            return
        distributed = sys.modules.get("torch.distributed")  # one that never met the others need not load it to go
        if distributed is not None and distributed.is_initialized():
            distributed.destroy_process_group()

    def wait(self) -> None:
        """Goes on once every process has come here, however long that takes."""
        if self.count > 1:
            from torch import distributed

            distributed.barrier(group=_group())

    def share(self, value: Any) -> Any:
        """What the first process gives, in every process."""
        if self.count == 1:
            return value
        from torch import distributed

        box = [value]
        distributed.broadcast_object_list(box, src=0, group=_group())
        return box[0]

    def gather(self, items: Sequence[T]) -> list[T]:
        """The items of all processes one after the other, in the first; in the others their own."""
        if self.count == 1:
            return list(items)
        from torch import distributed

        all_items: list[list[T]] | None = [[] for _ in range(self.count)] if self.first else None
        distributed.gather_object(list(items), all_items, dst=0, group=_group())
        return list(items) if all_items is None else [item for some in all_items for item in some]

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process goes ahead, and what it leaves in a cache is there for the others."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def announce(self, run: Path) -> None:
        """Tells who started the processes which run they work in."""
        if self.folder is not None and self.first:
            write_atomic(self.folder / _RUN, str(run.resolve()).encode())

    @staticmethod
    def announced(folder: Path) -> Path | None:
        """The run that processes work in; None where they have none yet."""
        path = folder / _RUN
        return Path(path.read_text()) if path.exists() else None


@functools.cache
def here() -> Ranks:
    """Which process this is.

    Raises:
        ConfigError: something else than envrl started several processes.
    """
    folder, count = os.environ.get(FOLDER), os.environ.get("WORLD_SIZE", "1")
    if folder is not None:
        return Ranks(int(os.environ["RANK"]), int(count), Path(folder))
    if count not in ("", "1"):
        raise ConfigError(
            f"the environment variable WORLD_SIZE is {count}: torchrun or accelerate launch would have every process "
            f"write the run's record; start one, which starts the others: envrl train --nproc {count} (or unset it)"
        )
    return Ranks()


@functools.cache
def _group() -> Any:
    """The group of processes in which nobody gives up waiting: a measurement may take the first one hours."""
    from torch import distributed

    return distributed.new_group(backend="gloo", timeout=_FOREVER)
