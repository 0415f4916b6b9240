"""A small real HTTP server that answers as it is told, for tests of what asks servers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self


class Request(NamedTuple):
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes


class Answer:
    """A whole answer; the body is JSON unless it is bytes."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        self.status, self.headers = status, headers
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass
class Cut:
    """An answer that breaks off in its middle."""

    chunked: bool = False


@dataclass
class Drop:
    """The connection ends, after some bytes that are no HTTP."""

    first: bytes = b""


@dataclass
class Hang:
    """No answer, or one that comes byte by byte and never ends."""

    trickle: bool = False


Reaction = Answer | Cut | Drop | Hang


def completion(text: str, prompt: int = 5, written: int = 2, finish: str = "stop") -> Answer:
    """A chat completion as OpenAI's API writes it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
    return Answer(200, {"object": "chat.completion", "choices": [choice], "usage": usage})


class Server:
    """Answers each request with the next reaction, the last one for ever; or as a function of the request says.

    Args:
        together: so many requests wait for each other before the first is answered.
    """

    def __init__(self, *reactions: Reaction | Callable[[Request], Reaction], together: int = 1) -> None:
        self.requests: list[Request] = []
        self.most_at_once = self._now = 0
        self._reactions = list(reactions)
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._barrier = threading.Barrier(together)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._barrier.abort()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server._serve(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        request = Request(handler.path, dict(handler.headers.items()), body)
        with self._lock:
            self.requests.append(request)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            reaction = self._reactions[0] if len(self._reactions) == 1 else self._reactions.pop(0)
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(10)
        with contextlib.suppress(ConnectionError):  # whoever asked may have gone
            self._react(handler, reaction(request) if callable(reaction) else reaction)
        with self._lock:
            self._now -= 1

    def _react(self, handler: BaseHTTPRequestHandler, reaction: Reaction) -> None:
        handler.close_connection = True
        if isinstance(reaction, Answer):
            handler.send_response(reaction.status)
            for name, value in reaction.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(reaction.body)))
            handler.end_headers()
            handler.wfile.write(reaction.body)
        elif isinstance(reaction, Cut):
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            whole = completion("a whole answer").body
            if reaction.chunked:
                handler.send_header("Transfer-Encoding", "chunked")
                handler.end_headers()
                handler.wfile.write(b"%x\r\n" % len(whole) + whole[: len(whole) // 2])
            else:
                handler.send_header("Content-Length", str(len(whole)))
                handler.end_headers()
                handler.wfile.write(whole[: len(whole) // 2])
        elif isinstance(reaction, Drop):
            handler.wfile.write(reaction.first)
        else:
            if reaction.trickle:
                handler.send_response(200)
                handler.end_headers()
            while not self._closing.wait(0.02):
                if reaction.trickle:
                    handler.wfile.write(b" ")
                    handler.wfile.flush()
