"""What was measured earlier, read as one thing: a sweep's directory, or a run before and after its training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from envrl.config import EnvConfig, load_config
from envrl.envs import Task
from envrl.errors import RunError
from envrl.evaluation.measure import Measurement
from envrl.evaluation.sweeps import Sweep, SweepHeader, is_sweep, read_sweep
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.sandbox import active_layers
from envrl.workflow.recipes import task_of

__all__ = ["Moment", "environment_of", "open_sweep", "sweep_of_run", "task_of_sweep"]

Moment = Literal["before", "after"]


def open_sweep(path: str | Path, moment: Moment = "after") -> Sweep:
    """The sweep that a directory holds: its own, or what a run measured.

    Args:
        moment: of a run's two measurements.

    Raises:
        RunError: it holds neither, or the run has not measured that yet.
    """
    path = Path(path)
    if is_sweep(path):
        return read_sweep(path)
    if not (path / "status.json").is_file():
        missing = "holds neither a sweep nor a run" if path.is_dir() else "no such directory"
        raise RunError(f"{path}: {missing}; give what 'envrl eval' or 'envrl train' wrote")
    return sweep_of_run(RunDirectory.open(path), moment)


def sweep_of_run(run: RunDirectory, moment: Moment = "after") -> Sweep:
    """What a run measured before or after its training.

    Raises:
        RunError: it has not measured that yet.
    """
    path = run.before_path if moment == "before" else run.after_path
    if not path.exists():
        raise RunError(f"{run.path}: has no measurement {moment} training yet ({path.name} is missing)")
    measurement = msgspec.convert(read_json(path), Measurement)
    return Sweep.of_measurement(measurement, _header(run, measurement))


def environment_of(env: EnvConfig) -> dict[str, Any]:
    """What a sweep's header keeps of a configuration's ``env``, so that `task_of_sweep` makes the same task."""
    return env.model_dump(mode="json", by_alias=True, exclude={"episodes"}, exclude_none=True)


def task_of_sweep(header: SweepHeader) -> Task:
    """The task that a sweep was measured on, to play its programs again.

    Raises:
        RunError: the task has another version by now, under which the same seeds may be other games.
        EnvrlError: the environment is not there any more.
    """
    task = task_of(EnvConfig.model_validate(header.environment))
    if task.version != header.task_version:
        raise RunError(
            f"the sweep was measured on version {header.task_version} of {header.task}, and this envrl has version "
            f"{task.version}: measure again, or use the envrl that measured it"
        )
    return task


def _header(run: RunDirectory, measurement: Measurement) -> SweepHeader:
    config, lock = load_config(run.config_path).config, run.lock
    task, method = task_of(config.env), config.method
    prompt = hashlib.sha256(_prompt(run, task.prompt(config.model.contract)).encode()).hexdigest()
    return SweepHeader(
        kind="run",
        subject=f"{run.path}: {measurement.model}",
        task=measurement.task,
        task_version=measurement.task_version,
        options=lock["task"]["options"],
        environment=environment_of(config.env),
        success=task.success,
        toolkit=config.env.toolkit,
        contract=config.model.contract,
        prompt_sha256=prompt,
        block=measurement.block,
        seeds=measurement.seeds,
        limits=lock["sandbox"]["limits"],
        layers=active_layers(lock["sandbox"]["layers"]),
        sampling={
            "temperature": method.temperature,
            "top_p": method.top_p,
            "top_k": method.top_k,
            "min_p": method.min_p,
            "max_completion_length": method.max_completion_length,
        },
        versions={"python": lock["python"], **{k: v for k, v in lock["packages"].items() if v}},
        command=lock["command"],
        created=read_lines(run.events_path).records[0]["time"],
    )


def _prompt(run: RunDirectory, otherwise: str) -> str:
    if not run.prompts_path.exists():
        return otherwise
    prompt: str = read_lines(run.prompts_path).records[0]["prompt"]
    return prompt
