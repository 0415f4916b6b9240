"""A model as something to measure: tiny, any of Hugging Face's, one with an adapter, or a run's at some checkpoint."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envrl.config import MethodConfig, ModelConfig, RunConfig, load_config
from envrl.envs import Task
from envrl.errors import RunError
from envrl.evaluation.sweeps import Kind, SweepProgram
from envrl.runs import RunDirectory, file_hash, find_damage, latest_complete, read_lines
from envrl.seeding import private_seed
from envrl.workflow.best_checkpoint import read_candidates
from envrl.workflow.subjects import program_of
from envrl.workflow.warmstart import tiny_model_for
from envrl.workflow.watching import Watcher

__all__ = ["Model", "RunModel", "model_of_run", "sampling_of"]


def sampling_of(method: MethodConfig) -> dict[str, Any]:
    """The sampling settings of a configuration."""
    names = ("temperature", "top_p", "top_k", "min_p", "max_completion_length")
    return {name: getattr(method, name) for name in names}


@dataclass
class Model:
    """A model that is loaded when the first completion is wanted.

    Attributes:
        config: what to load.
        task: whose tiny model is meant, where the path is ``tiny``.
        folder: weights in place of those that the path names, such as a checkpoint's.
        method: settings of the sampling.
        seed: of the sampling.
        batch: completions sampled at once: completion i depends on the seed and on i // batch.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: of torch; None leaves its choice.
        ask: of an answer task, the prompt of a completion by its number; all of a batch have the same.
    """

    config: ModelConfig
    task: Task
    name: str
    prompt: str
    method: MethodConfig
    seed: int
    batch: int
    kind: Kind = "model"
    folder: Path | None = None
    device: str = "auto"
    threads: int | None = None
    workers: int | None = None
    count: int | None = None
    ask: Callable[[int], str] | None = None
    _loaded: Any = field(default=None, repr=False)
    _identity: dict[str, str] | None = field(default=None, repr=False)

    @property
    def contract(self) -> str | None:
        return self.config.contract

    @property
    def sampling(self) -> dict[str, Any]:
        return {**sampling_of(self.method), "seed": self.seed, "batch": self.batch}

    def identity(self, watcher: Watcher) -> dict[str, str]:
        if self._identity is None:
            loaded = self._load(watcher)
            commit = getattr(loaded.model.config, "_commit_hash", None)
            found = {"model": commit or _weights_hash(Path(loaded.path), watcher)}
            if self.config.adapter is not None:
                found["adapter"] = _weights_hash(Path(self.config.adapter), watcher)
            self._identity = {name: value for name, value in found.items() if value}
        return dict(self._identity)

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        fresh = itertools.islice(self._from(first - first % self.batch, watcher), first % self.batch, None)
        return itertools.islice(fresh, count)

    def _from(self, index: int, watcher: Watcher) -> Iterator[SweepProgram]:
        """Programs from a number on that begins a batch."""
        from envrl.models import write

        loaded = self._load(watcher)
        while True:
            number = index // self.batch
            seed = private_seed(self.seed, f"batch {number}") if number else self.seed
            prompt = self.prompt if self.ask is None else self.ask(index)
            for written in write(loaded, prompt, self.batch, self.method, seed, self.batch):
                yield program_of(
                    index,
                    f"#{index}",
                    written.text,
                    self.config.contract if self.ask is None else None,
                    tokens=written.tokens,
                    clipped=written.clipped,
                )
                index += 1

    def _load(self, watcher: Watcher) -> Any:
        if self._loaded is None:
            self._loaded = _loaded(self, watcher)
        return self._loaded


def _loaded(subject: Model, watcher: Watcher) -> Any:
    from envrl.models import choose_device, load_model, quiet_libraries, require_training

    require_training(subject.config.backend, subject.config.generation)
    folder = subject.folder
    if folder is None and subject.config.path == "tiny":
        folder = tiny_model_for(subject.task, workers=subject.workers, watcher=watcher)
    watcher.phase("loading", 1)
    if subject.threads:
        os.environ.setdefault("OMP_NUM_THREADS", str(subject.threads))
    import torch

    quiet_libraries()
    if subject.threads:
        torch.set_num_threads(subject.threads)
    loaded = load_model(subject.config, choose_device(subject.device), subject.seed, folder)
    watcher.advance()
    return loaded


def _weights_hash(folder: Path, watcher: Watcher) -> str | None:
    """One name for all weights in a folder, by their whole content; None for an id of the Hub without a commit."""
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        return None
    watcher.phase("hashing the weights", len(files))
    parts = []
    for file in files:
        parts.append(file_hash(file))
        watcher.advance()
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RunModel:
    """A run at some checkpoint, with what its model was trained to.

    Attributes:
        config: of the run.
        prompt: that it was measured with; None where it has not been measured yet.
        folder: of the weights; None for those from before training.
        adapter: of the weights, where only that was trained.
        name: as a report shows it.
    """

    config: RunConfig
    prompt: str | None
    folder: Path | None
    adapter: Path | None
    name: str


def model_of_run(path: str | Path, checkpoint: str = "after") -> RunModel:
    """The model of a run.

    Args:
        checkpoint: ``before`` or ``after`` training (the checkpoint that was chosen, else the last one), or the step of
            a checkpoint.

    Raises:
        RunError: it is no run, or has no such checkpoint, or trains what does not write.
    """
    run = RunDirectory.open(path)
    config = load_config(run.config_path).config
    if config.method.name == "reward":
        raise RunError(f"{run.path}: trains a reward model (method.name: reward), which writes no programs")
    prompt = read_lines(run.prompts_path).records[0]["prompt"] if run.prompts_path.exists() else None
    if checkpoint == "before":
        return RunModel(config, prompt, None, None, f"{run.path} before training")
    folder = _checkpoint(run, checkpoint)
    name = f"{run.path} at step {folder.name.rpartition('-')[2]}"
    if (folder / "adapter_config.json").exists():
        return RunModel(config, prompt, None, folder, name)
    return RunModel(config, prompt, folder, None, name)


def _checkpoint(run: RunDirectory, which: str) -> Path:
    there = sorted(int(p.name[11:]) for p in run.checkpoints_dir.glob("checkpoint-*") if p.name[11:].isdigit())
    known = f"it has {', '.join(map(str, there))}" if there else "it has none yet"
    if which == "after":
        state, latest = run.status.state, latest_complete(run.checkpoints_dir)
        if state != "finished" or latest is None:
            raise RunError(
                f"{run.path}: is {state}, not finished: name a --checkpoint ({known}), or go on with it first"
            )
        chosen = [candidate.step for candidate in read_candidates(run) if candidate.chosen]
        if not chosen:
            return latest
        which = str(chosen[0])  # what was measured after training is the best of the last checkpoints
    if not which.isascii() or not which.isdigit():
        raise RunError(f"--checkpoint {which!r}: write before, after, or the step of a checkpoint ({known})")
    folder = run.checkpoints_dir / f"checkpoint-{int(which)}"
    if not folder.is_dir():
        raise RunError(f"{run.path}: no checkpoint at step {which}: {known}")
    if damage := find_damage(folder):
        raise RunError(f"{folder}: not whole ({damage}): choose another --checkpoint ({known})")
    return folder
