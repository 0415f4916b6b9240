"""What a run's results depend on, gathered from its plan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envrl.config import Resolved
from envrl.config.emit import leaves
from envrl.models import LoadedModel
from envrl.runs import build_lock, file_hash
from envrl.seeding import new_salt

if TYPE_CHECKING:
    from envrl.workflow.course import Plan

__all__ = ["run_lock"]

_PACKAGES = (
    "envrl gymnasium msgspec numpy RestrictedPython scipy torch transformers trl peft accelerate datasets tokenizers "
    "safetensors unsloth vllm"
).split()


def run_lock(
    plan: Plan,
    resolved: Resolved,
    command: str,
    layers: Mapping[str, str],
    loaded: LoadedModel,
    dataset: Mapping[str, object] | None,
) -> dict[str, Any]:
    """What the run's results depend on.

    Args:
        command: what a user types to repeat the run.
        layers: of the sandbox; none where nothing is played.
        dataset: hashes of the rows, of a stage that trains on data.
    """
    config = plan.config
    parts: dict[str, object] = {} if dataset is None else {"dataset": dict(dataset)}
    if config.measures_by_play:
        task = plan.played
        prompt = hashlib.sha256(task.prompt(config.model.contract).encode()).hexdigest()
        preset = plan.preset
        parts |= {
            "task": {"id": task.id, "version": task.version, "options": task.options, "prompt_sha256": prompt},
            "reward": {"preset": preset.name, "version": preset.version, "weights": dict(preset.weights)}
            | ({"functions": [function.identity for function in preset.functions]} if preset.functions else {}),
            "sandbox": {"layers": dict(layers), "limits": msgspec.to_builtins(plan.limits)},
        }
    told = leaves(config.model_dump(by_alias=True))
    return build_lock(
        _PACKAGES,
        command=command,
        config={key: msgspec.json.encode(value).decode() for key, value in told},
        config_origins=resolved.origin,
        # The Hub's commit for a model that came from there; the files' own hashes for one in a folder.
        model={
            "path": config.model.path,
            "commit": getattr(loaded.model.config, "_commit_hash", None),
            "files": _hashes(loaded.path),
        }
        | ({"adapter_files": _hashes(config.model.adapter)} if config.model.adapter else {}),
        seeds={"train_salt": new_salt(), "train_seed": config.train.seed, "eval": config.eval.seeds},
        **parts,
    )


def _hashes(path: str) -> dict[str, str]:
    """Of the files of a model or an adapter that lies in a folder; none of one on the Hub."""
    files = (p for p in Path(path).glob("*") if p.suffix in (".safetensors", ".json", ".jinja"))
    return {p.name: file_hash(p) for p in sorted(files)}
