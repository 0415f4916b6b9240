"""The warm start of the tiny model: corpus, filter, tokenizer, fine-tuning, and what is written down of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, NamedTuple

import msgspec

from envrl.envs import Example, Task
from envrl.envs.math.answer_task import AnswerTask
from envrl.errors import ModelError
from envrl.models import model_path
from envrl.models.tiny.recipe import Recipe
from envrl.rollouts import Arena, Assignment, Scorecard, fenced
from envrl.runs import cache_folder, file_hash, read_json, write_json
from envrl.seeding import episode_seeds
from envrl.workflow.watching import Silent, Watcher

__all__ = ["Corpus", "make_corpus", "tiny_model_for", "warm_start"]


_WITHOUT = ": env.toolkit must be 'full', arguments= or action= of its own need examples=; or give a model.path"


class Corpus(NamedTuple):
    """Programs of a warm start.

    Attributes:
        sources: honest and spoiled ones, in the order in which they were made.
        left_out: how many won too often.
        best: the largest share of the filter's games that a program of the corpus won.
        mean: mean share won by the programs that are not spoiled, each as often as it stands there.
    """

    sources: list[str]
    left_out: int
    best: float
    mean: float


def tiny_model_for(
    task: Task, recipe: Recipe | None = None, workers: int | None = None, watcher: Watcher | None = None
) -> Path:
    """The folder of the tiny model that was warm-started for a task: shipped, or made now and kept in the cache.

    The cache is ``$ENVRL_CACHE`` (``~/.cache/envrl``). What lies there is used again as long as neither the recipe nor
    the task's prompt and programs change.

    Raises:
        ModelError: the task has no programs for a warm start.
    """
    shipped = Path(model_path("tiny"))
    if recipe is None and task.examples is not None and (shipped / "recipe.json").exists():
        made_for: str = read_json(shipped / "recipe.json")["task"]
        if made_for.startswith(f"envrl/{task.short}-"):
            return shipped
    recipe = recipe or Recipe()
    key = msgspec.json.encode(
        [recipe, task.id, task.version, task.prompt("tiny"), task.options, _material(task, recipe)]
    )
    folder = cache_folder() / "warm-starts" / hashlib.blake2b(key, digest_size=12).hexdigest()
    if (folder / "recipe.json").exists():
        return folder
    watcher = watcher or Silent()
    watcher.say(f"warm-starting the tiny model for {task.id}: once, kept in {folder}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(dir=folder.parent))
    try:
        warm_start(task, scratch, recipe, workers, watcher)
        with suppress(OSError):  # another process was sooner, with the same result
            scratch.rename(folder)
    finally:
        rmtree(scratch, ignore_errors=True)
    if not (folder / "recipe.json").exists():
        raise ModelError(f"{folder} holds something else than a warm start: remove it")
    return folder


def _material(task: Task, recipe: Recipe) -> list[Any]:
    """What the warm start is made from: the task's programs, or an answer task's lessons.

    Raises:
        ModelError: it has none.
    """
    if isinstance(task, AnswerTask):
        if task.lessons is None:
            raise ModelError(
                f"{task.id} has no lessons for a warm start on data: leave env.options.data out, or give a model.path"
            )
        return list(task.lessons(recipe.examples, recipe.seed))
    if task.examples is None:
        raise ModelError(f"{task.id} has no programs for a warm start{_WITHOUT}")
    return [example.source for example in task.examples(recipe.examples, recipe.seed)]


def _play(
    arena: Arena, task: Task, sources: Sequence[str], episodes: int, purpose: str, watcher: Watcher
) -> list[Scorecard]:
    # Seeds of their own, which no training and no evaluation uses.
    seeds = tuple(episode_seeds(f"envrl/{task.id}/{task.version}/{purpose}", "train", range(episodes)))
    return arena.play([Assignment(source, tuple(range(episodes)), seeds) for source in sources], watcher.advance)


def make_corpus(task: Task, arena: Arena, recipe: Recipe, watcher: Watcher | None = None) -> Corpus:
    """Samples programs from the task's examples and leaves out those that win often.

    What training finds is then found, not recalled. Every program plays the filter's games; those that win some play
    more games, on other seeds, and both times more than ``most_wins`` leads out.

    Raises:
        ModelError: the task has no examples of its own.
    """
    if task.examples is None:
        raise ModelError(f"{task.id} has no programs for a warm start{_WITHOUT}")
    made: Sequence[Example] = task.examples(recipe.examples, recipe.seed)
    # Spoiled ones play too: some spoils leave a program that wins.
    sources = list(dict.fromkeys(example.source for example in made))
    watcher = watcher or Silent()
    watcher.phase("filtering the corpus", len(sources))
    cards = _play(arena, task, sources, recipe.filter_episodes, "filter", watcher)
    shares = {source: card.success for source, card in zip(sources, cards, strict=True)}
    again = [source for source in sources if recipe.filter_again_above < shares[source] <= recipe.most_wins]
    watcher.phase("filtering again those that win some", len(again))
    cards = _play(arena, task, again, recipe.filter_again_episodes, "filter-again", watcher)
    shares |= {source: max(shares[source], card.success) for source, card in zip(again, cards, strict=True)}
    kept = [example.source for example in made if shares[example.source] <= recipe.most_wins]
    honest = [shares[e.source] for e in made if not e.spoiled and shares[e.source] <= recipe.most_wins]
    best = max((shares[source] for source in kept), default=0.0)
    return Corpus(kept, len(made) - len(kept), best, sum(honest) / max(len(honest), 1))


def warm_start(
    task: Task, output: Path, recipe: Recipe, workers: int | None = None, watcher: Watcher | None = None
) -> Corpus:
    """Makes the tiny model's warm start for a task; deterministic for a recipe.

    Args:
        output: folder for model, tokenizer and ``recipe.json``.
        watcher: told how the work goes.

    Raises:
        ModelError: the task has no examples of its own.
    """
    import torch

    from envrl.models import quiet_libraries
    from envrl.models.tiny.architecture import make_model
    from envrl.models.tiny.tokenizer import make_tokenizer
    from envrl.trainers.sft import train_sft

    watcher = watcher or Silent()
    prompt = task.prompt("tiny")
    if isinstance(task, AnswerTask):  # nothing is played, so nothing is filtered
        pairs: list[tuple[str, str]] = _material(task, recipe)
        corpus = Corpus([written for _, written in pairs], 0, 0.0, 0.0)
    else:
        with Arena(task, workers=workers) as arena:
            corpus = make_corpus(task, arena, recipe, watcher)
        pairs = [(prompt, fenced(source)) for source in corpus.sources]
    quiet_libraries()
    asked, texts = dict.fromkeys(asked for asked, _ in pairs), [written for _, written in pairs]
    tokenizer = make_tokenizer([*asked, "user\nassistant\n", *texts], recipe.vocab_size)
    torch.set_num_threads(1)  # at this size several threads are slower
    torch.manual_seed(recipe.seed)
    model = make_model(recipe, tokenizer)
    watcher.phase("fine-tuning", recipe.max_steps)
    with TemporaryDirectory() as scratch:
        train_sft(
            model,
            tokenizer,
            pairs,
            output=Path(scratch),
            max_steps=recipe.max_steps,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            seed=recipe.seed,
            device="cpu",
            on_step=lambda step, logs: watcher.advance(1, loss=float(logs["loss"])),
        )
    output.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    write_json(
        output / "recipe.json",
        {
            "recipe": msgspec.to_builtins(recipe),
            "recipe_hash": recipe.hash,
            "task": task.id,
            "task_version": task.version,
            "prompt": prompt,
            "tokenizer_sha256": file_hash(output / "tokenizer.json"),
            "weights_sha256": file_hash(output / "model.safetensors"),
            "corpus": {
                "programs": len(corpus.sources),
                "left_out": corpus.left_out,
                "best_success_on_filter_seeds": corpus.best,
                "mean_success_on_filter_seeds": corpus.mean,
            },
        },
    )
    return corpus
