"""GRPO: how a configuration becomes TRL's ``GRPOTrainer``, and how scorecards become its reward functions."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from envrl.config import RunConfig
from envrl.errors import ConfigError
from envrl.models import LoadedModel, conversation
from envrl.rewards import Scored, Scorer

__all__ = ["GrpoWatcher", "PromptRow", "prompt_rows", "step_figures", "train_grpo"]


@dataclasses.dataclass(frozen=True)
class PromptRow:
    """One row of the training set.

    Attributes:
        prompt: what the model sees.
        seeds: indices of the train block that every completion of the group plays. A column, not a counter of steps:
            a resumed run, another rank and a repeated iteration see the same games.
    """

    prompt: str
    seeds: tuple[int, ...]


class GrpoWatcher(Protocol):
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
    count = max(1, generated * train.per_device_train_batch_size // method.num_generations)
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


class _Judge:
    """Reward functions for TRL, one a component, from a single pass through the sandbox."""

    def __init__(self, scorer: Scorer, watcher: GrpoWatcher) -> None:
        self._scorer = scorer
        self._watcher = watcher
        self._key: tuple[Any, ...] | None = None
        self._scored: list[Scored] = []
        self.began = self.ended = 0.0
        self.figures: dict[str, Any] = {}

    def functions(self) -> list[Callable[..., list[float | None]]]:
        return [self._function(name) for name in self._scorer.preset.components]

    def _function(self, name: str) -> Callable[..., list[float | None]]:
        def reward(completions: list[Any], seeds: list[list[int]], trainer_state: Any, **_: Any) -> list[float | None]:
            return [scored.rewards[name] for scored in self._score(completions, seeds, trainer_state.global_step + 1)]

        reward.__name__ = name
        return reward

    def _score(self, completions: list[Any], seeds: list[list[int]], step: int) -> list[Scored]:
        texts = [c if isinstance(c, str) else c[-1]["content"] for c in completions]
        key = (step, tuple(texts), tuple(map(tuple, seeds)))
        if key != self._key:
            self.began = time.perf_counter()
            self._scored = self._scorer.score(texts, seeds)
            self.ended = time.perf_counter()
            self._key = key
            self.figures = step_figures(self._scored)
            self._watcher.scored(step, self._scored)
        return self._scored


def _arguments(config: RunConfig, output: Path, device: str, weights: Sequence[float]) -> Any:
    from trl import GRPOConfig

    train, method = config.train, config.method
    schedule = train.lr_scheduler_type
    if schedule == "constant" and train.warmup_steps:
        schedule = "constant_with_warmup"  # transformers' "constant" passes over the warm-up
    options: dict[str, Any] = {
        # the course of the optimiser
        "output_dir": str(output),
        "max_steps": train.max_steps,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": schedule,
        "warmup_steps": train.warmup_steps,
        "max_grad_norm": train.max_grad_norm,
        "weight_decay": train.weight_decay,
        "optim": train.optim,
        "adam_beta1": train.adam_beta1,
        "adam_beta2": train.adam_beta2,
        "per_device_train_batch_size": train.per_device_train_batch_size,
        "gradient_accumulation_steps": train.gradient_accumulation_steps,
        "seed": train.seed,
        "bf16": train.bf16,
        "fp16": train.fp16,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": device != "cpu",
        "gradient_checkpointing": train.gradient_checkpointing,
        # what is shown and kept
        "logging_steps": train.logging_steps,
        "save_strategy": "steps",
        "save_steps": train.save_steps,
        "report_to": train.report_to or "none",
        "disable_tqdm": True,
        # GRPO
        "num_generations": method.num_generations,
        "temperature": method.temperature,
        "top_p": method.top_p,
        "top_k": method.top_k or 0,
        "min_p": method.min_p,
        "max_completion_length": method.max_completion_length,
        "beta": method.beta,
        "loss_type": method.loss_type,
        "scale_rewards": method.scale_rewards,
        "epsilon": method.epsilon,
        "epsilon_high": method.epsilon_high,
        "mask_truncated_completions": method.mask_truncated_completions,
        "steps_per_generation": method.steps_per_generation,
        "num_iterations": method.num_iterations,
        "reward_weights": list(weights),
        "shuffle_dataset": False,
        "use_vllm": config.model.generation == "vllm",
    }
    if method.loss_type == "luspo":
        options["importance_sampling_level"] = "sequence"  # TRL's own condition for this loss
    known = {field.name for field in dataclasses.fields(GRPOConfig)}
    if method.entropy_coef:
        if "entropy_coef" not in known:
            import trl

            raise ConfigError(
                f"method.entropy_coef: TRL {trl.__version__} has no entropy bonus; set it to 0 or use 1.16"
            )
        options["entropy_coef"] = method.entropy_coef
    if "activation_checkpointing" in known:  # the name since transformers 5.20
        options["activation_checkpointing"] = options.pop("gradient_checkpointing")
    return GRPOConfig(**options)


def _adapters(config: RunConfig) -> Any:
    if config.model.lora is None or config.model.backend == "unsloth":  # Unsloth puts its own on
        return None
    from peft import LoraConfig

    lora = config.model.lora
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )


def train_grpo(
    loaded: LoadedModel,
    config: RunConfig,
    rows: Sequence[PromptRow],
    scorer: Scorer,
    watcher: GrpoWatcher,
    *,
    output: Path,
    device: str,
    resume_from: Path | None = None,
) -> LoadedModel:
    """Trains a model by GRPO; gives it back with its adapters, if any.

    Args:
        rows: the training set, played in this order.
        scorer: scores completions on seeds of the train block.
        watcher: told of scores, steps and checkpoints.
        output: folder of checkpoints.
        resume_from: a complete checkpoint to go on from.

    Raises:
        ConfigError: the installed TRL lacks something that the configuration asks for.
    """
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import GRPOTrainer

    from envrl.trainers.sft import silence

    judge = _Judge(scorer, watcher)

    class Report(TrainerCallback):  # type: ignore[misc]
        began = 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.began = time.perf_counter()

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "loss" not in logs:
                return
            now = time.perf_counter()
            if judge.began < self.began:  # a batch that an earlier step wrote and played is used again
                watcher.stepped(state.global_step, {**logs, "seconds": {"update": now - self.began}})
                return
            seconds = {
                "generation": judge.began - self.began,
                "sandbox": judge.ended - judge.began,
                "update": now - judge.ended,
            }
            watcher.stepped(state.global_step, {**logs, **judge.figures, "seconds": seconds})

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watcher.saved(state.global_step, output / f"checkpoint-{state.global_step}")

    trainer = GRPOTrainer(
        model=loaded.model,
        reward_funcs=judge.functions(),
        args=_arguments(config, output, device, [scorer.preset.weights[n] for n in scorer.preset.components]),
        train_dataset=Dataset.from_dict(
            {"prompt": [conversation(row.prompt) for row in rows], "seeds": [list(row.seeds) for row in rows]}
        ),
        processing_class=loaded.tokenizer,
        callbacks=[Report()],
        peft_config=_adapters(config),
    )
    silence(trainer)
    trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)
    return LoadedModel(trainer.model, loaded.tokenizer, loaded.path)
