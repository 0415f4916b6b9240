"""Where the time of a GRPO step goes on a GPU: sampling, sandbox, update; with and without vLLM and Unsloth.

    python benchmarks/gpu_grpo.py [--quick] [--cpu] [--models tiny 0.6b] [--json FILE]

``tiny`` is envrl's own model. ``0.6b`` has the layers of Qwen3-0.6B with weights drawn at random and the tiny model's
tokenizer: nothing is downloaded, its programs are babble, and each completion runs to the limit, so that the figures of
sampling are those of the longest completions and the sandbox has little to play. Each case is a run in a process of
its own; a library that is not installed leaves its cases out, and says so. ``--cpu`` tries the script without a GPU.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from _timing import Machine, show, write_json

RECIPE = Path(__file__).parents[1] / "configs" / "2048" / "tiny-cpu.yaml"
BACKENDS = {
    "transformers": [],
    "transformers + vllm": ["model.generation=vllm"],
    "unsloth": ["model.backend=unsloth"],
    "unsloth + vllm": ["model.backend=unsloth", "model.generation=vllm"],
}
SKIPPED_STEPS = 1  # the first one warms up


def make_model(folder: Path) -> None:
    """A model with the layers of Qwen3-0.6B, drawn at random, and the tiny model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    from envrl.models import model_path
    from envrl.models.shapes import find_shape

    shape = find_shape("Qwen/Qwen3-0.6B")
    assert shape is not None
    tokenizer = AutoTokenizer.from_pretrained(model_path("tiny"))
    config = Qwen3Config(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim, tie_word_embeddings=shape.tied, max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def run(name: str, path: str, overrides: list[str], root: Path, steps: int, device: str) -> dict[str, float] | str:
    """Median seconds of a step's parts; or why there are none."""
    large = path != "tiny"
    settings = [
        f"model.path={path}", f"train.max_steps={steps}", "train.warmup_steps=0", f"train.save_steps={steps}",
        f"train.device={device}", "method.num_iterations=1", "method.entropy_coef=0",
        "method.tail_coef=0", "method.max_kl=null", f"output.root={root}", f"output.name={name}",
        "eval.samples=2", "eval.seeds=0:2", "eval.validation_seeds=0:2", "eval.best_of=2", *overrides,
    ]  # fmt: skip
    if large:
        settings += ["model.lora={r: 16, alpha: 32}", "model.dtype=bfloat16", "train.bf16=true"]
    command = [sys.executable, "-m", "envrl", "train", str(RECIPE), *settings]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    if done.returncode:
        return (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
    lines = [json.loads(line) for line in (root / name / "metrics.jsonl").read_text().splitlines()]
    parts = [line["seconds"] for line in lines if "seconds" in line][SKIPPED_STEPS:]
    return {part: statistics.median(step[part] for step in parts) for part in ("generation", "sandbox", "update")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the tiny model, three steps")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--models", nargs="+", choices=["tiny", "0.6b"], default=["tiny", "0.6b"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import torch

    if not (options.cpu or torch.cuda.is_available()):
        sys.exit("torch sees no GPU: --cpu tries the script without one")
    device = "cpu" if options.cpu else "cuda"
    steps = 3 if options.quick else 12
    machine, results, rows = Machine(), [], []
    with tempfile.TemporaryDirectory() as folder:
        for model in ["tiny"] if options.quick else options.models:
            path = "tiny"
            if model != "tiny":
                path = str(Path(folder) / "model")
                make_model(Path(path))
            for number, (backend, overrides) in enumerate(BACKENDS.items()):
                lacking = [n for n in ("unsloth", "vllm") if n in backend and not importlib.util.find_spec(n)]
                name = f"{model}-{number}"
                found = (
                    f"{lacking[0]} is not installed"
                    if lacking
                    else run(name, path, overrides, Path(folder) / "runs", steps, device)
                )
                results.append({"model": model, "backend": backend, "steps": steps, "found": found})
                if isinstance(found, str):
                    print(f"{model}, {backend}: left out, {found}")
                    continue
                total = sum(found.values())
                cells = [f"{found[part]:.2f} s" for part in ("generation", "sandbox", "update")]
                rows.append([f"{model}, {backend}", *cells, f"{total:.2f} s", f"{found['sandbox'] / total:.0%}"])
    show(["case", "sampling", "sandbox", "update", "step", "sandbox's share"], rows)
    print(machine.describe())
    print("device:", torch.cuda.get_device_name(0) if device == "cuda" else "cpu")
    write_json(options.json, "gpu_grpo", machine, {"device": device, "results": results})


if __name__ == "__main__":
    main()
