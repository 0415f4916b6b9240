"""What gets past each of the others? envrl's zoo of hostile programs, played by every peer that is installed.

Speed alone favours what is unsafe, so this table belongs beside that of `sandbox_latency.py`. Each program is called
once with a board, its bait laid in the host as for ``envrl audit``. By class of programs and by peer, three counts:

* *breach*: it got the secret word, which no program should be able to read, or what it stands for: a private object;
* *touched*: it left a trace on the host: a file, a connection, a process;
* *held up*: the peer's own host process ended, or came back only when this benchmark killed it.

A hostile program meets its peer in a process that is thrown away, as the user nobody, with limits of this benchmark's
(2 GiB, 10 s of CPU, 15 s in all), whatever the peer may promise. Only classes that leave the machine alone are played,
and only by root, who can become nobody.

    python benchmarks/sandbox_peers.py [--quick] [--peers PYTHON] [--classes NAME...] [--json PATH]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from _peers import PACKAGES, PLAIN, Host, Missing
from _timing import Machine, show, write_json

from envrl.audit.bait import Bait
from envrl.audit.zoo import CLASSES
from envrl.envs import Task, find_task
from envrl.rollouts import profile_of
from envrl.sandbox import Fault, Loaded, Played, Sandbox

TAME = ("files", "introspection", "values", "source_text", "tampering", "swallowing", "cpu")
PLAIN_SIDES = ("in-process exec + signal timer", "python -I -S -c", "bubblewrap, python -I -S -c")
SMOLAGENTS_AGAIN = "openenv PyExecutor"
NOBODY = 65534
WALL_SECONDS = 15.0
PEER_SECONDS = 2.0
TRIES = 2
CELLS = bytes([1, 2, 0, 1, 0, 3, 1, 0, 0, 0, 2, 1, 4, 0, 0, 1])
BOARD = [[2**cell if cell else 0 for cell in CELLS[row : row + 4]] for row in range(0, 16, 4)]
HONEST = "def strategy(board):\n    return 'W'\n"
COUNTS = ("breach", "touched", "held up")

Play = Callable[[str], tuple[str, bool]]
"""Plays a program; gives all that it said, and whether it held up its host."""


def by_envrl(sandbox: Sandbox, task: Task) -> Play:
    def play(source: str) -> tuple[str, bool]:
        start = time.monotonic()
        program = sandbox.load(source.encode("utf-8", "surrogatepass"), task.limits)
        said = []
        ((_, reply),) = sandbox.collect()
        if isinstance(reply, Loaded):
            program.play([(0, CELLS)], [(0, 1)])
            ((_, reply),) = sandbox.collect()
        if isinstance(reply, Played):
            said = [repr(value) for value in reply.values if not isinstance(value, Fault)]
        program.close()
        return " ".join(said), time.monotonic() - start > WALL_SECONDS

    return play


class ByHost:
    """A peer's host process, begun anew whenever a program has ended it."""

    def __init__(self, name: str, python: str | None) -> None:
        self._make = lambda: Host(name, *([python] if python else []), user=NOBODY, seconds=PEER_SECONDS)
        self._host = self._make()

    def play(self, source: str) -> tuple[str, bool]:
        for _ in range(TRIES):
            answer = self._host.ask(source, "strategy", [BOARD], throw_away=WALL_SECONDS)
            if answer.get("gone"):
                self._host.close()
                self._host = self._make()
            # On a busy machine a peer may be late without having had the time that it was to stop at.
            if not (answer.get("late") and answer["cpu"] < 2 * PEER_SECONDS):
                break
        # What a traceback quotes is the program's own source, which holds the word.
        return str(answer.get("value")), bool(answer.get("ended"))

    def check(self) -> None:
        """Plays an honest program.

        Raises:
            Missing: not even that works here.
        """
        answer = self._host.ask(HONEST, "strategy", [BOARD], throw_away=2 * WALL_SECONDS)
        if answer.get("value") != "W":
            self.close()
            raise Missing(f"cannot play an honest program: {answer.get('error')}")

    def close(self) -> None:
        self._host.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", metavar="PYTHON", help="interpreter that has the peers and that nobody may run")
    parser.add_argument("--classes", nargs="+", choices=TAME, default=TAME, help="of programs; all of them else")
    parser.add_argument("--quick", action="store_true", help="two programs of each class, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("only root can have hostile programs played by the user nobody: run it as root")
    machine = Machine()
    task = find_task("2048")
    chosen = {name: CLASSES[name][: 2 if options.quick else None] for name in options.classes}
    total = sum(map(len, chosen.values()))
    absent: dict[str, str] = {}
    hosts: dict[str, ByHost] = {}
    for name in (*PLAIN_SIDES, *(name for name in PACKAGES if name != SMOLAGENTS_AGAIN)):
        try:
            host = ByHost(name, options.peers)
            host.check()
            hosts[name] = host
        except Missing as error:
            absent[name] = f"not measured: {error}" + ("" if options.peers or name in PLAIN else " (give --peers)")
    print(f"{total} programs; in each cell {' / '.join(COUNTS)}, a dot for none")
    columns = ["side", *(f"{kind} ({len(specimens)})" for kind, specimens in chosen.items()), "in all"]
    tables: dict[str, dict[str, Counter[str]]] = {}
    caught: dict[str, dict[str, list[str]]] = {}
    rows = []
    with Bait() as bait, Sandbox(profile_of(task)) as sandbox, ExitStack() as stack:
        for host in hosts.values():
            stack.callback(host.close)
        sides: dict[str, Play] = {"envrl": by_envrl(sandbox, task)} | {name: host.play for name, host in hosts.items()}
        for side, play in sides.items():
            tables[side] = {kind: Counter() for kind in chosen}
            caught[side] = {count: [] for count in COUNTS}
            for kind, specimens in chosen.items():
                for specimen in specimens:
                    said, held_up = play(bait.fill(specimen.source, "strategy", '"W"'))
                    found = {"breach": bait.breach in said, "touched": bool(bait.touched()), "held up": held_up}
                    for count in COUNTS:
                        if found[count]:
                            tables[side][kind][count] += 1
                            caught[side][count].append(specimen.name)
            rows.append([side, *(cell(counts) for counts in tables[side].values())])
            rows[-1].append(cell(sum(tables[side].values(), Counter())))
            print(f"  {side}: {rows[-1][-1]}", file=sys.stderr)  # the table comes at the end, which may take long
    absent[SMOLAGENTS_AGAIN] = "its interpreter is smolagents'"
    show(columns, rows)
    for name, reason in absent.items():
        print(f"  without {name}: {reason}")
    print(machine.describe())
    write_json(options.json, "sandbox_peers", machine, {"counts": tables, "programs": caught, "absent": absent})


def cell(counts: Counter[str]) -> str:
    return " / ".join(str(counts[count] or "·") for count in COUNTS)


if __name__ == "__main__":
    main()
