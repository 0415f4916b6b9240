"""What every run has, whatever it trains on: a checked plan, a model, a directory, and the measurement by play."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import RunConfig, check_machine
from envrl.data import set_template
from envrl.envs import Task
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import ConfigError, MissingExtraError
from envrl.evaluation.answers import Text
from envrl.evaluation.measure import Measurement, measure, measure_answers
from envrl.limits import Limits
from envrl.models import (
    LoadedModel,
    choose_device,
    load_model,
    load_tokenizer,
    prepare_backend,
    quiet_libraries,
    require_training,
    write,
)
from envrl.models.ranks import here
from envrl.rewards import Preset, Scorer, find_preset
from envrl.rewards.answers import AnswerPreset, AnswerScorer, find_answer_preset
from envrl.rollouts import Runner, open_arena
from envrl.runs import RunDirectory, write_atomic, write_json
from envrl.seeding import Block, block_salt, parse_indices, private_seed
from envrl.trainers.arguments import check_optimiser
from envrl.trainers.trackers import check_trackers
from envrl.workflow.recipes import task_of
from envrl.workflow.warmstart import tiny_model_for
from envrl.workflow.watching import Watcher

__all__ = ["EVAL_SEED", "PARTS", "Course", "Plan", "preset_of", "require_answerable"]

PARTS = ("doctor", "before", "pre-sft", "smoke", "gate", "best", "after", "documents")
"""Parts of a run that can be left out: ``before`` and ``after`` are the measurements of a stage that plays."""

EVAL_SEED = 2**31
"""Sampling before and after does not repeat the sampling of training."""


@dataclass(frozen=True)
class Plan:
    """All that a run is made of, checked before anything is started.

    Attributes:
        task: what is played; None for a run that plays nothing and whose model is not the tiny one.
    """

    config: RunConfig
    task: Task | None
    preset: Preset | AnswerPreset
    limits: Limits

    @classmethod
    def of(cls, config: RunConfig) -> Plan:
        """Checks what a configuration names.

        Raises:
            EnvrlError: whatever a user can mend.
        """
        method, played = config.method, config.measures_by_play
        if method.plays and not played:
            raise ConfigError(f"eval.play: {method.name} is measured by play (false met); remove it")
        if method.name == "reward" and played:
            raise ConfigError("eval.play: a reward model scores texts and writes no programs (true met); remove it")
        task = task_of(config.env) if played or config.model.path == "tiny" else None
        preset = preset_of(config, task)
        if isinstance(task, AnswerTask):
            require_answerable(config, task)
        require_training(config.model.backend, config.model.generation)
        check_trackers(config.train.report_to)
        prepare_backend(config.model)  # before transformers, too, which is imported here: Unsloth patches both
        check_optimiser(config.train.optim)
        if config.train.smoke_steps and config.model.generation == "vllm" and config.model.vllm.mode == "colocate":
            raise ConfigError(
                f"train.smoke_steps: a trial would start a second vLLM engine here ({config.train.smoke_steps} "
                "met with model.vllm.mode colocate); set it to 0: the run's first steps are judged instead"
            )
        _require_report()
        return cls(config, task, preset, config.sandbox.limits.over(task.limits if task else Limits()))

    @property
    def played(self) -> Task:
        """The task of a run that plays."""
        assert self.task is not None
        return self.task

    def arena(self) -> AbstractContextManager[Runner | None]:
        """What plays strategies; nothing in a run that plays nothing, or whose completions are answers."""
        if not self.config.measures_by_play or isinstance(self.task, AnswerTask):
            return nullcontext()
        sandbox = self.config.sandbox
        return open_arena(
            self.played,
            runner=sandbox.runner,
            workers=sandbox.workers and here().portion(sandbox.workers),
            limits=self.limits,
            require=sandbox.require,
            ray_address=sandbox.ray_address,
        )

    def without_trackers(self) -> Plan:
        """The plan of a process that helps another to train, which alone tells trackers."""
        train = self.config.train.model_copy(update={"report_to": []})
        return replace(self, config=self.config.model_copy(update={"train": train}))

    def device(self) -> str:
        """Where the model will be."""
        self._prepare_libraries()
        return choose_device(self.config.train.device)

    def folder(self, watcher: Watcher) -> Path | None:
        """Where the tiny model of this task lies; None for any other model."""
        if self.config.model.path != "tiny":
            return None
        return tiny_model_for(self.played, workers=self.config.sandbox.workers, watcher=watcher)

    def tokenizer(self, watcher: Watcher) -> Any:
        """The tokenizer alone, which measures data before the model is loaded."""
        self._prepare_libraries()
        return load_tokenizer(self.config.model, self.folder(watcher))

    def _prepare_libraries(self) -> None:
        threads = self.config.train.torch_threads
        if threads:
            os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        prepare_backend(self.config.model)  # first of all: Unsloth patches what is imported after it
        import torch

        quiet_libraries()
        if threads:
            torch.set_num_threads(threads)

    def load(self, watcher: Watcher, check: Callable[[str], None] | None = None) -> tuple[LoadedModel, str]:
        """The model, and the device that it is on.

        Args:
            check: looks at the machine before the weights are loaded; called with the device.
        """
        folder = self.folder(watcher)
        watcher.phase("loading", 1)
        device = self.device()
        check_machine(self.config, device)
        if check is not None:
            check(device)
        template = self.config.dataset.template
        loaded = load_model(
            self.config.model,
            device,
            self.config.train.seed,
            folder,
            chat=self.config.method.plays and template is None,  # a template may stand in for a missing one
            scores=self.config.method.name == "reward",
        )
        if self.config.method.plays and template is not None:
            set_template(loaded.tokenizer, template)
        watcher.advance()
        return loaded, device


def preset_of(config: RunConfig, task: Task | None) -> Preset | AnswerPreset:
    """The rewards of a run.

    Raises:
        UnknownNameError: there is no such preset, for programs or for answers.
        ConfigError: a function that cannot be used, or a weight of a component that there is not.
    """
    find = find_answer_preset if isinstance(task, AnswerTask) else find_preset
    return find(config.reward.preset, config.reward.weights, config.reward.functions)


def require_answerable(config: RunConfig, task: AnswerTask) -> None:
    """Checks what a run on an answer task needs.

    Raises:
        ConfigError: naming the field.
    """
    if config.env.episodes != 1:
        raise ConfigError(
            f"env.episodes: {config.env.episodes} met, but {task.id} is an answer task, whose completions answer one "
            "question each: set it to 1"
        )
    task.require_verifier()
    task.require_questions(config.eval.block, parse_indices(config.eval.seeds), "eval.seeds")
    if config.train.best_of_checkpoints > 1:
        task.require_questions("validation", parse_indices(config.eval.validation_seeds), "eval.validation_seeds")
    task.require_questions("train", range(1), "training on seeds")


def _require_report() -> None:
    if importlib.util.find_spec("jinja2") is None:
        raise MissingExtraError("report", "jinja2", "the report of a run")


@dataclass(frozen=True)
class Course:
    """A run under way.

    Attributes:
        arena: what plays strategies; None where nothing is played.
        loaded: the model as it was before training.
        checkpoint: a complete one, from which training goes on.
        skip: those of `PARTS` that are left out.
        force: go on where the gate says that nothing would be learnt.
    """

    plan: Plan
    run: RunDirectory
    arena: Runner | None
    loaded: LoadedModel
    device: str
    watcher: Watcher
    checkpoint: Path | None
    skip: frozenset[str] = frozenset()
    force: bool = False

    def skips(self, part: str) -> bool:
        """Whether one of `PARTS` is left out."""
        return part in self.skip

    @property
    def config(self) -> RunConfig:
        """What the run was told."""
        return self.plan.config

    @property
    def done(self) -> int:
        """Steps that the checkpoint has behind it."""
        return int(self.checkpoint.name.rpartition("-")[2]) if self.checkpoint else 0

    def scorer(self, block: Block, train_salt: str | None = None) -> Scorer:
        """Scores completions on seeds of a block."""
        task, preset = self.plan.played, self.plan.preset
        salt = block_salt(block, task.id, task.version, train_salt)
        contract = self.config.model.contract
        if isinstance(preset, AnswerPreset):
            assert isinstance(task, AnswerTask)
            return AnswerScorer(task, preset, block, salt, contract)
        assert self.arena is not None
        return Scorer(self.arena, contract, preset, block, salt, task.prompt(contract))

    def train_phase(self, steps: int) -> None:
        """Tells the watcher that training begins, after the steps that are done."""
        self.watcher.phase("training", steps)
        if self.done:
            self.watcher.advance(self.done)
        elif self.config.train.save_steps > steps:
            self.watcher.say(
                f"train.save_steps ({self.config.train.save_steps}) is beyond the run's {steps} steps: the only "
                "checkpoint will be that of the last step"
            )

    def measure_by_play(self, label: str, loaded: LoadedModel, steps: int) -> list[str]:
        """Samples programs, plays them on the evaluation's seeds, and keeps what was measured.

        Args:
            label: ``before`` or ``after``.
            steps: of the training, for the model's name after it.

        Returns:
            The completions.
        """
        config, settings = self.config, self.config.eval
        model = config.model.path if label == "before" else f"{config.model.path} after {steps} steps"
        asks = isinstance(self.plan.task, AnswerTask)
        self.watcher.phase(f"measuring {label}", len(parse_indices(settings.seeds)) if asks else settings.samples)
        measurement = self.measured(
            label,
            loaded,
            model,
            (settings.block, settings.seeds),
            EVAL_SEED + config.train.seed,
            self.watcher.advance,
        )
        if label == "before":
            prompt = self.plan.played.prompt(config.model.contract)
            line = msgspec.json.encode({"prompt": prompt, "contract": config.model.contract})
            write_atomic(self.run.prompts_path, line + b"\n")
        write_json(self.run.before_path if label == "before" else self.run.after_path, measurement)
        self.run.event("measured", label=label)
        return [scored.completion for scored in measurement.scored]

    def measured(
        self,
        label: str,
        loaded: LoadedModel,
        model: str,
        where: tuple[Block, str],
        seed: int,
        progress: Callable[[int], None] | None = None,
    ) -> Measurement:
        """What ``eval.samples`` programs win, or as many answers to each question.

        Args:
            label: of the measurement.
            model: its name.
            where: block of the seeds, and their indices.
            seed: of the sampling.
            progress: called with the number of programs, or questions, that have just been settled.
        """
        config, task, (block, seeds) = self.config, self.plan.played, where
        scorer, identity, samples = self.scorer(block), (task.id, task.version), config.eval.samples
        if isinstance(scorer, AnswerScorer):

            def answers(number: int, question: str) -> list[Text]:
                own = private_seed(seed, f"question {number}")
                written = write(loaded, question, samples, config.method, own)
                return [Text(one.text, one.tokens, one.clipped) for one in written]

            return measure_answers(label, model, identity, answers, scorer, block, seeds, progress)
        written = write(loaded, task.prompt(config.model.contract), samples, config.method, seed)
        completions = [one.text for one in written]
        return measure(label, model, identity, completions, scorer, block, seeds, progress)

    def finish(self) -> None:
        """Writes down that all is done but the report."""
        self.run.event("finished", peak_sandbox_memory=self.arena.peak_memory if self.arena else None)
