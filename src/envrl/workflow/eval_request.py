"""What ``envrl eval`` was asked for, as its directory keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from envrl.errors import ConfigError, RunError
from envrl.evaluation.sweeps import REQUEST
from envrl.runs import read_json

__all__ = ["EvalRequest", "Sampling", "read_request"]

_SUBJECTS = ("strategies", "model", "run", "completions")
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


class EvalRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to measure, and how far.

    Exactly one of ``strategies``, ``model``, ``run`` and ``completions`` says what.

    Attributes:
        environment: as a configuration's ``env`` says it; empty for a run, which knows its own.
        strategies: files, or folders of them.
        model: ``tiny``, a Hugging Face id, or a path.
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
        require: sandbox layers without which nothing is played, over those that are always needed.
        command: what a user types to do the same again.
    """

    environment: dict[str, Any] = {}
    strategies: tuple[str, ...] = ()
    model: str | None = None
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
        misplaced = {
            "--adapter": self.adapter is not None and given != ["model"],
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
