"""What every stage tells TRL in the same words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.errors import ConfigError
from envrl.trainers.arguments import adapters, common_options, data_options, make_arguments


def config(*overrides):
    return load_config(None, overrides).config


def options(*overrides, device="cpu"):
    return common_options(config(*overrides), Path("unused"), device)


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("train.seed=9", "seed", 9),
        ("train.weight_decay=0.1", "weight_decay", 0.1),
        ("train.optim=adafactor", "optim", "adafactor"),
        ("train.warmup_steps=0.1", "warmup_steps", 0.1),
        ("train.adam_beta2=0.99", "adam_beta2", 0.99),
        ("train.adam_epsilon=1e-5", "adam_epsilon", 1e-5),
        ("train.gradient_accumulation_steps=8", "gradient_accumulation_steps", 8),
        ("train.bf16=true", "bf16", True),
        ("train.fp16=true", "fp16", True),
        ("train.ddp_timeout=60", "ddp_timeout", 60),
        ("train.dataloader_num_workers=2", "dataloader_num_workers", 2),
        ("train.save_steps=7", "save_steps", 7),
        ("train.max_steps=7", "max_steps", 7),
    ],
)
def test_settings_of_the_optimiser_and_the_machine(override, name, value):
    assert options(override)[name] == value


def test_the_device_decides_over_pinned_memory():
    assert (options()["use_cpu"], options()["dataloader_pin_memory"]) == (True, False)
    assert (options(device="cuda")["use_cpu"], options(device="cuda")["dataloader_pin_memory"]) == (False, True)


def test_a_constant_rate_is_warmed_up_where_that_is_asked_for():
    assert options("train.warmup_steps=5")["lr_scheduler_type"] == "constant_with_warmup"
    assert options("train.warmup_steps=0")["lr_scheduler_type"] == "constant"


def test_epochs_stand_in_place_of_steps():
    made = options("train.epochs=1.5", "method.name=sft", "dataset.path=[x.jsonl]")
    assert (made["num_train_epochs"], made["max_steps"]) == (1.5, -1)
    assert "num_train_epochs" not in options()


def test_data_have_a_length_and_workers():
    made = data_options(
        config("method.name=sft", "dataset.path=[x.jsonl]", "dataset.max_length=99",
               "dataset.preprocessing_num_workers=3", "train.per_device_train_batch_size=5"),
        Path("unused"), "cpu",
    )  # fmt: skip
    assert (made["max_length"], made["dataset_num_proc"], made["per_device_eval_batch_size"]) == (99, 3, 5)


def test_an_option_that_trl_lacks_is_named():
    @dataclass
    class OldConfig:
        seed: int

    with pytest.raises(ConfigError, match=r"OldConfig of TRL [\d.]+ has no entropy_coef and no epsilon"):
        make_arguments(OldConfig, {"seed": 1, "entropy_coef": 0.1, "epsilon": 0.2})
    assert make_arguments(OldConfig, {"seed": 1}).seed == 1


@pytest.mark.parametrize("name", ["gradient_checkpointing", "activation_checkpointing"])
def test_checkpointing_of_activations_has_the_name_of_its_day(name):
    made = make_arguments(
        dataclass(type("Config", (), {"__annotations__": {name: bool}})), {"gradient_checkpointing": True}
    )
    assert getattr(made, name) is True


LORA = ["model.lora.r=4", "model.lora.alpha=8"]


def test_adapters_are_as_configured():
    assert adapters(config()) is None
    made = adapters(config(*LORA, "model.lora.target_modules=[q_proj, v_proj]", "model.lora.dropout=0.1"))
    assert (made.r, made.lora_alpha, made.lora_dropout, made.task_type) == (4, 8, 0.1, "CAUSAL_LM")
    assert set(made.target_modules) == {"q_proj", "v_proj"}
    assert (made.use_rslora, made.use_dora, made.init_lora_weights) == (False, False, True)


@pytest.mark.parametrize(
    ("override", "name", "value"),
    [
        ("model.lora.rslora=true", "use_rslora", True),
        ("model.lora.dora=true", "use_dora", True),
        ("model.lora.pissa=true", "init_lora_weights", "pissa"),
    ],
)
def test_kinds_of_lora_reach_peft(override, name, value):
    assert getattr(adapters(config(*LORA, override)), name) == value


def test_no_second_adapters_are_put_on():
    assert adapters(config(*LORA, "model.backend=unsloth")) is None
    assert adapters(config(*LORA, "model.adapter=somewhere")) is None


def test_a_model_that_scores_has_adapters_of_its_own_kind():
    assert adapters(config(*LORA), "SEQ_CLS").task_type == "SEQ_CLS"


def test_an_optimiser_that_nobody_knows_is_refused_when_the_plan_is_made():
    from envrl.errors import UnknownNameError
    from envrl.workflow.course import Plan

    Plan.of(load_config(None, ["train.optim=adafactor"]).config)
    with pytest.raises(UnknownNameError, match=r"optimiser \(train.optim\) 'adamw_torhc': did you mean adamw_torch"):
        Plan.of(load_config(None, ["train.optim=adamw_torhc"]).config)
