"""Unsloth, by a stand-in with its face: what it is told, and when it is imported."""

from __future__ import annotations

import importlib.util
import sys
import types

import pytest
from transformers import Mistral3Config, Qwen3Config

from envrl.config import LoraConfig, ModelConfig, VllmConfig
from envrl.errors import ModelError
from envrl.models import load_model, loading, prepare_backend

# The parameters of unsloth 2026.10.7, read off its source.
FROM_PRETRAINED = set(
    "model_name max_seq_length dtype load_in_4bit load_in_8bit load_in_16bit full_finetuning token device_map "
    "rope_scaling fix_tokenizer trust_remote_code use_gradient_checkpointing resize_model_vocab revision "
    "use_exact_model_name offload_embedding float32_mixed_precision fast_inference gpu_memory_utilization "
    "float8_kv_cache random_state max_lora_rank disable_log_stats qat_scheme load_in_fp8 unsloth_tiled_mlp "
    "text_only".split()
)
GET_PEFT_MODEL = set(
    "model r target_modules lora_alpha lora_dropout bias layers_to_transform use_gradient_checkpointing random_state "
    "max_seq_length use_rslora modules_to_save init_lora_weights loftq_config use_dora".split()
)


class Tokenizer:
    chat_template = "{{ messages }}"
    pad_token = "<pad>"


@pytest.fixture
def unsloth(monkeypatch):
    """A module that keeps what it is told."""
    monkeypatch.delitem(sys.modules, "trl", raising=False)
    module = types.ModuleType("unsloth")
    module.calls = []
    module.standby = []
    find_spec = importlib.util.find_spec

    class FastLanguageModel:
        further = frozenset()

        @staticmethod
        def from_pretrained(**options):
            assert options.keys() <= FROM_PRETRAINED
            module.calls.append(("load", options))
            if options["model_name"] == "nowhere":
                raise OSError("no such model")
            return "base", Tokenizer()

        @classmethod
        def get_peft_model(cls, model, **options):
            assert options.keys() <= GET_PEFT_MODEL | cls.further
            module.calls.append((f"adapt {cls.__name__}", options))
            return f"adapted {model}"

    class FastVisionModel(FastLanguageModel):
        further = frozenset({"finetune_vision_layers"})

    module.FastLanguageModel, module.FastVisionModel = FastLanguageModel, FastVisionModel
    monkeypatch.setattr(loading, "_kind", lambda path, config: Mistral3Config if "sees" in path else Qwen3Config)
    module.PatchDPOTrainer = lambda: module.calls.append(("patch", {}))
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: module if name == "unsloth" else find_spec(name, package),
    )

    import_module = importlib.import_module

    def imported(name, package=None):
        if name != "unsloth":
            return import_module(name, package)
        sys.modules["unsloth"] = module
        return module

    monkeypatch.setattr(importlib, "import_module", imported)
    monkeypatch.setenv("UNSLOTH_VLLM_STANDBY", "")
    yield module
    sys.modules.pop("unsloth", None)


def options_of(module, kind):
    (options,) = [options for called, options in module.calls if called == kind]
    return options


def test_a_model_with_adapters(unsloth):
    lora = LoraConfig(r=4, alpha=8, dropout=0.1, target_modules=["q_proj"], rslora=True)
    config = ModelConfig(path="some/model", backend="unsloth", load_in_4bit=True, max_seq_length=768, lora=lora)
    loaded = load_model(config, "cuda", seed=7)
    assert loaded.model == "adapted base"
    assert [called for called, _ in unsloth.calls] == ["patch", "load", "adapt FastLanguageModel"]
    assert options_of(unsloth, "load") == {
        "model_name": "some/model",
        "max_seq_length": 768,
        "dtype": None,
        "load_in_4bit": True,
        "load_in_8bit": False,
        "full_finetuning": False,
        "trust_remote_code": False,
        "random_state": 7,
    }
    adapted = options_of(unsloth, "adapt FastLanguageModel")
    assert (adapted["r"], adapted["lora_alpha"], adapted["lora_dropout"]) == (4, 8, 0.1)
    assert adapted["target_modules"] == ["q_proj"]
    assert adapted["use_rslora"] is True
    assert "use_dora" not in adapted


def test_a_model_that_sees_gets_adapters_for_its_text_alone(unsloth):
    config = ModelConfig(path="a/model-that-sees", backend="unsloth", lora=LoraConfig(r=4, alpha=8))
    assert load_model(config, "cuda").model == "adapted base"
    adapted = options_of(unsloth, "adapt FastVisionModel")
    assert adapted["finetune_vision_layers"] is False
    assert adapted["target_modules"] is None  # to "all-linear" it would add them again


def test_a_model_that_sees_needs_a_gpu(unsloth, monkeypatch):
    def refuse(**options):
        raise NotImplementedError("Vision models are not supported on the CPU.")

    monkeypatch.setattr(unsloth.FastVisionModel, "from_pretrained", refuse)
    with pytest.raises(ModelError, match=r"model-that-sees': Vision models .* Set model\.backend to transformers"):
        load_model(ModelConfig(path="a/model-that-sees", backend="unsloth"), "cpu")


def test_a_whole_model(unsloth):
    import torch

    loaded = load_model(ModelConfig(path="some/model", backend="unsloth", dtype="bfloat16"), "cuda")
    assert loaded.model == "base"
    options = options_of(unsloth, "load")
    assert options["full_finetuning"] is True
    assert options["dtype"] is torch.bfloat16


@pytest.mark.parametrize("bits", ["load_in_8bit", "load_in_fp8"])
def test_other_quantizations(unsloth, bits):
    config = ModelConfig(path="some/model", backend="unsloth", lora=LoraConfig(r=4, alpha=8), **{bits: True})
    load_model(config, "cuda")
    options = options_of(unsloth, "load")
    assert options[bits] is True
    assert options["load_in_4bit"] is False


def test_vllm_within_it_and_its_standby(unsloth, monkeypatch):
    import os

    vllm = VllmConfig(gpu_memory_utilization=0.6, sleep_mode=True)
    lora = LoraConfig(r=32, alpha=64)
    load_model(ModelConfig(path="some/model", backend="unsloth", generation="vllm", vllm=vllm, lora=lora), "cuda")
    options = options_of(unsloth, "load")
    assert options["fast_inference"] is True
    assert options["gpu_memory_utilization"] == 0.6
    assert options["max_lora_rank"] == 32
    assert os.environ["UNSLOTH_VLLM_STANDBY"] == "1"


def test_older_and_newer_versions_may_lack_the_patch(unsloth):
    del unsloth.PatchDPOTrainer
    load_model(ModelConfig(path="some/model", backend="unsloth"), "cuda")
    assert [called for called, _ in unsloth.calls] == ["load"]


def test_it_must_come_before_trl(unsloth, monkeypatch):
    monkeypatch.setitem(sys.modules, "trl", types.ModuleType("trl"))
    with pytest.raises(ModelError, match="patches TRL, which was imported before it"):
        prepare_backend(ModelConfig(path="some/model", backend="unsloth"))


@pytest.mark.parametrize("refusal", [NotImplementedError("You need a GPU."), ImportError("no torchvision\nat all")])
def test_it_may_refuse_to_be_imported(unsloth, monkeypatch, refusal):
    def refuse(name):
        raise refusal

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(ModelError, match=r"cannot be imported here: (You need a GPU\.|no torchvision) \(without a GPU"):
        prepare_backend(ModelConfig(backend="unsloth"))


def test_nothing_is_imported_for_transformers(unsloth):
    prepare_backend(ModelConfig())
    assert "unsloth" not in sys.modules


def test_a_model_that_is_nowhere(unsloth):
    with pytest.raises(ModelError, match=r"model\.path 'nowhere'"):
        load_model(ModelConfig(path="nowhere", backend="unsloth"), "cuda")


def test_quantized_weights_need_bitsandbytes(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, package=None: None if name == "bitsandbytes" else find_spec(name, package),
    )
    with pytest.raises(ModelError, match=r"model\.load_in_4bit: bitsandbytes is not installed"):
        load_model(ModelConfig(load_in_4bit=True, lora=LoraConfig(r=2, alpha=4)), "cpu")
