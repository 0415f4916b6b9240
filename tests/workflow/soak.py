"""Kills a run with SIGKILL at random instants and goes on with it, until it has had its share: ``make soak``.

After each kill the directory must be whole and no line of metrics may be lost; a run that comes to its end must equal
the one that nobody killed: weights, metrics and measurements, bit for bit.

    python -m tests.workflow.soak --kills 20
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

_STEPS = 8
_SETTINGS = [
    f"train.max_steps={_STEPS}",
    "train.save_steps=2",
    "train.best_of_checkpoints=2",
    "eval.samples=3",
    "eval.best_of=3",
    "eval.seeds=0:2",
]
_OF_THE_CLOCK = ("seconds", "step_time", "sampling/sampling_time")
_SALT = "ab" * 16  # the same for every run, so that all play the same games


def _work(root: Path, name: str) -> None:
    """Begins a run or goes on with it, in a process of its own."""
    from tests.workflow.conftest import Collected, short_config

    from envrl.workflow import locking
    from envrl.workflow.train import resume, train

    locking.new_salt = lambda: _SALT  # type: ignore[attr-defined]
    if (root / name / "status.json").exists():
        resume(root / name, Collected())
    else:
        train(short_config(root, name, *_SETTINGS), "", Collected())


def _start(root: Path, name: str) -> int:
    """Forks a process that works; gives its pid. All is imported already: a process of its own would take seconds."""
    if pid := os.fork():
        return pid
    with open(root / f"{name}.log", "ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    code = 1
    try:
        _work(root, name)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int, seconds: float, metrics: Path | None = None, lines: int = 0) -> int | None:
    """The exit status of a process that ends within some seconds, else None.

    Args:
        metrics: the seconds begin once this file has so many lines.
    """
    end = None if metrics else time.monotonic() + seconds
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if end is None and metrics and metrics.exists() and metrics.read_bytes().count(b"\n") >= lines:
            end = time.monotonic() + seconds
        if end is not None and time.monotonic() > end:
            return None
        time.sleep(0.005)


def _rows(path: Path) -> list[dict[str, Any]]:
    from envrl.runs import read_lines

    rows = read_lines(path / "metrics.jsonl").records if (path / "metrics.jsonl").exists() else []
    return [{name: value for name, value in row.items() if name not in _OF_THE_CLOCK} for row in rows]


def _look(path: Path, kept: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Checks what a kill has left; gives the state, and the lines of metrics that no later kill may take away."""
    from envrl.runs import RunDirectory, find_damage, latest_complete, read_json, read_lines

    if not (path / "status.json").exists():
        RunDirectory.check_free(path.parent, path.name)  # as if nothing had been
        return "before it was a run", []
    run = RunDirectory.open(path)
    for file in (*path.glob("*.json"), *path.glob("eval/*.json")):
        if not file.name.startswith("."):
            read_json(file)
    for file in path.rglob("*.jsonl"):
        read_lines(file)
    rows = _rows(path)
    steps = [row["step"] for row in rows]
    assert steps == list(range(1, len(steps) + 1)), f"lines of metrics are lost or doubled: {steps}"
    assert rows[: len(kept)] == kept, "lines of metrics that stood before a checkpoint have changed"
    checkpoint = latest_complete(run.checkpoints_dir)
    done = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
    assert checkpoint is None or find_damage(checkpoint, hashes=True) is None
    assert len(rows) >= done, f"checkpoint {done} is there, and its lines of metrics are not: {steps}"
    return f"after checkpoint {done}", rows[:done]


def _compare(whole: Path, killed: Path) -> None:
    """Checks that a run that was killed ended as the one that was not."""
    import torch
    from safetensors.torch import load_file

    from envrl.runs import read_json

    assert _rows(whole) == _rows(killed), "the metrics differ"
    for name in ("before", "after", "best", "checkpoints"):
        first, second = (read_json(run / "eval" / f"{name}.json") for run in (whole, killed))
        assert _timeless(first) == _timeless(second), f"eval/{name}.json differs"
    for checkpoint in sorted(whole.glob("checkpoints/checkpoint-*")):
        first, second = (
            load_file(run / "checkpoints" / checkpoint.name / "model.safetensors") for run in (whole, killed)
        )
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first), f"the weights of {checkpoint.name} differ"


def _timeless(value: Any) -> Any:
    """A measurement without CPU seconds."""
    if isinstance(value, dict):
        return {name: _timeless(v) for name, v in value.items() if "cpu" not in name and name != "strained"}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def soak(root: Path, kills: int, seed: int) -> Counter[str]:
    """Kills runs ``kills`` times; gives how often each state was met."""
    import torch
    import trl  # noqa: F401 - imported once, here, for all processes
    from transformers import AutoModelForCausalLM  # noqa: F401

    import envrl.trainers.grpo
    import envrl.workflow.train  # noqa: F401

    torch.set_num_threads(1)
    rng, met = random.Random(seed), Counter[str]()
    began = time.monotonic()
    assert _wait(_start(root, "whole"), 600) == 0, (root / "whole.log").read_text()
    length = time.monotonic() - began
    print(f"the run that nobody kills: {length:.1f} s", flush=True)
    finished = number = 0
    while sum(met.values()) < kills or not finished:
        number += 1
        name, kept = f"killed-{number}", []
        while True:
            began, pid = time.monotonic(), _start(root, name)
            if sum(met.values()) >= kills:
                after, code = 600.0, _wait(pid, 600)
            elif rng.random() < 0.5:
                after = rng.uniform(0, length)
                code = _wait(pid, after)
            else:  # most of a short run's time is not training: aim at that
                after = rng.uniform(0, 0.5)
                code = _wait(pid, after, root / name / "metrics.jsonl", rng.randint(min(len(kept) + 1, _STEPS), _STEPS))
            if code is not None:
                length = min(length, time.monotonic() - began)  # the first of all is slower
                assert code == 0, (root / f"{name}.log").read_text()
                _compare(root / "whole", root / name)
                finished += 1
                print(f"{name}: finished, equal to the one that nobody killed", flush=True)
                break
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            state, kept = _look(root / name, kept)
            met[state] += 1
            print(f"{name}: kill {sum(met.values())} after {after:.2f} s: {state}", flush=True)
    print(f"{sum(met.values())} kills, {finished} runs finished as the one that nobody killed: {dict(met)}")
    return met


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory(prefix="envrl-soak-") as root:
        soak(Path(root), arguments.kills, arguments.seed)


if __name__ == "__main__":
    main()
