"""What does a step cost between host and worker, by the number of boards in it?

A program that returns a constant is asked for the actions of 1, 16 and 64 games in one message. Side by side, in turns:
2048 as it is (the worker turns each board into nested lists), the same bytes handed over as they are, and a bare socket
that carries as many bytes with nobody to read them. Each with host and worker on one core, as in a referee, and apart.

    python benchmarks/sandbox_round_trip.py [--quick] [--rounds 9] [--json PATH]
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from _timing import Machine, median, p99, show, write_json

from envrl.envs import find_task
from envrl.limits import Limits
from envrl.rollouts import profile_of
from envrl.sandbox import Fault, Loaded, Played, Profile, Sandbox, active_layers
from envrl.sandbox.messages import parse_played, play_frame

CONSTANT = b"def strategy(board):\n    return 'W'\n"
CELLS = bytes([1, 2, 0, 1, 0, 3, 1, 0, 0, 0, 2, 1, 4, 0, 0, 1])
BOARDS = (1, 16, 64)
REACH_US = 10.0


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """This process, and what it starts meanwhile, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def steps(sandbox: Sandbox, limits: Limits, boards: int, count: int) -> list[float]:
    """Microseconds of each of so many steps of one loaded program."""

    def reply(kind: type) -> None:
        ((_, said),) = sandbox.collect(60)
        if not isinstance(said, kind) or (isinstance(said, Played) and isinstance(said.values[0], Fault)):
            raise SystemExit(f"the sandbox answered {said}")

    program = sandbox.load(CONSTANT, limits, boards)
    reply(Loaded)
    calls = [(slot, CELLS) for slot in range(boards)]
    program.play(calls, [(slot, slot) for slot in range(boards)])
    reply(Played)
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        program.play(calls)
        sandbox.collect()
        taken.append(1e6 * (time.perf_counter() - start))
    program.close()
    return taken


class Echo:
    """A socket pair and a child that answers each message with as many bytes as a step's reply has."""

    def __init__(self, boards: int) -> None:
        self._question, reply = question(boards), bytes(4 + len(reply_body(boards)))
        self._end, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                self._end.close()
                while os.read(theirs.fileno(), 2**16):
                    os.write(theirs.fileno(), reply)
            finally:
                os._exit(0)
        theirs.close()

    def steps(self, count: int) -> list[float]:
        taken = []
        for _ in range(count):
            start = time.perf_counter()
            self._end.send(self._question)
            self._end.recv(2**16)
            taken.append(1e6 * (time.perf_counter() - start))
        return taken

    def close(self) -> None:
        self._end.close()
        os.waitpid(self._pid, 0)


def question(boards: int) -> bytes:
    return play_frame([], [], [(slot, CELLS) for slot in range(boards)])


def reply_body(boards: int) -> bytes:
    return msgspec.msgpack.encode(["played", ["W"] * boards, [], [1e-6] * boards])


def framing(boards: int) -> tuple[float, float, float]:
    """Microseconds to write a step's frame and to read its reply in the host, and for the codec in the worker."""
    body, asked = reply_body(boards), question(boards)[4:]
    said = msgspec.msgpack.decode(body)

    def typical(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(2000):
            start = time.perf_counter()
            work()
            taken.append(time.perf_counter() - start)
        return 1e6 * median(taken)

    worker = typical(lambda: (msgspec.msgpack.decode(asked), msgspec.msgpack.encode(said)))
    return typical(lambda: question(boards)), typical(lambda: parse_played(body, boards)), worker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds over all sides, 1000 steps each")
    parser.add_argument("--quick", action="store_true", help="one round of 100 steps, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    rounds, count = (1, 100) if options.quick else (options.rounds, 1000)
    machine = Machine()
    task = find_task("2048")
    limits = task.limits
    cores = os.sched_getaffinity(0)
    places = {"one core": {max(cores)}, f"{len(cores)} cores": cores}
    taken: dict[tuple[int, str, str], list[float]] = {}
    with ExitStack() as stack:
        boxes: dict[tuple[str, str], Sandbox] = {}
        for place, where in places.items():
            with on(where):
                boxes["2048", place] = stack.enter_context(Sandbox(profile_of(task)))
                boxes["bytes as they are", place] = stack.enter_context(Sandbox(Profile(entry_point="strategy")))
        layers = boxes["2048", "one core"].layers
        print(f"layers in force: {', '.join(active_layers(layers))}\n")
        for boards in BOARDS:
            for _ in range(rounds):
                for place, where in places.items():
                    with on(where):
                        for what in ("2048", "bytes as they are"):
                            times = steps(boxes[what, place], limits, boards, count)
                            taken.setdefault((boards, what, place), []).extend(times)
                        echo = Echo(boards)
                        taken.setdefault((boards, "bare socket", place), []).extend(echo.steps(count))
                        echo.close()
    rows, figures = [], {}
    for (boards, what, place), times in taken.items():
        bare = median(taken[boards, "bare socket", place])
        middle = median(times)
        figures[f"{boards} × {what}, {place}"] = {"p50": middle, "p99": p99(times), "min": min(times)}
        cells = [f"{value:.1f}" for value in (middle, p99(times), min(times), middle - bare)]
        rows.append([f"{boards} × {what}, {place}", *cells, f"{(middle - bare) / boards:.2f}", f"{middle / bare:.1f}"])
    print("round trip of a step, µs")
    show(["boards × side", "p50", "p99", "least", "beyond bare socket", "… a board", "× bare socket"], rows)
    print()
    parts = {boards: framing(boards) for boards in BOARDS}
    place = "one core"
    for boards, (write, read, worker) in parts.items():
        transport = median(taken[boards, "bare socket", place]) + write + read + worker
        print(
            f"{boards} boards, socket and frames alone: bare socket on {place}, write {write:.1f}, read {read:.1f}, "
            f"worker's codec {worker:.1f}: {transport:.1f} µs together (to reach: {REACH_US:.0f})"
        )
    print(f"\nmedian of {rounds} × {count} steps in turns\n{machine.describe()}")
    codec = {str(boards): dict(zip(("write", "read", "worker"), part, strict=True)) for boards, part in parts.items()}
    write_json(options.json, "sandbox_round_trip", machine, {"layers": layers, "steps_us": figures, "codec_us": codec})


if __name__ == "__main__":
    main()
