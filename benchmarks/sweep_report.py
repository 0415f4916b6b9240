"""How long does the report of a large sweep take, and what does it weigh?

Makes a sweep of 64 programs (of 2048's own grammar) × 1000 seeds on disk, its episodes drawn by chance, and builds the
report from the files: reading, statistics, looking for programs that do not react, replays, and all forms. The time of
the fourth form, the terminal's, is that of printing it. Goals: under 5 s, under 1 MB of HTML.

    python benchmarks/sweep_report.py [--quick] [--programs 64] [--seeds 1000] [--json PATH]
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from _timing import Machine, show, write_json
from rich.console import Console

from envrl.config import EnvConfig
from envrl.envs import find_task
from envrl.evaluation.report.terminal import render_terminal
from envrl.evaluation.sweeps import EPISODES, HEADER, PROGRAMS, STATUS, SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Episode
from envrl.runs.status import Status, write_status
from envrl.workflow.rebuilding import rebuild
from envrl.workflow.reporting import write_report
from envrl.workflow.results import environment_of

SEED = 0
SECONDS, BYTES = 5.0, 1_000_000


def make(folder: Path, programs: int, seeds: int) -> None:
    """A sweep on disk, its episodes drawn by chance: a skill for each program, a luck for each seed."""
    task = find_task("2048")
    assert task.examples is not None
    rng = np.random.default_rng(SEED)
    header = SweepHeader(
        kind="model",
        subject="made data",
        task=task.id,
        task_version=task.version,
        options=task.options,
        environment=environment_of(EnvConfig(id="2048")),
        success=task.success,
        toolkit="full",
        contract="tiny",
        prompt_sha256="0" * 64,
        block="test",
        seeds=f"0:{seeds}",
        limits=msgspec.to_builtins(task.limits),
        layers=("limits", "no_new_privs", "seccomp"),
        sampling={"temperature": 1.0},
        versions={"python": "3"},
        command="python benchmarks/sweep_report.py",
        created="2026-01-01T00:00:00+00:00",
    )
    (folder / HEADER).write_bytes(msgspec.json.encode(header))
    luck = rng.normal(0.0, 0.6, seeds)
    with (folder / PROGRAMS).open("wb") as texts, (folder / EPISODES).open("wb") as lines:
        for index, example in enumerate(task.examples(programs, SEED)):
            text = f"```python\n{example.source}```"
            program = SweepProgram(
                index=index, label=f"#{index}", completion=text, source=example.source, program_hash=f"{index:032x}",
                tokens=len(text) // 3, clipped=False, seconds=float(rng.gamma(4.0, 0.1)),
            )  # fmt: skip
            texts.write(msgspec.json.encode(program) + b"\n")
            level = np.clip(np.round(rng.normal(6.0, 1.2) + luck + rng.normal(0.0, 0.8, seeds)), 1, 9)
            for seed, power in enumerate(level.astype(int).tolist()):
                episode = Episode(
                    index=seed,
                    outcome=Outcome.SUCCESS if power == 9 else Outcome.FAILURE,
                    steps=30 * power,
                    score=float(int(rng.normal(8.0, 0.8) * 2**power)),
                    progress=power / 9,
                    metrics={"max_tile": float(2**power)},
                    cpu=0.01,
                )
                lines.write(msgspec.json.encode({"program": index, **msgspec.to_builtins(episode)}) + b"\n")

    now = header.created
    write_status(folder / STATUS, Status(state="finished", step=0, pid=0, boot_id=None, updated=now))


def measure(programs: int, seeds: int) -> dict[str, Any]:
    """Seconds of each part, and bytes of each form."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder, programs, seeds)
        before = os.times()
        start = time.perf_counter()
        report = rebuild(folder)
        built = time.perf_counter()
        page = write_report(folder, report)
        written = time.perf_counter()
        printed = io.StringIO()
        Console(file=printed, width=100).print(render_terminal(report, str(page)))
        end = time.perf_counter()
        after = os.times()
        sizes = {form: (folder / f"report.{form}").stat().st_size for form in ("html", "json", "md")}
    parts = {"read and build": built - start, "write three forms": written - built, "print": end - written}
    cpu = sum(after[:4]) - sum(before[:4])  # user and system time, of this process and of those that it has waited for
    replays = sum(card.replay is not None for card in report.gallery)
    return {
        "programs": programs,
        "seeds": seeds,
        "replays": replays,
        "seconds": parts | {"all": end - start},
        "cpu": cpu,
        "bytes": sizes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="time and weight of a report")
    parser.add_argument("--programs", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="8 programs on 50 seeds, to see that it runs")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    machine = Machine()
    measured = measure(8, 50) if options.quick else measure(options.programs, options.seeds)
    print(f"{measured['programs']} programs × {measured['seeds']} seeds, {measured['replays']} replays")
    show(("part", "seconds"), [(name, f"{seconds:.2f}") for name, seconds in measured["seconds"].items()])
    show(("form", "bytes"), [(name, f"{size:,}") for name, size in measured["bytes"].items()])
    fast, light = measured["seconds"]["all"] < SECONDS, measured["bytes"]["html"] < BYTES
    print(f"CPU of all processes: {measured['cpu']:.2f} s")
    print(f"under {SECONDS:g} s: {'yes' if fast else 'no'}; HTML under 1 MB: {'yes' if light else 'no'}")
    print(machine.describe())
    write_json(options.json, "sweep_report", machine, measured)


if __name__ == "__main__":
    main()
