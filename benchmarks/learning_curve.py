"""Does it learn, reliably, and does it find what it was not shown?

Trains the shipped tiny model with several training seeds, each with a secret salt of its own, by the recipe of
``configs/2048/tiny-cpu.yaml``; measures 64 sampled programs before and after on the same games of the ``final`` block,
which nothing else ever looks at; chooses each run's best program on ``validation`` seeds and measures it on ``final``
seeds, for the tile that it was trained for and for the next one.

    python benchmarks/learning_curve.py                  five seeds, about 25 minutes on two cores
    python benchmarks/learning_curve.py --quick          one short run
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import msgspec

from envrl.cli.display import Display
from envrl.config import load_config
from envrl.envs import find_task
from envrl.evaluation.report.record import ProgramCard
from envrl.evaluation.report.summary import summarize
from envrl.evaluation.statistics import crossed_difference
from envrl.rollouts import Arena, Assignment
from envrl.runs import RunDirectory, read_json, read_lines
from envrl.seeding import block_salt, episode_seeds
from envrl.workflow.results import sweep_of_run

RECIPE = Path(__file__).parent.parent / "configs" / "2048" / "tiny-cpu.yaml"
FINAL_SEEDS = "2000:2032"  # games that were never looked at while the recipe was chosen
BEST_SEEDS = range(4000, 4400)
HARDER = "envrl/2048-1024-v0"


def train_one(root: Path, seed: int, quick: bool) -> RunDirectory:
    """One run of the recipe, measured on the final block; a finished one is not run again."""
    from rich.console import Console

    from envrl.workflow.train import resume, train

    name = f"seed-{seed}"
    if (root / name / "status.json").exists():
        run = RunDirectory.open(root / name)
        if run.status.state == "finished":
            return run
        with Display(Console(stderr=True)) as display:
            return resume(root / name, display).run
    changes = [f"train.seed={seed}", f"output.root={root}", f"output.name={name}", "eval.block=final"]
    changes += [f"eval.seeds={FINAL_SEEDS}"]
    if quick:
        changes += ["train.max_steps=8", "eval.samples=16", "eval.best_of=16", "eval.validation_seeds=0:8"]
    command = " ".join(["python", *sys.argv])
    with Display(Console(stderr=True)) as display:
        return train(load_config(RECIPE, changes), command, display).run


def measure_best(run: RunDirectory) -> dict[str, Any]:
    """The best program of a run, chosen on validation, on final seeds that nothing has looked at."""
    card = msgspec.convert(read_json(run.best_path), ProgramCard)
    found: dict[str, Any] = {"source": card.source}
    for name in ("2048", HARDER):
        task = find_task(name)
        seeds = tuple(episode_seeds(block_salt("final", task.id, task.version), "final", BEST_SEEDS))
        with Arena(task) as arena:
            (played,) = arena.play([Assignment(card.source, tuple(BEST_SEEDS), seeds)])
        found[task.id] = played.success
    return found


def row_of(run: RunDirectory) -> dict[str, Any]:
    """The figures of one finished run."""
    before, after = sweep_of_run(run, "before"), sweep_of_run(run, "after")
    first, last = summarize(before, "before"), summarize(after, "after")
    metrics = read_lines(run.metrics_path).records
    split = {part: sum(m["seconds"].get(part, 0.0) for m in metrics) for part in ("generation", "sandbox", "update")}
    events = read_lines(run.events_path).records
    difference = crossed_difference(before.wins(), after.wins())
    return {
        "seed": run.lock["seeds"]["train_seed"],
        "before": first.success.estimate,
        "after": last.success.estimate,
        "after_interval": [last.success.low, last.success.high],
        "gain": difference.interval.estimate,
        "gain_interval": [difference.interval.low, difference.interval.high],
        "largest_share": last.largest_share,
        "distinct": last.distinct_programs,
        "best": measure_best(run),
        "minutes": _minutes(events),
        "sandbox_share": split["sandbox"] / sum(split.values()),
        "seconds_a_step": sum(split.values()) / len(metrics),
        "curve": [(m["step"], m["success"]) for m in metrics if "success" in m],  # steps that played new games
    }


def _minutes(events: list[dict[str, Any]]) -> float:
    import datetime

    times = [datetime.datetime.fromisoformat(event["time"]) for event in events]
    return (times[-1] - times[0]).total_seconds() / 60


def markdown(rows: list[dict[str, Any]], corpus_best: float) -> str:
    """The table for the docs."""
    lines = [
        "| training seed | before | after | gain, points (95 %) | largest share of one program "
        "| best program: 512 in 500 | best program: 1024 in 1000 | minutes | sandbox share of a step |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["gain_interval"]
        lines.append(
            f"| {row['seed']} | {row['before']:.1%} | {row['after']:.1%} | {100 * row['gain']:+.1f} "
            f"({100 * low:+.1f} to {100 * high:+.1f}) | {row['largest_share']:.1%} "
            f"| {row['best']['envrl/2048-v0']:.1%} | {row['best'][HARDER]:.1%} "
            f"| {row['minutes']:.1f} | {row['sandbox_share']:.0%} |"
        )
    mean = statistics.mean
    lines.append(
        f"| **mean** | {mean(r['before'] for r in rows):.1%} | {mean(r['after'] for r in rows):.1%} "
        f"| {100 * mean(r['gain'] for r in rows):+.1f} | | {mean(r['best']['envrl/2048-v0'] for r in rows):.1%} "
        f"| {mean(r['best'][HARDER] for r in rows):.1%} | {mean(r['minutes'] for r in rows):.1f} "
        f"| {mean(r['sandbox_share'] for r in rows):.0%} |"
    )
    lines.append("")
    lines.append(
        f"Best program of the warm-start corpus: {corpus_best:.1%} (on the filter's seeds). Best programs are chosen "
        f"on `validation` seeds and measured on {len(BEST_SEEDS)} `final` seeds."
    )
    return "\n".join(lines)


def picture(rows: list[dict[str, Any]], corpus_best: float, path: Path) -> None:
    """The curves and the best programs, as SVG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    curves, bars = figure.subplots(1, 2, width_ratios=(2, 1.25))
    window = 5
    for row in rows:
        curve = row["curve"]
        won = [success for _, success in curve]
        smooth = [statistics.mean(won[max(0, i - window + 1) : i + 1]) for i in range(len(won))]
        curves.plot([step for step, _ in curve], [100 * s for s in smooth], lw=1.6, label=f"seed {row['seed']}")
    curves.set(xlabel="GRPO step", ylabel="games won, %", ylim=(0, 100))
    curves.set_title("sampled programs in training (mean of 5 batches)", fontsize=10)
    curves.legend(frameon=False, fontsize=8)
    values = [
        100 * corpus_best,
        100 * statistics.mean(r["before"] for r in rows),
        100 * statistics.mean(r["after"] for r in rows),
        100 * statistics.mean(r["best"]["envrl/2048-v0"] for r in rows),
    ]
    names = ["best of the\ncorpus", "model\nbefore", "model\nafter", "best program\nfound"]
    bars.bar(names, values, color=["#999999", "#999999", "#2b7bba", "#2e8b57"])
    for place, value in enumerate(values):
        bars.annotate(f"{value:.0f} %", (place, value), ha="center", va="bottom", fontsize=9)
    bars.set(ylim=(0, 110), ylabel="games won, %")
    bars.tick_params(axis="x", labelsize=8)
    bars.set_title("tile 512 within 500 moves, unseen games", fontsize=10)
    for axes in (curves, bars):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33, 34, 35], help="training seeds")
    parser.add_argument("--root", type=Path, default=Path("runs/learning-curve"), help="folder of the runs")
    parser.add_argument("--quick", action="store_true", help="one short run")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--svg", type=Path, help="write the picture here")
    arguments = parser.parse_args()
    seeds = arguments.seeds[:1] if arguments.quick else arguments.seeds
    root = arguments.root.with_name("learning-curve-quick") if arguments.quick else arguments.root
    corpus = read_json(Path(find_weights()) / "recipe.json")["corpus"]["best_success_on_filter_seeds"]
    rows = []
    for seed in seeds:
        rows.append(row_of(train_one(root, seed, arguments.quick)))
        print(markdown(rows, corpus), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))
    if arguments.svg:
        picture(rows, corpus, arguments.svg)


def find_weights() -> str:
    """The folder of the shipped model."""
    from envrl.models import model_path

    return model_path("tiny")


if __name__ == "__main__":
    main()
