"""Constraints between fields: each has its message, and every mend that a message names is one."""

import pytest

from envrl.config import load_config
from envrl.config.constraints import violations
from envrl.config.schema import STAGE_LOSSES, RunConfig
from envrl.errors import ConfigError

DATA = "dataset.path=[rows.jsonl]"
LORA = "model.lora={r: 8, alpha: 16}"
PISSA = "model.lora={r: 8, alpha: 16, pissa: true}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "train: {per_device_train_batch_size: 1, gradient_accumulation_steps: 4}\nmethod: {num_generations: 6}",
            "c.yaml:2:27: method.num_generations: a batch of 1 × 4 = 4 completions does not divide into groups of 6; "
            "set method.num_generations to 2 or 4, or set train.per_device_train_batch_size to 3 or 6 or 9",
        ),
        (
            "method: {num_generations: 4, steps_per_generation: 1}\ntrain: {per_device_train_batch_size: 1}",
            "c.yaml:1:27: method.num_generations: a batch of 1 × 1 = 1 completions does not divide into groups of 4; "
            "set train.per_device_train_batch_size to 4 or 8 or 12",
        ),
        (
            "train: {per_device_train_batch_size: 9}",
            "c.yaml:1:38: train.per_device_train_batch_size: a batch of 9 × 1 = 9 completions does not divide into "
            "groups of 8; set method.num_generations to 3 or 9, "
            "or set train.per_device_train_batch_size to 8 or 16 or 24",
        ),
        (
            "train: {bf16: true, fp16: true}",
            "c.yaml:1:27: train.fp16: bf16 and fp16 exclude each other (both are true); set one of them to false",
        ),
        (
            "train: {warmup_steps: 30, max_steps: 20}",
            "c.yaml:1:23: train.warmup_steps: a warm-up of 30 steps is longer than the run of 20; "
            "set warmup_steps to at most 20, or train for more than 30 steps",
        ),
        (
            "model: {load_in_4bit: true}",
            "c.yaml:1:23: model.load_in_4bit: quantized weights cannot be trained themselves; "
            "add adapters, for example model.lora: {r: 16, alpha: 32}",
        ),
        (
            "eval: {block: validation}",
            "c.yaml:1:15: eval.block: seeds 0:32 of block validation overlap those that choose the best program "
            "(0:96); set eval.validation_seeds to 32:128, or eval.block to test",
        ),
    ],
)
def test_constraints_between_fields_give_the_mend(errors, text, line):
    assert errors(text) == [line]


def test_the_mends_of_the_batch_constraint_work():
    base = ["gradient_accumulation_steps=4", "per_device_train_batch_size=1", "num_generations=6"]
    for mend in (
        "num_generations=2",
        "num_generations=4",
        "per_device_train_batch_size=3",
        "per_device_train_batch_size=9",
    ):
        load_config(None, [*base, mend])


# (what is asked for, what is said, ways out that were named)
BROKEN = [
    # stages
    (
        ["method.name=dpo"],
        "method.name: dpo trains on data and is given none; name a file, a folder or a Hugging Face id, such as "
        "dataset.path: [rows.jsonl]",
        [[DATA]],
    ),
    (
        ["train.epochs=2"],
        "train.epochs: grpo plays, and passes over no data; remove it and set train.max_steps",
        [["train.epochs=null", "train.max_steps=5"]],
    ),
    (
        ["method.name=orpo", DATA, "ref_model=org/base"],
        "method.ref_model: orpo does not use it (only dpo and kto do; orpo and simpo have no reference model, and that "
        "of grpo and rloo is the start); remove it, or set method.name to dpo or kto",
        [["ref_model=null"], ["method.name=dpo"], ["method.name=kto"]],
    ),
    (
        ["method.name=simpo", DATA, "ref_model_adapters=org/adapter"],
        "method.ref_model_adapters: simpo does not use it (only dpo and kto do; orpo and simpo have no reference "
        "model, and that of grpo and rloo is the start); remove it, or set method.name to dpo or kto",
        [["ref_model_adapters=null"], ["method.name=kto"]],
    ),
    (
        ["method.name=kto", DATA, "gamma=0.5"],
        "method.gamma: kto does not use it (only simpo does); remove it, or set method.name to simpo",
        [["gamma=null"], ["method.name=simpo"]],
    ),
    (
        ["method.name=dpo", DATA, "chosen_weight=2"],
        "method.chosen_weight: dpo does not use it (only kto does); remove it, or set method.name to kto",
        [["chosen_weight=1"], ["method.name=kto"]],
    ),
    (
        ["method.name=orpo", DATA, "ftx=0.1"],
        "method.ftx: orpo does not use it (only dpo and simpo do; orpo has such a term of its own); remove it, or set "
        "method.name to dpo or simpo",
        [["ftx=0"], ["method.name=dpo"], ["method.name=simpo"]],
    ),
    (
        ["method.name=sft", DATA, "beta=0.1"],
        "method.beta: sft does not use it (only grpo and rloo and dpo and orpo and simpo and kto do); remove it, or "
        "set method.name to grpo or rloo or dpo or orpo or simpo or kto",
        [["beta=null"], ["method.name=dpo"]],
    ),
    (
        ["method.name=rloo", "entropy_coef=0.01"],
        "method.entropy_coef: rloo does not use it (only grpo does; TRL has an entropy bonus for grpo alone); remove "
        "it, or set method.name to grpo",
        [["entropy_coef=0"], ["method.name=grpo"]],
    ),
    (
        ["tail_coef=0.1"],
        "method.tail_coef: presses on the tokens that sampling hides, and none is hidden; set tail_coef to 0, or "
        "method.min_p to 0.02",
        [["tail_coef=0"], ["min_p=0.02"], ["top_k=20"], ["top_p=0.9"]],
    ),
    (
        ["method.name=dpo", DATA, "reward_model=org/judge"],
        "method.reward_model: dpo does not use it (only grpo and rloo do); remove it, or set method.name to grpo or "
        "rloo",
        [["reward_model=null"], ["method.name=grpo"]],
    ),
    (
        ["reward_model_type=api"],
        "method.reward_model_type: says how a reward model is loaded (api met), and none is named; set "
        "method.reward_model, or remove it",
        [["reward_model=org/judge"], ["reward_model_type=full"]],
    ),
    (
        ["reward_model=org/judge", "reward_model_type=lora"],
        "method.reward_model_type: a reward model that is an adapter shares its base with a model that trains "
        "adapters; add model.lora, for example {r: 8, alpha: 16}, or give a whole reward model and reward_model_type: "
        "full",
        [[LORA], ["reward_model_type=full"]],
    ),
    # losses
    (
        ["method.name=dpo", DATA, "loss_type=dapo"],
        "method.loss_type: dpo has no loss 'dapo'; write sigmoid or hinge or ipo or exo_pair or nca_pair or robust or "
        "bco_pair or sppo_hard or aot or aot_unpaired or apo_zero or apo_down or discopop or sft or sigmoid_norm, or "
        "set method.name to grpo",
        [["loss_type=hinge"], ["method.name=grpo"]],
    ),
    (
        ["method.name=orpo", DATA, "loss_type=kto"],
        "method.loss_type: orpo has one loss only ('kto' met); remove it, or set method.name to kto",
        [["loss_type=null"], ["method.name=kto"]],
    ),
    (
        ["method.name=dpo", DATA, "loss_type=ipo", "label_smoothing=0.1"],
        "method.label_smoothing: loss ipo does not smooth labels (0.1 met); set it to 0, or set method.loss_type to "
        "sigmoid",
        [["label_smoothing=0"], ["loss_type=sigmoid"]],
    ),
    (
        ["method.name=dpo", DATA, "loss_type=exo_pair"],
        "method.loss_type: loss exo_pair is only defined with smoothed labels; set method.label_smoothing, for example "
        "to 0.001",
        [["label_smoothing=0.001"]],
    ),
    (
        ["method.name=simpo", DATA, "loss_type=hinge", "gamma=0.5"],
        "method.gamma: loss hinge asks for no margin; remove it, or set method.loss_type to simpo",
        [["gamma=null"], ["loss_type=simpo"]],
    ),
    # weights
    (
        ["load_in_8bit=true"],
        "model.load_in_8bit: quantized weights cannot be trained themselves; add adapters, for example model.lora: "
        "{r: 16, alpha: 32}",
        [["model.lora={r: 16, alpha: 32}"]],
    ),
    (
        [LORA, "load_in_8bit=true", "load_in_4bit=true"],
        "model.load_in_8bit: weights are quantized to 4 bits or to 8 (both are true); set one of them to false",
        [["load_in_8bit=false"], ["load_in_4bit=false"]],
    ),
    (
        ["model.adapter=org/adapter"],
        "model.adapter: a trained adapter is trained on as an adapter; add model.lora with its rank, for example "
        "{r: 8, alpha: 16}, or merge it into the model and give the result as model.path",
        [[LORA], ["model.adapter=null"]],
    ),
    (
        [PISSA, "load_in_4bit=true"],
        "model.lora.pissa: principal components are those of whole weights, and model.load_in_4bit quantizes them; set "
        "one of them to false",
        [["pissa=false"], ["load_in_4bit=false"]],
    ),
    (
        [PISSA, "model.adapter=org/adapter"],
        "model.lora.pissa: principal components are a start, and model.adapter is trained already; set pissa to false",
        [["pissa=false"]],
    ),
    (
        [PISSA, "method.name=kto", DATA],
        "model.lora.pissa: kto holds the model to what it was before training, and pissa leaves no such reference; set "
        "pissa to false",
        [["pissa=false"]],
    ),
    (
        [PISSA, "beta=0.1"],
        "model.lora.pissa: grpo holds the model to what it was before training, and pissa leaves no such reference; "
        "set pissa to false or method.beta to 0",
        [["pissa=false"], ["beta=0"]],
    ),
    # data
    (
        ["method.name=sft", DATA, "streaming=true", "train.epochs=3"],
        "train.epochs: a stream has no end that is known, so 3 passes over it cannot be planned; set train.max_steps "
        "(and epochs to null), or dataset.streaming to false",
        [["train.max_steps=10"], ["streaming=false"]],
    ),
    (
        ["method.name=sft", DATA, "streaming=true", "max_samples=10"],
        "dataset.max_samples: a stream is read as far as it is needed; remove max_samples and set train.max_steps, or "
        "set dataset.streaming to false",
        [["max_samples=null"], ["streaming=false"]],
    ),
    (
        ["method.name=sft", DATA, "streaming=true", "val_size=0.1"],
        "dataset.val_size: no share of a stream can be held out (0.1 met); write a number of rows, such as 200, or set "
        "dataset.streaming to false",
        [["val_size=200"], ["streaming=false"]],
    ),
    (
        ["method.name=sft", DATA, "eval_path=[other.jsonl]", "val_size=5"],
        "dataset.val_size: held-out rows are given already by eval_path (5 met); set val_size to 0, or remove "
        "eval_path",
        [["val_size=0"], ["eval_path=[]"]],
    ),
    # batches
    (
        ["num_iterations=2", "train.save_steps=25"],
        "train.save_steps: a checkpoint every 25 steps falls within a sampled batch, which lasts 2 steps: resuming "
        "would not be exact; set save_steps to 24 or 26",
        [["save_steps=24"], ["save_steps=26"]],
    ),
    (
        ["steps_per_generation=4", "train.save_steps=2"],
        "train.save_steps: a checkpoint every 2 steps falls within a sampled batch, which lasts 4 steps: resuming "
        "would not be exact; set save_steps to 4",
        [["save_steps=4"]],
    ),
    (
        ["method.name=kto", DATA, "per_device_train_batch_size=1", "gradient_accumulation_steps=8"],
        "train.per_device_train_batch_size: kto compares rows of one batch, and a batch of 1 has no other; set "
        "per_device_train_batch_size to 2 (and gradient_accumulation_steps to 4, for steps of the same size)",
        [["per_device_train_batch_size=2", "gradient_accumulation_steps=4"]],
    ),
    # the course of a run
    (
        ["max_completion_length=2000", "max_prompt_length=100"],
        "method.max_completion_length: a prompt of 100 and a completion of 2000 tokens do not fit into 2048; set "
        "model.max_seq_length to 2100, or ask for less",
        [["model.max_seq_length=2100"], ["max_prompt_length=48"]],
    ),
    (
        ["output.overwrite=true", "output.resume=runs/x"],
        "output.overwrite: a run cannot be deleted and gone on with; set overwrite to false to go on, or resume to "
        "false to start anew",
        [["output.overwrite=false"], ["output.resume=false"]],
    ),
    (
        ["sandbox.ray_address=auto"],
        "sandbox.ray_address: names a Ray cluster, and referees run on this machine (runner local met); set "
        "sandbox.runner to ray, or remove it",
        [["sandbox.runner=ray"], ["sandbox.ray_address=null"]],
    ),
    (
        ["output.resume=true"],
        "output.resume: which run to go on with is not said; set output.name, or write the run's folder here",
        [["output.name=x"], ["output.resume=runs/x"]],
    ),
]


@pytest.mark.parametrize(("asked", "said", "mends"), BROKEN, ids=[said.partition(":")[0] for _, said, _ in BROKEN])
def test_a_broken_constraint_says_what_to_do_and_that_helps(asked, said, mends):
    with pytest.raises(ConfigError) as caught:
        load_config(None, asked)
    assert str(caught.value) == f"command line: {said}"
    for mend in mends:
        load_config(None, [*asked, *mend])


@pytest.mark.parametrize("stage", STAGE_LOSSES)
def test_every_loss_of_a_stage_is_taken_and_the_usual_one_is_first(stage):
    base = [f"method.name={stage}", *([] if stage in ("grpo", "rloo") else [DATA])]
    usual = load_config(None, base).config.method
    assert usual.effective_loss_type == (STAGE_LOSSES[stage][0] if STAGE_LOSSES[stage] else None)
    for loss in STAGE_LOSSES[stage]:
        smoothed = ["label_smoothing=0.001"] if loss == "exo_pair" else []
        assert load_config(None, [*base, f"loss_type={loss}", *smoothed]).config.method.effective_loss_type == loss


def test_a_run_that_saves_only_its_last_step_needs_no_alignment():
    load_config(None, ["num_iterations=2", "train.max_steps=3", "train.save_steps=5"])


def test_words_for_stages_that_others_know_are_explained(errors):
    assert errors("method: {name: ppo}")[0].endswith(
        "PPO is gone from TRL: use grpo or rloo, which need no model of values"
    )
    assert errors("method: {name: rm}")[0].endswith("it is called reward here")
    (line,) = errors("method: {name: dpo, loss_type: kto_pair}\ndataset: rows.jsonl")
    assert line.endswith("kto is a stage of its own: set method.name to kto, and give rows with a label")


def test_the_default_breaks_nothing():
    assert violations(RunConfig()) == []


def test_prompts_of_a_stream_cannot_be_checked():
    stream = ["method.name=sft", "dataset.path=[x.jsonl]", "dataset.streaming=true"]
    with pytest.raises(ConfigError, match=r"max_prompt_length: the prompts of a stream cannot all be checked"):
        load_config(None, [*stream, "method.max_prompt_length=64"])
    load_config(None, stream)
