"""Does the tiny model learn environments that it was not made for?

Trains it on several environments with several training seeds, each run with a secret salt of its own, by the recipe
that ``envrl train --env NAME`` takes; the warm start is made by the environment's grammar, once. 64 sampled programs
are measured before and after on the same games of the ``final`` block, which nothing else ever looks at.

A run counts as an improvement if success or progress (the way from random play to the threshold) rose by 15 points or
more with the lower end of its 95 % interval above zero.

    python benchmarks/learning_any.py                        all of them, about two and a half hours on two cores
    python benchmarks/learning_any.py --envs sudoku --seeds 31 32
    python benchmarks/learning_any.py --quick                one short run, which is too short to learn much
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envrl.cli.display import Display
from envrl.config import load_config
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.statistics import Difference, crossed_difference
from envrl.runs import RunDirectory, read_lines
from envrl.workflow.init import init
from envrl.workflow.recipes import recipe_for, recipes_folder
from envrl.workflow.results import sweep_of_run

SCAFFOLD = "demo"  # what `envrl init demo` writes
SEEDS = {"sudoku": 5, "CartPole-v1": 5, "FrozenLake-v1": 2, SCAFFOLD: 2, "math": 2}
FINAL_SEEDS = "3000:3032"  # games that were never looked at while grammar and recipe were chosen
ENOUGH = 0.15


def train_one(root: Path, env: str, seed: int, quick: bool) -> RunDirectory:
    """One run, measured on the final block; a finished one is not run again, a stopped one goes on."""
    from rich.console import Console

    from envrl.workflow.train import resume, train

    name = f"{env}-{seed}"
    with Display(Console(stderr=True)) as display:
        if (root / name / "status.json").exists():
            run = RunDirectory.open(root / name)
            return run if run.status.state == "finished" else resume(root / name, display).run
        changes = [f"train.seed={seed}", f"output.root={root}", f"output.name={name}"]
        changes += ["eval.block=final", f"eval.seeds={FINAL_SEEDS}", f"env.id={env}"]
        changes += ["eval.best_of=4", "eval.validation_seeds=0:8"]  # no figure here is of a best program
        if env == SCAFFOLD:
            if not (root / SCAFFOLD).exists():
                root.mkdir(parents=True, exist_ok=True)
                init(SCAFFOLD, root)
            changes.append(f"env.import={root / SCAFFOLD / 'src' / SCAFFOLD / '__init__.py'}")
            recipe = recipes_folder() / "any" / "tiny-cpu.yaml"
        else:
            recipe = recipe_for(env)
        if quick:
            changes += ["train.max_steps=8", "eval.samples=16"]
        return train(load_config(recipe, changes), " ".join(["python", *sys.argv]), display).run


def row_of(env: str, run: RunDirectory) -> dict[str, Any]:
    """The figures of one finished run."""
    before, after = sweep_of_run(run, "before"), sweep_of_run(run, "after")
    success = crossed_difference(before.wins(), after.wins())
    progress = crossed_difference(before.progress(), after.progress())
    times = [datetime.datetime.fromisoformat(event["time"]) for event in read_lines(run.events_path).records]
    return {
        "env": env,
        "seed": run.lock["seeds"]["train_seed"],
        "before": float(np.nanmean(before.wins())),
        "after": float(np.nanmean(after.wins())),
        "gain": list(success.interval),
        "progress_before": float(np.nanmean(before.progress())),
        "progress_after": float(np.nanmean(after.progress())),
        "progress_gain": list(progress.interval),
        "improved": enough(success) or enough(progress),
        "largest_share": summarize(after, "after").largest_share,
        "minutes": (times[-1] - times[0]).total_seconds() / 60,
        "curve": [
            (m["step"], m["success"], m["progress"]) for m in read_lines(run.metrics_path).records if "success" in m
        ],
    }


def enough(difference: Difference) -> bool:
    """Whether a difference is large and certain enough to count."""
    return difference.interval.estimate >= ENOUGH and difference.interval.low > 0.0


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The table for the docs, and a line for each environment."""
    lines = [
        "| environment | training seed | before | after | gain, points (95 %) | progress before | after "
        "| gain, points (95 %) | largest share of one program | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['env']} | {row['seed']} | {row['before']:.1%} | {row['after']:.1%} | {_points(row['gain'])} "
            f"| {row['progress_before']:.1%} | {row['progress_after']:.1%} | {_points(row['progress_gain'])} "
            f"| {row['largest_share']:.1%} | {row['minutes']:.1f} |"
        )
    lines.append("")
    for env in dict.fromkeys(row["env"] for row in rows):
        improved = [row["improved"] for row in rows if row["env"] == env]
        lines.append(f"- {env}: {sum(improved)} of {len(improved)} training seeds improved")
    return "\n".join(lines)


def _points(interval: Sequence[float]) -> str:
    low, estimate, high = (100 * value for value in interval)
    return f"{estimate:+.1f} ({low:+.1f} to {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", nargs="+", choices=list(SEEDS), default=list(SEEDS), help="environments")
    parser.add_argument("--seeds", type=int, nargs="+", help="training seeds; else 31 to 35, or the first two of them")
    parser.add_argument("--root", type=Path, default=Path("runs/learning-any"), help="folder of the runs")
    parser.add_argument("--quick", action="store_true", help="one short run")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    root = arguments.root.with_name(f"{arguments.root.name}-quick") if arguments.quick else arguments.root
    jobs = [(env, seed) for env in arguments.envs for seed in arguments.seeds or range(31, 31 + SEEDS[env])]
    rows = []
    for env, seed in jobs[:1] if arguments.quick else jobs:
        rows.append(row_of(env, train_one(root, env, seed, arguments.quick)))
        print(markdown(rows), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
