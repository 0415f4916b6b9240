"""Overrides as they are typed: options, flags, flat names, and what is wrong with them."""

from pathlib import Path

import pytest

from envrl.config import command_arguments, load_config, override_arguments
from envrl.errors import ConfigError

OPTIONS = ("--env", "--steps", "--seed")


@pytest.mark.parametrize(
    ("tokens", "overrides"),
    [
        (["learning_rate=1e-6"], ["learning_rate=1e-6"]),
        (["--learning_rate", "1e-6"], ["learning_rate=1e-6"]),
        (["--learning_rate=1e-6"], ["learning_rate=1e-6"]),
        (["--learning-rate", "1e-6"], ["learning_rate=1e-6"]),
        (["--train.learning_rate", "1e-6"], ["train.learning_rate=1e-6"]),
        (["--bf16"], ["bf16=true"]),
        (["--bf16", "false"], ["bf16=false"]),
        (["--bf16", "--fp16", "no"], ["bf16=true", "fp16=no"]),
        (["--bf16", "c.yaml"], ["bf16=true", "c.yaml"]),
        (["--overwrite_output_dir"], ["overwrite_output_dir=true"]),
        (["--output.resume", "runs/x"], ["output.resume=runs/x"]),
        (["--output.resume"], ["output.resume=true"]),
        (["--max_steps", "-1"], ["max_steps=-1"]),
        (["--env.options.target", "256"], ["env.options.target=256"]),
        (["--pref_beta", "0.1", "--lora_rank=4"], ["pref_beta=0.1", "lora_rank=4"]),
        (["a.yaml", "x=1", "-"], ["a.yaml", "x=1", "-"]),
        ([], []),
    ],
)
def test_options_become_overrides(tokens, overrides):
    assert override_arguments(tokens, OPTIONS) == overrides


@pytest.mark.parametrize(
    ("tokens", "lines"),
    [
        (["--step", "3"], ["command line: --step: no such option; did you mean --steps or --max_steps?"]),
        (
            ["--lerning_rate", "3"],
            [
                "command line: --lerning_rate: no such option; did you mean --learning_rate or "
                "--train.learning_rate or --pre_sft_learning_rate?"
            ],
        ),
        (
            ["--qqq"],
            [
                "command line: --qqq: no such option; 'envrl train --help' lists the options, docs/configuration.md "
                "every key"
            ],
        ),
        (
            ["--learning_rate"],
            ["command line: --learning_rate: has no value; write --learning_rate VALUE, or learning_rate=VALUE"],
        ),
        (
            ["--learning_rate", "--seeed", "3"],
            [
                "command line: --learning_rate: has no value; write --learning_rate VALUE, or learning_rate=VALUE",
                "command line: --seeed: no such option; did you mean --seed or --seeds?",
            ],
        ),
        (["-x", "3"], None),
        (["--nope.max_steps", "3"], None),
    ],
)
def test_unknown_options_are_errors_with_the_nearest_names(tokens, lines):
    with pytest.raises(ConfigError) as caught:
        override_arguments(tokens, OPTIONS)
    if lines is not None:
        assert str(caught.value).split("\n") == lines


@pytest.mark.parametrize(
    ("tokens", "config", "overrides"),
    [
        (["c.yaml", "--seed", "3"], "c.yaml", ["seed=3"]),
        (["--learning_rate", "1e-6", "c.yaml"], "c.yaml", ["learning_rate=1e-6"]),
        (["seed=3"], None, ["seed=3"]),
        (["odd=name.yaml", "seed=3"], "odd=name.yaml", ["seed=3"]),
        (["c.yaml", "d.yaml"], "c.yaml", ["d.yaml"]),
    ],
)
def test_the_configuration_file_is_found_among_the_arguments(tmp_path, monkeypatch, tokens, config, overrides):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd=name.yaml").touch()
    assert command_arguments(tokens) == (config and Path(config), overrides)


def test_a_name_that_several_groups_have_is_ambiguous(errors):
    assert errors("", "path=x") == [
        "command line: path: several groups have this key; write model.path=… or dataset.path=…"
    ]


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("learning_rate=1e-6", "train.learning_rate", 1e-6),
        ("train.learning_rate=1e-6", "train.learning_rate", 1e-6),
        ("warmup_ratio=0.1", "train.warmup_steps", 0.1),
        ("train.warmup_ratio=0.2", "train.warmup_steps", 0.2),
        ("overwrite_output_dir=true", "output.overwrite", True),
        ("max_prompt_length=300", "method.max_prompt_length", 300),
        ("num_train_epochs=2", "train.epochs", 2),
        ("dataset=a.jsonl,b.jsonl", "dataset.path", ["a.jsonl", "b.jsonl"]),
        ("dataset={path: [c.jsonl]}", "dataset.path", ["c.jsonl"]),
        ("model_name_or_path=org/model", "model.path", "org/model"),
        ("model=org/model", "model.path", "org/model"),
        ("env=2048", "env.id", "2048"),
        ("report_to=wandb", "train.report_to", ["wandb"]),
        ("output_dir=runs/x", "output.name", "x"),
        ("bf16=yes", "train.bf16", True),
        ("max_steps=7", "train.max_steps", 7),
    ],
)
def test_an_override_by_any_of_its_names(read, override, field, value):
    found = read("method: {name: sft}\ndataset: {path: [rows.jsonl]}\n", override).config
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value


def test_an_override_of_a_short_form_keeps_the_rest_of_the_group(read):
    config = read("env: {id: CartPole-v1, episodes: 2}\n", "env=FrozenLake-v1").config
    assert (config.env.id, config.env.episodes) == ("FrozenLake-v1", 2)


def test_flat_and_dotted_overrides_of_one_field_come_in_their_order():
    assert load_config(None, ["train.max_steps=2", "max_steps=3"]).config.train.max_steps == 3
    assert load_config(None, ["max_steps=3", "train.max_steps=2"]).config.train.max_steps == 2


def test_keys_of_llamafactory_that_are_not_done_are_refused_as_overrides_too(errors):
    (line,) = errors("", "use_galore=true")
    assert line.startswith("command line: use_galore: not done by envrl: ")


@pytest.mark.parametrize("text", ["hf_hub_token=s3cret", "model.hf-token=s3cret", "swanlab_api_key=s3cret"])
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(text):
    with pytest.raises(ConfigError, match="is a secret") as error:
        load_config(None, [text])
    assert "s3cret" not in str(error.value)


def test_options_of_an_environment_may_be_called_keys():
    assert load_config(None, ["env.options.door_key=3"]).config.env.options == {"door_key": 3}
