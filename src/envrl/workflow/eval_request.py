"""What ``envrl eval`` was asked for, as its directory keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from envrl.errors import ConfigError, RunError
from envrl.evaluation.sweeps import REQUEST
from envrl.models.endpoint import endpoint_url, is_endpoint, read_key
from envrl.runs import read_json

__all__ = ["EvalRequest", "Sampling", "Served", "read_request"]

_SUBJECTS = ("strategies", "model", "run", "completions")
_MOST = 1e6  # of seconds, requests a minute, and prices
_LEAST_WIDTH = 1e-4  # already some 100 million seeds
_OPTIONS = {"strategies": "--strategy", "model": "--model", "run": "--run", "completions": "--completions"}


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How completions are sampled; None is what is usual for the model.

    Attributes:
        seed: of the sampling.
        batch: completions that are sampled at once; part of what a seed means.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_completion_length: int | None = None
    seed: int | None = None
    batch: int | None = None

    def given(self) -> dict[str, Any]:
        """Those that were set."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


class Served(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model behind a server is asked; None is what is usual.

    Attributes:
        model_name: what the server calls it.
        api_key_env: name of the environment variable that holds the key; the key itself is kept nowhere.
        concurrency: requests at the same time.
        requests_per_minute: the most.
        timeout: seconds that one request may take.
        retries: further tries of a request that may yet succeed.
        price_in: of a million tokens of prompts, in whatever currency.
        price_out: of a million tokens of completions.
        max_tokens_field: what the server calls the limit of a completion's length.
    """

    model_name: str | None = None
    api_key_env: str | None = None
    concurrency: int | None = None
    requests_per_minute: float | None = None
    timeout: float | None = None
    retries: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    max_tokens_field: str | None = None

    def check(self, model: str) -> None:
        """Refuses what cannot be asked.

        Args:
            model: the address of the server.

        Raises:
            ConfigError: naming the option.
        """
        endpoint_url(model)
        read_key(self.api_key_env)
        for option in ("requests_per_minute", "timeout", "price_in", "price_out"):
            value = getattr(self, option)
            if value is not None and not 0.0 <= value <= _MOST:
                raise ConfigError(f"--{option.replace('_', '-')} {value}: a number from 0 to {_MOST:g} is wanted")
        if not self.model_name:
            raise ConfigError("--model is the address of a server: say what it calls the model with --model-name")
        if (self.price_in is None) != (self.price_out is None):
            raise ConfigError("a price needs both --price-in and --price-out (of a million tokens); 0 is a price")


class EvalRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to measure, and how far.

    Exactly one of ``strategies``, ``model``, ``run`` and ``completions`` says what.

    Attributes:
        environment: as a configuration's ``env`` says it; empty for a run, which knows its own.
        strategies: files, or folders of them.
        model: ``tiny``, a Hugging Face id, a path, or the address of a server (``http://127.0.0.1:8000/v1``).
        served: how that server is asked.
        adapter: of the model, an id or a path.
        run: its directory.
        checkpoint: of the run: a step, ``before`` or ``after``.
        completions: a file of JSON lines.
        contract: how strategies are taken out of completions; None for what is usual.
        sampling: of completions.
        samples: completions of a model; None for what is usual.
        max_samples: the most, where ``until_width`` asks for more.
        seeds: indices, as a user writes them; None for what is usual.
        max_seeds: the most, where ``until_width`` asks for more.
        block: of the seeds; None for what is usual.
        until_width: of the interval, at which to stop.
        device: where a model lives.
        limits: budgets of a strategy, by the names of `envrl.limits.Limits`; None for the environment's own, or the
            run's.
        require: sandbox layers without which nothing is played, over those that are always needed.
        command: what a user types to do the same again.
    """

    environment: dict[str, Any] = {}
    strategies: tuple[str, ...] = ()
    model: str | None = None
    served: Served = Served()
    adapter: str | None = None
    run: str | None = None
    checkpoint: str = "after"
    completions: str | None = None
    contract: str | None = None
    sampling: Sampling = Sampling()
    samples: int | None = None
    max_samples: int | None = None
    seeds: str | None = None
    max_seeds: int | None = None
    block: str | None = None
    until_width: float | None = None
    device: str = "auto"
    limits: dict[str, Any] | None = None
    require: tuple[str, ...] = ()
    command: str = ""

    def check(self) -> None:
        """Refuses what does not fit together.

        Raises:
            ConfigError: naming the options.
        """
        given = [name for name in _SUBJECTS if getattr(self, name)]
        if len(given) != 1:
            named = " and ".join(_OPTIONS[name] for name in given) or "nothing"
            raise ConfigError(
                f"give exactly one thing to measure, not {named}: --strategy FILE (one or many), --model MODEL, "
                "--run RUN, or --completions FILE.jsonl"
            )
        sampled = given[0] in ("model", "run")
        served = self.model is not None and is_endpoint(self.model)
        if served and self.model is not None:
            self.served.check(self.model)
        misplaced = {
            "--model-name": self.served != Served() and not served,
            "--adapter": self.adapter is not None and (given != ["model"] or served),
            "--device": self.device != "auto" and served,
            "--checkpoint": self.checkpoint != "after" and given != ["run"],
            "--contract": self.contract is not None and given[0] in ("strategies", "run"),
            "--samples": self.samples is not None and not sampled,
            "--max-samples": self.max_samples is not None and not (sampled and self.until_width),
            "--max-seeds": self.max_seeds is not None and not (given == ["strategies"] and self.until_width),
            "sampling settings": bool(self.sampling.given()) and not sampled,
            "--until-width": self.until_width is not None and given == ["completions"],
        }
        if found := [option for option, wrong in misplaced.items() if wrong]:
            raise ConfigError(_WHY.get(found[0], f"{found[0]} does not go with {_OPTIONS[given[0]]}: leave it out"))
        if self.until_width is not None and not _LEAST_WIDTH <= self.until_width < 1.0:
            raise ConfigError(
                f"--until-width {self.until_width:g}: a width lies between {_LEAST_WIDTH:g} and 1, such as 0.05"
            )
        if given == ["run"] and self.environment:
            raise ConfigError(
                "--run measures a run on its own environment: leave --env, --set, --success, --toolkit out"
            )


_WHY = {
    "--model-name": "--model-name, --api-key-env, --concurrency, --requests-per-minute, --timeout, --retries, "
    "--price-in, --price-out and --max-tokens-field go with a --model that is the address of a server "
    "(http://127.0.0.1:8000/v1)",
    "--device": "--device does not go with a served model, which lives where its server says: leave it out",
    "--max-samples": "--max-samples bounds how many completions --until-width samples of a --model or a --run",
    "--max-seeds": "--max-seeds bounds how many seeds --until-width plays of a --strategy",
    "--until-width": "--until-width needs more seeds of a strategy or fresh programs of a model, and a file of "
    "completions has no more of either: leave it out",
}


def read_request(directory: Path) -> EvalRequest:
    """What a sweep's directory says was asked for.

    Raises:
        RunError: it does not say so.
    """
    path = directory / REQUEST
    try:
        return msgspec.convert(read_json(path), EvalRequest)
    except msgspec.ValidationError as error:
        raise RunError(f"{path}: not what this envrl wrote ({error}); measure again") from None
