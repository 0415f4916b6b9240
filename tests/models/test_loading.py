"""Loading: what cannot be loaded is said in one sentence."""

from __future__ import annotations

import importlib.util

import pytest

from envrl.config import MethodConfig, ModelConfig
from envrl.envs import find_task
from envrl.errors import MissingExtraError, ModelError
from envrl.models import choose_device, load_model, model_path, require_training
from envrl.models.loading import _device_map
from envrl.models.writer import write

find_spec = importlib.util.find_spec


@pytest.fixture
def without(monkeypatch):
    """Makes some modules look as if they were not installed."""

    def hide(*names):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, package=None: None if name in names else find_spec(name, package)
        )

    return hide


@pytest.mark.parametrize("module", ["torch", "transformers", "trl", "peft", "accelerate", "datasets"])
def test_training_without_its_extra_names_the_line_that_installs_it(without, module):
    without(module)
    with pytest.raises(MissingExtraError) as caught:
        require_training()
    assert 'pip install "envrl[train]"' in str(caught.value)
    assert module in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "extra"), [(("unsloth", "transformers"), "unsloth"), (("transformers", "vllm"), "vllm")]
)
def test_backends_that_are_not_installed_name_their_extra(without, arguments, extra):
    without("unsloth", "vllm")
    with pytest.raises(MissingExtraError) as caught:
        require_training(*arguments)
    assert f'pip install "envrl[{extra}]"' in str(caught.value)


def test_with_its_extra_training_is_content():
    require_training()


def test_tiny_is_shipped_and_anything_else_is_taken_as_it_stands():
    assert model_path("tiny").endswith("weights")
    assert model_path("Qwen/Qwen3-0.6B") == "Qwen/Qwen3-0.6B"
    assert model_path("./tiny") == "./tiny"


def said(error):
    text = str(error.value)
    assert "\n" not in text
    assert "Traceback" not in text
    assert error.value.__cause__ is None
    return text


@pytest.mark.parametrize("path", ["./nothing/here", "/nothing/here", "~/nothing/here"])
def test_a_folder_that_is_not_there(path):
    with pytest.raises(ModelError) as caught:
        load_model(ModelConfig(path=path), "cpu")
    assert said(caught) == f"model.path {path!r}: there is no such folder"


def test_an_id_that_is_nowhere():
    with pytest.raises(ModelError) as caught:
        load_model(ModelConfig(path="envrl-tests/no-such-model"), "cpu")
    assert "model.path 'envrl-tests/no-such-model': not 'tiny'" in said(caught)


def test_a_folder_that_holds_no_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        load_model(ModelConfig(path=str(tmp_path)), "cpu")
    assert str(tmp_path) in said(caught)


def test_a_model_without_a_chat_template_is_refused(tiny, tmp_path):
    tiny.model.save_pretrained(tmp_path)
    template, tiny.tokenizer.chat_template = tiny.tokenizer.chat_template, None
    try:
        tiny.tokenizer.save_pretrained(tmp_path)
    finally:
        tiny.tokenizer.chat_template = template
    with pytest.raises(ModelError) as caught:
        load_model(ModelConfig(path=str(tmp_path)), "cpu")
    assert "has no chat template" in said(caught)


def test_a_saved_model_is_loaded_from_its_folder(tiny, tmp_path):
    import torch

    tiny.model.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    loaded = load_model(ModelConfig(path=str(tmp_path)), "cpu")
    assert loaded.path == str(tmp_path)
    for name, value in tiny.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers itself, on adapters
def test_a_folder_of_an_adapter_is_loaded_on_its_base(tiny, tmp_path):
    from peft import LoraConfig, get_peft_model

    tiny.model.save_pretrained(tmp_path / "base")
    tiny.tokenizer.save_pretrained(tmp_path / "base")
    adapted = get_peft_model(
        load_model(ModelConfig(path=str(tmp_path / "base")), "cpu").model,
        LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"),
    )
    adapted.save_pretrained(tmp_path / "adapter")
    tiny.tokenizer.save_pretrained(tmp_path / "adapter")
    loaded = load_model(ModelConfig(path=str(tmp_path / "adapter")), "cpu")
    assert any("lora" in name for name, _ in loaded.model.named_parameters())


def test_a_model_that_also_sees_is_loaded_for_its_text(tiny, tmp_path):
    """Mistral 3, which transformers does not know as a plain language model."""
    import torch
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    width = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 8,
    }
    tokens = {"vocab_size": len(tiny.tokenizer), "eos_token_id": tiny.tokenizer.eos_token_id, "num_key_value_heads": 1}
    text = {"model_type": "mistral", "bos_token_id": None, **width, **tokens}
    sight = {"model_type": "pixtral", "image_size": 28, "patch_size": 14, **width}
    saved = Mistral3ForConditionalGeneration(Mistral3Config(text_config=text, vision_config=sight, image_token_index=3))
    saved.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    loaded = load_model(ModelConfig(path=str(tmp_path)), "cpu")
    assert type(loaded.model) is Mistral3ForConditionalGeneration
    assert torch.equal(loaded.model.lm_head.weight, saved.lm_head.weight)
    written = write(loaded, find_task("2048").prompt("tiny"), 2, MethodConfig(max_completion_length=4), seed=0)
    assert [0 < one.tokens <= 4 for one in written] == [True, True]


def test_devices():
    import torch

    assert choose_device("cpu") == "cpu"
    if torch.cuda.is_available():
        assert choose_device("auto") == choose_device("cuda") == "cuda"
    else:
        assert choose_device("auto") == "cpu"
        with pytest.raises(ModelError, match="no CUDA device"):
            choose_device("cuda")


def test_a_model_that_cannot_be_moved_is_put_on_the_gpu_of_its_process(monkeypatch):
    monkeypatch.setattr("torch.cuda.current_device", lambda: 3)
    assert _device_map("cuda") == {"": 3}
    assert _device_map("cpu") == {"": "cpu"}
