"""A served model as something to measure: it is asked over HTTP, and each answer is kept as soon as it is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from envrl.errors import ModelError, RunError
from envrl.evaluation.escape import one_line
from envrl.evaluation.sweeps import Kind, SweepProgram
from envrl.models.endpoint import Endpoint, Pace, Reply, ServerError, read_key
from envrl.runs import JsonLines, read_lines
from envrl.seeding import private_seed
from envrl.workflow.eval_request import Served
from envrl.workflow.subjects import program_of
from envrl.workflow.watching import Watcher

__all__ = ["RESPONSES", "ServedModel"]

RESPONSES = "responses.jsonl"
"""In a sweep's directory: the server's answers in the order in which they came, with their tokens."""

_SEED_BITS = 31  # what every server takes for a seed
_CONCURRENCY, _TIMEOUT, _RETRIES = 8, 300.0, 5
_MILLION = 1_000_000
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass
class ServedModel:
    """A model behind an OpenAI-compatible server.

    Completion i is asked for with a seed of its own, so that it depends on its number alone, as far as the server
    honours seeds (many do not, or not under load). What is on disk is never asked for again.

    Attributes:
        url: base of the server's API.
        served: the model's name there, and how it is asked.
        method: settings of the sampling, by the names of the API.
        seed: of the sampling.
        ask: of an answer task, the prompt of a completion by its number.
    """

    url: str
    served: Served
    contract: str | None
    prompt: str
    method: dict[str, Any]
    seed: int
    kind: Kind = "endpoint"
    count: int | None = None
    ask: Callable[[int], str] | None = None
    _replies: dict[int, Reply] = field(default_factory=dict, repr=False)
    _path: Path | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return f"{self.served.model_name} at {self.url}"

    @property
    def sampling(self) -> dict[str, Any]:
        return {**self.method, "seed": self.seed}

    @cached_property
    def _endpoint(self) -> Endpoint:
        served = self.served
        return Endpoint(
            url=self.url,
            key=read_key(served.api_key_env),
            timeout=_TIMEOUT if served.timeout is None else served.timeout,
            retries=_RETRIES if served.retries is None else served.retries,
            concurrency=served.concurrency or _CONCURRENCY,
            pace=Pace(served.requests_per_minute),
            seed=self.seed,
        )

    def identity(self, watcher: Watcher) -> dict[str, str]:
        address = urlsplit(self.url)
        if self._endpoint.key is not None and address.scheme == "http" and address.hostname not in _THIS_MACHINE:
            watcher.say(f"the key travels to {self.url} without encryption: use https where others share the network")
        with self._told():
            self._endpoint.look()
        return {"endpoint": self.url, "served model": str(self.served.model_name)}

    def keep_in(self, directory: Path | None) -> None:
        """Answers are kept there from now on; those that are there already are taken from there.

        Raises:
            RunError: what stands there is not what was kept.
        """
        if directory is None:
            return
        self._path = directory / RESPONSES
        if not self._path.exists():
            return
        for number, record in enumerate(read_lines(self._path).records, 1):
            try:
                self._replies[record.pop("index")] = msgspec.convert(record, Reply)
            except (KeyError, msgspec.ValidationError) as error:
                raise RunError(f"{self._path}:{number}: not an answer that was kept ({error}); measure again") from None

    def write(self, first: int, count: int, watcher: Watcher) -> Iterable[SweepProgram]:
        wanted = range(first, first + count)
        missing = [number for number in wanted if number not in self._replies]
        with self._told(), contextlib.ExitStack() as stack:
            lines: JsonLines | None = None
            answers = self._endpoint.complete_all(self._body, missing)
            for number in wanted:
                while number not in self._replies:
                    found, reply = next(answers)
                    self._replies[found] = reply
                    if lines is None and self._path is not None:
                        lines = stack.enter_context(contextlib.closing(JsonLines(self._path)))
                    if lines is not None:
                        lines.append({"index": found, **msgspec.to_builtins(reply)})
                yield self._program(number)
        texts = {reply.text for reply in self._replies.values()}
        if len(texts) == 1 < len(self._replies):
            watcher.say(
                f"all {len(self._replies)} completions are the same text: this server does not sample, whatever the "
                "temperature (transformers serve: set do_sample in the model's generation_config.json)"
            )

    @property
    def usage(self) -> dict[str, Any]:
        """What all answers came to: requests, tokens as the server counts them, and their price where it is known."""
        replies = self._replies.values()
        found: dict[str, Any] = {"completions": len(replies), "requests": sum(reply.tries for reply in replies)}
        counted = [r for r in replies if r.prompt_tokens is not None and r.completion_tokens is not None]
        if counted:
            found["prompt_tokens"] = sum(reply.prompt_tokens or 0 for reply in counted)
            found["completion_tokens"] = sum(reply.completion_tokens or 0 for reply in counted)
        if len(counted) < len(replies):
            found["completions_without_count"] = len(replies) - len(counted)
        price_in, price_out = self.served.price_in, self.served.price_out
        if counted and price_in is not None and price_out is not None:
            cost = found["prompt_tokens"] * price_in + found["completion_tokens"] * price_out
            found["cost"] = round(cost / _MILLION, 6)
        return found

    def _body(self, number: int) -> dict[str, Any]:
        prompt = self.prompt if self.ask is None else self.ask(number)
        return {
            "model": self.served.model_name,
            "messages": [{"role": "user", "content": prompt}],
            **self.method,
            "seed": private_seed(self.seed, f"completion {number}") % 2**_SEED_BITS,
        }

    def _program(self, number: int) -> SweepProgram:
        reply = self._replies[number]
        return program_of(
            number,
            f"#{number}",
            reply.text,
            self.contract if self.ask is None else None,
            tokens=reply.completion_tokens,
            clipped=None if reply.finish_reason is None else reply.finish_reason == "length",
            seconds=reply.seconds,
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Says to a person what became of a request; a server's words are escaped."""
        try:
            yield
        except ServerError as error:
            words = f": {one_line(error.words, 300)}" if error.words else ""
            tries = f" (asked {error.tries} times)" if error.tries > 1 else ""
            kept = ""
            if self._replies and self._path is not None:
                kept = (
                    f"; {len(self._replies)} completions are kept, go on with: envrl eval --resume {self._path.parent}"
                )
            raise ModelError(f"{self.url} {error.what}{tries}{words}{kept}") from None
