"""A served model: completions from any server that speaks OpenAI's ``POST /v1/chat/completions``.

The standard library does it all (TLS, the proxies that the environment names), so that an evaluator needs no extra.
What a server sends is data: sizes are bounded, redirects are not followed (they would take the key elsewhere), and
its words leave here unescaped, in `ServerError.words`, for whoever shows them.
"""

from __future__ import annotations

import http.client
import itertools
import os
import queue
import random
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from envrl.errors import ConfigError

__all__ = ["Endpoint", "Pace", "Reply", "ServerError", "endpoint_url", "is_endpoint", "read_key"]

_MOST_BYTES = 2**24
_CHUNK = 2**16
_WORDS = 2000  # bytes of a refusal that are looked at
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_LONGEST_WAIT = 300.0  # seconds that a server may ask for; whoever asks for more is not waited for
_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 507, 508, 520, 521, 522, 523, 524, 529))
"""Statuses of what may be otherwise in a moment: RFC 9110, RFC 6585, and those of well-known gateways (52x)."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def is_endpoint(model: str) -> bool:
    """Whether what was given as a model is the address of a server."""
    return model.lower().startswith(("http://", "https://"))


def endpoint_url(text: str) -> str:
    """The base of a server's API, such as ``http://127.0.0.1:8000/v1``, without what may follow it.

    Raises:
        ConfigError: it is no such address, or holds a secret, which would be written into the sweep.
    """
    if not text.isascii() or any(char <= " " for char in text):
        raise ConfigError("--model: the address holds spaces or letters outside ASCII; write it percent-encoded")
    if any(sign in text for sign in "@?#"):  # looked for before anything that might repeat it
        raise ConfigError(
            "--model: the address holds a user, a password or a query, which would be written to disk: leave it out, "
            "and name the variable that holds the key with --api-key-env"
        )
    try:
        parts = urlsplit(text)
        found = parts.hostname and parts.port != 0
    except ValueError:
        found = None
    if not found:
        raise ConfigError(f"--model {text!r}: no address of a server; write http://127.0.0.1:8000/v1")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path}"


def read_key(variable: str | None) -> str | None:
    """The key that an environment variable holds; no message repeats it.

    Raises:
        ConfigError: there is no such variable, or it holds what cannot be a key.
    """
    if variable is None:
        return None
    if not _VARIABLE.fullmatch(variable):
        raise ConfigError(
            "--api-key-env takes the name of an environment variable (OPENAI_API_KEY), not the key itself"
        )
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(
            "--api-key-env: there is no environment variable of that name, or it is empty: "
            "export it, and write its name, not the key itself"
        )
    if not key.isascii() or not key.isprintable():
        raise ConfigError(f"--api-key-env: what {variable} holds cannot be a key: it is no line of ASCII letters")
    return key


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A completion as a server gave it.

    Attributes:
        text: what the model wrote; empty where it wrote nothing.
        finish_reason: ``stop``, ``length`` …; None where the server does not say.
        prompt_tokens: as the server counts them; None where it does not.
        completion_tokens: likewise.
        seconds: from the request to the end of the answer, failed tries left out.
        tries: requests that it took.
    """

    text: str
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float
    tries: int = 1


class ServerError(Exception):
    """A request that came to nothing.

    Attributes:
        what: happened, in our words.
        words: the server's own, unescaped; empty where it had none.
        passing: whether another try may go better.
        wait: seconds after which the server wants to be asked again.
        tries: requests that were made.
    """

    def __init__(self, what: str, words: str = "", *, passing: bool, wait: float | None = None) -> None:
        super().__init__(what)
        self.what, self.words, self.passing, self.wait, self.tries = what, words, passing, wait, 1


class _Stopped(Exception):
    """Nobody waits for the answer any more."""


class Pace:
    """When the next request may be sent, for all that send.

    Args:
        per_minute: the most requests; None for as many as there are.
    """

    def __init__(self, per_minute: float | None = None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Takes the next turn, and says in how many seconds it is."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
            return turn - now

    def hold(self, seconds: float) -> None:
        """No turn begins before that."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class _AsTheyCome(urllib.request.HTTPErrorProcessor):
    """Leaves every status to us; so no redirect is followed either."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:
        return response

    https_response = http_response


@dataclass(frozen=True)
class Endpoint:
    """A server, and how it is asked.

    Attributes:
        url: base of the API; see `endpoint_url`.
        key: sent as a bearer token; None for none.
        timeout: seconds that one request may take.
        retries: further tries of a request that may yet succeed.
        concurrency: requests at the same time.
        pace: of all requests.
        seed: of the pauses' jitter.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 300.0
    retries: int = 5
    concurrency: int = 8
    pace: Pace = field(default_factory=Pace)
    seed: int = 0

    def complete_all(
        self, body_of: Callable[[int], Mapping[str, Any]], numbers: Sequence[int]
    ) -> Iterator[tuple[int, Reply]]:
        """Completions, each with its number, as they come.

        After a request that came to nothing no further one begins; those on their way still come, since they may
        have been paid for. Who stops iterating waits for none.

        Args:
            body_of: the request of a number, as JSON.

        Raises:
            ServerError: of the first request that came to nothing, in the end.
        """
        stop = threading.Event()
        todo, lock = iter(numbers), threading.Lock()
        done: queue.SimpleQueue[tuple[int, Reply] | Exception | None] = queue.SimpleQueue()

        def work() -> None:
            try:
                while not stop.is_set():
                    with lock:
                        number = next(todo, None)
                    if number is None:
                        break
                    pauses = random.Random(f"{self.seed} {number}")
                    done.put((number, self.complete(body_of(number), pauses, stop)))
            except _Stopped:
                pass
            except Exception as error:
                stop.set()
                done.put(error)
            finally:
                done.put(None)

        working = min(self.concurrency, len(numbers))
        for _ in range(working):
            threading.Thread(target=work, daemon=True).start()
        failure: Exception | None = None
        try:
            while working:
                found = done.get()
                if found is None:
                    working -= 1
                elif isinstance(found, Exception):
                    failure = failure or found
                else:
                    yield found
        finally:
            stop.set()
        if failure is not None:
            raise failure

    def complete(self, body: Mapping[str, Any], pauses: random.Random, stop: threading.Event | None = None) -> Reply:
        """One completion; what may pass is tried again, after pauses that double, with jitter.

        Raises:
            ServerError: it came to nothing.
        """
        stop = stop or threading.Event()
        for tries in itertools.count(1):
            if stop.wait(self.pace.take()):
                raise _Stopped
            try:
                began = time.monotonic()
                raw = self._exchange("/chat/completions", msgspec.json.encode(body))
                return _reply(raw, time.monotonic() - began, tries)
            except ServerError as error:
                error.tries, error.words = tries, self._without_key(error.words)
                if not error.passing or tries > self.retries or (error.wait or 0.0) > _LONGEST_WAIT:
                    raise
                if error.wait:
                    self.pace.hold(error.wait)
            if stop.wait(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (tries - 1)) * pauses.uniform(0.5, 1.0)):
                raise _Stopped
        raise AssertionError("counting does not end")

    def look(self) -> None:
        """Finds out whether anybody is there, and lets us in, before anything is paid for.

        A server need not list its models (``GET /models``): any answer but a refusal of the key will do.

        Raises:
            ServerError: nobody answers, or not to us.
        """
        try:
            self._exchange("/models", None)
        except _Refusal as error:
            if error.status in (401, 403):
                raise

    def _exchange(self, path: str, body: bytes | None) -> bytes:
        """Sends a request; the answer's body."""
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "envrl"}
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        deadline = time.monotonic() + self.timeout
        try:
            with urllib.request.build_opener(_AsTheyCome).open(request, timeout=self.timeout) as response:
                raw = _read(response, deadline)
        except http.client.IncompleteRead:
            raise ServerError("broke off in the middle of its answer", passing=True) from None
        except http.client.HTTPException as error:
            raise ServerError("does not speak HTTP as it should", self._without_key(str(error)), passing=True) from None
        except OSError as error:
            raise _no_connection(error, self.timeout) from None
        if 200 <= response.status < 300:
            return raw
        if self.key is not None:  # some servers repeat it when they refuse it
            raw = raw.replace(self.key.encode(), b"[key]")
        raise _Refusal(response.status, response.headers, raw)

    def _without_key(self, words: str) -> str:
        return words if self.key is None else words.replace(self.key, "[key]")


class _Refusal(ServerError):
    """An answer with a status that is none of success."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, raw: bytes) -> None:
        reason = http.client.responses.get(status, "")
        what = f"answers {status} {reason}".rstrip()
        if 300 <= status < 400:
            what += ", a redirect, which is not followed: give the address that it leads to"
        wait = _seconds(headers.get("Retry-After", "")) if status in _PASSING else None
        if wait is not None and wait > _LONGEST_WAIT:
            what += f", and wants to be asked again in {wait:.0f} s"
        super().__init__(what, _said(raw), passing=status in _PASSING, wait=wait)
        self.status = status


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """A body, bounded in size and in time.

    Raises:
        IncompleteRead: it broke off.
    """
    parts: list[bytes] = []
    left = _MOST_BYTES
    while part := response.read1(_CHUNK):
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise ServerError(f"sends more than {_MOST_BYTES >> 20} MiB for one completion", passing=False)
        if time.monotonic() > deadline:
            raise TimeoutError
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


def _reply(raw: bytes, seconds: float, tries: int) -> Reply:
    try:
        completion = msgspec.json.decode(raw, type=_Completion)
        choice = completion.choices[0]
    except (msgspec.DecodeError, IndexError, RecursionError):  # a ValidationError is a DecodeError
        raise ServerError("answers what is no chat completion", _said(raw), passing=True) from None
    usage = completion.usage or _Usage()
    return Reply(
        text=choice.message.content or "",
        finish_reason=choice.finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        seconds=round(seconds, 3),
        tries=tries,
    )


def _said(raw: bytes) -> str:
    """The server's words: the message of an error as OpenAI's API and its like write it, else the body's beginning."""
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        content = None
    for name in ("error", "message", "detail"):
        if isinstance(content, dict) and name in content:
            content = content[name]
    return content if isinstance(content, str) else raw[:_WORDS].decode("utf-8", "replace").strip()


def _seconds(retry_after: str) -> float | None:
    """What a ``Retry-After`` asks for (RFC 9110, 10.2.3): seconds, or a date; None where it says neither."""
    retry_after = retry_after.strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:10])
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _no_connection(error: OSError, timeout: float) -> ServerError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return ServerError(f"does not answer within {timeout:g} s", passing=True)
    if isinstance(reason, ConnectionRefusedError):
        return ServerError("refuses the connection: is it running?", passing=True)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ServerError(f"has a certificate that cannot be trusted ({reason.verify_message})", passing=False)
    if isinstance(reason, socket.gaierror):
        known = reason.errno != socket.EAI_NONAME
        return ServerError("cannot be found: check the name of the host", passing=known)
    told = (reason.strerror if isinstance(reason, OSError) else None) or type(reason).__name__
    return ServerError(f"ends the connection ({told})", passing=True)
