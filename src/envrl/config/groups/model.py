"""The group ``model``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from envrl.config.groups.base import Flag, Group, Text

__all__ = ["LoraConfig", "ModelConfig", "VllmConfig"]


class LoraConfig(Group):
    """Low-rank adapters, trained in place of the whole model."""

    r: int = Field(ge=1, description="rank of the adapters")
    alpha: int = Field(ge=1, description="scale of the adapters, divided by r")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout before the adapters")
    target_modules: list[str] | Literal["all-linear"] = Field(
        default="all-linear", description="modules that get adapters: a list of names, or all-linear"
    )
    rslora: Flag = Field(default=False, description="divide alpha by the root of r")
    dora: Flag = Field(default=False, description="learn magnitude and direction apart")
    pissa: Flag = Field(default=False, description="start from the weights' principal components")


class VllmConfig(Group):
    """How vLLM samples completions in training, where ``model.generation`` is vllm."""

    mode: Literal["colocate", "server"] = Field(
        default="colocate", description="vLLM within the training process, or a server that 'trl vllm-serve' started"
    )
    gpu_memory_utilization: float = Field(
        default=0.3, gt=0, lt=1, description="share of a GPU's memory that colocated vLLM takes"
    )
    tensor_parallel_size: int = Field(default=1, ge=1, description="GPUs that colocated vLLM spreads the model over")
    sleep_mode: Flag = Field(
        default=False, description="free colocated vLLM's memory while the model trains (Unsloth: standby)"
    )
    server_base_url: Text | None = Field(default=None, description="where the server is, such as http://localhost:8000")
    server_timeout: float = Field(default=240.0, gt=0, description="seconds to wait for the server")


class ModelConfig(Group):
    """What writes completions."""

    path: Text = Field(default="tiny", description="tiny, a Hugging Face id, or a local path")
    backend: Literal["transformers", "unsloth"] = Field(
        default="transformers", description="library that loads and trains the model"
    )
    generation: Literal["transformers", "vllm"] = Field(
        default="transformers", description="library that samples completions"
    )
    contract: Literal["tiny", "chat", "reasoning", "notebook"] = Field(
        default="tiny", description="how a strategy is taken out of a completion"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="number type of the loaded weights"
    )
    load_in_4bit: Flag = Field(default=False, description="load the frozen weights quantized to 4 bits")
    load_in_8bit: Flag = Field(default=False, description="load the frozen weights quantized to 8 bits")
    load_in_fp8: Flag = Field(default=False, description="load the frozen weights in 8-bit floats; Unsloth alone can")
    max_seq_length: int = Field(default=2048, ge=16, description="most tokens of prompt and completion together")
    trust_remote_code: Flag = Field(default=False, description="run Python code that comes with the model")
    adapter: Text | None = Field(default=None, description="trained adapter to load on the model: id or path")
    lora: LoraConfig | None = Field(default=None, description="adapters to train; null trains the whole model")
    vllm: VllmConfig = Field(default_factory=VllmConfig, description="vLLM, where it samples completions")
