"""A request with everything filled in that it leaves open: what is played, on which seeds, under which limits."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

from envrl.config import EnvConfig, MethodConfig, ModelConfig, load_config
from envrl.envs import Task
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import ConfigError, SeedError, UnknownNameError
from envrl.evaluation.escape import one_line
from envrl.evaluation.sweeps import Kind
from envrl.limits import Limits
from envrl.models.endpoint import endpoint_url, is_endpoint
from envrl.rewards import Preset, find_preset
from envrl.rewards.answers import AnswerScorer, find_answer_preset
from envrl.rollouts import CONTRACTS
from envrl.seeding import BLOCKS, Block, block_salt, parse_indices
from envrl.workflow.course import EVAL_SEED
from envrl.workflow.endpoint_subject import ServedModel
from envrl.workflow.eval_request import EvalRequest
from envrl.workflow.model_subject import Model, RunModel, model_of_run
from envrl.workflow.recipes import recipe_for, task_of
from envrl.workflow.results import environment_of
from envrl.workflow.subjects import Answers, Completions, Strategies, Subject

__all__ = ["SweepPlan", "block_to_measure"]

_BATCH = 64
_SEEDS, _SEEDS_OF_MANY = "0:200", "0:32"  # of strategies; of the many programs that a model writes
_SAMPLES = 64
_QUESTIONS, _SAMPLES_OF_QUESTION = "0:128", 4  # fresh questions tell more than more answers to one
_MOST_SEEDS = 10_000
_MOST_SAMPLES = 16  # times the first
_TOKENS = 1024


class SweepPlan:
    """What a request comes to.

    Args:
        request: what was asked for.
        workers: for a tiny model that has to be warm-started first.
    """

    def __init__(self, request: EvalRequest, workers: int | None = None) -> None:
        self.request = request
        self._workers = workers

    def check(self) -> None:
        """Opens all that can be opened without playing anything.

        Raises:
            EnvrlError: something cannot be found, or does not fit.
        """
        _ = self.block, self.seeds, self.task, self.subject
        if self.asked is not None:
            self._check_answers(self.asked)
        if (
            self.request.until_width is not None
            and self.kind != "strategies"
            and min(self.samples, len(self.seeds)) < 2
        ):
            raise ConfigError("--until-width of a model needs two --samples and two --seeds at the least")

    def _check_answers(self, task: AnswerTask) -> None:
        """Refuses what has a meaning for programs alone.

        Raises:
            ConfigError: naming the option.
        """
        request = self.request
        for option, given, mend in (
            ("--until-width", request.until_width is not None, "ask for more --seeds, each of which is a question"),
            ("--require", bool(request.require), "nothing is run that a sandbox would confine; leave it out"),
            ("--contract", self.kind == "completions" and request.contract is not None, "--set style=… says how "
             "answers are marked"),
        ):  # fmt: skip
            if given:
                raise ConfigError(f"{option} goes with programs, and {task.id} is an answer task: {mend}")
        if self._answers is not None and self.seeds != self._answers.seeds:
            own = self._answers.seeds
            raise ConfigError(
                f"--seeds {self.request.seeds}: {self._answers.name} answers questions {own.start}:{own.stop}; leave "
                "--seeds out, or give a file that holds the lines of those questions alone"
            )
        task.require_verifier()
        task.require_questions(self.block, self.seeds, "--seeds")

    def filled(self) -> EvalRequest:
        """The request with what it came to, so that nothing of it changes until it is resumed."""
        return msgspec.structs.replace(
            self.request,
            environment=self.environment,
            samples=self.samples,
            seeds=f"{self.seeds.start}:{self.seeds.stop}",
            block=self.block,
        )

    @property
    def kind(self) -> Kind:
        """Of what is measured."""
        request = self.request
        if request.strategies:
            return "strategies"
        if request.model:
            return "endpoint" if is_endpoint(request.model) else "model"
        return "run" if request.run else "completions"

    @cached_property
    def environment(self) -> dict[str, Any]:
        """As a configuration's ``env`` says it."""
        if self._run is not None:
            return environment_of(self._run.config.env)
        return environment_of(_checked(EnvConfig, self.request.environment, "environment"))

    @cached_property
    def task(self) -> Task:
        """What is played, or asked.

        Raises:
            ConfigError: strategies for an answer task.
        """
        task = task_of(_checked(EnvConfig, self.environment, "environment"))
        if isinstance(task, AnswerTask):
            if self.kind == "strategies":
                raise ConfigError(
                    f"{task.id} is an answer task, which no strategy plays: give --model, --run or --completions, or "
                    "--env math for programs"
                )
            if self._answers is not None and self._answers.own is not None:
                return task.of_file(self._answers.own, self._answers.name)
        return task

    @property
    def asked(self) -> AnswerTask | None:
        """The task, where completions are answers."""
        return self.task if isinstance(self.task, AnswerTask) else None

    @cached_property
    def _answers(self) -> Answers | None:
        """A file of answers, whose lines say which questions they answer; only asked for of an answer task."""
        return None if self.request.completions is None else Answers(Path(self.request.completions))

    @property
    def scorer(self) -> AnswerScorer:
        """What judges answers, with the rewards that they would earn."""
        assert self.asked is not None
        name = "envrl-answer" if self._run is None else self._run.config.reward.preset
        salt = block_salt(self.block, self.task.id, self.task.version)
        contract = self.subject.contract or "chat"
        return AnswerScorer(self.asked, find_answer_preset(name), self.block, salt, contract)

    @property
    def limits(self) -> Limits:
        """Budgets of a strategy.

        Raises:
            ConfigError: the request's are none.
        """
        if self.request.limits is not None:
            try:
                return msgspec.convert(self.request.limits, Limits)
            except msgspec.ValidationError as error:
                raise ConfigError(f"limits of a strategy: {error}") from None
        return self.task.limits if self._run is None else self._run.config.sandbox.limits.over(self.task.limits)

    @property
    def preset(self) -> Preset | None:
        """The rewards that completions would earn; None for strategies."""
        if self.kind == "strategies":
            return None
        if self._run is not None:
            return find_preset(self._run.config.reward.preset)
        return find_preset("envrl")

    @property
    def block(self) -> Block:
        """Of the seeds; see `block_to_measure`."""
        usual = "test" if self._run is None else self._run.config.eval.block
        return block_to_measure(self.request.block or usual)

    @cached_property
    def seeds(self) -> range:
        """Indices; with ``until_width`` of a strategy the most that are played.

        Raises:
            SeedError: they are none.
        """
        request = self.request
        usual = _SEEDS if self.kind == "strategies" else _SEEDS_OF_MANY
        if self.asked is not None:
            count = self.asked.questions.count(self.block)
            usual = _QUESTIONS if count is None else f"0:{min(count, parse_indices(_QUESTIONS).stop)}"
            if self._answers is not None:
                usual = f"{self._answers.seeds.start}:{self._answers.seeds.stop}"
        if self._run is not None:
            usual = self._run.config.eval.seeds
        seeds = parse_indices(request.seeds or usual)
        if request.until_width is not None and self.kind == "strategies":
            most = request.max_seeds or (len(seeds) if request.seeds else _MOST_SEEDS)
            return range(seeds.start, seeds.start + most)
        return seeds

    @property
    def samples(self) -> int:
        """Programs; with ``until_width`` of a model the first of them."""
        if self.request.samples is not None:
            return self.request.samples
        if self._run is not None:
            return self._run.config.eval.samples
        if self.asked is not None:
            return _SAMPLES_OF_QUESTION if self._answers is None else self._answers.samples
        return self.subject.count or _SAMPLES

    @property
    def most_samples(self) -> int:
        """The most programs that ``until_width`` of a model samples."""
        return max(self.samples, self.request.max_samples or _MOST_SAMPLES * self.samples)

    @property
    def batch(self) -> int:
        """Completions that are sampled at once."""
        if self.asked is not None:  # a batch answers one question
            most = self.request.sampling.batch or _BATCH
            return max(size for size in range(1, min(most, self.samples) + 1) if self.samples % size == 0)
        return self.request.sampling.batch or min(_BATCH, self.samples)

    @property
    def _ask(self) -> Callable[[int], str] | None:
        """The prompt of a completion by its number, of an answer task."""
        task = self.asked
        if task is None:
            return None
        salt, samples, seeds = block_salt(self.block, task.id, task.version), self.samples, self.seeds
        block, contract = self.block, self._contract
        return lambda number: task.ask(task.problem(block, salt, seeds[number // samples]), contract)

    @property
    def _contract(self) -> str:
        """Which prompt a model sees, and how programs are taken out of its completions."""
        if self._run is not None:
            return self._run.config.model.contract
        return _known_contract(self.request.contract or ("tiny" if self.request.model == "tiny" else "chat"))

    @cached_property
    def subject(self) -> Subject:
        """Whatever programs come from; opened when it is first needed."""
        request = self.request
        if request.strategies:
            return Strategies(request.strategies)
        if self.asked is not None and self._answers is not None:
            return self._answers
        if request.completions is not None:
            return Completions(Path(request.completions), _known_contract(request.contract or "chat"))
        if self._run is not None:
            return self._run_subject(self._run)
        return self.served or self._model_subject()

    @cached_property
    def served(self) -> ServedModel | None:
        """The model behind a server that is measured; None where nobody is asked over the network."""
        request = self.request
        if self.kind != "endpoint" or request.model is None:
            return None
        method = _method(MethodConfig(max_completion_length=_TOKENS), request)
        contract = self._contract
        settings: dict[str, Any] = {"temperature": method.temperature, "top_p": method.top_p}
        settings |= {
            name: value for name in ("top_k", "min_p") if (value := getattr(request.sampling, name)) is not None
        }
        settings[request.served.max_tokens_field or "max_tokens"] = method.max_completion_length
        return ServedModel(
            url=endpoint_url(request.model),
            served=request.served,
            contract=contract,
            prompt=self.task.prompt(contract),
            method=settings,
            seed=self._seed(EVAL_SEED),
            ask=self._ask,
        )

    @cached_property
    def _run(self) -> RunModel | None:
        return model_of_run(self.request.run, self.request.checkpoint) if self.request.run else None

    def _run_subject(self, run: RunModel) -> Subject:
        config = run.config
        model = config.model
        if run.adapter is not None:
            model = model.model_copy(update={"adapter": str(run.adapter), "lora": None})
        return Model(
            config=model,
            task=self.task,
            name=run.name,
            prompt=run.prompt or self.task.prompt(model.contract),
            method=_method(config.method, self.request),
            seed=self._seed(EVAL_SEED + config.train.seed),
            batch=self.batch,
            kind="run",
            folder=run.folder,
            device=config.train.device if self.request.device == "auto" else self.request.device,
            threads=config.train.torch_threads,
            workers=self._workers,
            ask=self._ask,
        )

    def _model_subject(self) -> Subject:
        request = self.request
        assert request.model is not None
        tiny = request.model == "tiny"
        method, threads = MethodConfig(max_completion_length=_TOKENS), None
        if tiny:  # as its recipe samples in training
            recipe = load_config(recipe_for(self.environment["id"], self.environment.get("success"))).config
            method, threads = recipe.method, recipe.train.torch_threads
        contract = self._contract
        return Model(
            config=_checked(
                ModelConfig, {"path": request.model, "adapter": request.adapter, "contract": contract}, "model"
            ),
            task=self.task,
            name=request.model if request.adapter is None else f"{request.model} with {request.adapter}",
            prompt=self.task.prompt(contract),
            method=_method(method, request),
            seed=self._seed(EVAL_SEED),
            batch=self.batch,
            device=request.device,
            threads=threads,
            workers=self._workers,
            ask=self._ask,
        )

    def _seed(self, usual: int) -> int:
        return usual if self.request.sampling.seed is None else self.request.sampling.seed


def block_to_measure(name: str) -> Block:
    """A block of seeds by its name.

    Raises:
        SeedError: it is the one that runs train on.
        UnknownNameError: there is no such block.
    """
    if name == "train":
        raise SeedError(
            "block 'train' holds the seeds that runs train on, by a salt that is secret to each: "
            "a measurement on them would overlap training. Use --block test (or validation, final)"
        )
    if name not in BLOCKS:
        raise UnknownNameError("seed block", name, BLOCKS)
    return name


def _method(usual: MethodConfig, request: EvalRequest) -> MethodConfig:
    """The settings of sampling: those that were given over the usual ones."""
    given = request.sampling.given()
    for name in ("seed", "batch"):
        given.pop(name, None)
    return _checked(MethodConfig, usual.model_dump() | given, "sampling")


def _known_contract(name: str) -> str:
    """A contract's name.

    Raises:
        UnknownNameError: there is no such contract.
    """
    if name not in CONTRACTS:
        raise UnknownNameError("output contract", name, CONTRACTS)
    return name


_Group = TypeVar("_Group", bound=BaseModel)


def _checked(group: type[_Group], values: dict[str, Any], what: str) -> _Group:
    """Values of the command line as a group of the configuration.

    Raises:
        ConfigError: naming the first value that does not fit.
    """
    try:
        return group.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigError(f"{what}: {name} {one_line(repr(first['input']))} cannot be used: {first['msg']}") from None
