"""What two runs were told that differs, and what else went into them that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from envrl.config import load_config
from envrl.config.emit import leaves
from envrl.runs import RunDirectory

__all__ = ["Changed", "RunDifference", "changed_variables", "diff_runs"]

_SMALL = (
    "output.",
    "eval.",
    "sandbox.workers",
    "sandbox.require",
    "sandbox.runner",
    "sandbox.ray_address",
    "train.seed",
    "train.logging_steps",
    "train.save_steps",
    "train.torch_threads",
    "train.device",
    "train.report_to",
    "train.dataloader_num_workers",
    "train.ddp_timeout",
)
"""Settings that name, place or watch a run, and the seed that every repetition changes: no cause of a difference."""

_CAUSES = {"model.": "model.", "task.": "env.", "reward.": "reward.", "dataset.": "dataset."}
"""Parts of the lock that tell two runs apart like a setting, and the settings that a difference there follows from."""

_CODE = ("python", "packages.", "git.")
"""Parts of the lock that should change no result, and may: runs that differ in them repeat nothing exactly."""

_MOST_TOLD = 3  # of those

_ROWS = tuple(f"dataset.{name}" for name in ("train_rows", "train_sha256", "eval_rows", "eval_sha256", "dropped"))
"""What the lock says of the rows that were trained on."""

_LEFT_OUT = ("config.", "config_origins.", "command", "sandbox.limits.", "seeds.")
"""Parts of the lock that settings tell, and the salt of the training seeds: a secret, and another for every run."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs between two runs."""

    key: str
    """Dotted name in the configuration, or in the lock."""
    first: str | None
    """As JSON; None where the first run has no such thing."""
    second: str | None
    big: bool
    """Whether the runs' results may differ because of it."""


class RunDifference(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs between two runs.

    Attributes:
        first, second: their directories.
        config: settings.
        lock: what else the results depend on: files of the model, versions, hardware, code.
        variables: the big variables that differ: settings by group and name (``reward.weights``), and parts of the lock
            that no setting accounts for. More than one, and a difference of results has no single cause.
    """

    first: str
    second: str
    config: tuple[Changed, ...]
    lock: tuple[Changed, ...]
    variables: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """How many big variables differ, in a sentence."""
        if not self.variables:
            code = [change.key for change in self.lock if change.key.startswith(_CODE)]
            if not code:
                return "no big variable differs: these are repetitions of one experiment"
            told = ", ".join(code[:_MOST_TOLD]) + (f" and {len(code) - _MOST_TOLD} more" * (len(code) > _MOST_TOLD))
            return f"no setting or data differs, but what ran them does ({told}): that may make a difference, too"
        named = " and ".join((", ".join(self.variables[:-1]), self.variables[-1])).removeprefix(" and ")
        if len(self.variables) == 1:
            return f"changed: {named}"
        return (
            f"changed: {named}. With {len(self.variables)} variables changed at once, no difference between these runs "
            "has a single cause: change one at a time"
        )


def diff_runs(first: str | Path, second: str | Path) -> RunDifference:
    """Compares the configurations and the locks of two runs.

    Settings are compared as this envrl reads them, so one that an older run did not know of has its default.

    Raises:
        RunError: a directory holds no run, or a broken one.
        ConfigError: a configuration cannot be read any more.
    """
    one, two = RunDirectory.open(first), RunDirectory.open(second)
    config = _changed(_settings(one), _settings(two), lambda key: not key.startswith(_SMALL))
    lock = _changed(_encoded(one.lock), _encoded(two.lock), lambda key: key.startswith(tuple(_CAUSES)))
    lock = [change for change in lock if not change.key.startswith(_LEFT_OUT)]
    big = [change.key for change in config if change.big]
    unexplained = [
        change.key
        for change in lock
        if change.big and not any(key.startswith(_CAUSES[_part(change.key)]) for key in big)
    ]
    variables = dict.fromkeys(map(_variable, [*big, *unexplained]))
    return RunDifference(
        first=str(first), second=str(second), config=tuple(config), lock=tuple(lock), variables=tuple(variables)
    )


def changed_variables(first: str | Path, second: str | Path) -> tuple[str, ...]:
    """The big variables that two runs differ in; see `diff_runs`."""
    return diff_runs(first, second).variables


def _settings(run: RunDirectory) -> dict[str, str]:
    return _encoded(load_config(run.config_path).config.model_dump(mode="json", by_alias=True))


def _encoded(values: Mapping[str, object]) -> dict[str, str]:
    return {key: msgspec.json.encode(value).decode() for key, value in leaves(values)}


def _changed(first: Mapping[str, str], second: Mapping[str, str], is_big: Callable[[str], bool]) -> list[Changed]:
    return [
        Changed(key=key, first=first.get(key), second=second.get(key), big=is_big(key))
        for key in sorted(first.keys() | second.keys())
        if first.get(key) != second.get(key)
    ]


def _variable(key: str) -> str:
    """What a key is a part of: the rows of a data set are one thing, whose hashes and counts differ together."""
    return "dataset rows" if key.startswith(_ROWS) else ".".join(key.split(".")[:2])


def _part(key: str) -> str:
    return key.partition(".")[0] + "."
