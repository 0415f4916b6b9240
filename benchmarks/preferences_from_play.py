"""Does a model get better from pairs of its own programs, told apart by play alone?

For each training seed, the shipped tiny model writes programs at its warm start, they play games of pairs' own, and
`envrl pairs` makes preference pairs of them. The model is then trained on these pairs by DPO and by ORPO, from the same
warm start, by the recipes ``configs/2048/{dpo,orpo}-from-play.yaml``; 64 sampled programs are measured before and after
on the same games of a block that nothing else looks at. Goal: at least 10 points more, mean of three seeds.

    python benchmarks/preferences_from_play.py              three seeds, both methods
    python benchmarks/preferences_from_play.py --quick      one seed, a few steps: shows that all of it runs
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from envrl.cli.display import Display
from envrl.config import load_config
from envrl.data import PairRules
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.statistics import crossed_difference
from envrl.runs import RunDirectory, read_json
from envrl.workflow.pair_subjects import sample_completions
from envrl.workflow.pairs import make_pairs, write_pairs
from envrl.workflow.results import sweep_of_run
from envrl.workflow.watching import Watcher

RECIPES = Path(__file__).parent.parent / "configs" / "2048"
METHODS = ("dpo", "orpo")
FINAL_SEEDS = "3000:3032"  # games that were never looked at while the recipes were chosen
GOAL = 0.10


def pairs_of(root: Path, seed: int, samples: int, episodes: int, rules: PairRules, watcher: Watcher) -> dict[str, Any]:
    """Pairs of the warm start's own programs, in ``<root>/pairs-<seed>/pairs.jsonl``; made once."""
    folder = root / f"pairs-{seed}"
    about = folder / "pairs.about.json"
    if not about.exists():
        folder.mkdir(parents=True, exist_ok=True)
        config = load_config(RECIPES / "dpo-from-play.yaml").config
        subject = sample_completions(config, samples, seed, watcher, "the warm start of tiny")
        made = make_pairs(subject, rules, episodes=episodes, watcher=watcher)
        write_pairs(made, folder / "pairs.jsonl", replace=True)
    return {"path": str(folder / "pairs.jsonl"), **read_json(about)}


def train_one(root: Path, method: str, seed: int, path: str, quick: bool, watcher: Watcher) -> RunDirectory:
    """One run of a recipe on these pairs; a finished one is not run again."""
    from envrl.workflow.train import resume, train

    name = f"{method}-{seed}"
    if (root / name / "status.json").exists():
        run = RunDirectory.open(root / name)
        return run if run.status.state == "finished" else resume(root / name, watcher).run
    changes = [
        f"dataset.path=[{json.dumps(path)}]",
        f"train.seed={seed}",
        f"output.root={root}",
        f"output.name={name}",
        "eval.block=final",
        f"eval.seeds={FINAL_SEEDS}",
        "eval.best_of=8",  # which single program is best is not the question here
        "eval.validation_seeds=0:8",
    ]
    if quick:
        changes += ["train.max_steps=4", "train.save_steps=4", "eval.samples=8", "eval.seeds=3000:3008"]
    config = load_config(RECIPES / f"{method}-from-play.yaml", changes)
    return train(config, " ".join(["python", *sys.argv]), watcher).run


def row_of(run: RunDirectory, method: str, seed: int, seconds: float) -> dict[str, Any]:
    """The figures of one finished run."""
    before, after = sweep_of_run(run, "before"), sweep_of_run(run, "after")
    first, last = summarize(before, "before"), summarize(after, "after")
    gain = crossed_difference(before.wins(), after.wins()).interval
    return {
        "method": method,
        "seed": seed,
        "before": first.success.estimate,
        "after": last.success.estimate,
        "gain": gain.estimate,
        "gain_interval": [gain.low, gain.high],
        "distinct": last.distinct_programs,
        "largest_share": last.largest_share,
        "broken": sum(last.completion_outcomes.values()) / last.samples,
        "seconds": seconds,
    }


def markdown(rows: list[dict[str, Any]], pairs: dict[int, dict[str, Any]]) -> str:
    """The table for the docs."""
    lines = [
        "| method | seed | pairs | before | after | gain, points (95 %) | distinct programs | no program |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["gain_interval"]
        lines.append(
            f"| {row['method']} | {row['seed']} | {pairs[row['seed']]['rows']} | {row['before']:.1%} "
            f"| {row['after']:.1%} | {100 * row['gain']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) "
            f"| {row['distinct']} | {row['broken']:.1%} |"
        )
    for method in METHODS:
        gains = [row["gain"] for row in rows if row["method"] == method]
        if gains:
            mean = statistics.mean(gains)
            said = f" (goal {100 * GOAL:+.0f}: {'reached' if mean >= GOAL else 'missed'})" if len(gains) > 2 else ""
            lines.append(f"| **{method}** | mean | | | | {100 * mean:+.1f}{said} | | |")
    return "\n".join(lines)


def main() -> None:
    from rich.console import Console

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[41, 42, 43], help="training and sampling seeds")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--samples", type=int, default=1536, help="programs that the warm start writes")
    parser.add_argument("--episodes", type=int, default=32, help="games that each of them plays")
    parser.add_argument("--root", type=Path, default=Path("runs/preferences-from-play"), help="folder of the runs")
    parser.add_argument("--quick", action="store_true", help="one seed, a few steps")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    root, seeds, samples, episodes, rules = (
        arguments.root,
        arguments.seeds,
        arguments.samples,
        arguments.episodes,
        PairRules(),
    )
    if arguments.quick:
        root, seeds, samples, episodes = root.with_name(f"{root.name}-quick"), seeds[:1], 96, 8
        rules = PairRules(margin=0.1, confidence=0.75)
    rows: list[dict[str, Any]] = []
    pairs: dict[int, dict[str, Any]] = {}
    with Display(Console(stderr=True)) as display:
        for seed in seeds:
            pairs[seed] = pairs_of(root, seed, samples, episodes, rules, display)
            for method in arguments.methods:
                began = time.monotonic()
                run = train_one(root, method, seed, pairs[seed]["path"], arguments.quick, display)
                rows.append(row_of(run, method, seed, time.monotonic() - began))
    print(markdown(rows, pairs))
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "pairs": list(pairs.values())}, indent=1))


if __name__ == "__main__":
    main()
