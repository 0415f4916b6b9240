"""The viewer's server: standard library, reads only, and on guard against what other pages of a browser may ask.

Names of runs are looked up among those that were found; no part of an address is ever joined to a path.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from envrl.errors import ConfigError, EnvrlError
from envrl.evaluation import escape
from envrl.workflow.run_list import find
from envrl.workflow.viewer.pages import Answer, Pages, Problem

__all__ = ["Viewer", "is_loopback", "open_viewer"]

_PATIENCE = 20.0  # seconds that a connection may idle
_MOST_FIELDS = 16
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine for itself only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Viewer(ThreadingHTTPServer):
    """Serves what stands in some folders.

    Args:
        folders: that are searched for runs and sweeps at every request.
        address: host and port to listen at; port 0 is any that is free.

    Raises:
        OSError: the address cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, folders: Sequence[Path], address: tuple[str, int]) -> None:
        self.pages = Pages(folders)
        self.asked_host = address[0]
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        super(ThreadingHTTPServer, self).server_bind()  # HTTPServer's own would ask a name server for our name

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes) else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def answers_to(self, host: str) -> bool:
        """Whether a request for a host is meant for us.

        A name that somebody else's name server answers for could be made to point here (DNS rebinding), so only
        addresses and names of this machine count.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if is_loopback(name) or name == self.asked_host.lower():
            return True
        if is_loopback(self.asked_host):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name == socket.gethostname().lower()
        return True


def open_viewer(folders: Sequence[Path], host: str = "127.0.0.1", port: int = 0) -> Viewer:
    """A server that listens; `Viewer.serve_forever` answers.

    Raises:
        RunError: a folder does not exist.
        ConfigError: the address cannot be had.
    """
    find(folders)
    try:
        return Viewer(folders, (host, port))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot listen at {host}, port {port} ({why}): choose another --port or --host") from None


class _Handler(BaseHTTPRequestHandler):
    server: Viewer
    timeout = _PATIENCE

    def version_string(self) -> str:
        return "envrl"

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _refuse(self) -> None:
        self._send(
            self.server.pages.problem(HTTPStatus.METHOD_NOT_ALLOWED, "This viewer only shows: use GET or HEAD."),
            Allow="GET, HEAD",
        )

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a terminal is no place for what a browser asks."""

    def _answer(self) -> None:
        pages = self.server.pages
        try:
            self._send(self._find())
        except Problem as problem:
            self._send(pages.problem(problem.status, str(problem)))
        except EnvrlError as error:
            self._send(pages.problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)))
        except ConnectionError:
            return  # the browser has gone
        except Exception as error:  # a bug of ours: the viewer goes on, and says so where it was started
            print(escape.terminal(traceback.format_exc()), file=sys.stderr)
            self._send(pages.problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}"))

    def _find(self) -> Answer:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self.server.answers_to(hosts[0]):
            raise Problem(HTTPStatus.FORBIDDEN, "This viewer does not answer to that name: use its address.")
        path, _, query = self.path.partition("?")
        try:
            parts = tuple(unquote(part, errors="strict") for part in path.removeprefix("/").split("/"))
            asked = dict(parse_qsl(query, max_num_fields=_MOST_FIELDS))
        except ValueError:
            raise Problem(HTTPStatus.BAD_REQUEST, "That address cannot be read.") from None
        if not path.startswith("/"):
            raise Problem(HTTPStatus.BAD_REQUEST, "That address cannot be read.")
        foreign = self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        return self.server.pages.answer(parts, asked, foreign=foreign, play=self.command == "GET")

    def _send(self, answer: Answer, **more: str) -> None:
        body = answer.text.encode("utf-8", "replace")
        try:
            self.send_response(answer.status)
            headers = {"Content-Type": answer.kind, "Content-Length": str(len(body)), **_HEADERS, **more}
            headers["Content-Security-Policy"] = answer.policy
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True
