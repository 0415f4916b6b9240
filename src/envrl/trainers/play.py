"""What the stages that learn from play share: prompt rows with their games, scorecards as TRL's reward functions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from envrl.config import ModelConfig, RunConfig
from envrl.errors import RewardFault
from envrl.models import LoadedModel, conversation
from envrl.models.ranks import here
from envrl.rewards import Scored, Scorer
from envrl.rewards.custom import keep_fault
from envrl.trainers.ahead import PlayAhead
from envrl.trainers.arguments import adapters, common_options
from envrl.trainers.reward_model import reward_model
from envrl.trainers.trackers import add_trackers, tracked
from envrl.trainers.trial import try_functions
from envrl.trainers.trust_region import within_trust_region

__all__ = [
    "Judge",
    "PlayWatcher",
    "PromptRow",
    "end_tokens",
    "play_options",
    "prompt_rows",
    "step_figures",
    "train_by_play",
]


@dataclass(frozen=True)
class PromptRow:
    """One row of the training set.

    Attributes:
        prompt: what the model sees.
        seeds: indices of the train block that every completion of the group plays. A column, not a counter of steps:
            a resumed run, another rank and a repeated iteration see the same games.
    """

    prompt: str
    seeds: tuple[int, ...]


class PlayWatcher(Protocol):
    """Told what happens in training."""

    def scored(self, step: int, scored: Sequence[Scored]) -> None:
        """A batch of completions has been played, in step ``step`` (from 1)."""

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        """A step is done."""

    def saved(self, step: int, checkpoint: Path) -> None:
        """A checkpoint is written."""


def prompt_rows(config: RunConfig, prompt: str) -> list[PromptRow]:
    """A training set in which no two rows play the same games."""
    train, method = config.train, config.method
    batches = train.max_steps * train.gradient_accumulation_steps
    reuse = (method.steps_per_generation or train.gradient_accumulation_steps) * method.num_iterations
    generated = -(-batches // reuse) * (method.steps_per_generation or train.gradient_accumulation_steps)
    count = max(1, generated * train.per_device_train_batch_size * here().count // method.num_generations)
    episodes = config.env.episodes
    return [PromptRow(prompt, tuple(range(i * episodes, (i + 1) * episodes))) for i in range(count)]


def step_figures(scored: Sequence[Scored]) -> dict[str, Any]:
    """What one batch of scored completions says, for ``metrics.jsonl``.

    ``success`` is the mean share of seeds won; ``outcomes`` are shares of all episodes, those of a completion that was
    not played counted under its outcome; ``broken`` is the share of completions that were no valid program.
    """
    episodes: Counter[str] = Counter()
    per_card = max((len(s.card.episodes) for s in scored), default=0) or 1
    for s in scored:
        if s.card.outcome is not None:
            episodes[s.card.outcome] += per_card
        episodes.update(str(e.outcome) for e in s.card.episodes)
    total = episodes.total()
    sources = Counter(s.card.program_hash or s.completion for s in scored)
    measured = [s for s in scored if not s.card.infrastructure_error]
    played = [e for s in scored for e in s.card.episodes]
    return {
        "success": sum(s.card.success for s in measured) / len(measured) if measured else None,
        "progress": sum(s.card.progress for s in measured) / len(measured) if measured else None,
        "broken": sum(s.card.outcome is not None for s in scored) / len(scored),
        "outcomes": {str(outcome): count / total for outcome, count in sorted(episodes.items())},
        "distinct_programs": len(sources),
        "largest_share": max(sources.values()) / len(scored),
        "over_half_budget": sum(e.strained for e in played) / len(played) if played else 0.0,
    }


def end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """The tokens at which sampling stops: those of the tokenizer and of the model's way to generate."""
    ends = loaded.model.generation_config.eos_token_id
    return frozenset({loaded.tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None})


class Judge:
    """Reward functions for TRL, one a component, from a single pass through the sandbox.

    Args:
        ends: tokens that end a completion (`end_tokens`): one that ends otherwise was cut off.

    Attributes:
        began, ended: when the last batch was played, in seconds of ``time.perf_counter``.
        figures: what that batch says, as `step_figures` tells it; of several processes' batches in the first.
    """

    def __init__(self, scorer: Scorer, watcher: PlayWatcher, ends: Collection[int]) -> None:
        self._scorer = scorer
        self._watcher = watcher
        self._ends = ends
        self._key: tuple[Any, ...] | None = None
        self._scored: list[Scored] = []
        self.began = self.ended = 0.0
        self.figures: dict[str, Any] = {}

    def functions(self) -> list[Callable[..., list[float | None]]]:
        """The components' functions, in the order of `weights`."""
        return [self._function(name) for name in self._scorer.preset.names]

    @property
    def weights(self) -> list[float]:
        """What each component weighs."""
        return [self._scorer.preset.weights[name] for name in self._scorer.preset.names]

    def rewards(self, scoring: LoadedModel | None) -> tuple[dict[str, Any], list[float]]:
        """The arguments of a trainer that say what it rewards, and the weights of the rewards.

        Args:
            scoring: a reward model, whose scores are added as they are.
        """
        functions: list[Any] = list(self.functions())
        if scoring is None:
            return {"reward_funcs": functions}, self.weights
        tokenizers = [None] * len(functions) + [scoring.tokenizer]
        rewards = {"reward_funcs": [*functions, scoring.model], "reward_processing_classes": tokenizers}
        return rewards, [*self.weights, 1.0]

    def _function(self, name: str) -> Callable[..., list[float | None]]:
        def reward(
            completions: list[Any],
            completion_ids: list[list[int]],
            seeds: list[list[int]],
            trainer_state: Any,
            **_: Any,
        ) -> list[float | None]:
            step = trainer_state.global_step + 1
            return [scored.rewards[name] for scored in self._score(completions, completion_ids, seeds, step)]

        reward.__name__ = name
        return reward

    def _score(
        self, completions: list[Any], tokens: list[list[int]], seeds: list[list[int]], step: int
    ) -> list[Scored]:
        texts = [c if isinstance(c, str) else c[-1]["content"] for c in completions]
        key = (step, tuple(texts), tuple(map(tuple, seeds)))
        if key != self._key:
            self.began = time.perf_counter()
            self._scored = [
                msgspec.structs.replace(scored, clipped=not ids or ids[-1] not in self._ends)
                for scored, ids in zip(self._scorer.score(texts, seeds), tokens, strict=True)
            ]
            everyone = here().gather(self._scored)
            self.ended = time.perf_counter()
            self._key = key
            self.figures = step_figures(everyone)
            self._watcher.scored(step, everyone)
        return self._scored


def _plays_ahead(config: RunConfig) -> bool:
    """Whether the model tells, token by token, what it has written."""
    model = config.model
    return config.sandbox.play_ahead and model.backend == "transformers" and model.generation == "transformers"


def play_options(config: RunConfig, output: Path, device: str, weights: Sequence[float]) -> dict[str, Any]:
    """The options that ``GRPOConfig`` and ``RLOOConfig`` share.

    Args:
        weights: of the reward functions.
    """
    method = config.method
    return (
        common_options(config, output, device)
        | {
            "num_generations": method.num_generations,
            "temperature": method.temperature,
            "top_p": method.top_p,
            "top_k": method.top_k or 0,
            "min_p": method.min_p,
            "max_completion_length": method.max_completion_length,
            "beta": method.effective_beta,
            "epsilon": method.epsilon,
            "epsilon_high": method.epsilon_high,
            "mask_truncated_completions": method.mask_truncated_completions,
            "steps_per_generation": method.steps_per_generation,
            "num_iterations": method.num_iterations,
            "reward_weights": list(weights),
            "shuffle_dataset": False,  # rows are played in their order
        }
        | _vllm_options(config.model)
    )


def _vllm_options(model: ModelConfig) -> dict[str, Any]:
    """What TRL is told of vLLM; nothing but that it is not used where transformers samples."""
    vllm = model.vllm
    if model.generation != "vllm":
        return {"use_vllm": False}
    options: dict[str, Any] = {"use_vllm": True, "vllm_mode": vllm.mode}
    if vllm.mode == "server":
        return options | {"vllm_server_base_url": vllm.server_base_url, "vllm_server_timeout": vllm.server_timeout}
    return options | {
        "vllm_gpu_memory_utilization": vllm.gpu_memory_utilization,
        "vllm_tensor_parallel_size": vllm.tensor_parallel_size,
        "vllm_enable_sleep_mode": vllm.sleep_mode,
        "vllm_max_model_length": model.max_seq_length,
    }


def train_by_play(
    kind: type[Any],
    arguments: Callable[[RunConfig, Path, str, Sequence[float]], Any],
    loaded: LoadedModel,
    config: RunConfig,
    rows: Sequence[PromptRow],
    scorer: Scorer,
    watcher: PlayWatcher,
    *,
    output: Path,
    device: str,
    resume_from: Path | None,
) -> LoadedModel:
    """Trains with one of TRL's trainers that sample completions; gives the model back with its adapters, if any.

    Args:
        kind: TRL's class of the trainer.
        arguments: makes its configuration, of ours, the folder, the device and the weights of the rewards.
        rows: the training set, played in this order.
        scorer: scores completions on seeds of the train block.
        watcher: told of scores, steps and checkpoints.
        output: folder of checkpoints.
        resume_from: a complete checkpoint to go on from.

    Raises:
        ConfigError: the installed TRL lacks something that the configuration asks for.
        ModelError: the reward model cannot be used.
        RewardFault: a reward function of the user's own failed; the completion is kept beside the checkpoints.
    """
    from datasets import Dataset
    from transformers import TrainerCallback

    from envrl.trainers.sft import silence

    try_functions(loaded, config, rows[0], scorer)
    ends = end_tokens(loaded)
    judge = Judge(scorer, watcher, ends)
    ahead = PlayAhead(loaded, scorer, ends) if _plays_ahead(config) else None
    rewards, weights = judge.rewards(reward_model(loaded, config, device))

    if config.method.max_kl is not None:
        kind = within_trust_region(kind, config.method.max_kl)

    class Trainer(kind):  # type: ignore[misc]
        def training_step(self, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
            if ahead:
                ahead.seeds = [row["seeds"] for row in inputs]
            return super().training_step(model, inputs, *args, **options)

    class Report(TrainerCallback):  # type: ignore[misc]
        began = 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.began = time.perf_counter()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" not in logs:
                return
            now = time.perf_counter()
            if judge.began < self.began:  # a batch that an earlier step wrote and played is used again
                ours: dict[str, Any] = {"seconds": {"update": now - self.began}}
            else:
                seconds = {
                    "generation": judge.began - self.began,
                    "sandbox": judge.ended - judge.began,
                    "update": now - judge.ended,
                }
                ours = {**judge.figures, "seconds": seconds}
            watcher.stepped(state.global_step, {**logs, **ours})
            logs.update(tracked(ours))  # for the trackers, which come after this

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watcher.saved(state.global_step, output / f"checkpoint-{state.global_step}")

    trainer = Trainer(
        model=loaded.model,
        args=arguments(config, output, device, weights),
        peft_config=adapters(config),
        train_dataset=Dataset.from_dict(
            {"prompt": [conversation(row.prompt) for row in rows], "seeds": [list(row.seeds) for row in rows]}
        ),
        processing_class=loaded.tokenizer,
        callbacks=[Report()],
        **rewards,
    )
    silence(trainer)
    add_trackers(trainer, output.parent, resume_from)
    with ahead.listening(trainer.model) if ahead else nullcontext():
        try:
            trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
        except RewardFault as fault:
            raise keep_fault(fault, output) from fault.__cause__
    return LoadedModel(trainer.model, loaded.tokenizer, loaded.path)
