"""The dry run of ``envrl train``: everything that needs no weights is built and checked, and nothing is downloaded."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envrl.config import DatasetConfig, Resolved, RunConfig, check_machine
from envrl.data import Rows, load_rows, set_template
from envrl.data.sources import find_sources
from envrl.envs import Task
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import EnvrlError, ModelError
from envrl.models import load_tokenizer, require_training
from envrl.models.shapes import ModelShape, find_shape
from envrl.models.speed import measure_speed
from envrl.seeding import block_salt, parse_indices
from envrl.trainers.arguments import check_optimiser
from envrl.trainers.prompts import require_short_prompts
from envrl.trainers.trackers import check_trackers
from envrl.workflow.choice import device_memory
from envrl.workflow.course import preset_of, require_answerable
from envrl.workflow.estimate import (
    MemoryEstimate,
    estimate_memory,
    estimate_work,
    fits,
    guess_tokens,
    seconds_of_work,
)
from envrl.workflow.recipes import task_of

__all__ = ["DryRun", "dry_run", "memory_rows"]

_GIB = 2**30
_DRY, _QUESTIONS = "envrl/dry-run", 256  # a salt of no run, and how many of its questions are looked at


@dataclass(frozen=True)
class DryRun:
    """What a run would do.

    Attributes:
        plan: what is done, by its name.
        estimates: of memory and time, by their names.
        downloads: what would be fetched.
        lacking: what would stop the run on this machine, with its mend.
        notes: what else a person should know.
    """

    plan: dict[str, str]
    estimates: dict[str, str]
    downloads: tuple[str, ...]
    lacking: tuple[str, ...]
    notes: tuple[str, ...]


def dry_run(resolved: Resolved) -> DryRun:
    """Builds task, prompt, rewards and data of a run, and estimates what it needs.

    Loads no weights, starts no sandbox, writes nothing, and asks no network.

    Raises:
        EnvrlError: whatever a user can mend in the configuration, its task, its rewards or its local data.
    """
    return _Building(resolved.config).result()


class _Building:
    """A dry run in the making."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.downloads: list[str] = []
        self.lacking: list[str] = []
        self.notes: list[str] = []
        played = config.measures_by_play or config.model.path == "tiny"
        self.task: Task | None = task_of(config.env) if played else None
        self.preset = preset_of(config, self.task)
        if isinstance(self.task, AnswerTask):
            require_answerable(config, self.task)
        self.shape = find_shape(config.model.path)
        self.tokenizer = self._tokenizer()

    def result(self) -> DryRun:
        config = self.config
        self._needs()
        plan = {
            "stage": self._stage(),
            "model": self._model(),
            "loaded by": _backend(config),
            "trains": self._trained(),
        }
        tokens = 0
        if config.method.plays:
            tokens = self._prompt(plan)
            self._format_first(plan)
        rows = None if config.method.plays else self._data(plan)
        if config.measures_by_play:
            self._play(plan)
        plan["steps"] = self._steps(rows)
        plan["measures"] = self._measures(rows)
        return DryRun(
            plan, self._estimates(tokens, rows), tuple(self.downloads), tuple(self.lacking), tuple(self.notes)
        )

    def _needs(self) -> None:
        """What would stop the run: said, since a plan for another machine is a plan, too."""
        config = self.config
        here = "cuda" if device_memory() is not None else "cpu"
        checks: list[Callable[[], object]] = [
            lambda: require_training(config.model.backend, config.model.generation),
            lambda: check_trackers(config.train.report_to),
            lambda: check_optimiser(config.train.optim),
            lambda: check_machine(config, here if config.train.device == "auto" else config.train.device),
        ]
        for check in checks:
            try:
                check()
            except EnvrlError as error:
                self.lacking.append(str(error))
        if config.train.device == "cuda" and here == "cpu":
            self.lacking.append("train.device is 'cuda', and torch sees no GPU here")
        quantized = (config.model.load_in_4bit or config.model.load_in_8bit) or "8bit" in config.train.optim
        if quantized and importlib.util.find_spec("bitsandbytes") is None:
            self.lacking.append(
                "bitsandbytes is not installed (quantized weights, 8-bit AdamW): pip install bitsandbytes"
            )

    def _stage(self) -> str:
        method = self.config.method
        loss = f", loss {method.effective_loss_type}" if method.effective_loss_type else ""
        beta = f", beta {method.effective_beta:g}" if method.effective_beta else ""
        return f"{method.name}{loss}{beta}, learning rate {self.config.train.learning_rate:g}"

    def _tokenizer(self) -> Any:
        """The model's own, where it lies on this machine; else None."""
        path = self.config.model.path
        if importlib.util.find_spec("transformers") is None:
            return None  # said among what is lacking
        local = Path(path).expanduser()
        if path == "tiny":
            if self.task is not None and self.task.short != "2048":
                self.notes.append(
                    f"the tiny model is warm-started for {self.task.short} first, a minute or two, if it was not before"
                )
                return None
            return load_tokenizer(self.config.model)
        if local.is_dir():
            return load_tokenizer(self.config.model)
        if path.startswith((".", "/", "~")):
            raise ModelError(f"model.path {path!r}: there is no such folder")
        size = f", about {self.shape.parameters * 2 / 1e9:.0f} GB in 16 bits" if self.shape else ""
        self.downloads.append(f"model {path}{size}, with its tokenizer (unless it lies in the Hub's cache)")
        return None

    def _model(self) -> str:
        path = self.config.model.path
        return path if self.shape is None else f"{path}, {_millions(self.shape.parameters)} parameters"

    def _trained(self) -> str:
        lora = self.config.model.lora
        if lora is None:
            return "the whole model"
        share = ""
        if self.shape is not None:
            count = self.shape.adapter_parameters(lora.r, lora.target_modules)
            share = f", {_millions(count)} parameters ({count / self.shape.parameters:.2%})"
        return f"adapters of rank {lora.r}, alpha {lora.alpha}{share}"

    def _prompt(self, plan: dict[str, str]) -> int:
        """The prompt is rendered, and measured where the tokenizer is at hand."""
        config = self.config
        assert self.task is not None
        prompts, places = self._prompts(self.task)
        prompt = max(prompts, key=len)
        if self.tokenizer is None:
            tokens = guess_tokens(prompt)
            said = f"about {tokens} tokens (4 characters each; its tokenizer is not here)"
        else:
            require_short_prompts(self.tokenizer, prompts, places, config)
            chat = [{"role": "user", "content": prompt}]
            text = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
            tokens = len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            said = f"{tokens} tokens"
        if len(prompts) > 1:
            said = f"the longest of {len(prompts):,} has {said}"
        longest = tokens + config.method.max_completion_length
        plan["prompt"] = f"{said}, contract {config.model.contract}; {prompt.splitlines()[0]}"
        if longest > config.model.max_seq_length:
            self.notes.append(
                f"prompt and completion may have {longest} tokens, more than model.max_seq_length "
                f"({config.model.max_seq_length}): raise it, or lower method.max_completion_length"
            )
        return tokens

    def _prompts(self, task: Task) -> tuple[list[str], list[str]]:
        """What the model will see, and where each stands; of template families, whose seeds a run draws, a sample."""
        contract = self.config.model.contract
        if not isinstance(task, AnswerTask):
            return [task.prompt(contract)], [task.id]
        count = task.questions.count("train")
        problems = [task.problem("train", _DRY, index) for index in range(_QUESTIONS if count is None else count)]
        salt = block_salt(self.config.eval.block, task.id, task.version)
        seeds = parse_indices(self.config.eval.seeds)
        problems += [task.problem(self.config.eval.block, salt, index) for index in seeds]
        return [task.ask(problem, contract) for problem in problems], [problem.where for problem in problems]

    def _play(self, plan: dict[str, str]) -> None:
        config, task = self.config, self.task
        assert task is not None
        asks = isinstance(task, AnswerTask)
        plan["asks" if asks else "plays"] = f"{task.id}: {task.title}; won by: {task.success}"
        self.notes += task.notes if asks else ()
        weights = ", ".join(f"{name} × {self.preset.weights[name]:g}" for name in self.preset.names)
        if config.method.plays:
            plan["rewards"] = f"{self.preset.name}: {weights}"
            group = config.method.num_generations
            batch = _generated(config)
            games = f"{config.env.episodes} games each: {batch * config.env.episodes} games"
            plan["a batch"] = (
                f"{batch} completions in groups of {group}, {f'{batch // group} questions' if asks else games}"
            )

    def _data(self, plan: dict[str, str]) -> Rows | None:
        """The rows of a stage that trains on data."""
        plan["data"], rows = self._read(self.config.dataset, self.config.method.name)
        return rows

    def _format_first(self, plan: dict[str, str]) -> None:
        """The rows from which a base model learns the format before it plays."""
        config, method = self.config, self.config.method
        if method.pre_sft is None:
            return
        dataset = DatasetConfig(
            path=[method.pre_sft], max_length=config.model.max_seq_length, template=config.dataset.template
        )
        said, _ = self._read(dataset, "sft")
        plan["before play"] = f"{method.pre_sft_steps} steps of sft; {said}"

    def _read(self, dataset: DatasetConfig, stage: str) -> tuple[str, Rows | None]:
        """Local data are read as the stage would read them; those of the Hub are named."""
        sources = find_sources(dataset, [*dataset.path, *dataset.eval_path])
        away = [source for source in sources if source.hub and not Path(source.hub).is_dir()]
        for source in away:
            split = f"[{dataset.split}]"
            self.downloads.append(f"data set {source.hub}{split} (unless it lies in the cache of datasets)")
        names = ", ".join(source.name for source in sources)
        if away:
            return f"{names}: not here yet, so not read", None
        tokenizer = None if stage == "pt" else self.tokenizer
        if tokenizer is not None:
            set_template(tokenizer, dataset.template)
        rows = load_rows(dataset, stage, tokenizer=tokenizer, seed=self.config.train.seed)
        self.notes += rows.notes
        for reason, left_out in rows.dropped.counts.items():
            self.notes.append(f"left out {left_out} rows: {reason}; first {rows.dropped.examples[reason][0].place}")
        count = len(rows.train) if isinstance(rows.train, Sequence) else "a stream of"
        return f"{names}: {count} rows to train on, {len(rows.eval) or 'none'} held out", rows

    def _step_count(self, rows: Rows | None) -> int | None:
        train = self.config.train
        if train.epochs is None:
            return train.max_steps
        if rows is None or not isinstance(rows.train, Sequence):
            return None
        batches = math.ceil(len(rows.train) / train.per_device_train_batch_size)
        return math.ceil(train.epochs * max(1, math.ceil(batches / train.gradient_accumulation_steps)))

    def _steps(self, rows: Rows | None) -> str:
        train = self.config.train
        size = f"{train.per_device_train_batch_size} × {train.gradient_accumulation_steps}"
        count = self._step_count(rows)
        if count is None:
            return f"{train.epochs:g} passes over the data, {size} rows a step"
        unit = "completions" if self.config.method.plays else "rows"
        return f"{count}, {size} {unit} each, a checkpoint every {train.save_steps}"

    def _measures(self, rows: Rows | None) -> str:
        config, said = self.config, []
        if config.measures_by_play:
            seeds = len(parse_indices(config.eval.seeds))
            games = config.eval.samples * seeds
            block = config.eval.block
            said.append(
                f"{config.eval.samples} answers to each of {seeds} {block} questions, before and after"
                if isinstance(self.task, AnswerTask)
                else f"{config.eval.samples} programs on {seeds} {block} seeds, before and after: 2 × {games} games"
            )
        if not config.method.plays:
            said.append("loss of held-out rows, before and after" if rows is None or rows.eval else "no held-out rows")
        return "; ".join(said)

    def _estimates(self, tokens: int, rows: Rows | None) -> dict[str, str]:
        config, shape = self.config, self.shape
        if shape is None:
            self.notes.append(
                f"no estimate: the size of {config.model.path} is not known before its config.json is on this machine"
            )
            return {}
        free = device_memory()
        device = "cuda" if config.train.device == "cuda" or (config.train.device == "auto" and free) else "cpu"
        memory = estimate_memory(config, shape, tokens, device)
        found = memory_rows(memory)
        if device == "cuda" and free is not None:
            verdict = "fits" if fits(memory, config, free) else "does not fit"
            found["on this GPU"] = f"{verdict} into {free / _GIB:.1f} GiB that are free"
        if device == "cuda" and free is None:
            found["time"] = "no estimate: there is no GPU here to measure"
        else:
            found["time"] = self._time(shape, tokens, memory, device, self._step_count(rows))
        return found

    def _time(self, shape: ModelShape, tokens: int, memory: MemoryEstimate, device: str, steps: int | None) -> str:
        if importlib.util.find_spec("torch") is None:
            return "no estimate: torch, which measures this machine, is not installed"
        import torch

        if self.config.train.torch_threads:
            torch.set_num_threads(self.config.train.torch_threads)
        speed = measure_speed(device, half=self.config.train.bf16)
        seconds = seconds_of_work(estimate_work(self.config, shape, tokens, memory), speed.operations, speed.bandwidth)
        total = "" if steps is None else f", {_duration(seconds * steps)} in all"
        return (
            f"at least {_duration(seconds)} a step{total}, without play and overhead (this machine, now: "
            f"{speed.operations / 1e9:,.0f} GFLOP/s, {speed.bandwidth / 1e9:,.0f} GB/s)"
        )


def memory_rows(memory: MemoryEstimate) -> dict[str, str]:
    """An estimate of memory, for a table."""
    rows = {
        "memory": f"about {_bytes(memory.total)} at the longest sequences, without the libraries' own",
        "  weights": _bytes(memory.weights),
        "  other models": _bytes(memory.other_models),
        "  gradients, optimiser, adapters": _bytes(memory.trained),
        "  cache while it samples": _bytes(memory.generating),
        "  activations and logits": _bytes(memory.updating),
    }
    empty = [name for name, value in rows.items() if value == _bytes(0.0)]
    return {name: value for name, value in rows.items() if name not in empty}


def _generated(config: RunConfig) -> int:
    steps = config.method.steps_per_generation or config.train.gradient_accumulation_steps
    return config.train.per_device_train_batch_size * steps


def _backend(config: RunConfig) -> str:
    model = config.model
    sampled = f"; {model.generation} samples" if config.method.plays else ""
    bits = [
        name.removeprefix("load_in_")
        for name in ("load_in_4bit", "load_in_8bit", "load_in_fp8")
        if getattr(model, name)
    ]
    mode = f" ({model.vllm.mode})" if model.generation == "vllm" and config.method.plays else ""
    return f"{model.backend}, {bits[0] if bits else f'dtype {model.dtype}'}{sampled}{mode}"


def _bytes(count: float) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.1f} MiB"


def _millions(count: int) -> str:
    return f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.2f} million"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.2g} s"
