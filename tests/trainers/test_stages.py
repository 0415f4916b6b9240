"""The stages that train on data, on the shipped tiny model with real programs."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.errors import ConfigError, ModelError
from envrl.models import load_model, load_tokenizer, quiet_libraries
from envrl.trainers import dpo, kto, orpo, reward, simpo
from envrl.trainers.agreement import require_same_tokens
from envrl.trainers.experimental import experimental
from envrl.trainers.sft import answers
from envrl.trainers.stages import Stage

DATA = Path(__file__).parents[2] / "configs" / "tiny" / "data"
FILES = {
    "pt": "texts", "sft": "chats", "reward": "pairs", "dpo": "pairs", "orpo": "pairs", "simpo": "pairs",
    "kto": "labels",
}  # fmt: skip
PAIRS = ("reward", "dpo", "orpo", "simpo")
GENTLE = {"sft": ["train.learning_rate=2e-4"]}  # the model knows such programs already


def rows(kind, part="train", count=16):
    lines = (DATA / f"{kind}-{part}.jsonl").read_text().splitlines()
    # Of the labelled ones, good ones stand before bad ones.
    return [json.loads(line) for line in lines[:: max(1, len(lines) // count)][:count]]


class Notes:
    def __init__(self):
        self.steps, self.checkpoints = [], []

    def stepped(self, step, figures):
        self.steps.append((step, dict(figures)))

    def saved(self, step, checkpoint):
        self.checkpoints.append((step, checkpoint))


def state(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all((first[name] == second[name]).all() for name in first)


class Course:
    """A stage with all that there was to see."""

    def __init__(self, name, output, *overrides, train=None, held_out=None):
        import torch

        quiet_libraries()
        torch.set_num_threads(1)
        self.config = load_config(None, [
            f"method.name={name}", "dataset.path=[unused]", "dataset.max_length=160", "train.max_steps=3",
            "train.learning_rate=1e-3", "train.per_device_train_batch_size=4", "train.save_steps=2",
            "train.max_grad_norm=1", *overrides,
        ]).config  # fmt: skip
        self.notes = Notes()
        seed = self.config.train.seed
        self.loaded = load_model(self.config.model, "cpu", seed, chat=False, scores=name == "reward")
        self.before = state(self.loaded.model)
        train = rows(FILES[name]) if train is None else train
        held_out = rows(FILES[name], "eval", 8) if held_out is None else held_out
        self.stage = Stage(self.loaded, self.config, train, held_out, self.notes, output=output, device="cpu")

    def train(self, resume_from=None):
        self.trained = self.stage.train(resume_from)
        return self


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Every stage, evaluated, trained and evaluated again; made when it is first asked for."""
    made = {}

    def course(name):
        if name not in made:
            one = made[name] = Course(name, tmp_path_factory.mktemp(name), *GENTLE.get(name, []))
            one.first = one.stage.evaluate()
            one.train()
            one.last = one.stage.evaluate()
        return made[name]

    return course


@pytest.mark.parametrize("name", FILES)
def test_a_stage_trains_every_parameter_and_tells_of_it(finished, name):
    course = finished(name)
    assert [step for step, _ in course.notes.steps] == [1, 2, 3]
    for _, figures in course.notes.steps:
        assert math.isfinite(figures["loss"])
        assert figures["grad_norm"] > 0
        assert figures["seconds"]["update"] > 0
    assert [step for step, _ in course.notes.checkpoints] == [2, 3], "the last step always has one"
    assert (course.notes.checkpoints[0][1] / "model.safetensors").exists()
    after = course.trained.model.state_dict()
    still = [key for key in course.before if (after[key] == course.before[key]).all()]
    assert not still, "nothing is frozen"


@pytest.mark.parametrize("name", FILES)
def test_the_loss_on_held_out_rows_goes_down(finished, name):
    course = finished(name)
    assert course.first["loss"] > course.last["loss"]
    assert not {"runtime", "epoch", "samples_per_second"} & course.last.keys()
    assert ("accuracy" in course.last) == (name in PAIRS)
    if name in (*PAIRS, "kto"):
        assert course.last["margin"] > course.first["margin"]


def test_what_happened_before_does_not_show_in_the_training(finished, tmp_path):
    import torch

    course = Course("dpo", tmp_path)
    torch.manual_seed(1234)  # the other one was evaluated
    course.train()
    assert same(state(course.trained.model), state(finished("dpo").trained.model))


@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
def test_a_resumed_stage_ends_bit_for_bit_as_the_unbroken_one(finished, tmp_path, name):
    unbroken = finished(name)
    resumed = Course(name, tmp_path, *GENTLE.get(name, [])).train(unbroken.notes.checkpoints[0][1])
    assert same(state(resumed.trained.model), state(unbroken.trained.model))
    assert [step for step, _ in resumed.notes.steps] == [3]
    for key in ("loss", "grad_norm", "learning_rate"):
        assert resumed.notes.steps[0][1][key] == unbroken.notes.steps[2][1][key]


def test_epochs_are_counted_in_steps(tmp_path):
    course = Course("sft", tmp_path, "train.epochs=1.5", "train.gradient_accumulation_steps=3")
    assert course.stage.steps == 3  # 16 rows are 4 batches are 2 steps
    course.train()
    assert [step for step, _ in course.notes.steps] == [1, 2, 3]


def test_a_stream_of_rows_is_trained_on(tmp_path):
    class Stream:
        def __iter__(self):
            return iter(rows("pairs"))

    course = Course("dpo", tmp_path, train=Stream()).train()
    assert [step for step, _ in course.notes.steps] == [1, 2, 3]
    assert not same(state(course.trained.model), course.before)


# what reaches TRL


def arguments(module, name, *overrides):
    config = load_config(None, [f"method.name={name}", "dataset.path=[unused]", "dataset.max_length=160", *overrides])
    return module._arguments(config.config, Path("unused"), "cpu")


def test_settings_of_dpo():
    made = arguments(dpo, "dpo", "method.beta=0.3", "method.ftx=0.5", "method.label_smoothing=0.1")
    assert (made.beta, made.loss_type, made.loss_weights) == (0.3, ["sigmoid", "sft"], [1.0, 0.5])
    assert (made.label_smoothing, made.max_length, made.save_steps) == (0.1, 160, 100)
    plain = arguments(dpo, "dpo", "method.loss_type=ipo")
    assert (plain.beta, plain.loss_type, plain.loss_weights) == (0.1, ["ipo"], None)


def test_settings_of_the_others():
    assert arguments(orpo, "orpo", "method.beta=0.3").beta == 0.3
    made = arguments(simpo, "simpo", "method.gamma=1.2", "method.ftx=0.5")
    assert (made.loss_type, made.beta, made.simpo_gamma, made.cpo_alpha) == ("simpo", 2.0, 1.2, 0.5)
    made = arguments(kto, "kto", "method.chosen_weight=1.5", "method.rejected_weight=0.5")
    assert (made.desirable_weight, made.undesirable_weight, made.loss_type) == (1.5, 0.5, "kto")
    assert arguments(reward, "reward").max_length == 160


def test_kto_mixes_good_rows_and_bad_ones(tmp_path):
    course = Course("kto", tmp_path)
    labels = list(course.stage._trainer.train_dataset["label"])
    assert labels != sorted(labels, reverse=True)
    assert sorted(labels) == sorted(row["label"] for row in rows("labels"))


def test_the_loss_of_fine_tuning_is_as_configured(tmp_path):
    assert Course("sft", tmp_path, "method.loss_type=dft").stage._trainer.args.loss_type == "dft"


def test_fine_tuning_learns_what_the_assistant_says_and_nothing_else(tmp_path):
    course = Course("sft", tmp_path, train=rows("chats", count=4))
    tokenizer = course.loaded.tokenizer
    for row, made in zip(rows("chats", count=4), course.stage._trainer.train_dataset, strict=True):
        learnt = [token for token in made["labels"] if token != -100]
        assert tokenizer.decode(learnt) == row["messages"][-1]["content"] + tokenizer.eos_token


def test_texts_of_pre_training_are_not_cut(tmp_path):
    long = [{"text": " ".join(row["text"] for row in rows("texts"))}]
    course = Course("pt", tmp_path, "dataset.max_length=64", train=long)
    pieces = [list(row["input_ids"]) for row in course.stage._trainer.train_dataset]
    assert {len(piece) for piece in pieces[:-1]} == {64}
    tokenizer = course.loaded.tokenizer
    assert tokenizer.decode([token for piece in pieces for token in piece]) == long[0]["text"] + tokenizer.eos_token


def calling(about, **arguments):
    call = {"type": "function", "function": {"name": "weather", "arguments": arguments}}
    return {
        "prompt": [turn("user", f"How is the weather in {about}?")],
        "completion": [{"role": "assistant", "content": "", "tool_calls": [call]}],
        "tools": json.dumps([{"type": "function", "function": {"name": "weather", "parameters": {}}}]),
    }


class Again:
    """Rows that are read again and again, as a stream is."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(self.rows)


@pytest.mark.parametrize("kind", [list, Again])
def test_calls_of_tools_are_learnt_as_they_stand_in_their_row(tmp_path, monkeypatch, kind):
    made = [
        calling("Rome", city="Rome", days=3),
        calling("Oslo", place="Oslo", days="three"),
        calling("Bern", zone=None, deep={"a": [1, "b"]}),
        {"prompt": [turn("user", "Hello")], "completion": [turn("assistant", "Hi")]},
    ]
    template = (
        "{{ tools | tojson if tools else '' }}{% for m in messages %}{{ m.role }}: {{ m.content }}"
        "{% for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor %}\n{% endfor %}"
    )

    def loaded(*arguments, load=load_model, **options):
        found = load(*arguments, **options)
        found.tokenizer.chat_template = template
        return found

    monkeypatch.setitem(globals(), "load_model", loaded)
    course = Course("sft", tmp_path, "dataset.max_length=2048", train=kind(made))
    tokenizer = course.loaded.tokenizer
    for row, seen in zip(made, course.stage._trainer.train_dataset, strict=True):
        wanted = tokenizer.apply_chat_template(
            row["prompt"] + row["completion"], tools=json.loads(row.get("tools", "null")), tokenize=False
        )
        assert tokenizer.decode(seen["input_ids"]) == wanted


@pytest.mark.parametrize("template", ["null", "none"])
def test_rows_for_a_reward_model_are_those_that_were_counted(tmp_path, template):
    from envrl.data import load_rows

    path = tmp_path / "pairs.jsonl"
    lines = [{"prompt": "9 ", "chosen": "9 " * count, "rejected": "8"} for count in range(20, 60)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    options = [f"dataset.path=[{path}]", f"dataset.template={template}", "dataset.max_length=64"]
    config = load_config(None, ["method.name=reward", *options]).config
    found = load_rows(config.dataset, "reward", tokenizer=load_tokenizer(config.model))
    assert found.dropped.counts["longer than dataset.max_length"] > 3
    held = {"prompt": "9 ", "chosen": "9", "rejected": "8"} if template == "none" else None
    course = Course("reward", tmp_path / "run", *options, train=found.train, held_out=[held] if held else None)
    assert len(course.stage._trainer.train_dataset) == len(found.train), "TRL leaves out no more"


# turns


def turn(role, text):
    return {"role": role, "content": text}


def test_each_turn_of_the_assistant_is_learnt_after_what_stands_before_it():
    talk = [
        turn("system", "s"),
        turn("user", "u1"),
        turn("assistant", "a1"),
        turn("user", "u2"),
        turn("assistant", "a2"),
    ]
    made = list(answers({"messages": talk, "tools": "[]"}))
    assert made == [
        {"prompt": talk[:2], "completion": [talk[2]], "tools": "[]"},
        {"prompt": talk[:4], "completion": [talk[4]], "tools": "[]"},
    ]


def test_a_row_with_a_prompt_stays_as_it_is():
    row = {"prompt": [turn("user", "u")], "completion": [turn("assistant", "a")]}
    assert list(answers(row)) == [row]


# adapters, references


LORA = ["model.lora.r=4", "model.lora.alpha=8"]


@pytest.mark.parametrize("kind", ["rslora", "dora", "pissa"])
def test_adapters_alone_are_trained(tmp_path, kind):
    course = Course("sft", tmp_path, *LORA, f"model.lora.{kind}=true", "train.max_steps=1").train()
    trained = [name for name, value in course.trained.model.named_parameters() if value.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert (course.notes.checkpoints[0][1] / "adapter_model.safetensors").exists()


def test_a_trained_adapter_is_loaded_and_trained_further(tmp_path):
    first = Course("sft", tmp_path / "first", *LORA, "train.max_steps=2").train()
    adapter = first.notes.checkpoints[0][1]
    second = Course("dpo", tmp_path / "second", *LORA, f"model.adapter={adapter}", "train.max_steps=2")
    started = {k: v for k, v in state(second.loaded.model).items() if "lora_B" in k and ".ref." not in k}
    assert all(value.any() for value in started.values()), "it is not a new one"
    second.train()
    ended = state(second.trained.model)
    assert any((ended[name] != value).any() for name, value in started.items())


def test_an_adapter_of_another_rank_or_none_at_all_is_an_error(tmp_path):
    first = Course("sft", tmp_path, *LORA, "train.max_steps=1").train()
    adapter = first.notes.checkpoints[0][1]
    with pytest.raises(ModelError, match=r"model.lora.r is 8, but the adapter .* has rank 4"):
        Course("sft", tmp_path / "x", "model.lora.r=8", "model.lora.alpha=8", f"model.adapter={adapter}")
    with pytest.raises(ModelError, match="not an adapter of 'tiny'"):
        Course("sft", tmp_path / "x", *LORA, f"model.adapter={tmp_path}")


def test_a_named_reference_is_the_reference(finished, tmp_path):
    strong = finished("sft").notes.checkpoints[-1][1]
    course = Course("dpo", tmp_path, f"method.ref_model={strong}", "train.max_steps=1")
    reference = course.stage._trainer.ref_model
    assert not any(value.requires_grad for value in reference.parameters())
    assert same(state(reference), state(finished("sft").trained.model))
    course.train()
    assert same(state(reference), state(finished("sft").trained.model)), "it stays as it is"


def test_an_adapter_of_the_reference_is_merged_into_it(tmp_path):
    first = Course("sft", tmp_path / "first", *LORA, "train.max_steps=2").train()
    adapter = first.notes.checkpoints[0][1]
    course = Course("dpo", tmp_path / "second", f"method.ref_model_adapters={adapter}")
    reference = state(course.stage._trainer.ref_model)
    assert reference.keys() == course.before.keys()
    assert not same(reference, course.before)


# tokens


class Tokens:
    def __init__(self, end="</s>", **vocabulary):
        self.vocabulary = {"</s>": 0, "<end>": 1, **vocabulary}
        self.eos_token, self.eos_token_id = end, self.vocabulary[end]

    def get_vocab(self):
        return self.vocabulary


def test_models_that_cut_text_otherwise_are_refused():
    require_same_tokens(Tokens(a=2), Tokens(a=2), "method.ref_model", "other")
    with pytest.raises(ModelError, match=r"method.ref_model 'other': .* on 1 tokens \('a' is 3 there, 2 here\)"):
        require_same_tokens(Tokens(a=2), Tokens(a=3), "method.ref_model", "other")
    with pytest.raises(ModelError, match=r"\('b' is unknown there, 3 here\)"):
        require_same_tokens(Tokens(a=2, b=3), Tokens(a=2), "method.reward_model", "other")
    with pytest.raises(ModelError, match="its texts end with token '<end>', the trained model's with '</s>'"):
        require_same_tokens(Tokens(a=2), Tokens("<end>", a=2), "method.ref_model", "other")


def test_a_reference_of_another_family_is_refused(tmp_path):
    from envrl.models.tiny.architecture import make_model
    from envrl.models.tiny.recipe import Recipe
    from envrl.models.tiny.tokenizer import make_tokenizer

    tokenizer = make_tokenizer(["other words than those"], 300)
    make_model(Recipe(num_hidden_layers=1), tokenizer).save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError, match=r"method\.ref_model .*other': its tokenizer disagrees"):
        Course("dpo", tmp_path, f"method.ref_model={tmp_path / 'other'}")


def test_a_stage_that_trl_lacks_is_named():
    with pytest.raises(
        ConfigError, match=r"method.name 'orpo': TRL [\d.]+ has no trl.experimental.orpo with GoneTrainer"
    ):
        experimental("orpo", "orpo", "GoneTrainer")
    with pytest.raises(ConfigError, match=r"no trl.experimental.ppo"):
        experimental("ppo", "ppo", "PPOTrainer")
