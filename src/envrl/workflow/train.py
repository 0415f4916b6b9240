"""What ``envrl train`` does, from start to end: check, lock, measure, train, measure again, report."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import Resolved, RunConfig, load_config
from envrl.envs import Task
from envrl.errors import MissingExtraError, RunError
from envrl.evaluation.measure import best_program, measure
from envrl.evaluation.report.record import RunReport
from envrl.limits import Limits
from envrl.models import LoadedModel, choose_device, load_model, quiet_libraries, require_training, write
from envrl.rewards import Preset, Scored, Scorer, find_preset
from envrl.rollouts import Arena
from envrl.runs import (
    RunDirectory,
    build_lock,
    default_name,
    file_hash,
    latest_complete,
    mark_complete,
    quarantine_incomplete,
    write_atomic,
    write_json,
)
from envrl.seeding import Block, block_salt, new_salt
from envrl.trainers.grpo import prompt_rows, train_grpo
from envrl.workflow.recipes import task_of
from envrl.workflow.reporting import build_report, write_report
from envrl.workflow.warmstart import tiny_model_for
from envrl.workflow.watching import Watcher

__all__ = ["Trained", "resume", "train"]

_PACKAGES = (
    "envrl gymnasium msgspec numpy RestrictedPython scipy torch transformers trl peft accelerate datasets tokenizers "
    "safetensors unsloth vllm"
).split()
_BEST_SEEDS = "0:100"  # of the evaluation's block: more than the 32 that a model's many programs share
_EVAL_SEED = 2**31  # sampling before and after does not repeat the sampling of training


@dataclass(frozen=True)
class Trained:
    """A finished run."""

    run: RunDirectory
    report: RunReport


@dataclass(frozen=True)
class _Plan:
    """All that a run is made of, checked before anything is started."""

    config: RunConfig
    task: Task
    preset: Preset
    limits: Limits

    @classmethod
    def of(cls, config: RunConfig) -> _Plan:
        task = task_of(config.env)
        preset = find_preset(config.reward.preset, config.reward.weights)
        require_training(config.model.backend, config.model.generation)
        _require_report()
        return cls(config, task, preset, config.sandbox.limits.over(task.limits))

    def scorer(self, arena: Arena, block: Block, train_salt: str | None = None) -> Scorer:
        salt = block_salt(block, self.task.id, self.task.version, train_salt)
        return Scorer(arena, self.config.model.contract, self.preset, block, salt)

    def load(self, watcher: Watcher) -> tuple[LoadedModel, str]:
        """The model, and the device that it is on."""
        folder = None
        if self.config.model.path == "tiny":
            folder = tiny_model_for(self.task, workers=self.config.sandbox.workers, watcher=watcher)
        watcher.phase("loading", 1)
        threads = self.config.train.torch_threads
        if threads:
            os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        import torch

        quiet_libraries()
        if threads:
            torch.set_num_threads(threads)
        device = choose_device(self.config.train.device)
        loaded = load_model(self.config.model, device, self.config.train.seed, folder)
        watcher.advance()
        return loaded, device

    def arena(self) -> Arena:
        sandbox = self.config.sandbox
        return Arena(self.task, workers=sandbox.workers, limits=self.limits, require=sandbox.require)


def train(resolved: Resolved, command: str, watcher: Watcher) -> Trained:
    """Trains a model in a new run.

    Args:
        resolved: the configuration.
        command: what a user types to repeat the run, for its report.
        watcher: told how the work goes.

    Raises:
        EnvrlError: whatever a user can mend; before anything is started where that is possible.
    """
    config = resolved.config
    plan = _Plan.of(config)
    name = config.output.name or default_name(config.env.id, datetime.datetime.now())
    RunDirectory.check_free(config.output.root, name)
    with plan.arena() as arena:
        layers = arena.ready()
        loaded, device = plan.load(watcher)
        lock = _lock(plan, resolved, command, layers, loaded)
        with RunDirectory.create(config.output.root, name, resolved.to_yaml(), lock) as run:
            return _course(plan, run, arena, loaded, device, watcher, None)


def resume(path: Path, watcher: Watcher) -> Trained:
    """Goes on with a run that was killed or interrupted, from its last complete checkpoint.

    Raises:
        RunError: there is no such run, it is finished, or another process works in it.
        EnvrlError: whatever else a user can mend.
    """
    with RunDirectory.open(path) as run:
        if run.status.state == "finished":
            raise RunError(f"{path}: this run is finished; its report is {run.report_html_path}")
        plan = _Plan.of(load_config(run.config_path).config)
        for broken in quarantine_incomplete(run.checkpoints_dir):
            watcher.say(f"set aside a half-written checkpoint: {broken.name}")
        checkpoint = latest_complete(run.checkpoints_dir)
        step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        run.rewind(step)
        watcher.say(f"resuming {run.path} after step {step}")
        with plan.arena() as arena:
            arena.ready()
            loaded, device = plan.load(watcher)
            return _course(plan, run, arena, loaded, device, watcher, checkpoint)


def _course(
    plan: _Plan,
    run: RunDirectory,
    arena: Arena,
    loaded: LoadedModel,
    device: str,
    watcher: Watcher,
    checkpoint: Path | None,
) -> Trained:
    """The run itself; its status says how it ended, whatever happens."""
    run.event("resumed" if checkpoint else "started", pid=os.getpid())
    run.update_status(state="running")
    try:
        report = _work(plan, run, arena, loaded, device, watcher, checkpoint)
    except KeyboardInterrupt:
        run.update_status(state="interrupted", reason="stopped by its user")
        run.event("interrupted")
        raise
    except BaseException as error:
        run.update_status(state="failed", reason=f"{type(error).__name__}: {error}")
        run.event("failed", reason=f"{type(error).__name__}: {error}")
        raise
    run.update_status(state="finished")
    return Trained(run, report)


def _work(
    plan: _Plan,
    run: RunDirectory,
    arena: Arena,
    loaded: LoadedModel,
    device: str,
    watcher: Watcher,
    checkpoint: Path | None,
) -> RunReport:
    config = plan.config
    if not run.before_path.exists():
        _measure("before", plan, run, arena, loaded, watcher)
    rows = prompt_rows(config, plan.task.prompt(config.model.contract))
    watcher.phase("training", config.train.max_steps)
    if checkpoint:
        watcher.advance(int(checkpoint.name.rpartition("-")[2]))
    trained = train_grpo(
        loaded,
        config,
        rows,
        plan.scorer(arena, "train", run.lock["seeds"]["train_salt"]),
        _Keeper(run, arena, watcher, config.output.save_completions),
        output=run.checkpoints_dir,
        device=device,
        resume_from=checkpoint,
    )
    completions = _measure("after", plan, run, arena, trained, watcher)
    _choose_best(plan, run, arena, completions, watcher)
    run.event("finished", peak_sandbox_memory=arena.peak_memory)
    report = build_report(run)
    write_report(run, report)
    return report


def _measure(
    label: str, plan: _Plan, run: RunDirectory, arena: Arena, loaded: LoadedModel, watcher: Watcher
) -> list[str]:
    settings = plan.config.eval
    prompt = plan.task.prompt(plan.config.model.contract)
    watcher.phase(f"measuring {label}", settings.samples)
    written = write(loaded, prompt, settings.samples, plan.config.method, _EVAL_SEED + plan.config.train.seed)
    completions = [w.text for w in written]
    measurement = measure(
        label,
        plan.config.model.path
        if label == "before"
        else f"{plan.config.model.path} after {plan.config.train.max_steps} steps",
        (plan.task.id, plan.task.version),
        completions,
        plan.scorer(arena, settings.block),
        settings.block,
        settings.seeds,
        watcher.advance,
    )
    if label == "before":
        line = msgspec.json.encode({"prompt": prompt, "contract": plan.config.model.contract})
        write_atomic(run.prompts_path, line + b"\n")
    write_json(run.before_path if label == "before" else run.after_path, measurement)
    run.event("measured", label=label)
    return completions


def _choose_best(plan: _Plan, run: RunDirectory, arena: Arena, completions: Sequence[str], watcher: Watcher) -> None:
    settings = plan.config.eval
    candidates = list(completions)[: settings.best_of]
    watcher.phase("choosing the best program", len(candidates))
    judge: Block = "test" if settings.block == "validation" else settings.block
    best = best_program(
        candidates,
        (plan.scorer(arena, "validation"), "validation", settings.validation_seeds),
        (plan.scorer(arena, judge), judge, _BEST_SEEDS),
        watcher.advance,
    )
    write_json(run.best_path, best)


class _Keeper:
    """Writes down what happens in training, and passes on what a person wants to see."""

    def __init__(self, run: RunDirectory, arena: Arena, watcher: Watcher, completions: bool) -> None:
        self._run = run
        self._arena = arena
        self._watcher = watcher
        self._completions = completions

    def scored(self, step: int, scored: Sequence[Scored]) -> None:
        if self._completions:
            with self._run.completions(step) as lines:
                for one in scored:
                    lines.append(msgspec.to_builtins(one))

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        self._run.metrics.append({"step": step, **figures})
        self._run.update_status(step=step)
        shown = {name: figures[name] for name in ("reward", "success", "broken") if figures.get(name) is not None}
        self._watcher.advance(1, **shown, memory=self._arena.peak_memory)

    def saved(self, step: int, checkpoint: Path) -> None:
        mark_complete(checkpoint)
        self._run.event("saved", step=step)


def _require_report() -> None:
    import importlib.util

    for module in ("jinja2", "matplotlib"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("report", module, "the report of a run")


def _lock(
    plan: _Plan, resolved: Resolved, command: str, layers: Mapping[str, str], loaded: LoadedModel
) -> dict[str, Any]:
    from envrl.config.emit import leaves

    config, task = plan.config, plan.task
    folder = Path(loaded.path)
    files = (
        sorted(p for p in folder.glob("*") if p.suffix in (".safetensors", ".json", ".jinja"))
        if folder.is_dir()
        else []
    )
    prompt = task.prompt(config.model.contract)
    return build_lock(
        _PACKAGES,
        command=command,
        config={key: msgspec.json.encode(value).decode() for key, value in leaves(config.model_dump(by_alias=True))},
        config_origins=resolved.origin,
        # The Hub's commit for a model that came from there; the files' own hashes for one in a folder.
        model={
            "path": config.model.path,
            "commit": getattr(loaded.model.config, "_commit_hash", None),
            "files": {p.name: file_hash(p) for p in files},
        },
        task={"id": task.id, "version": task.version, "options": task.options, "prompt_sha256": _sha256(prompt)},
        reward={"preset": plan.preset.name, "version": plan.preset.version, "weights": dict(plan.preset.weights)},
        sandbox={"layers": dict(layers), "limits": msgspec.to_builtins(plan.limits)},
        seeds={"train_salt": new_salt(), "train_seed": config.train.seed, "eval": config.eval.seeds},
    )


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
