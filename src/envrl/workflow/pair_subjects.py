"""What pairs are made of: the completions of a run, a sweep, a file, or fresh samples of a recipe's model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import RunConfig, load_config
from envrl.config.groups.play import LimitsConfig, SandboxConfig
from envrl.envs import Task
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import ConfigError, RunError
from envrl.evaluation.sweeps import is_sweep, read_sweep
from envrl.outcomes import Outcome
from envrl.rewards import find_preset
from envrl.rewards.scorer import Players, Scorer
from envrl.rollouts import Episode, Scorecard
from envrl.runs import RunDirectory, read_lines
from envrl.workflow.recipes import task_of
from envrl.workflow.results import task_of_sweep
from envrl.workflow.watching import Watcher

__all__ = ["PairSubject", "Sampled", "honest", "play_again", "read_subject", "sample_completions", "score_of"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """One completion.

    Attributes:
        prompt: what the model saw.
        completion: what it wrote.
        card: how it played; None where it has not been played.
        clipped: whether it ran into the limit of its length; None where nobody knows.
    """

    prompt: str
    completion: str
    card: Scorecard | None = None
    clipped: bool | None = None


@dataclass(frozen=True, slots=True)
class PairSubject:
    """Completions, and what they play.

    Attributes:
        name: as a user wrote it.
        sampled: the completions, in their order.
        task: what they play; None where nobody says it.
        contract: how a program is taken out of a completion.
        sandbox: how they are played again.
    """

    name: str
    sampled: tuple[Sampled, ...]
    task: Task | None
    contract: str
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)


def read_subject(path: Path, task: Task | None = None, contract: str | None = None) -> PairSubject:
    """The completions of a run, a sweep, or a file of JSON lines.

    Args:
        path: ``runs/<name>``, ``sweeps/<name>``, or a file whose lines hold ``completion``, and if it was played
            ``card``; ``prompt`` where the task's own was not shown.
        task: of a file, where lines have no prompt or are to be played again.
        contract: of a file.

    Raises:
        RunError: there is nothing of that kind, or it cannot be read.
        EnvrlError: the environment of a run or a sweep cannot be loaded.
    """
    if path.is_dir() and is_sweep(path):
        return _of_sweep(path)
    if path.is_dir():
        return _of_run(path)
    if path.suffix != ".jsonl" or not path.is_file():
        raise RunError(f"{path}: no run, no sweep and no file of completions (.jsonl); check the path")
    _require_programs(task, path)
    contract = contract or "chat"
    prompt = task.prompt(contract) if task else None
    return PairSubject(str(path), tuple(_sampled(path, prompt, _records(path))), task, contract)


def _require_programs(task: Task | None, where: object) -> None:
    if isinstance(task, AnswerTask):
        raise RunError(
            f"{where}: {task.id} is an answer task: its completions answer different questions, and pairs are made of "
            "programs that answer one prompt"
        )


def _of_run(path: Path) -> PairSubject:
    run = RunDirectory(path)
    if not run.config_path.is_file():
        raise RunError(f"{path}: no run and no sweep (config.yaml is missing); give runs/<name> or a .jsonl file")
    files = sorted(run.completions_dir.glob("*.jsonl"))
    if not files:
        raise RunError(f"{path}: keeps no completions (output.save_completions was false, or nothing was played yet)")
    config = load_config(run.config_path).config
    task, contract = task_of(config.env), config.model.contract
    _require_programs(task, path)
    prompts = {record.get("prompt") for record in read_lines(run.prompts_path).records}
    if len(prompts) != 1 or not isinstance(prompt := prompts.pop(), str):
        raise RunError(f"{run.prompts_path}: {len(prompts)} prompts, where pairs are made of completions of one")
    # What a killed run left of a last line is no completion of it.
    sampled = tuple(one for file in files for one in _sampled(file, prompt, read_lines(file).records))
    return PairSubject(str(path), sampled, task, contract, config.sandbox)


def _of_sweep(path: Path) -> PairSubject:
    import hashlib

    sweep = read_sweep(path)
    header = sweep.header
    if header.contract is None:
        raise RunError(f"{path}: a sweep of strategy files, which answer no prompt; give one of a model's completions")
    task = task_of_sweep(header)
    _require_programs(task, path)
    prompt = task.prompt(header.contract)
    if header.prompt_sha256 not in (None, hashlib.sha256(prompt.encode()).hexdigest()):
        raise RunError(f"{path}: its completions answer another prompt than {task.id} shows today; measure again")
    sampled = tuple(
        Sampled(
            prompt,
            program.completion or "",
            Scorecard(
                source=program.source,
                outcome=program.outcome,
                detail=program.detail,
                program_hash=program.program_hash,
                episodes=episodes,
            ),
            program.clipped,
        )
        for program, episodes in zip(sweep.programs, sweep.episodes, strict=True)
    )
    return PairSubject(str(path), sampled, task, header.contract, SandboxConfig(limits=LimitsConfig(**header.limits)))


def _records(path: Path) -> list[dict[str, Any]]:
    """The lines of a user's file, whose last one need not have an end."""
    lines = read_lines(path)
    if not lines.torn:
        return lines.records
    tail = path.read_bytes()[-lines.torn :]
    try:
        return [*lines.records, msgspec.json.decode(tail, type=dict[str, Any])]
    except (msgspec.DecodeError, RecursionError) as error:
        number = len(lines.records) + 1
        raise RunError(f"{path}:{number}: the last line is broken ({error}); mend or remove it") from None


def _sampled(path: Path, prompt: str | None, records: Sequence[dict[str, Any]]) -> list[Sampled]:
    read = []
    for number, record in enumerate(records, 1):
        own = record.get("prompt", prompt)
        completion = record.get("completion")
        if not isinstance(completion, str):
            raise RunError(f"{path}:{number}: no text under 'completion'; write a completion a line")
        if not isinstance(own, str):
            raise RunError(
                f"{path}:{number}: no prompt; name the environment with --env, or write 'prompt' in each line"
            )
        try:
            card = msgspec.convert(record["card"], Scorecard) if record.get("card") is not None else None
        except msgspec.ValidationError as error:
            raise RunError(f"{path}:{number}: not a scorecard under 'card' ({error}); restore the file") from None
        clipped = record.get("clipped")
        read.append(Sampled(own, completion, card, clipped if isinstance(clipped, bool) else None))
    return read


def sample_completions(config: RunConfig, samples: int, seed: int, watcher: Watcher, name: str) -> PairSubject:
    """Fresh completions of the model that a configuration names, before any training.

    Args:
        samples: completions to be written.
        seed: of sampling.
        name: of the subject.

    Raises:
        EnvrlError: the model or the environment cannot be loaded.
    """
    from envrl.models import choose_device, load_model, quiet_libraries, require_training, write
    from envrl.workflow.warmstart import tiny_model_for

    require_training(config.model.backend, config.model.generation)
    task = task_of(config.env)
    _require_programs(task, name)
    folder = None
    if config.model.path == "tiny":
        folder = tiny_model_for(task, workers=config.sandbox.workers, watcher=watcher)
    if config.train.torch_threads:
        os.environ.setdefault("OMP_NUM_THREADS", str(config.train.torch_threads))
    import torch

    if config.train.torch_threads:
        torch.set_num_threads(config.train.torch_threads)
    quiet_libraries()
    loaded = load_model(config.model, choose_device(config.train.device), seed, folder)
    prompt = task.prompt(config.model.contract)
    watcher.phase("sampling completions", samples)
    written = write(loaded, prompt, samples, config.method, seed, progress=watcher.advance)
    sampled = tuple(Sampled(prompt, one.text, None, one.clipped) for one in written)
    return PairSubject(name, sampled, task, config.model.contract, config.sandbox)


def play_again(subject: PairSubject, players: Players, episodes: int, watcher: Watcher) -> PairSubject:
    """Every completion with a fresh scorecard: all play the same seeds.

    The seeds are of pairs' own: no training and no measurement uses them.

    Raises:
        ConfigError: nobody says what the completions play.
    """
    if subject.task is None:
        raise ConfigError(f"{subject.name}: to play these completions, name their environment with --env")
    task = subject.task
    scorer = Scorer(players, subject.contract, find_preset("envrl"), "train", f"envrl/{task.id}/{task.version}/pairs")
    watcher.phase("playing completions", len(subject.sampled))
    scored = scorer.score(
        [one.completion for one in subject.sampled], [tuple(range(episodes))] * len(subject.sampled), watcher.advance
    )
    return replace(
        subject,
        sampled=tuple(replace(one, card=card.card) for one, card in zip(subject.sampled, scored, strict=True)),
    )


def honest(episode: Episode) -> bool:
    """Whether an episode was played to its end: the score of any other is the one it happened to stand at."""
    return episode.outcome in (Outcome.SUCCESS, Outcome.FAILURE)


def score_of(episode: Episode, by: str) -> float:
    """What is compared of an episode: ``success`` (1 or 0), ``score`` or ``progress``."""
    values = {"success": float(episode.won), "score": episode.score, "progress": episode.progress}
    return values[by]
