"""What is told and never refused: rates and batches far outside what is usual, checkpoints that do not come."""

from pathlib import Path

import pytest

from envrl.config import STAGE_LOSSES, load_config
from envrl.config.cautions import _FAR, _RATES

CONFIGS = Path(__file__).parents[2] / "configs"
DATA = "dataset.path=[rows.jsonl]"
LORA = "model.lora={r: 8, alpha: 16}"


def warnings(*overrides):
    return load_config(None, ["model.path=org/model", "train.learning_rate=5e-6", *overrides]).warnings


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["learning_rate=2e-3", LORA],
            "train.learning_rate: 0.002 is far above what grpo of adapters is known to bear; usual is 1e-06 to 0.0002",
        ),
        (
            ["learning_rate=2e-4"],
            "train.learning_rate: 0.0002 is far above what grpo of a whole model is known to bear; usual is 5e-07 to "
            "1e-05",
        ),
        (
            ["method.name=sft", DATA, LORA, "learning_rate=1e-6"],
            "train.learning_rate: 1e-06 is far below what sft of adapters is known to bear; usual is 5e-05 to 0.0005",
        ),
        (
            ["method.name=dpo", DATA, LORA, "learning_rate=1e-3"],
            "train.learning_rate: 0.001 is far above what dpo of adapters is known to bear; usual is 5e-07 to 2e-05",
        ),
        (
            ["model.path=tiny", "learning_rate=1e-3"],
            "train.learning_rate: 0.001 is far above what grpo of the tiny model is known to bear; usual is 1e-05 to "
            "0.0004",
        ),
        (
            ["per_device_train_batch_size=4096"],
            "train.per_device_train_batch_size: 4096 completions a step (4096 × 1) are far more than grpo is known "
            "with; usual is 2 to 1024 on one device",
        ),
        (
            ["method.name=dpo", DATA, "per_device_train_batch_size=1"],
            "train.per_device_train_batch_size: 1 rows a step (1 × 1) are far fewer than dpo is known with; usual is 2 "
            "to 512 on one device",
        ),
        (
            ["train.save_steps=50", "max_steps=20"],
            "train.save_steps: a checkpoint every 50 steps lies beyond a run of 20: only the last step leaves one, and "
            "a run that is stopped before starts anew; set save_steps to 10 or so",
        ),
        ([DATA], "dataset.path: grpo learns from play; only stages that do not play train on data"),
    ],
)
def test_what_is_unusual_is_told(overrides, line):
    assert warnings(*overrides) == (f"command line: {line}",)


@pytest.mark.parametrize("stage", STAGE_LOSSES)
@pytest.mark.parametrize("adapters", [True, False])
def test_the_usual_range_of_every_stage_is_silent_and_far_outside_is_not(stage, adapters):
    low, high = _RATES[stage][0 if adapters else 1]
    base = [f"method.name={stage}", *([LORA] if adapters else [])]
    base += [] if stage in ("grpo", "rloo") else [DATA]
    for rate in (low, (low * high) ** 0.5, high):
        assert warnings(*base, f"train.learning_rate={rate!r}") == ()
    for rate in (low / _FAR / 1.1, high * _FAR * 1.1):
        (line,) = warnings(*base, f"train.learning_rate={rate!r}")
        assert f"usual is {low:g} to {high:g}" in line


def test_a_default_is_not_warned_of_where_nothing_was_written():
    assert load_config(None, ["train.learning_rate=1e-4", "train.max_steps=5"]).warnings == ()


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_recipe_of_ours_is_warned_of(path):
    assert load_config(path).warnings == ()


def test_a_warning_stands_at_the_line_that_it_is_about(read):
    (line,) = read("train:\n  learning_rate: 0.5\n").warnings
    assert line.startswith("c.yaml:2:18: train.learning_rate: 0.5 is far above")
