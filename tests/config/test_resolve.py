"""Resolving: file, overrides and defaults, and every message that a mistake earns."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.config import load_config
from envrl.config.document import parse_value, plain
from envrl.config.emit import emit_value

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"


def test_without_a_file_all_is_default():
    resolved = load_config()
    assert set(resolved.origin.values()) == {"default"}


def test_the_recipe_of_the_embedded_default():
    config = load_config(RECIPE).config
    assert config.env.id == "2048"
    assert config.env.options == {"target": 512}
    assert config.method.num_generations == config.train.per_device_train_batch_size == 64
    assert config.train.learning_rate == 2e-4
    assert config.train.torch_threads == 1


def test_overrides_go_over_the_file_and_each_value_knows_its_origin():
    resolved = load_config(RECIPE, ["train.max_steps=7", "learning_rate=1e-6", "env.options.size=6", "model.lora.r=4",
                                    "model.lora.alpha=8"])  # fmt: skip
    assert resolved.config.train.max_steps == 7
    assert resolved.config.train.learning_rate == 1e-6
    assert resolved.config.env.options == {"target": 512, "size": 6}
    assert resolved.config.model.lora.r == 4
    origin = resolved.origin
    assert origin["train.max_steps"] == origin["env.options.size"] == origin["model.lora.r"] == "command line"
    assert origin["env.options.target"].startswith(f"{RECIPE}:")
    assert origin["model.lora.dropout"] == origin["output.root"] == "default"


def test_the_last_override_of_a_key_wins_and_values_are_yaml():
    config = load_config(None, ["max_steps=1", "train.max_steps=2", "report_to=[wandb, 'x y']", "top_k=null"]).config
    assert config.train.max_steps == 2
    assert config.train.report_to == ["wandb", "x y"]
    assert config.method.top_k is None


@pytest.mark.parametrize("override", ["env.id=2048", "output.name=2048", "eval.seeds=32", "model.path=123"])
def test_whole_numbers_that_are_names_become_text(override):
    group, key = override.partition("=")[0].split(".")
    value = getattr(getattr(load_config(None, [override]).config, group), key)
    assert value == override.partition("=")[2]


def test_a_group_without_keys_is_empty(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("train:\n  # max_steps: 3\nenv:\n")
    assert load_config(path).config.train.max_steps == load_config().config.train.max_steps


def test_the_resolved_yaml_reads_back_as_the_same_config(tmp_path):
    resolved = load_config(
        RECIPE, ["env.options={a: 'x: # y', b: 1.0, c: 'true', d: '', e: 'é'}", "model.lora={r: 8, alpha: 16}"]
    )
    path = tmp_path / "config.yaml"
    path.write_text(resolved.to_yaml())
    assert load_config(path).config == resolved.config
    assert f"  max_steps: 100  # {RECIPE}:" in resolved.to_yaml()
    assert "  weight_decay: 0.0  # default\n" in resolved.to_yaml()


@settings(deadline=None)
@given(
    st.one_of(
        st.text(),
        st.integers(),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.lists(st.text()),
    )
)
def test_any_emitted_value_reads_back(value):
    node, problems = parse_value(emit_value(value), "test", "field")
    assert not problems
    assert plain(node) == value
    assert type(plain(node)) is type(value)


def test_an_unknown_key_is_placed_and_its_neighbours_named(errors):
    assert errors("train:\n  max_step: 3\n") == [
        "c.yaml:2:3: train.max_step: unknown key (3 met); did you mean max_steps or save_steps or smoke_steps?"
    ]


def test_an_unknown_key_of_another_group_is_sent_there(errors):
    assert errors("model:\n  learning_rate: 3e-4\n") == [
        "c.yaml:2:3: model.learning_rate: unknown key (0.0003 met); learning_rate belongs in group train"
    ]
    assert errors("model:\n  lerning_rate: 1\n") == [
        "c.yaml:2:3: model.lerning_rate: unknown key (1 met); did you mean train.learning_rate or "
        "method.pre_sft_learning_rate?"
    ]
    assert errors("max_steps: 3\n") == ["c.yaml:1:1: max_steps: unknown key (3 met); max_steps belongs in group train"]
    assert errors("train.max_steps: 3\n") == [
        "c.yaml:1:1: train.max_steps: unknown key (3 met); max_steps belongs in group train"
    ]


def test_an_unknown_key_like_no_other_gets_the_list(errors):
    (line,) = errors("reward:\n  zzz: 3\n")
    assert (
        line == "c.yaml:2:3: reward.zzz: unknown key (3 met); remove it (group reward knows preset, weights, functions)"
    )
    (line,) = errors("zzz: 3\n")
    assert line.endswith("remove it (the groups are model, env, dataset, reward, method, train, sandbox, eval, output)")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "train: {max_steps: abc}",
            "train.max_steps: expected a whole number ('abc' met); write for example max_steps: 100",
        ),
        (
            "train: {max_steps: 1.5}",
            "train.max_steps: expected a whole number (1.5 met); write for example max_steps: 100",
        ),
        ("train: {bf16: maybe}", "train.bf16: expected true or false ('maybe' met); write for example bf16: false"),
        ("train: {report_to: wandb}", "train.report_to: expected a list ('wandb' met); write report_to: [wandb]"),
        (
            "method: {epsilon: .inf}",
            "method.epsilon: expected a finite number (inf met); write for example epsilon: 0.2",
        ),
        (
            "model: {lora: {r: 8, alpha: 0.5}}",
            "model.lora.alpha: expected a whole number (0.5 met); meaning: scale of the adapters, divided by r",
        ),
        ("output: {root: ''}", "output.root: must not be empty ('' met); meaning: folder that holds runs"),
        ("model: {lora: 8}", "model.lora: expected a group of keys (8 met); write lora: {r: 8}"),
        ("train: 2048", "train: expected a group of keys (2048 met); write train: {max_steps: 2048}"),
        (
            "sandbox: {workers: [1]}",
            "sandbox.workers: expected a whole number (a list met); meaning: referee processes; null is one a core",
        ),
        (
            "model: {backend: unslot}",
            "model.backend: expected one of 'transformers' or 'unsloth' ('unslot' met); did you mean unsloth?",
        ),
        (
            "model: {backend: 7}",
            "model.backend: expected one of 'transformers' or 'unsloth' (7 met); write one of transformers, unsloth",
        ),
        (
            "method: {num_generations: 1}",
            "method.num_generations: must be at least 2 (1 met); meaning: completions of a group, compared with "
            "one another",
        ),
        (
            "env: {options: {a: [1]}}",
            "env.options.a: expected a whole number or a number or text or true or false (a list met); write for "
            "example options: {}",
        ),
        (
            "eval: {seeds: x}",
            "eval.seeds: seeds 'x': write a count such as 200, or a range such as 0:1000 ('x' met); meaning: "
            "indices of the seeds that each program plays",
        ),
    ],
)
def test_a_wrong_value_says_what_was_expected(errors, text, line):
    (met,) = errors(text)
    place, _, rest = met.partition(": ")
    assert place.startswith("c.yaml:1:")
    assert rest == line


def test_a_missing_key_and_a_bad_key(errors):
    assert errors("model:\n  lora: {alpha: 3}\n") == [
        "c.yaml:2:9: model.lora.r: is missing; meaning: rank of the adapters"
    ]
    assert errors("reward:\n  weights: {a b: 1}\n") == [
        "c.yaml:2:13: reward.weights.a b: a key must be a plain name (letters, digits and _); rename it"
    ]


def test_a_wrong_value_that_its_group_cannot_be_without(errors):
    assert errors("model:\n  lora: {r: 0, alpha: 8}\ntrain: {bf16: true, fp16: true}\n") == [
        "c.yaml:2:13: model.lora.r: must be at least 1 (0 met); meaning: rank of the adapters",
        "c.yaml:3:27: train.fp16: bf16 and fp16 exclude each other (both are true); set one of them to false",
    ]


def test_control_characters_of_a_value_are_shown_escaped(errors):
    (line,) = errors('train: {max_steps: "\\e[31m"}')
    assert "'\\x1b[31m'" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("foo", "command line: expected key=value ('foo' met); write for example train.max_steps=80"),
        ("name=x", "command line: name: several groups have this key; write method.name=… or output.name=…"),
        (
            "max_stepz=3",
            "command line: max_stepz: unknown key (3 met); did you mean train.max_steps or train.save_steps or "
            "train.smoke_steps?",
        ),
        ("trian.max_steps=3", "command line: trian: unknown key (a group of keys met); did you mean train?"),
        (
            "max_steps=[",
            "command line: max_steps: not YAML: while parsing a flow node expected the node content, but found "
            "'<stream end>'; check the indentation, and quote text that holds : # or brackets",
        ),
        (
            "max_steps=x",
            "command line: train.max_steps: expected a whole number ('x' met); write for example max_steps: 100",
        ),
    ],
)
def test_a_wrong_override_is_named(errors, override, line):
    assert errors("", override) == [line]


def test_an_override_within_a_group_that_the_file_spoilt(errors):
    assert errors("train: 7", "train.max_steps=3") == [
        "c.yaml:1:8: train: expected a group of keys (7 met); write train: {max_steps: 7}",
        "command line: train.max_steps: train was given as one value at c.yaml:1:8; give it as a group",
    ]


def test_all_errors_come_at_once_in_the_order_of_the_file(errors):
    lines = errors(
        "train:\n  fp16: true\n  max_steps: x\n  bf16: true\n  max_steps: 4\nmodel: {pth: a}\n",
        "learning_rate=2",
        "nope=1",
    )
    assert [line.split(": ")[:2] for line in lines] == [
        ["c.yaml:2:9", "train.fp16"],
        ["c.yaml:3:14", "train.max_steps"],
        ["c.yaml:5:3", "train.max_steps"],
        ["c.yaml:6:9", "model.pth"],
        ["command line", "nope"],
        ["command line", "train.learning_rate"],
    ]


def test_constraints_are_silent_about_fields_that_are_wrong_themselves(errors):
    (line,) = errors("train: {per_device_train_batch_size: x}\nmethod: {num_generations: 6}")
    assert "expected a whole number" in line


def test_saving_less_often_than_the_run_is_long_is_allowed():
    assert load_config(None, ["max_steps=3", "save_steps=500"]).config.train.save_steps == 500


def test_importing_the_config_loads_nothing_heavy():
    code = "import sys, envrl.config; print([m for m in ('torch', 'numpy', 'scipy', 'gymnasium') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
