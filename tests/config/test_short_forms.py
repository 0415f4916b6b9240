"""Short forms of groups, former names, and the words of YAML 1.1."""

import pytest


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("env: 2048", "env.id", "2048"),
        ("env: CartPole-v1", "env.id", "CartPole-v1"),
        ("model: org/model", "model.path", "org/model"),
        ("reward: envrl", "reward.preset", "envrl"),
        ("method: rloo", "method.name", "rloo"),
        ("dataset: rows.jsonl", "dataset.path", ["rows.jsonl"]),
        ("dataset: [a.jsonl, b.jsonl]", "dataset.path", ["a.jsonl", "b.jsonl"]),
        ("train: {warmup_ratio: 0.1}", "train.warmup_steps", 0.1),
        ("train: {warmup_ratio: null}", "train.warmup_steps", 0),
        ("train: {overwrite_output_dir: true}", "output.overwrite", True),
        ("output: {overwrite_output_dir: on}", "output.overwrite", True),
        ("train: {bf16: yes}", "train.bf16", True),
        ("train: {bf16: Off}", "train.bf16", False),
        ("eval: {play: on}", "eval.play", True),
        ("output: {name: no}", "output.name", "no"),
        ("output: {name: on}", "output.name", "on"),
        ("env: {options: {mode: on}}", "env.options", {"mode": "on"}),
        ("train: {learning_rate: 1e-5}", "train.learning_rate", 1e-5),
    ],
)
def test_what_is_written_is_what_is_meant(read, text, field, value):
    found = read(text).config
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value


def test_a_short_form_keeps_its_place(read):
    resolved = read("# a comment\nenv: 2048\ntrain:\n  warmup_ratio: 0.1\n", "env.toolkit=none")
    assert resolved.origin["env.id"] == "c.yaml:2"
    assert resolved.origin["train.warmup_steps"] == "c.yaml:4"
    assert resolved.config.env.toolkit == "none"


def test_a_former_name_beside_its_field_is_an_error(errors):
    assert errors("train: {warmup_ratio: 0.1, warmup_steps: 3}") == [
        "c.yaml:1:9: train.warmup_ratio: given twice: train.warmup_steps stands at c.yaml:1:42; keep one of them"
    ]


def test_a_wrong_value_in_a_short_form_is_placed(errors):
    assert errors("method: grpoo") == [
        "c.yaml:1:9: method.name: expected one of 'grpo', 'rloo', 'pt', 'sft', 'reward', 'dpo', 'orpo', 'simpo' or "
        "'kto' ('grpoo' met); did you mean grpo?"
    ]
