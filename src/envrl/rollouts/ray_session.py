"""Joins a Ray cluster, or starts a Ray of this machine; a wrong address is told before Ray hangs on it."""

from __future__ import annotations

import contextlib
import os
import socket
import warnings
from types import ModuleType

from envrl.errors import ConfigError, MissingExtraError

__all__ = ["RaySession", "import_ray"]

_OBJECT_STORE = 128 * 2**20  # bytes; answers are small, and Ray would take a third of the memory
_PATIENCE = 5.0  # seconds for a cluster to answer
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""The connection preface of HTTP/2 and an empty SETTINGS frame (RFC 9113, 3.4 and 6.5); gRPC answers with its own."""
_SETTINGS = 4


def import_ray() -> ModuleType:
    """Ray.

    Raises:
        MissingExtraError: it is not installed.
    """
    # It would tell its makers of each use, and say in a warning what will change about GPUs, of which we ask none.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import ray
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", error.name or "ray", "the runner 'ray'") from None
    module: ModuleType = ray
    return module


class RaySession:
    """This process's connection to Ray, kept if there was one, else made and ended again.

    Args:
        address: ``auto``, ``HOST:PORT``, or None: the environment variable RAY_ADDRESS, else a Ray of this machine.
        workers: cores that a Ray of this machine offers; None for all that this process may use.

    Raises:
        MissingExtraError: Ray is not installed.
        ConfigError: no cluster answers at the address.
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        self.ray = import_ray()
        wanted = address or os.environ.get("RAY_ADDRESS") or None
        self._ours = not self.ray.is_initialized()
        if not self._ours:
            _check_joined(self.ray, address)
            return
        if wanted is None:
            os.environ.setdefault("RAY_worker_niceness", "0")  # as the local runner's; Ray's own choice is 15
            self._init(
                "a Ray of this machine",
                address="local",
                num_cpus=workers or len(os.sched_getaffinity(0)),
                num_gpus=0,
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE,
            )
            return
        if wanted == "auto":
            self._init("--ray-address auto", address="auto")
            return
        _check_answers(wanted)
        self._init(f"the Ray address {wanted}", address=wanted)

    def _init(self, what: str, **options: object) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.ray.init(log_to_driver=False, logging_level="ERROR", **options)
        except Exception as error:
            first = str(error).strip().partition("\n")[0]
            hint = "start one with 'ray start --head', or leave the address out to start one for this command alone"
            raise ConfigError(f"{what} cannot be used: {first} ({hint})") from None

    def close(self) -> None:
        """Leaves the cluster, or ends the Ray that was started; does nothing to a connection that was there before."""
        if self._ours:
            self.ray.shutdown()


def _check_joined(ray: ModuleType, address: str | None) -> None:
    joined = ray.get_runtime_context().gcs_address
    if address not in (None, "auto", joined):
        raise ConfigError(
            f"this process has joined the Ray cluster at {joined} already, and {address} was asked for: "
            "call ray.shutdown() first, or leave the address out"
        )


def _check_answers(address: str) -> None:
    """Whether gRPC is spoken there. Ray itself would try for minutes, and then end the process."""
    if "://" in address:
        raise ConfigError(
            f"the Ray address {address!r} is one of Ray Client, which the runner does not use: "
            "run envrl on a node of the cluster, with --ray-address auto or HOST:PORT (of the head node, usually :6379)"
        )
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 2**16):
        raise ConfigError(f"the Ray address {address!r} is neither 'auto' nor HOST:PORT, such as 10.0.0.1:6379")
    try:
        with contextlib.closing(socket.create_connection((host.strip("[]"), int(port)), _PATIENCE)) as connection:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return  # the greeting would have to be encrypted
            connection.settimeout(_PATIENCE)
            connection.sendall(_GREETING)
            answer = connection.recv(9)
    except OSError as error:
        reason = "nothing answers" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise ConfigError(
            f"no Ray cluster can be reached at {address}: {reason}; look with 'ray status' on its head node"
        ) from None
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ConfigError(f"what answers at {address} is no Ray cluster (it does not speak gRPC): see the port again")
