"""What does the language policy cost at run time, and which ordinary programs does it turn away?

1. *Run time*: programs of about a millisecond, in plain Python, under envrl's policy and facades (the very `Session` of
   a worker, in this process), under stock RestrictedPython, smolagents' interpreter and pydantic-monty. Sides take
   turns, and ratios are those of the least times: whatever a busy machine adds, it adds, and what remains is the cost.
   All must give the same value.
2. *Acceptance*: the harmless programs of envrl's zoo, written as models write, by each of them. envrl's side is the
   real one, a confined worker.

    python benchmarks/sandbox_policy.py [--quick] [--rounds 100] [--peers PYTHON] [--json PATH]

``--peers`` names the interpreter of an environment that has smolagents and the like; without it they are not measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Any

import msgspec
from _peers import LANGUAGES, PACKAGES, Host, Missing
from _timing import Machine, median, show, write_json
from _workloads import WORKLOADS

from envrl.audit.zoo import BENIGN
from envrl.envs import find_task
from envrl.limits import Limits
from envrl.rollouts import profile_of
from envrl.sandbox import LANGUAGE_IMPORTS, Fault, Loaded, Sandbox
from envrl.sandbox.inside.session import Lent, Session

PEERS = [name for name in LANGUAGES if name != "openenv PyExecutor"]  # which is smolagents' interpreter
SLOW = ("smolagents LocalPythonExecutor",)
SLOW_EVERY = 20  # rounds
REACH = 1.05
CELLS = bytes([1, 2, 0, 1, 0, 3, 1, 0, 0, 0, 2, 1, 4, 0, 0, 1])
BOARD = [[2**cell if cell else 0 for cell in CELLS[row : row + 4]] for row in range(0, 16, 4)]
ACTION = '"W"'

Timed = Callable[[], tuple[float, Any]]
"""Makes one call; gives its seconds and its value."""


class _Still:
    """A clock that ends nothing."""

    def start(self, budget: float) -> None: ...

    def stop(self) -> float:
        return 0.0


def plain(source: str, n: int) -> Timed:
    space: dict[str, Any] = {}
    exec(compile(source, "<strategy>", "exec"), space)
    return lambda: timed(lambda: space["work"](n))


def policed(source: str, n: int) -> Timed:
    lent = Lent(LANGUAGE_IMPORTS, "", "", "def arguments(payload):\n    return (int(payload),)\n")
    session = Session(lent, "work", msgspec.structs.asdict(Limits()), _Still())
    session.load(source.encode())
    session.open(0, 1)
    payload = str(n).encode()
    return lambda: timed(lambda: session.call(0, payload)[0])


def hosted(host: Host, source: str, n: int) -> Timed:
    def call() -> tuple[float, Any]:
        said = host.ask(source, "work", [n], calls=True)
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["seconds"][0], said["value"]

    return call


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return time.perf_counter() - start, value


def run_times(hosts: dict[str, Host], rounds: int) -> dict[str, Any]:
    """Ratios to plain Python by workload and side, and why a side refuses or fails."""
    names = ["envrl", *PEERS]
    rows, figures = [], {}
    for workload, (source, n) in WORKLOADS.items():
        base = plain(source, n)
        _, expected = base()
        calls = {"plain": base, "envrl": policed(source, n)}
        calls |= {name: hosted(host, source, n) for name, host in hosts.items()}
        taken: dict[str, list[float]] = {name: [] for name in calls}
        refused: dict[str, str] = {}
        for number in range(rounds):
            for name, call in calls.items():
                if name in refused or (name in SLOW and number % SLOW_EVERY):
                    continue
                try:
                    seconds, value = call()
                    if value != expected:
                        raise RuntimeError(f"gave {value!r}, where {expected!r} is right")
                except Exception as error:
                    refused[name] = str(error)
                else:
                    taken[name].append(seconds)
        least = {name: min(times) for name, times in taken.items() if times and name not in refused}
        ratio = {name: seconds / least["plain"] for name, seconds in least.items() if name != "plain"}
        cells = [f"{ratio[n]:.2f}" if n in ratio else "refused" if n in refused else "–" for n in names]
        rows.append([workload, f"{1e3 * least['plain']:.2f}", *cells])
        figures[workload] = {
            "plain_ms": 1e3 * least["plain"],
            "ratio_of_least": ratio,
            "ratio_of_medians": {name: median(taken[name]) / median(taken["plain"]) for name in ratio},
            "refused": refused,
        }
    middle = []
    for name in names:
        known = [row["ratio_of_least"][name] for row in figures.values() if name in row["ratio_of_least"]]
        middle.append(f"{median(known):.2f}" if known else "–")
    rows.append(["median", "", *middle])
    print("run time over plain Python")
    show(["program", "plain, ms", *names], rows)
    for workload, row in figures.items():
        for name, reason in row["refused"].items():
            print(f"  {name} refused {workload!r}: {reason[:120]}")
    ours = [row["ratio_of_least"]["envrl"] for row in figures.values()]
    print(f"envrl: median {median(ours):.3f}, largest {max(ours):.3f} (to reach: {REACH:.2f})\n")
    return figures


def load_times(rounds: int) -> dict[str, float]:
    """Milliseconds to parse, check and compile the workloads' sources, one after another, by side."""
    lent = Lent(LANGUAGE_IMPORTS, "", "", "def arguments(payload):\n    return ()\n")
    limits = msgspec.structs.asdict(Limits())
    sources = [source for source, _ in WORKLOADS.values()]

    def loading(language: bool) -> None:
        for source in sources:
            Session(lent, "work", limits, _Still(), language).load(source.encode())

    sides: dict[str, Callable[[], None]] = {
        "plain compile": lambda: [compile(source, "<strategy>", "exec") for source in sources] and None,
        "envrl, policy off": lambda: loading(False),
        "envrl": lambda: loading(True),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds, _ = timed(side)
            taken[name].append(1e3 * seconds / len(sources))
    figures = {name: min(times) for name, times in taken.items()}
    print("to load a program, least ms: " + ", ".join(f"{name} {each:.2f}" for name, each in figures.items()) + "\n")
    return figures


def accepted_by_sandbox(sources: dict[str, str]) -> dict[str, str]:
    """What stands against each program, or "" where it plays one move in a confined worker."""
    task = find_task("2048")
    verdicts = {}
    with Sandbox(profile_of(task)) as sandbox:
        for name, source in sources.items():
            program = sandbox.load(source.encode(), task.limits)
            ((_, reply),) = sandbox.collect()
            if isinstance(reply, Loaded):
                program.play([(0, CELLS)], [(0, 1)])
                ((_, reply),) = sandbox.collect()
            value = reply if isinstance(reply, Fault) else reply.values[0]  # type: ignore[union-attr]
            verdicts[name] = f"{value.outcome}: {value.detail}" if isinstance(value, Fault) else ""
            program.close()
    return verdicts


def accepted_by_host(host: Host, sources: dict[str, str]) -> dict[str, str]:
    return {name: host.ask(source, "strategy", [BOARD]).get("error", "") for name, source in sources.items()}


def acceptance(hosts: dict[str, Host], python: Host) -> dict[str, dict[str, str]]:
    sources = {
        specimen.name: Template(specimen.source).safe_substitute(entry="strategy", action=ACTION) for specimen in BENIGN
    }
    verdicts = {"plain Python": accepted_by_host(python, sources), "envrl": accepted_by_sandbox(sources)}
    for name, host in hosts.items():
        verdicts[name] = accepted_by_host(host, sources)
    print("ordinary programs accepted")
    rows = []
    for name, reasons in verdicts.items():
        refused = [program for program, reason in reasons.items() if reason]
        rows.append([name, f"{len(reasons) - len(refused)} of {len(reasons)}"])
    show(["side", "accepted"], rows)
    for name in ("plain Python", "envrl"):
        for program, reason in verdicts[name].items():
            if reason:
                print(f"  {name} refused {program}: {reason}")
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100, help="rounds over the sides of each program")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it runs")
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter of an environment that has the peers")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    machine = Machine()
    hosts, absent = {}, {}
    for name in PEERS:
        try:
            hosts[name] = Host(name, options.peers) if options.peers and name in PACKAGES else Host(name)
        except Missing as error:
            absent[name] = f"not measured: {error}" + ("" if options.peers else " (give --peers)")
    python = Host("in-process exec + signal timer")
    try:
        figures = {
            "run_time": run_times(hosts, rounds),
            "load_ms": load_times(rounds),
            "acceptance": acceptance(hosts, python),
            "absent": absent,
        }
    finally:
        for host in (*hosts.values(), python):
            host.close()
    for name, reason in absent.items():
        print(f"  without {name}: {reason}")
    print(f"\n{rounds} rounds in turns\n{machine.describe()}")
    write_json(options.json, "sandbox_policy", machine, figures)


if __name__ == "__main__":
    main()
