"""The stages that train on data: one face for all, whatever trainer of TRL stands behind it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from envrl.config import RunConfig
from envrl.errors import ConfigError
from envrl.models import LoadedModel
from envrl.trainers.dpo import dpo_trainer
from envrl.trainers.kto import kto_trainer
from envrl.trainers.orpo import orpo_trainer
from envrl.trainers.reward import reward_trainer
from envrl.trainers.sft import answers, pt_trainer, sft_trainer, silence
from envrl.trainers.simpo import simpo_trainer
from envrl.trainers.trackers import add_trackers, tracked

__all__ = ["Stage", "StageWatcher"]

_TRAINERS: Mapping[str, Callable[[LoadedModel, RunConfig, dict[str, Any], Path, str], Any]] = {
    "pt": pt_trainer,
    "sft": sft_trainer,
    "reward": reward_trainer,
    "dpo": dpo_trainer,
    "orpo": orpo_trainer,
    "simpo": simpo_trainer,
    "kto": kto_trainer,
}
_OF_THE_MACHINE = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time", "epoch", "num_tokens")
_NAMES = {"rewards/accuracies": "accuracy", "rewards/margins": "margin"}  # as the reward stage calls them


class StageWatcher(Protocol):
    """Told what happens in training."""

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        """A step is done."""

    def saved(self, step: int, checkpoint: Path) -> None:
        """A checkpoint is written."""


class Stage:
    """A trainer of TRL with its rows, ready to be evaluated and trained.

    Args:
        loaded: the model; one that scores for the stage ``reward``.
        train: rows in the shape that `envrl.data.load_rows` gives for the stage: a sequence, or what can be read again
            and again.
        held_out: rows that are evaluated on; maybe none.
        watcher: told of steps and checkpoints.
        output: folder of checkpoints.

    Raises:
        ConfigError: the installed TRL lacks something that the configuration asks for.
        ModelError: the reference model cannot be used.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        config: RunConfig,
        train: Iterable[Mapping[str, Any]],
        held_out: Sequence[Mapping[str, Any]],
        watcher: StageWatcher,
        *,
        output: Path,
        device: str,
    ) -> None:
        self._loaded, self._config, self._output = loaded, config, output
        self._trainer = _TRAINERS[config.method.name](
            loaded, config, _datasets(config, train, held_out), output, device
        )
        silence(self._trainer)
        self._trainer.add_callback(_report(watcher, output, self._evaluated))
        self._figures: dict[str, float] = {}
        self._held_out = len(held_out)

    @property
    def steps(self) -> int:
        """How many steps the whole training has."""
        if self._config.train.epochs is None:
            return self._config.train.max_steps
        # As transformers counts: an epoch ends with the data, and its last step may accumulate fewer batches.
        batches = len(self._trainer.get_train_dataloader())
        an_epoch = max(1, math.ceil(batches / self._config.train.gradient_accumulation_steps))
        return math.ceil(self._config.train.epochs * an_epoch)

    def evaluate(self) -> dict[str, float]:
        """What the model makes of the rows that are held out: ``loss``, and what the stage's trainer tells of them.

        ``accuracy``, of stages that compare, is the share of pairs whose chosen completion is preferred.
        """
        if not self._held_out:
            return {}
        self._figures = {}
        self._trainer.evaluate()
        return self._figures

    def _evaluated(self, logs: Mapping[str, Any]) -> None:
        named = {name.removeprefix("eval_"): value for name, value in logs.items()}
        self._figures |= {_NAMES.get(k, k): float(v) for k, v in named.items() if k not in _OF_THE_MACHINE}
        chosen, rejected = (self._figures.get(f"rewards/{side}") for side in ("chosen", "rejected"))
        if chosen is not None and rejected is not None:
            self._figures.setdefault("margin", chosen - rejected)  # kto tells the parts alone

    def train(self, resume_from: Path | None = None) -> LoadedModel:
        """Trains, from a complete checkpoint on if there is one; gives the model back with its adapters, if any.

        What was evaluated or sampled before does not show in the result: the random numbers start here.
        """
        from transformers import set_seed

        set_seed(self._config.train.seed)
        add_trackers(self._trainer, self._output.parent, resume_from)
        self._trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
        return LoadedModel(self._trainer.model, self._loaded.tokenizer, self._loaded.path)


def _datasets(
    config: RunConfig, train: Iterable[Mapping[str, Any]], held_out: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    from datasets import Dataset, IterableDataset

    def shaped(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in map(dict, rows):
            yield from answers(row) if config.method.name == "sft" else (row,)

    def whole(rows: Iterable[Mapping[str, Any]]) -> Any:
        made = list(shaped(rows))
        columns = dict.fromkeys(name for row in made for name in row)
        # Arrow would give the turns of all rows the same keys, so that a call of a tool had arguments of another's.
        kept = {"on_mixed_types": "use_json"} if _calls_tools(made) else {}
        return Dataset.from_dict({name: [row.get(name) for row in made] for name in columns}, **kept)

    streamed = not isinstance(train, Sequence)
    return {
        "train_dataset": IterableDataset.from_generator(lambda: shaped(train)) if streamed else whole(train),
        "eval_dataset": whole(held_out) if held_out else None,
    }


def _calls_tools(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a turn calls a tool.

    Raises:
        ConfigError: the installed `datasets` (before 4.7) cannot hold calls as they stand.
    """
    turns = (turn for row in rows for side in row.values() if isinstance(side, list) for turn in side)
    if not any(turn.get("tool_calls") for turn in turns):
        return False
    import inspect

    import datasets

    if "on_mixed_types" not in inspect.signature(datasets.Dataset.from_dict).parameters:
        raise ConfigError(
            f"dataset.path: rows call tools, whose arguments datasets {datasets.__version__} would mix up between "
            "rows; use datasets 4.7 or later"
        )
    return True


def _report(watcher: StageWatcher, output: Path, evaluated: Callable[[Mapping[str, Any]], None]) -> Any:
    from transformers import TrainerCallback

    class Report(TrainerCallback):  # type: ignore[misc]
        began = 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.began = time.perf_counter()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "eval_loss" in logs:
                evaluated(logs)
            elif "loss" in logs:
                ours = {"seconds": {"update": time.perf_counter() - self.began}}
                watcher.stepped(state.global_step, {**logs, **ours})
                logs.update(tracked(ours))  # for the trackers, which come after this

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watcher.saved(state.global_step, output / f"checkpoint-{state.global_step}")

    return Report()
