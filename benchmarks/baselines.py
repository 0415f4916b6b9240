"""How strong are the reference strategies?

Plays those of every built-in environment on seeds of block `test`, in the sandbox, and writes what was measured beside
the strategies (`strength.json`, which `envrl envs` shows) and into `docs/baselines.md`. Then 2048 once more for as
long as it goes, to compare with figures that were measured before with another program: of 1000 games the shares that
reach a tile, for strategies of the same kind (not of the same text).

    python benchmarks/baselines.py [--quick] [--json PATH]

`--quick` plays a few seeds and writes nothing but the JSON that is asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from _timing import Machine, show, write_json

from envrl.envs import Task, environment_ids, find_task
from envrl.evaluation.baselines import Strength, baselines, source_hash, strength_file
from envrl.evaluation.statistics import Interval, wilson
from envrl.rollouts import Arena, Assignment, Episode
from envrl.runs import write_atomic
from envrl.seeding import block_salt, episode_seeds

DOCS = Path(__file__).parents[1] / "docs" / "baselines.md"
SEEDS = {"2048": 200, "sudoku": 100, "math": 200}
FEWER = {"expectimax": 50, "backtracking": 25}  # those that think
WIDE = "envrl/2048-notebook-v0"  # long games on 6×6, which nearly everything wins; how often chance does is of interest
PART = 32  # seeds that share a worker
LONG = 10_000
# Games in percent that reach a tile, of 1000 (expectimax: compiled, one chance ply).
REFERENCE = {
    "random": {128: 57.5, 256: 8.0, 512: 0.1},
    "cycling": {128: 95.0, 256: 57.6, 512: 5.5},
    "corner": {128: 92.4, 256: 50.5, 512: 4.3, 1024: 0.1},
    "greedy": {128: 94.0, 256: 58.3, 512: 12.8, 1024: 0.2},
    "one_ply": {128: 99.1, 256: 89.0, 512: 30.6, 1024: 1.4},
    "expectimax": {512: 98.9, 1024: 91.8, 2048: 71.5},
}


def counts(task: Task, quick: bool) -> dict[str, int]:
    """How many seeds each reference strategy plays."""
    most = {name: FEWER.get(name, SEEDS[task.short]) for name in baselines(task)}
    if task.id == WIDE:
        most = {name: 200 if name == "random" else 50 for name in most if name != "expectimax"}
    return dict.fromkeys(most, 2) if quick else most


def play(task: Task, counts: dict[str, int], workers: int | None) -> dict[str, list[Episode]]:
    """The episodes of each reference strategy on the first seeds of block test."""
    sources = baselines(task)
    salt = block_salt("test", task.id, task.version)
    assignments = []
    for name, count in counts.items():
        for start in range(0, count, PART):
            indices = tuple(range(start, min(start + PART, count)))
            assignments.append((name, Assignment(sources[name], indices, tuple(episode_seeds(salt, "test", indices)))))
    with Arena(task, workers=workers) as arena:
        cards = arena.play([assignment for _, assignment in assignments])
    episodes: dict[str, list[Episode]] = {name: [] for name in counts}
    for (name, _), card in zip(assignments, cards, strict=True):
        if card.outcome is not None or card.infrastructure_error:
            raise SystemExit(f"{task.id}: {name} cannot be measured: {card.outcome} {card.detail}")
        episodes[name] += card.episodes
    return episodes


def strength(task: Task, name: str, episodes: list[Episode]) -> Strength:
    count = len(episodes)
    steps = sum(episode.steps for episode in episodes)
    return Strength(
        task=task.id,
        version=task.version,
        strategy=name,
        source=source_hash(baselines(task)[name]),
        block="test",
        seeds=f"0:{count}",
        success=wilson(sum(episode.won for episode in episodes), count),
        progress=round(sum(episode.progress for episode in episodes) / count, 4),
        score=round(sum(episode.score for episode in episodes) / count, 1),
        steps=round(steps / count, 1),
        cpu=round(sum(episode.cpu for episode in episodes) / max(steps, 1), 7),
    )


def compare(quick: bool, workers: int | None) -> Iterator[dict[str, Any]]:
    """Shares that reach a tile, beside the reference; the two agree where their intervals overlap."""
    task = find_task("envrl/2048-2048-v0", {"horizon": LONG})
    for name, episodes in play(task, counts(task, quick), workers).items():
        for tile, theirs in REFERENCE[name].items():
            ours = wilson(sum(episode.metrics["max_tile"] >= tile for episode in episodes), len(episodes))
            reference = wilson(theirs * 10, 1000)
            agrees = ours.low <= reference.high and reference.low <= ours.high
            yield {
                "strategy": name,
                "tile": tile,
                "games": len(episodes),
                "ours": ours,
                "theirs": reference,
                "agrees": agrees,
            }


def percent(rate: Interval) -> str:
    return f"{100 * rate.estimate:.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def markdown(rows: list[Strength], compared: list[dict[str, Any]], machine: str) -> str:
    lines = [
        "# Reference strategies",
        "",
        "What the strategies that ship with the built-in environments reach, on the first seeds of block `test`, in",
        "the sandbox and under each task's own limits: success with its 95 % interval (Wilson), mean progress, score",
        "and moves, and CPU a move. `envrl envs 2048` shows the same for one environment, `envrl play` an episode.",
        "Made by `python benchmarks/baselines.py`.",
    ]
    for task in dict.fromkeys(row.task for row in rows):
        lines += ["", f"## {find_task(task).title}", "", f"`{task}`", ""]
        lines += [
            "| strategy | seeds | success | progress | score | moves | µs a move |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row.strategy} | {row.seeds} | {percent(row.success)} | {row.progress:.2f} | {row.score:.0f} | "
            f"{row.steps:.0f} | {1e6 * row.cpu:.0f} |"
            for row in sorted((r for r in rows if r.task == task), key=lambda r: (r.success.estimate, r.progress))
        ]
    lines += [
        "",
        "## 2048 against a reference",
        "",
        f"4×4 boards, up to {LONG} moves: games that reach a tile, beside what another program measured before with",
        "strategies of the same kind on 1000 games. *Agrees*: the two 95 % intervals overlap. They need not where more",
        "differs than the games: the reference's order of equal moves (greedy), its weights (one_ply) and its worth of",
        "a board (expectimax) are not known.",
        "",
        "| strategy | tile | games | here | reference | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['strategy']} | {row['tile']} | {row['games']} | {percent(row['ours'])} | {percent(row['theirs'])} | "
        f"{'agrees' if row['agrees'] else 'differs'} |"
        for row in compared
    ]
    return "\n".join([*lines, "", machine, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seeds, to see that it runs")
    parser.add_argument("--workers", type=int, help="referee processes; one a core by default")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    machine = Machine()

    tasks = [task for task in map(find_task, environment_ids()) if baselines(task)]
    rows = [
        strength(task, name, episodes)
        for task in tasks
        for name, episodes in play(task, counts(task, options.quick), options.workers).items()
    ]
    compared = list(compare(options.quick, options.workers))
    show(
        ("strategy", "task", "seeds", "success", "progress"),
        [(row.strategy, row.task, row.seeds, percent(row.success), f"{row.progress:.2f}") for row in rows],
    )
    show(
        ("strategy", "tile", "here", "reference", ""),
        [
            (
                row["strategy"],
                str(row["tile"]),
                percent(row["ours"]),
                percent(row["theirs"]),
                "agrees" if row["agrees"] else "differs",
            )
            for row in compared
        ],
    )
    print(described := machine.describe())
    if not options.quick:
        for path, own in {str(strength_file(task)): task.short for task in tasks}.items():
            mine = [row for row in rows if find_task(row.task).short == own]
            write_atomic(Path(path), msgspec.json.format(msgspec.json.encode(mine)) + b"\n")
        write_atomic(DOCS, markdown(rows, compared, described))
    write_json(options.json, "baselines", machine, {"strength": msgspec.to_builtins(rows), "compared": compared})


if __name__ == "__main__":
    main()
