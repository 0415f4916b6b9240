"""How long does `envrl --help` take, against what the interpreter alone takes, and does it load torch?

The commands take turns within one run, so that a machine that slows down slows all of them. Times are wall-clock from
starting the process to its end, with warm file caches and compiled bytecode.

    .venv/bin/python benchmarks/cli_startup.py [--quick] [--json PATH]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

TARGET_MS = 150.0
"""What `envrl --help` may take (median)."""

HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "unsloth", "vllm", "ray")
"""Packages that neither `import envrl` nor `envrl --help` may load."""

WORTH_KNOWING = (*HEAVY, "numpy", "scipy", "pandas", "matplotlib", "gymnasium", "pydantic", "rich")


@dataclass(frozen=True)
class Side:
    """One command: how it is shown, and its words with and without ``-X importtime``."""

    name: str
    argv: list[str]
    traced: list[str]


@dataclass(frozen=True)
class Row:
    """Measured times of one command in milliseconds, their ratio to the bare interpreter, and what it imported."""

    command: str
    runs: int
    median_ms: float
    p90_ms: float
    min_ms: float
    ratio: float
    modules: int
    heavy: list[str]
    others: list[str]


def sides() -> list[Side]:
    """The commands, the bare interpreter first. Exits with code 2 if envrl is not installed beside this interpreter."""
    script = Path(sys.executable).parent / "envrl"
    if not script.exists():
        print(f"there is no {script}: install envrl into this environment first (pip install -e .)", file=sys.stderr)
        raise SystemExit(2)
    python, trace = sys.executable, [sys.executable, "-X", "importtime"]
    return [
        Side("python -c pass", [python, "-c", "pass"], [*trace, "-c", "pass"]),
        Side('python -c "import envrl"', [python, "-c", "import envrl"], [*trace, "-c", "import envrl"]),
        Side("envrl --help", [str(script), "--help"], [*trace, str(script), "--help"]),
    ]


def run_once(argv: list[str], env: dict[str, str]) -> float:
    """Wall-clock milliseconds of one process. Exits with code 1, showing its output, if it fails."""
    began = time.perf_counter()
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    took = (time.perf_counter() - began) * 1e3
    if done.returncode != 0:
        print(f"{' '.join(argv)} ended with code {done.returncode}:\n{done.stderr or done.stdout}", file=sys.stderr)
        raise SystemExit(1)
    return took


def imported(argv: list[str], env: dict[str, str]) -> set[str]:
    """Names of all modules that a command imports, read from what ``-X importtime`` prints."""
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def measure(rounds: int, warm_up: int) -> list[Row]:
    """All commands in turn, ``rounds`` times; each round starts with another command."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {"COLUMNS": "100"}
    commands = sides()
    times: dict[str, list[float]] = {side.name: [] for side in commands}
    for i in range(-warm_up, rounds):
        shift = i % len(commands)
        for side in commands[shift:] + commands[:shift]:
            took = run_once(side.argv, env)
            if i >= 0:
                times[side.name].append(took)

    bare = statistics.median(times[commands[0].name])
    rows = []
    for side in commands:
        taken, modules = times[side.name], imported(side.traced, env)
        packages = {name.partition(".")[0] for name in modules}
        rows.append(
            Row(
                command=side.name,
                runs=len(taken),
                median_ms=statistics.median(taken),
                p90_ms=statistics.quantiles(taken, n=10, method="inclusive")[-1],
                min_ms=min(taken),
                ratio=statistics.median(taken) / bare,
                modules=len(modules),
                heavy=[name for name in HEAVY if name in packages],
                others=[name for name in WORTH_KNOWING if name in packages and name not in HEAVY],
            )
        )
    return rows


def show(rows: list[Row]) -> None:
    """The table, then what was loaded, then the target."""
    print(f"{'command':26} {'median ms':>10} {'p90 ms':>8} {'min ms':>8} {'ratio':>7} {'modules':>8}  torch and kin")
    for row in rows:
        print(
            f"{row.command:26} {row.median_ms:10.1f} {row.p90_ms:8.1f} {row.min_ms:8.1f} {row.ratio:6.2f}x"
            f" {row.modules:8}  {', '.join(row.heavy) or 'not loaded'}"
        )
    helped = rows[-1]
    print(f"\n`{helped.command}` also loads: {', '.join(helped.others) or 'nothing else of weight'}")
    verdict = "met" if helped.median_ms < TARGET_MS else "MISSED"
    print(f"target: median under {TARGET_MS:.0f} ms: {verdict} ({helped.median_ms:.0f} ms)")
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {helped.runs} runs each, taking turns")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10 runs of each command instead of 50")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the numbers there, too")
    options = parser.parse_args()

    rows = measure(rounds=10 if options.quick else 50, warm_up=2)
    show(rows)
    if options.json:
        result = {
            "benchmark": "cli_startup",
            "python": platform.python_version(),
            "machine": platform.platform(),
            "cpus": os.cpu_count(),
            "target_ms": TARGET_MS,
            "rows": [asdict(row) for row in rows],
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
