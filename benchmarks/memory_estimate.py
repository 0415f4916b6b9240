"""Memory that a training step takes, measured, beside `envrl.workflow.estimate`'s figure: the tiny model on the CPU.

    python benchmarks/memory_estimate.py [--quick] [--json FILE]

Each case is a process of its own that loads the model, makes one forward and backward pass over random tokens with the
loss of fine-tuning, then one step of AdamW, and takes its peak resident memory less what it had before. The estimate is
that of the formula for the same sizes: weights excluded, since they were there before.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

CASES = [(4, 256, False), (8, 256, False), (16, 256, False), (32, 256, False), (32, 256, True), (64, 256, False)]
QUICK = [CASES[1], CASES[3]]


def measure(rows: int, length: int, checkpointing: bool) -> int:
    """Bytes by which this process grew, at its peak."""
    import psutil
    import torch

    from envrl.config import ModelConfig
    from envrl.models import load_model

    torch.set_num_threads(1)
    model = load_model(ModelConfig(path="tiny"), "cpu").model.train()
    if checkpointing:
        model.gradient_checkpointing_enable()
    optimiser = torch.optim.AdamW(model.parameters())
    tokens = torch.randint(0, model.config.vocab_size, (rows, length))

    def step(tokens: torch.Tensor) -> None:
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimiser.step()
        optimiser.zero_grad()

    warm = load_model(ModelConfig(path="tiny"), "cpu").model.train()  # the libraries' own, once, on another model
    warm(input_ids=tokens[:1, :8], labels=tokens[:1, :8]).loss.backward()
    del warm
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = psutil.Process().memory_info().rss
    step(tokens)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    return peak - before


def estimate(rows: int, length: int, checkpointing: bool) -> float:
    """Bytes that the formula gives for the same."""
    from envrl.config import load_config
    from envrl.models.shapes import find_shape
    from envrl.workflow.estimate import estimate_memory

    overrides = [
        "method.name=sft", "dataset.path=[rows.jsonl]", f"train.per_device_train_batch_size={rows}",
        f"dataset.max_length={length}", f"train.gradient_checkpointing={str(checkpointing).lower()}",
    ]  # fmt: skip
    shape = find_shape("tiny")
    assert shape is not None
    memory = estimate_memory(load_config(None, overrides).config, shape, 0, "cpu")
    return memory.total - memory.weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(measure(*json.loads(options.case)))
        return
    results = []
    print(f"{'rows':>5} {'tokens':>6} {'checkpointing':>13} {'estimate':>10} {'measured':>10} {'ratio':>6}")
    for case in QUICK if options.quick else CASES:
        called = [sys.executable, __file__, "--case", json.dumps(case)]
        grown = int(subprocess.run(called, capture_output=True, text=True, check=True).stdout.split()[-1])
        expected = estimate(*case)
        print(
            f"{case[0]:5} {case[1]:6} {case[2]!s:>13} {expected / 2**20:6.0f} MiB {grown / 2**20:6.0f} MiB "
            f"{expected / grown:6.2f}"
        )
        results.append(
            {"rows": case[0], "tokens": case[1], "checkpointing": case[2], "estimate": expected, "measured": grown}
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
