"""From LLaMA-Factory's flat keys to the fields of the schema, each value keeping the place where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

from envrl.config.document import Node
from envrl.config.llamafactory.elsewhere import REFUSED, TOLD, refused_family, told_family
from envrl.config.llamafactory.names import CONVERTED, MOVED, STAGE_SETTINGS, is_known, known_names
from envrl.config.llamafactory.values import flag, items, positive, shown, words
from envrl.config.problems import Place, Problem
from envrl.errors import nearest

__all__ = ["Assignment", "Converted", "convert"]

_STAGES = {"rm": "reward"} | {
    name: name for name in ("pt", "sft", "reward", "dpo", "kto", "orpo", "simpo", "grpo", "rloo")
}
_PAIRED = ("sigmoid", "hinge", "ipo")
_DEFAULT = Place("LLaMA-Factory's default")
# Where the defaults of LLaMA-Factory (and of transformers, under it) differ from ours.
_DEFAULTS: Mapping[str, object] = {
    "train.learning_rate": 5e-5,
    "train.lr_scheduler_type": "linear",
    "train.epochs": 3.0,
    "train.seed": 42,
    "train.gradient_checkpointing": True,
    "train.logging_steps": 500,
    "train.save_steps": 500,
}


class Assignment(NamedTuple):
    """A value for a field of the schema, and the flat key that it was written under (empty for a default)."""

    field: str
    node: Node
    key: str = ""


class Converted(NamedTuple):
    """What a set of flat keys comes to."""

    assignments: list[Assignment]
    problems: list[Problem]
    notes: list[Problem]


def convert(flat: Mapping[str, Node], stage: str | None = None, *, whole: bool = True) -> Converted:
    """Reads flat keys.

    Args:
        flat: values by LLaMA-Factory's names.
        stage: the stage, where ``flat`` does not say it: of the file that these are overrides of.
        whole: whether this is a file of LLaMA-Factory, in which what is not written is its default; else these are
            single keys over a file of ours.
    """
    reader = _Reader(flat, stage, whole)
    if whole:
        reader.set_defaults()
    for name, node in flat.items():
        reader.read(name, node)
    return Converted(reader.assignments, reader.problems, reader.notes)


class _Reader:
    """Reads one key after another; methods named for keys read those that need thought."""

    def __init__(self, flat: Mapping[str, Node], stage: str | None, whole: bool) -> None:
        self._whole = whole
        # For LLaMA-Factory, null is a key that was not written.
        self._flat = {name: node for name, node in flat.items() if node.value is not None}
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._stage = self._find_stage(stage)
        self._adapters = self._value("finetuning_type", "lora") == "lora"

    def _value(self, name: str, default: object) -> object:
        node = self._flat.get(name)
        return default if node is None else node.value

    def _find_stage(self, known: str | None) -> str:
        stage = _STAGES.get(str(self._value("stage", known or "sft")), "sft")
        if stage == "dpo" and self._value("pref_loss", "sigmoid") in ("orpo", "simpo"):
            return str(self._value("pref_loss", "sigmoid"))
        return stage

    def _put(self, field: str, value: object, node: Node, key: str) -> None:
        if isinstance(value, list):
            value = [Node(item, node.place, node.key) for item in value]
        assert value is None or isinstance(value, str | int | float | bool | list | dict)
        self.assignments.append(Assignment(field, Node(value, node.place, node.key), key))

    def _refuse(self, name: str, node: Node, text: str) -> None:
        self.problems.append(Problem(node.place, name, text))

    def _tell(self, name: str, node: Node, text: str) -> None:
        self.notes.append(Problem(node.key, name, text))

    def set_defaults(self) -> None:
        """Put LLaMA-Factory's defaults where ours differ; what is written goes over them."""
        nowhere = Node(None, _DEFAULT, _DEFAULT)
        plays = self._stage in ("grpo", "rloo")  # over no data
        for field, value in _DEFAULTS.items():
            if not (plays and field == "train.epochs"):
                self._put(field, value, nowhere, "")
        self._put("method.name", self._stage, nowhere, "")
        if plays:
            self._put("model.contract", "chat", nowhere, "")
        elif self._stage in STAGE_SETTINGS["pref_beta"].stages:
            self._put("method.beta", STAGE_SETTINGS["pref_beta"].default, nowhere, "")
        if self._adapters:
            self._put("model.lora.r", 8, nowhere, "")
            rank = self._value("lora_rank", 8)
            self._put("model.lora.alpha", 2 * rank if isinstance(rank, int) and rank > 0 else 16, nowhere, "")
        # A bare word is a name in dataset_info.json; what looks like a path or an id is itself.
        named = [item for key in ("dataset", "eval_dataset") for item in items(self._flat.get(key))]
        if any("/" not in name and not PurePath(name).suffix for name in named):
            self._put("dataset.info", "data", nowhere, "")

    def read(self, name: str, node: Node) -> None:
        """Read one key, whatever it is."""
        setting = STAGE_SETTINGS.get(name)
        refused, told = REFUSED.get(name), TOLD.get(name)
        if node.value is None and is_known(name):
            return
        if name in CONVERTED:
            getattr(self, f"_do_{name}")(node)
        elif name in MOVED:
            self._put(MOVED[name], words(node), node, name)
        elif setting is not None:
            if self._stage in setting.stages:
                self._put(setting.field, words(node), node, name)
            elif node.value != setting.default:
                self._tell(name, node, f"stage {self._stage} does not use it")
        elif refused is not None:
            if flag(node) not in refused.neutral:
                self._refuse(name, node, f"not done by envrl: {refused.text}")
        elif told is not None:
            if flag(node) not in told.neutral:
                self._tell(name, node, f"not done by envrl: {told.text}")
        elif text := refused_family(name):
            self._refuse(name, node, f"not done by envrl: {text}")
        elif text := told_family(name):
            self._tell(name, node, f"not done by envrl: {text}")
        else:
            close = nearest(name, known_names())
            hint = f"did you mean {' or '.join(close)}?" if close else "remove it"
            self.problems.append(Problem(node.key, name, f"unknown key of LLaMA-Factory; {hint}"))

    # stage and loss

    def _do_stage(self, node: Node) -> None:
        if node.value == "ppo":
            self._refuse(
                "stage",
                node,
                "PPO is gone from TRL; write stage: grpo or stage: rloo, which learn from rewards without a model of "
                "values",
            )
        elif isinstance(node.value, str) and node.value in _STAGES:
            self._put("method.name", self._stage, node, "stage")
        else:
            self._refuse("stage", node, f"unknown stage ({shown(node)} met); write one of {', '.join(_STAGES)}")

    def _do_pref_loss(self, node: Node) -> None:
        loss = node.value
        if loss == "kto_pair":
            self._refuse(
                "pref_loss",
                node,
                "kto is a stage of its own; write stage: kto and give rows with a label, or pref_loss: sigmoid",
            )
        elif loss not in (*_PAIRED, "orpo", "simpo"):
            choices = ", ".join((*_PAIRED, "orpo", "simpo"))
            self._refuse("pref_loss", node, f"unknown loss ({shown(node)} met); write one of {choices}")
        elif self._stage == "dpo":
            self._put("method.loss_type", loss, node, "pref_loss")
        elif self._stage != loss and loss != "sigmoid":
            self._tell("pref_loss", node, f"stage {self._stage} does not use it")

    def _do_use_dft_loss(self, node: Node) -> None:
        if flag(node) is not True:
            return
        if self._stage in ("sft", "pt"):
            self._put("method.loss_type", "dft", node, "use_dft_loss")
        else:
            self._tell("use_dft_loss", node, f"stage {self._stage} does not use it")

    def _do_packing(self, node: Node) -> None:
        packs = self._stage == "pt"  # LLaMA-Factory's default, too
        if flag(node) is not packs:
            does = "are packed into pieces of equal length" if packs else "are sequences of their own"
            self._refuse("packing", node, f"not done by envrl: rows of stage {self._stage} {does}; remove it")

    # what is trained

    def _do_finetuning_type(self, node: Node) -> None:
        if node.value == "full":
            self._put("model.lora", None, node, "finetuning_type")
        elif node.value in ("freeze", "oft"):
            self._refuse(
                "finetuning_type", node, f"not done by envrl ({node.value} met); write lora (adapters) or full"
            )
        elif node.value != "lora":
            self._refuse("finetuning_type", node, f"unknown type ({shown(node)} met); write lora or full")

    def _adapter(self, name: str, field: str, value: object, node: Node) -> None:
        if self._adapters:
            self._put(f"model.lora.{field}", value, node, name)
        elif name in ("use_rslora", "use_dora", "pissa_init") and value:
            self._refuse(name, node, "only adapters have it; write finetuning_type: lora, or remove it")
        elif value:
            self._tell(name, node, "only adapters have it, and the whole model is trained")

    def _do_lora_rank(self, node: Node) -> None:
        self._adapter("lora_rank", "r", node.value, node)

    def _do_lora_alpha(self, node: Node) -> None:
        self._adapter("lora_alpha", "alpha", node.value, node)

    def _do_lora_dropout(self, node: Node) -> None:
        self._adapter("lora_dropout", "dropout", node.value, node)

    def _do_lora_target(self, node: Node) -> None:
        names = items(node)
        self._adapter("lora_target", "target_modules", "all-linear" if names == ["all"] else names, node)

    def _do_use_rslora(self, node: Node) -> None:
        self._adapter("use_rslora", "rslora", flag(node), node)

    def _do_use_dora(self, node: Node) -> None:
        self._adapter("use_dora", "dora", flag(node), node)

    def _do_pissa_init(self, node: Node) -> None:
        self._adapter("pissa_init", "pissa", flag(node), node)

    def _do_adapter_name_or_path(self, node: Node) -> None:
        names = items(node)
        if len(names) > 1:
            self._refuse(
                "adapter_name_or_path",
                node,
                f"one adapter can be trained on ({len(names)} met); merge the others into the model first",
            )
        else:
            self._put("model.adapter", names[0] if names else "", node, "adapter_name_or_path")

    def _do_quantization_bit(self, node: Node) -> None:
        if node.value in (4, 8):
            self._put(f"model.load_in_{node.value}bit", True, node, "quantization_bit")
        else:
            self._refuse("quantization_bit", node, f"weights are quantized to 4 or 8 bits ({shown(node)} met)")

    def _do_use_unsloth(self, node: Node) -> None:
        if flag(node) is True:
            self._put("model.backend", "unsloth", node, "use_unsloth")

    def _do_pure_bf16(self, node: Node) -> None:
        if flag(node) is True:
            self._put("model.dtype", "bfloat16", node, "pure_bf16")

    def _do_disable_gradient_checkpointing(self, node: Node) -> None:
        self._put("train.gradient_checkpointing", flag(node) is not True, node, "disable_gradient_checkpointing")

    def _do_use_cpu(self, node: Node) -> None:
        if flag(node) is True:
            self._put("train.device", "cpu", node, "use_cpu")

    # data

    def _do_dataset(self, node: Node) -> None:
        self._put("dataset.path", items(node), node, "dataset")

    def _do_eval_dataset(self, node: Node) -> None:
        self._put("dataset.eval_path", items(node), node, "eval_dataset")

    # output

    def _do_output_dir(self, node: Node) -> None:
        path = PurePath(str(node.value))
        if path.name in ("", ".."):
            self._refuse("output_dir", node, f"names no folder of its own ({shown(node)} met); write runs/NAME")
            return
        self._put("output.root", str(path.parent), node, "output_dir")
        self._put("output.name", path.name, node, "output_dir")

    def _do_resume_from_checkpoint(self, node: Node) -> None:
        value = flag(node)
        if isinstance(value, str) and PurePath(value).name.startswith("checkpoint-"):
            self._refuse(
                "resume_from_checkpoint",
                node,
                f"a run goes on from its last complete checkpoint ({shown(node)} met); write the folder of the run, "
                "or true",
            )
        else:
            self._put("output.resume", value, node, "resume_from_checkpoint")

    def _do_report_to(self, node: Node) -> None:
        names = items(node)
        self._put("train.report_to", [] if names == ["none"] else names, node, "report_to")

    # the course of the optimiser

    def _do_per_device_train_batch_size(self, node: Node) -> None:
        name, value = "per_device_train_batch_size", node.value
        if self._halved is not None:
            value = 2
            self._tell(
                name,
                node,
                f"kto compares rows of one batch: 1 × {2 * self._halved} is taken as 2 × {self._halved}, a step of the "
                "same size",
            )
        self._put(f"train.{name}", value, node, name)

    def _do_gradient_accumulation_steps(self, node: Node) -> None:
        name = "gradient_accumulation_steps"
        self._put(f"train.{name}", node.value if self._halved is None else self._halved, node, name)

    @property
    def _halved(self) -> int | None:
        """How many batches of 2 take the place of those of 1, if they must.

        LLaMA-Factory pairs the rows of kto beforehand, TRL within a batch: the same step, cut another way.
        """
        steps = self._value("gradient_accumulation_steps", None)
        alone = self._whole and self._stage == "kto" and self._value("per_device_train_batch_size", None) == 1
        return steps // 2 if alone and isinstance(steps, int) and steps > 0 and steps % 2 == 0 else None

    def _do_num_train_epochs(self, node: Node) -> None:
        if positive(self._value("max_steps", -1)):
            self._tell("num_train_epochs", node, "max_steps comes before it")
        else:
            self._put("train.epochs", node.value, node, "num_train_epochs")

    def _do_max_steps(self, node: Node) -> None:
        if node.value == -1:  # transformers' word for none
            return
        self._put("train.max_steps", node.value, node, "max_steps")
        self._put("train.epochs", None, node, "max_steps")

    def _do_warmup_ratio(self, node: Node) -> None:
        if not self._value("warmup_steps", 0):
            self._put("train.warmup_steps", node.value or 0, node, "warmup_ratio")
        elif node.value:
            self._tell("warmup_ratio", node, "warmup_steps comes before it")

    def _do_warmup_steps(self, node: Node) -> None:
        if node.value or "warmup_ratio" not in self._flat:
            self._put("train.warmup_steps", node.value, node, "warmup_steps")

    def _do_top_k(self, node: Node) -> None:
        self._put("method.top_k", node.value or None, node, "top_k")
