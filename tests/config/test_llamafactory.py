"""LLaMA-Factory's flat files: every key is taken over, refused with the way out, or told of."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envrl.config import load_config
from envrl.config.fields import all_fields
from envrl.config.llamafactory.elsewhere import REFUSED, TOLD
from envrl.config.llamafactory.names import CONVERTED, MOVED, STAGE_SETTINGS, home, known_names
from envrl.errors import ConfigError

FILES = Path(__file__).parent / "llamafactory"
BASE = "model_name_or_path: org/model\nstage: {stage}\ndataset: rows.jsonl\n"


def flat(stage="sft", **keys):
    return BASE.format(stage=stage) + "".join(f"{key}: {value}\n" for key, value in keys.items())


@pytest.mark.parametrize("name", ["pt", "sft", "llama3_sft", "reward", "dpo", "kto"])
def test_example_files_are_read_as_they_are(name):
    resolved = load_config(FILES / f"{name}.yaml")
    stage = {"llama3_sft": "sft"}.get(name, name)
    assert resolved.config.method.name == stage
    written = re.findall(r"^(\w+):", (FILES / f"{name}.yaml").read_text(), re.MULTILINE)
    silent = set("do_train plot_loss overwrite_cache save_only_model resume_from_checkpoint finetuning_type".split())
    told = {line.split(": ")[1] for line in resolved.warnings}
    lines = {origin for origin in resolved.origin.values() if ".yaml:" in origin}
    for number, text in enumerate((FILES / f"{name}.yaml").read_text().splitlines(), 1):
        key = text.partition(":")[0]
        if key in written and key not in silent | told:
            assert f"{FILES / name}.yaml:{number}" in lines, text


def test_model_and_data_of_an_example_are_replaced_by_overrides():
    config = load_config(
        FILES / "dpo.yaml", ["model_name_or_path=tiny", "dataset=a.jsonl, b.jsonl", "lora_rank=4"]
    ).config
    assert config.model.path == "tiny"
    assert config.dataset.path == ["a.jsonl", "b.jsonl"]
    assert config.dataset.info is None
    assert (config.model.lora.r, config.model.lora.alpha) == (4, 8)


def test_what_the_dpo_example_comes_to():
    config = load_config(FILES / "dpo.yaml").config
    assert (config.method.name, config.method.effective_beta, config.method.effective_loss_type) == (
        "dpo", 0.1, "sigmoid",
    )  # fmt: skip
    assert (config.model.path, config.model.lora.target_modules) == ("Qwen/Qwen3-0.6B", "all-linear")
    assert (config.dataset.path, config.dataset.info, config.dataset.template) == (
        ["comparisons"], "data", "qwen3_nothink",
    )  # fmt: skip
    assert (config.dataset.max_length, config.dataset.max_samples) == (1024, 500)
    assert (config.train.epochs, config.train.warmup_steps, config.train.learning_rate) == (2.0, 0.1, 5e-6)
    assert (config.output.root, config.output.name, config.output.overwrite) == ("saves/qwen3-0.6b/lora", "dpo", True)
    assert config.train.report_to == []
    assert config.output.resume is False


def test_the_resolved_yaml_of_a_flat_file_reads_back_as_the_same_config(tmp_path):
    resolved = load_config(FILES / "dpo.yaml")
    path = tmp_path / "config.yaml"
    path.write_text(resolved.to_yaml())
    again = load_config(path)
    assert again.config == resolved.config
    assert again.warnings == ()


def test_defaults_are_those_of_llamafactory_and_say_so(read):
    resolved = read(flat("dpo"))
    train = resolved.config.train
    assert (train.learning_rate, train.lr_scheduler_type, train.epochs) == (5e-5, "linear", 3.0)
    assert (train.seed, train.logging_steps, train.save_steps) == (42, 500, 500)
    assert train.gradient_checkpointing
    assert (resolved.config.model.lora.r, resolved.config.model.lora.alpha) == (8, 16)
    assert resolved.config.method.beta == 0.1
    assert resolved.origin["train.learning_rate"] == "LLaMA-Factory's default"
    assert resolved.origin["model.lora.alpha"] == "LLaMA-Factory's default"
    assert resolved.origin["model.path"] == "c.yaml:1"


def test_the_defaults_hold_for_simpo_too_whose_usual_beta_is_another(read):
    method = read(flat("dpo", pref_loss="simpo")).config.method
    assert (method.name, method.effective_beta, method.effective_gamma) == ("simpo", 0.1, 0.5)


@pytest.mark.parametrize(
    ("keys", "field", "value"),
    [
        ({"learning_rate": "1e-5"}, "train.learning_rate", 1e-5),
        ({"learning_rate": "1.0e-5"}, "train.learning_rate", 1e-5),
        ({"bf16": "yes"}, "train.bf16", True),
        ({"bf16": "off"}, "train.bf16", False),
        ({"max_steps": "-1"}, "train.epochs", 3.0),
        ({"max_steps": "20"}, "train.max_steps", 20),
        ({"max_steps": "20"}, "train.epochs", None),
        ({"warmup_ratio": "0.1"}, "train.warmup_steps", 0.1),
        ({"warmup_ratio": "0.1", "warmup_steps": "7"}, "train.warmup_steps", 7),
        ({"warmup_ratio": "0.1", "warmup_steps": "0"}, "train.warmup_steps", 0.1),
        ({"report_to": "none"}, "train.report_to", []),
        ({"report_to": "wandb"}, "train.report_to", ["wandb"]),
        ({"report_to": "[wandb, mlflow]"}, "train.report_to", ["wandb", "mlflow"]),
        ({"eval_dataset": "a.json,b.json"}, "dataset.eval_path", ["a.json", "b.json"]),
        ({"val_size": "0.1"}, "dataset.val_size", 0.1),
        ({"val_size": "100"}, "dataset.val_size", 100),
        ({"dataset_dir": "corpora"}, "dataset.info", "corpora"),
        ({"mix_strategy": "interleave_over"}, "dataset.mix_strategy", "interleave_over"),
        ({"finetuning_type": "full"}, "model.lora", None),
        ({"lora_rank": "16"}, "model.lora.alpha", 32),
        ({"lora_rank": "16", "lora_alpha": "8"}, "model.lora.alpha", 8),
        ({"lora_target": "q_proj,v_proj"}, "model.lora.target_modules", ["q_proj", "v_proj"]),
        ({"lora_target": "all"}, "model.lora.target_modules", "all-linear"),
        ({"use_rslora": "true"}, "model.lora.rslora", True),
        ({"use_dora": "true"}, "model.lora.dora", True),
        ({"pissa_init": "true"}, "model.lora.pissa", True),
        ({"adapter_name_or_path": "saves/x"}, "model.adapter", "saves/x"),
        ({"quantization_bit": "4"}, "model.load_in_4bit", True),
        ({"quantization_bit": "8"}, "model.load_in_8bit", True),
        ({"use_unsloth": "true"}, "model.backend", "unsloth"),
        ({"pure_bf16": "true"}, "model.dtype", "bfloat16"),
        ({"disable_gradient_checkpointing": "true"}, "train.gradient_checkpointing", False),
        ({"use_dft_loss": "true"}, "method.loss_type", "dft"),
        ({"use_cpu": "true"}, "train.device", "cpu"),
        ({"top_k": "0"}, "method.top_k", None),
        ({"top_k": "50"}, "method.top_k", 50),
        ({"max_new_tokens": "512"}, "method.max_completion_length", 512),
        ({"output_dir": "out"}, "output.root", "."),
        ({"output_dir": "out"}, "output.name", "out"),
        ({"output_dir": "/data/saves/run-1/"}, "output.root", "/data/saves"),
        ({"output_dir": "/data/saves/run-1/"}, "output.name", "run-1"),
        ({"output_dir": "saves/x", "resume_from_checkpoint": "true"}, "output.resume", True),
        ({"resume_from_checkpoint": "saves/x"}, "output.resume", "saves/x"),
        ({"ddp_timeout": "60"}, "train.ddp_timeout", 60),
    ],
)  # fmt: skip
def test_a_key_becomes_a_field(read, keys, field, value):
    found = read(flat(**keys)).config
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("stage", "keys", "field", "value"),
    [
        ("rm", {}, "name", "reward"),
        ("pt", {}, "name", "pt"),
        ("grpo", {}, "name", "grpo"),
        ("dpo", {"pref_loss": "hinge"}, "loss_type", "hinge"),
        ("dpo", {"pref_loss": "orpo"}, "name", "orpo"),
        ("dpo", {"pref_ftx": "0.5"}, "ftx", 0.5),
        ("dpo", {"dpo_label_smoothing": "0.1"}, "label_smoothing", 0.1),
        ("dpo", {"pref_loss": "simpo", "simpo_gamma": "1.0"}, "gamma", 1.0),
        ("dpo", {"ref_model": "org/base"}, "ref_model", "org/base"),
        ("dpo", {"ref_model_adapters": "saves/x"}, "ref_model_adapters", "saves/x"),
        ("dpo", {"ref_model": "org/base", "ref_model_quantization_bit": "8"}, "ref_model_quantization_bit", 8),
        ("kto", {"kto_chosen_weight": "2.0"}, "chosen_weight", 2.0),
        ("kto", {"kto_rejected_weight": "0.5"}, "rejected_weight", 0.5),
        ("grpo", {"reward_model": "saves/judge", "reward_model_type": "lora"}, "reward_model_type", "lora"),
    ],
)  # fmt: skip
def test_a_key_of_a_stage_becomes_a_field_of_method(read, stage, keys, field, value):
    if stage == "grpo":
        text = flat(stage, **keys).replace("dataset: rows.jsonl\n", "env: 2048\n")
    else:
        text = flat(stage, **keys)
    assert getattr(read(text).config.method, field) == value


@pytest.mark.parametrize(
    ("stage", "keys", "line"),
    [
        (
            "ppo",
            {},
            "c.yaml:2:8: stage: PPO is gone from TRL; write stage: grpo or stage: rloo, which learn from rewards "
            "without a model of values",
        ),
        ("dop", {}, "c.yaml:2:8: stage: unknown stage ('dop' met); write one of rm, pt, sft, reward, dpo, kto, orpo, "
         "simpo, grpo, rloo"),
        (
            "dpo",
            {"pref_loss": "kto_pair"},
            "c.yaml:4:12: pref_loss: kto is a stage of its own; write stage: kto and give rows with a label, or "
            "pref_loss: sigmoid",
        ),
        ("dpo", {"pref_loss": "x"}, "c.yaml:4:12: pref_loss: unknown loss ('x' met); write one of sigmoid, hinge, ipo, "
         "orpo, simpo"),
        (
            "sft",
            {"finetuning_type": "oft"},
            "c.yaml:4:18: finetuning_type: not done by envrl (oft met); write lora (adapters) or full",
        ),
        ("sft", {"quantization_bit": "3"}, "c.yaml:4:19: quantization_bit: weights are quantized to 4 or 8 bits "
         "(3 met)"),
        (
            "sft",
            {"finetuning_type": "full", "pissa_init": "true"},
            "c.yaml:5:13: pissa_init: only adapters have it; write finetuning_type: lora, or remove it",
        ),
        (
            "sft",
            {"adapter_name_or_path": "a,b"},
            "c.yaml:4:23: adapter_name_or_path: one adapter can be trained on (2 met); merge the others into the model "
            "first",
        ),
        (
            "sft",
            {"resume_from_checkpoint": "saves/x/checkpoint-500"},
            "c.yaml:4:25: resume_from_checkpoint: a run goes on from its last complete checkpoint "
            "('saves/x/checkpoint-500' met); write the folder of the run, or true",
        ),
        ("sft", {"output_dir": "/"}, "c.yaml:4:13: output_dir: names no folder of its own ('/' met); write runs/NAME"),
        (
            "sft",
            {"ppo_epochs": "4"},
            "c.yaml:4:13: ppo_epochs: not done by envrl: PPO is gone from TRL; remove it, and use stage: grpo or "
            "stage: rloo, which need no model of values",
        ),
        (
            "sft",
            {"use_galore": "true"},
            "c.yaml:4:13: use_galore: not done by envrl: envrl trains with the optimisers of transformers; remove it, "
            "and name one by optim",
        ),
        (
            "sft",
            {"packing": "true"},
            "c.yaml:4:10: packing: not done by envrl: rows of stage sft are sequences of their own; remove it",
        ),
        (
            "pt",
            {"packing": "false"},
            "c.yaml:4:10: packing: not done by envrl: rows of stage pt are packed into pieces of equal length; "
            "remove it",
        ),
        ("sft", {"lora_rnk": "4"}, "c.yaml:4:1: lora_rnk: unknown key of LLaMA-Factory; did you mean lora_rank or "
         "local_rank or lora_target?"),
        # constraints of the schema, under the names that were written
        (
            "sft",
            {"finetuning_type": "full", "quantization_bit": "4"},
            "c.yaml:5:19: quantization_bit (model.load_in_4bit): quantized weights cannot be trained themselves; add "
            "adapters, for example model.lora: {r: 16, alpha: 32}",
        ),
        (
            "dpo",
            {"pref_loss": "ipo", "dpo_label_smoothing": "0.1"},
            "c.yaml:5:22: dpo_label_smoothing (method.label_smoothing): loss ipo does not smooth labels (0.1 met); set "
            "it to 0, or set method.loss_type to sigmoid",
        ),
        (
            "dpo",
            {"pref_loss": "orpo", "ref_model": "org/base"},
            "c.yaml:5:12: method.ref_model: orpo does not use it (only dpo and kto do; orpo and simpo have no "
            "reference model, and that of grpo and rloo is the start); remove it, or set method.name to dpo or kto",
        ),
        (
            "dpo",
            {"ref_model_quantization_bit": "3"},
            "c.yaml:4:29: method.ref_model_quantization_bit: expected one of 4 or 8 (3 met); meaning: bits that the "
            "reference model is quantized to; null is none",
        ),
        ("sft", {"learning_rate": "fast"}, "c.yaml:4:16: train.learning_rate: expected a number ('fast' met); write "
         "for example learning_rate: 5e-06"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_the_way_out(errors, stage, keys, line):
    (said,) = errors(flat(stage, **keys))
    assert said == line


def test_where_a_default_breaks_a_constraint_the_other_side_is_named(errors):
    assert errors(flat(streaming="true")) == [
        "c.yaml:4:12: dataset.streaming: a stream has no end that is known, so 3 passes over it cannot be planned; set "
        "train.max_steps (and epochs to null), or dataset.streaming to false"
    ]


@pytest.mark.parametrize(
    ("stage", "keys", "line"),
    [
        ("sft", {"enable_liger_kernel": "true"}, "c.yaml:4:1: enable_liger_kernel: not done by envrl: Liger's kernels "
         "are not used; only speed would differ"),
        ("sft", {"swanlab_mode": "cloud"}, "c.yaml:4:1: swanlab_mode: not done by envrl: SwanLab is reached by "
         "report_to: swanlab, and set up by its own variables"),
        ("sft", {"save_only_model": "true"}, "c.yaml:4:1: save_only_model: not done by envrl: checkpoints come every "
         "save_steps and after the last step, each with what resuming needs"),
        ("sft", {"pref_beta": "0.3"}, "c.yaml:4:1: pref_beta: stage sft does not use it"),
        ("kto", {"pref_loss": "ipo"}, "c.yaml:4:1: pref_loss: stage kto does not use it"),
        ("sft", {"finetuning_type": "full", "lora_rank": "8", "learning_rate": "1e-5"},
         "c.yaml:5:1: lora_rank: only adapters have it, and the whole model is trained"),
        ("sft", {"max_steps": "30", "num_train_epochs": "2.0", "save_steps": "10"},
         "c.yaml:5:1: num_train_epochs: max_steps comes before it"),
        ("sft", {"warmup_steps": "3", "warmup_ratio": "0.1"}, "c.yaml:5:1: warmup_ratio: warmup_steps comes before it"),
    ],
)  # fmt: skip
def test_what_is_not_done_is_told_key_by_key(read, stage, keys, line):
    keys = {"learning_rate": "5e-6" if stage == "kto" else "1e-4"} | keys
    written = {key: value for key, value in keys.items() if key != "learning_rate"}
    text = flat(stage, **written) + f"learning_rate: {keys['learning_rate']}\n"
    assert read(text).warnings == (line,)


@pytest.mark.parametrize(
    "text",
    [
        "pref_beta: 0.1",
        "pref_loss: sigmoid",
        "plot_loss: true",
        "use_galore: false",
        "overwrite_cache: true",
        "swanlab_mode: null",
        "flash_attn: auto",
        "ppo_target: null",
    ],
)
def test_what_asks_for_nothing_else_than_envrl_does_is_silent(read, text):
    assert read(flat("sft", learning_rate="1e-4") + text + "\n").warnings == ()


def test_kto_in_batches_of_one_is_cut_another_way(read):
    resolved = read(flat("kto", learning_rate="5e-6", per_device_train_batch_size=1, gradient_accumulation_steps=8))
    train = resolved.config.train
    assert (train.per_device_train_batch_size, train.gradient_accumulation_steps) == (2, 4)
    assert resolved.warnings == (
        "c.yaml:5:1: per_device_train_batch_size: kto compares rows of one batch: 1 × 8 is taken as 2 × 4, a step of "
        "the same size",
    )


def test_kto_in_batches_of_one_that_cannot_be_cut_is_an_error(errors):
    (line,) = errors(flat("kto", per_device_train_batch_size=1, gradient_accumulation_steps=3))
    assert line.startswith("c.yaml:4:30: train.per_device_train_batch_size: kto compares rows of one batch")


def test_groups_of_ours_may_stand_in_a_flat_file(read, errors):
    config = read(
        "model_name_or_path: tiny\nstage: grpo\nenv: {id: 2048, episodes: 2}\nsandbox:\n  workers: 1\n"
    ).config
    assert (config.env.episodes, config.sandbox.workers, config.method.name) == (2, 1, "grpo")
    assert config.train.epochs is None
    assert errors(flat() + "train: {seed: 3}\nseed: 4\n") == [
        "c.yaml:5:1: seed: given twice: train.seed stands at c.yaml:4:15; keep one of them"
    ]


def test_steps_of_the_command_line_come_before_epochs_of_the_file(read):
    for override in ("max_steps=5", "train.max_steps=5"):
        train = read(flat(), override, "save_steps=2").config.train
        assert (train.max_steps, train.epochs) == (5, None)
    assert read(flat(), "max_steps=5", "train.epochs=2").config.train.epochs == 2


def test_all_problems_of_a_flat_file_come_at_once(errors):
    lines = errors(flat("ppo", learning_rate="x", ppo_epochs=4, bf16="true", fp16="true") + "nope: 1\n", "lora_rank=0")
    assert [line.split(": ")[:2] for line in lines] == [
        ["c.yaml:2:8", "stage"],
        ["c.yaml:4:16", "train.learning_rate"],
        ["c.yaml:5:13", "ppo_epochs"],
        ["c.yaml:7:7", "train.fp16"],
        ["c.yaml:8:1", "nope"],
        ["command line", "lora_rank (model.lora.r)"],
    ]


def test_tables_of_names_do_not_overlap_and_their_fields_exist():
    tables = [set(MOVED), set(CONVERTED), set(STAGE_SETTINGS), set(TOLD), set(REFUSED)]
    assert sum(map(len, tables)) == len(set().union(*tables))
    fields = [*MOVED.values(), *(setting.field for setting in STAGE_SETTINGS.values())]
    fields += [found for name in known_names() if (found := home(name))]
    assert set(fields) <= set(all_fields())


def test_names_of_llamafactory_are_explained_in_a_file_with_groups(errors):
    assert errors("train: {num_train_epochs: 3}") == [
        "c.yaml:1:9: train.num_train_epochs: unknown key (3 met); here it is train.epochs"
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(known_names()) | st.text("abcdefgh_", min_size=1, max_size=8),
        st.sampled_from(
            ["1", "0", "-1", "0.5", "1e-5", "true", "off", "null", "x", "''", "[a, b]", "{a: 1}", "a/b.json"]
        ),
        max_size=8,
    )
)
def test_every_key_is_read_told_of_or_refused(tmp_path, keys):
    path = tmp_path / "c.yaml"
    base = {"model_name_or_path": "org/model", "stage": "sft", "dataset": "rows.jsonl"}
    path.write_text("".join(f"{key}: {value}\n" for key, value in (base | keys).items()))
    said = ""
    try:
        load_config(path)
    except ConfigError as error:
        said = str(error)
    for line in said.splitlines():
        assert re.match(r"(.*c\.yaml:\d+:\d+|LLaMA-Factory's default|default): ", line)


def test_a_stage_that_is_a_list_is_an_error_of_its_line(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("model_name_or_path: tiny\nstage: [dpo]\ndataset: x.jsonl\n")
    with pytest.raises(ConfigError, match=r"c.yaml:2:8: stage: unknown stage"):
        load_config(path)
