"""A sweep as a log of Inspect, the evaluation framework of the UK AI Security Institute, for ``inspect view``.

Written in Inspect's documented JSON format (version 2 of ``EvalLog``: https://inspect.aisi.org.uk/eval-logs.html)
without the library. A sample is a program: the prompt goes in, the completion comes out, and the scores are its share
of won seeds, its mean progress and its mean score. The metric is the sweep's own rate with its own interval, which
knows that programs share seeds; Inspect's ``stderr`` would not.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from envrl.evaluation.headline import headline
from envrl.evaluation.report.summary import means
from envrl.evaluation.sweeps import Sweep, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode

__all__ = ["inspect_log"]

_VERSION = 2
_SCORES = ("success", "progress", "score")
_DIGITS = 22  # of an identifier, as Inspect's own have


def inspect_log(sweep: Sweep, prompt: str | None = None, completed: str | None = None) -> dict[str, Any]:
    """The log, to be written as JSON.

    Args:
        prompt: that the model answered; None where nobody was asked, or nobody knows it any more.
        completed: when the sweep came to its end, ISO 8601; None for not known.
    """
    header = sweep.header
    name = hashlib.sha256(msgspec.json.encode(header)).hexdigest()[:_DIGITS]
    matrices = {"success": sweep.wins(), "progress": sweep.progress(), "score": sweep.scores()}
    rows = {score: means(matrix, 1) for score, matrix in matrices.items()}
    model = f"envrl/{header.subject.lstrip('/')}"
    samples = [
        _sample(program, episodes, {score: rows[score][place] for score in _SCORES}, sweep, prompt, model)
        for place, (program, episodes) in enumerate(zip(sweep.programs, sweep.episodes, strict=True))
    ]
    played = sum(sample["scores"]["success"]["value"] is not None for sample in samples)
    for sample in samples:  # Inspect leaves out what has no score
        sample["scores"] = {key: score for key, score in sample["scores"].items() if score["value"] is not None}
    return {
        "version": _VERSION,
        "status": "success" if sweep.finished else "started",
        "eval": _spec(sweep, name, model, [sample["id"] for sample in samples]),
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": _generation(sweep)},
        "results": {
            "total_samples": len(samples),
            "completed_samples": played,
            "scores": [_result(score, matrix, sweep) for score, matrix in matrices.items()],
        },
        "stats": {
            "started_at": header.created,
            "completed_at": completed or header.created,
            "model_usage": _usage(sweep, model),
        },
        "samples": samples,
    }


def _spec(sweep: Sweep, name: str, model: str, samples: list[int | str]) -> dict[str, Any]:
    header = sweep.header
    return {
        "eval_id": name,
        "run_id": name,
        "task_id": name,
        "created": header.created,
        "task": header.task,
        "task_version": header.task_version,
        "task_args": header.options,
        "dataset": {
            "name": f"{header.block} seeds {header.seeds}",
            "samples": len(samples),
            "sample_ids": samples,
            "shuffled": False,
        },
        "model": model,
        "config": {"epochs": 1},
        "packages": {"envrl": header.versions.get("envrl", "")},
        "scorers": [{"name": score, "metrics": [{"name": "mean"}]} for score in _SCORES],
        "metadata": {
            "success": header.success,
            "toolkit": header.toolkit,
            "contract": header.contract,
            "prompt_sha256": header.prompt_sha256,
            "sampling": header.sampling,
            "usage": header.usage,
            "limits": header.limits,
            "layers": header.layers,
            "versions": header.versions,
            "command": header.command,
        },
    }


def _generation(sweep: Sweep) -> dict[str, Any]:
    sampling = sweep.header.sampling
    names = {"temperature": "temperature", "top_p": "top_p", "seed": "seed"}
    names |= dict.fromkeys(("max_tokens", "max_completion_tokens", "max_completion_length"), "max_tokens")
    return {theirs: sampling[ours] for ours, theirs in names.items() if sampling.get(ours) is not None}


def _result(score: str, matrix: NDArray[np.float64], sweep: Sweep) -> dict[str, Any]:
    known = matrix[~np.isnan(matrix)]
    metrics = {"mean": _metric("mean", float(known.mean()) if known.size else math.nan)}
    if score == "success":
        low, estimate, high = headline(sweep).interval
        metrics = {"mean": _metric("mean", estimate), "low": _metric("low", low), "high": _metric("high", high)}
    scored = int((~np.isnan(matrix)).any(axis=1).sum())
    return {
        "name": score,
        "scorer": score,
        "scored_samples": scored,
        "unscored_samples": len(matrix) - scored,
        "params": {},
        "metrics": {name: metric for name, metric in metrics.items() if math.isfinite(metric["value"])},
    }


def _metric(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "value": value, "params": {}}


def _usage(sweep: Sweep, model: str) -> dict[str, Any]:
    usage = sweep.header.usage
    if "prompt_tokens" not in usage:
        return {}
    tokens_in, tokens_out = usage["prompt_tokens"], usage["completion_tokens"]
    return {model: {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}}


def _sample(
    program: SweepProgram,
    episodes: tuple[Episode, ...],
    scores: dict[str, float | None],
    sweep: Sweep,
    prompt: str | None,
    model: str,
) -> dict[str, Any]:
    header = sweep.header
    asked = prompt or _unknown_prompt(sweep)
    said = program.completion if program.completion is not None else program.source or ""
    ended = Counter(str(episode.outcome) for episode in episodes)
    told = ", ".join(f"{outcome} {count}" for outcome, count in sorted(ended.items()))
    answer = {"role": "assistant", "content": said, "source": "generate", "model": model}
    if program.outcome is not None:
        told = f"{program.outcome} before any episode: {program.detail}"
    sample: dict[str, Any] = {
        "id": program.index if header.kind != "strategies" else program.label,
        "epoch": 1,
        "input": asked,
        "target": header.success,
        "messages": [{"role": "user", "content": asked, "source": "input"}, answer],
        "output": {
            "model": model,
            "choices": [{"message": answer, "stop_reason": "max_tokens" if program.clipped else "stop"}],
            "completion": said,
        },
        "scores": {
            name: {"value": value, "answer": program.source, "explanation": told} for name, value in scores.items()
        },
        "metadata": {
            "label": program.label,
            "program_hash": program.program_hash,
            "rewards": program.rewards,
            "tokens": program.tokens,
            "episodes": [
                {"seed": e.index, "outcome": str(e.outcome), "steps": e.steps, "score": e.score} for e in episodes
            ],
            "infrastructure_errors": sum(e.outcome is Outcome.INFRASTRUCTURE_ERROR for e in episodes),
        },
        "model_usage": {},
    }
    if program.seconds is not None:
        sample["output"]["time"] = program.seconds
    return sample


def _unknown_prompt(sweep: Sweep) -> str:
    known = sweep.header.prompt_sha256
    if known is None:
        return f"Nobody was asked: this program was given. It plays {sweep.header.task}."
    return f"The prompt with SHA-256 {known}, which {sweep.header.task} does not show any more."
