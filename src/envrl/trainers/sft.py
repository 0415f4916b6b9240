"""Supervised fine-tuning, for the warm start: thin over TRL's ``SFTTrainer``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from envrl.models import conversation

__all__ = ["silence", "train_sft"]


def train_sft(
    model: Any,
    tokenizer: Any,
    pairs: Sequence[tuple[str, str]],
    *,
    output: Path,
    max_steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    device: str,
    on_step: Callable[[int, dict[str, float]], None] | None = None,
) -> None:
    """Trains a model in place on (prompt, completion) texts; the loss is on completions only.

    Args:
        output: a folder that TRL may use; nothing of value is left there.
        on_step: called after each step with its number and TRL's log.
    """
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Report(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            if on_step and "loss" in logs:
                on_step(state.global_step, logs)

    rows = {
        "prompt": [conversation(prompt) for prompt, _ in pairs],
        "completion": [[{"role": "assistant", "content": completion}] for _, completion in pairs],
    }
    arguments = SFTConfig(
        output_dir=str(output),
        max_steps=max_steps,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, max_steps // 20),
        weight_decay=0.0,
        seed=seed,
        use_cpu=device == "cpu",
        bf16=False,
        gradient_checkpointing=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=device != "cpu",
    )
    trainer = SFTTrainer(
        model,
        args=arguments,
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
        callbacks=[Report()],
    )
    silence(trainer)
    trainer.train()


def silence(trainer: Any) -> None:
    """Takes off the callbacks that print: what a run shows is shown in one place."""
    from transformers import PrinterCallback, ProgressCallback

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
