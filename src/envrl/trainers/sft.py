"""Supervised fine-tuning: the stages pt and sft, and the warm start; thin over TRL's ``SFTTrainer``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from envrl.config import RunConfig
from envrl.models import LoadedModel, conversation
from envrl.trainers.arguments import adapters, data_options, make_arguments

__all__ = ["answers", "pt_trainer", "sft_trainer", "silence", "train_sft"]


def sft_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of supervised fine-tuning; the loss is on what the assistant says.

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of columns ``prompt`` and ``completion``.
        output: folder of checkpoints.
    """
    return _trainer(loaded, config, data, output, device, {"completion_only_loss": True})


def pt_trainer(loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str) -> Any:
    """The trainer of continued pre-training: texts end to end, cut into pieces of ``dataset.max_length`` tokens.

    Args:
        data: ``train_dataset`` and ``eval_dataset`` of the column ``text``.
        output: folder of checkpoints.
    """
    return _trainer(loaded, config, data, output, device, {"packing": True, "packing_strategy": "wrapped"})


def _trainer(
    loaded: LoadedModel, config: RunConfig, data: dict[str, Any], output: Path, device: str, more: dict[str, Any]
) -> Any:
    from trl import SFTConfig, SFTTrainer

    options = data_options(config, output, device) | {
        "loss_type": config.method.effective_loss_type,
    }
    return SFTTrainer(
        model=loaded.model,
        args=make_arguments(SFTConfig, options | more),
        processing_class=loaded.tokenizer,
        peft_config=adapters(config),
        **data,
    )


def answers(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A conversation as one row of prompt and completion for each turn of the assistant.

    So the loss is on what the assistant says, whatever the chat template, and each turn is learnt after the text that
    the model will see before it (templates leave the thinking of earlier turns out).

    Args:
        row: with ``messages``, or with ``prompt`` and ``completion``, which stays as it is; other columns stay.
    """
    if "messages" not in row:
        yield row
        return
    rest = {name: value for name, value in row.items() if name != "messages"}
    messages = row["messages"]
    for place, message in enumerate(messages):
        if message["role"] == "assistant" and place:
            yield {"prompt": messages[:place], "completion": [message], **rest}


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
