"""What lives in a Ray actor: a referee with its environments and its sandbox, on whatever node Ray put it.

An episode's result must not depend on the node (the law of the solo run). So nothing is played on a node whose code
differs: `code_here` is compared before the first game. Each chunk carries a digest of its programs and seeds, which
the answer repeats: it belongs to that chunk and to no other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from envrl.errors import EnvError, SandboxError
from envrl.rollouts.player import Assignment
from envrl.rollouts.referee import LocalPlayers
from envrl.rollouts.scorecard import Scorecard

__all__ = ["ENVIRONMENT", "Answer", "Code", "Place", "RayHost", "code_here", "digest"]

ENVIRONMENT: Mapping[str, str] = {
    "CUDA_VISIBLE_DEVICES": "",  # Ray no longer hides devices from actors that ask for none
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
}
"""Environment variables of an actor: no accelerator, one thread of calculation."""

_PACKAGES = ("envrl", "gymnasium", "numpy", "RestrictedPython", "msgspec")  # those that can change a result

_DECIDING = ("envs/**/*.py", "sandbox/**/*.py", "rollouts/*.py", "*.py")

_FIRST_LOOK, _LATER_LOOKS = 0.1, 1.0  # seconds between looks at memory: one takes milliseconds

Code = dict[str, str]
"""What decides results: by name, a version or a hash."""


class Place(NamedTuple):
    """Where an actor runs.

    Attributes:
        node: Ray's id of the node.
        host: its name, for people.
        pid: of the actor's process.
        cores: that the process may use.
        code: what `code_here` gives there, or nothing where it could not be had.
        error: why it could not, or "".
    """

    node: str
    host: str
    pid: int
    cores: tuple[int, ...]
    code: Code
    error: str = ""


class Answer(NamedTuple):
    """A chunk that was played.

    Attributes:
        digest: of the chunk, as the actor received it.
        cards: one an assignment, in their order.
        seconds: that the play took there.
        memory: largest sum of bytes that actor, zygote and workers were seen to hold.
    """

    digest: bytes
    cards: list[Scorecard]
    seconds: float
    memory: int


def digest(assignments: Sequence[Assignment]) -> bytes:
    """Of programs, indices and seeds of a chunk; 16 bytes."""
    hashed = hashlib.blake2b(digest_size=16)
    for assignment in assignments:
        source = assignment.source.encode("utf-8", "surrogatepass")
        hashed.update(repr((len(source), assignment.indices, assignment.seeds)).encode())
        hashed.update(source)
    return hashed.digest()


def code_here(locations: Sequence[str]) -> Code:
    """What decides results in this process: Python, packages, envrl's own sources, users' files.

    Args:
        locations: modules and files of users' environments; of modules only the name counts.

    Raises:
        EnvError: a file is not here.
    """
    code = {"Python": platform.python_version()}
    code |= {f"package {name}": version(name) for name in _PACKAGES}
    code["sources of envrl"] = _sources_hash()
    for location in locations:
        if location.endswith(".py"):
            try:
                code[location] = hashlib.blake2b(Path(location).read_bytes(), digest_size=8).hexdigest()
            except OSError as error:
                raise EnvError(f"{location}: {error.strerror}") from None
    return code


@cache
def _sources_hash() -> str:
    root = Path(__file__).resolve().parents[1]
    hashed = hashlib.blake2b(digest_size=8)
    for path in sorted(path for part in _DECIDING for path in root.glob(part)):
        hashed.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()


class RayHost:
    """The actor. Made in two steps, so that what goes wrong comes back as a value and not as a dead actor."""

    def __init__(self) -> None:
        self._players: LocalPlayers | None = None

    def place(self, locations: Sequence[str]) -> Place:
        """Where this actor is, and whether the code there is the coordinator's."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        cores = tuple(sorted(os.sched_getaffinity(0)))
        try:
            return Place(node, socket.gethostname(), os.getpid(), cores, code_here(locations))
        except EnvError as error:
            return Place(node, socket.gethostname(), os.getpid(), cores, {}, str(error))

    def start(self, core: int | None, locations: Sequence[str], packed: bytes) -> dict[str, str] | str:
        """Sets the sandbox up; gives its layers, or what went wrong.

        Args:
            core, locations, packed: as of `LocalPlayers.unpacked`.
        """
        try:
            self._players = LocalPlayers.unpacked(core, locations, packed)
        except (SandboxError, EnvError) as error:
            return str(error)
        return self._players.layers

    def play(self, assignments: Sequence[Assignment]) -> Answer:
        """Plays a chunk."""
        assert self._players is not None
        start = time.perf_counter()
        with _Memory() as memory:
            cards = self._players.play(assignments)
        return Answer(digest(assignments), cards, time.perf_counter() - start, memory.peak)

    def prepare(self) -> None:
        """Has workers forked ahead, for a time when nothing runs."""
        if self._players is not None:
            self._players.prepare()

    def close(self) -> None:
        """Ends all workers."""
        if self._players is not None:
            self._players.close()
            self._players = None


class _Memory:
    """Looks from time to time at what this process and its children hold, while something runs."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = _FIRST_LOOK
        while not self._done.wait(pause):
            pause = _LATER_LOOKS
            self._look()
        self._look()

    def _look(self) -> None:
        own = psutil.Process()
        used = 0
        for process in (own, *own.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used += process.memory_info().rss
        self.peak = max(self.peak, used)
