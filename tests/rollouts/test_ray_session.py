"""A Ray address that cannot be used is told at once: Ray itself would try for minutes."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from envrl.errors import ConfigError
from envrl.rollouts import ray_session
from envrl.rollouts.ray_session import RaySession

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed (the extra 'ray')"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@contextlib.contextmanager
def serving(answer: bytes | None) -> Iterator[str]:
    """A server that greets with the given bytes, or not at all; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                kept.append(connection)
                if answer is not None:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()
        for connection in kept:
            connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ray://127.0.0.1:10001", "Ray Client"),
        ("127.0.0.1", "neither 'auto' nor HOST:PORT"),
        ("127.0.0.1:99999", "neither 'auto' nor HOST:PORT"),
        (":6379", "neither 'auto' nor HOST:PORT"),
    ],
)
def test_what_is_no_address_is_told(address: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RaySession(address, None)


def test_a_port_where_nothing_listens_is_told() -> None:
    with pytest.raises(ConfigError, match="Connection refused; look with 'ray status'"):
        RaySession(f"127.0.0.1:{free_port()}", None)


def test_a_server_that_says_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_session, "_PATIENCE", 0.1)
    with serving(None) as address, pytest.raises(ConfigError, match="nothing answers"):
        RaySession(address, None)


def test_a_server_of_something_else_is_told() -> None:
    with serving(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address, pytest.raises(ConfigError, match="no Ray cluster"):
        RaySession(address, None)


def test_an_address_in_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(ConfigError, match=f"reached at {address}"):
        RaySession(None, None)


def test_auto_without_a_cluster_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def init(**options: Any) -> None:
        assert options["address"] == "auto"
        raise ConnectionError("Could not find any running Ray instance.\nMore of it")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ConfigError, match=r"--ray-address auto .*any running Ray instance\. \(.*ray start --head"):
        RaySession("auto", None)


ALONE = """
import sys
import psutil
from envrl.envs import find_task
from envrl.rollouts import Assignment, open_arena

if __name__ == "__main__":
    task = find_task("2048", {"target": 64, "horizon": 40})
    played = [Assignment("def strategy(board): return choice(legal(board))", (0, 1), (5, 6))]
    with open_arena(task, runner="ray", workers=1) as arena:
        (card,) = arena.play(played)
        started = psutil.Process().children(recursive=True)
        nice = psutil.Process(arena._hosts[0].place.pid).nice()
    print(card.episodes[0].steps, nice - psutil.Process().nice())
    _, alive = psutil.wait_procs(started, timeout=30)
    left = [p.name() for p in alive if "multiprocess" not in " ".join(p.cmdline())]
    sys.exit(f"left: {left}" if left else 0)
"""


def test_without_an_address_a_ray_of_this_machine_starts_and_ends_with_the_pool(tmp_path: Path) -> None:
    script = tmp_path / "alone.py"
    script.write_text(ALONE)
    env = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    steps, niceness = map(int, done.stdout.split())
    assert steps > 0
    assert niceness == 0  # Ray's own choice would have the local runner win on a busy machine
    assert done.stderr == ""
